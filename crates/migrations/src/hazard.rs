//! Which statements of a script are a hazard for a running system, and how bad each one is.
//!
//! squawk's linter finds most of them; what each means for a deployment is decided here, with what
//! the earlier migrations tell and, at the database, with [`live`] knowledge. Pure.

mod action;
mod assess;
pub mod behind;
mod conversion;
mod doubt;
mod effect;
mod exception;
mod known;
pub mod live;
pub mod policy;
mod put_back;
mod reading;
mod rule;
mod search_path;
mod sentence;
mod squawk;
pub mod types;
mod view;
mod words;

pub use assess::suspects;
pub use doubt::Presence;
pub use exception::Exception;
pub use known::Known;
pub use policy::{Level, Policy};
pub use rule::{Grade, Rule, Work};

/// A hazard in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What it does to a running system, the worst first; never empty.
    pub grades: Vec<Grade>,
    /// The table as the database calls it before the deployment, without `public`, where there is one
    /// and its schema can be told.
    pub table: Option<String>,
    /// The column, where it is about one.
    pub column_name: Option<String>,
    /// What it is about, as an exception names it: `users`, `users.email`, `users_email_idx`.
    pub object: String,
    /// The type that a column gets, where the rule is about one.
    pub to_type: Option<String>,
    /// What becomes of the values on the way there.
    pub conversion: types::Conversion,
    /// Whether the table or the column was there before the deployment.
    pub presence: Presence,
    /// Whether it reaches other tables than its own.
    pub cascades: bool,
    /// Line of the file, from 1.
    pub line: u32,
    /// Column of the line in characters, from 1.
    pub column: u32,
    /// What is wrong, in lower case without a full stop.
    pub sentence: String,
    /// What to do instead.
    pub fix: String,
    /// Why somebody allowed it, if somebody did.
    pub allowed: Option<String>,
}

/// What a script is a hazard for, as far as the scripts tell, in the order of its lines; `known` then knows
/// the script too. Who has the database asks for the [`suspects`].
pub fn assess(script: &crate::script::Script, known: &mut Known) -> Vec<Finding> {
    let mut found = suspects(script, known);
    found.retain(|one| one.presence != Presence::Doubted);
    found
}

impl Finding {
    /// A finding about the whole file or directory.
    pub fn of_file(rule: Rule, object: &str, sentence: String) -> Self {
        Self {
            rule,
            grades: rule.grades().to_vec(),
            table: None,
            column_name: None,
            object: object.to_owned(),
            to_type: None,
            conversion: types::Conversion::None,
            presence: Presence::Needed,
            cascades: false,
            line: 1,
            column: 1,
            sentence,
            fix: rule.fix().to_owned(),
            allowed: None,
        }
    }

    /// The worst that it does.
    pub fn grade(&self) -> Grade {
        self.grades.first().copied().unwrap_or(Grade::Advice)
    }

    /// How an approval or an exception names it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.rule.name(), self.object)
    }

    /// What it does, in words: `loses data, breaks the running API`.
    pub fn meaning(&self) -> String {
        let words: Vec<&str> = self.grades.iter().map(|grade| grade.words()).collect();
        words.join(", ")
    }
}
