//! Holidays of Switzerland and its cantons, against official calendars copied by hand.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use chrono::{Datelike, NaiveDate};
use daybook::calendar::rule::easter;
use daybook::catalog::{Catalog, KnownDay, holidays};
use daybook::compare::{Suppression, judge};
use daybook::config::Config;
use daybook::look::pages::asked::{Asked, Span};
use daybook::render::mail::mail;
use daybook::render::{Look, json, table};
use daybook::report::{self, Around, Content, Letter, Report};

use crate::pages::shelf::{Shelf, spoken};
use crate::read_page::read;
use crate::stored_days::{date, one_metric, series};
use crate::world::World;

/// As printed in church calendars, 2000 to 2050.
const EASTERS: &str = "04-23 04-15 03-31 04-20 04-11 03-27 04-16 04-08 03-23 04-12
    04-04 04-24 04-08 03-31 04-20 04-05 03-27 04-16 04-01 04-21
    04-12 04-04 04-17 04-09 03-31 04-20 04-05 03-28 04-16 04-01
    04-21 04-13 03-28 04-17 04-09 03-25 04-13 04-05 04-25 04-10
    04-01 04-21 04-06 03-29 04-17 04-09 03-25 04-14 04-05 04-18
    04-10";

#[test]
fn easter_falls_as_printed() {
    let mut year = 2000;
    for day in EASTERS.split_whitespace() {
        assert_eq!(easter(year).unwrap().to_string(), format!("{year}-{day}"));
        year += 1;
    }
    assert_eq!(year, 2051);
}

/// Gauss reckoned it another way.
fn easter_of_gauss(year: i32) -> NaiveDate {
    let (a, b, c, k) = (year % 19, year % 4, year % 7, year / 100);
    let m = (15 - (13 + 8 * k) / 25 + k - k / 4) % 30;
    let n = (4 + k - k / 4) % 7;
    let d = (19 * a + m) % 30;
    let e = (2 * b + 4 * c + 6 * d + n) % 7;
    let back = match (d, e) {
        (29, 6) => 7,
        (28, 6) if (11 * m + 11) % 30 < 19 => 7,
        _ => 0,
    };
    let march = NaiveDate::from_ymd_opt(year, 3, 1).unwrap();
    march + chrono::TimeDelta::days(i64::from(21 + d + e - back))
}

#[test]
fn easter_falls_as_gauss_reckoned_from_the_reform_on() {
    for year in 1583..5000 {
        assert_eq!(easter(year), Some(easter_of_gauss(year)), "{year}");
    }
}

fn countries() -> Vec<holidays::Holidays> {
    let mut mistakes = Vec::new();
    let files = holidays::of_countries(&mut mistakes);
    assert_eq!(mistakes, []);
    files
}

fn keeping(codes: &str) -> Catalog {
    let names: Vec<String> = codes.split_whitespace().map(str::to_owned).collect();
    let files = countries();
    Catalog {
        known_days: files.iter().flat_map(|file| file.days_of(&names)).collect(),
        ..Catalog::default()
    }
}

fn on(date: NaiveDate, codes: &str) -> Option<KnownDay> {
    keeping(codes).known_day(date).cloned()
}

/// `01-01 Neujahr`, a line each.
fn year(codes: &str, year: i32) -> Vec<String> {
    let catalog = keeping(codes);
    let days = NaiveDate::from_ymd_opt(year, 1, 1).unwrap().iter_days();
    days.take_while(|day| day.year() == year)
        .filter_map(|day| Some((day, catalog.known_day(day)?)))
        .map(|(day, holiday)| format!("{} {}", day.format("%m-%d"), holiday.german()))
        .collect()
}

fn dates(codes: &str, of: i32) -> String {
    let days = year(codes, of);
    let dates: Vec<&str> = days.iter().map(|line| &line[..5]).collect();
    dates.join(" ")
}

#[test]
fn zurich_2025() {
    let expected = [
        "01-01 Neujahr",
        "01-02 Berchtoldstag",
        "04-18 Karfreitag",
        "04-21 Ostermontag",
        "05-01 Tag der Arbeit",
        "05-29 Auffahrt",
        "06-09 Pfingstmontag",
        "08-01 Bundesfeier",
        "12-25 Weihnachten",
        "12-26 Stephanstag",
    ];
    assert_eq!(year("CH-ZH", 2025), expected);
}

#[test]
fn geneva_2026() {
    let expected = [
        "01-01 Neujahr",
        "04-03 Karfreitag",
        "04-06 Ostermontag",
        "05-14 Auffahrt",
        "05-25 Pfingstmontag",
        "08-01 Bundesfeier",
        "09-10 Genfer Bettag",
        "12-25 Weihnachten",
        "12-31 Wiederherstellung der Republik",
    ];
    assert_eq!(year("CH-GE", 2026), expected);
}

