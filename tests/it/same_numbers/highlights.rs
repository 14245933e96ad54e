//! The sentences above the tables and the corrections below them; and the few words that stand beside numbers.

use chrono::{Datelike, NaiveDate};
use daybook::locale::{Language, Locale, Numbers};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::numbers::{Amount, leading, with_unit};
use super::{Reading, date, decimal};

/// The words with which a matter begins.
pub(super) fn words(locale: Locale) -> [&'static str; 4] {
    match locale.language {
        Language::English => ["critical", "warning", "improved", "recovered"],
        Language::German => ["kritisch", "Warnung", "verbessert", "behoben"],
    }
}

pub(super) fn severities(locale: Locale) -> [(&'static str, &'static str); 3] {
    let [critical, warning, welcome, _] = words(locale);
    [
        ("critical", critical),
        ("warning", warning),
        ("welcome", welcome),
    ]
}

pub(super) fn unchanged(locale: Locale) -> &'static str {
    match locale.language {
        Language::English => "unchanged",
        Language::German => "unverändert",
    }
}

pub(super) fn gaps(locale: Locale) -> [(&'static str, &'static str); 4] {
    let told = match locale.language {
        Language::English => ["no data", "unavailable", "failed", "no value"],
        Language::German => ["keine Daten", "unbekannt", "Fehler", "kein Wert"],
    };
    [
        ("no data", told[0]),
        ("unavailable", told[1]),
        ("failed", told[2]),
        ("no value", told[3]),
    ]
}

/// `Fri 3 Oct`, `Fr 3. Okt.`
pub(super) fn short_date(text: &str, locale: Locale) -> String {
    let date: NaiveDate = date(text);
    let weekday = date.weekday().num_days_from_monday() as usize;
    let month = date.month0() as usize;
    match locale.language {
        Language::English => date.format("%a %-d %b").to_string(),
        Language::German => {
            let weekdays = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];
            let months = [
                "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.",
                "Nov.", "Dez.",
            ];
            format!("{} {}. {}", weekdays[weekday], date.day(), months[month])
        }
    }
}

/// `4'410–5'020`, `2.4–2.6 TB`, or one number where both are shown alike.
pub(super) fn range(told: &str, usual: &Json, unit: &str, habit: Numbers) {
    let ends = told.split_once('–');
    let ends = ends.or_else(|| told.split_once(" to "));
    let ends = ends.or_else(|| told.split_once(" bis "));
    let (low, high) = ends.unwrap_or((told, told));
    let high = with_unit(high, unit, habit);
    let has_unit = low.contains('\u{a0}');
    let low = match leading(low, habit) {
        Some((said, _)) if !has_unit => Amount {
            said,
            scale: high.scale,
        },
        _ => with_unit(low, unit, habit),
    };
    for (end, truth) in [(low, &usual["low"]), (high, &usual["high"])] {
        assert!(end.is(decimal(truth).unwrap()), "{told}: {truth}");
    }
}

