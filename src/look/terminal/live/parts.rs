//! Lines of texts, each with its ink, to be drawn on a screen or printed. What is recorded is cleaned before it is shown.

use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::render::view::Tone;
use crate::text::plain::printable;

use super::super::fit;
use super::super::ink;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Heading,
    Muted,
    Good,
    Warning,
    Critical,
}

impl Ink {
    /// Below the first limit it is good, below the second still fair.
    pub(super) fn at_most(number: f64, good: f64, fair: f64) -> Self {
        match () {
            () if number < good => Self::Good,
            () if number < fair => Self::Warning,
            () => Self::Critical,
        }
    }

    pub(super) fn at_least(number: f64, good: f64, fair: f64) -> Self {
        match () {
            () if number >= good => Self::Good,
            () if number >= fair => Self::Warning,
            () => Self::Critical,
        }
    }

    /// Says without colour what the colour says.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Warning => "!",
            Self::Critical => "!!",
            Self::Plain | Self::Heading | Self::Muted | Self::Good => "",
        }
    }

    fn style(self, color: bool) -> ratatui::style::Style {
        match self {
            Self::Plain => ink::style(Tone::Plain, color),
            Self::Heading => ink::bold(),
            Self::Muted => ink::dim(),
            Self::Good => ink::style(Tone::Good, color),
            Self::Warning => ink::style(Tone::Warning, color),
            Self::Critical => ink::style(Tone::Critical, color),
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Heading => Some("1"),
            Self::Muted => Some("2"),
            Self::Good => Some("32"),
            Self::Warning => Some("33"),
            Self::Critical => Some("1;31"),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(String, Ink)>);

impl Line {
    pub(super) fn of(text: &str) -> Self {
        Self::default().with(text, Ink::Plain)
    }

    pub(super) fn heading(text: &str) -> Self {
        Self::default().with(text, Ink::Heading)
    }

    pub(super) fn with(mut self, text: &str, ink: Ink) -> Self {
        self.0.push((printable(text), ink));
        self
    }

    /// The text to the left of its column.
    pub(super) fn left(self, text: &str, width: usize, ink: Ink) -> Self {
        let text = fit::left(&printable(text), width);
        self.with(&text, ink)
    }

    pub(super) fn right(self, text: &str, width: usize, ink: Ink) -> Self {
        let text = fit::right(&printable(text), width);
        self.with(&text, ink)
    }

    /// A number to the right of its column, with its mark behind it.
    pub(super) fn marked(self, text: &str, width: usize, ink: Ink) -> Self {
        let mark = format!(" {:<2}", ink.mark());
        self.right(text, width.saturating_sub(3), ink)
            .with(&mark, ink)
    }

    pub(super) fn beside(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn padded(self, width: usize) -> Self {
        let line = self.cut(width);
        let space = " ".repeat(width - line.width());
        line.with(&space, Ink::Plain)
    }

    pub(super) fn cut(self, width: usize) -> Self {
        let mut room = width;
        let mut parts = Vec::with_capacity(self.0.len());
        for (text, ink) in self.0 {
            let text = fit::cut(&text, room);
            room -= text.width();
            parts.push((text, ink));
        }
        Self(parts)
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    pub(super) fn drawn(&self, color: bool) -> ratatui::text::Line<'_> {
        let spans = self.0.iter();
        let spans = spans.map(|(text, ink)| Span::styled(text.as_str(), ink.style(color)));
        ratatui::text::Line::from(spans.collect::<Vec<_>>())
    }

    pub(super) fn printed(&self, color: bool) -> String {
        let part = |(text, ink): &(String, Ink)| match ink.code().filter(|_| color) {
            Some(code) if !text.trim().is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.clone(),
        };
        let line: String = self.0.iter().map(part).collect();
        line.trim_end().to_owned()
    }
}

/// One column beside the other.
pub(super) fn columns(left: Vec<Line>, right: Vec<Line>, width: usize) -> Vec<Line> {
    let count = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let line = |_| {
        let left = left.next().unwrap_or_default().padded(width / 2);
        left.beside(right.next().unwrap_or_default())
    };
    (0..count).map(line).collect()
}
