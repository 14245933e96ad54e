//! What is said under the tables: what failed, what was corrected, how numbers were come by, what did not arrive.

use chrono::{Datelike, NaiveDate};

use crate::entry::Kind;
use crate::render::clean;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::report::{Correction, Letter, Report, Row, Undelivered, Unlisted};

use super::highlights::{self, label};
use super::opening::unusual_length;
use super::rows::{counted, nulls};
use super::{NoteView, Tone};

/// A line about more metrics than these does not name them.
const NAMED: usize = 3;
/// More lines than these are only counted.
const LINES: usize = 12;

pub(super) fn notes(letter: &Letter, speech: &Speech) -> Vec<NoteView> {
    let mut notes = Vec::new();
    if let Some(report) = letter.report() {
        notes.extend(failed(report, speech));
        notes.extend(muted(report, speech));
    }
    notes.extend(recipients(letter, speech));
    notes.extend(undelivered(letter, speech));
    notes.extend(corrected(letter, speech));
    if let Some(report) = letter.report() {
        notes.extend(unknown(report, speech));
        notes.extend(counted_later(report, speech));
        notes.extend(recounted(report, speech));
        notes.extend(unlisted(report, speech));
        notes.extend(without_value(report, speech));
        notes.extend(length(report, speech));
        notes.extend(learning(report, speech));
    }
    notes.extend(further_days(letter, speech));
    notes
}

/// Nothing without lines; of very many only the first.
fn note(title: &str, tone: Tone, mut lines: Vec<String>, speech: &Speech) -> Option<NoteView> {
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(speech.count(speech.words.more_lines, more));
    }
    (!lines.is_empty()).then(|| NoteView {
        title: title.to_owned(),
        lines,
        tone,
    })
}

/// One line for each thing said, with the metrics it is said of.
fn grouped<'a>(rows: impl Iterator<Item = (&'a Row, String)>, speech: &Speech) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for (row, said) in rows {
        match groups.iter_mut().find(|(known, _)| *known == said) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((said, vec![row])),
        }
    }
    let line = |(said, rows): (String, Vec<&Row>)| {
        let whose = if rows.len() > NAMED {
            speech.count(speech.words.metrics, rows.len())
        } else {
            let labels: Vec<String> = rows.into_iter().map(label).collect();
            labels.join("; ")
        };
        format!("{whose}: {said}")
    };
    groups.into_iter().map(line).collect()
}

fn reason(row: &Row, speech: &Speech) -> String {
    let reason = row.provenance.reason.as_deref();
    reason.map_or_else(
        || speech.words.no_value.to_owned(),
        |reason| speech.reason(reason),
    )
}

fn failed(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.failed().map(|row| (row, reason(row, speech)));
    let lines = grouped(rows, speech);
    note(speech.words.failed_title, Tone::Warning, lines, speech)
}

fn muted(report: &Report, speech: &Speech) -> Option<NoteView> {
    let told = highlights::muted(report, speech).into_iter();
    let lines = told.map(|highlight| format!("{} {}", highlight.head, highlight.rest));
    note(
        speech.words.muted_title,
        Tone::Muted,
        lines.collect(),
        speech,
    )
}

fn unknown(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.unavailable().map(|row| (row, reason(row, speech)));
    let lines = grouped(rows, speech);
    note(speech.words.unknown_title, Tone::Muted, lines, speech)
}

fn counted_later(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.rows.iter().filter_map(|row| {
        let at = row.provenance.observed_at?;
        Some((row, counted(at, report, speech)))
    });
    let lines = grouped(rows, speech);
    note(speech.words.later_title, Tone::Muted, lines, speech)
}

fn recounted(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.rows.iter();
    let recounted = rows.filter(|row| row.provenance.kind == Kind::Reconstructed);
    let said = |row: &Row| match &row.provenance.reason {
        Some(reason) => speech.reason(reason),
        None => speech.words.recounted.to_owned(),
    };
    let lines = grouped(recounted.map(|row| (row, said(row))), speech);
    note(speech.words.recounted_title, Tone::Muted, lines, speech)
}

fn without_value(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.rows.iter().filter(|row| nulls(row) > 0);
    let words = speech.words.rows_without_value;
    let lines = grouped(
        rows.map(|row| (row, speech.count(words, nulls(row)))),
        speech,
    );
    note(speech.words.nulls_title, Tone::Muted, lines, speech)
}

fn unlisted(report: &Report, speech: &Speech) -> Option<NoteView> {
    let line = |one: &Unlisted| {
        let rows = speech.count(speech.words.rows_unlisted, usize::try_from(one.rows).ok()?);
        let values = one
            .values
            .iter()
            .map(|values| format!(": {}", clean::reason(values)));
        let (split, column) = (clean::label(&one.split), clean::label(&one.column));
        Some(format!(
            "{split} ({column}): {rows}{}",
            values.collect::<String>()
        ))
    };
    let lines = report.unlisted.iter().filter_map(line).collect();
    note(speech.words.unlisted_title, Tone::Warning, lines, speech)
}

