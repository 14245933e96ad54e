//! Reads a page back into its elements, as a browser would see them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) inside: Vec<Node>,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Text(String),
    Element(Element),
}

impl Element {
    pub(crate) fn get(&self, attribute: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(name, _)| name == attribute);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        let classes = self.get("class").unwrap_or_default();
        classes.split(' ').any(|one| one == class)
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        self.inside.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// All elements of that name inside, in order, however deep.
    pub(crate) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        for child in self.children() {
            if child.name == name {
                found.push(child);
            }
            found.extend(child.all(name));
        }
        found
    }

    pub(crate) fn first(&self, name: &str) -> Option<&Self> {
        self.all(name).into_iter().next()
    }

    /// Its words with single spaces; those that do not break stay.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.gather(&mut text);
        let words = text
            .split([' ', '\r', '\n'])
            .filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    fn gather(&self, text: &mut String) {
        for node in &self.inside {
            match node {
                Node::Text(words) => text.push_str(words),
                Node::Element(element) if element.name == "br" => text.push(' '),
                Node::Element(element) => element.gather(text),
            }
        }
    }
}

/// The whole page as one element without a name.
pub(crate) fn read(html: &str) -> Element {
    let mut open = vec![Element::default()];
    let mut rest = html;
    while let Some((text, markup)) = rest.split_once('<') {
        push(&mut open, Node::Text(unescaped(text)));
        if let Some(comment) = markup.strip_prefix("!--") {
            rest = comment.split_once("-->").unwrap().1;
            continue;
        }
        let (tag, after) = markup.split_once('>').unwrap();
        rest = after;
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().unwrap();
            assert_eq!(closed.name, name, "closed in another order");
            push(&mut open, Node::Element(closed));
            continue;
        }
        let element = element(tag.trim_end_matches('/').trim_end());
        if tag.ends_with('/') {
            push(&mut open, Node::Element(element));
        } else {
            open.push(element);
        }
    }
    assert_eq!(open.len(), 1, "something is not closed");
    open.pop().unwrap()
}

fn push(open: &mut [Element], node: Node) {
    open.last_mut().unwrap().inside.push(node);
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap();
        attributes.push((name.trim().to_owned(), unescaped(value)));
        rest = after;
    }
    Element {
        name: name.to_owned(),
        attributes,
        inside: Vec::new(),
    }
}

fn unescaped(text: &str) -> String {
    let mut pieces = text.split("&#");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, after) = piece.split_once(';').unwrap();
        out.push(char::from_u32(number.parse().unwrap()).unwrap());
        out.push_str(after);
    }
    out
}
