//! The opening of a letter: the day, the verdict, and the summary.

use crate::text::plain;
use std::collections::BTreeMap;

use chrono::Days;

use crate::render::clean;
use crate::render::phrases::{Plural, Speech, fill};
use crate::report::{Content, Letter, NoNumbers, Report, Row, Verdict};

use super::{Tone, View};

/// More than a list of messages shows.
const PREHEADER: usize = 160;

/// `00:00–24:00 Europe/Zurich, 25 hours: clocks were set back`
pub(super) fn span(letter: &Letter, speech: &Speech) -> String {
    let zone = letter.time_zone();
    let Some(report) = letter.report() else {
        return format!("00:00–24:00 {zone}");
    };
    let begin = speech.clock(report.day_start, zone);
    let mut span = if report.partial {
        let clock = speech.clock(report.as_of, zone);
        format!("{begin}–{clock} {zone}, {}", speech.words.still_open)
    } else {
        format!("{begin}–24:00 {zone}")
    };
    if let Some((hours, why)) = unusual_length(report, speech) {
        let hours = fill(speech.words.hours, &[("hours", &hours)]);
        span.push_str(&format!(", {hours}: {why}"));
    }
    span
}

/// The day's hours and why, where they are not 24.
pub(super) fn unusual_length(report: &Report, speech: &Speech) -> Option<(String, &'static str)> {
    let why = match report.hours {
        24.0 => return None,
        hours if hours > 24.0 => speech.words.longer,
        _ => speech.words.shorter,
    };
    Some((speech.hours(report.hours), why))
}

pub(super) fn tone(letter: &Letter) -> Tone {
    let Some(report) = letter.report() else {
        return Tone::Critical;
    };
    match report.verdict() {
        Verdict::Open => Tone::Muted,
        Verdict::Critical => Tone::Critical,
        Verdict::Warning | Verdict::Incomplete => Tone::Warning,
        // Nothing was judged, so nothing is praised.
        Verdict::Ok if report.first || report.known_day.is_some() => Tone::Plain,
        Verdict::Ok => Tone::Good,
    }
}

/// `2 critical, 3 warnings`
pub(super) fn verdict(letter: &Letter, speech: &Speech) -> String {
    let words = speech.words;
    let report = match &letter.content {
        Content::Day(report) => report,
        Content::NoNumbers(none) => {
            let date = speech.day_and_month(none.date);
            return fill(words.no_numbers_for, &[("date", &date)]);
        }
    };
    if report.partial {
        return words.open_day.to_owned();
    }
    let tally = tally(report, speech, words.failed_metrics);
    match () {
        () if !tally.is_empty() => tally,
        () if report.first => words.first_report.to_owned(),
        () if report.known_day.is_some() => words.known_title.to_owned(),
        () if !report.muted.is_empty() => words.nothing_else_unusual.to_owned(),
        () => words.nothing_unusual.to_owned(),
    }
}

/// The counts of alerts and, in the words `failures`, of failed metrics; empty where all are zero.
pub(in crate::render) fn tally(report: &Report, speech: &Speech, failures: Plural) -> String {
    let (words, counts) = (speech.words, report.counts);
    let tally = speech.tally(&[
        (words.criticals, counts.critical),
        (words.warnings, counts.warnings),
        (words.welcomes, counts.welcome),
        (failures, report.failed().count()),
    ]);
    tally.join(", ")
}

pub(super) fn summary(letter: &Letter, speech: &Speech) -> String {
    let report = match &letter.content {
        Content::Day(report) => report,
        Content::NoNumbers(none) => return why_none(none, speech),
    };
    let words = speech.words;
    if report.partial {
        let clock = speech.clock(report.as_of, report.time_zone);
        return fill(words.open_summary, &[("clock", &clock)]);
    }
    let failed = failures(report, speech);
    let rest = match &report.known_day {
        _ if report.first => Some(first(report, speech)),
        // Its changes are not judged.
        Some(known) => Some(fill(words.known, &[("name", speech.known(known))])),
        None => in_range(report, speech),
    };
    let sentences: Vec<String> = failed.into_iter().chain(rest).collect();
    without_double_end(&sentences.join(" "))
}

/// A text that was cut needs no full stop.
fn without_double_end(sentences: &str) -> String {
    sentences.replace("….", "…")
}

fn why_none(none: &NoNumbers, speech: &Speech) -> String {
    let why = match none.time_limit() {
        Some(limit) => {
            let limit = clean::reason(limit);
            fill(speech.words.stopped_summary, &[("limit", limit)])
        }
        None => {
            let words = [
                ("since", since(none, speech)),
                ("reason", clean::reason(&none.reason)),
            ];
            fill(speech.words.no_numbers_summary, &words)
        }
    };
    without_double_end(&format!("{why} {}", speech.words.report_follows))
}

