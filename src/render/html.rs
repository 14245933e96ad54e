//! The view as HTML for mail clients: tables, few styles, ASCII, of limited size.

pub mod colours;

mod ascii;
mod fit;
pub(super) mod notice;
mod row;
mod trend;
mod unbroken;

use askama::Template;

use super::sparkline;
use super::view::{NoteView, Tone, View};

pub use trend::Picture;

use colours::{Colour, DARK, LIGHT, Palette};

/// Gmail cuts a page off after about 100 KB.
pub const MOST_BYTES: usize = 88_000;

/// A laid out view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// ASCII, lines below 900 letters; its pictures are `cid:NAME`.
    pub html: String,
    /// Those that the page shows.
    pub pictures: Vec<Picture>,
    /// How many rows had no place.
    pub left_out: usize,
}

pub fn page(view: &View) -> Page {
    let frame = |sections: Vec<Section>| {
        let notes = fit::notes(view);
        let html = Report {
            trends: trend::any(view),
            view,
            sections,
            notes,
            light: LIGHT,
            dark: DARK,
            bar: bar(view.tone),
            columns: COLUMNS,
            padding: &PADDING.repeat(40),
            picture_width: sparkline::WIDTH,
        };
        written(&html)
    };
    let empty = view.sections.iter().map(|section| Section {
        name: &section.name,
        heads: &section.heads,
        rows: vec![String::new()],
        left_out: Some(fit::left_out_words(view, section.rows.len())),
    });
    let room = MOST_BYTES.saturating_sub(frame(empty.collect()).len());
    let fitted = fit::sections(view, room);
    let sections = view.sections.iter().zip(&fitted);
    let sections = sections.map(|(section, rows)| Section {
        name: &section.name,
        heads: &section.heads,
        rows: rows.shown.iter().map(|row| row.html.clone()).collect(),
        left_out: (rows.left_out > 0).then(|| fit::left_out_words(view, rows.left_out)),
    });
    Page {
        html: frame(sections.collect()),
        left_out: fitted.iter().map(|rows| rows.left_out).sum(),
        pictures: fitted
            .into_iter()
            .flat_map(|rows| rows.shown)
            .filter_map(|row| row.picture)
            .collect(),
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    view: &'a View,
    sections: Vec<Section<'a>>,
    notes: Vec<NoteView>,
    light: Palette,
    dark: Palette,
    /// Over everything, in the day's colour.
    bar: Colour,
    columns: Columns,
    /// At least one row has a picture.
    trends: bool,
    padding: &'a str,
    picture_width: u32,
}

struct Section<'a> {
    name: &'a str,
    heads: &'a [String; 6],
    /// Written already.
    rows: Vec<String>,
    left_out: Option<String>,
}

/// In pixels; the labels have the rest. The same in all sections, so that their columns stand in line.
struct Columns {
    value: u32,
    change: u32,
    trend: u32,
}

const COLUMNS: Columns = Columns {
    value: 80,
    change: 77,
    trend: sparkline::WIDTH + 6,
};

/// Keeps what follows out of a list of messages, which shows the first words of a page.
const PADDING: &str = "&#847;&#8204;&#160; ";

fn bar(tone: Tone) -> Colour {
    match tone {
        Tone::Plain => LIGHT.calm,
        tone => LIGHT.text(tone),
    }
}

/// In quotes of the page's own only double ones are used, so a single one needs no entity.
fn written(template: &impl Template) -> String {
    let page = template.render().expect("a String takes everything");
    ascii::ascii(&page.replace("&#39;", "'"))
}

/// The class by which the style knows a tone.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "k",
        Tone::Muted => "m",
        Tone::Good => "g",
        Tone::Warning => "w",
        Tone::Critical => "c",
    }
}