fn length(report: &Report, speech: &Speech) -> Option<NoteView> {
    let (hours, why) = unusual_length(report, speech)?;
    let line = fill(
        speech.words.length,
        &[("hours", hours.as_str()), ("why", why)],
    );
    note(speech.words.length_title, Tone::Muted, vec![line], speech)
}

/// Of the very first report everything is new; that it says itself.
fn learning(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report
        .rows
        .iter()
        .filter(|_| !report.first && !report.partial);
    let learning = rows.filter_map(|row| {
        let until = row.learning_until.filter(|_| row.value.is_some())?;
        let holes = [
            ("date", speech.short_date(until)),
            ("weekday", speech.weekday(report.date).to_owned()),
        ];
        Some((row, fill(speech.words.learning_until, &holes)))
    });
    let lines = grouped(learning, speech);
    note(speech.words.learning_title, Tone::Muted, lines, speech)
}

/// `1 Jun to 27 Nov, 29 Nov`
fn further_days(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let mut also = letter.around.also.clone();
    also.sort_unstable();
    let mut spans: Vec<String> = also
        .chunk_by(|day, next| day.succ_opt() == Some(*next))
        .map(|span| days(span, letter.date().year(), speech))
        .collect();
    let more = spans.len().saturating_sub(LINES);
    if more > 0 {
        spans.truncate(LINES);
        spans.push(speech.count(speech.words.more_lines, more));
    }
    let line = fill(speech.words.also, &[("dates", spans.join(", "))]);
    let lines = if also.is_empty() {
        Vec::new()
    } else {
        vec![line]
    };
    note(speech.words.also_title, Tone::Muted, lines, speech)
}

/// Days in a row, with their year where it is not this one.
fn days(span: &[NaiveDate], year: i32, speech: &Speech) -> String {
    let told = |date: &NaiveDate| match date.year() == year {
        true => speech.long_day_of_month(*date),
        false => format!("{} {}", speech.long_day_of_month(*date), date.year()),
    };
    match span {
        [first, .., last] => {
            let ends = [("low", told(first)), ("high", told(last))];
            fill(speech.words.between, &ends)
        }
        [only] => told(only),
        [] => String::new(),
    }
}

fn corrected(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let line = |correction: &Correction| {
        let scale = Scale {
            unit: &correction.unit,
            decimals: correction.decimals,
            in_points: false,
        };
        let both = |scale| [correction.mailed, correction.now].map(|at| speech.number(at, scale));
        let [mailed, now] = match both(scale) {
            // What differs must be seen to differ.
            [mailed, now] if mailed == now => both(exact(scale)),
            rounded => rounded,
        };
        let words = [
            ("label", clean::label(&correction.label)),
            ("date", speech.short_date(correction.date)),
            ("mailed", mailed),
            ("now", now),
        ];
        fill(speech.words.correction, &words)
    };
    let lines = letter.around.corrections.iter().map(line).collect();
    note(speech.words.corrected_title, Tone::Plain, lines, speech)
}

fn exact(scale: Scale<'_>) -> Scale<'_> {
    Scale {
        unit: if scale.unit == "bytes" {
            "B"
        } else {
            scale.unit
        },
        decimals: None,
        ..scale
    }
}

fn undelivered(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let line = |undelivered: &Undelivered| {
        let phrase = if undelivered.in_doubt {
            speech.words.perhaps_not_reached
        } else {
            speech.words.not_reached
        };
        let recipient = clean::label(&undelivered.recipient);
        let recipient = match undelivered.channel.as_str() {
            "email" => recipient,
            channel => format!("{} {recipient}", clean::label(channel)),
        };
        let words = [
            ("date", speech.short_date(undelivered.date)),
            ("recipient", recipient),
            ("reply", clean::reason(&undelivered.reply)),
        ];
        fill(phrase, &words)
    };
    let lines = letter.around.undelivered.iter().map(line).collect();
    note(speech.words.undelivered_title, Tone::Warning, lines, speech)
}

/// Addresses that are wrong, and a list that could not be read.
fn recipients(letter: &Letter, speech: &Speech) -> Vec<NoteView> {
    let words = speech.words;
    let line = |(address, why): &(String, String)| {
        format!("{}: {}", clean::label(address), clean::reason(why))
    };
    let bad = letter.around.bad_addresses.iter().map(line).collect();
    let stale = letter.around.stale_recipients.as_ref();
    let stale = stale.map(|why| fill(words.stale, &[("reason", clean::reason(why))]));
    let stale = stale.into_iter().collect();
    let notes = [
        note(words.recipients_title, Tone::Warning, stale, speech),
        note(words.addresses_title, Tone::Warning, bad, speech),
    ];
    notes.into_iter().flatten().collect()
}