#[test]
fn glarus_walks_a_week_later_where_the_first_thursday_of_april_is_maundy_thursday() {
    let expected = [
        "01-01 Neujahr",
        "01-02 Berchtoldstag",
        "04-03 Karfreitag",
        "04-06 Ostermontag",
        "04-09 Näfelser Fahrt",
        "05-14 Auffahrt",
        "05-25 Pfingstmontag",
        "08-01 Bundesfeier",
        "11-01 Allerheiligen",
        "12-25 Weihnachten",
        "12-26 Stephanstag",
    ];
    assert_eq!(year("CH-GL", 2026), expected);
    for (year, day) in [(2021, 8), (2023, 13), (2024, 4), (2025, 3), (2027, 1)] {
        let fahrt = NaiveDate::from_ymd_opt(year, 4, day).unwrap();
        let found = on(fahrt, "CH-GL").unwrap();
        assert_eq!(found.german(), "Näfelser Fahrt", "{year}");
    }
}

#[test]
fn ticino_2025() {
    let expected = [
        "01-01 Neujahr",
        "01-06 Dreikönigstag",
        "03-19 Josefstag",
        "04-21 Ostermontag",
        "05-01 Tag der Arbeit",
        "05-29 Auffahrt",
        "06-09 Pfingstmontag",
        "06-19 Fronleichnam",
        "06-29 Peter und Paul",
        "08-01 Bundesfeier",
        "08-15 Mariä Himmelfahrt",
        "11-01 Allerheiligen",
        "12-08 Mariä Empfängnis",
        "12-25 Weihnachten",
        "12-26 Stephanstag",
    ];
    assert_eq!(year("CH-TI", 2025), expected);
}

/// Month and day.
const OF_2025: &str = "
    AG 01-01 01-02 04-18 04-21 05-01 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    AI 01-01 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    AR 01-01 04-18 04-21 05-29 06-09 08-01 12-25 12-26
    BE 01-01 01-02 04-18 04-21 05-29 06-09 08-01 12-25 12-26
    BL 01-01 04-18 04-21 05-01 05-29 06-09 08-01 12-25 12-26
    BS 01-01 04-18 04-21 05-01 05-29 06-09 08-01 12-25 12-26
    FR 01-01 01-02 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    GE 01-01 04-18 04-21 05-29 06-09 08-01 09-11 12-25 12-31
    GL 01-01 01-02 04-03 04-18 04-21 05-29 06-09 08-01 11-01 12-25 12-26
    GR 01-01 04-18 04-21 05-29 06-09 08-01 12-25 12-26
    JU 01-01 01-02 04-18 04-21 05-01 05-29 06-09 06-19 06-23 08-01 08-15 11-01 12-25
    LU 01-01 01-02 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    NE 01-01 03-01 04-18 05-01 05-29 08-01 12-25
    NW 01-01 01-02 03-19 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    OW 01-01 01-02 04-18 04-21 05-29 06-09 06-19 08-01 08-15 09-25 11-01 12-08 12-25 12-26
    SG 01-01 01-02 04-18 04-21 05-29 06-09 08-01 11-01 12-25 12-26
    SH 01-01 01-02 04-18 04-21 05-01 05-29 06-09 08-01 12-25 12-26
    SO 01-01 01-02 04-18 04-21 05-01 05-29 06-09 06-19 08-01 08-15 11-01 12-25 12-26
    SZ 01-01 01-06 03-19 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    TG 01-01 01-02 04-18 04-21 05-01 05-29 06-09 08-01 12-25 12-26
    UR 01-01 01-06 03-19 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    VD 01-01 01-02 04-18 04-21 05-29 06-09 08-01 09-22 12-25
    VS 01-01 01-02 03-19 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
    ZG 01-01 01-02 04-18 04-21 05-29 06-09 06-19 08-01 08-15 11-01 12-08 12-25 12-26
";

#[test]
fn every_canton_keeps_its_days_of_2025() {
    let cantons = OF_2025.trim().lines();
    let mut count = 0;
    for line in cantons {
        let (canton, expected) = line.trim().split_once(' ').unwrap();
        assert_eq!(dates(&format!("CH-{canton}"), 2025), expected, "{canton}");
        count += 1;
    }
    // Ticino and Zurich have a test of their own, and the country is no canton.
    let names: usize = countries().iter().map(|file| file.names.len()).sum();
    assert_eq!(count + 3, names);
    assert_eq!(dates("CH", 2025), "01-01 05-29 08-01 12-25");
    assert_eq!(dates("", 2025), "");
}

