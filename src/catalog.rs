//! What is measured: tables, metrics, thresholds and known days, read from TOML and checked as a whole.

pub mod check;
pub mod document;
pub mod expand;
pub mod fragment;
pub mod gather;
pub mod handbook;
pub mod holidays;
mod mute;
pub mod series;
pub mod written;

use chrono::NaiveDate;

use crate::kinds::{Aggregate, Figure, Kinds};
use crate::text::mistake::Mistake;

pub use document::{Document, read_value};
pub use expand::limit;
pub use mute::Mute;
pub use written::{AlertOn, Good, History, Judge, KnownDay, TimeKind};

/// The checked catalog, with one metric for each stored key, in the order written.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub metrics: Vec<Metric>,
    /// The first of two on one day counts: `[[calendar]]` comes before holidays.
    pub known_days: Vec<KnownDay>,
    pub thresholds: Thresholds,
    /// No day before it is collected or counts as history.
    pub since: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub id: String,
    /// Which app database; empty for the unnamed one.
    pub database: String,
    pub name: String,
    pub created_at: Option<String>,
    pub deleted_at: Option<String>,
    pub condition: Option<String>,
    pub time: TimeKind,
    pub text_form: Option<String>,
    pub parents: Vec<Parent>,
}

/// A row counts only while the row it refers to does.
#[derive(Debug, Clone, PartialEq)]
pub struct Parent {
    pub table: usize,
    pub column: String,
    pub key: String,
}

#[derive(Debug, Clone)]
pub struct Metric {
    pub key: String,
    pub label: String,
    pub section: String,
    pub description: String,
    pub unit: String,
    pub decimals: Option<u32>,
    pub good: Good,
    pub hidden: bool,
    pub prometheus: Option<String>,
    pub since: Option<NaiveDate>,
    pub was: Option<String>,
    /// The key of the metric that should have the same number.
    pub same_as: Option<String>,
    pub history: History,
    pub shape: Shape,
    pub alert: Rules,
    /// The key as written, which several metrics of a family share.
    pub family: String,
}

#[derive(Debug, Clone)]
pub enum Shape {
    Counted(Counted),
    Sql { database: String, text: String },
    Live(Live),
    Derived(Derived),
}

/// A number over live events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    pub figure: Figure,
    /// The days of its window, if the catalog says so; otherwise it is the day's.
    pub days: Option<u32>,
}

/// A number over the rows of one declared table.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    pub table: usize,
    pub measure: Measure,
    pub condition: Option<String>,
    pub window: Option<Window>,
    pub parts: Parts,
    pub fuse: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Measure {
    Rows,
    /// Rows in which the column is not null.
    Filled(String),
    Sum(String),
    Avg(String),
    Min(String),
    Max(String),
    /// The age of the newest row by this column, in hours.
    Newest(String),
    Distinct(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub column: String,
    pub time: Option<TimeKind>,
    pub days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    Whole,
    /// Only the rows whose column holds one of these values.
    Share {
        column: String,
        values: Vec<String>,
    },
    /// Only the rows whose column holds none of these values or is null: what a split does not list.
    Rest {
        column: String,
        values: Vec<String>,
    },
    /// A distribution over the column's values.
    By(Distribution),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    pub column: String,
    /// Values whose rows do not belong to it.
    pub except: Vec<String>,
    pub top: usize,
    pub label: Option<written::Label>,
}

/// Computed last, from two other metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    pub of: String,
    pub per: String,
    pub percent: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub warning: Option<Limit>,
    pub critical: Option<Limit>,
    pub percent: written::PercentRule,
    /// The share of its own past days that a metric's usual range must hold.
    pub reach: Option<f64>,
    /// A distribution's parts are judged too.
    pub parts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub over: bool,
    pub inclusive: bool,
    pub bound: f64,
}

