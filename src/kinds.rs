//! Kinds of live events: what may be recorded, what is rolled up and how long it is kept. Declared as data; nothing here
//! knows an event.

mod check;
pub mod figure;
pub mod presets;
pub mod written;

use std::collections::BTreeMap;
use std::time::Duration;

pub use check::check;
pub use figure::{Aggregate, Figure, Percentile, Summary};
pub use written::Shape;

pub const MOST_LABELS: usize = 16;
pub const MOST_VALUES: usize = 32;
/// Groups of a kind that are rolled up; what belongs to further ones is counted as [`OTHER`].
pub const MOST_GROUPS: usize = 10_000;
/// What a label's value becomes that is one too many.
pub const OTHER: &str = "other";
/// The value of a span that says how long it took, in milliseconds.
pub const DURATION: &str = "duration";

/// All kinds by their names.
pub type Kinds = BTreeMap<String, Kind>;

#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    pub name: String,
    pub shape: Shape,
    /// In the order of their names.
    pub labels: Vec<Label>,
    /// In the order of their names.
    pub values: Vec<Value>,
    /// The groups that are rolled up, each as places in `labels`; all of the kind together come first.
    pub groups: Vec<Vec<usize>>,
    /// The label by which sealed chunks are sorted.
    pub cluster: Option<usize>,
    /// Older events are refused.
    pub late: Duration,
    pub keep: Keep,
    /// Bytes of JSON that an event may carry beside its labels and values.
    pub details: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub name: String,
    pub accepts: Accepts,
    pub required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepts {
    OneOf(Vec<String>),
    /// So many different values; one more becomes [`OTHER`].
    Most(usize),
    /// Any text, to be found by; never rolled up.
    Find,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub name: String,
    pub unit: String,
    /// Digits behind the point that are kept; without them numbers are kept bit by bit.
    pub decimals: Option<u32>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub default: Option<f64>,
    pub required: bool,
}

/// How long points and their rollups are kept; `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub points: Option<Duration>,
    pub hourly: Option<Duration>,
    pub daily: Option<Duration>,
    pub monthly: Option<Duration>,
}

impl Kind {
    pub fn label(&self, name: &str) -> Option<usize> {
        self.labels.iter().position(|label| label.name == name)
    }

    pub fn value(&self, name: &str) -> Option<usize> {
        self.values.iter().position(|value| value.name == name)
    }
}
