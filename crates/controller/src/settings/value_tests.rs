use super::*;
use crate::settings::{Flags, Layers};
use std::collections::BTreeMap;
use std::io::Write as _;

/// What `Layers::read` makes of a text in a flag, in each variable, and in the file.
fn everywhere(key: Key, text: &str) -> Vec<(String, Result<Option<String>, String>)> {
    let found = |layers: Result<Layers, Error>| {
        let layers = layers.map_err(|error| {
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        })?;
        Ok(layers.find(key).map(|setting| setting.value))
    };
    let flags = Flags::from([(key, text.to_owned())]);
    let flag = Layers::read(flags, None, &BTreeMap::new());
    let mut all = vec![(format!("flag --{}", key.name()), found(flag))];
    for name in key.environment() {
        let process = BTreeMap::from([((*name).to_owned(), text.to_owned())]);
        let layers = Layers::read(Flags::new(), None, &process);
        all.push((format!("env {name}"), found(layers)));
    }
    if key.is_in_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        // A text of JSON is one of TOML.
        let quoted = serde_json::to_string(text).unwrap();
        writeln!(file, "{} = {quoted}", key.name()).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let layers = Layers::read(Flags::new(), Some(&path), &BTreeMap::new());
        all.push((format!("`{}` in {path}", key.name()), found(layers)));
    }
    all
}

#[test]
fn a_blank_is_refused_in_every_setting_and_every_layer() {
    for key in Key::ALL {
        for text in ["", " ", "\t", "\r", "\n", " \r\n\t", "\u{a0}"] {
            for (origin, found) in everywhere(key, text) {
                // GitHub writes an empty one for a variable that does not exist.
                let expected = if origin.starts_with("env ") && text.is_empty() {
                    // For one that was lost, too: these are refused where they are used.
                    let is_kept = matches!(key, Key::Image | Key::ServiceImage | Key::Environment);
                    Ok(is_kept.then(String::new))
                } else {
                    Err(format!("{origin} is blank"))
                };
                assert_eq!(found, expected, "{origin}: {text:?}");
            }
        }
    }
}

#[test]
fn blanks_around_a_value_go_and_control_characters_in_it_are_refused() {
    for key in Key::ALL {
        for (origin, found) in everywhere(key, "\t main\r\n") {
            assert_eq!(found, Ok(Some("main".to_owned())), "{origin}");
        }
        let may_have_them = matches!(key.shape(), Shape::List | Shape::Command);
        for text in ["a\tb", "a\rb", "a\nb", "a\0b", "a\u{1b}[1mb"] {
            for (origin, found) in everywhere(key, text) {
                assert_eq!(found.is_ok(), may_have_them, "{origin}: {text:?}");
                if let Err(message) = found {
                    assert!(message.starts_with(&origin), "{message}");
                    assert!(!message.chars().any(char::is_control), "{message:?}");
                }
            }
        }
    }
}

#[test]
fn a_list_is_no_text_and_several_words_are_no_name() {
    for key in Key::ALL {
        let shape = key.shape();
        for (text, good) in [
            ("[\"api\"]", matches!(shape, Shape::List | Shape::Command)),
            ("[api, web]", matches!(shape, Shape::List | Shape::Command)),
            ("a,b", shape != Shape::Word),
            ("a b", shape != Shape::Word),
        ] {
            for (origin, found) in everywhere(key, text) {
                assert_eq!(found.is_ok(), good, "{origin}: {text:?} {found:?}");
            }
        }
    }
}

#[test]
fn a_wrong_type_in_the_file_is_named() {
    for key in Key::ALL.into_iter().filter(|key| key.is_in_file()) {
        let shape = key.shape();
        for (text, good) in [
            ("true", shape == Shape::Truth),
            ("1", false),
            ("1.5", false),
            ("2026-11-20", false),
            ("[\"a\", \"b\"]", shape == Shape::List),
            ("[]", false),
            ("[\"a\", \"\"]", false),
            ("[\"a\", \" \\t\"]", false),
            ("[1]", false),
            ("[true]", false),
            ("{ a = 1 }", false),
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            writeln!(file, "{} = {text}", key.name()).unwrap();
            let path = file.path().to_str().unwrap();
            let found = Layers::read(Flags::new(), Some(path), &BTreeMap::new());
            assert_eq!(found.is_ok(), good, "{} = {text}", key.name());
            if let Err(error) = found {
                assert_eq!(error.exit_code(), 2);
                assert!(error.to_string().contains(key.name()), "{error}");
            }
        }
    }
}
