//! Data goes to standard output, words to standard error. A reader that goes away is no failure.

use std::io::{self, Write};

pub fn data(text: &str) {
    write_to(&mut io::stdout().lock(), text);
}

pub fn json(value: &serde_json::Value) {
    data(&format!("{value:#}"));
}

pub fn say(text: &str) {
    write_to(&mut io::stderr().lock(), text);
}

fn write_to(stream: &mut impl Write, text: &str) {
    let ending = if text.ends_with('\n') { "" } else { "\n" };
    // A closed pipe is the reader's way of saying it has seen enough.
    drop(write!(stream, "{text}{ending}").and_then(|()| stream.flush()));
}

/// The terminal's width as the shell knows it; a usual one where nobody says.
pub fn width(columns: Option<&String>) -> u16 {
    columns
        .and_then(|text| text.parse().ok())
        .filter(|width| *width >= 40)
        .unwrap_or(100)
}
