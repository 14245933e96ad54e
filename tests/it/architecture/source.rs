//! Rust source taken apart as far as the rules need it: code without comments and strings, and the strings.

use std::collections::BTreeSet;

pub(crate) struct Source {
    pub(crate) text: String,
    /// Without comments; every string literal is empty.
    pub(crate) code: String,
    /// The string literals as they are written.
    pub(crate) strings: Vec<String>,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let mut source = Self {
            text: text.to_owned(),
            code: String::new(),
            strings: Vec::new(),
        };
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let length = source.piece(rest, letter);
            rest = &rest[length..];
        }
        source
    }

    /// Takes the piece at the beginning and returns its length in bytes.
    fn piece(&mut self, rest: &str, letter: char) -> usize {
        if rest.starts_with("//") {
            return rest.find('\n').unwrap_or(rest.len());
        }
        if rest.starts_with("/*") {
            return rest.find("*/").map_or(rest.len(), |end| end + 2);
        }
        if let Some((begin, end, length)) = raw_string(rest).filter(|_| !self.in_a_word()) {
            self.literal(&rest[begin..end]);
            return length;
        }
        if letter == '"' {
            let end = string_end(rest);
            self.literal(&rest[1..end]);
            return end + 1;
        }
        if let Some(length) = character(rest) {
            self.code.push_str("' '");
            return length;
        }
        self.code.push(letter);
        letter.len_utf8()
    }

    fn literal(&mut self, text: &str) {
        self.strings.push(text.to_owned());
        self.code.push_str("\"\"");
    }

    fn in_a_word(&self) -> bool {
        self.code
            .ends_with(|last: char| last.is_alphanumeric() || last == '_')
    }

    /// Whether the code names this path, not only something longer that holds it.
    pub(crate) fn names(&self, path: &str) -> bool {
        let part_of_a_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.code.match_indices(path).any(|(at, _)| {
            !self.code[..at].ends_with(part_of_a_word)
                && !self.code[at + path.len()..].starts_with(part_of_a_word)
        })
    }

    /// Every `x` of `crate::x` and of `crate::{x, y::z}`.
    pub(crate) fn imported_modules(&self) -> BTreeSet<String> {
        let mut found = self.grouped_imports("crate");
        for (at, _) in self.code.match_indices("crate::") {
            found.insert(word(&self.code[at + "crate::".len()..]));
        }
        found.retain(|name| name.starts_with(char::is_lowercase));
        found
    }

    /// Every path that the code names, whole: `super::a::b` of `use super::{a::b, c}` as of `super::a::b()`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut rest = self.code.as_str();
        let mut paths = Vec::new();
        let mut elsewhere = String::new();
        while let Some((before, after)) = rest.split_once("use ") {
            let tree = after.split(';').next().unwrap_or_default();
            elsewhere.push_str(before);
            paths.extend(spelled_out(tree));
            rest = &after[tree.len()..];
        }
        elsewhere.push_str(rest);
        let part_of_a_path = |letter: char| letter.is_alphanumeric() || "_:".contains(letter);
        let others = elsewhere.split(|letter| !part_of_a_path(letter));
        paths.extend(others.filter(|path| path.contains("::")).map(str::to_owned));
        paths
    }

    /// The first names inside every `root::{…}`.
    pub(crate) fn grouped_imports(&self, root: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let group = format!("{root}::{{");
        for (at, _) in self.code.match_indices(&group) {
            let mut depth = 0;
            let mut begins = true;
            for (place, letter) in self.code[at + group.len()..].char_indices() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => begins = true,
                    letter if letter.is_whitespace() => {}
                    _ if depth == 0 && begins => {
                        found.insert(word(&self.code[at + group.len() + place..]));
                        begins = false;
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

/// `a::{b, c::{d}}` → `a::b`, `a::c::d`.
fn spelled_out(tree: &str) -> Vec<String> {
    let Some((begin, rest)) = tree.split_once('{') else {
        return vec![tree.split_whitespace().next().unwrap_or("").to_owned()];
    };
    let inside = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    let mut depth = 0;
    let branches = inside.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let branches = branches.map(str::trim).filter(|branch| !branch.is_empty());
    let whole = branches.flat_map(spelled_out);
    whole.map(|end| format!("{}{end}", begin.trim())).collect()
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len() - 1
}

/// Where the text of `r"…"` or `r#"…"#` begins and ends, and the length of the whole.
fn raw_string(text: &str) -> Option<(usize, usize, usize)> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let begin = 1 + hashes + 1;
    if !after[hashes..].starts_with('"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = begin + text[begin..].find(&close)?;
    Some((begin, end, end + close.len()))
}

/// The length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        return Some(1 + 2 + inside[2..].find('\'')? + 1);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..]
        .starts_with('\'')
        .then_some(1 + first.len_utf8() + 1)
}

mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_told_from_code() {
        let source = Source::read(
            "// crate::a\nuse crate::{b, c::{d, e}};\nlet x = \"crate::f\"; let q = '\"'; let r = r#\"crate::\"g\"#; crate::h::i::<'a>();",
        );
        let paths = ["crate::b", "crate::c::d", "crate::c::e", "crate::h::i::"];
        assert_eq!(source.paths(), paths);
        let expected = ["b", "c", "h"].map(str::to_owned);
        assert_eq!(source.imported_modules(), BTreeSet::from(expected));
        assert_eq!(source.strings, ["crate::f", "crate::\"g"]);
        assert!(source.names("crate::h") && !source.names("rate::h") && !source.names("crate::f"));
    }
}
