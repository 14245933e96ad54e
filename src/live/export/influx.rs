//! InfluxDB's line protocol: a point a line, with labels as tags and all else as fields.

use std::io::{self, Write};

use crate::kinds::Kind;
use crate::text::plain::spelled_out;

use super::super::columns::{ABSENT, Columns};
use super::series::{Series, tells};

/// Points of one series and instant would replace each other, so nanoseconds tell them apart.
#[derive(Default)]
pub(super) struct Influx {
    at: i64,
    same: i64,
}

impl Influx {
    pub(super) fn add(
        &mut self,
        points: &Columns,
        kind: &Kind,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let series = Series::new(points, kind, false);
        let tags: Vec<String> = (0..series.first.len())
            .map(|one| tags(&series, one, kind))
            .collect();
        for place in 0..points.len() {
            write!(out, "{}", tags[series.of[place] as usize])?;
            fields(points, kind, place, out)?;
            let nanoseconds = self.nanoseconds(points.at[place]);
            writeln!(out, " {nanoseconds}")?;
        }
        Ok(())
    }

    fn nanoseconds(&mut self, at: i64) -> i64 {
        self.same = if at == self.at { self.same + 1 } else { 0 };
        self.at = at;
        at.saturating_mul(1000).saturating_add(self.same.min(999))
    }
}

fn tags(series: &Series<'_>, one: usize, kind: &Kind) -> String {
    let words = series.words(one);
    let tags = words.map(|(name, text)| format!(",{name}={}", tag(text)));
    format!("{}{}", kind.name, tags.collect::<String>())
}

/// Tags know no line break and no escaped backslash: where one would escape what follows, it is spelled out.
fn tag(text: &str) -> String {
    let text = spelled_out(text).replace('\n', "\\u000a");
    let mut tag = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if matches!(letters.peek(), None | Some('\\' | ',' | '=' | ' ')) => {
                tag.push_str("\\u005c");
            }
            ',' | '=' | ' ' => tag.extend(['\\', letter]),
            letter => tag.push(letter),
        }
    }
    tag
}

/// Numbers are floats throughout, or a value that is declared anew would not fit beside its past.
fn fields(points: &Columns, kind: &Kind, place: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let mut separator = " ";
    for column in &points.values {
        if let Some(number) = column.cells.get(place) {
            write!(out, "{separator}{}={number}", column.name)?;
            separator = ",";
        }
    }
    if points.ok[place] != ABSENT {
        write!(out, "{separator}ok={}", points.ok[place] == 1)?;
        separator = ",";
    }
    for column in &points.labels {
        if let Some(text) = column.cells.get(place)
            && !tells(column, kind)
        {
            write!(out, "{separator}{}={}", column.name, quoted(text))?;
            separator = ",";
        }
    }
    if let Some(details) = points.details.get(place) {
        write!(out, "{separator}details={}", quoted(details))?;
        separator = ",";
    }
    match separator {
        // Every line has a field.
        " " => write!(out, " count=1"),
        _ => Ok(()),
    }
}

fn quoted(text: &str) -> String {
    let text = spelled_out(text).replace('\n', "\\u000a");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
