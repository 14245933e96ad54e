//! Data goes to standard output, words to standard error. A reader that goes away is no failure; a full
//! disk is.

use std::io::{self, Write};

use anyhow::Context;
use comfy_table::Table;

use crate::text::plain::{printable, spelled_out};

use super::CommandError;

pub fn data(text: &str) -> Result<(), CommandError> {
    match write_to(&mut io::stdout().lock(), text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Ok(Err(error).context("cannot write to standard output")?)
        }
        _ => Ok(()),
    }
}

/// Data that people read: like [`say`], it moves no cursor, turns and hides nothing.
pub fn page(text: &str) -> Result<(), CommandError> {
    data(&lines(text))
}

pub fn json(value: &serde_json::Value) -> Result<(), CommandError> {
    data(&spelled_out(&format!("{value:#}")))
}

/// A table without lines: columns two spaces apart, nothing behind the last word.
pub fn plain(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines();
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Words with whatever they quote: no line of them moves the cursor, turns or hides anything.
pub fn say(text: &str) {
    // Where nobody can be told, there is nothing left to do.
    drop(write_to(&mut io::stderr().lock(), &lines(text)));
}

/// One line, also where an error quotes data that has more.
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

/// The width to write for: what the shell says, else the terminal's own, else a usual one.
pub fn width(columns: Option<&String>) -> u16 {
    let said = columns.and_then(|text| text.parse().ok());
    let own = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    said.or_else(own)
        .filter(|width| *width >= 40)
        .unwrap_or(100)
}
