//! Data goes to standard output, messages to standard error. A closed pipe is no failure; a full disk is.

use std::io::{self, Write};
use std::ops::Range;

use anyhow::Context;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};

use crate::entry::Value;
use crate::text::counted::counted;
use crate::text::plain::{printable, spelled_out};

use super::CommandError;

pub fn data(text: &str) -> Result<(), CommandError> {
    data_while_read(text).map(drop)
}

/// The same, and whether anybody still reads.
pub fn data_while_read(text: &str) -> Result<bool, CommandError> {
    match write_to(&mut io::stdout().lock(), text) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Ok(Err(error).context("cannot write to standard output")?),
    }
}

/// Data for people, with control characters made visible as in [`say`].
pub fn page(text: &str) -> Result<(), CommandError> {
    data(&lines(text))
}

pub fn json(value: &serde_json::Value) -> Result<(), CommandError> {
    data(&spelled_out(&format!("{value:#}")))
}

/// A borderless table that fits the width; the columns of `numbers` are aligned to the right.
pub fn table<const N: usize>(header: [&str; N], numbers: Range<usize>, width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header);
    for column in table
        .column_iter_mut()
        .take(numbers.end)
        .skip(numbers.start)
    {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Aligns the marked columns to the right.
pub fn align_right(table: &mut Table, columns: &[bool]) {
    for (column, is_marked) in table.column_iter_mut().zip(columns) {
        if *is_marked {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Columns two spaces apart, without trailing spaces.
pub fn plain(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines();
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A value in one line; of a distribution, how many parts it has.
pub(super) fn number(value: Option<&Value>, missing: &str) -> String {
    match value {
        None => missing.to_owned(),
        Some(Value::Parts(parts)) => counted(parts.len(), "part"),
        Some(number) => number.to_json().to_string(),
    }
}

pub(super) fn seconds(milliseconds: i64) -> String {
    format!("{:.2} s", milliseconds as f64 / 1000.0)
}

/// A message. Control characters in whatever it quotes are made visible.
pub fn say(text: &str) {
    // If standard error is closed, nothing is left to do.
    drop(write_to(&mut io::stderr().lock(), &lines(text)));
}

/// A message in one line, even if an error quotes several.
pub fn say_line(text: &str) {
    say(&printable(text));
}

fn lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

fn write_to(stream: &mut impl Write, text: &str) -> io::Result<()> {
    let ending = if text.ends_with('\n') { "" } else { "\n" };
    write!(stream, "{text}{ending}").and_then(|()| stream.flush())
}

/// The output's width: `COLUMNS`, else the terminal's, else 100.
pub fn width(columns: Option<&String>) -> u16 {
    let configured = columns.and_then(|text| text.parse().ok());
    let own = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    configured
        .or_else(own)
        .filter(|width| *width >= 40)
        .unwrap_or(100)
}
