//! A letter says the same numbers as page, as text, as message and as JSON: each is read back and compared with the JSON.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod highlights;
mod numbers;
mod told;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use daybook::entry::Value;
use daybook::locale::{Language, Locale, Numbers};
use daybook::render::{json, number};
use daybook::report::Letter;
use mail_parser::MessageParser;
use proptest::prelude::{any, proptest};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::posted::posted;
use crate::sample_letters;
use numbers::{Said, leading, rounds_to_a_tenth, with_unit};
use told::{Row, Section, Told};

const VOICES: [Locale; 4] = [
    Locale {
        language: Language::English,
        numbers: Numbers::Swiss,
    },
    Locale {
        language: Language::German,
        numbers: Numbers::German,
    },
    Locale {
        language: Language::German,
        numbers: Numbers::French,
    },
    Locale {
        language: Language::English,
        numbers: Numbers::English,
    },
];

/// A reading of one letter.
struct Reading<'a> {
    letter: &'a Letter,
    truth: &'a Json,
    locale: Locale,
    told: &'a Told,
    is_page: bool,
    /// Hostile labels are shortened and cleaned; tests of their own say how.
    is_hostile: bool,
}

#[test]
fn all_forms_say_the_numbers_of_the_json() {
    for (name, letter) in sample_letters::all() {
        let truth = json::letter(&letter);
        for locale in VOICES {
            let (mail, bytes) = posted(&letter, locale);
            let read = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(mail.csv, None, "{name}: the page has all rows");
            let html = read.body_html(0).unwrap();
            let text = read.body_text(0).unwrap();
            let forms = [
                (true, told::page(&mail.html)),
                (true, told::page(&html)),
                (false, told::text(&mail.text, &highlights::words(locale))),
                (false, told::text(&text, &highlights::words(locale))),
            ];
            for (at, (is_page, told)) in forms.iter().enumerate() {
                let reading = Reading {
                    letter: &letter,
                    truth: &truth,
                    locale,
                    told,
                    is_page: *is_page,
                    is_hostile: name == "hostile",
                };
                let check = || reading.check();
                let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
                assert!(checked.is_ok(), "{name}, {locale:?}, form {at}");
            }
        }
    }
}

