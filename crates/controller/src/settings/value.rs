//! Owns the one reading of a setting's text, whatever layer it is from: blank is not a value, and a
//! list or a truth is no name. PURE.

use super::key::Key;
use super::layers::Origin;
use crate::error::Error;
use toml::Value;

/// What a setting's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One word: a name, an image, an ARN, one word of several.
    Word,
    /// A text that may have blanks in it: a path, a duration, a key.
    Text,
    /// Several words.
    List,
    /// True or false.
    Truth,
    /// A command line for a shell, taken as it is.
    Command,
}

impl Shape {
    /// What the file has to hold, for a message.
    const fn in_file(self) -> &'static str {
        match self {
            Self::Word | Self::Text | Self::Command => "a text",
            Self::List => "a text or a list of texts",
            Self::Truth => "true or false",
        }
    }

    /// A value of the file as the command line would have it: lists are joined by commas.
    fn plain(self, value: &Value) -> Option<String> {
        match (self, value) {
            (_, Value::String(text)) => Some(text.clone()),
            (Self::Truth, Value::Boolean(truth)) => Some(truth.to_string()),
            (Self::List, Value::Array(items)) => {
                let filled = |text: &&str| !text.trim().is_empty();
                let items: Option<Vec<&str>> =
                    items.iter().map(|item| item.as_str().filter(filled)).collect();
                items.map(|items| items.join(","))
            }
            (
                Self::Word | Self::Text | Self::Command | Self::List | Self::Truth,
                Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Array(_)
                | Value::Table(_),
            ) => None,
        }
    }
}

/// A value of the file, which must have the key's type.
pub(crate) fn of_file(key: Key, value: &Value, path: &str) -> Result<String, Error> {
    let shape = key.shape();
    shape.plain(value).ok_or_else(|| {
        let found = match (shape, value) {
            (Shape::List, Value::Array(_)) => "an array with something else in it",
            (_, other) => other.type_str(),
        };
        let (name, wanted) = (key.name(), shape.in_file());
        Error::usage(format!("`{name}` in {path} is {found}, but {wanted} is needed"))
    })
}

/// A text of any layer. Blanks around it are nobody's meaning, so they go; a blank that was said is
/// refused, because what it was made of is not there, and what it should have guarded would not be.
pub(crate) fn read(key: Key, origin: &Origin, text: &str) -> Result<String, Error> {
    let trimmed = text.trim();
    let refuse = |what: &str| Err(Error::usage(format!("{origin} {what}")));
    if trimmed.is_empty() {
        return Err(blank(&origin.to_string()));
    }
    let shape = key.shape();
    if matches!(shape, Shape::List | Shape::Command) {
        return Ok(trimmed.to_owned());
    }
    if trimmed.chars().any(char::is_control) {
        return refuse("has a control character in it, such as a tab or the end of a line");
    }
    let is_list = trimmed.starts_with('[') && trimmed.ends_with(']');
    let is_several = shape == Shape::Word && trimmed.contains([',', ' ']);
    if is_list || is_several {
        return refuse("is a list, but one value is needed");
    }
    Ok(trimmed.to_owned())
}

/// What is said of a blank.
pub(crate) fn blank(origin: &str) -> Error {
    Error::usage(format!("{origin} is blank"))
        .hinted("see whether the variable that it is made of is set here, or leave it out")
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
