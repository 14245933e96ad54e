//! Imports days into the book. The whole input is checked first, then stored in one transaction; the book's own
//! values stay.

mod day;
mod day_table;
mod document;
mod file;
mod lines;
mod measured;
mod quotes;
mod store;
mod table;
mod validation;

use chrono::{DateTime, NaiveDate, Utc};
use thiserror::Error;

use crate::book::BookError;
use crate::collect::Unreachable;
use crate::config::{Config, ConfigError};

pub use day_table::read as read_table;
pub use file::read as read_file;
pub use store::{Imported, dry_run, import_into};
pub use validation::Validated;

/// What an import is checked against.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub config: &'a Config,
    pub now: DateTime<Utc>,
}

/// Something that is not imported, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// A metric's key, or a kind of rows.
    pub what: String,
    pub why: String,
    /// How many values or rows.
    pub count: usize,
}

#[derive(Debug, Error)]
pub enum ImportError {
    /// The input's mistakes.
    #[error("nothing was imported:\n  {}", .0.join("\n  "))]
    Refused(Vec<String>),
    #[error("cannot read {name}: {source}")]
    Read {
        name: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Unavailable(Unreachable),
    #[error("table {}: {why}", .table.escape_debug())]
    Table { table: String, why: String },
    #[error(transparent)]
    Book(#[from] BookError),
}

/// The first and the last of some days.
pub type Span = Option<(NaiveDate, NaiveDate)>;
