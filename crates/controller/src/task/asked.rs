//! Owns what a task was to do, and whether what ran is that. PURE.
//!
//! RunTask overrides a container's command and never its ENTRYPOINT, so what was asked and what ran may
//! differ. The runner says what it did, in its first line and in its last.

use super::intent::Expectation;
use super::verdict::Workload;
use protocol::event::Origin;
use protocol::{Ran, RunnerCommand, Standing, command};
use std::fmt;

/// What a container was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whatever its words say: nothing is known of them.
    Anything,
    /// To bring the schema up to date.
    Migration,
    /// The same before a service is deployed; by this command, where one was named.
    BeforeService(Option<RunnerCommand>),
    /// To apply what waited for the rollout of a service.
    BehindService(Option<RunnerCommand>),
    /// This command of the runner, if it is the runner.
    Command(RunnerCommand),
    /// A question of ours to the runner: nothing but its own word that it ran this command counts.
    Answer(RunnerCommand),
}

/// How what ran is not what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// This command ran instead of that one.
    Instead { ran: RunnerCommand, of: RunnerCommand },
    /// The migration was asked for, and this applies none.
    MigratesNothing(RunnerCommand),
    /// A service waits for the migration, and only what waits for a service was applied.
    OnlyBehind,
}

impl Asked {
    /// What the words of a container of the gate ask for: the image's own where there are none.
    pub(crate) fn by_words(words: &[String]) -> Self {
        match (words, RunnerCommand::first_of(words)) {
            ([], _) => Self::Migration,
            (_, Some(command)) => Self::Command(command),
            (_, None) => Self::Anything,
        }
    }

    /// The same where a service waits for the schema.
    pub(crate) fn before_a_service(words: &[String]) -> Self {
        Self::BeforeService(RunnerCommand::first_of(words))
    }

    /// The same once the service is there.
    pub(crate) fn behind_a_service(words: &[String]) -> Self {
        Self::BehindService(RunnerCommand::first_of(words))
    }

    /// What a controller said of it, in a task's environment or in the first line of its log; none of
    /// an older or a newer one.
    pub(crate) fn told(text: &str) -> Option<Self> {
        let (kind, command) = text.split_once(' ').unwrap_or((text, ""));
        let command = match command {
            "" => None,
            name => Some(RunnerCommand::named(name)?),
        };
        Some(match (kind, command) {
            ("anything", None) => Self::Anything,
            ("migration", None) => Self::Migration,
            ("service", command) => Self::BeforeService(command),
            ("contract", command) => Self::BehindService(command),
            ("command", Some(command)) => Self::Command(command),
            ("answer", Some(command)) => Self::Answer(command),
            _ => return None,
        })
    }

    /// What a run was asked of which ECS knows nothing any more, by its own first line. A task of its own
    /// is never asked to migrate, whatever it was.
    pub(crate) fn of_record(origin: &Origin, ran: Ran) -> Self {
        match Self::told(&origin.asked) {
            Some(asked) => asked,
            None if command::is_one_off(&origin.started_by) => match ran.command {
                RunnerCommand::Deploy | RunnerCommand::Start => {
                    Self::Answer(RunnerCommand::Unknown)
                }
                asked @ (RunnerCommand::Status
                | RunnerCommand::Resolve
                | RunnerCommand::Exec
                | RunnerCommand::Check
                | RunnerCommand::Replay
                | RunnerCommand::Unblock
                | RunnerCommand::Unknown) => Self::Answer(asked),
            },
            None => Self::Anything,
        }
    }

    /// What a task was told, by who started it, its command, and the question in its environment.
    pub(crate) fn of_task(started_by: &str, words: &[String], question: Option<&str>) -> Self {
        let question = question.and_then(|question| command::decode(question).ok());
        if command::is_one_off(started_by) {
            let words = question.as_deref().unwrap_or(words);
            return RunnerCommand::first_of(words).map_or(Self::Anything, Self::Answer);
        }
        if command::is_of_a_gate(started_by) {
            return Self::by_words(words);
        }
        Self::Anything
    }

