//! The days of a metric's page as a table, to be read aloud and to be copied; the newest first.

use crate::compare::State;
use crate::entry::{Kind, Value};
use crate::look::pages::Scene;
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
    /// The usual range, or the parts.
    pub(super) more: Vec<String>,
    pub(super) notes: String,
}

pub(super) fn table(days: &Days, scene: &Scene<'_>) -> Table {
    let is_distribution = days.metric.is_distribution();
    let scale = Scale::of_metric(&days.metric);
    let stack = is_distribution.then(|| days.stack(&scene.speech));
    let more = match &stack {
        Some(stack) => stack.names(scene.speech.words.all_others),
        None => vec![scene.words.usual.to_owned()],
    };
    let heads = [scene.words.date.to_owned(), scene.words.value.to_owned()];
    let notes = [scene.words.notes.to_owned()];
    let mut rows: Vec<Row> = Vec::new();
    let mut reason = None;
    for (at, day) in days.days.iter().enumerate().rev() {
        let Some(entry) = &day.entry else {
            continue;
        };
        let reading = day.reading.as_ref();
        let why = reading.and_then(|reading| reading.provenance.reason.clone());
        // A reason that many days share is given on the newest of them.
        let repeated = why.is_some() && why == reason;
        reason = why;
        rows.push(Row {
            date: scene.speech.short_date_with_year(entry.date),
            value: value(day, scale, scene),
            more: match &stack {
                Some(stack) => {
                    let parts = stack.day(at).iter();
                    parts.map(|part| scene.speech.part(*part, scale)).collect()
                }
                None => vec![usual(day, scale, scene)],
            },
            notes: notes_of(day, repeated, scene),
        });
    }
    Table {
        heads: heads.into_iter().chain(more).chain(notes).collect(),
        rows,
    }
}

fn value(day: &Day, scale: Scale<'_>, scene: &Scene<'_>) -> String {
    match &day.reading {
        Some(reading) => {
            scene
                .speech
                .reading(reading.value.as_ref(), reading.provenance.kind, scale)
        }
        None => scene.speech.words.no_data.to_owned(),
    }
}

fn usual(day: &Day, scale: Scale<'_>, scene: &Scene<'_>) -> String {
    let whole = matches!(day.value(), Some(Value::Whole(_)));
    let range = |usual| scene.speech.range_of(&usual, whole, scale);
    day.usual.map(range).unwrap_or_default()
}

/// How the value was obtained, what alerts, and what was special about the day.
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
    if let Some(provenance) = day.reading.as_ref().map(|reading| &reading.provenance) {
        match provenance.kind {
            Kind::Reconstructed => notes.push(words.reconstructed.to_owned()),
            Kind::Imported => notes.push(words.imported.to_owned()),
            _ => {}
        }
        if let Some((at, entry)) = provenance.observed_at.zip(day.entry.as_ref()) {
            let clock = scene.speech.clock(at, entry.time_zone);
            notes.push(fill(words.counted, &[("clock", clock)]));
        }
        let reason = provenance.reason.as_deref().filter(|_| !repeated);
        notes.extend(reason.map(|reason| scene.speech.reason(reason)));
    }
    notes.join(", ")
}
