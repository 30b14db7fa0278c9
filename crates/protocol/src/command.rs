//! Owns what a runner can be asked, how the question travels, and what a run is to a service that
//! waits for the schema. Nobody else decides which command migrates.

use crate::event::Origin;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The Docker label of a container that runs `ecs-migrate-runner`: what is asked of it may travel in
/// [`crate::env::COMMAND`]. A label stands in the definition, so it is known before anything runs.
pub const RUNNER_LABEL: &str = "ecs-migrate.runner";

/// What the label says of this version: the runner obeys [`crate::env::COMMAND`] in every mode.
pub const RUNNER_LABEL_VALUE: &str = "1";

/// The beginning of `startedBy` of every task of ours.
pub const STARTED_BY_OURS: &str = "ecs-migrate/";

/// Of those, the tasks of their own: `status`, `resolve`, `exec`, a look from inside.
pub const STARTED_BY_ONE_OFF: &str = "ecs-migrate/task/";

/// Whether a run of the gate has this `startedBy`.
pub fn is_of_a_gate(started_by: &str) -> bool {
    started_by.starts_with(STARTED_BY_OURS) && !is_one_off(started_by)
}

/// Whether a task of its own has it, which is no run of the gate.
pub fn is_one_off(started_by: &str) -> bool {
    started_by.starts_with(STARTED_BY_ONE_OFF)
}

/// A command of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerCommand {
    /// Applies what is pending.
    Deploy,
    /// Says what is applied, pending or different.
    Status,
    /// Corrects the history by hand.
    Resolve,
    /// Runs any command under the lock.
    Exec,
    /// Applies what is pending, then becomes the application.
    Start,
    /// Looks for what would stop a deployment.
    Check,
    /// Applies everything to a scratch database.
    Replay,
    /// Ends one session that blocks a migration.
    Unblock,
    /// What a newer runner did and this reader does not know, or what was not said.
    #[default]
    #[serde(rename = "", other)]
    Unknown,
}

impl RunnerCommand {
    /// Every command that has a name.
    pub const ALL: [Self; 8] = [
        Self::Deploy,
        Self::Status,
        Self::Resolve,
        Self::Exec,
        Self::Start,
        Self::Check,
        Self::Replay,
        Self::Unblock,
    ];

    /// Its word, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Status => "status",
            Self::Resolve => "resolve",
            Self::Exec => "exec",
            Self::Start => "start",
            Self::Check => "check",
            Self::Replay => "replay",
            Self::Unblock => "unblock",
            Self::Unknown => "unknown",
        }
    }

    /// The command of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// The command that these arguments begin with. Options may stand before it, and only the runner
    /// knows which of them take a value: then nothing is known.
    pub fn first_of<T: AsRef<str>>(arguments: &[T]) -> Option<Self> {
        arguments.first().and_then(|word| Self::named(word.as_ref()))
    }

    /// Whether it applies migrations by itself, and so a share of them where one is asked for.
    pub const fn applies_shares(self) -> bool {
        match self {
            Self::Deploy | Self::Start => true,
            Self::Exec
            | Self::Status
            | Self::Resolve
            | Self::Check
            | Self::Replay
            | Self::Unblock
            | Self::Unknown => false,
        }
    }

    /// Whether it can bring a database up to date: by itself, or as `exec` by what it runs.
    pub const fn may_migrate(self) -> bool {
        match self {
            Self::Deploy | Self::Start | Self::Exec | Self::Unknown => true,
            Self::Status | Self::Resolve | Self::Check | Self::Replay | Self::Unblock => false,
        }
    }
}

impl fmt::Display for RunnerCommand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which of the pending migrations a run applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// All, in their order.
    #[default]
    All,
    /// Those before the rollout of the new code.
    Expand,
    /// Those that waited for it.
    Contract,
}

/// What a run is to a service that waits for the schema: the one predicate of every gate and of every
/// record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It migrates: green it proves the schema, red it revokes an earlier proof.
    Proof,
    /// It applies only what waited for the rollout. Green it proves nothing of what the new code
    /// needs, and hides no proof; red it revokes one.
    Behind,
    /// It applies no migration of a commit, so it neither proves nor revokes, whatever its end.
    Aside,
    /// Nobody can say what it did: it proves nothing, and hides what was before it.
    #[default]
    #[serde(other)]
    Unclear,
}

