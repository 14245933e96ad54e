//! A kind as people write it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// It happened.
    Event,
    /// A measurement of something that is there all the time.
    Sample,
    /// It took time and went well or not.
    Span,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    pub shape: Shape,
    /// What an event is about: names with text.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub labels: BTreeMap<String, Label>,
    /// What is measured: names with numbers. A span has `duration` in ms without being told.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub values: BTreeMap<String, Value>,
    /// Groups of labels that are rolled up; any other grouping is answered from points.
    #[serde(default)]
    pub by: Vec<Vec<String>>,
    /// The label by which old points are sorted; the first one of `by` when left out.
    pub cluster: Option<String>,
    /// Events older than this are refused; `7d` when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub late: Option<String>,
    #[serde(default)]
    pub keep: Keep,
    #[serde(default)]
    pub details: Details,
}

/// Say one of `values`, `most` and `find`; `most = 50` when none is said.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Any other value is refused.
    pub values: Option<Vec<String>>,
    /// So many different values; further ones are counted as `other`.
    #[schemars(range(min = 1, max = 10_000))]
    pub most: Option<usize>,
    /// Looked up by value, never rolled up: for ids.
    #[serde(default)]
    pub find: bool,
    /// Events without it are refused.
    #[serde(default)]
    pub required: bool,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Value {
    #[serde(default)]
    pub unit: String,
    /// Digits behind the point that are kept. Left out, numbers are kept as they come, which takes more room.
    #[schemars(range(max = 9))]
    pub decimals: Option<u32>,
    /// Smaller ones are refused.
    pub min: Option<f64>,
    /// Larger ones are refused.
    pub max: Option<f64>,
    /// Of events that do not have it.
    pub default: Option<f64>,
    /// Events without it are refused.
    #[serde(default)]
    pub required: bool,
}

/// How long each tier is kept: `7d`, or `forever`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The points themselves; `7d` when left out.
    #[schemars(regex(pattern = r"^([0-9]+d|forever)$"))]
    pub points: Option<String>,
    /// Rollups of each hour; `30d` when left out.
    #[schemars(regex(pattern = r"^([0-9]+d|forever)$"))]
    pub hourly: Option<String>,
    /// Rollups of each day; `90d` when left out.
    #[schemars(regex(pattern = r"^([0-9]+d|forever)$"))]
    pub daily: Option<String>,
    /// Rollups of each month; `forever` when left out.
    #[schemars(regex(pattern = r"^([0-9]+d|forever)$"))]
    pub monthly: Option<String>,
}

/// What an event may carry beside its labels and values, as JSON.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The most bytes of it; 0, so none, when left out.
    #[schemars(range(max = 65_536))]
    pub bytes: Option<usize>,
}
