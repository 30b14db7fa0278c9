//! Owns what a task was to do, and whether what ran is that. PURE.
//!
//! RunTask overrides a container's command and never its ENTRYPOINT, so what was asked and what ran may
//! differ. The runner says what it did, in its first line and in its last.

use super::intent::Expectation;
use super::verdict::Workload;
use protocol::{Ran, RunnerCommand, Standing, command};

/// What a container was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whatever its words say: nothing is known of them.
    Anything,
    /// To bring the schema up to date; by this command, where one was named.
    Migration(Option<RunnerCommand>),
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
}

impl Asked {
    /// What the words of a container of the gate ask for: the image's own where there are none.
    pub(crate) fn by_words(words: &[String]) -> Self {
        match (words, RunnerCommand::first_of(words)) {
            ([], _) => Self::Migration(None),
            (_, Some(command)) => Self::Command(command),
            (_, None) => Self::Anything,
        }
    }

    /// The same where a service waits for the schema.
    pub(crate) fn before_a_service(words: &[String]) -> Self {
        Self::Migration(RunnerCommand::first_of(words))
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
            Self::Command(of) if !of.may_migrate() && expect != Expectation::Plain => {
                Workload::Runner
            }
            Self::Anything | Self::Migration(_) | Self::Command(_) => Workload::of(expect, seen),
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
            Self::Migration(Some(of)) if !unsaid && ran.command != of => Some(instead(of)),
            Self::Migration(_) => {
                (ran.standing == Standing::Aside).then_some(Mismatch::MigratesNothing(ran.command))
            }
            Self::Anything => None,
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
        let (proof, aside, unclear) = (Standing::Proof, Standing::Aside, Standing::Unclear);
        for (asked, ran, expected) in [
            (Asked::Anything, ran(Status, aside), None),
            (Asked::Migration(None), ran(Deploy, proof), None),
            (Asked::Migration(None), ran(Start, Standing::Behind), None),
            (Asked::Migration(None), ran(Exec, unclear), None),
            (Asked::Migration(None), nothing, None),
            (Asked::Migration(None), ran(Status, aside), Some(Mismatch::MigratesNothing(Status))),
            (Asked::Migration(Some(Exec)), ran(Exec, proof), None),
            (Asked::Migration(Some(Exec)), ran(Start, proof), instead(Start, Exec)),
            (Asked::Migration(Some(Deploy)), nothing, None),
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
            ("ecs-migrate/github/7", "", None, Asked::Migration(None)),
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
        assert_eq!(Asked::before_a_service(&words("--x status")), Asked::Migration(None));
        assert_eq!(Asked::before_a_service(&words("exec -- a")), Asked::Migration(Some(Exec)));
    }
}