/// `app database unavailable since 00:15`, `counting was stopped after 1h`
pub(in crate::render) fn why_none_in_short(none: &NoNumbers, speech: &Speech) -> String {
    if let Some(limit) = none.time_limit() {
        return fill(speech.words.stopped, &[("limit", clean::reason(limit))]);
    }
    let since = fill(speech.words.since, &[("since", since(none, speech))]);
    format!("{} {since}", in_short(&none.reason))
}

/// `00:15`, with the date unless that is the next morning.
fn since(none: &NoNumbers, speech: &Speech) -> String {
    let clock = speech.clock(none.since, none.time_zone);
    let date = none.since.with_timezone(&none.time_zone).date_naive();
    if date == none.date + Days::new(1) {
        clock
    } else {
        format!("{}, {clock}", speech.short_date(date))
    }
}

/// The gist of an error: `app database unavailable`.
fn in_short(reason: &str) -> String {
    let reason = clean::reason(reason);
    let (clause, _) = reason.split_once(": ").unwrap_or((&reason, ""));
    let clause = clause.strip_prefix("the ").unwrap_or(clause);
    let clause = match clause.rsplit_once(" is ") {
        Some((what, state @ ("unavailable" | "unreachable"))) => format!("{what} {state}"),
        _ => clause.to_owned(),
    };
    plain::cut_at_word(&clause, 80)
}

/// The reason that most failed metrics have, with how many have it.
pub(in crate::render) fn main_failure(report: &Report) -> Option<(&str, usize)> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in report.failed() {
        let reason = row.provenance.reason.as_deref().unwrap_or_default();
        *reasons.entry(reason).or_default() += 1;
    }
    let most = reasons.into_iter().max_by_key(|(_, count)| *count)?;
    Some(most).filter(|(reason, _)| !reason.is_empty())
}

fn failures(report: &Report, speech: &Speech) -> Option<String> {
    let (reason, most) = main_failure(report)?;
    let failed = report.failed().count();
    let phrase = if most == failed {
        speech.words.failed_summary
    } else {
        speech.words.mostly_failed_summary
    };
    let words = [
        ("n", speech.whole(failed)),
        ("all", speech.whole(report.rows.len())),
        ("most", speech.whole(most)),
        ("reason", plain::cut_at_word(&speech.reason(reason), 140)),
    ];
    Some(fill(phrase, &words))
}

fn first(report: &Report, speech: &Speech) -> String {
    let on = |days: u64| speech.short_date(report.date + Days::new(days));
    let metrics = speech.count(speech.words.metrics, report.rows.len());
    let words = [
        ("metrics", metrics),
        ("day", on(1)),
        ("week", on(7)),
        ("month", on(30)),
    ];
    fill(speech.words.first_summary, &words)
}

/// How many metrics lie in their usual ranges. New metrics have none for some weeks, and distributions never.
fn in_range(report: &Report, speech: &Speech) -> Option<String> {
    let words = speech.words;
    let is_inside = |row: &Row| Some(row.usual?.holds(row.value.as_ref()?.number()?));
    let ranged: Vec<bool> = report.rows.iter().filter_map(is_inside).collect();
    let inside = ranged.iter().filter(|is_inside| **is_inside).count();
    let learns =
        |row: &&Row| row.usual.is_none() && row.value.is_some() && row.learning_until.is_some();
    let without = report.rows.iter().filter(learns).count();
    let phrase = match (inside, without) {
        (0, 0) => return None,
        (0, _) if ranged.is_empty() => return Some(words.no_range_yet.to_owned()),
        (_, 0) if inside == ranged.len() => words.all_in_range,
        (_, 0) => words.in_range,
        _ => words.in_range_so_far,
    };
    let (all, without) = (speech.whole(ranged.len()), speech.whole(without));
    let holes = [
        ("all", all.as_str()),
        ("without", &without),
        ("usual", speech.usual_of(report.date)),
    ];
    Some(speech.count_with(phrase, inside, &holes))
}

/// The first highlights, or else the summary.
pub(super) fn preheader(letter: &Letter, view: &View, speech: &Speech) -> String {
    if let Content::NoNumbers(none) = &letter.content {
        let words = [
            ("date", speech.short_date(none.date)),
            ("reason", why_none_in_short(none, speech)),
        ];
        return fill(speech.words.no_numbers_in_short, &words);
    }
    let highlights = view.highlights.iter().take(3);
    let highlights: Vec<String> = highlights
        .map(|highlight| format!("{} {}", highlight.head, highlight.rest))
        .collect();
    let is_calm = letter.report().is_some_and(|report| report.calm_day);
    let text = match highlights.is_empty() {
        true if is_calm => format!("{}. {}", view.verdict, view.summary),
        true => view.summary.clone(),
        false => highlights.join(" "),
    };
    plain::cut_at_word(text.trim_end(), PREHEADER)
}