impl Reading<'_> {
    pub(super) fn highlights(&self) {
        let highlights = self.truth["matters"].as_array();
        let highlights: Vec<&Json> = highlights.into_iter().flatten().take(5).collect();
        assert_eq!(self.told.highlights.len(), highlights.len());
        for ((word, sentences), truth) in self.told.highlights.iter().zip(highlights) {
            let [critical, warning, welcome, recovered] = words(self.locale);
            let expected = match (&truth["state"], &truth["welcome"], &truth["severity"]) {
                (state, _, _) if state == "recovered" => recovered,
                (_, is_welcome, _) if *is_welcome == true => welcome,
                (_, _, severity) if severity == "critical" => critical,
                _ => warning,
            };
            assert_eq!(word, expected);
            self.highlight(sentences, truth);
        }
    }

    fn highlight(&self, told: &str, truth: &Json) {
        let metrics = self.truth["metrics"].as_array().unwrap();
        let metric = metrics.iter().find(|metric| metric["key"] == truth["key"]);
        let metric = metric.unwrap();
        let unit = metric["unit"].as_str().unwrap();
        let habit = self.locale.numbers;
        let is = |text: &str, truth: &Json| {
            let amount = with_unit(text, unit, habit);
            assert!(
                amount.is(decimal(truth).unwrap()),
                "{told}: {text} for {truth}"
            );
        };
        let (against, change, on, limit) = match self.locale.language {
            Language::English => (" vs ", " (", [" last ", " on "], " (limit "),
            Language::German => (" gegenüber ", " (", [" am ", " am "], " (Grenze "),
        };
        if truth["state"] == "recovered" && truth["limit"].is_string() {
            let said = told.rsplit_once(": ").unwrap().1;
            return is(said.split(' ').next().unwrap(), &truth["value"]);
        }
        let head = told.find(against).or_else(|| told.find(limit)).unwrap();
        is(told[..head].rsplit_once(": ").unwrap().1, &truth["value"]);
        let rest = &told[head..];
        if let Some(bound) = truth["limit"].as_str() {
            let said = rest.strip_prefix(limit).unwrap();
            let bound: Decimal = bound.split(' ').nth(1).unwrap().parse().unwrap();
            let said = with_unit(said.split_once(')').unwrap().0, unit, habit);
            assert!(said.is(bound), "{told}: {bound}");
        } else {
            let rest = rest.strip_prefix(against).unwrap();
            let ends = on.iter().filter_map(|on| rest.find(on));
            is(&rest[..ends.min().unwrap()], &truth["previous"]);
            let said = rest.split_once(change).unwrap().1;
            let said = leading(said, habit).unwrap();
            let days = truth["rule"].as_str().unwrap();
            let compared = &metric["changes"][days.split(' ').next().unwrap()];
            assert_eq!(compared["previous"], truth["previous"]);
            assert_eq!(compared["date"], truth["previous_date"]);
            let by = decimal(&compared["change"]).unwrap();
            let word = said.1.trim_start_matches('\u{a0}');
            self.moved((said.0, word), (by, &compared["percent"]), metric);
        }
        if let Some(part) = truth["mover"]["part"].as_str() {
            let of = match self.locale.language {
                Language::English => " of ",
                Language::German => " von ",
            };
            let said = told.split_once(&format!(": {part} ")).unwrap().1;
            let (moved, whole) = said.split_once(of).unwrap();
            is(moved, &truth["mover"]["change"]);
            is(whole.split_once(". ").unwrap().0, &truth["mover"]["of"]);
        }
        self.stood(told, truth);
    }

    fn stood(&self, told: &str, truth: &Json) {
        let day = truth["day"].to_string();
        let is_english = self.locale.language == Language::English;
        let expected = match truth["state"].as_str().unwrap() {
            "new" if is_english => "First day.".to_owned(),
            "new" => "Erster Tag.".to_owned(),
            "ongoing" if day == "2" && is_english => "Second day.".to_owned(),
            "ongoing" if day == "2" => "Zweiter Tag.".to_owned(),
            "ongoing" if is_english => format!("Day {day}."),
            "ongoing" => format!("{day}. Tag."),
            "worse" if is_english => format!("Worsening, day {day}."),
            "worse" => format!("Verschlechtert, {day}. Tag."),
            _ => return,
        };
        assert!(told.ends_with(&expected), "{told}: {expected}");
    }

    pub(super) fn corrections(&self) {
        let (title, mailed, now, on) = match self.locale.language {
            Language::English => ("Corrected", "mailed ", ", now ", "on"),
            Language::German => ("Korrigiert", "gemeldet ", ", jetzt ", "am"),
        };
        let truth = self.truth["corrections"].as_array().unwrap();
        let note = self.told.notes.iter().find(|(found, _)| found == title);
        let lines = note.map(|(_, lines)| lines.as_slice()).unwrap_or_default();
        assert_eq!(lines.len(), truth.len(), "{:?}", self.told.notes);
        for (line, truth) in lines.iter().zip(truth) {
            let (label, numbers) = line.split_once(&format!(": {mailed}")).unwrap();
            let day = short_date(truth["date"].as_str().unwrap(), self.locale);
            let expected = format!("{} {on} {day}", truth["label"].as_str().unwrap());
            assert_eq!(label, expected);
            let (was, is) = numbers.split_once(now).unwrap();
            for (text, name) in [(was, "mailed"), (is, "now")] {
                let amount = with_unit(text, truth["unit"].as_str().unwrap(), self.locale.numbers);
                let exact = decimal(&truth[name]).unwrap();
                assert!(amount.is(exact), "{line}: {exact}");
            }
            // They are told because they differ.
            assert_ne!(was, is);
        }
    }
}
