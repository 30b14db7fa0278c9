//! Owns which repository and which log group `--delete-data` deletes: what the stack has by its own
//! record, and what bears this family's tag. A name alone is no proof of whose something is.

use super::loss::{of_images, of_lines};
use super::part::{Part, Presence};
use super::request::OWNER_TAG;
use super::stack::StackResource;
use crate::aws::Aws;
use crate::error::{Error, Kind};
use std::collections::BTreeMap;

/// What holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Repository,
    LogGroup,
}

impl Store {
    /// The part of the infrastructure that it is.
    pub(crate) const fn part(self) -> Part {
        match self {
            Self::Repository => Part::Repository,
            Self::LogGroup => Part::LogGroup,
        }
    }

    /// What people call it.
    pub(crate) const fn words(self) -> &'static str {
        self.part().words()
    }

    const fn flag(self) -> &'static str {
        match self {
            Self::Repository => "--repository",
            Self::LogGroup => "--log-group",
        }
    }
}

/// What holds data, and goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DoomedData {
    pub(crate) store: Store,
    pub(crate) name: String,
    /// How much goes for ever.
    pub(crate) loss: String,
}

/// What holds data under a name of this family, and stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SparedData {
    pub(crate) store: Store,
    pub(crate) name: String,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FoundData {
    pub(crate) doomed: Vec<DoomedData>,
    pub(crate) spared: Vec<SparedData>,
}

/// A name, and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) store: Store,
    pub(crate) name: String,
    pub(crate) claim: Claim,
}

/// Why a name may be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The stack made it: its physical id.
    OfStack,
    /// The command line names it. Without the tag it is somebody else's, and that is said.
    Named,
    /// The name that this family's would have. Without the tag it was adopted, and stays.
    Usual,
}

/// Whether the stack has it. What it failed to make bears the name of what stood in its way, which may be
/// somebody else's.
fn is_made(resource: &StackResource) -> bool {
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"].contains(&resource.status.as_str())
}

/// The names that may be meant. `given` is the command line's, `parameters` what counts in all.
pub(crate) fn candidates(
    resources: &[StackResource],
    given: &BTreeMap<String, String>,
    parameters: &BTreeMap<String, String>,
) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for store in [Store::Repository, Store::LogGroup] {
        let part = store.part();
        let of_part = |resource: &&StackResource| {
            // What left the stack alive is no longer its own: DELETE_SKIPPED, DELETE_COMPLETE.
            resource.logical_id == part.logical_id() && !resource.status.starts_with("DELETE_")
        };
        let (made, doubtful): (Vec<_>, Vec<_>) =
            resources.iter().filter(of_part).partition(|resource| is_made(resource));
        let of_stack = made.into_iter().map(|one| (one.physical_id.clone(), Claim::OfStack));
        let doubtful = doubtful.into_iter().map(|one| (one.physical_id.clone(), Claim::Usual));
        let parameter = part.name_parameter().unwrap_or_default();
        let named = given.get(parameter).map(|name| (name.clone(), Claim::Named));
        let usual = parameters.get(parameter).map(|name| (name.clone(), Claim::Usual));
        for (name, claim) in of_stack.chain(named).chain(doubtful).chain(usual) {
            let known = found.iter().any(|other| other.store == store && other.name == name);
            if !name.is_empty() && !known {
                found.push(Candidate { store, name, claim });
            }
        }
    }
    found
}

