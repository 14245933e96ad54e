//! Text in its column, as wide as it looks: letters of two columns and those of none included.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Cuts the text to the width, with `…` at its end.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else {
        return String::new();
    };
    let mut kept = String::new();
    for piece in Span::raw(text).styled_graphemes(Style::new()) {
        if kept.width() + piece.symbol.width() > room {
            break;
        }
        kept.push_str(piece.symbol);
    }
    kept + "…"
}

/// As [`cut`], but from within: the end stays, so that `…, 24 h` and `…, 7 days` differ.
pub(super) fn cut_within(text: &str, width: usize) -> String {
    const END: usize = 7;
    if text.width() <= width || width < 2 * END {
        return cut(text, width);
    }
    let span = Span::raw(text);
    let pieces: Vec<&str> = span
        .styled_graphemes(Style::new())
        .map(|piece| piece.symbol)
        .collect();
    let mut end = String::new();
    for piece in pieces.iter().rev() {
        if end.width() + piece.width() > END {
            break;
        }
        end.insert_str(0, piece);
    }
    cut(text, width - end.width()) + &end
}

/// Exactly so wide, from the left.
pub(super) fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let space = width.saturating_sub(text.width());
    text + &" ".repeat(space)
}

/// Exactly so wide, to the right.
pub(super) fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    " ".repeat(width.saturating_sub(text.width())) + &text
}

/// As wide as the widest of them.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(UnicodeWidthStr::width).max().unwrap_or_default()
}
