//! Names for people and for keys, made of the names of tables and columns.
use crate::text::plain::capitalized;

/// A list of words, separated by white space.
#[derive(Clone, Copy)]
pub struct Words(pub &'static str);

impl Words {
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split_whitespace()
    }

    pub fn contains(self, word: &str) -> bool {
        self.iter().any(|listed| listed == word)
    }
}

/// Whether the settings can contain the name.
pub fn is_sound(name: &str) -> bool {
    let forbidden = |letter: char| letter.is_control() || letter == '"' || letter == '`';
    !name.contains(forbidden)
}

/// The parts of a name: `web_itemType` has `web`, `item` and `type`.
pub fn words(name: &str) -> Vec<String> {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in bare.chars() {
        let begins = letter.is_uppercase() && before.is_lowercase();
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(last)) = (letter.is_alphanumeric(), words.last_mut()) {
            last.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A valid key, `[a-z][a-z0-9_]*`, of at most `longest` letters.
pub fn key(words: &[String], longest: usize) -> String {
    let plain: Vec<String> = words
        .iter()
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    let joined = plain.join("_");
    let key = match joined.starts_with(|first: char| first.is_ascii_lowercase()) {
        true => joined,
        false => format!("t_{joined}"),
    };
    let mut key: String = key.chars().take(longest).collect();
    // These endings are reserved for windows.
    while ["_24h", "_7d", "_30d", "_"]
        .iter()
        .any(|end| key.ends_with(end))
    {
        key.truncate(key.rfind('_').unwrap_or(0));
    }
    key
}

/// Compounds that applications write in one word.
const JOINED: Words =
    Words("item collection media user link order product post topic customer attribute");

/// `item types` for `itemtype`: the words of a table without its application's, the last one in plural.
pub fn subject(table: &str, prefix: &str) -> Vec<String> {
    let mut all: Vec<String> = words(table);
    if all.len() > 1 && all.first().is_some_and(|first| first == prefix) {
        all.remove(0);
    }
    let mut all: Vec<String> = all.iter().flat_map(|word| parted(word)).collect();
    if let Some(last) = all.last_mut() {
        *last = plural(last);
    }
    all
}

fn parted(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some(first) = JOINED.iter().find(|known| {
        rest.strip_prefix(known)
            .is_some_and(|after| after.len() > 2 && !after.starts_with('s'))
    }) {
        parts.push(first.to_owned());
        rest = &rest[first.len()..];
    }
    parts.push(rest.to_owned());
    parts
}

/// Words without a plural, and plurals that do not end in s.
const AS_THEY_ARE: Words = Words(
    "media history data metadata stock staff personnel people children men women criteria
     inventory equipment information feedback content software hardware music traffic",
);

const IRREGULAR: &[(&str, &str)] = &[
    ("person", "people"),
    ("child", "children"),
    ("man", "men"),
    ("woman", "women"),
    ("criterion", "criteria"),
    ("medium", "media"),
    ("analysis", "analyses"),
    ("basis", "bases"),
    ("alias", "aliases"),
    ("quiz", "quizzes"),
    ("shelf", "shelves"),
    ("leaf", "leaves"),
    ("life", "lives"),
    ("hero", "heroes"),
];

/// `categories` for `category`; what is a plural already, or has none, stays.
pub fn plural(word: &str) -> String {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(singular, _)| *singular == word) {
        return (*plural).to_owned();
    }
    let already = word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    if already || AS_THEY_ARE.contains(word) || !word.is_ascii() {
        return word.to_owned();
    }
    let ends = |all: &[&str]| all.iter().any(|end| word.ends_with(end));
    let vowel_before = |word: &str| {
        let before = word.chars().rev().nth(1);
        before.is_some_and(|letter| "aeiou".contains(letter))
    };
    match word {
        _ if word.ends_with('y') && !vowel_before(word) => {
            format!("{}ies", &word[..word.len() - 1])
        }
        _ if ends(&["ss", "us", "x", "z", "ch", "sh"]) => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

/// A column's words without the table's own in front: `reported` for `post_reported` of posts.
pub fn own(column: &str, subject: &[String]) -> Vec<String> {
    let mut all = words(column);
    let last = subject.last().map(String::as_str).unwrap_or_default();
    if all.len() > 1 && all.first().is_some_and(|first| plural(first) == last) {
        all.remove(0);
    }
    all
}

/// `Item types`
pub fn spoken(words: &[String]) -> String {
    match words {
        [] => "Unnamed".to_owned(),
        _ => capitalized(&words.join(" ")),
    }
}

/// The name in SQL: quoted unless it is a plain lower-case word.
pub fn spelled(name: &str) -> String {
    const RESERVED: &[&str] = &[
        "order", "group", "user", "check", "default", "table", "primary", "desc", "end", "all",
    ];
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    match is_plain && begins && !RESERVED.contains(&name) {
        true => name.to_owned(),
        false => format!("\"{name}\""),
    }
}
