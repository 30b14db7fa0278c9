//! `ecs-migrate-runner`: brings a database up to date from inside its VPC.

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::main()
}
