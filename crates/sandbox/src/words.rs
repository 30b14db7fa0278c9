//! Owns splitting a command line into words as a shell would, without its expansions.

use std::fmt;

/// Why a command line is not a list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// A quote was opened and not closed.
    UnclosedQuote(char),
    /// The line ends in a backslash.
    TrailingBackslash,
}

impl fmt::Display for WordsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedQuote(quote) => write!(formatter, "unclosed quote {quote}"),
            Self::TrailingBackslash => formatter.write_str("nothing follows the last backslash"),
        }
    }
}

impl std::error::Error for WordsError {}

/// Splits at blanks; understands `'…'`, `"…"` and backslash. `$`, `*` and `;` mean nothing.
pub(crate) fn split(line: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            blank if blank.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(inner) => word.push(inner),
                        None => return Err(WordsError::UnclosedQuote('\'')),
                    }
                }
            }
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => {
                let escaped = characters.next().ok_or(WordsError::TrailingBackslash)?;
                word.get_or_insert_default().push(escaped);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(
    characters: &mut impl Iterator<Item = char>,
    word: &mut String,
) -> Result<(), WordsError> {
    const UNCLOSED: WordsError = WordsError::UnclosedQuote('"');
    loop {
        match characters.next().ok_or(UNCLOSED)? {
            '"' => return Ok(()),
            // POSIX: inside double quotes a backslash escapes only these.
            '\\' => match characters.next().ok_or(UNCLOSED)? {
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell_would() {
        let table: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("  a  b\tc ", &["a", "b", "c"]),
            ("sh -c 'echo \"hi\"; exit 3'", &["sh", "-c", "echo \"hi\"; exit 3"]),
            (r#"a "b c" d\ e"#, &["a", "b c", "d e"]),
            (r#""a\"b\\c\n""#, &[r#"a"b\c\n"#]),
            ("a''b \"\"", &["ab", ""]),
            ("pre'fix 'ed", &["prefix ed"]),
            ("$HOME *", &["$HOME", "*"]),
        ];
        for (line, words) in table {
            assert_eq!(split(line).expect(line), words, "{line}");
        }
        assert_eq!(split("a 'b"), Err(WordsError::UnclosedQuote('\'')));
        assert_eq!(split("a \"b"), Err(WordsError::UnclosedQuote('"')));
        assert_eq!(split("a\\"), Err(WordsError::TrailingBackslash));
    }
}
