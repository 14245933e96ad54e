//! Ranges such as `4'410–5'020` stay on one line; a browser would break them after the dash.

use askama::filters::{Html, escape};

/// A longer one would make its column too wide for a narrow window.
const LONGEST: usize = 20;

/// The text as markup, with each range in a `span` of its own.
pub(super) fn ranges(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let Ok(escaped) = escape(word, Html);
        if is_range(word) {
            format!("<span class=\"b\">{escaped}</span>")
        } else {
            escaped.to_string()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_range(word: &str) -> bool {
    let begins = word.starts_with(|first: char| first.is_ascii_digit());
    begins && word.contains('–') && word.chars().count() <= LONGEST
}
