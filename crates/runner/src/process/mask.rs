//! Owns keeping the database's password out of what a child writes. PURE.

use engine::Secret;

/// Shorter ones would make holes everywhere and hide little.
const SHORTEST: usize = 4;

/// What stands in its place.
const STARS: &[u8] = b"***";

/// The texts to hide.
#[derive(Debug, Default)]
pub(crate) struct Mask(Vec<Secret>);

impl Mask {
    /// Hides these, the longest first; what is shorter than four bytes is not hidden.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|secret| secret.expose().len() >= SHORTEST).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self(secrets)
    }

    /// The bytes with every secret in them replaced by `***`.
    pub(crate) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            match self.0.iter().find(|secret| rest.starts_with(secret.expose().as_bytes())) {
                Some(secret) => {
                    clean.extend_from_slice(STARS);
                    rest = &rest[secret.expose().len()..];
                }
                None => {
                    clean.push(*first);
                    rest = &rest[1..];
                }
            }
        }
        clean
    }

    /// How many bytes at the end could be the beginning of a secret, and must wait for the rest.
    pub(crate) fn unsure(&self, bytes: &[u8]) -> usize {
        let longest = self.0.first().map_or(0, |secret| secret.expose().len().saturating_sub(1));
        let begins =
            |tail: &[u8]| self.0.iter().any(|secret| secret.expose().as_bytes().starts_with(tail));
        (1..=longest.min(bytes.len()))
            .rev()
            .find(|count| begins(&bytes[bytes.len() - count..]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_stars() {
        let mask = Mask::new(["hunter2", "hunter2%23", "abc"].map(Secret::new));
        for (text, wanted) in [
            ("postgresql://u:hunter2@db", "postgresql://u:***@db"),
            ("hunter2%23 hunter2hunter2", "*** ******"),
            ("abc hunter", "abc hunter"),
            ("", ""),
        ] {
            assert_eq!(mask.apply(text.as_bytes()), wanted.as_bytes());
        }
        assert_eq!(mask.unsure(b"xhunt"), 4);
        assert_eq!(mask.unsure(b"hunter2%2"), 9);
        assert_eq!(mask.unsure(b"nothing"), 0);
        assert_eq!(Mask::default().unsure(b"x"), 0);
    }
}
