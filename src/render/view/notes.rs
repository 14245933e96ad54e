//! The notes under the tables: failures, corrections, the origin of numbers, lost deliveries.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::entry::Kind;
use crate::render::clean;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::report::{
    Correction, Letter, LiveAlert, Report, Row, Severity, Twin, Undelivered, Unlisted,
};

use super::highlights::{self, label};
use super::opening::unusual_length;
use super::rows::{counted, nulls};
use super::{NoteLine, NoteView, Tone};

/// A line about more metrics does not name them.
const NAMED: usize = 3;
/// The lines beyond are only counted.
const LINES: usize = 12;

pub(super) fn notes(letter: &Letter, speech: &Speech) -> Vec<NoteView> {
    type ReportNote = fn(&Report, &Speech) -> Option<NoteView>;
    let about_report = |note: ReportNote| letter.report().and_then(|report| note(report, speech));
    let notes = [
        about_report(failed),
        live_alerts(letter, speech),
        about_report(muted),
        stale_recipients(letter, speech),
        bad_addresses(letter, speech),
        undelivered(letter, speech),
        corrected(letter, speech),
        about_report(unknown),
        about_report(counted_later),
        about_report(recounted),
        about_report(unlisted),
        about_report(without_value),
        about_report(differing),
        about_report(length),
        about_report(learning),
        further_days(letter, speech),
    ];
    notes.into_iter().flatten().collect()
}

/// None without lines; of many, only the first are shown.
fn note<L: Into<NoteLine>>(
    title: &str,
    tone: Tone,
    lines: Vec<L>,
    speech: &Speech,
) -> Option<NoteView> {
    let mut lines: Vec<NoteLine> = lines.into_iter().map(Into::into).collect();
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(speech.count(speech.words.more_lines, more).into());
    }
    (!lines.is_empty()).then(|| NoteView {
        title: title.to_owned(),
        lines,
        tone,
    })
}

/// One line for each text, with the metrics it is about.
fn grouped<'a>(rows: impl Iterator<Item = (&'a Row, String)>, speech: &Speech) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for (row, text) in rows {
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((text, vec![row])),
        }
    }
    let line = |(text, rows): (String, Vec<&Row>)| {
        let whose = if rows.len() > NAMED {
            speech.count(speech.words.metrics, rows.len())
        } else {
            let labels: Vec<String> = rows.into_iter().map(label).collect();
            labels.join("; ")
        };
        format!("{whose}: {text}")
    };
    groups.into_iter().map(line).collect()
}

fn reason(row: &Row, speech: &Speech) -> String {
    match &row.provenance.reason {
        Some(reason) => speech.reason(reason),
        None => speech.words.no_value.to_owned(),
    }
}

fn failed(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.failed().map(|row| (row, reason(row, speech)));
    let lines = grouped(rows, speech);
    note(speech.words.failed_title, Tone::Warning, lines, speech)
}

fn muted(report: &Report, speech: &Speech) -> Option<NoteView> {
    let muted = highlights::muted(report, speech).into_iter();
    let lines = muted.map(|highlight| format!("{} {}", highlight.head, highlight.rest));
    let lines = lines.collect();
    note(speech.words.muted_title, Tone::Muted, lines, speech)
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
    let text = |row: &Row| match &row.provenance.reason {
        Some(reason) => speech.reason(reason),
        None => speech.words.recounted.to_owned(),
    };
    let lines = grouped(recounted.map(|row| (row, text(row))), speech);
    note(speech.words.recounted_title, Tone::Muted, lines, speech)
}

fn without_value(report: &Report, speech: &Speech) -> Option<NoteView> {
    let rows = report.rows.iter().filter(|row| nulls(row) > 0);
    let words = speech.words.rows_without_value;
    let rows = rows.map(|row| (row, speech.count(words, nulls(row))));
    let lines = grouped(rows, speech);
    note(speech.words.nulls_title, Tone::Muted, lines, speech)
}

fn unlisted(report: &Report, speech: &Speech) -> Option<NoteView> {
    let line = |one: &Unlisted| {
        let rows = speech.count(speech.words.rows_unlisted, usize::try_from(one.rows).ok()?);
        let values = one.values.as_ref();
        let values = values.map(|values| format!(": {}", clean::reason(values)));
        let values = values.unwrap_or_default();
        let (split, column) = (clean::label(&one.split), clean::label(&one.column));
        Some(format!("{split} ({column}): {rows}{values}"))
    };
    let lines = report.unlisted.iter().filter_map(line).collect();
    note(speech.words.unlisted_title, Tone::Warning, lines, speech)
}

