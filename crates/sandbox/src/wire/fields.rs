//! Owns JSON bodies: absent members stay absent, on the way out as on the way in.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ApiError;

/// A JSON object whose members are present only when there is a value.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

/// Reads an operation's input; unknown members are ignored, as AWS does.
pub(crate) fn parse<Input: DeserializeOwned>(input: &Value) -> Result<Input, ApiError> {
    Input::deserialize(input)
        .map_err(|error| ApiError::client("SerializationException", error.to_string()))
}
