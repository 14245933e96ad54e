//! Text from commands, databases and servers for a page: short, without readers' addresses and local paths.

use crate::render::view;

/// Shorter than a reason in a letter: a table has many.
const LONGEST: usize = 200;

/// Keeps an address's first letter and host, and a path's file name.
pub(super) fn redact(text: &str) -> String {
    let text = view::reason(text);
    let words = text.split(' ').map(word);
    let redacted = words.collect::<Vec<_>>().join(" ");
    match redacted.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", redacted[..end].trim_end()),
        None => redacted,
    }
}

/// `a…@example.org`
pub(super) fn masked(address: &str) -> String {
    word(&view::line(address))
}

fn word(word: &str) -> String {
    let is_inside =
        |letter: char| letter.is_alphanumeric() || "/\\@._+-%!#$&*=?^{|}~".contains(letter);
    let begin = word.find(is_inside).unwrap_or(word.len());
    let end = word.rfind(is_inside).map_or(begin, |at| {
        at + word[at..].chars().next().map_or(0, char::len_utf8)
    });
    let (before, rest) = word.split_at(begin);
    let (inside, after) = rest.split_at(end.max(begin) - begin);
    format!("{before}{}{after}", hidden(inside))
}

fn hidden(word: &str) -> String {
    if let Some((name, host)) = word.rsplit_once('@') {
        // `<ada@example.org>` and `smtp;ada@example.org` begin after their signs.
        let at = name.rfind(|letter: char| "<;:,(\"'`".contains(letter));
        let start = at.map_or(0, |at| at + 1);
        let first: String = name[start..].chars().take(1).collect();
        return format!("{}{first}…@{host}", &name[..start]);
    }
    let is_path = word.starts_with('/') || word.contains(":/") && !word.contains("://");
    let deep = word.matches('/').count() > 1;
    match word.rsplit_once('/') {
        Some((_, file)) if is_path || deep && !word.contains("://") => file.to_owned(),
        _ => word.to_owned(),
    }
}
