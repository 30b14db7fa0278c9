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

/// A cursor on the wire. Empty pages in the middle of a stream move it on without moving the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) cursor: Cursor,
    /// Empty pages since the cursor moved.
    pub(crate) empty_pages: u32,
}

impl Token {
    pub(crate) fn write(self) -> String {
        let (direction, position) = match self.cursor {
            Cursor::Forward(position) => ('f', position),
            Cursor::Backward(position) => ('b', position),
        };
        let Self { empty_pages, .. } = self;
        format!("{direction}/{:020}{:020}/{empty_pages}", position.timestamp, position.arrival)
    }

    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('/');
        let (direction, digits) = (parts.next()?, parts.next()?);
        let empty_pages = parts.next()?.parse().ok()?;
        if parts.next().is_some() || digits.len() != 40 {
            return None;
        }
        let position = Position {
            timestamp: digits.get(..20)?.parse().ok()?,
            arrival: digits.get(20..)?.parse().ok()?,
        };
        let cursor = match direction {
            "f" => Cursor::Forward(position),
            "b" => Cursor::Backward(position),
            _ => return None,
        };
        Some(Self { cursor, empty_pages })
    }
}

impl From<Cursor> for Token {
    fn from(cursor: Cursor) -> Self {
        Self { cursor, empty_pages: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_way_through_a_client() {
        let position = Position { timestamp: 1_795_230_000_123, arrival: 7 };
        for cursor in [Cursor::Forward(position), Cursor::Backward(Position::default())] {
            for empty_pages in [0, 3] {
                let token = Token { cursor, empty_pages };
                assert_eq!(Token::read(&token.write()), Some(token));
            }
        }
        for nonsense in ["", "f/1/0", "x/0/0", "f//0", "f/é/0"] {
            assert_eq!(Token::read(nonsense), None, "{nonsense}");
        }
    }
}
