//! The questions of `setup-infra` at a real terminal: util-linux's `script` holds it.

use crate::support::binary::Invocation;
use crate::support::infra::{github, migration};
use sandbox::{Config, Sandbox, Server, Speed, WallClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const ARGUMENTS: [&str; 3] = ["setup-infra", "--family", "app"];

async fn place() -> (Sandbox, Server) {
    let config = Config::new(Speed::Fast).wall_clock(WallClock::System);
    let sandbox =
        Sandbox::new(config.stack("app-infra", migration()).stack("app-github", github()));
    let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    (sandbox, server)
}

/// Types `keys` when the question stands there; gives back the exit code and the screen.
async fn asked(server: &Server, keys: &str) -> (Option<i32>, String) {
    let invocation = Invocation::new(&server.endpoint(), &ARGUMENTS).with("PATH", "/usr/bin:/bin");
    let mut terminal = invocation.start_on_terminal();
    let (mut typed, mut shown) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut screen, mut piece) = (Vec::new(), [0; 4096]);
    let mut answered = 0;
    loop {
        let read = shown.read(&mut piece).await.unwrap();
        if read == 0 {
            break;
        }
        screen.extend_from_slice(&piece[..read]);
        let questions = String::from_utf8_lossy(&screen).matches("[y/N]").count();
        if questions > answered {
            answered = questions;
            typed.write_all(keys.as_bytes()).await.unwrap();
        }
    }
    let status = terminal.wait().await.unwrap();
    (status.code(), String::from_utf8_lossy(&screen).into_owned())
}

#[tokio::test]
async fn a_yes_at_the_terminal_goes_on() {
    let (sandbox, server) = place().await;
    let (code, screen) = asked(&server, "y\n").await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("+ create  image repository app"), "{screen}");
    assert!(sandbox.existing("AWS::ECR::Repository").contains(&"app".to_owned()), "{screen}");
}

#[tokio::test]
async fn a_no_at_the_terminal_changes_nothing() {
    let (sandbox, server) = place().await;
    for (keys, expected) in [("\n", 83), ("n\n", 83), ("\u{4}", 83), ("\u{3}", 130)] {
        let (code, screen) = asked(&server, keys).await;
        assert_eq!(code, Some(expected), "{keys:?}: {screen}");
        assert_eq!(sandbox.existing("AWS::ECR::Repository"), [""; 0], "{screen}");
    }
    // What Ctrl-C left half-planned does not stand in the way.
    let (code, screen) = asked(&server, "y\n").await;
    assert_eq!(code, Some(0), "{screen}");
}
