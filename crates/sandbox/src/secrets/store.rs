//! Owns secrets and their versions, in memory.

use std::collections::BTreeMap;

use crate::clock::Timestamp;

pub(crate) const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

#[derive(Debug, Default)]
pub(crate) struct SecretStore {
    by_name: BTreeMap<String, Secret>,
}

#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) arn: String,
    pub(crate) name: String,
    versions: Vec<Version>,
}

#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) stages: Vec<String>,
    pub(crate) created_at: Timestamp,
}

impl std::fmt::Debug for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Version")
            .field("id", &self.id)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}

impl SecretStore {
    /// By name, full ARN, or ARN without the six random characters.
    pub(crate) fn find(&self, id: &str) -> Option<&Secret> {
        let name = self.name_of(id)?;
        self.by_name.get(&name)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let name = self.name_of(id)?;
        self.by_name.get_mut(&name)
    }

    fn name_of(&self, id: &str) -> Option<String> {
        self.by_name
            .values()
            .find(|secret| {
                id == secret.name
                    || id == secret.arn
                    || secret.arn.rsplit_once('-').is_some_and(|(arn, _)| id == arn)
            })
            .map(|secret| secret.name.clone())
    }

    pub(crate) fn create(&mut self, name: &str, arn: String) -> &mut Secret {
        self.by_name.entry(name.to_owned()).or_insert(Secret {
            arn,
            name: name.to_owned(),
            versions: Vec::new(),
        })
    }
}

impl Secret {
    /// Makes a version current, and the current one previous.
    pub(crate) fn put(&mut self, id: String, value: String, created_at: Timestamp) {
        for version in &mut self.versions {
            version.stages.retain(|stage| stage != PREVIOUS);
            for stage in &mut version.stages {
                if stage == CURRENT {
                    PREVIOUS.clone_into(stage);
                }
            }
        }
        self.versions.push(Version { id, value, stages: vec![CURRENT.to_owned()], created_at });
    }

    /// Adds a version with these stages, which leave the versions that had them.
    pub(crate) fn stage(&mut self, staged: Version) {
        for version in &mut self.versions {
            version.stages.retain(|stage| !staged.stages.contains(stage));
        }
        self.versions.push(staged);
    }

    /// Every version, the oldest first.
    pub(crate) fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub(crate) fn at_stage(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.iter().any(|name| name == stage))
    }

    pub(crate) fn with_id(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_version_leaves_the_current_one() {
        let mut store = SecretStore::default();
        let secret = store.create("app/db", "arn:x:secret:app/db-AbCdEf".to_owned());
        let now = Timestamp::from_millis(0);
        secret.put("1".to_owned(), "one".to_owned(), now);
        for (id, value) in [("2", "two"), ("3", "three")] {
            let stages = vec!["AWSPENDING".to_owned()];
            secret.stage(Version {
                id: id.to_owned(),
                value: value.to_owned(),
                stages,
                created_at: now,
            });
        }
        assert_eq!(secret.at_stage(CURRENT).expect("current").value, "one");
        assert_eq!(secret.at_stage("AWSPENDING").expect("pending").value, "three");
    }

    #[test]
    fn a_new_version_moves_the_stages() {
        let mut store = SecretStore::default();
        let secret = store.create("app/db", "arn:x:secret:app/db-AbCdEf".to_owned());
        assert!(secret.at_stage(CURRENT).is_none());
        for (id, value) in [("1", "one"), ("2", "two"), ("3", "three")] {
            secret.put(id.to_owned(), value.to_owned(), Timestamp::from_millis(0));
        }
        assert_eq!(secret.at_stage(CURRENT).expect("current").value, "three");
        assert_eq!(secret.at_stage(PREVIOUS).expect("previous").value, "two");
        assert_eq!(secret.with_id("1").expect("first").value, "one");
        for id in ["app/db", "arn:x:secret:app/db-AbCdEf", "arn:x:secret:app/db"] {
            assert!(store.find(id).is_some(), "{id}");
        }
        assert!(store.find("app").is_none());
    }
}
