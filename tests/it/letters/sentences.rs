//! Single sentences, subjects and cells, each from the fewest days that lead to it.

use chrono_tz::Tz;
use daybook::calendar::Day;
use daybook::catalog::Catalog;
use daybook::entry::{Entry, Reading, Value};
use daybook::locale::{Locale, Numbers};
use daybook::render::view::{Tone, View, view};
use daybook::report::{Around, Content, Correction, Letter, NoNumbers};

use super::{ENGLISH, GERMAN, letter};
use crate::sample_letters;
use crate::stored_days::{date, n, one_metric, series};

fn told(entries: &[Entry], catalog: &Catalog, locale: Locale) -> Vec<String> {
    let view = view(&letter(entries, catalog), locale);
    let told = view.highlights.iter();
    told.map(|highlight| format!("{}: {} {}", highlight.word, highlight.head, highlight.rest))
        .collect()
}

/// What does not break is shown with a space.
fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

#[test]
fn a_limit_is_told_from_its_breach_to_its_recovery() {
    let catalog = one_metric(
        "label = \"Queue\"\nalert = { warning = \"> 20\", critical = \"> 50\", percent = { on = \"off\" } }",
    );
    let days = series("2025-10-01", "30 60 70 41 10");
    let told = |locale| -> Vec<String> {
        let told = |days: usize| {
            told(
                &series("2025-10-01", "30 60 70 41 10")[..days],
                &catalog,
                locale,
            )
        };
        (1..=days.len()).flat_map(told).collect()
    };
    let english = [
        "warning: Queue: 30 (limit 20). First day.",
        "critical: Queue: 60 (limit 50). Worsening, day 2.",
        "critical: Queue: 70 (limit 50). Day 3.",
        "critical: Queue: 41 (not yet clear of the limit 50). Day 4.",
        "recovered: Queue: 10 back below 50 after 4 days.",
    ];
    assert_eq!(told(ENGLISH), english);
    let german = [
        "Warnung: Queue: 30 (Grenze 20). Erster Tag.",
        "kritisch: Queue: 60 (Grenze 50). Verschlechtert, 2. Tag.",
        "kritisch: Queue: 70 (Grenze 50). 3. Tag.",
        "kritisch: Queue: 41 (noch zu nahe an der Grenze 50). 4. Tag.",
        "behoben: Queue: 10 nach 4 Tagen wieder unter 50.",
    ];
    assert_eq!(told(GERMAN), german);
}

#[test]
fn a_value_back_within_its_limit_but_not_clear_of_it_is_still_critical() {
    let catalog = one_metric("alert = { critical = \"> 50\", percent = { on = \"off\" } }");
    let days = series("2025-10-01", "60 41");
    let note = |days: &[Entry], locale| {
        let view = view(&letter(days, &catalog), locale);
        view.sections[0].rows[0].value_note.clone().unwrap()
    };
    assert_eq!(note(&days[..1], ENGLISH), "critical");
    assert_eq!(note(&days, ENGLISH), "still critical");
    assert_eq!(note(&days, GERMAN), "noch kritisch");
}

#[test]
fn limits_from_below_and_at_zero_are_told_as_such() {
    let least = one_metric("alert = { critical = \"<= 5\", percent = { on = \"off\" } }");
    assert_eq!(
        told(&series("2025-10-01", "5"), &least, ENGLISH),
        ["critical: N: 5 (must stay above 5). First day."]
    );
    assert_eq!(
        told(&series("2025-10-01", "5 9"), &least, ENGLISH),
        ["recovered: N: 9 back above 5 after 1 day."]
    );
    let none = one_metric("alert = { critical = \"> 0\", percent = { on = \"off\" } }");
    assert_eq!(
        told(&series("2025-10-01", "3 0"), &none, ENGLISH),
        ["recovered: N: 0 back to 0 after 1 day."]
    );
}

