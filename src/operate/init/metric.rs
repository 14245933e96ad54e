//! A metric as the settings will name it.

use crate::catalog::{Good, History, TimeKind};

use super::names::spoken;
use super::tables::Subject;

/// A metric as it will be written.
#[derive(Debug, Clone, Default)]
pub struct Metric {
    pub key: String,
    pub label: String,
    pub section: String,
    pub table: String,
    /// `count` of `*`, `sum` of a column.
    pub measure: (&'static str, String),
    pub condition: Option<String>,
    /// Over 1, 7 and 30 days, with how the column tells time where it differs.
    pub within: Option<(String, Option<TimeKind>)>,
    /// A column's values, each with what counts it.
    pub split: Option<(String, Vec<Part>)>,
    pub by: Option<By>,
    pub history: Option<History>,
    pub good: Good,
    pub unit: Option<&'static str>,
    /// Money has two.
    pub decimals: Option<u32>,
    /// Only a fall deserves attention: how fast it grows, another metric tells.
    pub alerts_on_falls: bool,
    pub note: String,
}

#[derive(Debug, Clone)]
pub struct Part {
    pub value: String,
    pub key: String,
    /// Where one made from the key would not show the value as it is.
    pub label: Option<String>,
}

/// A distribution over a column's values.
#[derive(Debug, Clone)]
pub struct By {
    pub column: String,
    pub label: Option<Label>,
}

/// Where the parts' names stand.
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

/// How far back a plain count can be known, and why that is believed.
pub fn history(subject: &Subject<'_>) -> (History, &'static str) {
    const WRITTEN_ONCE: &[&str] = &[
        "log",
        "logs",
        "events",
        "votes",
        "views",
        "visits",
        "payments",
        "transactions",
        "emails",
        "messages",
        "scans",
        "history",
        "histories",
        "activities",
        "hits",
    ];
    let column = |name: &str| subject.relation.column(name).is_some();
    let changes = ["updated_at", "modified", "date_modified", "updated"];
    let once = subject
        .words
        .last()
        .is_some_and(|last| WRITTEN_ONCE.contains(&last.as_str()));
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
                "GUESS: such rows are written once and kept; say \"survivors\" if any are ever deleted",
            )
        }
        (Some(_), Some(_)) => (
            History::Now,
            "rows end by a time and by a flag as well: only today's count is sure",
        ),
        (Some(_), None) => (
            History::Survivors,
            "GUESS: rows may be deleted, and recounted days lack them; say \"event\" if none ever is",
        ),
    }
}
