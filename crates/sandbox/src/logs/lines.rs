//! Owns how the log driver turns a line of output into events. Pure.

/// 256 KiB less the 26 bytes CloudWatch counts for every event (aws-facts 3.1).
pub(crate) const MAXIMUM_EVENT_BYTES: usize = 262_118;

/// Splits a line without its newline. Empty lines are no event; what is not UTF-8 becomes U+FFFD.
pub(crate) fn messages(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let mut rest = text.as_ref();
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(MAXIMUM_EVENT_BYTES);
        let (message, after) = rest.split_at(end);
        messages.push(message.to_owned());
        rest = after;
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_events() {
        assert!(messages(b"").is_empty());
        assert_eq!(messages(b"plain"), ["plain"]);
        assert_eq!(messages(b"a\xffb"), ["a\u{fffd}b"]);

        let long = "x".repeat(MAXIMUM_EVENT_BYTES + 1);
        let lengths: Vec<_> = messages(long.as_bytes()).iter().map(String::len).collect();
        assert_eq!(lengths, [MAXIMUM_EVENT_BYTES, 1]);

        let wide = format!("{}é", "x".repeat(MAXIMUM_EVENT_BYTES - 1));
        let lengths: Vec<_> = messages(wide.as_bytes()).iter().map(String::len).collect();
        assert_eq!(lengths, [MAXIMUM_EVENT_BYTES - 1, 2]);
    }
}
