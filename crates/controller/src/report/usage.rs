//! Owns showing help, version and what clap refuses.

use crate::surroundings::Surroundings;
use clap::error::ErrorKind;
use protocol::ExitCode;
use std::io::Write;

/// Shows clap's text on the stream that it belongs to; the answer is the exit code.
pub(crate) fn show_usage(refusal: &clap::Error, surroundings: &mut Surroundings) -> u8 {
    let text = refusal.render().ansi().to_string();
    let wanted = matches!(refusal.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let (stream, code) = if wanted {
        (&mut surroundings.stdout, ExitCode::Success)
    } else {
        (&mut surroundings.stderr, ExitCode::Usage)
    };
    let _ignored = stream.write_all(text.as_bytes());
    let _ignored = stream.flush();
    code.code()
}
