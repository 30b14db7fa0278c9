//! A page as a browser's parser sees it.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// Its elements in their order.
pub(crate) struct Parsed {
    elements: Vec<Element>,
}

struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Parsed {
    /// Asserts that the parser finds nothing wrong with it.
    pub(crate) fn of(text: &str) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(text);
        assert_eq!(*dom.errors.borrow(), Vec::<String>::new(), "{text}");
        let mut elements = Vec::new();
        collect(&dom.document, &mut elements);
        Self { elements }
    }

    /// The texts of all elements of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.elements.iter().filter(|element| element.name == name);
        named.map(|element| element.text.as_str()).collect()
    }

    /// The text of the only element of a name.
    pub(crate) fn only(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0]
    }

    /// The part below a heading.
    pub(crate) fn section(&self, heading: &str) -> Option<&str> {
        self.all("section").into_iter().find(|text| text.starts_with(heading))
    }

    /// Every address and every inline handler in it.
    pub(crate) fn reaching_out(&self) -> Vec<(&str, &str)> {
        let attributes = self.elements.iter().flat_map(|element| &element.attributes);
        let attributes = attributes.map(|(name, value)| (name.as_str(), value.as_str()));
        attributes
            .filter(|(name, _)| name.starts_with("on") || ["src", "href", "action"].contains(name))
            .collect()
    }

    /// The names of all elements.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.elements.iter().map(|element| element.name.as_str()).collect()
    }
}

fn collect(node: &Handle, elements: &mut Vec<Element>) -> String {
    let place = elements.len();
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let attributes =
            attributes.iter().map(|one| (one.name.local.to_string(), one.value.to_string()));
        elements.push(Element {
            name: name.local.to_string(),
            attributes: attributes.collect(),
            text: String::new(),
        });
    }
    let mut text = match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        NodeData::Document
        | NodeData::Doctype { .. }
        | NodeData::Comment { .. }
        | NodeData::Element { .. }
        | NodeData::ProcessingInstruction { .. } => String::new(),
    };
    for child in node.children.borrow().iter() {
        text.push_str(&collect(child, elements));
    }
    if let NodeData::Element { .. } = &node.data {
        elements[place].text.clone_from(&text);
    }
    text
}
