//! CSV as in RFC 4180, without texts that a spreadsheet runs as formulas. Every exported table uses this.

use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};

/// What a formula may begin with in a spreadsheet, full-width forms included.
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

/// The head of a metric's column. `_`, with which no key begins, marks keys that are called like other columns.
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

/// Writes cells as they are: numbers, and texts that have passed [`text`].
pub fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        // Some programs split cells at semicolons; a comment mark is quoted wherever it stands.
        .comment(Some(b';'))
        .from_writer(out)
}

/// Puts an apostrophe before what a spreadsheet would run as a formula.
pub fn text(text: &str) -> String {
    match text.starts_with(BEGIN_FORMULAS) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// Reverts [`text`].
fn untold(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(BEGIN_FORMULAS) => text,
        _ => cell,
    }
}
