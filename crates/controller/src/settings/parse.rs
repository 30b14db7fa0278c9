//! Owns the forms that values take: durations, lists, truths, one word of several. PURE.

use super::key::Key;
use super::layers::{Layers, Setting};
use crate::error::Error;
use std::time::Duration;

/// What `--output` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputChoice {
    Auto,
    Text,
    Json,
    Github,
}

/// A word that stands for a value of `T`.
pub(crate) type Word<T> = (&'static str, T);

/// Words for `--output`.
pub(crate) const OUTPUTS: &[Word<OutputChoice>] = &[
    ("auto", OutputChoice::Auto),
    ("text", OutputChoice::Text),
    ("json", OutputChoice::Json),
    ("github", OutputChoice::Github),
];

/// One word of several, or the default.
pub(crate) fn word<T: Copy>(
    layers: &Layers,
    key: Key,
    words: &[Word<T>],
    default: T,
) -> Result<Setting<T>, Error> {
    let Some(setting) = layers.find(key) else {
        return Ok(Setting::by_default(default));
    };
    match words.iter().find(|(word, _)| *word == setting.value) {
        Some((_, value)) => Ok(setting.with(*value)),
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(refuse(&setting, &format!("one of {}", known.join(", "))))
        }
    }
}

/// A duration, if one is set.
pub(crate) fn duration(layers: &Layers, key: Key) -> Result<Option<Setting<Duration>>, Error> {
    let Some(setting) = layers.find(key) else {
        return Ok(None);
    };
    match humantime::parse_duration(&setting.value) {
        Ok(value) => Ok(Some(setting.with(value))),
        Err(_) => Err(refuse(&setting, "a duration such as 90s, 30m or 1h 30m")),
    }
}

/// A truth, or false.
pub(crate) fn truth(layers: &Layers, key: Key) -> Result<Setting<bool>, Error> {
    let Some(setting) = layers.find(key) else {
        return Ok(Setting::by_default(false));
    };
    match setting.value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "enabled" => Ok(setting.with(true)),
        "false" | "0" | "no" | "disabled" => Ok(setting.with(false)),
        _ => Err(refuse(&setting, "true or false")),
    }
}

/// A list separated by commas, if one is set; blanks and brackets of a JSON list are forgiven,
/// because that is how teams keep `VPC_SUBNETS` today.
pub(crate) fn list(layers: &Layers, key: Key) -> Result<Option<Setting<Vec<String>>>, Error> {
    let Some(setting) = layers.find(key) else {
        return Ok(None);
    };
    let items: Vec<String> = setting
        .value
        .split(|letter: char| letter.is_whitespace() || ",[]\"'".contains(letter))
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect();
    if items.is_empty() {
        return Err(refuse(&setting, "a list separated by commas"));
    }
    Ok(Some(setting.with(items)))
}

fn refuse(setting: &Setting<String>, wanted: &str) -> Error {
    Error::usage(format!("`{}` ({}) is not {wanted}", setting.value, setting.origin))
}
