//! Makes statements from catalog, engine and days, and folds their rows back into values. Pure.

pub mod columns;
pub mod deduct;
pub mod facts;
pub mod fold;
mod listing;
pub mod moment;
pub mod night;
pub mod owners;
pub mod pass;
pub mod range;
pub mod reach;
pub mod rows;
pub mod sql;
pub mod time;
pub mod unlisted;

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;

use crate::calendar::Day;

pub use facts::{Facts, KnownDatabases, TableFacts};
pub use fold::{Folding, Tally};
pub use moment::Clock;
pub use reach::{Reach, reach};
pub use rows::{database_of, named};

/// One query on an app database, and how its rows become metrics.
#[derive(Debug, Clone)]
pub struct Statement {
    pub database: String,
    /// The real table it reads, to show.
    pub table: String,
    pub sql: String,
    pub binds: Vec<Bind>,
    pub recipes: Vec<Recipe>,
    /// The column that counts rows whose text times have another form than the sample; it must be 0.
    pub guard: Option<usize>,
    /// The days the rows are folded into; one for a night.
    pub days: Vec<Day>,
    /// The quarter hours at which the days begin and the last one ends, if group columns hold quarter hours.
    pub quarters: Vec<i64>,
    /// Rough cost: the longest statement starts first.
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
    /// A binary fraction, as its shortest decimal.
    Binary(Decimal),
    Text(String),
}

/// How one metric is read from the rows of its statement.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub key: String,
    pub take: Take,
    pub only: Option<Only>,
    /// The group column whose values are the parts.
    pub parts: Option<usize>,
    /// Columns with the total of all parts; null if all are listed.
    pub whole: Option<Take>,
    /// The days for which a row of a range counts.
    pub life: Option<Life>,
}

/// Selects rows whose group column holds one of these values or, if not `listed`, any other value or none.
#[derive(Debug, Clone)]
pub struct Only {
    pub group: usize,
    pub values: Vec<String>,
    pub listed: bool,
}

/// The columns of a number.
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
    /// The greatest time, shown by this clock.
    Newest(usize, Clock),
    /// The only number of the query.
    Single(usize),
}

/// Group columns with the times at which a row was born, ended and happened.
#[derive(Debug, Clone)]
pub struct Life {
    pub birth: usize,
    pub death: Option<usize>,
    /// From here on the row can be the newest.
    pub happened: Option<usize>,
    /// A column, and the length of its window in days.
    pub window: Option<(usize, u32)>,
    pub scale: Scale,
}

/// What the numbers in those columns mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The position among the statement's days: 0 before them, 1 on the first.
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
    /// The column that holds the number itself.
    pub fn column(self) -> usize {
        match self {
            Self::Count(at) | Self::Sum { sum: at, .. } | Self::Mean { sum: at, .. } => at,
            Self::Least(at) | Self::Greatest(at) | Self::Newest(at, _) | Self::Single(at) => at,
        }
    }

    pub fn columns(self) -> usize {
        match self {
            Self::Sum { .. } | Self::Mean { .. } => 2,
            _ => 1,
        }
    }
}

impl Cell {
    /// Empty for null.
    pub fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Integer(whole) => whole.to_string(),
            Self::Decimal(decimal) | Self::Binary(decimal) => decimal.normalize().to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Statement {
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.recipes.iter().map(|recipe| recipe.key.as_str())
    }
}
