//! Text from elsewhere made safe for terminals, pages, headers and the ledger.

use std::borrow::Cow;
use std::fmt::Write;

/// Text from data as a terminal may show it: no control characters, nothing that turns or hides text.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            letter if letter.is_control() || is_unseen(letter) => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

/// The same for texts that programs read too, spelled as in JSON: `\u009b`. Different texts stay different, JSON keeps its
/// meaning, and lines their ends.
pub fn spelled_out(text: &str) -> Cow<'_, str> {
    let is_hidden = |letter: char| {
        let ends_line = matches!(letter, '\u{2028}' | '\u{2029}');
        (letter.is_control() && letter != '\n') || ends_line || is_unseen(letter)
    };
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if !is_hidden(letter) {
            spelled.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let written = write!(spelled, "\\u{unit:04x}");
            debug_assert!(written.is_ok(), "memory takes all text");
        }
    }
    Cow::Owned(spelled)
}

/// Bidirectional marks, tags and other characters without a shape. Joiners are spelling, and stay.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// With a capital letter first.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// At most so many letters on one line, with one space between words, without what [`printable`] replaces.
pub fn one_line(text: &str, most: usize) -> String {
    // The text may have megabytes.
    let beginning: String = text.chars().take(most.saturating_mul(4)).collect();
    let is_all = beginning.len() == text.len();
    let is_apart =
        |letter: char| letter.is_whitespace() || letter.is_control() || is_unseen(letter);
    let words = beginning.split(is_apart).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if is_all && line.chars().count() <= most {
        return line;
    }
    let beginning: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", beginning.trim_end())
}

/// At most so many letters, ended at a word where there is one.
pub fn cut_at_word(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most.saturating_sub(1)).collect();
    let whole_words = match beginning.rsplit_once(' ') {
        Some((words, _)) if words.chars().count() > most / 2 => words,
        _ => &beginning,
    };
    format!("{}…", whole_words.trim_end_matches([' ', ',', ';', ':']))
}
