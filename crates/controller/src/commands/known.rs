//! Owns whether a container is known to run `ecs-migrate-runner`, before anything is asked of it: by the
//! label of its definition, or by what an earlier run wrote. Nothing is run to find out.

use super::run::Prepared;
use crate::aws::{AwsError, Class};
use crate::error::Error;
use crate::task_definition::{Driver, is_labelled, log_sources};
use protocol::command::{RUNNER_LABEL, RUNNER_LABEL_VALUE};
use protocol::event::RunStarted;
use protocol::line::Line;
use protocol::{Event, RunnerCommand, Standing};

/// How many of the newest logs are looked at: an image may have become another one since.
const NEWEST: usize = 5;

/// The runner's first line is among these: an entry point may print before it.
const FIRST_LINES: i32 = 10;

/// Refuses to ask a container that is not known to be the runner's.
pub(super) async fn require_runner(
    prepared: &Prepared,
    command: RunnerCommand,
) -> Result<(), Error> {
    if is_labelled(&prepared.definition.document, &prepared.container) {
        return Ok(());
    }
    let why = match has_record(prepared).await {
        Ok(true) => return Ok(()),
        Ok(false) => String::new(),
        Err(why) => format!(", and {why}"),
    };
    Err(Error::usage(format!(
        "nothing says that container {} of {} runs ecs-migrate-runner{why}, so `{command}` is not asked of it",
        prepared.container,
        prepared.definition.short_name()
    ))
    .hinted(format!(
        "give it the Docker label \"{RUNNER_LABEL}\": \"{RUNNER_LABEL_VALUE}\", which `ecs-migrate register --expect runner` does, or let `ecs-migrate run` migrate once: its log makes it known"
    )))
}

/// Whether a runner spoke in this container, and understands a question: by the first lines of its newest
/// logs, which the rights of who only reads are enough for.
async fn has_record(prepared: &Prepared) -> Result<bool, String> {
    let Prepared { aws, definition, container, .. } = prepared;
    let sources = log_sources(&definition.document, aws.region());
    let source = sources.iter().find(|source| source.container == *container);
    let Some(Driver::Awslogs { group, prefix, region }) = source.map(|source| &source.driver)
    else {
        return Err("its log cannot be read back".to_owned());
    };
    let unread = |error: AwsError| format!("the log of earlier runs cannot be read: {error}");
    let prefix = Driver::stream(prefix, container, "");
    let mut streams = match aws.log_streams(region, group, &prefix).await {
        Err(error) if error.class == Class::ResourceNotFound => return Ok(false),
        streams => streams.map_err(unread)?,
    };
    streams.sort_by_key(|stream| std::cmp::Reverse(stream.created_at));
    for stream in streams.iter().take(NEWEST) {
        let reader = aws.log_reader(region, group, &stream.name);
        let lines = match reader.first(FIRST_LINES).await {
            Err(error) if error.class == Class::ResourceNotFound => continue,
            lines => lines.map_err(unread)?,
        };
        if lines.iter().any(|line| is_of_a_runner(&line.message)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_of_a_runner(text: &str) -> bool {
    match Line::decode(text) {
        Line::Event(line) => {
            matches!(&line.event, Event::RunStarted(started) if understands(started))
        }
        Line::Text(_) => false,
    }
}

/// A runner of this version does, whatever its image's ENTRYPOINT. An older one heard only its command
/// line: where it ran a command of its own there is nothing between us and it.
fn understands(started: &RunStarted) -> bool {
    let wraps = [RunnerCommand::Exec, RunnerCommand::Start, RunnerCommand::Unknown];
    started.standing != Standing::Unclear || !wraps.contains(&started.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_where_nothing_stands_between_us_and_the_runner() {
        for (event, expected) in [
            (r#"{"kind":"run_started","command":"deploy"}"#, true),
            (r#"{"kind":"run_started","command":"status"}"#, true),
            (r#"{"kind":"run_started","command":"start"}"#, false),
            (r#"{"kind":"run_started","command":"exec"}"#, false),
            (r#"{"kind":"run_started"}"#, false),
            (r#"{"kind":"run_started","command":"start","standing":"proof"}"#, true),
            (r#"{"kind":"run_started","command":"exec","standing":"aside"}"#, true),
            (r#"{"kind":"run_finished","exit_code":0}"#, false),
        ] {
            let line = format!(
                r#"{{"ecs_migrate":1,"run":"r","process":"p","seq":1,"at":"","msg":"","event":{event}}}"#
            );
            assert_eq!(is_of_a_runner(&line), expected, "{event}");
        }
        assert!(!is_of_a_runner("run_started"));
    }
}
