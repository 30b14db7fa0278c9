//! Owns which images exist and what runs in their place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::script::Script;
use crate::words::{self, WordsError};

/// What runs when a container's image is started.
#[derive(Clone)]
pub enum Program {
    /// A local command that stands for the image's ENTRYPOINT. The container's `command` is appended and
    /// its `entryPoint` ignored: it names a file inside an image that is not here. With no words at all,
    /// `entryPoint` and `command` run as they are.
    Command(Vec<String>),
    /// Behaviour as data, decided for each launch.
    Scripted(Arc<dyn Fn(&Launch) -> Script + Send + Sync>),
}

/// What a scripted container can see of its launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The task.
    pub task_arn: String,
    /// The container's name.
    pub container: String,
    /// 1 for the first task the sandbox ran, and so on.
    pub ordinal: u64,
    /// The container's `command`, from the override or the definition.
    pub arguments: Vec<String>,
    /// The container's whole environment, secrets resolved.
    pub environment: BTreeMap<String, String>,
}

impl Program {
    /// A command line, split as a shell would.
    pub fn command(line: &str) -> Result<Self, WordsError> {
        words::split(line).map(Self::Command)
    }

    /// The same script at every launch.
    pub fn script(script: Script) -> Self {
        Self::scripted(move |_| script.clone())
    }

    /// A script for each launch.
    pub fn scripted(script: impl Fn(&Launch) -> Script + Send + Sync + 'static) -> Self {
        Self::Scripted(Arc::new(script))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(words) => formatter.debug_tuple("Command").field(words).finish(),
            Self::Scripted(_) => formatter.write_str("Scripted"),
        }
    }
}

/// The registry: image names, in which a `*` stands for any text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Images(Vec<(String, Program)>);

impl Images {
    pub(crate) fn add(&mut self, name: String, program: Program) {
        self.0.push((name, program));
    }

    /// An exact name wins, then the one that says most; of two equals the later one.
    pub(crate) fn find(&self, image: &str) -> Option<&Program> {
        self.0
            .iter()
            .filter_map(|(name, program)| Some((closeness(name, image)?, program)))
            .max_by_key(|(closeness, _)| *closeness)
            .map(|(_, program)| program)
    }
}

/// How many characters of `name` are not a `*`; more than any for the image's own name.
fn closeness(name: &str, image: &str) -> Option<usize> {
    if name == image {
        return Some(usize::MAX);
    }
    matches(name, image).then(|| name.chars().filter(|character| *character != '*').count())
}

/// A `*` stands for any text, also none.
fn matches(name: &str, image: &str) -> bool {
    let Some((before, after)) = name.split_once('*') else {
        return name == image;
    };
    image.strip_prefix(before).is_some_and(|rest| {
        let mut starts = rest.char_indices().map(|(start, _)| start).chain([rest.len()]);
        starts.any(|start| matches(after, &rest[start..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_wins() {
        let mut images = Images::default();
        for name in ["*", "app*", "app:v1", "app-migrate:*", "*/app-migrate:*"] {
            images.add(name.to_owned(), Program::Command(vec![name.to_owned()]));
        }
        for (image, found) in [
            ("app:v1", "app:v1"),
            ("app:v2", "app*"),
            ("app-migrate:v9", "app-migrate:*"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com/app-migrate:v9", "*/app-migrate:*"),
            ("other", "*"),
        ] {
            match images.find(image) {
                Some(Program::Command(words)) => assert_eq!(words[0], found, "{image}"),
                other => panic!("{image}: {other:?}"),
            }
        }
        assert!(Images::default().find("app:v1").is_none());
    }
}
