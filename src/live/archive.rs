//! What leaves the store goes into Parquet files that other programs read: of each kind and local day one file, and further
//! ones for points that came late.

mod encode;
mod parquet;
mod thrift;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::files::Unfinished;
use crate::kinds::Kind;

use super::columns::{ABSENT, Columns, Numbers};
use super::store::ChunkRow;
use parquet::{Cells, Field, Form};

/// Points that become a row group, and bytes of texts that do.
const ROWS: usize = 65_536;
const BYTES: usize = 8 << 20;
/// The smallest number that a decimal of 18 digits has no room for.
const TOO_LARGE: u64 = 1_000_000_000_000_000_000;

/// The file of a day's points whose last chunk is this one.
///
/// A step takes chunks of a day in the order of their ids, writes this file, and deletes the chunks. Broken off in between, it
/// is known again by the last of them ([`archived`]); written once more, it replaces its own file.
pub fn path(folder: &Path, kind: &str, date: NaiveDate, last: &ChunkRow) -> PathBuf {
    // Ids begin anew in another store; what lies in the chunk does not come again.
    let chunk = format!("{} {} {}", last.points, last.low, last.high);
    let check = crc32fast::hash(chunk.as_bytes());
    let name = format!("{date}.{}-{check:08x}.parquet", last.id);
    folder.join(kind).join(name)
}

/// How many of a day's chunks, in the order of their ids, lie in a file already: they were archived and not deleted.
pub fn archived(folder: &Path, kind: &str, date: NaiveDate, chunks: &[ChunkRow]) -> usize {
    let is_last = |chunk: &ChunkRow| path(folder, kind, date, chunk).exists();
    chunks.iter().rposition(is_last).map_or(0, |last| last + 1)
}

/// The columns of a file, which must be known before its first point: those of the kind, and of all points that follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    labels: BTreeSet<String>,
    values: BTreeMap<String, Form>,
}

impl Layout {
    pub fn new(kind: &Kind) -> Self {
        let mut layout = Self::default();
        layout.include(&Columns::new(kind));
        layout
    }

    /// A kind may have been declared anew since the points were recorded: what has other decimals then becomes a float, as
    /// everywhere.
    pub fn include(&mut self, points: &Columns) {
        let labels = points.labels.iter().map(|column| column.name.clone());
        self.labels.extend(labels);
        for column in &points.values {
            self.include_value(&column.name, form(&column.cells));
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.labels.extend(other.labels.iter().cloned());
        for (name, form) in &other.values {
            self.include_value(name, *form);
        }
    }

    fn include_value(&mut self, name: &str, new: Form) {
        self.values
            .entry(name.to_owned())
            .and_modify(|known| *known = if *known == new { new } else { Form::Float })
            .or_insert(new);
    }

    /// Whether it has a column for all that the points have.
    pub fn covers(&self, points: &Columns) -> bool {
        let mut labels = points.labels.iter();
        let mut values = points.values.iter();
        labels.all(|column| self.labels.contains(&column.name))
            && values.all(|column| self.values.contains_key(&column.name))
    }

    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// Each with whether all its numbers are whole.
    pub fn values(&self) -> impl Iterator<Item = (&str, bool)> {
        let is_whole = |form: &Form| *form == Form::Whole;
        self.values
            .iter()
            .map(move |(name, form)| (name.as_str(), is_whole(form)))
    }

    /// The names of the columns: the time, labels, values, `ok` and details.
    pub fn names(&self) -> Vec<String> {
        self.fields().into_iter().map(|field| field.name).collect()
    }

    /// A value may have the name of a column that each file has; it gets a `_` behind it.
    fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        let mut add = |name: &str, form: Form| {
            let mut name = name.to_owned();
            while ["at", "ok", "details"].contains(&name.as_str())
                || fields.iter().any(|field| field.name == name)
            {
                name.push('_');
            }
            fields.push(Field { name, form });
        };
        self.labels.iter().for_each(|name| add(name, Form::Text));
        self.values.iter().for_each(|(name, form)| add(name, *form));
        let own = |name: &str, form| Field {
            name: name.to_owned(),
            form,
        };
        fields.insert(0, own("at", Form::Time));
        fields.push(own("ok", Form::YesNo));
        fields.push(own("details", Form::Text));
        fields
    }
}

/// Sums of decimals are exact where they have room.
fn form(numbers: &Numbers) -> Form {
    match numbers {
        Numbers::Float(_) => Form::Float,
        Numbers::Fixed { decimals: 0, .. } => Form::Whole,
        Numbers::Fixed { decimals, raw } => {
            let is_small = |raw: &i64| *raw == ABSENT || raw.unsigned_abs() < TOO_LARGE;
            match raw.iter().all(is_small) {
                true => Form::Decimal(*decimals),
                false => Form::Float,
            }
        }
    }
}

/// A file that is there once it is finished; dropped before, it leaves nothing behind.
pub struct Writer {
    file: parquet::File<BufWriter<Unfinished>>,
    layout: Layout,
    waiting: Columns,
}

impl Writer {
    pub fn create(path: &Path, layout: Layout) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let sink = BufWriter::new(Unfinished::new(path)?);
        Ok(Self {
            file: parquet::File::new(sink, layout.fields())?,
            layout,
            waiting: Columns::default(),
        })
    }

    /// The points of a chunk, or of a part of it. The layout must include them.
    pub fn add(&mut self, points: &Columns) -> io::Result<()> {
        if points.len() > 1 && (points.len() > ROWS || points.text_bytes() > BYTES) {
            let all: Vec<u32> = (0..points.len() as u32).collect();
            let (one, other) = all.split_at(points.len() / 2);
            self.add(&points.pick(one))?;
            return self.add(&points.pick(other));
        }
        self.waiting.append(points);
        match self.waiting.len() >= ROWS || self.waiting.text_bytes() >= BYTES {
            true => self.write_group(),
            false => Ok(()),
        }
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.write_group()?;
        let mut sink = self.file.finish()?;
        sink.flush()?;
        let file = sink.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.finish()
    }

    fn write_group(&mut self) -> io::Result<()> {
        let points = std::mem::take(&mut self.waiting);
        if points.is_empty() {
            return Ok(());
        }
        if !self.layout.covers(&points) {
            return Err(io::Error::other(
                "points have a column that the file has not",
            ));
        }
        let mut cells = vec![Cells::Whole(&points.at)];
        for name in &self.layout.labels {
            cells.push(points.label(name).map_or(Cells::Nothing, Cells::Texts));
        }
        for (name, form) in &self.layout.values {
            cells.push(match points.value(name) {
                Some(numbers) => number_cells(numbers, *form)?,
                None => Cells::Nothing,
            });
        }
        cells.push(Cells::Whole(&points.ok));
        cells.push(Cells::Texts(&points.details));
        self.file.add(points.len(), &cells)
    }
}

fn number_cells(numbers: &Numbers, wanted: Form) -> io::Result<Cells<'_>> {
    match (wanted, numbers) {
        (Form::Float, Numbers::Float(floats)) => Ok(Cells::Float(Cow::Borrowed(floats))),
        (Form::Float, fixed) => {
            let floats = (0..fixed.len()).map(|at| fixed.get(at).unwrap_or(f64::NAN));
            Ok(Cells::Float(floats.collect()))
        }
        (wanted, Numbers::Fixed { raw, .. }) if form(numbers) == wanted => Ok(Cells::Whole(raw)),
        _ => Err(io::Error::other(
            "a column has other decimals than the file",
        )),
    }
}

/// New folders must survive a power cut, or the files in them do not.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let above = folder.ancestors().skip(1).take(2);
    for folder in above.filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
