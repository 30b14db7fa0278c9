//! Owns finding the task definition that was asked for, and registering it where it is new.

use crate::aws::{Aws, AwsError};
use crate::error::Error;
use crate::report::{Event, Registration, Report};
use crate::settings::{ContainerChoice, DefinitionSource, ImageChoice};
use crate::task_definition::{
    Change, Document, Registered, changes, choose, import, registrable, with_image,
};
use std::time::Duration;

/// How often a registration that collides with another one is tried.
const TRIES: u32 = 5;

/// A definition that was asked for, not yet registered where it is new.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The container that decides.
    pub(super) container: String,
    state: State,
}

#[derive(Debug)]
enum State {
    AsGiven(Registered),
    Unchanged(Registered),
    New { document: Document, changes: Vec<Change> },
}

/// Looks the definition up and compares; registers nothing.
pub(super) async fn find(
    aws: &Aws,
    source: &DefinitionSource,
    choice: &ContainerChoice,
) -> Result<Wanted, Error> {
    match source {
        DefinitionSource::Existing { reference, image } => {
            let found = aws.describe_definition(&reference.value).await?;
            let container = choose(&found.document, choice)?;
            let state = match image {
                ImageChoice::AsDefined => State::AsGiven(found),
                ImageChoice::Replace(image) => {
                    let document =
                        registrable(&with_image(&found.document, &container, &image.value))?;
                    compare(aws, document, Some(found)).await?
                }
            };
            Ok(Wanted { container, state })
        }
        DefinitionSource::Template { path, image } => {
            let text = std::fs::read_to_string(&path.value).map_err(|cause| {
                Error::usage(format!("cannot read the template {} ({})", path.value, path.origin))
                    .caused_by(cause)
            })?;
            let template = import(&text, &path.value)?;
            let container = choose(&template, choice)?;
            let document = registrable(&with_image(&template, &container, &image.value))?;
            let state = compare(aws, document, None).await?;
            Ok(Wanted { container, state })
        }
    }
}

/// Compares with the revision that was named, then with the newest one of the family.
async fn compare(aws: &Aws, document: Document, named: Option<Registered>) -> Result<State, Error> {
    if let Some(named) = named
        && changes(&named.document, &document).is_empty()
    {
        return Ok(State::Unchanged(named));
    }
    match aws.describe_definition(document.family()).await {
        Ok(latest) => {
            let changes = changes(&latest.document, &document);
            Ok(if changes.is_empty() {
                State::Unchanged(latest)
            } else {
                State::New { document, changes }
            })
        }
        Err(error) if is_missing(&error) => {
            let nothing = Document(serde_json::json!({}));
            let changes = changes(&nothing, &document);
            Ok(State::New { document, changes })
        }
        Err(error) => Err(error.into()),
    }
}

/// A family without an active revision is a `ClientException` (not a type of its own).
pub(super) fn is_missing(error: &AwsError) -> bool {
    error.message.to_ascii_lowercase().contains("unable to describe task definition")
}

impl Wanted {
    /// What registering would change.
    pub(super) fn changes(&self) -> &[Change] {
        match &self.state {
            State::AsGiven(_) | State::Unchanged(_) => &[],
            State::New { changes, .. } => changes,
        }
    }

    /// The revision to use; a new one where nothing fits.
    pub(super) async fn registered(
        self,
        aws: &Aws,
        report: &mut Report,
    ) -> Result<Registered, Error> {
        let (registered, registration) = match self.state {
            State::AsGiven(registered) => (registered, Registration::AsGiven),
            State::Unchanged(registered) => (registered, Registration::Unchanged),
            State::New { document, .. } => (register(aws, document).await?, Registration::New),
        };
        report.emit(&Event::Definition {
            arn: registered.arn.clone(),
            name: registered.short_name().to_owned(),
            registration,
        });
        Ok(registered)
    }
}

pub(super) async fn register(aws: &Aws, document: Document) -> Result<Registered, Error> {
    let mut pause = Duration::from_secs(1);
    for _ in 1..TRIES {
        match aws.register_definition(document.clone()).await {
            Err(error) if error.is_transient() => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            answer => return Ok(answer?),
        }
    }
    Ok(aws.register_definition(document).await?)
}
