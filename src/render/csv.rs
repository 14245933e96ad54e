//! Lines of CSV as RFC 4180 has them, whose texts no spreadsheet takes for formulas. Every table that leaves
//! the house is written with this.

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

/// Cells as they are: numbers, and texts that [`text`] has seen.
pub fn line<T: AsRef<str>>(cells: &[T]) -> String {
    let mut line = String::new();
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push(&mut line, cell.as_ref());
    }
    line.push_str("\r\n");
    line
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

/// Some programs part cells at semicolons.
fn push(line: &mut String, cell: &str) {
    let parts = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r' | b';');
    if cell.bytes().any(parts) {
        line.push('"');
        let mut from = 0;
        for quote in memchr::memchr_iter(b'"', cell.as_bytes()) {
            line.push_str(&cell[from..=quote]);
            from = quote;
        }
        line.push_str(&cell[from..]);
        line.push('"');
    } else {
        line.push_str(cell);
    }
}
