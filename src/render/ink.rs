//! Colours on a terminal, and marks that stand for them while a table is laid out.

/// The meaning of a colour; words always carry it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Critical,
    Warning,
    Good,
    Bold,
}

const INKS: [Ink; 4] = [Ink::Critical, Ink::Warning, Ink::Good, Ink::Bold];
const RESET: &str = "\u{1b}[0m";
/// Ends a mark's colour.
const UNMARK: char = '\u{2060}';

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Critical => "\u{1b}[1;31m",
            Self::Warning => "\u{1b}[33m",
            Self::Good => "\u{1b}[32m",
            Self::Bold => "\u{1b}[1m",
        }
    }

    /// Stands for the colour while the table is laid out: it has no width, and text from data
    /// never holds it (see [`crate::text::plain::printable`]).
    fn mark(self) -> char {
        match self {
            Self::Critical => '\u{2061}',
            Self::Warning => '\u{2062}',
            Self::Good => '\u{2063}',
            Self::Bold => '\u{2064}',
        }
    }
}

pub(super) fn colour(text: &str, ink: Ink, color: bool) -> String {
    if color {
        format!("{}{text}{RESET}", ink.code())
    } else {
        text.to_owned()
    }
}

/// Word by word, because cells wrap between words.
pub(super) fn mark(text: &str, ink: Ink, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let words = text.split(' ').map(|word| {
        let begin = ink.mark();
        format!("{begin}{word}{UNMARK}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Replaces marks with colours and non-breaking spaces with plain ones. No colour runs over the end of the line.
pub(super) fn dye(line: &str) -> String {
    let mut dyed = String::new();
    let mut open = false;
    for letter in line.chars() {
        if let Some(ink) = INKS.into_iter().find(|ink| ink.mark() == letter) {
            dyed.push_str(ink.code());
            open = true;
        } else if letter == UNMARK {
            if std::mem::take(&mut open) {
                dyed.push_str(RESET);
            }
        } else {
            dyed.push(if letter == '\u{a0}' { ' ' } else { letter });
        }
    }
    if open {
        dyed.push_str(RESET);
    }
    dyed
}
