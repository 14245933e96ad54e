//! A metric of the proposal.

use crate::catalog::{Good, History, TimeKind};

use super::names::{Words, spoken};
use super::tables::Subject;

#[derive(Debug, Clone, Default)]
pub struct Metric {
    pub key: String,
    pub label: String,
    pub section: String,
    pub table: String,
    /// `count` of `*`, `sum` of a column.
    pub measure: (&'static str, String),
    pub condition: Option<String>,
    /// The column for windows of 1, 7 and 30 days, and its kind of time if it differs from the table's.
    pub within: Option<(String, Option<TimeKind>)>,
    /// A column, and the metrics that count its values.
    pub split: Option<(String, Vec<Part>)>,
    pub by: Option<By>,
    pub history: Option<History>,
    pub good: Good,
    pub unit: Option<&'static str>,
    /// Money has two.
    pub decimals: Option<u32>,
    /// Another metric shows its growth.
    pub alerts_on_falls: bool,
    pub note: String,
}

#[derive(Debug, Clone)]
pub struct Part {
    pub value: String,
    pub key: String,
    /// Only if a label made from the key would not show the value.
    pub label: Option<String>,
}

/// A distribution over a column's values.
#[derive(Debug, Clone)]
pub struct By {
    pub column: String,
    pub label: Option<Label>,
}

/// The column with the parts' names.
#[derive(Debug, Clone)]
pub struct Label {
    pub table: String,
    pub key: String,
    pub column: String,
}

impl Metric {
    /// How many numbers it makes.
    pub fn numbers(&self) -> usize {
        match (&self.within, &self.split) {
            (Some(_), _) => 3,
            (_, Some((_, values))) => values.len(),
            _ => 1,
        }
    }
}

pub fn plain(subject: &Subject<'_>, what: &str) -> Metric {
    let mut named = vec![what.to_owned()];
    named.extend(subject.words.iter().cloned());
    Metric {
        key: format!("{what}_{}", subject.id),
        label: spoken(&named),
        section: subject.section.clone(),
        table: subject.id.clone(),
        measure: ("count", "*".to_owned()),
        ..Metric::default()
    }
}

/// How far back a plain count can be known, and the reason.
pub fn history(subject: &Subject<'_>) -> (History, &'static str) {
    const WRITTEN_ONCE: Words = Words(
        "log logs events votes views visits payments transactions emails messages scans history
         histories activities hits",
    );
    let column = |name: &str| subject.relation.column(name).is_some();
    let changes = ["updated_at", "modified", "date_modified", "updated"];
    let last = subject.words.last();
    let once = last.is_some_and(|last| WRITTEN_ONCE.contains(last));
    match (&subject.born, &subject.ended) {
        (None, _) => (
            History::Now,
            "no column says when a row was created: counted from today on, past days stay unknown",
        ),
        (Some(_), Some(_)) if subject.alive.is_none() => (
            History::Interval,
            "rows begin and end by their times, so past days can be recounted",
        ),
        (Some(_), None)
            if once && subject.alive.is_none() && !changes.iter().any(|one| column(one)) =>
        {
            (
                History::Event,
                "GUESS: such rows are written once and kept; set \"survivors\" if any are ever deleted",
            )
        }
        (Some(_), Some(_)) => (
            History::Now,
            "rows end by a time and by a flag: only today's count is certain",
        ),
        (Some(_), None) => (
            History::Survivors,
            "GUESS: deleted rows are missing from recounted days; set \"event\" if rows are never deleted",
        ),
    }
}
