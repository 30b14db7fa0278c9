//! Owns making foreign text safe to show: whatever a log or AWS says is data. PURE.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// The text without terminal escapes, with other control characters shown as such. A tab stays.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => skip_escape(&mut letters),
            '\u{9b}' => skip_control_sequence(&mut letters),
            '\n' => cleaned.push_str("\\n"),
            '\r' if letters.peek().is_none() => {}
            '\r' => cleaned.push_str("\\r"),
            hostile if is_hostile(hostile) => {
                cleaned.extend(hostile.escape_unicode());
            }
            other => cleaned.push(other),
        }
    }
    Cow::Owned(cleaned)
}

/// Control characters, those that turn the direction of the text around, and those that nobody sees:
/// with them two names look the same.
fn is_hostile(letter: char) -> bool {
    (letter.is_control() && letter != '\t')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        || matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
        || matches!(letter, '\u{2028}' | '\u{2029}')
}

fn skip_escape(letters: &mut Peekable<Chars<'_>>) {
    match letters.peek() {
        Some('[') => {
            letters.next();
            skip_control_sequence(letters);
        }
        // Texts that end with BEL or ESC \: titles, links. What has no end would swallow the rest.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            letters.next();
            let is_end = |letter: char| matches!(letter, '\u{7}' | '\u{9c}' | '\u{1b}');
            if letters.clone().any(is_end) {
                let end = letters.find(|letter| is_end(*letter));
                if end == Some('\u{1b}') {
                    letters.next_if_eq(&'\\');
                }
            }
        }
        Some('(' | ')' | '#' | '%') => {
            letters.next();
            letters.next();
        }
        Some(_) => {
            letters.next();
        }
        None => {}
    }
}

fn skip_control_sequence(letters: &mut Peekable<Chars<'_>>) {
    while let Some(letter) = letters.next_if(|letter| ('\u{20}'..='\u{7e}').contains(letter)) {
        if ('\u{40}'..='\u{7e}').contains(&letter) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_go_and_control_characters_show() {
        for (text, expected) in [
            ("plain\ttext", "plain\ttext"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("a\rb\nc\r", "a\\rb\\nc"),
            ("\u{9b}2Jx", "x"),
            ("bell\u{7}", "bell\\u{7}"),
            ("\u{202e}abc", "\\u{202e}abc"),
            ("\u{1b}", ""),
            ("\u{1b}]8;;http://x the rest", "8;;http://x the rest"),
            ("pay\u{200b}ments\u{200f}", "pay\\u{200b}ments\\u{200f}"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(is_hostile));
        }
    }
}
