//! Text from data as a letter may hold it: harmless, on one line, and no longer than anybody reads.

use crate::entry::{Part, PartKey};

use super::words::harmless;

/// Labels, sections, parts, addresses.
pub(super) fn label(text: &str) -> String {
    cut(text, 120)
}

/// What a part is called: one without a name still has a key, and one that is called like the rows without a
/// value stands in quotes.
pub(super) fn part(part: &Part, none: &str) -> String {
    match &part.key {
        PartKey::Value(key) => quoted_from(&part_name(key, &part.label), none),
        PartKey::None => none.to_owned(),
        PartKey::Other => String::new(),
    }
}

/// The name of a part that has one.
pub(super) fn part_name(key: &str, name: &str) -> String {
    label(if name.is_empty() { key } else { name })
}

pub(super) fn quoted_from(label: &str, none: &str) -> String {
    match label == none {
        true => format!("\"{label}\""),
        false => label.to_owned(),
    }
}

pub(super) fn name(text: &str) -> String {
    cut(text, 60)
}

/// Errors and answers of servers; they end a sentence that has a full stop of its own.
pub(super) fn reason(text: &str) -> String {
    cut(text.trim().trim_end_matches('.'), 300)
}

pub(super) fn unit(text: &str) -> String {
    cut(text, 12).replace(' ', "\u{a0}")
}

/// At most so many letters, ended at a word where there is one.
pub(super) fn cut_at_word(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    let whole_words = match kept.rsplit_once(' ') {
        Some((words, _)) if words.chars().count() > most / 2 => words,
        _ => &kept,
    };
    format!("{}…", whole_words.trim_end_matches([' ', ',', ';', ':']))
}

fn cut(text: &str, most: usize) -> String {
    // Of a text of megabytes only the beginning is looked at; words are set apart by one space.
    let beginning: String = text.chars().take(most * 4).collect();
    let is_all = beginning.len() == text.len();
    let harmless = harmless(&beginning);
    let words: Vec<&str> = harmless.split_whitespace().collect();
    let text = words.join(" ");
    if is_all && text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

/// An address as people may click on it: nothing in it is hidden, and it is not endless.
pub(super) fn is_plain(address: &str) -> bool {
    address.len() <= 2_000 && !address.contains(' ') && harmless(address) == address
}
