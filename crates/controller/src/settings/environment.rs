//! Owns the environment as a layer of settings.

use super::key::Key;
use super::layers::Origin;
use super::value;
use crate::error::Error;
use std::collections::BTreeMap;

/// The settings that the environment holds. An empty value is no value: GitHub writes one for a
/// variable that does not exist. Nobody writes a blank, so that one is refused. An empty image is
/// kept, and refused where an image is used: GitHub also writes it for an output that it dropped,
/// and the image of another commit is none. So is an empty name of the environment: without it no
/// run is kept from another one's database.
pub(crate) fn read(
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<Key, (&'static str, String)>, Error> {
    let mut settings = BTreeMap::new();
    for key in Key::ALL {
        let given = |name: &&&'static str| environment.get(**name).is_some_and(|v| !v.is_empty());
        let lost = |name: &&&'static str| must_be_there(key) && environment.contains_key(**name);
        let names = key.environment();
        if let Some(name) = names.iter().find(given) {
            let text = environment.get(*name).map_or("", String::as_str);
            let value = value::read(key, &Origin::Environment(name), text)?;
            settings.insert(key, (*name, value));
        } else if let Some(name) = names.iter().find(lost) {
            settings.insert(key, (*name, String::new()));
        }
    }
    Ok(settings)
}

fn must_be_there(key: Key) -> bool {
    matches!(key, Key::Image | Key::ServiceImage | Key::Environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_image_and_an_empty_environment_are_not_passed_over() {
        let names = ["ECS_MIGRATE_IMAGE", "ECS_MIGRATE_SERVICE_IMAGE", "ECS_MIGRATE_ENVIRONMENT"];
        let found = read(&names.map(|name| (name.to_owned(), String::new())).into()).unwrap();
        let found: Vec<_> = found.into_values().collect();
        assert_eq!(found, names.map(|name| (name, String::new())));
    }

    #[test]
    fn our_name_beats_the_teams_name_and_empty_is_not_set() {
        let environment = [
            ("ECS_MIGRATE_SUBNETS", ""),
            ("ECS_MIGRATE_TASK_DEFINITION", ""),
            ("VPC_SUBNETS", "subnet-a"),
            ("ECS_MIGRATE_SECURITY_GROUPS", "sg-ours"),
            ("VPC_SECURITY_GROUPS", "sg-theirs"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let found = read(&environment).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&Key::Subnets, &Key::SecurityGroups]);
        assert_eq!(found[&Key::Subnets], ("VPC_SUBNETS", "subnet-a".to_owned()));
        assert_eq!(
            found[&Key::SecurityGroups],
            ("ECS_MIGRATE_SECURITY_GROUPS", "sg-ours".to_owned())
        );
    }
}
