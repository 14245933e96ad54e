//! CSV as in RFC 4180, without texts that a spreadsheet runs as formulas. Every exported table uses this.

use std::borrow::Cow;
use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};

/// What a formula may begin with in a spreadsheet, full-width forms included.
const BEGIN_FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Writes cells as they are: numbers, and texts that have passed [`text`].
pub fn writer<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        // Some programs split cells at semicolons; a comment mark is quoted wherever it stands.
        .comment(Some(b';'))
        .from_writer(out)
}

/// Puts an apostrophe before what a spreadsheet would run as a formula.
pub fn text(text: &str) -> Cow<'_, str> {
    match text.starts_with(BEGIN_FORMULAS) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

/// Reverts [`text`].
pub fn untold(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(BEGIN_FORMULAS) => text,
        _ => cell,
    }
}
