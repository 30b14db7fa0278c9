//! Owns the query protocol: a form goes out, XML comes back.

use super::access::Aws;
use super::error::{AwsError, Class};
use super::signed::Service;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// What RFC 3986 leaves alone.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Members of a form.
#[derive(Debug, Clone)]
pub(super) struct Form {
    operation: &'static str,
    text: String,
}

impl Form {
    /// A form of an operation of an API version.
    pub(super) fn new(operation: &'static str, version: &str) -> Self {
        Self { operation, text: format!("Action={operation}&Version={version}") }
    }

    /// Adds a member.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.text.push('&');
        self.text.push_str(name);
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value, ENCODED));
        self
    }

    /// Adds a list of pairs.
    pub(super) fn pairs(
        mut self,
        list: &str,
        (key, value): (&str, &str),
        pairs: &BTreeMap<String, String>,
    ) -> Self {
        for (index, (name, content)) in pairs.iter().enumerate() {
            let number = index + 1;
            self = self
                .with(&format!("{list}.member.{number}.{key}"), name)
                .with(&format!("{list}.member.{number}.{value}"), content);
        }
        self
    }
}

impl Aws {
    /// Sends a form and reads the answer.
    pub(super) async fn submit<T>(
        &self,
        service: Service,
        form: Form,
        read: impl Fn(Node<'_, '_>) -> T,
    ) -> Result<T, AwsError> {
        let text = self.post(service, form.operation, &form.text).await?;
        let document = Document::parse(&text).map_err(|cause| AwsError {
            operation: form.operation,
            code: "UnreadableAnswer".to_owned(),
            message: cause.to_string(),
            class: Class::ServerFault,
        })?;
        Ok(read(document.root_element()))
    }
}

/// The first element of this name, however deep.
pub(super) fn find<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().find(|found| found.tag_name().name() == name)
}

/// The text of a direct child, empty if there is none: absent and empty mean the same.
pub(super) fn text(node: Node<'_, '_>, name: &str) -> String {
    let child = node.children().find(|child| child.tag_name().name() == name);
    child.and_then(|child| child.text()).unwrap_or_default().trim().to_owned()
}

/// The members of a list that is a direct child.
pub(super) fn members<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    list: &str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    let list = node.children().find(|child| child.tag_name().name() == list);
    list.into_iter().flat_map(|list| list.children()).filter(Node::is_element)
}
