//! A letter in words, in the reader's locale. HTML and text are both made of it, so they show the same numbers.

mod closing;
mod highlights;
mod notes;
pub(super) mod opening;
mod rows;

use crate::catalog::Metric;
use crate::locale::Locale;
use crate::report::{Content, Letter};

use super::clean;
use super::phrases::Speech;

pub use super::clean::{label as line, part, reason};
pub use highlights::{all as highlights, muted};
pub use rows::{alone as row, cell as change, trend_words};

/// The tone of a text; colour alone never carries it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    /// Present, but not worth the eye.
    Muted,
    /// Welcome, or over.
    Good,
    Warning,
    Critical,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// `en` or `de`.
    pub language: &'static str,
    pub subject: String,
    /// The first words that a list of messages shows after the subject.
    pub preheader: String,
    /// The application's name.
    pub name: String,
    /// `Friday 3 October 2025`
    pub date: String,
    /// `00:00–24:00 Europe/Zurich`, `25 hours, …`, `until 14:30, still open, …`
    pub span: String,
    pub tone: Tone,
    /// `2 critical, 3 warnings`, `No alerts`, `No numbers`
    pub verdict: String,
    /// One or two sentences under the verdict.
    pub summary: String,
    /// At most five.
    pub highlights: Vec<HighlightView>,
    /// `and 3 more in the tables`
    pub more_highlights: Option<String>,
    pub sections: Vec<SectionView>,
    pub notes: Vec<NoteView>,
    /// How long it took, when the next report is due.
    pub footer: Vec<String>,
    /// Address and words of the dashboard's link.
    pub link: Option<(String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct HighlightView {
    pub tone: Tone,
    /// `critical`, `warning`, `improved`, `recovered`
    pub word: String,
    /// `Active users, last day: 2'214`
    pub head: String,
    /// `vs 4'808 last Friday (−54 %), below Friday’s usual 4'410–5'020. Most of it: web_mobile −2'312 of −2'594. First day.`
    pub rest: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct SectionView {
    pub name: String,
    /// `Metric`, the day, the three days compared with, and the trend's head.
    pub heads: [String; 6],
    pub rows: Vec<RowView>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowView {
    pub key: String,
    pub label: String,
    pub value: String,
    /// The limit that the value itself breaks.
    pub value_tone: Tone,
    /// `critical` where the value itself breaks a limit; `counted 00:15`; `reconstructed`
    pub value_note: Option<String>,
    /// Against 1, 7 and 30 days before; nothing for a distribution.
    pub changes: Option<[CellView; 3]>,
    /// `usual for a Friday: 4'410–5'020`
    pub usual: Option<String>,
    /// Oldest first; empty where there is nothing to draw.
    pub trend: Vec<Option<f64>>,
    /// The trend in words, with its numbers.
    pub trend_words: String,
    /// A distribution's largest parts, and all others.
    pub parts: Vec<PartView>,
}

impl RowView {
    /// The most severe alert that the row shows; `Plain` without one.
    pub fn tone(&self) -> Tone {
        let changes = self.changes.iter().flatten().map(|cell| cell.tone);
        let tones: Vec<Tone> = changes.chain([self.value_tone]).collect();
        let mut severe = [Tone::Critical, Tone::Warning].into_iter();
        severe.find(|tone| tones.contains(tone)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartView {
    pub label: String,
    pub value: String,
    /// Of the whole, from 0 to 1.
    pub share: f64,
}

impl PartView {
    /// The length of a bar, of 100 at most; a share above zero is always visible.
    pub fn percent(&self) -> u32 {
        let least = if self.share > 0.0 { 1.0 } else { 0.0 };
        (self.share * 100.0).round().clamp(least, 100.0) as u32
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellView {
    /// `▲`, `▼` or nothing
    pub arrow: &'static str,
    /// `−43.3 %`, `+3`, `unchanged`, `no data`
    pub text: String,
    /// `critical`, `usual for a Friday`, `new`
    pub note: Option<String>,
    pub tone: Tone,
}

/// `Corrected`, `Failed`, `Not known for this day`, with its lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NoteView {
    pub title: String,
    pub lines: Vec<NoteLine>,
    pub tone: Tone,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct NoteLine {
    /// Stands before the text: `critical`.
    pub mark: Option<(Tone, &'static str)>,
    pub text: String,
}

impl From<String> for NoteLine {
    fn from(text: String) -> Self {
        Self { mark: None, text }
    }
}

pub fn view(letter: &Letter, locale: Locale) -> View {
    let speech = Speech::new(locale);
    let mut view = View {
        language: locale.language.code(),
        subject: super::subject::subject(letter, locale),
        preheader: String::new(),
        name: clean::name(&letter.name),
        date: speech.long_date(letter.date()),
        span: opening::span(letter, &speech),
        tone: opening::tone(letter),
        verdict: opening::verdict(letter, &speech),
        summary: opening::summary(letter, &speech),
        highlights: Vec::new(),
        more_highlights: None,
        sections: Vec::new(),
        notes: notes::notes(letter, &speech),
        footer: closing::footer(letter, &speech),
        link: closing::link(letter, &speech),
    };
    if let Content::Day(report) = &letter.content {
        (view.highlights, view.more_highlights) = highlights::highlights(report, &speech);
        view.sections = rows::sections(report, &speech);
    }
    view.preheader = opening::preheader(letter, &view, &speech);
    view
}

/// A metric's label, fit to be read; its key where it has none.
pub fn label(metric: &Metric) -> String {
    highlights::label_or_key(&metric.label, &metric.key)
}
