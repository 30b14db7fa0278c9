//! Owns how words reach a container: as its command, or as a question to the runner, which hears it
//! whatever the ENTRYPOINT of its image is.

use crate::error::Error;
use crate::task::{Asked, Expectation, TaskSnapshot};
use crate::task_definition::{Document, is_labelled};
use protocol::RunnerCommand;

/// What a container shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// What its image and its definition say.
    Own,
    /// This, as its command.
    Command(Vec<String>),
    /// This, asked of the runner. As its command too: an older runner hears nothing else.
    Runner(Vec<String>),
}

impl Words {
    /// What stands behind `--`: a question where the container is known to be the runner's, or where
    /// the first word is one of its commands.
    pub(super) fn given(
        words: Vec<String>,
        (document, container): (&Document, &str),
        expect: Expectation,
    ) -> Self {
        if words.is_empty() {
            return Self::Own;
        }
        let is_the_runner = match expect {
            Expectation::Plain => false,
            Expectation::Runner => true,
            Expectation::Auto => {
                is_labelled(document, container) || RunnerCommand::first_of(&words).is_some()
            }
        };
        if is_the_runner { Self::Runner(words) } else { Self::Command(words) }
    }

    /// The words themselves; none for what the image says.
    pub(super) fn words(&self) -> &[String] {
        match self {
            Self::Own => &[],
            Self::Command(words) | Self::Runner(words) => words,
        }
    }

    /// What the task is to do.
    pub(super) fn asked(&self, expect: Expectation) -> Asked {
        match self {
            Self::Command(_) if expect == Expectation::Plain => Asked::Anything,
            Self::Own | Self::Command(_) | Self::Runner(_) => Asked::by_words(self.words()),
        }
    }
}

/// What the container is expected to run, where nobody said it: its label says that it is the runner's,
/// and then a good end without the runner's word is none.
pub(super) fn expected(said: Expectation, (document, container): (&Document, &str)) -> Expectation {
    match said {
        Expectation::Auto if is_labelled(document, container) => Expectation::Runner,
        Expectation::Auto | Expectation::Runner | Expectation::Plain => said,
    }
}

/// The same of a task in whose overrides somebody may have said it.
pub(super) fn expected_of(
    task: Option<&TaskSnapshot>,
    said: Expectation,
    place: (&Document, &str),
) -> Expectation {
    let told = task.map_or(Expectation::Auto, |task| task.expect);
    expected(if said == Expectation::Auto { told } else { said }, place)
}

/// Refuses a definition whose own command applies no migration, where nothing else was asked for.
pub(super) fn refuse_a_definition_that_migrates_nothing(
    words: &Words,
    (document, container): (&Document, &str),
    expect: Expectation,
) -> Result<(), Error> {
    let own = document.command(container);
    match RunnerCommand::first_of(&own) {
        Some(command)
            if *words == Words::Own && expect != Expectation::Plain && !command.may_migrate() =>
        {
            Err(Error::usage(format!(
                "the task definition's own command is `{command}`, which applies no migration"
            ))
            .hinted(format!(
                "take `command` out of container {container}; `ecs-migrate {command}` or `ecs-migrate run -- {command}` asks it where it is wanted"
            )))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_a_question_where_the_runner_hears_them() {
        let document = |labels| {
            Document(json!({"containerDefinitions": [{"name": "m", "dockerLabels": labels}]}))
        };
        let (labelled, bare) = (document(json!({"ecs-migrate.runner": "1"})), document(json!({})));
        let (auto, runner, plain) = (Expectation::Auto, Expectation::Runner, Expectation::Plain);
        for (text, document, expect, question) in [
            ("status", &bare, auto, true),
            ("exec -- true", &bare, auto, true),
            ("sh -c true", &bare, auto, false),
            ("--lock-wait 5m", &bare, auto, false),
            ("--lock-wait 5m", &labelled, auto, true),
            ("--lock-wait 5m", &bare, runner, true),
            ("status", &labelled, plain, false),
        ] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let given = Words::given(words.clone(), (document, "m"), expect);
            let expected = if question { Words::Runner(words) } else { Words::Command(words) };
            assert_eq!(given, expected, "{text} {expect:?}");
        }
        assert_eq!(Words::given(Vec::new(), (&labelled, "m"), auto), Words::Own);
    }

    #[test]
    fn a_definition_that_only_looks_is_refused_where_it_was_to_migrate() {
        let document = |command| {
            Document(json!({"containerDefinitions": [{"name": "m", "command": command}]}))
        };
        let refused = |command: serde_json::Value, words: &Words, expect| {
            let document = document(command);
            refuse_a_definition_that_migrates_nothing(words, (&document, "m"), expect).is_err()
        };
        let auto = Expectation::Auto;
        assert!(refused(json!(["status"]), &Words::Own, auto));
        assert!(refused(json!(["check", "--drift"]), &Words::Own, auto));
        assert!(!refused(json!(["status"]), &Words::Own, Expectation::Plain));
        assert!(!refused(json!(["status"]), &Words::Runner(vec!["deploy".to_owned()]), auto));
        assert!(!refused(json!(["exec", "--", "npx"]), &Words::Own, auto));
        assert!(!refused(json!([]), &Words::Own, auto));
        assert!(!refused(serde_json::Value::Null, &Words::Own, auto));
    }
}
