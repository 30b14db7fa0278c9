//! Owns putting one line after another.

/// Adds a line.
pub(super) fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