/// What percent rules default to; the settings and the environment may change them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    pub warning: f64,
    pub critical: f64,
    pub min_base: f64,
    pub min_change: f64,
    pub judge: Judge,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            warning: 10.0,
            critical: 25.0,
            min_base: 20.0,
            min_change: 5.0,
            judge: Judge::default(),
        }
    }
}

impl Catalog {
    /// Reads and checks every document; all mistakes at once. `kinds` are those of live events, if there are any.
    pub fn read(documents: &[Document<'_>], kinds: Option<&Kinds>) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut written = gather::Written::gather(documents, &mut mistakes);
        written.kinds = kinds;
        let mut catalog = expand::spell_out(&written, &mut mistakes);
        catalog.derive_histories();
        catalog.pair_twins();
        check::as_a_whole(&catalog, &written, &mut mistakes);
        if mistakes.is_empty() {
            Ok(catalog)
        } else {
            Err(mistakes)
        }
    }

    /// A derived metric's past is known no better than that of its inputs.
    fn derive_histories(&mut self) {
        let history = |key: &str| self.metric(key).map(|metric| metric.history);
        let derived: Vec<Option<History>> = self
            .metrics
            .iter()
            .map(|metric| match &metric.shape {
                Shape::Derived(derived) => history(&derived.of)
                    .max(history(&derived.per))
                    .or(Some(History::Now)),
                _ => None,
            })
            .collect();
        for (metric, history) in self.metrics.iter_mut().zip(derived) {
            metric.history = history.unwrap_or(metric.history);
        }
    }

    /// `same_as` may name a family: its member over the same window is meant.
    fn pair_twins(&mut self) {
        let twin = |metric: &Metric| {
            let twins = self.twins(metric.same_as.as_ref()?);
            let days = self.window_days(metric);
            let mut twins = twins.filter(|twin| self.window_days(twin) == days);
            twins.next().map(|twin| twin.key.clone())
        };
        let twins: Vec<Option<String>> = self.metrics.iter().map(twin).collect();
        for (metric, twin) in self.metrics.iter_mut().zip(twins) {
            metric.same_as = twin;
        }
    }

    /// The metrics of this key, else of the family of this name.
    fn twins<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c Metric> {
        let is_key = self.metric(name).is_some();
        let is_named = move |metric: &&Metric| match is_key {
            true => metric.key == name,
            false => metric.family == name,
        };
        self.metrics.iter().filter(is_named)
    }

    pub fn metric(&self, key: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.key == key)
    }

    pub fn shown(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|metric| !metric.hidden)
    }

    /// Section names in the order in which they are first used.
    pub fn sections(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for metric in self.shown() {
            if !names.contains(&metric.section.as_str()) {
                names.push(&metric.section);
            }
        }
        names
    }

    /// The metrics of this key or of the family of this name, with everything they are derived from.
    pub fn closure(&self, key: &str) -> Vec<String> {
        let mut wanted: Vec<String> = self
            .metrics
            .iter()
            .filter(|metric| metric.key == key || metric.family == key)
            .map(|metric| metric.key.clone())
            .collect();
        let mut at = 0;
        while at < wanted.len() {
            if let Some(Shape::Derived(derived)) =
                self.metric(&wanted[at]).map(|metric| &metric.shape)
            {
                for input in [&derived.of, &derived.per] {
                    if !wanted.contains(input) {
                        wanted.push(input.clone());
                    }
                }
            }
            at += 1;
        }
        wanted
    }

    /// The table and all it depends on, itself first.
    pub fn lineage(&self, table: usize) -> Vec<usize> {
        let mut line = vec![table];
        let mut at = 0;
        while at < line.len() {
            for parent in &self.tables[line[at]].parents {
                if !line.contains(&parent.table) {
                    line.push(parent.table);
                }
            }
            at += 1;
        }
        line
    }

    /// The hidden counts of splits that do not say what to do with unlisted values.
    pub fn undeclared_rests(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|metric| {
            metric.hidden
                && matches!(&metric.shape, Shape::Counted(counted) if matches!(counted.parts, Parts::Rest { .. }))
        })
    }
}

