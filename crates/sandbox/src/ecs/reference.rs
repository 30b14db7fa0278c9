//! Owns reading how a caller names a task definition: family, family:revision or ARN. Pure.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DefinitionReference<'text> {
    pub(crate) family: &'text str,
    /// Absent: the latest ACTIVE one.
    pub(crate) revision: Option<usize>,
}

impl<'text> DefinitionReference<'text> {
    /// `None` when the text after the colon is no number.
    pub(crate) fn read(text: &'text str) -> Option<Self> {
        let name = match text.split_once(":task-definition/") {
            Some((_, name)) => name,
            None => text,
        };
        match name.split_once(':') {
            None => Some(Self { family: name, revision: None }),
            Some((family, revision)) => {
                Some(Self { family, revision: Some(revision.parse().ok()?) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let table = [
            ("migrate", Some(("migrate", None))),
            ("migrate:7", Some(("migrate", Some(7)))),
            ("arn:aws:ecs:eu-west-1:1:task-definition/migrate:7", Some(("migrate", Some(7)))),
            ("migrate:latest", None),
        ];
        for (text, expected) in table {
            let read = DefinitionReference::read(text);
            assert_eq!(read.map(|read| (read.family, read.revision)), expected, "{text}");
        }
    }
}