impl Standing {
    /// What a run of `command` is, asked by `origin`.
    ///
    /// `exec` is a migration where a gate ran it, around a tool. A task of its own is somebody's hand:
    /// its commit is only where they stood, and its exit code says nothing of migrations applied
    /// before. The same holds of `resolve`, which corrects the history and runs no script.
    pub fn of(command: RunnerCommand, share: Share, origin: &Origin) -> Self {
        if is_one_off(&origin.started_by) {
            return Self::Aside;
        }
        match (command, share) {
            (RunnerCommand::Deploy | RunnerCommand::Start, Share::All | Share::Expand) => {
                Self::Proof
            }
            (RunnerCommand::Deploy | RunnerCommand::Start, Share::Contract) => Self::Behind,
            (RunnerCommand::Exec, _) if is_of_a_gate(&origin.started_by) => Self::Proof,
            (RunnerCommand::Exec | RunnerCommand::Unknown, _) => Self::Unclear,
            (
                RunnerCommand::Status
                | RunnerCommand::Resolve
                | RunnerCommand::Check
                | RunnerCommand::Replay
                | RunnerCommand::Unblock,
                _,
            ) => Self::Aside,
        }
    }
}

/// The arguments as the value of [`crate::env::COMMAND`]: a JSON list, so that no word is taken apart.
pub fn encode(arguments: &[String]) -> String {
    serde_json::to_string(arguments).expect("invariant: a list of texts is JSON")
}

/// The arguments in a value of [`crate::env::COMMAND`], or what is wrong with it. A message holds
/// nothing of the value.
pub fn decode(value: &str) -> Result<Vec<String>, &'static str> {
    let arguments: Vec<String> =
        serde_json::from_str(value).map_err(|_| "it is no JSON list of texts")?;
    if arguments.iter().any(|word| word.contains('\0')) {
        return Err("one of its texts has a zero byte");
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_comes_back_by_its_name_and_on_the_wire() {
        for command in RunnerCommand::ALL {
            assert_eq!(RunnerCommand::named(command.name()), Some(command));
            let text = serde_json::to_string(&command).unwrap();
            assert_eq!(text, format!("\"{command}\""));
            assert_eq!(serde_json::from_str::<RunnerCommand>(&text).unwrap(), command);
        }
        for word in ["", "teleport", "unknown", "Deploy"] {
            let text = serde_json::to_string(word).unwrap();
            let read: RunnerCommand = serde_json::from_str(&text).unwrap();
            assert_eq!(read, RunnerCommand::Unknown, "{word}");
            assert_eq!(RunnerCommand::named(word), None, "{word}");
        }
    }

    #[test]
    fn only_what_migrates_proves_anything() {
        use RunnerCommand::{
            Check, Deploy, Exec, Replay, Resolve, Start, Status, Unblock, Unknown,
        };
        let gate = "ecs-migrate/github/7";
        let hand = "ecs-migrate/task/1";
        for (command, share, started_by, expected) in [
            (Deploy, Share::All, "", Standing::Proof),
            (Deploy, Share::Expand, gate, Standing::Proof),
            (Deploy, Share::Contract, gate, Standing::Behind),
            (Deploy, Share::All, hand, Standing::Aside),
            (Start, Share::All, gate, Standing::Proof),
            (Start, Share::Contract, gate, Standing::Behind),
            (Exec, Share::All, gate, Standing::Proof),
            (Exec, Share::Expand, gate, Standing::Proof),
            (Exec, Share::All, "", Standing::Unclear),
            (Exec, Share::All, "someone", Standing::Unclear),
            (Exec, Share::All, hand, Standing::Aside),
            (Status, Share::All, gate, Standing::Aside),
            (Resolve, Share::All, gate, Standing::Aside),
            (Check, Share::All, gate, Standing::Aside),
            (Replay, Share::All, gate, Standing::Aside),
            (Unblock, Share::All, gate, Standing::Aside),
            (Unknown, Share::All, gate, Standing::Unclear),
        ] {
            let origin = Origin { started_by: started_by.to_owned(), ..Origin::default() };
            assert_eq!(
                Standing::of(command, share, &origin),
                expected,
                "{command} {share:?} {started_by}"
            );
        }
    }

    #[test]
    fn words_travel_as_they_are_and_nonsense_is_refused() {
        for words in [vec![], vec!["status"], vec!["exec", "--", "sh", "-c", "echo \"a b\"\n", ""]]
        {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            assert_eq!(decode(&encode(&words)), Ok(words));
        }
        for nonsense in
            ["", "status", "{}", "[1]", "[\"a\",", "null", "\"status\"", "[\"a\\u0000\"]"]
        {
            assert!(decode(nonsense).is_err(), "{nonsense}");
        }
    }
}