#[test]
fn a_day_that_depends_on_the_weekday_is_kept_only_then() {
    let kept = |code: &str, day: &str| on(date(day), code).is_some();
    for code in ["CH-UR", "CH-AR", "CH-AI"] {
        assert!(!kept(code, "2023-12-26"), "{code}: Christmas is a Monday");
        assert!(!kept(code, "2026-12-26"), "{code}: Christmas is a Friday");
        assert!(kept(code, "2024-12-26"), "{code}: Christmas is a Wednesday");
    }
    assert!(kept("CH-NE", "2023-01-02"), "New Year is a Sunday");
    assert!(kept("CH-NE", "2022-12-26"), "Christmas is a Sunday");
    assert!(!kept("CH-NE", "2024-01-02"));
    assert!(!kept("CH-NE", "2024-12-26"));
}

#[test]
fn several_cantons_keep_what_any_of_them_keeps_and_one_name_a_day() {
    let both = dates("CH-ZH CH-GE", 2026);
    assert!(both.contains("05-01") && both.contains("09-10"), "{both}");
    // Ascension fell on Labour Day.
    let day = on(date("2008-05-01"), "CH-ZH").unwrap();
    assert_eq!((&*day.name, day.german()), ("Ascension Day", "Auffahrt"));
}

fn with_holidays(lines: &str) -> Catalog {
    let mut catalog = one_metric(lines);
    catalog.known_days.extend(keeping("CH-ZH").known_days);
    catalog
}

fn report(values: &str, catalog: &Catalog) -> Report {
    let entries = series("2025-04-17", values);
    let last = entries.last().unwrap().date;
    report::of_day(last, &entries, &judge(&entries, catalog), catalog).unwrap()
}

#[test]
fn a_holiday_is_a_known_day_that_neither_surprises_nor_trains() {
    let report = report("100 10", &with_holidays(""));
    assert!(report.alerts.is_empty());
    let change = report.rows[0]
        .change(1)
        .unwrap()
        .difference()
        .unwrap()
        .clone();
    assert_eq!(change.suppression, Some(Suppression::KnownDay));
    let known = report.known_day.unwrap();
    assert_eq!(
        (&*known.name, known.german()),
        ("Good Friday", "Karfreitag")
    );
}

#[test]
fn what_the_settings_call_a_day_comes_before_its_holiday() {
    let named = "[[calendar]]\ndate = \"2025-04-18\"\nname = \"Inventory\"";
    let catalog = with_holidays(named);
    let known = catalog.known_day(date("2025-04-18")).unwrap();
    assert_eq!((&*known.name, known.german()), ("Inventory", "Inventory"));
}

#[test]
fn known_days_come_once_every_year_or_several_in_a_row() {
    let catalog = one_metric(
        "[[calendar]]\ndate = \"12-24\"\nname = \"Christmas Eve\"\n\
         [[calendar]]\ndate = \"2025-12-29\"\nuntil = \"2026-01-02\"\nname = \"Closed\"",
    );
    let known = |day: &str| catalog.known_day(date(day)).map(|known| known.name.clone());
    for eve in ["2024-12-24", "2025-12-24", "2031-12-24"] {
        assert_eq!(known(eve).as_deref(), Some("Christmas Eve"));
    }
    for closed in ["2025-12-29", "2025-12-31", "2026-01-02"] {
        assert_eq!(known(closed).as_deref(), Some("Closed"));
    }
    for open in ["2025-12-28", "2026-01-03", "2024-12-25", "2026-12-29"] {
        assert_eq!(known(open), None);
    }
}

fn settings(holidays: &str) -> Config {
    let metric = "[[metrics]]\nkey = \"n\"\nsql = \"SELECT 1\"\n";
    World::new("2025-10-04T06:00:00Z", &format!("{holidays}\n{metric}")).config()
}

#[test]
fn the_settings_say_whose_holidays_they_are() {
    let config = settings("holidays = [\"CH-ZH\"]");
    let known = config.catalog.known_day(date("2025-05-01")).unwrap();
    assert_eq!(known.name, "Labour Day");
    assert_eq!(settings("").catalog.known_day(date("2025-01-01")), None);
}

