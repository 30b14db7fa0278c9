//! Owns showing help, version and what clap refuses.

use super::json;
use crate::error::Error;
use crate::surroundings::Surroundings;
use clap::error::ErrorKind;
use protocol::{ExitCode, env};
use std::ffi::OsString;
use std::io::Write;

/// Shows clap's text on the stream that it belongs to; the answer is the exit code. A program that asked
/// for JSON gets its result.
pub(crate) fn show_usage(
    refusal: &clap::Error,
    arguments: &[OsString],
    surroundings: &mut Surroundings,
) -> u8 {
    let text = refusal.render().ansi().to_string();
    let wanted = matches!(refusal.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !wanted && wants_json(arguments, surroundings) {
        let plain = refusal.render().to_string();
        let sentence = plain.lines().next().unwrap_or_default();
        let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
        let result = json::of_error(&Error::usage(sentence));
        let _ignored = surroundings.stdout.write_all(format!("{result}\n").as_bytes());
        let _ignored = surroundings.stdout.flush();
    }
    let (stream, code) = if wanted {
        (&mut surroundings.stdout, ExitCode::Success)
    } else {
        (&mut surroundings.stderr, ExitCode::Usage)
    };
    let _ignored = stream.write_all(text.as_bytes());
    let _ignored = stream.flush();
    code.code()
}

/// As far as it can be seen in a command line that is refused.
fn wants_json(arguments: &[OsString], surroundings: &Surroundings) -> bool {
    let ours = arguments.iter().take_while(|argument| *argument != "--");
    let ours: Vec<&str> = ours.filter_map(|argument| argument.to_str()).collect();
    let after = |pair: &[&str]| match pair {
        ["--output", form] => Some((*form).to_owned()),
        _ => None,
    };
    let joined = ours.iter().find_map(|argument| argument.strip_prefix("--output="));
    let flag = joined.map(str::to_owned).or_else(|| ours.windows(2).find_map(after));
    let form = flag.or_else(|| surroundings.environment.get(env::OUTPUT).cloned());
    form.as_deref() == Some("json")
}