#[test]
fn the_compared_day_is_named_as_people_name_it() {
    let catalog = one_metric("unit = \"CHF\"");
    let against = |first: &str, locale| {
        let days = [n(first, "1000"), n("2025-10-03", "1350")];
        plain(&told(&days, &catalog, locale)[0])
    };
    assert_eq!(
        against("2025-10-02", ENGLISH),
        "critical: N: 1'350 CHF vs 1'000 CHF on Thursday (+35 %). First day."
    );
    assert_eq!(
        against("2025-09-26", ENGLISH),
        "critical: N: 1'350 CHF vs 1'000 CHF last Friday (+35 %). First day."
    );
    assert_eq!(
        against("2025-09-03", ENGLISH),
        "critical: N: 1'350 CHF vs 1'000 CHF on Wed 3 Sep (+35 %). First day."
    );
    assert_eq!(
        against("2025-09-03", GERMAN),
        "kritisch: N: 1'350 CHF gegenüber 1'000 CHF am Mi 3. Sept. (+35 %). Erster Tag."
    );
}

#[test]
fn a_severity_that_outlives_the_size_of_its_change_says_why() {
    let days = series("2025-10-01", "100 130 159");
    let catalog = one_metric("");
    let told = |locale| told(&days, &catalog, locale).map_plain();
    assert_eq!(
        told(ENGLISH),
        [
            "critical: N: 159 vs 130 on Thursday (+22.3 %), critical since Thu 2 Oct, not yet below 20 %. Second day."
        ]
    );
    assert_eq!(
        told(GERMAN),
        [
            "kritisch: N: 159 gegenüber 130 am Donnerstag (+22.3 %), kritisch seit Do 2. Okt., noch nicht unter 20 %. Zweiter Tag."
        ]
    );
    let note = |locale| {
        let view = view(&letter(&days, &catalog), locale);
        let cell = &view.sections[0].rows[0].changes.as_ref().unwrap()[0];
        cell.note.clone()
    };
    assert_eq!(note(ENGLISH).as_deref(), Some("still critical"));
    assert_eq!(note(GERMAN).as_deref(), Some("noch kritisch"));
}

#[test]
fn a_change_that_is_over_says_so() {
    let days = series("2025-10-01", "100 200 202");
    assert_eq!(
        told(&days, &one_metric(""), ENGLISH).map_plain(),
        ["recovered: N: 202 vs 200 on Thursday (+1 %), back to normal after 1 day."]
    );
}

trait MapPlain {
    fn map_plain(&self) -> Vec<String>;
}

impl MapPlain for Vec<String> {
    fn map_plain(&self) -> Vec<String> {
        self.iter().map(|text| plain(text)).collect()
    }
}

#[test]
fn percentages_move_in_points() {
    let text = "[[metrics]]\nkey = \"a\"\nsql = \"SELECT 1\"\nhidden = true\n\
                [[metrics]]\nkey = \"n\"\nlabel = \"Share\"\npercent = { of = \"a\", in = \"a\" }\ndecimals = 1\n";
    let catalog = crate::stored_days::catalog(text);
    let days = [n("2025-09-26", "46.2"), n("2025-10-03", "35.1")];
    assert_eq!(
        told(&days, &catalog, ENGLISH).map_plain(),
        ["warning: Share: 35.1 % vs 46.2 % last Friday (−11.1 points). First day."]
    );
    let subject = view(&letter(&days, &catalog), ENGLISH).subject;
    assert_eq!(
        plain(&subject),
        "[1 warning] Shop, Fri 3 Oct 2025: share −11.1 points"
    );
    let one = [n("2025-10-02", "35.1"), n("2025-10-03", "36.1")];
    let view = view(&letter(&one, &catalog), GERMAN);
    assert_eq!(plain(&cell(&view, 0).0), "▲ +1 Punkt");
}

/// Text with arrow, note and tone of the first row's change.
fn cell(view: &View, at: usize) -> (String, Option<String>, Tone) {
    let cell = &view.sections[0].rows[0].changes.as_ref().unwrap()[at];
    let text = format!("{} {}", cell.arrow, cell.text);
    (text.trim().to_owned(), cell.note.clone(), cell.tone)
}