/// A company with days of its own and two branches.
const COMPANY: &str = "
regions = [\"Bern\", \"Basel\"]

[[calendar]]
date = \"last Friday of November\"
name = \"Stocktaking\"

[[calendar]]
date = \"Easter -48\"
name = \"Fasnacht\"
regions = [\"Basel\"]

[[calendar]]
date = \"01-02\"
name = \"Closed\"
";

#[test]
fn a_file_of_ones_own_is_included_by_its_path_and_its_regions_by_name() {
    let names = |holidays: &str, day: &str| {
        let world = World::new(
            "2025-10-04T06:00:00Z",
            &format!("holidays = [{holidays}]\n[[metrics]]\nkey = \"n\"\nsql = \"SELECT 1\"\n"),
        );
        world.write("company.toml", COMPANY);
        let catalog = world.config().catalog;
        catalog.known_day(date(day)).map(|known| known.name.clone())
    };
    let whole = "\"CH-ZH\", \"company.toml\"";
    assert_eq!(names(whole, "2025-11-28").as_deref(), Some("Stocktaking"));
    assert_eq!(names(whole, "2025-05-01").as_deref(), Some("Labour Day"));
    assert_eq!(names(whole, "2025-03-03"), None, "only in Basel");
    assert_eq!(
        names(whole, "2026-01-02").as_deref(),
        Some("Closed"),
        "the company's name for a day comes first"
    );
    let basel = "\"company.toml\", \"Basel\"";
    assert_eq!(names(basel, "2025-03-03").as_deref(), Some("Fasnacht"));
    let bern = "\"company.toml\", \"Bern\"";
    assert_eq!(names(bern, "2025-03-03"), None);
}

#[test]
fn a_known_day_follows_the_rule_it_is_written_with() {
    let is = |rule: &str, day: &str| {
        let lines = format!("[[calendar]]\n{rule}\nname = \"Known\"");
        one_metric(&lines).known_day(date(day)).is_some()
    };
    for (rule, days, others) in [
        (
            "date = \"Easter\"",
            "2025-04-20 2026-04-05",
            "2025-04-21 2026-04-20",
        ),
        ("date = \"Easter -47\"", "2025-03-04", "2025-03-05"),
        (
            "date = \"last Monday of May\"",
            "2024-05-27 2026-05-25",
            "2024-05-20 2026-05-18",
        ),
        (
            "date = \"fourth Thursday of November\"",
            "2024-11-28",
            "2024-11-21",
        ),
        (
            "date = \"fourth Thursday of November +1\"",
            "2024-11-29 2025-11-28",
            "2024-11-22",
        ),
        (
            "date = \"first Monday of January -1\"",
            "2023-01-01 2023-12-31",
            "2024-01-01",
        ),
        (
            "date = \"12-24\"\nonly_if = [\"Monday\", \"Friday\"]",
            "2027-12-24",
            "2025-12-24",
        ),
        (
            "date = \"12-24\"\nunless = [\"Monday\", \"Friday\"]",
            "2025-12-24",
            "2027-12-24",
        ),
        ("date = \"02-29\"", "2024-02-29", "2023-03-01 2024-03-01"),
        ("date = \"Sunday\"", "2025-10-05 2025-10-12", "2025-10-04"),
    ] {
        for day in days.split(' ') {
            assert!(is(rule, day), "{rule} {day}");
        }
        for day in others.split(' ') {
            assert!(!is(rule, day), "{rule} {day}");
        }
    }
}

#[tokio::test]
async fn a_holiday_is_named_wherever_its_day_is_shown_in_the_readers_language() {
    for (language, name) in [("en", "Good Friday"), ("de", "Karfreitag")] {
        let settings = format!(
            "holidays = [\"CH-ZH\"]\n[report]\nlanguage = \"{language}\"\n\
             [[metrics]]\nkey = \"n\"\nsql = \"SELECT 1\"\n"
        );
        let shelf = Shelf::new(&settings, series("2025-04-16", "100 100 10")).await;
        let metric = Asked::Metric {
            key: "n".to_owned(),
            days: Span::Days30,
            until: None,
        };
        for asked in [Asked::Day(None), Asked::Alerts(None), metric] {
            let page = read(&shelf.html(&asked).await);
            assert!(spoken(&page).contains(name), "{asked:?}");
        }
        let report = shelf
            .edition
            .report(date("2025-04-18"), &shelf.config.catalog);
        let letter = Letter {
            name: "Shop".to_owned(),
            content: Content::Day(Box::new(report.await.unwrap().unwrap())),
            around: Around::default(),
        };
        let mail = mail(&letter, shelf.config.report.locale);
        assert!(mail.text.contains(name), "{}", mail.text);
        // Programs and the terminal speak English.
        assert_eq!(json::letter(&letter)["known_day"], "Good Friday");
        let shown = table::show(letter.report().unwrap(), Look::default());
        assert!(shown.contains("Europe/Zurich, Good Friday"), "{shown}");
        assert!(shown.contains("known day"), "{shown}");
    }
}
