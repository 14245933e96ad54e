//! Nouns and verbs that agree with their number.

use std::fmt::Display;

/// `1 day`, `3 days`; `1 entry`, `3 entries`.
pub fn counted<Count: Display + PartialEq + From<u8>>(count: Count, noun: &str) -> String {
    let many = plural(noun);
    let noun = one_or_many(&count, noun, &many);
    format!("{count} {noun}")
}

/// For a number that the caller formats.
pub fn one_or_many<'a, Count>(count: &Count, one: &'a str, many: &'a str) -> &'a str
where
    Count: PartialEq + From<u8>,
{
    match *count == Count::from(1) {
        true => one,
        false => many,
    }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}
