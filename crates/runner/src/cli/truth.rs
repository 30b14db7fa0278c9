//! Owns reading a yes or no from the environment.

/// The words that [`clap`] knows as well; an empty variable is one that is not set. What is neither
/// is refused, so that no guard is turned on or off by a typing error.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "n" | "f" | "0" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_words_count() {
        for (text, expected) in [
            ("1", Some(true)),
            ("True", Some(true)),
            ("on", Some(true)),
            ("", Some(false)),
            ("0", Some(false)),
            ("NO", Some(false)),
            ("perhaps", None),
            (" ", None),
        ] {
            assert_eq!(truth(text).ok(), expected, "{text:?}");
        }
    }
}
