//! The days of a metric's page as a table, to be read aloud and to be copied; the newest first.

use crate::compare::State;
use crate::entry::{Kind, Value};
use crate::look::pages::Scene;
use crate::look::pages::chart::stack::Stack;
use crate::render::phrases::fill;
use crate::render::phrases::speech::Scale;

use super::days::{Day, Days};
use super::picture::is_open;

pub(super) struct Table {
    pub(super) heads: Vec<String>,
    /// Of a distribution: the columns after the total are its parts.
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) date: String,
    pub(super) value: String,
    /// What was usual, or the parts.
    pub(super) more: Vec<String>,
    pub(super) notes: String,
}

pub(super) fn table(days: &Days, scene: &Scene<'_>) -> Table {
    let values = days
        .days
        .iter()
        .map(|day| day.reading.as_ref()?.value.as_ref());
    let stack = match days.metric.is_distribution() {
        true => Stack::of(values, scene.speech.words.no_part),
        false => Stack::default(),
    };
    let more = match days.metric.is_distribution() {
        true => {
            let others = stack
                .others
                .then(|| scene.speech.words.all_others.to_owned());
            stack.names.iter().cloned().chain(others).collect()
        }
        false => vec![scene.words.usual.to_owned()],
    };
    let heads = [scene.words.date.to_owned(), scene.words.value.to_owned()];
    let notes = [scene.words.notes.to_owned()];
    let mut rows: Vec<Row> = Vec::new();
    let mut reason = None;
    for (at, day) in days.days.iter().enumerate().rev() {
        let Some(entry) = &day.entry else {
            continue;
        };
        let told = day.reading.as_ref().map(|reading| &reading.provenance);
        let why = told.and_then(|told| told.reason.clone());
        // A reason that many days share is told on the newest of them.
        let repeated = why.is_some() && why == reason;
        reason = why;
        rows.push(Row {
            date: scene.speech.short_date_with_year(entry.date),
            value: value(day, days, scene),
            more: more_of(day, days, (stack.days.get(at), stack.others, scene)),
            notes: notes_of(day, repeated, scene),
        });
    }
    Table {
        heads: heads.into_iter().chain(more).chain(notes).collect(),
        rows,
    }
}

fn value(day: &Day, days: &Days, scene: &Scene<'_>) -> String {
    let words = scene.speech.words;
    let Some(reading) = &day.reading else {
        return words.no_data.to_owned();
    };
    match (&reading.value, reading.provenance.kind) {
        (Some(value), _) => scene.speech.value(value, Scale::of_metric(&days.metric)),
        (None, Kind::Failed) => words.failed.to_owned(),
        (None, Kind::Unavailable) => words.unavailable.to_owned(),
        (None, _) => words.no_value.to_owned(),
    }
}

type Layers<'a> = Option<&'a Option<Vec<rust_decimal::Decimal>>>;

fn more_of(
    day: &Day,
    days: &Days,
    (layers, others, scene): (Layers<'_>, bool, &Scene<'_>),
) -> Vec<String> {
    let scale = Scale::of_metric(&days.metric);
    if days.metric.is_distribution() {
        let named = layers.into_iter().flatten().flat_map(|layers| {
            let count = layers.len() - usize::from(!others);
            layers.iter().take(count)
        });
        return named.map(|part| scene.speech.part(*part, scale)).collect();
    }
    let value = day
        .reading
        .as_ref()
        .and_then(|reading| reading.value.as_ref());
    let whole = matches!(value, Some(Value::Whole(_)));
    let usual = day
        .usual
        .map(|usual| scene.speech.range_of(&usual, whole, scale));
    vec![usual.unwrap_or_default()]
}

/// How the value was come by, what alerts, and what was special about the day.
fn notes_of(day: &Day, repeated: bool, scene: &Scene<'_>) -> String {
    let words = scene.speech.words;
    let mut notes = Vec::new();
    if let Some(highlight) = &day.highlight {
        notes.push(match highlight.state {
            State::Recovered => words.recovered.to_owned(),
            _ => highlight.view.word.clone(),
        });
    }
    notes.extend(day.muted.clone());
    if is_open(day) {
        notes.push(words.still_open.to_owned());
    }
    if let Some(entry) = day.entry.as_ref().filter(|entry| entry.hours() != 24.0) {
        let hours = scene.speech.hours(entry.hours());
        notes.push(fill(words.hours, &[("hours", hours)]));
    }
    notes.extend(day.known.clone());
    if let Some(told) = day.reading.as_ref().map(|reading| &reading.provenance) {
        match told.kind {
            Kind::Reconstructed => notes.push(words.reconstructed.to_owned()),
            Kind::Imported => notes.push(words.imported.to_owned()),
            _ => {}
        }
        if let Some((at, entry)) = told.observed_at.zip(day.entry.as_ref()) {
            let clock = scene.speech.clock(at, entry.time_zone);
            notes.push(fill(words.counted, &[("clock", clock)]));
        }
        let reason = told.reason.as_deref().filter(|_| !repeated);
        notes.extend(reason.map(|reason| scene.speech.reason(reason)));
    }
    notes.join(", ")
}
