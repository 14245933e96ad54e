//! A letter as a notice: its subject, and what opens the mail.

use chrono::{DateTime, Utc};

use crate::locale::Locale;
use crate::notice::{Level, Notice};
use crate::report::{Content, Letter};

use super::html;
use super::mail::Mail;
use super::phrases::{Phrases, Speech};
use super::view::{self, HighlightView, Tone};
use crate::text::plain::{cut_at_word, printable};

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

/// A notice as a mail of its own.
pub fn mail(notice: &Notice) -> Mail {
    let words = Phrases::in_language(notice.language);
    let word = match notice.level {
        Level::Critical => words.critical,
        Level::Warning => words.warning,
        Level::Fine => words.ok,
    };
    let (name, title) = (printable(&notice.source), printable(&notice.title));
    let lines: Vec<String> = notice.lines.iter().map(|line| printable(line)).collect();
    let facts = notice
        .facts
        .iter()
        .map(|(name, value)| (printable(name), printable(value)));
    let facts: Vec<(String, String)> = facts.collect();
    let mut text = vec![format!("{title}\n")];
    text.extend(lines.iter().cloned());
    text.extend(facts.iter().map(|(name, value)| format!("{name}: {value}")));
    text.extend(notice.link.iter().map(|link| format!("\n{link}")));
    Mail {
        subject: cut_at_word(&format!("[{word}] {name}: {title}"), MOST_SUBJECT),
        html: html::notice::page(notice, word),
        text: text.join("\n") + "\n",
        pictures: Vec::new(),
        csv: None,
    }
}

const MOST_SUBJECT: usize = 150;
