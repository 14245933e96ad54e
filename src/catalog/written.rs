//! The types behind the catalog's TOML and its JSON Schema.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::rule::Rule;

/// A table of an app database, declared once; metrics refer to it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The table's real name, with its schema where it needs one: `public.auth_user`.
    pub name: String,
    /// Which app database holds it; leave out for the unnamed one.
    #[serde(default)]
    pub database: String,
    /// When a row began to exist. Past days can be recounted if this is known.
    pub created_at: Option<String>,
    /// When a row ceased to exist (soft delete by time); null while it lives.
    pub deleted_at: Option<String>,
    /// Only rows for which this SQL condition is true ever count.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// The kind of the table's time columns. A date without a time is always a day of `time_zone`.
    #[serde(default)]
    pub time: TimeKind,
    /// For times kept as text: one example, such as `2025-10-03T12:34:56Z`. Sampled when left out.
    pub text_form: Option<String>,
    /// Rows these rows belong to: a row counts only while each of them counts.
    #[serde(default)]
    pub belongs_to: Vec<BelongsTo>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BelongsTo {
    /// The parent, as declared under `[tables]`.
    pub table: String,
    /// The column here that holds the parent's key.
    pub column: String,
    /// The parent's key column; unique there.
    #[serde(default = "id")]
    pub key: String,
}

fn id() -> String {
    "id".to_owned()
}

#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TimeKind {
    /// A type that knows its offset, such as PostgreSQL's `timestamptz`.
    Instant,
    /// Wall-clock time of UTC, as a timestamp or as text.
    #[default]
    Utc,
    /// Wall-clock time of the configured zone, as a timestamp or as text.
    Local,
    /// Seconds since 1970 UTC.
    EpochS,
    /// Milliseconds since 1970 UTC.
    EpochMs,
}

impl TimeKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Utc => "utc",
            Self::Local => "local",
            Self::EpochS => "epoch_s",
            Self::EpochMs => "epoch_ms",
        }
    }
}

/// How far back a metric can be known; each kind less than the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Rows are born and never change: any past day can be recounted exactly.
    Event,
    /// Rows are born and end by timestamps: any past day can be recounted exactly.
    Interval,
    /// Rows alive today by their birth time: recounted days lack the rows deleted since.
    Survivors,
    /// A mutable column is involved, or no column records creation: past days are unknown.
    Now,
}

impl History {
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Interval => "interval",
            Self::Survivors => "survivors",
            Self::Now => "now",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Good {
    Up,
    Down,
    #[default]
    Neutral,
}

/// One metric, or a family of metrics where `within` or `split` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// `[a-z][a-z0-9_]{0,57}`; windows append `_24h`, `_7d`, `_30d`.
    pub key: String,
    /// The name that readers see; made from the key when left out.
    pub label: Option<String>,
    /// Metrics of one section stand together, in the order written.
    #[serde(default = "other_section")]
    pub section: String,
    /// One sentence on what the number means.
    #[serde(default)]
    pub description: String,
    /// The table counted, as declared under `[tables]`.
    pub table: Option<String>,
    /// `"*"` counts rows; a column's name counts the rows in which it is not null.
    pub count: Option<String>,
    /// Adds a column up.
    pub sum: Option<String>,
    /// The mean of a column's values that are not null.
    pub avg: Option<String>,
    /// A column's least value.
    pub min: Option<String>,
    /// A column's greatest value.
    pub max: Option<String>,
    /// The age of the newest row by this column of times: the hours from then to the day's end.
    pub newest: Option<String>,
    /// How many different values a column holds.
    pub distinct: Option<String>,
    /// Divides by the number of live rows of this declared table: children per parent, parents without any included.
    pub per: Option<String>,
    /// Only rows for which this SQL condition is true. The row itself can be named `this`; `:day_start`,
    /// `:day_end` and `:as_of` stand for this day's, so that rows of other tables can be held to it too.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// Only rows, or live events, whose time lies in the last so many calendar days.
    pub within: Option<Within>,
    /// One metric for each value of a column.
    pub split: Option<Split>,
    /// A distribution over a column's values.
    pub by: Option<By>,
    /// `of` as a percentage of `in`, both metrics.
    pub percent: Option<Percent>,
    /// `of` divided by `per`, both metrics.
    pub ratio: Option<Ratio>,
    /// A query of one number, with `:day_start`, `:day_end` and `:as_of`.
    pub sql: Option<String>,
    /// A number over live events: `{ kind = "checkout", value = "count" }`.
    pub live: Option<LiveMetric>,
    /// The app database that `sql` asks; leave out for the unnamed one.
    #[serde(default)]
    pub database: String,
    pub history: Option<History>,
    /// `bytes`, `%`, `CHF`, …: shown behind the number; `h` for `newest`.
    pub unit: Option<String>,
    /// Digits behind the point; sums and counts are exact when left out, `newest` has one, everything else two.
    pub decimals: Option<u32>,
    /// Which direction is welcome; `neutral` when left out, `down` for `newest`.
    pub good: Option<Good>,
    /// Collected and stored for other metrics, never shown.
    #[serde(default)]
    pub hidden: bool,
    /// The series' name for Prometheus; made from the key when left out. A family's series
    /// append their windows (`_24h`) or, in a split, their keys.
    pub prometheus: Option<String>,
    /// No day before it counts as history for this metric.
    pub since: Option<String>,
    /// The key under which older entries hold this metric.
    pub was: Option<String>,
    /// The metric that should have the same number, by its key or its family's: where they differ, the report says so.
    pub same_as: Option<String>,
    /// `false` gives the metric a statement of its own.
    #[serde(default = "yes")]
    pub fuse: bool,
    #[serde(default)]
    pub alert: Alert,
}

