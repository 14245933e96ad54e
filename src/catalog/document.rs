//! TOML read piece by read_value, so that one mistake does not hide the next.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::text::mistake::{Mistake, Source};
use crate::text::suggest::did_you_mean;

/// A parsed file with the position of each value.
pub struct Document<'a> {
    pub source: &'a Source,
    pub root: Spanned<DeValue<'a>>,
}

impl<'a> Document<'a> {
    pub fn parse(source: &'a Source) -> Result<Self, Vec<Mistake>> {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        if errors.is_empty() {
            let span = root.span();
            return Ok(Self {
                source,
                root: Spanned::new(span, DeValue::Table(root.into_inner())),
            });
        }
        let mut mistakes: Vec<Mistake> = errors
            .into_iter()
            .map(|error| {
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                let message = message.trim_end_matches(", expected nothing");
                let span = error.span().unwrap_or(0..0);
                Mistake::at(source, span, format!("not valid TOML: {message}"))
            })
            .collect();
        // What follows on a line that is already broken says nothing new.
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        mistakes.dedup_by_key(|mistake| mistake.line);
        Err(mistakes)
    }

    pub fn get(&self, key: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.root.get_ref().get(key)
    }

    /// The span of the value of `path`, or of its nearest existing ancestor.
    pub fn span(&self, within: &Spanned<DeValue<'a>>, path: &[&str]) -> Range<usize> {
        let mut here = within;
        for step in path {
            let next = match step.parse::<usize>() {
                Ok(at) if here.get_ref().is_array() => here.get_ref().get(at),
                _ => here.get_ref().get(*step),
            };
            match next {
                Some(next) => here = next,
                None => break,
            }
        }
        first_line(self.source, here.span())
    }

    /// The span of a part of a text value; of the value's beginning if it is written with escapes.
    pub fn part(
        &self,
        within: &Spanned<DeValue<'a>>,
        key: &str,
        text: &str,
        part: Range<usize>,
    ) -> Range<usize> {
        let whole = within.get_ref().get(key).map(Spanned::span);
        let written = whole.clone().and_then(|whole| self.source.text.get(whole));
        match (whole, written.and_then(|written| written.find(text))) {
            (Some(whole), Some(at)) => {
                let start = whole.start + at;
                start + part.start..start + part.end
            }
            _ => self.span(within, &[key]),
        }
    }

    pub fn mistake(&self, span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::at(self.source, span, message)
    }
}

/// A table or value of a document, to point at.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub document: &'a Document<'a>,
    pub value: &'a Spanned<DeValue<'a>>,
    /// Something in it could not be read and is left out.
    pub flawed: bool,
}

impl<'a> Node<'a> {
    pub fn mistakes<'m>(self, all: &'m mut Vec<Mistake>) -> NodeMistakes<'m>
    where
        'a: 'm,
    {
        NodeMistakes { node: self, all }
    }

    pub fn mistake(&self, path: &[&str], message: impl Into<String>) -> Mistake {
        self.document
            .mistake(self.document.span(self.value, path), message)
    }

    /// Parsed tables are sorted by key; offsets give the written order.
    pub fn offset(&self, path: &[&str]) -> usize {
        self.document.span(self.value, path).start
    }
}

/// Collects the mistakes in one node.
pub struct NodeMistakes<'a> {
    pub node: Node<'a>,
    all: &'a mut Vec<Mistake>,
}

impl NodeMistakes<'_> {
    /// Adds a mistake at the value of `path`.
    pub fn push(&mut self, path: &[&str], message: impl Into<String>) {
        self.all.push(self.node.mistake(path, message));
    }
}

/// Reads one table or value as `T`. Each wrong key is reported, left out, and the rest read on.
pub fn read_value<T: DeserializeOwned>(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    let mut rest = value.clone();
    let mut left_out = Vec::new();
    loop {
        let error = match T::deserialize(ValueDeserializer::from(rest.clone())) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(value.span());
        let message = error.message();
        let is_known = message.starts_with("missing field")
            && left_out
                .iter()
                .any(|key| message.contains(&format!("`{key}`")));
        if !is_known {
            let found = document.source.text.get(span.clone()).unwrap_or_default();
            mistakes.push(document.mistake(
                first_line(document.source, span.clone()),
                explain(message, found),
            ));
        }
        left_out.push(leave_out(rest.get_mut(), &span)?);
    }
}

/// Serde's message in plain words, with only the likely one of its candidates.
fn explain(message: &str, found: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    for (what, kind) in [
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown value"),
    ] {
        if message.starts_with(what)
            && let Some((found, known)) = quoted.split_first()
        {
            let hint = did_you_mean(found, known.iter().copied());
            let list = match known {
                _ if !hint.is_empty() => hint,
                [only] => format!("; the only one known is {only}"),
                _ => format!("; known are {}", known.join(", ")),
            };
            return format!("{kind} `{found}`{list}");
        }
    }
    if message.starts_with("missing field") {
        return format!("missing key `{}`", quoted.first().unwrap_or(&""));
    }
    if found.parse::<toml::value::Datetime>().is_ok() {
        return format!("a date is written as text: \"{found}\"");
    }
    if message.starts_with("wanted string") {
        return "expected a word in quotes".to_owned();
    }
    let wrong = message.strip_prefix("invalid type: ");
    let wrong = wrong.or(message.strip_prefix("invalid value: "));
    match wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            format!("expected {}, found {}", plain(expected), plain(found))
        }
        None => message.trim().to_owned(),
    }
}

/// A type's name in plain words.
fn plain(name: &str) -> String {
    let plain = match name {
        "a string" => "text in quotes",
        "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "a table",
        _ if name.starts_with("struct ") => "a table",
        _ => {
            let (kind, value) = name.split_once(' ').unwrap_or(("", name));
            let value = value.trim_start_matches("point ").trim_matches('`');
            return match kind {
                "string" => format!("the text {value}"),
                "integer" | "floating" => format!("the number {value}"),
                "boolean" => value.to_owned(),
                _ => name.to_owned(),
            };
        }
    };
    plain.to_owned()
}

/// Removes the innermost key whose name or value stands at `span`, and says which.
fn leave_out(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => leave_out_of_table(table, span),
        DeValue::Array(array) => array
            .iter_mut()
            .find_map(|each| leave_out(each.get_mut(), span)),
        _ => None,
    }
}

/// A table written in several places spans only one of them, so it is searched whatever its span.
fn leave_out_of_table(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let inner = table
        .iter_mut()
        .find_map(|(_, value)| leave_out(value.get_mut(), span));
    if inner.is_some() {
        return inner;
    }
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let (key, _) = table
        .iter()
        .find(|(key, value)| holds(key.span()) || holds(value.span()))?;
    let key = key.clone();
    table.remove(&key);
    Some(key.get_ref().to_string())
}

/// A table's span runs over many lines; its first one is enough to point at.
fn first_line(source: &Source, span: Range<usize>) -> Range<usize> {
    let text = source.text.get(span.clone()).unwrap_or_default();
    span.start..span.start + text.lines().next().unwrap_or_default().trim_end().len()
}
