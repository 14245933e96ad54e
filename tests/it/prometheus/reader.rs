//! The text format read as its specification says, letter by letter, without a look at how it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

pub(super) type Labels = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub(super) struct Exposed {
    /// HELP and TYPE by name.
    pub(super) families: BTreeMap<String, (String, String)>,
    pub(super) samples: BTreeMap<(String, Labels), String>,
    /// The names in the order in which they are told.
    pub(super) names: Vec<String>,
}

impl Exposed {
    /// Panics at whatever the specification forbids.
    pub(super) fn read(text: &str) -> Self {
        let mut all = Self::default();
        let mut done: BTreeSet<String> = BTreeSet::new();
        assert!(text.is_empty() || text.ends_with('\n'));
        for line in text.split_terminator('\n') {
            if let Some(said) = line.strip_prefix("# HELP ") {
                let (name, help) = said.split_once(' ').expect("a name and a help");
                assert!(!all.families.contains_key(name), "{name} has two HELPs");
                let help = unescaped(&mut help.chars().peekable(), None);
                all.families.insert(name.to_owned(), (help, String::new()));
            } else if let Some(said) = line.strip_prefix("# TYPE ") {
                let (name, kind) = said.split_once(' ').expect("a name and a type");
                let family = all.families.get_mut(name).expect("HELP comes first");
                assert!(family.1.is_empty(), "{name} has two TYPEs");
                family.1 = kind.to_owned();
            } else {
                let (name, labels, value) = sample(line);
                if all.names.last() != Some(&name) {
                    assert!(done.insert(name.clone()), "{name} is told in two places");
                    all.names.push(name.clone());
                }
                assert!(all.families.contains_key(&name), "{name} has no HELP");
                let twice = all.samples.insert((name, labels), value);
                assert_eq!(twice, None, "{line}");
            }
        }
        all
    }

    /// The number of the series with exactly these labels.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&str> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: Labels = labels.iter().map(owned).collect();
        self.samples
            .get(&(name.to_owned(), labels))
            .map(String::as_str)
    }

    /// All series of a name.
    pub(super) fn of(&self, name: &str) -> Vec<(&Labels, &str)> {
        let all = self.samples.iter();
        all.filter(|((known, _), _)| known == name)
            .map(|((_, labels), value)| (labels, value.as_str()))
            .collect()
    }
}

fn sample(line: &str) -> (String, Labels, String) {
    let at = line.find(['{', ' ']).expect("a name and a value");
    let name = line[..at].to_owned();
    assert_name(&name, ":");
    let mut rest = line[at..].chars().peekable();
    let mut labels = Labels::new();
    if rest.next_if_eq(&'{').is_some() {
        while rest.next_if_eq(&'}').is_none() {
            let label: String =
                std::iter::from_fn(|| rest.next_if(|letter| *letter != '=')).collect();
            assert_name(&label, "");
            assert_eq!((rest.next(), rest.next()), (Some('='), Some('"')), "{line}");
            let value = unescaped(&mut rest, Some('"'));
            assert_eq!(labels.insert(label, value), None, "{line}");
            assert!(
                rest.next_if_eq(&',').is_some() || rest.peek() == Some(&'}'),
                "{line}"
            );
        }
    }
    assert_eq!(rest.next(), Some(' '), "{line}");
    (name, labels, rest.collect())
}

/// Up to the end, or to the closing mark.
fn unescaped(from: &mut Peekable<Chars<'_>>, end: Option<char>) -> String {
    let mut text = String::new();
    while let Some(letter) = from.next() {
        match letter {
            _ if Some(letter) == end => return text,
            '\\' => text.push(match from.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if end.is_some() => '"',
                other => panic!("`\\{other:?}` means nothing"),
            }),
            _ => text.push(letter),
        }
    }
    assert_eq!(end, None, "a label without an end: {text}");
    text
}

fn assert_name(name: &str, more: &str) {
    let sound =
        |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || more.contains(letter);
    assert!(name.chars().all(sound), "{name}");
    assert!(
        !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()),
        "{name}"
    );
}
