//! Owns what makes two invocations the same run: PURE.
//!
//! RunTask answers a client token that it knows with the task that the token started, within 24 h
//! and in one cluster. So the token is computed from what is run and for what, and a job that is
//! re-run finds its task.

use crate::settings::RunKey;
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// ECS allows 128 characters of `[A-Za-z0-9_/-]` in `startedBy`.
const STARTED_BY_LIMIT: usize = 128;

/// What identifies a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunIdentity {
    /// The id that the runner writes in each line: 26 letters and digits.
    pub(crate) run: String,
    /// The same for all runs of one key, so that `cancel` needs nothing else to find them.
    pub(crate) started_by: String,
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) family: &'a str,
    /// What the definition says, as a digest. Its revision is no part of a run: two invocations
    /// that register the same at the same moment get two revisions.
    pub(crate) definition: &'a str,
    pub(crate) image: &'a str,
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [(String, String)],
    /// Another commit is another run, whatever its key and its image are; empty if not known.
    pub(crate) commit: &'a str,
}

impl RunIdentity {
    /// The identity of this work for this key.
    pub(crate) fn of(key: &RunKey, work: Work<'_>) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let key_text = match key {
            RunKey::Given(key) => format!("key/{key}"),
            RunKey::Github(id) => format!("github/{id}"),
            RunKey::Random => format!("once/{random}"),
            RunKey::Task => format!("task/{random}"),
        };
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        for part in [&key_text, work.cluster, work.family, work.definition, work.image, work.commit]
        {
            add(part);
        }
        add("arguments");
        work.arguments.iter().for_each(|argument| add(argument));
        add("environment");
        for (name, value) in work.environment {
            add(name);
            add(value);
        }
        let digest = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
        Self { run: digest[..26].to_owned(), started_by: started_by(key, &random) }
    }

    /// The client token of an attempt, at most 64 characters of ASCII.
    pub(crate) fn client_token(&self, attempt: u32) -> String {
        format!("{}-{attempt}", self.run)
    }
}

/// `startedBy` of a key.
pub(crate) fn started_by(key: &RunKey, random: &str) -> String {
    let (kind, text) = match key {
        RunKey::Given(key) => ("key", key.as_str()),
        RunKey::Github(id) => ("github", id.as_str()),
        RunKey::Random => ("once", random),
        RunKey::Task => ("task", random),
    };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_/-".contains(letter);
    let name = format!("ecs-migrate/{kind}/{text}");
    if name.len() <= STARTED_BY_LIMIT && name.chars().all(allowed) {
        return name;
    }
    let digest = BASE32_NOPAD.encode(&Sha256::digest(text)).to_ascii_lowercase();
    format!("ecs-migrate/{kind}/{}", &digest[..26])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(key: &RunKey, arguments: &[String]) -> RunIdentity {
        RunIdentity::of(
            key,
            Work {
                cluster: "prod",
                family: "app",
                definition: "digest",
                image: "i",
                arguments,
                environment: &[],
                commit: "c5",
            },
        )
    }

    #[test]
    fn the_same_key_and_work_are_the_same_run() {
        let key = RunKey::Github("77".to_owned());
        let one = identity(&key, &[]);
        assert_eq!(one, identity(&key, &[]));
        assert_eq!(one.started_by, "ecs-migrate/github/77");
        assert_ne!(one.run, identity(&key, &["status".to_owned()]).run);
        assert_ne!(one.run, identity(&RunKey::Github("78".to_owned()), &[]).run);
        assert!(one.client_token(12).len() <= 64);
    }

    #[test]
    fn arguments_do_not_run_into_each_other() {
        let key = RunKey::Github("77".to_owned());
        let split = ["a b".to_owned()];
        let joined = ["a".to_owned(), "b".to_owned()];
        assert_ne!(identity(&key, &split).run, identity(&key, &joined).run);
    }

    #[test]
    fn without_a_key_every_run_is_another() {
        assert_ne!(identity(&RunKey::Random, &[]).run, identity(&RunKey::Random, &[]).run);
    }

    #[test]
    fn started_by_keeps_to_what_ecs_allows() {
        for key in ["release 9, again", &"x".repeat(200)] {
            let name = started_by(&RunKey::Given(key.to_owned()), "");
            assert!(name.len() <= 128, "{name}");
            assert!(
                name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_/-".contains(letter)),
                "{name}"
            );
        }
        assert_eq!(
            started_by(&RunKey::Given("v1_2/a-b".to_owned()), ""),
            "ecs-migrate/key/v1_2/a-b"
        );
    }
}
