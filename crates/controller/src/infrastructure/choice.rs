//! Owns, for each part, whether it is made, kept, adopted or restored. PURE.

use super::part::{Part, Presence, Switch};
use std::collections::BTreeMap;

/// What becomes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The stack has it.
    Keep,
    /// Nobody has it.
    Create,
    /// Somebody else made it, or an earlier stack left it: used as it is.
    Adopt(String),
    /// The stack believes to have it, and somebody deleted it. CloudFormation would not look: it
    /// has to forget the part first, then make it again.
    Restore(String),
    /// It was asked for by its ARN or id, and does not exist.
    Missing(String),
    /// Not wanted.
    None,
}

/// What is known of a part.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// ARN or id, when the part was asked for by it.
    pub(crate) given: Option<String>,
    /// The name or id under which the stack has it.
    pub(crate) owned: Option<String>,
    /// What the deployed stack adopted.
    pub(crate) adopted: Option<String>,
    pub(crate) presence: Presence,
}

/// The choice.
pub(crate) fn choose(known: &Known) -> Choice {
    match (&known.given, &known.owned, &known.presence) {
        (Some(id), _, Presence::There(_) | Presence::Unknown(_)) => Choice::Adopt(id.clone()),
        (Some(id), _, Presence::Absent) => Choice::Missing(id.clone()),
        (None, Some(_), Presence::There(_) | Presence::Unknown(_)) => Choice::Keep,
        (None, Some(id), Presence::Absent) => Choice::Restore(id.clone()),
        (None, None, Presence::There(id)) => Choice::Adopt(id.clone()),
        (None, None, Presence::Absent) => Choice::Create,
        (None, None, Presence::Unknown(_)) => {
            known.adopted.clone().map_or(Choice::Create, Choice::Adopt)
        }
    }
}

/// Sets the parameters that tell the template. A part to restore is left out first.
pub(crate) fn apply(choices: &BTreeMap<Part, Choice>, parameters: &mut BTreeMap<String, String>) {
    for (part, choice) in choices {
        let made = matches!(choice, Choice::Keep | Choice::Create | Choice::None);
        let (name, value) = match (part.switch(), choice) {
            (Switch::Flag(name), _) => (name, made.to_string()),
            (
                Switch::Existing(name),
                Choice::Adopt(id) | Choice::Restore(id) | Choice::Missing(id),
            ) => (name, id.clone()),
            (Switch::Existing(name), Choice::Keep | Choice::Create | Choice::None) => {
                (name, String::new())
            }
        };
        parameters.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{AwsError, Class};

    fn unknown() -> Presence {
        Presence::Unknown(Box::new(AwsError {
            operation: "GetRole",
            code: "AccessDenied".to_owned(),
            message: String::new(),
            class: Class::AccessDenied,
        }))
    }

    fn known(given: &str, owned: &str, adopted: &str, presence: Presence) -> Known {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Known { given: text(given), owned: text(owned), adopted: text(adopted), presence }
    }

    #[test]
    fn who_has_it_and_whether_it_is_there_decide() {
        let there = || Presence::There("arn".to_owned());
        let arn = || "arn".to_owned();
        for (known, choice) in [
            (known("", "", "", Presence::Absent), Choice::Create),
            (known("", "", "", there()), Choice::Adopt(arn())),
            (known("", "", "", unknown()), Choice::Create),
            (known("", "", "old", unknown()), Choice::Adopt("old".to_owned())),
            (known("", "", "old", Presence::Absent), Choice::Create),
            (known("", "role", "", there()), Choice::Keep),
            (known("", "role", "", unknown()), Choice::Keep),
            (known("", "role", "", Presence::Absent), Choice::Restore("role".to_owned())),
            (known("arn", "role", "", there()), Choice::Adopt(arn())),
            (known("arn", "", "", Presence::Absent), Choice::Missing(arn())),
        ] {
            assert_eq!(choose(&known), choice, "{known:?}");
        }
    }

    #[test]
    fn the_template_is_told_by_flag_or_by_arn() {
        let choices = BTreeMap::from([
            (Part::Repository, Choice::Adopt("arn:r".to_owned())),
            (Part::LogGroup, Choice::Restore("/ecs/app".to_owned())),
            (Part::ExecutionRole, Choice::Adopt("arn:e".to_owned())),
            (Part::TaskRole, Choice::Create),
        ]);
        let mut parameters = BTreeMap::new();
        apply(&choices, &mut parameters);
        let expected = [
            ("CreateLogGroup", "false"),
            ("CreateRepository", "false"),
            ("ExistingExecutionRoleArn", "arn:e"),
            ("ExistingTaskRoleArn", ""),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parameters, BTreeMap::from(expected));
    }
}