impl Reading<'_> {
    fn check(&self) {
        self.sections();
        self.verdict();
        self.highlights();
        self.corrections();
    }

    fn verdict(&self) {
        let verdict = self.truth["verdict"].as_str().unwrap();
        let counts = &self.truth["counts"];
        let found: Vec<Decimal> = self
            .told
            .verdict
            .split(' ')
            .filter_map(|word| leading(word, self.locale.numbers))
            .map(|(said, _)| said.value)
            .collect();
        let counted = ["critical", "warnings", "welcome"].map(|name| decimal(&counts[name]));
        let mut expected: Vec<Decimal> = counted.into_iter().flatten().collect();
        expected.retain(|count| !count.is_zero());
        if ["critical", "warning"].contains(&verdict) {
            assert_eq!(found[..expected.len()], expected, "{}", self.told.verdict);
        }
    }

    fn sections(&self) {
        let metrics = self.truth["metrics"].as_array();
        let metrics: Vec<&Json> = metrics.into_iter().flatten().collect();
        let mut names: Vec<&str> = Vec::new();
        for metric in &metrics {
            let name = metric["section"].as_str().unwrap();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        assert_eq!(self.told.sections.len(), names.len());
        for (section, name) in self.told.sections.iter().zip(names) {
            if !self.is_hostile {
                assert_eq!(section.name, name);
            }
            let metrics = metrics.iter().filter(|metric| metric["section"] == name);
            let metrics: Vec<&Json> = metrics.copied().collect();
            assert_eq!(section.rows.len(), metrics.len(), "{name}");
            for (row, metric) in section.rows.iter().zip(metrics) {
                self.row(row, metric, section);
            }
        }
    }

    fn row(&self, row: &Row, metric: &Json, section: &Section) {
        let key = metric["key"].as_str().unwrap();
        if !self.is_hostile {
            assert_eq!(row.label, metric["label"].as_str().unwrap());
        }
        let unit = metric["unit"].as_str().unwrap();
        match &metric["value"] {
            Json::Null => {
                let is_number = leading(&row.value, self.locale.numbers).is_some();
                assert!(!is_number && !row.value.is_empty(), "{key}: {row:?}");
            }
            Json::Array(parts) => self.parts(row, parts, unit),
            value => {
                let amount = with_unit(&row.value, unit, self.locale.numbers);
                let truth = decimal(value).unwrap();
                assert!(amount.is(truth), "{key}: {} for {truth}", row.value);
                if unit != "bytes" {
                    let digits = self.decimals(key).unwrap_or(truth.normalize().scale());
                    assert_eq!(amount.said.digits, digits, "{key}: {}", row.value);
                }
            }
        }
        for (at, days) in ["1", "7", "30"].into_iter().enumerate() {
            let truth = &metric["changes"][days];
            if !truth.is_null() {
                let date = truth["date"].as_str().unwrap();
                let head = section.heads[at + 1].replace('\u{a0}', " ");
                let date = highlights::short_date(date, self.locale);
                assert!(head.ends_with(&date), "{head}: {date}");
                self.change(&row.changes[at], truth, metric);
            }
        }
        assert_eq!(
            section.heads[0],
            highlights::short_date(self.date(), self.locale)
        );
        if let Some(usual) = &row.usual {
            self.usual(usual, metric);
        }
        if let Some(trend) = &row.trend {
            self.trend(trend, metric);
        }
    }

    fn date(&self) -> &str {
        self.truth["date"].as_str().unwrap()
    }

    fn decimals(&self, key: &str) -> Option<u32> {
        let rows = &self.letter.report().unwrap().rows;
        rows.iter().find(|row| row.key == key).unwrap().decimals
    }

    fn parts(&self, row: &Row, parts: &[Json], unit: &str) {
        let count = |part: &Json| decimal(&part["count"]).unwrap();
        let whole: Decimal = parts.iter().map(count).sum();
        let habit = self.locale.numbers;
        assert!(with_unit(&row.value, unit, habit).is(whole), "{row:?}");
        let mut named: Vec<&Json> = parts
            .iter()
            .filter(|part| part["key"].is_string())
            .collect();
        named.sort_by_key(|part| std::cmp::Reverse(count(part)));
        named.truncate(5);
        let mut expected: Vec<Decimal> = named.iter().map(|part| count(part)).collect();
        if parts.len() > named.len() {
            expected.push(whole - expected.iter().sum::<Decimal>());
        }
        assert_eq!(row.parts.len(), expected.len(), "{row:?}");
        for ((_, value, share), expected) in row.parts.iter().zip(expected) {
            assert!(with_unit(value, unit, habit).is(expected), "{value}");
            let share: Decimal = share.trim_end_matches(['%', '\u{a0}']).parse().unwrap();
            let exact = expected * Decimal::ONE_HUNDRED / whole;
            assert!((share - exact).abs() <= Decimal::new(5, 1), "{row:?}");
        }
    }

    fn change(&self, cell: &str, truth: &Json, metric: &Json) {
        let words = highlights::gaps(self.locale);
        let Some(change) = decimal(&truth["change"]) else {
            let expected = if metric["value"].is_null() || self.truth["first"] == true {
                "–"
            } else {
                let state = truth["state"].as_str().unwrap();
                words.iter().find(|(word, _)| *word == state).unwrap().1
            };
            assert_eq!(cell, expected);
            return;
        };
        let arrow = match truth["direction"].as_str().unwrap() {
            "up" => "▲ ",
            "down" => "▼ ",
            _ => {
                assert_eq!(cell, highlights::unchanged(self.locale));
                return;
            }
        };
        let moved = cell
            .strip_prefix(arrow)
            .unwrap_or_else(|| panic!("{cell:?}"));
        let (mut said, rest) = leading(moved, self.locale.numbers).unwrap();
        let rest = rest.trim_start_matches([' ', '\u{a0}']);
        // What is less than the least shown has its sign in the arrow alone.
        if said.below && truth["direction"] == "down" {
            said.value = -said.value;
        }
        self.moved((said, rest), (change, &truth["percent"]), metric);
        let severity = truth["severity"].as_str();
        let judged = highlights::severities(self.locale);
        match severity {
            Some(severity) => {
                let word = judged.iter().find(|(word, _)| *word == severity).unwrap().1;
                let fits = rest.ends_with(word) || rest.ends_with(judged[2].1);
                assert!(fits, "{cell}: {severity}");
            }
            None => assert!(
                judged.iter().all(|(_, word)| !rest.ends_with(word)),
                "{cell}"
            ),
        }
    }

    /// A change as the reader is told it: in points, in percent or, from zero, as an amount.
    fn moved(
        &self,
        (said, rest): (Said, &str),
        (change, percent): (Decimal, &Json),
        metric: &Json,
    ) {
        let unit = metric["unit"].as_str().unwrap();
        let key = &metric["key"];
        if unit == "%" {
            let points = ["point", "Punkt"]
                .into_iter()
                .any(|word| rest.starts_with(word));
            assert!(
                points && rounds_to_a_tenth(said, change),
                "{key}: {said:?} {rest}"
            );
        } else if let Some(percent) = decimal(percent) {
            assert!(rest.starts_with('%'), "{key}: {rest}");
            assert!(
                rounds_to_a_tenth(said, percent),
                "{key}: {said:?} for {percent}"
            );
        } else {
            let word = rest.split(' ').next().unwrap();
            let shown = if unit.is_empty() { "" } else { word };
            let scale = with_unit(&format!("1\u{a0}{shown}"), unit, self.locale.numbers).scale;
            let amount = numbers::Amount { said, scale };
            assert!(amount.is(change), "{key}: {said:?} for {change}");
        }
    }

    fn usual(&self, told: &str, metric: &Json) {
        let mut remarks = told.trim_matches(['(', ')']).split("; ");
        let is_usual = |remark: &&str| remark.contains("usual ") || remark.contains("üblich ");
        let remark = match self.is_page {
            true => Some(told),
            false => remarks.find(is_usual),
        };
        let Some(remark) = remark else { return };
        let range = remark.split_once(' ').map_or(remark, |(_, range)| range);
        let usual = &metric["usual"];
        highlights::range(
            range,
            usual,
            metric["unit"].as_str().unwrap(),
            self.locale.numbers,
        );
    }

    fn trend(&self, words: &str, metric: &Json) {
        let all = metric["trend"].as_array().unwrap();
        let known: Vec<Decimal> = all.iter().filter_map(decimal).collect();
        let (first, last) = (known[0], known[known.len() - 1]);
        let (lowest, highest) = (known.iter().min().unwrap(), known.iter().max().unwrap());
        let ends = BTreeSet::from([first, last]);
        let mut expected = vec![first, last];
        if lowest == highest {
            expected.pop();
        }
        expected.extend(
            [lowest, highest]
                .into_iter()
                .filter(|one| !ends.contains(one)),
        );
        let unit = metric["unit"].as_str().unwrap();
        let said = words.split_once(": ").unwrap().1;
        let pieces: Vec<&str> = said.split(", ").collect();
        let pieces = pieces.iter().flat_map(|piece| {
            let split = piece
                .split_once(" to ")
                .or_else(|| piece.split_once(" bis "));
            split.map_or(vec![*piece], |(first, last)| vec![first, last])
        });
        let numbers: Vec<&str> = pieces
            .map(|piece| {
                let at = piece.find(|letter: char| letter.is_ascii_digit() || letter == '\u{2212}');
                &piece[at.unwrap()..]
            })
            .collect();
        assert_eq!(numbers.len(), expected.len(), "{words}");
        for (number, truth) in numbers.iter().zip(expected) {
            let amount = with_unit(number, unit, self.locale.numbers);
            assert!(amount.is(truth), "{words}: {truth}");
        }
    }
}

