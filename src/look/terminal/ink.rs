//! How a tone looks. Colours are those that the terminal's owner chose, and never say anything alone.

use ratatui::style::{Color, Modifier, Style};

use crate::render::view::{CellView, Tone};

pub(super) fn style(tone: Tone, color: bool) -> Style {
    let style = Style::new();
    match (tone, color) {
        (Tone::Plain, _) | (Tone::Good, false) => style,
        (Tone::Muted, _) => style.add_modifier(Modifier::DIM),
        (Tone::Good, true) => style.fg(Color::Green),
        (Tone::Warning, true) => style.fg(Color::Yellow),
        (Tone::Critical, true) => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        (Tone::Warning | Tone::Critical, false) => style.add_modifier(Modifier::BOLD),
    }
}

pub(super) fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

pub(super) fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// A verdict, or a key.
pub(super) fn chip(tone: Tone, color: bool) -> Style {
    style(tone, color)
        .remove_modifier(Modifier::DIM)
        .add_modifier(Modifier::REVERSED | Modifier::BOLD)
}

/// The selected row: on it signs and words alone say what colours say elsewhere.
pub(super) fn selected() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

pub(super) fn line(color: bool) -> Style {
    if color {
        Style::new().fg(Color::Cyan)
    } else {
        Style::new()
    }
}

/// The tone of a change in at most two letters.
pub(super) fn sign(cell: &CellView) -> &'static str {
    match cell.tone {
        Tone::Critical => "!!",
        Tone::Warning => "!",
        _ if cell.arrow.is_empty() || cell.note.is_none() => "",
        Tone::Good => "+",
        _ => "~",
    }
}
