//! JSON as Python writes it: with NaN and Infinity, which JSON does not have.

use serde_json::Value as Json;

use super::super::json;

const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

pub(super) fn read(text: &[u8]) -> Result<Json, String> {
    json::read(text).or_else(|error| match quoted(text) {
        Some(text) => json::read(&text).map_err(|_| error),
        None => Err(error),
    })
}

/// The same with these words as texts; `None`: there are none.
pub(super) fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut quoted = Vec::with_capacity(text.len() + 16);
    let (mut at, mut is_text, mut is_changed) = (0, false, false);
    while let Some(byte) = text.get(at) {
        let word = WORDS
            .iter()
            .find(|word| !is_text && text[at..].starts_with(word));
        if let Some(word) = word {
            quoted.push(b'"');
            quoted.extend(*word);
            quoted.push(b'"');
            is_changed = true;
            at += word.len();
            continue;
        }
        // What stands behind a backslash ends no text.
        let length = if is_text && *byte == b'\\' { 2 } else { 1 };
        is_text ^= *byte == b'"';
        quoted.extend(text[at..].iter().take(length));
        at += length;
    }
    is_changed.then_some(quoted)
}

/// NaN or infinite.
pub(super) fn is_endless(cell: &Json) -> bool {
    let text = cell.as_str().map(str::as_bytes);
    text.is_some_and(|text| WORDS.contains(&text))
}

/// Metadata as they are stored: JSON in a text. What is no JSON stays as it is.
pub(super) fn metadata(cell: Json) -> Option<Json> {
    let read = match cell {
        Json::String(text) if text.is_empty() => Json::Null,
        Json::String(text) => read(text.as_bytes()).unwrap_or(Json::String(text)),
        other => other,
    };
    let is_nothing = read.is_null() || read.as_object().is_some_and(serde_json::Map::is_empty);
    (!is_nothing).then_some(read)
}
