//! A notice as a page of mail.

use askama::Template;

use crate::notice::{Level, Notice};
use crate::render::phrases::Phrases;
use crate::text::plain::printable;

use super::colours::{Colour, DARK, LIGHT, Palette};
use super::written;

#[derive(Template)]
#[template(path = "notice.html")]
struct Page {
    language: &'static str,
    title: String,
    name: String,
    /// What the level is called.
    word: &'static str,
    /// The class by which the style knows the level.
    class: &'static str,
    colour: Colour,
    lines: Vec<String>,
    facts: Vec<(String, String)>,
    link: Option<String>,
    link_words: &'static str,
    light: Palette,
    dark: Palette,
}

pub(in crate::render) fn page(notice: &Notice, word: &'static str) -> String {
    let (class, colour) = match notice.level {
        Level::Critical => ("c", LIGHT.critical),
        Level::Warning => ("w", LIGHT.warning),
        Level::Fine => ("g", LIGHT.good),
    };
    let facts = notice.facts.iter();
    written(&Page {
        language: notice.language.code(),
        title: printable(&notice.title),
        name: printable(&notice.source),
        word,
        class,
        colour,
        lines: notice.lines.iter().map(|line| printable(line)).collect(),
        facts: facts
            .map(|(name, value)| (printable(name), printable(value)))
            .collect(),
        link: notice.link.clone(),
        link_words: Phrases::in_language(notice.language).link,
        light: LIGHT,
        dark: DARK,
    })
}
