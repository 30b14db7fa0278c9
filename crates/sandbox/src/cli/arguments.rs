//! Owns the command line: what can be said, and what it means.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sandbox::{Program, Speed};

/// A local AWS for tests and demos: ECS tasks run as local processes, their logs and secrets are real
///
/// Speaks to the unmodified AWS SDK and CLI: ECS, CloudWatch Logs, Secrets Manager, and STS GetCallerIdentity.
/// Anything else is refused loudly. Nothing survives the end of the process.
#[derive(Debug, Parser)]
#[command(name = "ecs-migrate-sandbox", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the sandbox on 127.0.0.1 and run until SIGINT or SIGTERM, which kill every task
    Up(Up),
}

const EXAMPLE: &str = "\
Example:
  ecs-migrate-sandbox up --port 4566 --cluster prod --log-group /ecs/app-migrate \\
    --secret app/db='{\"username\":\"app\",\"password\":\"s3cret\"}' \\
    --image '*/app-migrate:*=ecs-migrate-runner' --image 'busybox=sh -c'
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox

A task's process gets its working directory, PATH and HOME from the sandbox and every other variable from ECS
alone. `curl $AWS_ENDPOINT_URL/_sandbox/journal` shows every request so far.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Up {
    /// Port to listen at; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Region of every ARN; a task whose awslogs-region is another one fails to start
    #[arg(long, default_value = "eu-west-1")]
    pub(crate) region: String,

    /// Cluster that exists beside `default`
    #[arg(long = "cluster", value_name = "NAME")]
    pub(crate) clusters: Vec<String>,

    /// Image that can be pulled, and the command in its place
    ///
    /// NAME is compared with the container's image, a `*` in it stands for any text; the exact name wins, then
    /// the one that says most. CMD is split as a shell would; it stands for the image's ENTRYPOINT, the container's command is
    /// appended and its entryPoint ignored. With an empty CMD entryPoint and command run as they are. A task
    /// with any other image stops with CannotPullContainerError.
    #[arg(long = "image", value_name = "NAME=CMD", value_parser = parse_image)]
    pub(crate) images: Vec<(String, Program)>,

    /// Secret and its value, usually JSON; `@FILE` reads it from a file
    #[arg(long = "secret", value_name = "NAME=VALUE|NAME=@FILE", value_parser = parse_pair)]
    pub(crate) secrets: Vec<(String, String)>,

    /// Log group that exists from the start
    #[arg(long = "log-group", value_name = "NAME")]
    pub(crate) log_groups: Vec<String>,

    /// Service that exists from the start: a file with the JSON input of CreateService
    #[arg(long = "service", value_name = "FILE")]
    pub(crate) services: Vec<PathBuf>,

    /// How long things take: `fast` starts a task in 0.6 s, `aws` in 25 s
    ///
    /// A service's task is healthy once it has run for 0.4 s with `fast`, for 40 s with `aws`, at once with
    /// `instant`: an API that exits later than that has had a good rollout.
    #[arg(long, value_enum, default_value_t = SpeedName::Fast)]
    pub(crate) speed: SpeedName,

    /// Append every API request to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// JSON file that says what shall go wrong
    ///
    /// A whole file, of which docs/sandbox.md explains every word:
    /// {"requests":[{"operation":"DescribeTasks","from":2,"to":4,"answer":"throttle"}],
    /// "tasks":[{"family":"migrate","to":1,"effect":{"exit_code_absent":{"container":"runner"}}}]}
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Write the port here once the sandbox answers
    #[arg(long, value_name = "FILE")]
    pub(crate) port_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SpeedName {
    Instant,
    Fast,
    Aws,
}

impl From<SpeedName> for Speed {
    fn from(name: SpeedName) -> Self {
        match name {
            SpeedName::Instant => Self::Instant,
            SpeedName::Fast => Self::Fast,
            SpeedName::Aws => Self::Aws,
        }
    }
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn parse_image(text: &str) -> Result<(String, Program), String> {
    let (name, command) = parse_pair(text)?;
    let program = Program::command(&command).map_err(|error| error.to_string())?;
    Ok((name, program))
}

/// The file a value names with `@`, if it does.
pub(crate) fn value_file(value: &str) -> Option<&Path> {
    value.strip_prefix('@').map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let parsed = Arguments::try_parse_from([
            "ecs-migrate-sandbox",
            "up",
            "--image",
            "app:*=sh -c 'exit 3'",
            "--secret",
            "a={\"b\":\"=\"}",
        ]);
        let Command::Up(up) = parsed.expect("valid").command;
        assert_eq!(up.images[0].0, "app:*");
        assert_eq!(up.secrets[0], ("a".to_owned(), "{\"b\":\"=\"}".to_owned()));
        assert!(Arguments::try_parse_from(["x", "up", "--image", "app='"]).is_err());
        assert!(Arguments::try_parse_from(["x", "up", "--secret", "=v"]).is_err());
    }
}