#[test]
fn a_cell_says_its_tone_in_words_too() {
    let shown = |lines: &str, days: &[Entry]| {
        let view = view(&letter(days, &one_metric(lines)), ENGLISH);
        let (text, note, tone) = cell(&view, 0);
        (plain(&text), note.unwrap_or_default(), tone)
    };
    let days = |before: &str, now: &str| [n("2025-10-02", before), n("2025-10-03", now)];
    let said = |text: &str, note: &str, tone| (text.to_owned(), note.to_owned(), tone);
    assert_eq!(
        shown("", &days("100", "46")),
        said("▼ −54 %", "critical", Tone::Critical)
    );
    assert_eq!(
        shown("", &days("100", "112")),
        said("▲ +12 %", "warning", Tone::Warning)
    );
    assert_eq!(
        shown("good = \"up\"", &days("100", "154")),
        said("▲ +54 %", "improved", Tone::Good)
    );
    assert_eq!(
        shown("good = \"up\"", &days("100", "101")),
        said("▲ +1 %", "", Tone::Good)
    );
    assert_eq!(
        shown("good = \"down\"", &days("100", "101")),
        said("▲ +1 %", "", Tone::Muted)
    );
    assert_eq!(shown("", &days("0", "3")), said("▲ +3", "new", Tone::Muted));
    assert_eq!(
        shown("", &days("7", "7")),
        said("unchanged", "", Tone::Muted)
    );
    assert_eq!(
        shown("", &[n("2025-09-20", "7"), n("2025-10-03", "7")]),
        said("no data", "", Tone::Muted)
    );
    assert_eq!(
        shown("", &[n("2025-10-03", "7")]),
        said("–", "", Tone::Muted)
    );
}

#[test]
fn the_usual_range_and_the_trend_are_told_in_the_reader_s_numbers() {
    let entries = series(
        "2025-09-06",
        &"1000 1010 1020 1000 990 1000 1000 ".repeat(4),
    );
    let locale = Locale {
        numbers: Numbers::French,
        ..GERMAN
    };
    let view = view(&letter(&entries, &one_metric("unit = \"kg\"")), locale);
    let row = &view.sections[0].rows[0];
    assert_eq!(row.value, "1\u{202f}000\u{a0}kg");
    assert_eq!(
        row.trend_words,
        "28 Tage: 1\u{202f}000\u{a0}kg bis 1\u{202f}000\u{a0}kg, \
         tiefster Wert 990\u{a0}kg, höchster Wert 1\u{202f}020\u{a0}kg"
    );
    // Three days make no range, the fourth of its weekday is the day itself.
    assert_eq!(row.usual, None);
    let five_weeks = series(
        "2025-08-30",
        &"1000 1010 1020 1000 990 1000 1000 ".repeat(5),
    );
    let view =
        daybook::render::view::view(&letter(&five_weeks, &one_metric("unit = \"kg\"")), locale);
    // 1000 and its root.
    let usual = view.sections[0].rows[0].usual.as_deref();
    assert_eq!(usual, Some("üblich 969–1\u{202f}031\u{a0}kg"));
}

#[test]
fn a_day_of_half_hours_is_told_in_the_reader_s_numbers() {
    let zone: Tz = "Australia/Lord_Howe".parse().unwrap();
    let day = Day::new(date("2025-10-05"), zone).unwrap();
    let mut entry = Entry::empty(&day.close(), day.end, "hash");
    let seven = Reading::observed(Some(Value::Whole(7)));
    entry.readings.insert("n".to_owned(), seven);
    let locale = Locale {
        numbers: Numbers::German,
        ..GERMAN
    };
    let view = view(&letter(&[entry], &one_metric("")), locale);
    assert_eq!(
        view.span,
        "00:00–24:00 Australia/Lord_Howe, 23,5 Stunden: die Uhren wurden vorgestellt"
    );
}

#[test]
fn subjects_carry_the_verdict() {
    let subject = |name: &str, locale| {
        let subject = view(&sample_letters::named(name), locale).subject;
        plain(&subject)
    };
    assert_eq!(subject("quiet", ENGLISH), "[ok] Beryl, Wed 1 Oct 2025");
    assert_eq!(
        subject("open", GERMAN),
        "[läuft noch] Beryl, Fr 3. Okt. 2025"
    );
    assert_eq!(
        subject("critical", GERMAN),
        "[2 kritisch, 1 Warnung, 1 Verbesserung] Beryl, Fr 3. Okt. 2025: Corrupted files 3"
    );
    let mut failed = n("2025-10-03", "7");
    let reason = "no such table: media".to_owned();
    failed
        .readings
        .insert("n".to_owned(), Reading::failed(reason));
    let failed = view(&letter(&[failed], &one_metric("")), ENGLISH);
    assert_eq!(
        failed.subject,
        "[1 failed] Shop, Fri 3 Oct 2025: no such table: media"
    );
    assert_eq!(failed.verdict, "1 metric failed");
    let fall = [n("2025-09-26", "4808"), n("2025-10-03", "2212")];
    let catalog = one_metric("label = \"Active users, 24 h\"");
    assert_eq!(
        plain(&view(&letter(&fall, &catalog), ENGLISH).subject),
        "[1 critical] Shop, Fri 3 Oct 2025: active users −54 %"
    );
}

