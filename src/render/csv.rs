//! CSV as RFC 4180 has it, whose texts no spreadsheet takes for formulas. Every table that leaves the house is
//! written with this.

use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};

/// What a spreadsheet may begin a formula with; the wide ones are taken for the narrow ones.
const BEGIN_FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The columns of a table of days: these, one for each metric, and [`PROVENANCE`].
pub const FRAME: [&str; 7] = [
    "date",
    "as_of",
    "partial",
    "time_zone",
    "hours",
    "collected_at",
    "duration_ms",
];
pub const PROVENANCE: &str = "provenance";

/// The head of a metric's column. A metric may be called like another column; no key begins with `_`.
pub fn title(key: &str) -> String {
    match FRAME.contains(&key) || key == PROVENANCE {
        true => format!("_{key}"),
        false => text(key),
    }
}

/// The metric whose column has this head.
pub fn key(title: &str) -> &str {
    match title.strip_prefix('_') {
        Some(key) if FRAME.contains(&key) || key == PROVENANCE => key,
        _ => untold(title),
    }
}

/// Takes cells as they are: numbers, and texts that [`text`] has seen.
pub fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        // Some programs part cells at semicolons; a comment's mark is put in quotes wherever it stands.
        .comment(Some(b';'))
        .from_writer(out)
}

/// A spreadsheet runs what begins like a formula; behind an apostrophe it is text.
pub fn text(text: &str) -> String {
    match text.starts_with(BEGIN_FORMULAS) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// What a cell said before [`text`] made it harmless.
fn untold(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(BEGIN_FORMULAS) => text,
        _ => cell,
    }
}
