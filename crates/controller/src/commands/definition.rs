//! Owns finding the task definition that was asked for, and registering it where it is new.

use super::pin::{Doubt, Pinned, Tags};
use crate::aws::{Aws, AwsError};
use crate::error::Error;
use crate::report::{Event, Registration, Report};
use crate::settings::{ContainerChoice, DefinitionSource, ImageChoice, ServiceWish, Setting};
use crate::task::Expectation;
use crate::task_definition::{
    Advice, Change, Document, Registered, advice, changes, choose, import, names_the_runner,
    registrable, with_image, with_label,
};
use std::time::Duration;

/// How often a registration that collides with another one is tried.
const TRIES: u32 = 5;

/// How many equal revisions of one moment are looked through.
const EQUALS: u32 = 50;

/// A definition that was asked for, not yet registered where it is new.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The container that decides.
    pub(super) container: String,
    doubt: Option<Doubt>,
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
    (aws, tags): (&Aws, &Tags),
    source: &DefinitionSource,
    (choice, expect): (&ContainerChoice, Expectation),
) -> Result<Wanted, Error> {
    match source {
        DefinitionSource::Existing { reference, image } => {
            let found = aws.describe_definition(&reference.value).await?;
            let container = choose(&found.document, choice)?;
            let (doubt, state) = match image {
                ImageChoice::AsDefined => (None, State::AsGiven(found)),
                ImageChoice::Replace(image) => {
                    let Pinned { image, doubt } = tags.pin(aws, &image.value).await;
                    let document = with_image(&found.document, &container, &image);
                    let document = registrable(&labelled(&document, &container, expect))?;
                    (doubt, compare(aws, document, Some(found)).await?)
                }
            };
            Ok(Wanted { container, doubt, state })
        }
        DefinitionSource::Template { path, image } => {
            let template = read_template(path)?;
            let container = choose(&template, choice)?;
            // What is wrong with the file itself is said before anybody is asked.
            registrable(&with_image(&template, &container, &image.value))?;
            let Pinned { image, doubt } = tags.pin(aws, &image.value).await;
            let document = with_image(&template, &container, &image);
            let document = registrable(&labelled(&document, &container, expect))?;
            let state = compare(aws, document, None).await?;
            Ok(Wanted { container, doubt, state })
        }
    }
}

/// With the label that makes the container known as the runner's, where somebody says that it is: the
/// settings, or the definition by its first word.
fn labelled(document: &Document, container: &str, expect: Expectation) -> Document {
    let known = match expect {
        Expectation::Runner => true,
        Expectation::Auto => names_the_runner(document, container),
        Expectation::Plain => false,
    };
    if known { with_label(document, container) } else { document.clone() }
}

/// The definition in a file of the user's.
pub(in crate::commands) fn read_template(path: &Setting<String>) -> Result<Document, Error> {
    let text = std::fs::read_to_string(&path.value).map_err(|cause| {
        Error::usage(format!("cannot read the template {} ({})", path.value, path.origin))
            .caused_by(cause)
    })?;
    import(&text, &path.value)
}

/// The definition that a service shall get: its own or a file's, with another image where one is said.
pub(super) async fn find_for_service(
    (aws, tags): (&Aws, &Tags),
    current: &str,
    wish: &ServiceWish,
) -> Result<Wanted, Error> {
    let (base, named) = match &wish.template {
        None => {
            let found = aws.describe_definition(current).await?;
            (found.document.clone(), Some(found))
        }
        Some(path) => {
            let text = std::fs::read_to_string(&path.value).map_err(|cause| {
                Error::usage(format!("cannot read the definition {}", path.value)).caused_by(cause)
            })?;
            (import(&text, &path.value)?, None)
        }
    };
    let Some(image) = &wish.image else {
        return Ok(match named {
            Some(named) => {
                Wanted { container: String::new(), doubt: None, state: State::AsGiven(named) }
            }
            None => {
                let state = compare(aws, registrable(&base)?, None).await?;
                Wanted { container: String::new(), doubt: None, state }
            }
        });
    };
    let container = choose(&base, &wish.container)?;
    let Pinned { image, doubt } = tags.pin(aws, &image.value).await;
    let document = registrable(&with_image(&base, &container, &image))?;
    let state = compare(aws, document, named).await?;
    Ok(Wanted { container, doubt, state })
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

    /// The definition itself.
    pub(super) fn document(&self) -> &Document {
        match &self.state {
            State::AsGiven(registered) | State::Unchanged(registered) => &registered.document,
            State::New { document, .. } => document,
        }
    }

    /// The revision that can be used as it is; none where one would have to be registered.
    pub(super) fn existing(&self) -> Option<&Registered> {
        match &self.state {
            State::AsGiven(registered) | State::Unchanged(registered) => Some(registered),
            State::New { .. } => None,
        }
    }

    /// Whether the same name may be another image now: a tag that nobody resolved can be moved.
    pub(super) fn may_have_moved(&self) -> bool {
        self.doubt.is_some()
    }

    /// Says what is not sure about the image.
    pub(super) fn doubt(&self, report: &mut Report) {
        if let Some(Doubt { text, hint, .. }) = self.doubt.clone() {
            report.emit(&Event::Warning { text, hint });
        }
    }

    /// Says what the definition lacks.
    pub(super) fn warn(&self, report: &mut Report) {
        self.doubt(report);
        for Advice { sentence, fix } in advice(self.document(), &self.container) {
            report.emit(&Event::Warning { text: sentence, hint: Some(fix.to_owned()) });
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
            State::New { document, .. } => register(aws, document).await?,
        };
        report.emit(&Event::Definition {
            arn: registered.arn.clone(),
            name: registered.short_name().to_owned(),
            registration,
        });
        Ok(registered)
    }
}

/// Registers. ECS lets only one registration of a family through at a time; where another one was
/// faster, it may have registered the same.
pub(super) async fn register(
    aws: &Aws,
    document: Document,
) -> Result<(Registered, Registration), Error> {
    let mut pause = Duration::from_secs(1);
    for _ in 1..TRIES {
        match aws.register_definition(document.clone()).await {
            Err(error) if error.is_transient() => {
                tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                pause *= 2;
            }
            answer => return Ok(agreed(aws, answer?).await),
        }
        if let Ok(State::Unchanged(same)) = compare(aws, document.clone(), None).await {
            return Ok((same, Registration::Unchanged));
        }
    }
    Ok(agreed(aws, aws.register_definition(document).await?).await)
}

/// The lowest of the equal revisions just below the one that was made. Whoever registered the same
/// at the same moment looks down the same row, so all of them use one.
async fn agreed(aws: &Aws, made: Registered) -> (Registered, Registration) {
    let family = made.family().to_owned();
    let mut lowest = None;
    let mut number = made.revision().unwrap_or_default();
    for _ in 0..EQUALS {
        number -= 1;
        if number < 1 {
            break;
        }
        let Ok(below) = aws.describe_definition(&format!("{family}:{number}")).await else {
            break;
        };
        if !below.is_active() || !changes(&below.document, &made.document).is_empty() {
            break;
        }
        lowest = Some(below);
    }
    match lowest {
        Some(lowest) => (lowest, Registration::Unchanged),
        None => (made, Registration::New),
    }
}