#[test]
fn a_night_without_numbers_says_since_when() {
    let letter = Letter {
        name: "Beryl".to_owned(),
        content: Content::NoNumbers(NoNumbers {
            date: date("2025-10-03"),
            time_zone: chrono_tz::Europe::Zurich,
            reason: "the app database is unavailable: connection refused.".to_owned(),
            since: "2025-10-05T04:30:00Z".parse().unwrap(),
        }),
        around: Around::default(),
    };
    let view = view(&letter, ENGLISH);
    assert_eq!(
        view.subject,
        "[no numbers] Beryl, Fri 3 Oct 2025: app database unavailable since Sun 5 Oct, 06:30"
    );
    assert_eq!(view.verdict, "No numbers for Friday 3 October");
    assert_eq!(
        view.preheader,
        "No numbers for Fri 3 Oct: app database unavailable since Sun 5 Oct, 06:30."
    );
    assert_eq!(
        view.summary,
        "Since Sun 5 Oct, 06:30: the app database is unavailable: connection refused. \
         The report follows as soon as a later run can count that day."
    );
    assert!(view.sections.is_empty() && view.highlights.is_empty());
}

#[test]
fn a_night_that_took_too_long_says_after_which_time() {
    let letter = Letter {
        name: "Beryl".to_owned(),
        content: Content::NoNumbers(NoNumbers {
            date: date("2025-10-03"),
            time_zone: chrono_tz::Europe::Zurich,
            reason: "counting was stopped after 1h".to_owned(),
            since: "2025-10-03T22:15:00Z".parse().unwrap(),
        }),
        around: Around::default(),
    };
    let english = view(&letter, ENGLISH);
    assert_eq!(
        english.subject,
        "[no numbers] Beryl, Fri 3 Oct 2025: counting was stopped after 1h"
    );
    assert_eq!(
        english.preheader,
        "No numbers for Fri 3 Oct: counting was stopped after 1h."
    );
    assert_eq!(
        english.summary,
        "Counting was stopped after 1h. The report follows as soon as a later run can count that day."
    );
    let german = view(&letter, GERMAN);
    assert_eq!(
        german.subject,
        "[keine Zahlen] Beryl, Fr 3. Okt. 2025: die Zählung wurde nach 1h abgebrochen"
    );
    assert_eq!(
        german.summary,
        "Die Zählung wurde nach 1h abgebrochen. Der Bericht folgt, sobald ein späterer Lauf den Tag zählen kann."
    );
}

#[test]
fn corrections_that_rounding_hides_are_told_exactly() {
    let mut letter = letter(&[n("2025-10-03", "7")], &one_metric(""));
    let correction = |unit: &str, mailed, now| Correction {
        date: date("2025-10-01"),
        key: "n".to_owned(),
        label: "N".to_owned(),
        unit: unit.to_owned(),
        decimals: Some(1),
        mailed,
        now,
    };
    letter.around.corrections = vec![
        correction("", 44.0, 47.0),
        correction("bytes", 2_511_000_000_000.0, 2_512_000_000_000.0),
        correction("%", 1.21, 1.24),
    ];
    let view = view(&letter, ENGLISH);
    let lines = view.notes[0].lines.iter();
    let lines: Vec<String> = lines.map(|line| plain(&line.text)).collect();
    assert_eq!(
        lines,
        [
            "N on Wed 1 Oct: mailed 44.0, now 47.0",
            "N on Wed 1 Oct: mailed 2'511'000'000'000 B, now 2'512'000'000'000 B",
            "N on Wed 1 Oct: mailed 1.21 %, now 1.24 %",
        ]
    );
}
