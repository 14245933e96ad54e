//! Points for other programs, the oldest first and never capped, in a memory that does not grow with them.

mod file;
mod grafana;
mod influx;
mod json;
mod newest;
mod request;
mod series;
mod slices;
mod table;

use std::io;

use crate::kinds::{Aggregate, DURATION, Percentile, Summary};

use super::columns::{Cells, Columns};
use super::question::{AskError, Look, Wanted};
use super::store::{Store, StoreError};
use grafana::{Grafana, Next};
use influx::Influx;
use newest::Newest;
use slices::Slices;
use table::Table;

pub use file::to_file;
pub use request::{Format, Names, Request};
pub use slices::{Gaps, Selection};

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    #[error("cannot write: {0}")]
    Table(#[from] csv::Error),
    #[error("`{0}` got a new label or value meanwhile: export again")]
    NewColumn(String),
}

/// An export on its way, a piece of text at a time.
pub struct Export {
    request: Request,
    document: Document,
    /// The kind that is read, and its points; behind the last one the document ends.
    at: usize,
    slices: Option<Slices>,
    counts: Vec<u64>,
    gaps: Gaps,
    is_done: bool,
}

enum Document {
    Json(json::Document),
    Lines,
    Table(Table),
    Newest(Newest),
    Grafana(Grafana),
    Influx(Influx),
}

impl Export {
    /// Of a format that is a stream.
    pub async fn new(
        store: &mut Store,
        format: Format,
        request: Request,
    ) -> Result<Self, ExportError> {
        let count = request.selections.len();
        let kinds = request.selections.iter().map(|selection| &selection.kind);
        let document = match format {
            Format::Json => Document::Json(json::Document::new(&request)),
            Format::Csv => {
                let layout = file::layout(store, &request).await?;
                Document::Table(Table::new(layout, count > 1))
            }
            Format::Prometheus => Document::Newest(Newest::new(request.names, kinds)),
            Format::Grafana => Document::Grafana(Grafana::new(count)),
            Format::Influx => Document::Influx(Influx::default()),
            Format::Jsonl | Format::Parquet | Format::Sqlite => Document::Lines,
        };
        Ok(Self {
            document,
            at: 0,
            slices: None,
            counts: vec![0; count],
            gaps: Gaps::default(),
            is_done: false,
            request,
        })
    }

    /// How many points were written.
    pub fn points(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What is known so far of points that are missing.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Adds the next piece. `false`: it was the last.
    pub async fn next(
        &mut self,
        store: &mut Store,
        out: &mut Vec<u8>,
    ) -> Result<bool, ExportError> {
        let Some(selection) = self.request.selections.get(self.at) else {
            self.end(store, out).await?;
            return Ok(!self.is_done);
        };
        let slices = match &mut self.slices {
            Some(slices) => slices,
            None => {
                if self.at == 0 {
                    self.document.begin(out)?;
                }
                if let Document::Json(json) = &mut self.document {
                    json.begin(&selection.kind, out)?;
                }
                self.counts[self.at] = 0;
                let only_series = self.document.has_only_series();
                let slices = Slices::new(store, selection, only_series, &mut self.gaps).await?;
                self.slices.insert(slices)
            }
        };
        let next = slices.next(store, &mut self.gaps).await?;
        if let Some(mut points) = next {
            if !self.request.details {
                points.details = points.details.empty_with(points.len());
            }
            self.counts[self.at] += points.len() as u64;
            self.document
                .add(&points, selection, self.request.details, out)?;
            return Ok(true);
        }
        self.slices = None;
        self.at += 1;
        Ok(true)
    }

    async fn end(&mut self, store: &mut Store, out: &mut Vec<u8>) -> Result<(), ExportError> {
        match &mut self.document {
            _ if self.is_done => return Ok(()),
            Document::Json(json) => {
                let percentiles = match json.agents {
                    Some(_) => percentiles(store, &self.request).await?,
                    None => [None; 2],
                };
                json.end(&self.request, &self.counts, &self.gaps, percentiles, out)?;
            }
            Document::Newest(newest) => out.extend(newest.text().as_bytes()),
            Document::Grafana(grafana) => match grafana.end_reading(out)? {
                Next::Write => return Ok(()),
                Next::Read => {
                    self.at = 0;
                    return Ok(());
                }
                Next::End => {}
            },
            Document::Lines | Document::Table(_) | Document::Influx(_) => {}
        }
        self.is_done = true;
        Ok(())
    }
}

impl Document {
    /// Nothing tells their points apart but the series.
    fn has_only_series(&self) -> bool {
        matches!(self, Self::Newest(_) | Self::Grafana(_))
    }

    fn begin(&self, out: &mut Vec<u8>) -> Result<(), ExportError> {
        match self {
            Self::Table(table) => table.head(out)?,
            Self::Grafana(grafana) => grafana.head(out),
            Self::Json(_) | Self::Lines | Self::Newest(_) | Self::Influx(_) => {}
        }
        Ok(())
    }

    fn add(
        &mut self,
        points: &Columns,
        selection: &Selection,
        details: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), ExportError> {
        let kind = &selection.kind;
        match self {
            Self::Json(json) => json.add(points, kind, details, out)?,
            Self::Lines => json::lines(points, kind, out)?,
            Self::Table(table) if !table.covers(points) => {
                return Err(ExportError::NewColumn(kind.name.clone()));
            }
            Self::Table(table) => table.add(points, &kind.name, out)?,
            Self::Newest(newest) => newest.add(points, kind),
            Self::Grafana(grafana) => grafana.add(points, kind, out)?,
            Self::Influx(influx) => influx.add(points, kind, out)?,
        }
        Ok(())
    }
}

/// The 95th and the 99th of the tasks' durations, exactly.
async fn percentiles(
    store: &mut Store,
    request: &Request,
) -> Result<[Option<f64>; 2], ExportError> {
    let mut selections = request.selections.iter();
    let Some(tasks) = selections.find(|selection| selection.kind.name == "task") else {
        return Ok([None; 2]);
    };
    let mut look = Look::at(store, &tasks.kind, request.context).await?;
    let window = look.kept(&tasks.window);
    let asked = [Percentile::P95, Percentile::P99]
        .map(|percentile| Aggregate::Of(Summary::Percentile(percentile), DURATION.to_owned()));
    let wanted = Wanted {
        window,
        filter: &tasks.filter,
        figures: &asked,
        every: None,
        by: &[],
        estimate: false,
    };
    // What they lack, the export names itself.
    let (found, _) = look.figures(&wanted).await?;
    let numbers = found.into_iter().next().map(|row| row.numbers);
    let numbers = numbers.unwrap_or_default();
    Ok([0, 1].map(|at| numbers.get(at).copied().flatten()))
}
