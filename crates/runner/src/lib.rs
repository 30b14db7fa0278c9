//! Runs inside the VPC as the task: finds its database, takes the lock, brings the schema up to
//! date, and leaves with an exit code that means something.
//!
//! | module | owns |
//! |---|---|
//! | [`cli`] | what a person or a task definition can say |
//! | [`environment`] | the environment, read once |
//! | `near_miss` | misspelt variables |
//! | [`source`] | where the database is: secret, URL, `PG*` |
//! | [`commands`] | `deploy`, `replay`, `status`, `resolve`, `exec`, `start`, `unblock`, `check` |
//! | `process` | child processes, and becoming the application |
//! | [`emit`] | the only writer of stdout |
//! | [`words`] | progress as event and sentence |
//! | `review` | the check before a deployment, and its phase |
//! | `rds` | what RDS keeps of the time before the first change |
//! | [`shutdown`] | signals |
//! | [`prisma`] | what the Prisma CLI would print |
//! | [`failure`] | errors as exit codes and failures |

pub mod cli;
pub mod commands;
pub mod emit;
pub mod environment;
pub mod failure;
mod near_miss;
pub mod prisma;
mod process;
mod rds;
mod review;
pub mod shutdown;
pub mod source;
pub mod words;

use commands::End;
use emit::Emitter;
use environment::Environment;
use protocol::ExitCode;
use shutdown::Listener;

/// Everything from the command line to the exit code.
pub fn main() -> std::process::ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cli::cannot_begin(&error).into_process(),
    };
    // Before anything else: until then a signal ends us without a word, and process 1 never hears of
    // it.
    let listener = {
        let _entered = runtime.enter();
        Listener::listen()
    };
    let environment = Environment::of_process();
    let read = cli::read(std::env::args_os(), environment.asked());
    let cli = match cli::refuse_blank(read, &environment) {
        Ok(cli) => cli,
        Err(message) => return cli::explain(&message).into_process(),
    };
    let emitter = Emitter::start(&cli.command.options().connection, &environment);
    let mut end = runtime.block_on(commands::run(&cli, (&environment, listener), &emitter));
    // A connection that hangs must not keep a finished run from leaving.
    runtime.shutdown_background();
    if let End::Become(program, errand) = end {
        end = End::Exit(commands::not_become(&program.replace_us(), errand, &emitter));
    }
    emitter.close();
    match end {
        End::Exit(code) => std::process::ExitCode::from(code),
        End::Become(..) => unreachable!("we are here, so we became nothing else"),
    }
}

/// Our exit code as the operating system takes it.
trait IntoProcess {
    fn into_process(self) -> std::process::ExitCode;
}

impl IntoProcess for ExitCode {
    fn into_process(self) -> std::process::ExitCode {
        std::process::ExitCode::from(self.code())
    }
}
