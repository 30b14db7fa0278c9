//! Owns what goes for ever with a repository or a log group, in words. PURE.

use crate::words::{count, size};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The images of a repository, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Images {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// Whether there are more than were counted.
    pub(crate) more: bool,
}

/// The lines of a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogLines {
    pub(crate) bytes: u64,
    /// When the group was made, milliseconds since 1970: no line is older.
    pub(crate) since: i64,
    /// None keeps them for ever.
    pub(crate) retention: Option<u32>,
}

/// `with 12 images (340.0 MB)`.
pub(crate) fn of_images(images: Images) -> String {
    if images.number == 0 {
        return "without an image in it".to_owned();
    }
    let more = if images.more { "more than " } else { "" };
    format!("with {more}{} ({})", count(images.number, "image"), size(images.bytes))
}

/// `with up to 30 days of log (3.4 MB)`.
pub(crate) fn of_lines(lines: LogLines, now: i64) -> String {
    // A day that has begun is one.
    let age = u64::try_from((now - lines.since).max(0) / DAY).unwrap_or_default() + 1;
    let days = lines.retention.map_or(age, |retention| age.min(u64::from(retention)));
    // CloudWatch counts bytes with a delay, so none of them is no proof of none.
    let bytes = match lines.bytes {
        0 => String::new(),
        bytes => format!(" ({})", size(bytes)),
    };
    format!("with up to {} of log{bytes}", count(days, "day"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_counted() {
        let images = |number, more| of_images(Images { number, bytes: 7_000_000, more });
        assert_eq!(images(0, false), "without an image in it");
        assert_eq!(images(1, false), "with 1 image (7.0 MB)");
        assert_eq!(images(1000, true), "with more than 1000 images (7.0 MB)");
        let lines = |days: i64, bytes, retention| {
            of_lines(LogLines { bytes, since: 1_000, retention }, 1_000 + days * DAY)
        };
        assert_eq!(lines(0, 0, Some(30)), "with up to 1 day of log");
        assert_eq!(lines(11, 3_400_000, Some(30)), "with up to 12 days of log (3.4 MB)");
        assert_eq!(lines(400, 812, Some(30)), "with up to 30 days of log (812 bytes)");
        assert_eq!(lines(400, 812, None), "with up to 401 days of log (812 bytes)");
        // A clock that goes wrong makes no day negative.
        assert_eq!(lines(-3, 0, None), "with up to 1 day of log");
    }
}
