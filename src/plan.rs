//! Catalog, engine and days become statements as data, and their rows fold back into values. Pure.

pub mod columns;
pub mod deduct;
pub mod facts;
pub mod fold;
pub mod moment;
pub mod night;
pub mod owners;
pub mod pass;
pub mod range;
pub mod reach;
pub mod rows;
pub mod sql;
pub mod time;
mod told;
pub mod unlisted;

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;

use crate::calendar::Day;

pub use facts::{Facts, KnownDatabases, TableFacts};
pub use fold::{Folding, Tally};
pub use moment::Clock;
pub use reach::{Reach, reach};

/// One query on an app database, and how its rows become metrics.
#[derive(Debug, Clone)]
pub struct Statement {
    pub database: String,
    /// The real table it reads, for people.
    pub table: String,
    pub sql: String,
    pub binds: Vec<Bind>,
    pub recipes: Vec<Recipe>,
    /// A column that counts rows whose text times are not of the sampled form; it must stay 0.
    pub guard: Option<usize>,
    /// The days the rows are folded into; one for a night.
    pub days: Vec<Day>,
    /// Where group columns tell quarter hours: those at which the days begin and the last one ends.
    pub quarters: Vec<i64>,
    /// Rough cost, to start the longest first.
    pub weight: i64,
}

/// A value bound to a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
    Text(String),
    Integer(i64),
    Instants(Vec<DateTime<Utc>>),
    Locals(Vec<NaiveDateTime>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

/// One decoded field of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Decimal(Decimal),
    /// A binary fraction by its shortest decimal.
    Binary(Decimal),
    Text(String),
}

/// How one metric is read off the rows of its statement.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub key: String,
    pub take: Take,
    pub only: Option<Only>,
    /// Parts are the values of this group column.
    pub parts: Option<usize>,
    /// Columns with what all parts come to; null where all are listed.
    pub whole: Option<Take>,
    /// In a range: which days a row counts for.
    pub life: Option<Life>,
}

/// Only rows whose group column holds one of these values or, where they are not the listed ones, any other or none.
#[derive(Debug, Clone)]
pub struct Only {
    pub group: usize,
    pub values: Vec<String>,
    pub listed: bool,
}

/// Columns that make up a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    Count(usize),
    Sum {
        sum: usize,
        nulls: usize,
    },
    Mean {
        sum: usize,
        count: usize,
    },
    Least(usize),
    Greatest(usize),
    /// The greatest time, told by this clock.
    Newest(usize, Clock),
    /// The query's one number, as it is.
    Single(usize),
}

/// Group columns that tell when a row was born, ended and happened.
#[derive(Debug, Clone)]
pub struct Life {
    pub birth: usize,
    pub death: Option<usize>,
    /// Before this it has no time to be the newest by.
    pub happened: Option<usize>,
    pub window: Option<(usize, u32)>,
    pub scale: Scale,
}

/// What the numbers in those columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scale {
    /// The position in the spine of days: 0 before it, 1 for its first day.
    Position,
    /// Quarter hours since 1970.
    Quarter,
}

impl Recipe {
    pub fn new(key: &str, take: Take) -> Self {
        Self {
            key: key.to_owned(),
            take,
            only: None,
            parts: None,
            whole: None,
            life: None,
        }
    }
}

impl Take {
    pub fn columns(self) -> usize {
        match self {
            Self::Sum { .. } | Self::Mean { .. } => 2,
            _ => 1,
        }
    }
}

impl Statement {
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.recipes.iter().map(|recipe| recipe.key.as_str())
    }
}
