//! The frame of every page: head, style, script, navigation, and the warning that numbers are late.

use askama::Template;
use chrono::NaiveDate;

use crate::config::Config;
use crate::look::pages::asked::Asked;
use crate::look::pages::words::Words;
use crate::render::phrases::fill;
use crate::render::view::Tone;
use crate::text::plain::printable;

use super::address::LIVE;
use super::{Built, Scene};

/// Everything between `<style>` and `</style>`, the same on every page.
pub const STYLE: &str = concat!(
    include_str!("../../../templates/web/style.css"),
    include_str!("../../../templates/web/day.css"),
    include_str!("../../../templates/web/detail.css"),
    include_str!("../../../templates/web/live.css"),
);

/// Everything between `<script>` and `</script>`, the same on every page.
pub const SCRIPT: &str = include_str!("../../../templates/web/script.js");

/// Which of the pages in the header is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Day,
    Alerts,
    Runs,
    Live,
    /// A page without a place in the header.
    Other,
}

/// A page before it is put together.
pub(super) struct Page {
    /// Stands before the application's name.
    pub(super) title: String,
    pub(super) current: Tab,
    /// The day shown: links to the other pages keep it.
    pub(super) date: Option<NaiveDate>,
    /// Seconds after which it is asked for again, if it is not the usual time.
    pub(super) refresh: Option<u32>,
    /// What stands in `<main>`, as HTML; everything in it is escaped.
    pub(super) content: String,
}

/// Numbers that should be there and are not.
pub(super) struct Stale {
    /// Pieces of the sentence, and whether each is a command.
    pieces: Vec<(String, bool)>,
}

impl Page {
    pub(super) fn new(title: &str, current: Tab, body: &impl Template) -> Self {
        Self {
            title: title.to_owned(),
            current,
            date: None,
            refresh: None,
            content: written(body),
        }
    }

    /// The whole page. `stale` is shown above the content.
    pub(super) fn html(&self, config: &Config, stale: Option<Stale>) -> String {
        let language = config.report.locale.language;
        let words = Words::in_language(language);
        let day = Asked::Day(self.date).address();
        let alerts = Asked::Alerts(self.date).address();
        let live = config.live.as_ref();
        let live = live.map(|_| (words.live, LIVE.to_owned(), self.current == Tab::Live));
        let frame = Frame {
            language: language.code(),
            name: printable(&config.name),
            page: self,
            words,
            stale,
            tabs: [
                (words.day, day, self.current == Tab::Day),
                (words.alerts, alerts, self.current == Tab::Alerts),
                (words.runs, Asked::Runs.address(), self.current == Tab::Runs),
            ]
            .into_iter()
            .chain(live)
            .collect(),
            home: Asked::Day(None).address(),
            about: fill(words.about_page, &[("zone", config.time_zone.name())]),
            style: STYLE,
            script: SCRIPT,
        };
        written(&frame)
    }
}

impl Scene<'_> {
    pub(super) fn found(&self, page: &Page) -> Built {
        Built::Page(page.html(self.config, stale(self)))
    }

    pub(super) fn missing(&self, page: &Page) -> Built {
        Built::Missing(page.html(self.config, stale(self)))
    }
}

/// A template's text. In quotes only double ones are used, so a single one needs no entity.
fn written(template: &impl Template) -> String {
    let text = template.render().expect("a String takes everything");
    text.replace("&#39;", "'")
}

/// The class by which the style knows a tone.
pub(super) fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Muted => "muted",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Critical => "critical",
    }
}

#[derive(Template)]
#[template(path = "web/frame.html")]
struct Frame<'a> {
    language: &'static str,
    /// The application's.
    name: String,
    page: &'a Page,
    words: &'static Words,
    stale: Option<Stale>,
    /// Word, address and whether it is the page shown.
    tabs: Vec<(&'static str, String, bool)>,
    home: String,
    about: String,
    style: &'static str,
    script: &'static str,
}

/// None for an empty book, whose page says how to begin.
fn stale(scene: &Scene<'_>) -> Option<Stale> {
    scene.edition.newest()?;
    let last = scene.edition.newest_complete();
    if last.is_some_and(|last| last >= scene.expected) {
        return None;
    }
    let phrase = match last {
        Some(_) => scene.words.late,
        None => scene.words.never_complete,
    };
    let due = scene.config.report.due.format("%H:%M").to_string();
    let last = last.map(|last| scene.speech.short_date(last));
    let words = [
        ("date", scene.speech.short_date(scene.expected)),
        ("due", due),
        ("last", last.unwrap_or_default()),
        ("collect", "`daybook collect --catch-up`".to_owned()),
        ("doctor", "`daybook doctor`".to_owned()),
    ];
    let sentence = fill(phrase, &words);
    let pieces = sentence.split('`').enumerate();
    let pieces = pieces.map(|(at, piece)| (piece.to_owned(), at % 2 == 1));
    Some(Stale {
        pieces: pieces.collect(),
    })
}
