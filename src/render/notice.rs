//! A letter as a notice: its subject, and what opens the mail.

use chrono::{DateTime, Utc};

use crate::locale::Locale;
use crate::notice::{Level, Notice};
use crate::report::{Content, Letter};

use super::phrases::Speech;
use super::view::{self, HighlightView, Tone};

pub fn notice(letter: &Letter, locale: Locale) -> Notice {
    let view = view::view(letter, locale);
    let highlight = |one: HighlightView| format!("{}: {} {}", one.word, one.head, one.rest);
    let more = more(letter, view.highlights.len(), locale);
    let summary = Some(view.summary).filter(|summary| !summary.is_empty());
    let lines = summary
        .into_iter()
        .chain(view.highlights.into_iter().map(highlight))
        .chain(more);
    let (level, about) = level(view.tone);
    Notice {
        title: view.subject,
        level,
        lines: lines.collect(),
        facts: Vec::new(),
        link: view.link.map(|(address, _)| address),
        key: format!("daybook/{}/{about}", view.name),
        source: view.name,
        at: at(letter),
        language: locale.language,
    }
}

/// And what it is about: a day that is not judged, such as an open one, must not end an incident.
fn level(tone: Tone) -> (Level, &'static str) {
    match tone {
        Tone::Critical => (Level::Critical, "report"),
        Tone::Warning => (Level::Warning, "report"),
        Tone::Good => (Level::Fine, "report"),
        Tone::Plain | Tone::Muted => (Level::Fine, "unjudged"),
    }
}

/// How many highlights there are besides those shown.
fn more(letter: &Letter, shown: usize, locale: Locale) -> Option<String> {
    let speech = Speech::new(locale);
    let more = letter.report()?.highlights.len() - shown;
    (more > 0).then(|| speech.count(speech.words.more_lines, more))
}

fn at(letter: &Letter) -> DateTime<Utc> {
    match &letter.content {
        Content::Day(report) => report.as_of,
        Content::NoNumbers(none) => none.since,
    }
}
