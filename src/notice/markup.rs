//! Texts from elsewhere as a service shows them: nothing in them is markup, mentions anybody or is too long.

use crate::text::plain::one_line;

/// What a service does not show as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Markup {
    /// `&`, `<` and `>` are written as entities.
    has_entities: bool,
    /// A backslash stands before these.
    escaped: &'static str,
    /// These begin mentions, so a zero-width space stands behind them.
    mentioning: &'static str,
}

pub(super) const PLAIN: Markup = Markup {
    has_entities: false,
    escaped: "",
    mentioning: "",
};

pub(super) const SLACK: Markup = Markup {
    has_entities: true,
    ..PLAIN
};

pub(super) const NO_MENTIONS: Markup = Markup {
    mentioning: "@<",
    ..PLAIN
};

pub(super) const MARKDOWN: Markup = Markup {
    escaped: "\\`*_~|[]#>+-",
    ..NO_MENTIONS
};

const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Services refuse empty texts.
const EMPTY: &str = "–";

impl Markup {
    /// One line of at most so many units.
    pub(super) fn line(self, text: &str, most: usize) -> String {
        let line = one_line(text, most);
        let letters: Vec<String> = line.chars().map(|letter| self.letter(letter)).collect();
        let all = letters.concat();
        match units(&all) {
            0 => EMPTY.to_owned(),
            length if length <= most => all,
            _ => cut(&letters, most),
        }
    }

    fn letter(self, letter: char) -> String {
        match letter {
            '&' if self.has_entities => return "&amp;".to_owned(),
            '<' if self.has_entities => return "&lt;".to_owned(),
            '>' if self.has_entities => return "&gt;".to_owned(),
            _ => {}
        }
        let backslash = self.escaped.contains(letter).then_some('\\');
        let space = self.mentioning.contains(letter).then_some(ZERO_WIDTH_SPACE);
        backslash.into_iter().chain([letter]).chain(space).collect()
    }
}

/// As UTF-16 counts, which no service's own count exceeds; in UTF-8 at most three bytes each.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn cut(letters: &[String], most: usize) -> String {
    let mut room = most.saturating_sub(1);
    let fit = letters.iter().take_while(|letter| {
        let left = room.checked_sub(units(letter));
        room = left.unwrap_or(0);
        left.is_some()
    });
    let beginning: String = fit.map(String::as_str).collect();
    format!("{}…", beginning.trim_end())
}