impl Metric {
    /// The measured columns, by the key that names them.
    pub fn measured(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let columns = [
            ("count", &self.count),
            ("sum", &self.sum),
            ("avg", &self.avg),
            ("min", &self.min),
            ("max", &self.max),
            ("newest", &self.newest),
            ("distinct", &self.distinct),
        ];
        let measured = columns.into_iter();
        measured.filter_map(|(key, column)| Some((key, column.as_ref()?)))
    }

    /// Quotients have two decimals unless told otherwise, ages one; counts and sums are exact.
    pub fn usual_decimals(&self) -> Option<u32> {
        let divides = self.percent.is_some()
            || self.ratio.is_some()
            || self.per.is_some()
            || self.avg.is_some();
        match self.newest {
            Some(_) => Some(1),
            None => divides.then_some(2),
        }
    }
}

fn other_section() -> String {
    "Other".to_owned()
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveMetric {
    /// As declared under `[live.kinds]`, or by a preset.
    pub kind: String,
    /// `count`; of spans `succeeded`, `failed`, `success_pct`; of a value `sum of V`, `avg of V`, `min of V`, `max of V`,
    /// `last of V`, `p95 of V` or another percentile.
    pub value: String,
    /// Only events with these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// The time that counts; events have their own.
    pub column: Option<String>,
    /// One metric for each: 1 becomes `_24h`, n becomes `_nd`.
    pub days: Vec<u32>,
    /// The kind of this time column, if it differs from the table's.
    pub time: Option<TimeKind>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub column: String,
    /// The column's value and the metric that counts it; values may share a metric.
    pub into: BTreeMap<String, String>,
    /// Labels of those metrics, by key; made from the key when left out.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What to do with other values and NULL: the key of a metric that counts them, or `ignore`. Without it, reports and
    /// `doctor` say how many there are.
    pub rest: Option<String>,
}

/// Unlisted values are left out on purpose.
pub const IGNORE: &str = "ignore";

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct By {
    pub column: String,
    /// How many parts are kept by name; the rest is added up as "other".
    #[serde(default = "twenty")]
    pub top: usize,
    /// The table with the parts' names.
    pub label: Option<Label>,
}

fn twenty() -> usize {
    20
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The real name of the table that holds the names.
    pub table: String,
    #[serde(default = "id")]
    pub key: String,
    pub column: String,
    /// Adds parts of one name up; otherwise they stay apart.
    #[serde(default)]
    pub merge: bool,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percent {
    pub of: String,
    #[serde(rename = "in")]
    pub whole: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    pub of: String,
    pub per: String,
}

/// When a value or its change deserves attention.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// An absolute rule on the value: `> 20`, `>= 5`, `< 1`, `<= 0`. The metric's unit may follow: `> 26 h`.
    pub warning: Option<String>,
    pub critical: Option<String>,
    /// Rules on the change in percent (in points for percentages); off for `newest` when left out.
    pub percent: Option<PercentRule>,
    /// The share of its own past days that the metric's usual range must hold; 0.98 when left out. Closer to 1 alerts less.
    #[schemars(range(min = 0.5, max = 1))]
    pub reach: Option<f64>,
    /// Of a distribution: its larger parts are judged too, where one falls, appears or vanishes.
    #[serde(default)]
    pub parts: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentRule {
    #[serde(default)]
    pub on: AlertOn,
    /// Instead of the general threshold; 0 switches this level off.
    pub warning: Option<f64>,
    pub critical: Option<f64>,
    /// No judgement below this previous value.
    pub min_base: Option<f64>,
    /// No judgement below this absolute change.
    pub min_change: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertOn {
    #[default]
    Both,
    Falls,
    Rises,
    Off,
}

/// How changes are judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// By the thresholds, if the day's value is also outside the metric's usual range.
    #[default]
    Usual,
    /// By the thresholds alone, at once and always.
    Thresholds,
}

/// A day that is known to be different: it neither trains the usual range nor surprises.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownDay {
    /// A day, `YYYY-MM-DD`; or one of every year: `MM-DD`, `Easter +39`, `third Sunday of September`, `last Monday of May +1`.
    #[schemars(with = "String")]
    pub date: Rule,
    /// The last of several days, `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "until")]
    #[schemars(with = "Option<String>")]
    pub until: Option<NaiveDate>,
    /// Only if it is one of these too, such as `Monday`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub only_if: Vec<Rule>,
    /// Not if it is one of these too, such as `Easter -2`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub unless: Vec<Rule>,
    pub name: String,
    /// Its name in German.
    pub name_de: Option<String>,
    /// Where it holds, in files that `holidays` includes.
    #[serde(default)]
    #[schemars(skip)]
    pub regions: Vec<String>,
}

impl KnownDay {
    pub fn is(&self, date: NaiveDate) -> bool {
        let holds = match (self.date, self.until) {
            (Rule::Once(first), Some(last)) => first <= date && date <= last,
            (rule, _) => rule.is(date),
        };
        let is = |rule: &Rule| rule.is(date);
        holds
            && (self.only_if.is_empty() || self.only_if.iter().any(is))
            && !self.unless.iter().any(is)
    }

    pub fn german(&self) -> &str {
        self.name_de.as_deref().unwrap_or(&self.name)
    }
}

fn until<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse()
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a date like 2025-10-03")))
}
