//! How long the texts of a letter may be that come from data.

use crate::entry::{Part, PartKey};

use crate::text::plain::{one_line, printable};

/// Labels, sections, parts, addresses.
pub(super) fn label(text: &str) -> String {
    one_line(text, 120)
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
    one_line(text, 60)
}

/// Errors and answers of servers; they end a sentence that has a full stop of its own.
pub(super) fn reason(text: &str) -> String {
    one_line(text.trim().trim_end_matches('.'), 300)
}

pub(super) fn unit(text: &str) -> String {
    one_line(text, 12).replace(' ', "\u{a0}")
}

/// An address as people may click on it: nothing in it is hidden, and it is not endless.
pub(super) fn is_plain(address: &str) -> bool {
    address.len() <= 2_000 && !address.contains(' ') && printable(address) == address
}
