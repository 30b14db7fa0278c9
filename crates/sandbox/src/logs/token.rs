//! Owns the tokens of GetLogEvents: cursors into a stream, before or after a position.

/// Where an event is in its stream: by its timestamp, then by arrival. What arrives late with an older
/// timestamp lands before a reader's cursor, and the reader misses it: so it is with CloudWatch (aws-facts 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Milliseconds since 1970.
    pub(crate) timestamp: u64,
    /// From 1, over all streams.
    pub(crate) arrival: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Everything after this position.
    Forward(Position),
    /// Everything before this position.
    Backward(Position),
}

impl Cursor {
    pub(crate) fn write(self) -> String {
        let (direction, position) = match self {
            Self::Forward(position) => ('f', position),
            Self::Backward(position) => ('b', position),
        };
        format!("{direction}/{:020}{:020}/s", position.timestamp, position.arrival)
    }

    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('/');
        let (direction, digits) = (parts.next()?, parts.next()?);
        if parts.next() != Some("s") || parts.next().is_some() || digits.len() != 40 {
            return None;
        }
        let position = Position {
            timestamp: digits.get(..20)?.parse().ok()?,
            arrival: digits.get(20..)?.parse().ok()?,
        };
        match direction {
            "f" => Some(Self::Forward(position)),
            "b" => Some(Self::Backward(position)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_way_through_a_client() {
        let position = Position { timestamp: 1_795_230_000_123, arrival: 7 };
        for cursor in [Cursor::Forward(position), Cursor::Backward(Position::default())] {
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for nonsense in ["", "f/1/s", "x/0/s", "f//s", "f/é/s"] {
            assert_eq!(Cursor::read(nonsense), None, "{nonsense}");
        }
    }
}
