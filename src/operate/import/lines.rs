//! JSON Lines: a day a line.

use std::io::{self, BufRead};

use super::day::{self, ExportedDay};
use super::measured::Length;
use super::validation::Validation;

pub(super) fn read(
    mut input: impl BufRead,
    length: &Length,
    validation: &mut Validation<'_>,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        length.set(0);
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("line {number}");
        match serde_json::from_slice::<ExportedDay>(&line) {
            Ok(day) => day::check(day, &place, validation),
            Err(error) => validation.wrong(&place, &without_line(&error)),
        }
    }
    Ok(())
}

/// The parser sees each line alone and would call it line 1.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}
