//! A script's statements, and whether it can be one transaction.

mod as_read;
mod bare;
mod beyond;
mod directive;
mod elsewhere;
mod index_statement;
mod large;
mod leaves;
mod local;
mod mode;
mod parse;
mod redact;
mod shown;
mod shows;
mod trace;
mod untold;
mod words;

use std::ops::Range;

pub use as_read::{Comments, as_read};
pub use beyond::{Beyond, Ground, Rehearsal, Rehearsed};
pub use directive::Phase;
pub use index_statement::IndexStatement;
pub(crate) use large::LIMIT as LARGE;
pub use leaves::Leaves;
pub use local::Lasts;
pub use redact::without_literals;
pub use shown::{Fact, Shown, Shows};
pub use trace::{Thing, Trace};

/// The directive that asks for statement by statement, in a comment before the first statement.
pub const TRANSACTION_OFF: &str = "ecs-migrate: transaction=off";

/// Words by which a text may end a transaction, or begin one.
const ENDS: [&str; 9] =
    ["commit", "end", "rollback", "abort", "begin", "start", "prepare", "call", "do"];

/// A script as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The text without a byte order mark, which the server would call a syntax error.
    pub text: String,
    /// Its statements, without empty ones; the whole text as one where it cannot be parsed.
    pub statements: Vec<Statement>,
    /// Whether it can be one transaction.
    pub form: Form,
    /// Whether it says [`TRANSACTION_OFF`].
    pub directive: bool,
    /// When it may run, or the sentence about a comment of ours that is not understood.
    pub phase: Result<Phase, String>,
    /// What the parser could not make sense of; such a script is sent whole.
    pub unparsable: Option<String>,
}

/// One statement, or a group that the script itself makes a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Bytes of the script's text, without the semicolon.
    pub range: Range<usize>,
    /// Line of the file on which it starts, from 1.
    pub line: u32,
    /// What matters about it.
    pub class: Class,
}

