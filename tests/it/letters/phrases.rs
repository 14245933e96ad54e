//! Both languages say everything, and say it cleanly.

use std::collections::BTreeSet;

use daybook::locale::Language;
use daybook::render::phrases::Phrases;

/// The words in braces that a phrase leaves room for.
fn holes(phrase: &str) -> BTreeSet<&str> {
    let pieces = phrase.split('{').skip(1);
    pieces
        .map(|piece| piece.split_once('}').unwrap().0)
        .collect()
}

#[test]
fn every_phrase_stands_in_both_languages_with_the_same_holes() {
    let [english, german] = Language::ALL.map(|language| Phrases::in_language(language).all());
    assert_eq!(english.len(), german.len());
    for ((name, english), (same_name, german)) in english.into_iter().zip(german) {
        assert_eq!(name, same_name);
        assert_eq!(holes(english), holes(german), "{name}");
    }
}

#[test]
fn no_phrase_is_empty_or_untidy() {
    for language in Language::ALL {
        for (name, phrase) in Phrases::in_language(language).all() {
            assert!(!phrase.is_empty(), "{language:?} {name}");
            assert_eq!(phrase.trim(), phrase, "{language:?} {name}");
            assert!(!phrase.contains("  "), "{language:?} {name}");
            assert!(!phrase.contains('ß'), "{language:?} {name}");
        }
    }
}

#[test]
fn sentences_differ_between_the_languages() {
    let same_in_both = ["ok", "short_date", "short_date_with_year", "counted_on"];
    let [english, german] = Language::ALL.map(|language| Phrases::in_language(language).all());
    for ((name, english), (_, german)) in english.into_iter().zip(german) {
        let is_name = ["weekday", "month"].contains(&name);
        if is_name || same_in_both.contains(&name) {
            continue;
        }
        assert_ne!(english, german, "{name}");
    }
}
