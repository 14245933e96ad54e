//! TOML read piece by piece, so that one mistake does not hide the next.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::mistake::{Mistake, Source, did_you_mean};

/// A parsed file that still knows where everything stands.
pub struct Document<'a> {
    pub source: &'a Source,
    pub root: DeTable<'a>,
}

impl<'a> Document<'a> {
    pub fn parse(source: &'a Source) -> Result<Self, Vec<Mistake>> {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        if errors.is_empty() {
            return Ok(Self {
                source,
                root: root.into_inner(),
            });
        }
        let mistake = |error: toml::de::Error| {
            let told = error.message().lines().collect::<Vec<_>>().join(", ");
            Mistake::at(
                source,
                error.span().unwrap_or(0..0),
                format!("not valid TOML: {told}"),
            )
        };
        Err(errors.into_iter().map(mistake).collect())
    }

    pub fn get(&self, key: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.root.get(key)
    }

    /// Where the value of `path` stands; its nearest existing ancestor when it is not written.
    pub fn span(&self, within: &Spanned<DeValue<'a>>, path: &[&str]) -> Range<usize> {
        let mut here = within;
        for step in path {
            match here.get_ref().get(*step) {
                Some(next) => here = next,
                None => break,
            }
        }
        first_line(self.source, here.span())
    }

    pub fn mistake(&self, span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::at(self.source, span, message)
    }
}

/// Reads one table or value as `T`. Each wrong key is reported, left out, and the rest read on.
pub fn piece<T: DeserializeOwned>(
    document: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    let mut rest = value.clone();
    loop {
        let error = match T::deserialize(ValueDeserializer::from(rest.clone())) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(value.span());
        mistakes.push(document.mistake(
            first_line(document.source, span.clone()),
            explain(error.message()),
        ));
        if !leave_out(rest.get_mut(), &span) {
            return None;
        }
    }
}

/// Serde's wording, with its list of candidates boiled down to the likely one.
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    for (what, kind) in [
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown value"),
    ] {
        if message.starts_with(what)
            && let Some((found, known)) = quoted.split_first()
        {
            let hint = did_you_mean(found, known.iter().copied());
            let list = if hint.is_empty() {
                format!("; known are {}", known.join(", "))
            } else {
                hint
            };
            return format!("{kind} `{found}`{list}");
        }
    }
    if message.starts_with("missing field") {
        return format!("missing key `{}`", quoted.first().unwrap_or(&""));
    }
    message.trim().to_owned()
}

/// Removes the innermost key whose name or value stands at `span`.
fn leave_out(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => leave_out_of_table(table, span),
        DeValue::Array(array) => array.iter_mut().any(|each| leave_out(each.get_mut(), span)),
        _ => false,
    }
}

fn leave_out_of_table(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let found = table
        .iter_mut()
        .find(|(key, value)| holds(key.span()) || holds(value.span()))
        .map(|(key, value)| {
            (
                DeString::from(key.get_ref().to_string()),
                leave_out(value.get_mut(), span),
            )
        });
    match found {
        Some((_, true)) => true,
        Some((key, false)) => {
            let gone = table.keys().find(|each| each.get_ref() == &key).cloned();
            gone.is_some_and(|key| table.remove(&key).is_some())
        }
        None => false,
    }
}

/// A table's span runs over many lines; its first one is enough to point at.
fn first_line(source: &Source, span: Range<usize>) -> Range<usize> {
    let text = source.text.get(span.clone()).unwrap_or_default();
    span.start..span.start + text.lines().next().unwrap_or_default().trim_end().len()
}
