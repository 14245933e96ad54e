//! Series with all their numbers, as Grafana's JSON data source reads them. Points come by time and leave by series, so they are
//! read as often as it takes to hold the numbers of the next few series in memory.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use crate::kinds::Kind;
use crate::text::plain::spelled_out;

use super::super::columns::Columns;
use super::series::Series;

/// Numbers that are held in memory.
const HELD: usize = 1_000_000;
/// Numbers that are handed on together.
const PIECE: usize = 8192;

/// What comes once all points were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Write,
    /// All points once more.
    Read,
    End,
}

#[derive(Default)]
pub(super) struct Grafana {
    /// Of several kinds, series are named with theirs.
    names_kinds: bool,
    /// The series that is written as it is read; those before it were written.
    streamed: Option<String>,
    /// From this one on, series wait for another reading.
    until: Option<String>,
    /// Each with its numbers and their times.
    held: BTreeMap<String, Vec<(f64, i64)>>,
    count: usize,
    /// What is left of the held series that is being written.
    rest: std::vec::IntoIter<(f64, i64)>,
    has_series: bool,
    has_numbers: bool,
}

impl Grafana {
    pub(super) fn new(kinds: usize) -> Self {
        Self {
            names_kinds: kinds > 1,
            ..Self::default()
        }
    }

    pub(super) fn head(&self, out: &mut Vec<u8>) {
        if self.streamed.is_none() {
            out.push(b'[');
        }
    }

    pub(super) fn add(
        &mut self,
        points: &Columns,
        kind: &Kind,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let series = Series::new(points, kind, false);
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); series.first.len()];
        for (place, one) in series.of.iter().enumerate() {
            places[*one as usize].push(place);
        }
        for (one, places) in places.iter().enumerate() {
            for column in &points.values {
                let target = self.target(&series, one, kind, &column.name);
                let numbers = places.iter().filter_map(|place| {
                    let milliseconds = points.at[*place].div_euclid(1000);
                    Some((column.cells.get(*place)?, milliseconds))
                });
                match &self.streamed {
                    Some(streamed) if *streamed == target => self.write_numbers(numbers, out)?,
                    _ => self.hold(target, numbers),
                }
            }
        }
        Ok(())
    }

    fn target(&self, series: &Series<'_>, one: usize, kind: &Kind, value: &str) -> String {
        let kind = self.names_kinds.then_some(kind.name.as_str());
        let words = series.words(one).map(|(_, text)| text);
        let parts: Vec<&str> = kind.into_iter().chain(words).chain([value]).collect();
        parts.join(".")
    }

    fn hold(&mut self, target: String, numbers: impl Iterator<Item = (f64, i64)>) {
        let mut numbers = numbers.peekable();
        if numbers.peek().is_none() {
            return;
        }
        let streamed = self.streamed.as_ref();
        let is_written = streamed.is_some_and(|streamed| target < *streamed);
        if is_written || self.until.as_ref().is_some_and(|until| target >= *until) {
            return;
        }
        let held = self.held.entry(target).or_default();
        let before = held.len();
        held.extend(numbers);
        self.count += held.len() - before;
        while self.count > HELD {
            if let Some((last, numbers)) = self.held.pop_last() {
                self.count -= numbers.len();
                self.until = Some(last);
            }
        }
    }

    /// Writes the next numbers that were held, or says what is to be done now that all are written.
    pub(super) fn end_reading(&mut self, out: &mut Vec<u8>) -> io::Result<Next> {
        if self.rest.len() == 0 {
            let Some((target, numbers)) = self.held.pop_first() else {
                return self.read_again(out);
            };
            self.begin(&target, out)?;
            self.rest = numbers.into_iter();
        }
        let mut rest = std::mem::take(&mut self.rest);
        self.write_numbers(rest.by_ref().take(PIECE), out)?;
        self.rest = rest;
        Ok(Next::Write)
    }

    fn read_again(&mut self, out: &mut Vec<u8>) -> io::Result<Next> {
        self.count = 0;
        self.streamed = self.until.take();
        let Some(next) = self.streamed.clone() else {
            let end = if self.has_series { "]}]\n" } else { "]\n" };
            out.write_all(end.as_bytes())?;
            return Ok(Next::End);
        };
        self.begin(&next, out)?;
        Ok(Next::Read)
    }

    fn begin(&mut self, target: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let separator = if self.has_series { "]},\n" } else { "" };
        let target = json!(target).to_string();
        let target = spelled_out(&target);
        write!(out, "{separator}{{\"target\":{target},\"datapoints\":[")?;
        self.has_series = true;
        self.has_numbers = false;
        Ok(())
    }

    fn write_numbers(
        &mut self,
        numbers: impl Iterator<Item = (f64, i64)>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for (number, milliseconds) in numbers {
            let separator = if self.has_numbers { "," } else { "" };
            write!(out, "{separator}[{number},{milliseconds}]")?;
            self.has_numbers = true;
        }
        Ok(())
    }
}
