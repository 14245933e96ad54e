//! The subject carries the verdict: `[2 critical, 3 warnings] Beryl, Fri 3 Oct 2025: active users −54 %`.

use crate::locale::{Language, Locale};
use crate::report::{Content, Highlight, Letter, Report, Row, Rule, State};
use crate::text::plain;

use super::clean;
use super::phrases::Speech;
use super::phrases::speech::Scale;
use super::view::opening::{main_failure, tally, why_none_in_short};

/// One line, cut at a word.
const MOST: usize = 150;
const NAME: usize = 40;
const LABEL: usize = 60;

pub fn subject(letter: &Letter, locale: Locale) -> String {
    let speech = &Speech::new(locale);
    let (tag, news) = match &letter.content {
        Content::Day(report) => (tag(report, speech), news(report, speech)),
        Content::NoNumbers(none) => {
            let tag = speech.words.no_numbers.to_owned();
            (tag, Some(why_none_in_short(none, speech)))
        }
    };
    let name = plain::cut_at_word(&clean::name(&letter.name), NAME);
    let date = speech.short_date_with_year(letter.date());
    let subject = match news {
        Some(news) => format!("[{tag}] {name}, {date}: {news}"),
        None => format!("[{tag}] {name}, {date}"),
    };
    plain::cut_at_word(&subject, MOST)
}

/// `2 critical, 3 failed`
fn tag(report: &Report, speech: &Speech) -> String {
    let words = speech.words;
    if report.partial {
        return words.open.to_owned();
    }
    match tally(report, speech, words.failures) {
        tally if tally.is_empty() => words.ok.to_owned(),
        tally => tally,
    }
}

/// The first active highlight or, without any, why metrics failed.
fn news(report: &Report, speech: &Speech) -> Option<String> {
    if report.partial {
        return None;
    }
    let mut standing = report.highlights.iter();
    if let Some(highlight) = standing.find(|highlight| highlight.state != State::Recovered) {
        let row = report.rows.get(highlight.row)?;
        return Some(highlight_in_short(highlight, row, speech));
    }
    let (reason, _) = main_failure(report)?;
    Some(plain::cut_at_word(&speech.reason(reason), LABEL))
}

/// `active users −54 %`, `corrupted files 3`
fn highlight_in_short(highlight: &Highlight, row: &Row, speech: &Speech) -> String {
    let scale = Scale::of_row(row);
    let number = match &highlight.rule {
        Rule::Week(week) => speech.week_change(*week, scale),
        Rule::Absolute(_) | Rule::Zero(_) | Rule::Stirred { .. } | Rule::Flat(_) => {
            speech.number(highlight.value, scale)
        }
        Rule::Change { difference, .. } => {
            speech.change(difference.change, difference.percent, scale)
        }
    };
    let label = label(row, speech.language);
    match &highlight.part {
        Some(part) => {
            let part = plain::cut_at_word(&speech.part_name(part), LABEL);
            format!("{label}: {part} {number}")
        }
        None => format!("{label} {number}"),
    }
}

/// The label without a window of one day. In English it begins in lower case, unless it begins like `IP`.
fn label(row: &Row, language: Language) -> String {
    let label = plain::cut_at_word(&clean::label(&row.label), LABEL);
    let label = label.strip_suffix(", 24 h").unwrap_or(&label);
    let mut letters = label.chars();
    match (language, letters.next(), letters.clone().next()) {
        (Language::English, Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}