/// Looks for them, whose they are, and how much they hold.
pub(crate) async fn find(
    aws: &Aws,
    (family, now): (&str, i64),
    candidates: Vec<Candidate>,
) -> Result<FoundData, Error> {
    let mut found = FoundData::default();
    for Candidate { store, name, claim } in candidates {
        let presence = match store {
            Store::Repository => aws.repository_presence(&name).await?,
            Store::LogGroup => aws.log_group_presence(&name).await?,
        };
        let arn = match presence {
            Presence::There(arn) => arn,
            Presence::Absent => continue,
            Presence::Unknown(error) => return Err((*error).into()),
        };
        let tag = (OWNER_TAG, family);
        let ours = match (claim, store) {
            (Claim::OfStack, _) => true,
            (Claim::Named | Claim::Usual, Store::Repository) => {
                aws.repository_has_tag(&arn, tag).await?
            }
            (Claim::Named | Claim::Usual, Store::LogGroup) => {
                aws.log_group_has_tag(&arn, tag).await?
            }
        };
        match claim {
            _ if ours => {
                let loss = loss(aws, store, (&name, now)).await;
                found.doomed.push(DoomedData { store, name, loss });
            }
            Claim::Named => return Err(foreign(store, &name, family)),
            Claim::OfStack | Claim::Usual => found.spared.push(SparedData { store, name }),
        }
    }
    Ok(found)
}

/// How much goes. Where it may not be counted, the deletion is no less of a decision.
async fn loss(aws: &Aws, store: Store, (name, now): (&str, i64)) -> String {
    let counted = match store {
        Store::Repository => aws.images_in(name).await.map(|images| Some(of_images(images))),
        Store::LogGroup => {
            aws.lines_in(name).await.map(|lines| lines.map(|lines| of_lines(lines, now)))
        }
    };
    match counted {
        Ok(Some(loss)) => loss,
        Ok(None) => "with everything in it".to_owned(),
        Err(error) => format!("with everything in it; how much that is, is not known: {error}"),
    }
}

fn foreign(store: Store, name: &str, family: &str) -> Error {
    let flag = store.flag();
    let message = format!(
        "{} {name} is not this family's, so it is not deleted: no stack of {family} made it",
        store.words()
    );
    Error::new(Kind::SetupFailed, message).hinted(format!(
        "leave {flag} out: the stack knows what it made; if it is this family's, tag it: \
         {OWNER_TAG} = {family}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_stacks_own_word_comes_first_and_every_other_name_needs_the_tag() {
        let resource = |physical_id: &str, status: &str| StackResource {
            logical_id: "Repository".to_owned(),
            physical_id: physical_id.to_owned(),
            kind: String::new(),
            status: status.to_owned(),
        };
        let made = || vec![resource("app", "UPDATE_COMPLETE")];
        let usual = [("RepositoryName", "app"), ("LogGroupName", "")];
        for (resources, given, expected) in [
            (made(), &[][..], vec![("app", Claim::OfStack)]),
            (made(), &[("RepositoryName", "app")], vec![("app", Claim::OfStack)]),
            (
                made(),
                &[("RepositoryName", "shop")],
                vec![("app", Claim::OfStack), ("shop", Claim::Named)],
            ),
            (vec![], &[("RepositoryName", "shop")], vec![("shop", Claim::Named)]),
            (vec![], &[], vec![("app", Claim::Usual)]),
            (vec![resource("app", "DELETE_SKIPPED")], &[], vec![("app", Claim::Usual)]),
            // It was there before, and somebody else's: the stack did not get to make it.
            (vec![resource("app", "CREATE_FAILED")], &[], vec![("app", Claim::Usual)]),
            (
                vec![resource("shop", "UPDATE_FAILED")],
                &[],
                vec![("shop", Claim::Usual), ("app", Claim::Usual)],
            ),
            (
                vec![resource("shop", "CREATE_FAILED")],
                &[("RepositoryName", "shop")],
                vec![("shop", Claim::Named)],
            ),
            (
                vec![resource("old", "IMPORT_COMPLETE")],
                &[],
                vec![("old", Claim::OfStack), ("app", Claim::Usual)],
            ),
            // A stack whose name was changed on the way.
            (
                vec![resource("old", "CREATE_COMPLETE")],
                &[],
                vec![("old", Claim::OfStack), ("app", Claim::Usual)],
            ),
        ] {
            let given = map(given);
            let mut parameters = map(&usual);
            parameters.extend(given.clone());
            let found = candidates(&resources, &given, &parameters);
            let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.claim)).collect();
            assert_eq!(found, expected);
        }
    }
}
