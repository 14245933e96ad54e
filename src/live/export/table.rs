//! A table of points as CSV: a point a line, whatever its kind.

use std::fmt::Write as _;

use csv::Writer;

use crate::text::csv::{text, writer};
use crate::text::plain::spelled_out;

use super::super::archive::Layout;
use super::super::columns::{ABSENT, Columns, Numbers, Texts};
use super::super::point::{instant, number};

pub(super) struct Table {
    layout: Layout,
    /// With a column that says which kind a point is of.
    has_kinds: bool,
}

impl Table {
    pub(super) fn new(layout: Layout, has_kinds: bool) -> Self {
        Self { layout, has_kinds }
    }

    pub(super) fn covers(&self, points: &Columns) -> bool {
        self.layout.covers(points)
    }

    pub(super) fn head(&self, out: &mut Vec<u8>) -> csv::Result<()> {
        let mut names = self.layout.names();
        if self.has_kinds {
            let taken = names.iter_mut().find(|name| *name == "kind");
            taken.into_iter().for_each(|name| name.push('_'));
            names.insert(1, "kind".to_owned());
        }
        let mut table = writer(out);
        table.write_record(names)?;
        Ok(table.flush()?)
    }

    pub(super) fn add(&self, points: &Columns, kind: &str, out: &mut Vec<u8>) -> csv::Result<()> {
        let labels: Vec<Option<&Texts>> = self
            .layout
            .labels()
            .map(|name| points.label(name))
            .collect();
        let values = self.layout.values();
        let values: Vec<Option<&Numbers>> = values.map(|(name, _)| points.value(name)).collect();
        let mut table = writer(out);
        let mut written = String::new();
        for place in 0..points.len() {
            table.write_field(instant(points.at[place]))?;
            if self.has_kinds {
                table.write_field(kind)?;
            }
            for texts in &labels {
                write_text(texts.map_or("", |texts| texts.text(place)), &mut table)?;
            }
            for numbers in &values {
                written.clear();
                if let Some(number) = numbers.and_then(|numbers| number(numbers, place)) {
                    write!(written, "{number}").expect("a String takes everything");
                }
                table.write_field(&written)?;
            }
            table.write_field(match points.ok[place] {
                ABSENT => "",
                1 => "true",
                _ => "false",
            })?;
            write_text(points.details.text(place), &mut table)?;
            table.write_record(None::<&[u8]>)?;
        }
        Ok(table.flush()?)
    }
}

fn write_text(cell: &str, table: &mut Writer<&mut Vec<u8>>) -> csv::Result<()> {
    table.write_field(spelled_out(&text(cell)).as_bytes())
}