    /// What the container is taken for, when its log looks like `seen`. A question is one to the runner:
    /// what only looks has no other use than its answer.
    pub(super) fn workload(self, expect: Expectation, seen: Workload) -> Workload {
        match self {
            Self::Answer(_) => Workload::Runner,
            Self::Command(_) if self.is_a_question() && expect != Expectation::Plain => {
                Workload::Runner
            }
            Self::Anything
            | Self::Migration
            | Self::BeforeService(_)
            | Self::BehindService(_)
            | Self::Command(_) => Workload::of(expect, seen),
        }
    }

    /// Whether nobody but the runner can say that it was done: an exit code is no answer.
    pub(super) fn is_a_question(self) -> bool {
        match self {
            Self::Answer(_) => true,
            Self::Command(of) => !of.may_migrate(),
            Self::Anything | Self::Migration | Self::BeforeService(_) | Self::BehindService(_) => {
                false
            }
        }
    }

    /// How what ran is not that, if it is not. A runner that did not say what it ran passes where a
    /// gate asked, and never as an answer.
    pub(crate) fn mismatch(self, ran: Ran) -> Option<Mismatch> {
        let unsaid = ran.command == RunnerCommand::Unknown;
        let instead = |of| Mismatch::Instead { ran: ran.command, of };
        match self {
            Self::Answer(of) => (ran.command != of).then(|| instead(of)),
            Self::Command(of) => (!unsaid && ran.command != of).then(|| instead(of)),
            Self::BeforeService(Some(of)) | Self::BehindService(Some(of))
                if !unsaid && ran.command != of =>
            {
                Some(instead(of))
            }
            Self::Migration | Self::BeforeService(_) | Self::BehindService(_) => {
                match ran.standing {
                    Standing::Aside => Some(Mismatch::MigratesNothing(ran.command)),
                    Standing::Behind if matches!(self, Self::BeforeService(_)) => {
                        Some(Mismatch::OnlyBehind)
                    }
                    Standing::Proof | Standing::Behind | Standing::Unclear => None,
                }
            }
            Self::Anything => None,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, command) = match self {
            Self::Anything => ("anything", None),
            Self::Migration => ("migration", None),
            Self::BeforeService(command) => ("service", *command),
            Self::BehindService(command) => ("contract", *command),
            Self::Command(command) => ("command", Some(*command)),
            Self::Answer(command) => ("answer", Some(*command)),
        };
        formatter.write_str(kind)?;
        match command {
            Some(command) => write!(formatter, " {command}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RunnerCommand::{Deploy, Exec, Start, Status, Unknown};

    #[test]
    fn what_ran_is_held_against_what_was_asked() {
        let ran = |command, standing| Ran { command, standing };
        let nothing = Ran::default();
        let instead = |ran, of| Some(Mismatch::Instead { ran, of });
        let (proof, behind) = (Standing::Proof, Standing::Behind);
        let (aside, unclear) = (Standing::Aside, Standing::Unclear);
        for (asked, ran, expected) in [
            (Asked::Anything, ran(Status, aside), None),
            (Asked::Migration, ran(Deploy, proof), None),
            (Asked::Migration, ran(Start, behind), None),
            (Asked::Migration, ran(Exec, unclear), None),
            (Asked::Migration, nothing, None),
            (Asked::Migration, ran(Status, aside), Some(Mismatch::MigratesNothing(Status))),
            (Asked::BeforeService(None), ran(Deploy, proof), None),
            (Asked::BeforeService(None), ran(Deploy, behind), Some(Mismatch::OnlyBehind)),
            (Asked::BeforeService(Some(Deploy)), ran(Deploy, behind), Some(Mismatch::OnlyBehind)),
            (
                Asked::BeforeService(None),
                ran(Status, aside),
                Some(Mismatch::MigratesNothing(Status)),
            ),
            (Asked::BeforeService(Some(Exec)), ran(Exec, proof), None),
            (Asked::BeforeService(Some(Exec)), ran(Start, proof), instead(Start, Exec)),
            (Asked::BeforeService(Some(Deploy)), nothing, None),
            (Asked::BehindService(None), ran(Deploy, behind), None),
            (
                Asked::BehindService(None),
                ran(Status, aside),
                Some(Mismatch::MigratesNothing(Status)),
            ),
            (Asked::BehindService(Some(Deploy)), ran(Start, behind), instead(Start, Deploy)),
            (Asked::Command(Status), ran(Status, aside), None),
            (Asked::Command(Status), nothing, None),
            (Asked::Command(Status), ran(Start, proof), instead(Start, Status)),
            (Asked::Answer(Status), ran(Status, aside), None),
            (Asked::Answer(Status), ran(Start, proof), instead(Start, Status)),
            (Asked::Answer(Status), nothing, instead(Unknown, Status)),
        ] {
            assert_eq!(asked.mismatch(ran), expected, "{asked:?} {ran:?}");
        }
    }

    #[test]
    fn a_task_says_what_was_asked_of_it() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let question = command::encode(&words("status"));
        for (started_by, said, question, expected) in [
            ("ecs-migrate/task/1", "status", Some(question.as_str()), Asked::Answer(Status)),
            ("ecs-migrate/task/1", "", Some(question.as_str()), Asked::Answer(Status)),
            ("ecs-migrate/task/1", "status", None, Asked::Answer(Status)),
            ("ecs-migrate/task/1", "status", Some("nonsense"), Asked::Answer(Status)),
            ("ecs-migrate/task/1", "--x status", None, Asked::Anything),
            ("ecs-migrate/github/7", "", None, Asked::Migration),
            ("ecs-migrate/github/7", "exec -- true", None, Asked::Command(Exec)),
            ("ecs-migrate/github/7", "npx prisma", None, Asked::Anything),
            ("ecs-svc/1", "", None, Asked::Anything),
            ("", "status", None, Asked::Anything),
        ] {
            assert_eq!(
                Asked::of_task(started_by, &words(said), question),
                expected,
                "{started_by} {said}"
            );
        }
        assert_eq!(Asked::before_a_service(&words("--x status")), Asked::BeforeService(None));
        assert_eq!(Asked::before_a_service(&words("exec -- a")), Asked::BeforeService(Some(Exec)));
        assert_eq!(Asked::behind_a_service(&[]), Asked::BehindService(None));
    }

    #[test]
    fn what_was_asked_is_the_same_for_whoever_looks_later() {
        let commands = || RunnerCommand::ALL.into_iter();
        let all = [
            Asked::Anything,
            Asked::Migration,
            Asked::BeforeService(None),
            Asked::BehindService(None),
        ]
        .into_iter()
        .chain(commands().map(|of| Asked::BeforeService(Some(of))))
        .chain(commands().map(|of| Asked::BehindService(Some(of))))
        .chain(commands().map(Asked::Command))
        .chain(commands().map(Asked::Answer));
        for asked in all {
            assert_eq!(Asked::told(&asked.to_string()), Some(asked));
        }
        for nonsense in
            ["", "teleport", "answer", "answer teleport", "migration deploy", "service x"]
        {
            assert_eq!(Asked::told(nonsense), None, "{nonsense}");
        }
        let origin = |started_by: &str, asked: &str| Origin {
            started_by: started_by.to_owned(),
            asked: asked.to_owned(),
            ..Origin::default()
        };
        let ran = |command| Ran { command, standing: Standing::Unclear };
        let (hand, gate) = ("ecs-migrate/task/1", "ecs-migrate/github/7");
        for (origin, ran, expected) in [
            (origin(gate, "service"), ran(Status), Asked::BeforeService(None)),
            (origin(hand, "answer status"), ran(Start), Asked::Answer(Status)),
            (origin(hand, ""), ran(Start), Asked::Answer(Unknown)),
            (origin(hand, ""), ran(Status), Asked::Answer(Status)),
            (origin(gate, ""), ran(Status), Asked::Anything),
            (origin("", ""), ran(Deploy), Asked::Anything),
        ] {
            assert_eq!(Asked::of_record(&origin, ran), expected, "{origin:?}");
        }
    }
}
