//! The metrics of a table: its rows, new and active ones, flags, states and sums.

use crate::catalog::{Good, History, TimeKind};
use crate::collect::schema::survey::Survey;
use crate::engine::Engine;

use super::columns;
use super::metric::{Metric, history, plain};
use super::names::{spelled, spoken};
use super::tables::{Subject, closing, open_id, while_open};
use super::welcome::welcome;

/// All metrics of a table, the most interesting first.
pub(super) fn all(subject: &Subject<'_>, survey: &Survey) -> Vec<Metric> {
    let mut all = vec![total(subject)];
    all.extend(new(subject));
    all.extend(active(subject));
    all.extend(open(subject, survey.engine));
    all.extend(columns::metrics(subject, survey));
    all
}

fn total(subject: &Subject<'_>) -> Metric {
    let (history, note) = history(subject);
    Metric {
        history: Some(history),
        good: welcome(&subject.words),
        alerts_on_falls: subject.born.is_some(),
        note: note.to_owned(),
        ..plain(subject, "total")
    }
}

fn new(subject: &Subject<'_>) -> Option<Metric> {
    let born = subject.born.as_ref()?;
    Some(Metric {
        within: Some((born.column.clone(), None)),
        history: Some(history(subject).0),
        good: welcome(&subject.words),
        ..plain(subject, "new")
    })
}

/// Rows that are not closed yet. Where their two times agree, past days can be recounted.
fn open(subject: &Subject<'_>, engine: Engine) -> Option<Metric> {
    let label = format!("{}: open", spoken(&subject.words));
    if let Some(open) = while_open(subject, engine) {
        let (history, note) = history(&open);
        return Some(Metric {
            key: open.id.clone(),
            label,
            history: Some(history),
            note: note.to_owned(),
            ..plain(&open, "open")
        });
    }
    let closed = closing(subject, engine)?;
    Some(Metric {
        key: open_id(&subject.id),
        label,
        condition: Some(format!("{} IS NULL", spelled(&closed.column))),
        history: Some(History::Now),
        note: format!("GUESS: open until {}", closed.column),
        ..plain(subject, "open")
    })
}

fn active(subject: &Subject<'_>) -> Option<Metric> {
    let seen = subject.seen.as_ref()?;
    let usual = subject.time.as_ref().map(|time| time.kind);
    let differs = usual.is_some_and(|usual| usual != seen.kind)
        || usual.is_none() && seen.kind != TimeKind::Utc;
    Some(Metric {
        within: Some((seen.column.clone(), differs.then_some(seen.kind))),
        history: Some(History::Now),
        good: Good::Up,
        note: format!(
            "{} is overwritten each time: past days stay unknown",
            seen.column
        ),
        ..plain(subject, "active")
    })
}
