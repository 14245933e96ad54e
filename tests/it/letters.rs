//! Letters in words: what a reader is told, to the letter.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod forms;
mod hostile;
mod phrases;
mod sentences;

use daybook::catalog::Catalog;
use daybook::compare::judge;
use daybook::entry::Entry;
use daybook::locale::{Language, Locale, Numbers};
use daybook::render::mail::mail;
use daybook::report::{self, Around, Content, Letter};
use unicode_width::UnicodeWidthStr;

use crate::config::{assert_same_as_file, project};
use crate::sample_letters;

const ENGLISH: Locale = Locale {
    language: Language::English,
    numbers: Numbers::Swiss,
};
const GERMAN: Locale = Locale {
    language: Language::German,
    numbers: Numbers::Swiss,
};
const GERMAN_IN_FRENCH_NUMBERS: Locale = Locale {
    language: Language::German,
    numbers: Numbers::French,
};

#[test]
fn every_sample_letter_reads_as_its_file() {
    let letters = sample_letters::all();
    let english = letters
        .iter()
        .map(|(name, letter)| (name.to_string(), letter, ENGLISH));
    let german = letters
        .iter()
        .filter(|(name, _)| !["hostile", "many_metrics"].contains(name))
        .map(|(name, letter)| (format!("{name}.german"), letter, GERMAN));
    let french = letters
        .iter()
        .filter(|(name, _)| *name == "critical")
        .map(|(name, letter)| (format!("{name}.french"), letter, GERMAN_IN_FRENCH_NUMBERS));
    let all = english.chain(german).chain(french);
    assert_same_as_files(all.map(|(name, letter, locale)| {
        let mail = mail(letter, locale);
        let found = format!("Subject: {}\n\n{}", mail.subject, mail.text);
        (format!("{name}.txt"), found)
    }));
}

/// Compares all of them, so that one run tells of every file that differs.
fn assert_same_as_files(found: impl Iterator<Item = (String, String)>) {
    let wrong: Vec<String> = found
        .filter_map(|(name, found)| {
            let path = project("tests/it/letters").join(&name);
            let compare = || assert_same_as_file(&found, &path);
            std::panic::catch_unwind(compare).is_err().then_some(name)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn lines_of_text_keep_within_their_columns_and_end_with_a_letter() {
    for (name, letter) in sample_letters::all() {
        for locale in [ENGLISH, GERMAN, GERMAN_IN_FRENCH_NUMBERS] {
            for line in mail(&letter, locale).text.lines() {
                let is_link = line.contains("https://");
                assert!(line.width() <= 78 || is_link, "{name}: {line}");
                assert_eq!(line.trim_end(), line, "{name}");
            }
        }
    }
}

/// The letter of the last of these days.
fn letter(entries: &[Entry], catalog: &Catalog) -> Letter {
    let last = entries.last().unwrap();
    let judgement = judge(entries, catalog);
    let report = report::of_day(last.date, entries, &judgement, catalog).unwrap();
    Letter {
        name: "Shop".to_owned(),
        content: Content::Day(Box::new(report)),
        around: Around::default(),
    }
}
