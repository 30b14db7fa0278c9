//! Owns what a team calls blocking: a level for each grade, and for single rules.

use super::{Finding, Grade, Rule};
use std::collections::BTreeMap;

/// What a finding does to the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is not said.
    Off,
    /// It is said.
    Advice,
    /// It is said, and the check fails.
    Block,
}

impl Level {
    /// The level of that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "off" => Self::Off,
            "advice" => Self::Advice,
            "block" => Self::Block,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Advice => "advice",
            Self::Block => "block",
        }
    }
}

/// Levels that a team set; the rest is as it is without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    grades: BTreeMap<Grade, Level>,
    rules: BTreeMap<Rule, Level>,
}

/// Why a level cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Neither a grade nor a rule.
    #[error("`{0}` is neither a grade nor a rule of the check")]
    Name(String),
    /// No level.
    #[error("`{0}` is no level of the check: off, advice or block")]
    Level(String),
    /// What cannot be deployed can only be allowed by name.
    #[error("`{0}` is always said: it would fail at the database")]
    Always(String),
}

impl Policy {
    /// Sets the level of a grade or a rule.
    pub fn set(&mut self, name: &str, level: &str) -> Result<(), PolicyError> {
        let level = Level::from_word(level).ok_or_else(|| PolicyError::Level(level.to_owned()))?;
        if let Some(grade) = Grade::ALL.into_iter().find(|grade| grade.word() == name) {
            if grade == Grade::Wrong && level == Level::Off {
                return Err(PolicyError::Always(name.to_owned()));
            }
            self.grades.insert(grade, level);
            return Ok(());
        }
        let rule = Rule::from_name(name).ok_or_else(|| PolicyError::Name(name.to_owned()))?;
        self.rules.insert(rule, level);
        Ok(())
    }

    /// Reads `name=level` pairs with commas between them.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, level) =
                pair.split_once('=').ok_or_else(|| PolicyError::Name(pair.to_owned()))?;
            policy.set(name.trim(), level.trim())?;
        }
        Ok(policy)
    }

    /// What a finding does. What somebody allowed is only said; a rule that has become advice by
    /// what is known counts as advice, whatever the team says of the rule.
    pub fn level(&self, finding: &Finding) -> Level {
        let of_grade = |grade: &Grade| {
            self.grades.get(grade).copied().unwrap_or(match grade {
                Grade::Advice => Level::Advice,
                Grade::Wrong | Grade::Loses | Grade::Breaks | Grade::Blocks => Level::Block,
            })
        };
        let by_grade = finding.grades.iter().map(of_grade).max().unwrap_or(Level::Off);
        let level = match self.rules.get(&finding.rule) {
            Some(level) => *level,
            None if finding.rule == Rule::Style => Level::Off,
            // Whoever writes out which rows means them; a backup is made all the same.
            None if finding.rule == Rule::DeleteNamed => Level::Advice,
            None => by_grade,
        };
        let softened =
            finding.grade() == Grade::Advice && !finding.rule.grades().contains(&Grade::Advice);
        if softened || finding.allowed.is_some() { level.min(Level::Advice) } else { level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: Rule) -> Finding {
        Finding::of_file(rule, "t", String::new())
    }

    #[test]
    fn a_rule_counts_more_than_its_grades_and_an_exception_more_than_both() {
        let policy = Policy::parse("blocks=advice, drop-column=off,advice=off").unwrap();
        assert_eq!(policy.level(&finding(Rule::CreateIndex)), Level::Advice);
        assert_eq!(policy.level(&finding(Rule::DropColumn)), Level::Off);
        assert_eq!(policy.level(&finding(Rule::DropTable)), Level::Block);
        assert_eq!(policy.level(&finding(Rule::ChangeColumnType)), Level::Block);
        assert_eq!(policy.level(&finding(Rule::EnumOrder)), Level::Off);
        let none = Policy::default();
        assert_eq!(none.level(&finding(Rule::Style)), Level::Off);
        assert_eq!(none.level(&finding(Rule::DropIndex)), Level::Advice);
        let allowed = Finding { allowed: Some("why".into()), ..finding(Rule::DropTable) };
        assert_eq!(none.level(&allowed), Level::Advice);
        let soft = Finding { grades: vec![Grade::Advice], ..finding(Rule::CreateIndex) };
        let strict = Policy::parse("create-index=block").unwrap();
        assert_eq!(strict.level(&soft), Level::Advice);
    }

    #[test]
    fn a_typo_is_an_error() {
        for (text, word) in [
            ("blocs=off", "blocs"),
            ("drop-table=no", "no"),
            ("drop-table", "drop-table"),
            ("wrong=off", "wrong"),
        ] {
            assert!(Policy::parse(text).unwrap_err().to_string().contains(word), "{text}");
        }
    }
}
