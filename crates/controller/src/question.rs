//! Owns asking a person for a yes, so that a test can answer instead.

use std::collections::VecDeque;
use std::io::IsTerminal as _;

/// Who answers.
#[derive(Debug)]
pub enum Questions {
    /// The person at the terminal, if there is one.
    OfTheTerminal,
    /// A test; an empty list is a place without a terminal.
    Answered(VecDeque<String>),
}

impl Questions {
    /// Whether anybody can answer.
    pub(crate) fn can_ask(&self) -> bool {
        match self {
            Self::OfTheTerminal => std::io::stdin().is_terminal(),
            Self::Answered(answers) => !answers.is_empty(),
        }
    }

    /// Whether the answer to what was just shown is yes. Everything else, and no answer, is no.
    pub(crate) async fn is_yes(&mut self) -> bool {
        matches!(self.answer().await.to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Whether the answer is this name, letter by letter.
    pub(crate) async fn is_name(&mut self, name: &str) -> bool {
        self.answer().await == name
    }

    async fn answer(&mut self) -> String {
        let answer = match self {
            Self::Answered(answers) => answers.pop_front().unwrap_or_default(),
            Self::OfTheTerminal => tokio::task::spawn_blocking(|| {
                let mut line = String::new();
                std::io::stdin().read_line(&mut line).map(|_| line).unwrap_or_default()
            })
            .await
            .unwrap_or_default(),
        };
        answer.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_yes_is_yes() {
        for (answer, yes) in
            [("y\n", true), ("YES", true), ("", false), ("no", false), ("sure", false)]
        {
            let mut questions = Questions::Answered(VecDeque::from([answer.to_owned()]));
            assert!(questions.can_ask());
            assert_eq!(questions.is_yes().await, yes, "{answer}");
            assert!(!questions.can_ask());
        }
        for (answer, same) in [("app\n", true), ("App", false), ("y", false), ("", false)] {
            let mut questions = Questions::Answered(VecDeque::from([answer.to_owned()]));
            assert_eq!(questions.is_name("app").await, same, "{answer}");
        }
    }
}
