//! Texts from data as a letter may show them: on one line, and of limited length.

use crate::entry::{Part, PartKey};

use crate::text::plain::{one_line, printable};

/// Labels, sections, parts, readers' names: on one line, and not endless.
pub fn label(text: &str) -> String {
    one_line(text, 120)
}

/// What a part is called: its label or key, or `none` for the rows without a value. A part that is called like
/// `none` stands in quotes.
pub fn part(part: &Part, none: &str) -> String {
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
pub fn reason(text: &str) -> String {
    one_line(text.trim().trim_end_matches('.'), 300)
}

pub(super) fn unit(text: &str) -> String {
    one_line(text, 12).replace(' ', "\u{a0}")
}

/// Whether an address may become a link: nothing in it is hidden, and it is not endless.
pub(super) fn is_plain(address: &str) -> bool {
    address.len() <= 2_000 && !address.contains(' ') && printable(address) == address
}