/// Numbers that should be the same and are not.
fn differing(report: &Report, speech: &Speech) -> Option<NoteView> {
    let line = |(row, twin): (&Row, &Twin)| {
        let scale = Scale::of_row(row);
        let difference = twin.difference.number()?;
        let words = [
            ("label", label(row)),
            ("value", speech.value(row.value.as_ref()?, scale)),
            ("twin", clean::label(&twin.label)),
            (
                "twin_value",
                speech.value(&twin.value, Scale::of_twin(twin)),
            ),
            ("difference", speech.amount(difference, scale)),
        ];
        let phrase = match twin.is_stored {
            true => speech.words.twins_stored,
            false => speech.words.twins,
        };
        Some(fill(phrase, &words))
    };
    let lines = report.differing().filter_map(line).collect();
    note(speech.words.twins_title, Tone::Plain, lines, speech)
}

fn length(report: &Report, speech: &Speech) -> Option<NoteView> {
    let (hours, why) = unusual_length(report, speech)?;
    let holes = [("hours", hours.as_str()), ("why", why)];
    let line = fill(speech.words.length, &holes);
    note(speech.words.length_title, Tone::Muted, vec![line], speech)
}

/// The first report says itself that everything is new.
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
    let lines = spans.first().map(|_| line).into_iter().collect();
    note(speech.words.also_title, Tone::Muted, lines, speech)
}

/// Days in a row, with their year where it is not this one.
fn days(span: &[NaiveDate], year: i32, speech: &Speech) -> String {
    let written = |date: &NaiveDate| match date.year() == year {
        true => speech.long_day_of_month(*date),
        false => format!("{} {}", speech.long_day_of_month(*date), date.year()),
    };
    match span {
        [first, .., last] => {
            let ends = [("low", written(first)), ("high", written(last))];
            fill(speech.words.between, &ends)
        }
        [only] => written(only),
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
            // Rounded to the same, they would not show the correction.
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
        unit: match scale.unit {
            "bytes" => "B",
            unit => unit,
        },
        decimals: None,
        ..scale
    }
}

/// Whoever missed the message of the moment reads it here.
fn live_alerts(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let words = speech.words;
    let at = |at: DateTime<Utc>| {
        let date = at.with_timezone(&letter.time_zone()).date_naive();
        let clock = speech.clock(at, letter.time_zone());
        match date == letter.date() {
            true => clock,
            false => format!("{} {clock}", speech.short_date(date)),
        }
    };
    let tone = |alert: &LiveAlert| match alert.severity {
        Severity::Critical => Tone::Critical,
        Severity::Warning => Tone::Warning,
    };
    let line = |alert: &LiveAlert| {
        let scale = Scale {
            unit: &alert.unit,
            decimals: alert.decimals,
            in_points: false,
        };
        let value = alert.value.map(|value| speech.measured(value, scale));
        let limit = alert.limit.map(|limit| speech.bound(limit, scale));
        let number = match (value, limit) {
            (Some(value), Some(limit)) => format!("{value} ({limit})"),
            (value, limit) => value.or(limit).unwrap_or_default(),
        };
        let number = match alert.times {
            1 => number,
            times => format!("{number}, {}", speech.count(words.live_times, times)),
        };
        let told = [
            ("what", clean::label(&alert.label)),
            ("value", number),
            ("since", at(alert.since)),
        ];
        let text = match alert.until {
            None => fill(words.live_still, &told),
            Some(until) => {
                let [what, number, since] = told;
                fill(
                    words.live_over,
                    &[what, number, since, ("until", at(until))],
                )
            }
        };
        NoteLine {
            mark: Some((tone(alert), words.severity(alert.severity))),
            text,
        }
    };
    let alerts = &letter.around.live_alerts;
    let tone = match alerts.iter().map(tone).any(|tone| tone == Tone::Critical) {
        true => Tone::Critical,
        false => Tone::Warning,
    };
    note(
        words.live_title,
        tone,
        alerts.iter().map(line).collect(),
        speech,
    )
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

fn stale_recipients(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let words = speech.words;
    let stale = letter.around.stale_recipients.iter();
    let lines = stale.map(|why| fill(words.stale, &[("reason", clean::reason(why))]));
    let lines = lines.collect();
    note(words.recipients_title, Tone::Warning, lines, speech)
}

fn bad_addresses(letter: &Letter, speech: &Speech) -> Option<NoteView> {
    let line = |(address, why): &(String, String)| {
        format!("{}: {}", clean::label(address), clean::reason(why))
    };
    let lines = letter.around.bad_addresses.iter().map(line).collect();
    note(speech.words.addresses_title, Tone::Warning, lines, speech)
}