impl Counted {
    fn is_like_but_for_window(&self, other: &Self) -> bool {
        let window = self.window.clone();
        *self
            == Self {
                window,
                ..other.clone()
            }
    }

    /// Whether both count the same of the same rows, in whatever parts.
    pub fn is_like(&self, other: &Self) -> bool {
        self.table == other.table
            && self.measure == other.measure
            && self.condition == other.condition
            && self.window == other.window
    }

    /// Whether the number depends only on when rows were born and ended.
    pub fn needs_only_lives(&self, table: &Table) -> bool {
        let measures_birth = match &self.measure {
            Measure::Rows => true,
            Measure::Newest(column) => table.created_at.as_ref() == Some(column),
            _ => false,
        };
        measures_birth && self.condition.is_none() && self.parts == Parts::Whole
    }
}

impl Metric {
    /// A percentage moves in points: its change, thresholds and minima are not percent of a percent.
    pub fn moves_in_points(&self) -> bool {
        match &self.shape {
            Shape::Derived(derived) => derived.percent,
            Shape::Live(live) => live.figure.aggregate == Aggregate::SuccessPct,
            Shape::Counted(_) | Shape::Sql { .. } => false,
        }
    }

    /// Whether it counts events that were sent.
    pub fn is_live(&self) -> bool {
        matches!(self.shape, Shape::Live(_))
    }

    /// Whether it counts things, as far as the catalog can tell; a query's result shows what it is.
    pub fn counts(&self) -> bool {
        match &self.shape {
            Shape::Counted(counted) => matches!(
                counted.measure,
                Measure::Rows | Measure::Filled(_) | Measure::Distinct(_)
            ),
            Shape::Sql { .. } => true,
            Shape::Live(live) => live.figure.aggregate.counts(),
            Shape::Derived(_) => false,
        }
    }

    pub fn is_distribution(&self) -> bool {
        matches!(&self.shape, Shape::Counted(counted) if matches!(counted.parts, Parts::By(_)))
    }
}

impl Catalog {
    pub fn known_day(&self, date: NaiveDate) -> Option<&KnownDay> {
        self.known_days.iter().find(|day| day.is(date))
    }

    /// How many days a metric's value covers.
    pub fn window_days(&self, metric: &Metric) -> u32 {
        match &metric.shape {
            Shape::Counted(counted) => counted.window.as_ref().map_or(1, |window| window.days),
            Shape::Derived(derived) => {
                let input = self.metric(&derived.of);
                input.map_or(1, |input| self.window_days(input))
            }
            Shape::Live(live) => live.days.unwrap_or(1),
            Shape::Sql { .. } => 1,
        }
    }

    /// Whether the last day of its window of several days is a shown metric of its own.
    pub fn is_covered_by_day(&self, metric: &Metric) -> bool {
        let is_its_day = |other: &Metric| {
            other.family == metric.family
                && self.window_days(other) == 1
                && match (&other.shape, &metric.shape) {
                    (Shape::Counted(day), Shape::Counted(days)) => {
                        day.window.is_some() && day.is_like_but_for_window(days)
                    }
                    (Shape::Live(day), Shape::Live(_)) => day.days.is_some(),
                    (Shape::Derived(_), Shape::Derived(_)) => true,
                    _ => false,
                }
        };
        self.window_days(metric) > 1 && self.shown().any(is_its_day)
    }
}

impl Limit {
    pub fn reached(&self, value: f64) -> bool {
        (self.inclusive && value == self.bound)
            || (if self.over {
                value > self.bound
            } else {
                value < self.bound
            })
    }

    /// `> 26 h`
    pub fn in_unit(&self, unit: &str) -> String {
        format!("{self} {unit}").trim_end().to_owned()
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match (self.over, self.inclusive) {
            (true, false) => ">",
            (true, true) => ">=",
            (false, false) => "<",
            (false, true) => "<=",
        };
        write!(f, "{sign} {}", self.bound)
    }
}