/// As the JSON writes it, not by way of a binary fraction.
fn decimal(json: &Json) -> Option<Decimal> {
    let text = json.as_number()?.to_string();
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| Decimal::from_scientific(&text).unwrap()))
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

proptest! {
    #[test]
    fn whole_numbers_are_read_back_from_every_habit(whole in any::<i64>()) {
        for habit in Numbers::ALL {
            let shown = number::value(&Value::Whole(whole), "", None, habit).unwrap();
            let (said, rest) = leading(&shown, habit).unwrap();
            assert_eq!((said.value, said.digits, rest), (Decimal::from(whole), 0, ""));
        }
    }

    #[test]
    fn decimals_are_read_back_from_every_habit(
        digits in -1_000_000_000_000_000i64..1_000_000_000_000_000,
        scale in 0u32..8,
    ) {
        let exact = Decimal::new(digits, scale);
        for habit in Numbers::ALL {
            let shown = number::value(&Value::Decimal(exact), "CHF", None, habit).unwrap();
            let amount = with_unit(&shown, "CHF", habit);
            assert_eq!(amount.said.value, exact, "{shown}");
            let rounded = number::value(&Value::Decimal(exact), "", Some(2), habit).unwrap();
            let amount = with_unit(&rounded, "", habit);
            assert!(amount.is(exact) && amount.said.digits == 2, "{rounded} for {exact}");
        }
    }

    #[test]
    fn bytes_are_read_back_to_a_tenth_of_their_scale(bytes in 0i64..1_000_000_000_000_000_000) {
        for habit in Numbers::ALL {
            let shown = number::value(&Value::Whole(bytes), "bytes", None, habit).unwrap();
            let amount = with_unit(&shown, "bytes", habit);
            assert!(amount.is(Decimal::from(bytes)), "{shown} for {bytes}");
        }
    }

    #[test]
    fn percents_are_read_back_to_a_tenth(thousandths in -10_000_000_000i64..10_000_000_000) {
        let truth = Decimal::new(thousandths, 3);
        for habit in Numbers::ALL {
            let shown = number::percent(thousandths as f64 / 1_000.0, habit);
            let (said, rest) = leading(&shown, habit).unwrap();
            assert_eq!(rest, " %");
            assert!(rounds_to_a_tenth(said, truth), "{shown} for {truth}");
            let is_up = shown.starts_with('+');
            assert_eq!(is_up, thousandths > 0, "{shown}");
        }
    }
}
