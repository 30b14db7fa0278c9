//! Hands the process over to the library.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let code = controller::run(std::env::args_os(), controller::Surroundings::of_this_process());
    ExitCode::from(code.await)
}