/// What matters about a statement for how it may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Runs in a transaction.
    Ordinary,
    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE`: waits for rows, and no reader queues behind it.
    Data,
    /// `SET`, `RESET`: belongs to the session, so a later attempt has to repeat it.
    Setting,
    /// `SET TRANSACTION`: must come before any query of its transaction.
    TransactionMode,
    /// `SET TRANSACTION READ ONLY`, or a `BEGIN` that says so.
    ReadOnly,
    /// `CALL`, `DO` and the like: what it does inside cannot be seen, and it may refuse to run in a
    /// transaction.
    Opaque,
    /// Refuses to run in a transaction; the words say which statement it is.
    Alone(&'static str),
    /// `CREATE INDEX CONCURRENTLY`: leaves an invalid index behind when it fails.
    ConcurrentIndex {
        /// The index, as written, if it has a name.
        index: Option<String>,
        /// The table, as written.
        table: String,
    },
    /// `DROP INDEX CONCURRENTLY` of one index.
    ConcurrentDrop {
        /// The index, as written.
        index: String,
    },
    /// `ALTER TYPE … ADD VALUE`: the value cannot be used before it is committed.
    EnumValue {
        /// The type, as written.
        type_name: String,
        /// The new value's literal, as written.
        value: String,
    },
    /// `CREATE TYPE … AS ENUM`: its values can be used at once.
    CreateEnum {
        /// The type, as written.
        type_name: String,
    },
    /// `BEGIN` or `START TRANSACTION`; plain when it sets no modes.
    Begin {
        /// Whether it has no transaction modes.
        plain: bool,
    },
    /// `COMMIT`, `END`; plain when not followed by `AND CHAIN` or `PREPARED`.
    Commit {
        /// Whether it is nothing but a commit.
        plain: bool,
    },
    /// `ROLLBACK`, not to a savepoint.
    Rollback,
    /// `COPY … FROM STDIN` or `TO STDOUT`: there is nobody who could send or take the rows.
    CopyByClient,
}

/// Whether a script can be one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// It can; these statements are sent, which leaves out a `BEGIN … COMMIT` around everything.
    Transaction {
        /// Indexes into the statements.
        sent: Range<usize>,
    },
    /// It cannot: it runs unit by unit.
    Statements {
        /// Why, as a fragment.
        reason: String,
        /// Indexes into the statements: each unit is one statement, or one `BEGIN … COMMIT`.
        units: Vec<Range<usize>>,
    },
    /// It must not run at all.
    Refused {
        /// Why, as a sentence.
        reason: String,
        /// What to do.
        hint: String,
        /// Line of the file, from 1.
        line: u32,
    },
}

impl Script {
    /// Takes a script apart.
    pub fn parse(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let parsed = parse::parse(&text);
        let said = directive::read(&text);
        let form = mode::form(&text, &parsed, said.transaction_off);
        Self {
            text,
            statements: parsed.statements,
            form,
            directive: said.transaction_off,
            phase: said.phase,
            unparsable: parsed.unparsable,
        }
    }

    /// The same unit by unit, also where it could be one transaction: for what was begun so.
    #[must_use]
    pub fn in_units(mut self, reason: &str) -> Self {
        if let Form::Transaction { .. } = self.form {
            self.form = mode::by_units(&self.statements, reason.to_owned());
        }
        self
    }

    /// Whether it may end its transaction where nobody sees it: the parser does not know the script,
    /// and a word in it could do so.
    pub fn may_end_unseen(&self) -> bool {
        if self.unparsable.is_none() {
            return false;
        }
        let text = self.text.to_ascii_lowercase();
        ["commit", "end", "rollback", "abort", "prepare"].iter().any(|word| text.contains(word))
    }

    /// `text` for the database `to`, where it names `from`: for a database that stands for another.
    pub fn for_database(text: &str, from: &str, to: &str) -> String {
        elsewhere::for_database(text, from, to)
    }

    /// What is played of `text` in a scratch database that stands for another: without what acts beyond
    /// it. Fails with what cannot be left out, because the rest may depend on it.
    pub fn rehearsed(text: &str, place: &mut Rehearsal<'_>) -> Result<Rehearsed, Beyond> {
        beyond::rehearse(text, place)
    }

    /// The parts of a statement that builds an index under a name of its own.
    pub fn index_statement(&self, statement: &Statement) -> Option<IndexStatement> {
        IndexStatement::read(self.text_of(statement))
    }

    /// What the catalog shows of the script before and after it.
    pub fn shows(&self) -> Shows {
        shows::of(self)
    }

    /// What shows afterwards whether a statement was done.
    pub fn trace_of(&self, statement: &Statement) -> Trace {
        trace::of(self.text_of(statement))
    }

    /// Index and table of a `CREATE INDEX IF NOT EXISTS`, as written.
    pub fn index_if_not_exists(&self, statement: &Statement) -> Option<(String, String)> {
        trace::index_if_not_exists(self.text_of(statement))
    }

    /// Whether a statement may end transactions inside itself, where nobody sees it: a procedure, a
    /// block, or a text that the parser does not know. Functions cannot, nor can what `EXECUTE` runs
    /// (PostgreSQL, `pl_exec.c`: it is never asked for without atomicity).
    pub fn may_commit_inside(&self, statement: &Statement) -> bool {
        if statement.class != Class::Opaque {
            return false;
        }
        let text = bare::bare(self.text_of(statement)).to_ascii_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let ends = |word: &str| matches!(word, "commit" | "rollback" | "call");
        match words.next() {
            // Nobody knows where its statements begin, so what ends a transaction may stand anywhere.
            first if self.unparsable.is_some() => {
                first.into_iter().chain(words).any(|word| ENDS.contains(&word))
            }
            Some("call") => true,
            Some("do") => words.any(ends),
            Some(_) | None => false,
        }
    }

    /// Names of settings with a dot that the script may set: nothing but the text knows them.
    pub fn custom_settings(&self) -> Vec<String> {
        local::custom_settings(self.statements.iter().map(|statement| local::Sets {
            text: self.text_of(statement),
            may_set: matches!(statement.class, Class::Setting | Class::Opaque),
        }))
    }

    /// Whether it may put the server's own `set_config` behind something that other statements use.
    pub fn may_arm(&self) -> bool {
        self.statements.iter().any(|statement| {
            !matches!(statement.class, Class::Data | Class::Setting)
                && local::has_word(self.text_of(statement), "set_config")
        })
    }

    /// How long a change of the setting `name` lasts that the statements `unit` made.
    pub fn change_lasts(&self, unit: &Range<usize>, name: &str) -> Lasts {
        let statements = self.statements.get(unit.clone()).unwrap_or_default();
        local::lasts(statements.iter().map(|statement| self.text_of(statement)), name)
    }

    /// What it may leave in its session when its transaction is committed.
    pub fn leaves(&self) -> Leaves {
        leaves::of(self)
    }

    /// [`Script::phase`] of `text`, without taking its statements apart.
    pub fn phase_of(text: &str) -> Result<Phase, String> {
        directive::read(text).phase
    }

    /// The text of a statement.
    pub fn text_of(&self, statement: &Statement) -> &str {
        &self.text[statement.range.clone()]
    }
}

/// Line of the byte at `offset`, which is the start of a character, from 1.
pub fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}
