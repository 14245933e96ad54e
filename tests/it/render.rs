//! What a reader sees of a day, in the terminal and as JSON.

use chrono::{DateTime, Utc};
use daybook::catalog::Catalog;
use daybook::compare::judge;
use daybook::entry::{Entry, Kind, Part, PartKey, Provenance, Reading, Value};
use daybook::locale::Numbers;
use daybook::render::{Look, alerts, json, number, table, words};
use daybook::report::{self, Counts, Report};
use daybook::text::counted::counted;
use serde_json::json;

use crate::stored_days::{catalog, day, judged_by_usual, n, number, one_metric, series, with};

const PLAIN: Look = Look {
    color: false,
    width: 100,
};
const COLORED: Look = Look {
    color: true,
    width: 100,
};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn shop() -> Catalog {
    catalog(
        r#"
        [tables.t]
        name = "t"

        [[metrics]]
        key = "total_users"
        section = "Users"
        sql = "SELECT 1"
        good = "up"

        [[metrics]]
        key = "active_users"
        label = "Active users, 24 h"
        section = "Users"
        sql = "SELECT 1"

        [[metrics]]
        key = "item_types"
        section = "Items"
        table = "t"
        count = "*"
        by = { column = "kind" }

        [[metrics]]
        key = "items_with_images_pct"
        label = "Items with images"
        section = "Items"
        percent = { of = "total_users", in = "active_users" }
        decimals = 1

        [[metrics]]
        key = "corrupted_files"
        section = "Files"
        sql = "SELECT 1"
        good = "down"
        alert = { critical = "> 0" }

        [[metrics]]
        key = "disk_used"
        section = "Files"
        sql = "SELECT 1"
        unit = "bytes"

        [[metrics]]
        key = "backups"
        section = "Files"
        sql = "SELECT 1"

        [[metrics]]
        key = "orphans"
        section = "Files"
        sql = "SELECT 1"
        "#,
    )
}

fn filled(on: &str, numbers: [&str; 5]) -> Entry {
    let keys = [
        "total_users",
        "active_users",
        "items_with_images_pct",
        "corrupted_files",
        "disk_used",
    ];
    keys.into_iter()
        .zip(numbers)
        .fold(day(on), |entry, (key, text)| with(entry, key, number(text)))
}

fn part(key: Option<&str>, label: &str, count: i64) -> Part {
    Part {
        key: key.map_or(PartKey::Other, |key| PartKey::Value(key.to_owned())),
        label: label.to_owned(),
        count: count.into(),
    }
}

fn parts() -> Reading {
    Reading::observed(Some(Value::Parts(vec![
        part(Some("1"), "Books", 29439),
        part(Some("2"), "Records", 812),
        part(Some("3"), "Films", 700),
        part(Some("4"), "Games", 600),
        part(Some("5"), "Maps", 50),
        part(Some("6"), "Coins", 40),
        part(None, "", 2),
    ])))
}

fn shop_day() -> Report {
    let catalog = shop();
    let mut today = filled("2025-10-03", ["5400", "46", "50.1", "3", "1500000000"]);
    today = with(today, "item_types", parts());
    today = with(today, "backups", Reading::failed("no such table: backup"));
    today = with(
        today,
        "orphans",
        Reading::unavailable("only today is known"),
    );
    if let Some(active) = today.readings.get_mut("active_users") {
        active.provenance = Provenance {
            observed_at: Some(instant("2025-10-03T22:15:00Z")),
            nulls: Some(479),
            ..Provenance::default()
        };
    }
    let entries = [
        filled("2025-09-03", ["4000", "0", "50.1", "0", "1400000000"]),
        filled("2025-10-02", ["5390", "100", "40.1", "0", "1500000000"]),
        today.clone(),
    ];
    report::of_day(today.date, &entries, &judge(&entries, &catalog), &catalog).expect("that day")
}

fn n_day(entries: &[Entry], catalog: &Catalog) -> Report {
    let last = entries.last().expect("at least one day");
    report::of_day(last.date, entries, &judge(entries, catalog), catalog).expect("that day")
}

#[test]
fn numbers_read_as_people_write_them() {
    let value = |text: &str, unit, decimals| {
        number::value(
            &Value::from_decimal(text.parse().unwrap()),
            unit,
            decimals,
            Numbers::Swiss,
        )
        .unwrap()
    };
    assert_eq!(value("0", "", None), "0");
    assert_eq!(value("999", "", None), "999");
    assert_eq!(value("1234567", "", None), "1'234'567");
    assert_eq!(value("-1234.50", "CHF", Some(2)), "−1'234.50 CHF");
    assert_eq!(value("12", "%", Some(1)), "12.0 %");
    assert_eq!(value("0.125", "", None), "0.125");
    assert_eq!(value("-0.001", "", Some(2)), "0.00");
    assert_eq!(
        value("9223372036854775807", "", None),
        "9'223'372'036'854'775'807"
    );
    for (bytes, expected) in [
        ("999", "999 B"),
        ("1000", "1.0 kB"),
        ("999949", "999.9 kB"),
        ("999950", "1.0 MB"),
        ("1500000000", "1.5 GB"),
        ("2500000000000", "2.5 TB"),
        ("1234000000000000", "1'234.0 TB"),
    ] {
        assert_eq!(value(bytes, "bytes", None), expected);
    }
}

/// Formatting a decimal cuts its digits off; a number must not depend on where it stands.
#[test]
fn decimals_are_rounded_like_all_numbers() {
    for (exact, shown) in [("2.675", "2.68"), ("-0.999", "−1.00"), ("41.994", "41.99")] {
        let decimal = Value::Decimal(exact.parse().unwrap());
        let value = number::value(&decimal, "", Some(2), Numbers::Swiss);
        assert_eq!(value.as_deref(), Some(shown));
    }
    let exact = Value::Decimal("99.999".parse().unwrap());
    let value = number::value(&exact, "", Some(2), Numbers::Swiss).unwrap();
    assert_eq!(value, number::number(99.999, "", Some(2), Numbers::Swiss));
}

#[test]
fn changes_always_have_a_sign() {
    assert_eq!(number::percent(3.1259, Numbers::Swiss), "+3.1 %");
    assert_eq!(number::percent(-54.0, Numbers::Swiss), "−54 %");
    assert_eq!(number::percent(12345.0, Numbers::Swiss), "+12'345 %");
    assert_eq!(number::percent(0.04, Numbers::Swiss), "+<0.1 %");
    assert_eq!(number::points(-2.5, Numbers::Swiss), "−2.5");
    assert_eq!(number::change(-1500.0, "", None, Numbers::Swiss), "−1'500");
    assert_eq!(
        number::change(2e6, "bytes", None, Numbers::Swiss),
        "+2.0 MB"
    );
    assert_eq!(number::change(0.0, "", None, Numbers::Swiss), "0");
}

#[test]
fn a_day_is_shown_as_a_table() {
    let expected = "\
Fri 3 Oct 2025, Europe/Zurich

Alerts: 2 critical, 1 warning, 1 improvement
  critical   Active users, 24 h fell by 54 % to 46, from 100 on Thu 2 Oct 2025 (1 day before)
  critical   Corrupted files is 3, the limit is > 0
  warning    Items with images rose by 10 points to 50.1 %, from 40.1 % on Thu 2 Oct 2025 (1 day
             before)
  critical   Total users rose by 35 % to 5'400, from 4'000 on Wed 3 Sep 2025 (30 days before)
             (improvement)

Metric                       Value   vs 1 day               vs 7 days    vs 30 days
                                     Thu 2 Oct              Fri 26 Sep   Wed 3 Sep
─────────────────────────────────────────────────────────────────────────────────────────
Users
  Total users                5'400   ▲ +0.2 %               no data      ▲ +35 % critical
  Active users, 24 h            46   ▼ −54 % critical       no data      ▲ +46 new

Items
  Item types               7 parts
    Books                   29'439
    Records                    812
    Films                      700
    Games                      600
    Maps                        50
    (all others)                42
  Items with images         50.1 %   ▲ +10 points warning   no data      = unchanged

Files
  Corrupted files       critical 3   ▲ +3 new               no data      ▲ +3 new
  Disk used                 1.5 GB   = unchanged            no data      ▲ +7.1 %
  Backups                   failed   –                      –            –
  Orphans              unavailable   –                      –            –

Notes
  Active users, 24 h: counted 00:15
  Active users, 24 h: 479 rows without a value
  Backups: failed: no such table: backup
  Orphans: unavailable: only today is known
";
    assert_eq!(table::show(&shop_day(), PLAIN), expected);
}

#[test]
fn a_narrow_table_wraps_within_its_width_and_stays_indented() {
    let look = Look {
        color: false,
        width: 72,
    };
    let mut catalog = shop();
    catalog.metrics[1].label = "Active users of the last twenty-four hours".to_owned();
    catalog.metrics[2].unit = "bytes".to_owned();
    let mut today = filled("2025-10-03", ["5400", "46", "50.1", "3", "1500000000"]);
    today = with(today, "item_types", parts());
    let before = filled("2025-10-02", ["5390", "100", "40.1", "0", "1500000000"]);
    let gone = Reading::unavailable("only today is known");
    let week_before = filled("2025-09-26", ["5300", "1", "40.1", "0", "1400000000"]);
    let week_before = with(week_before, "active_users", gone);
    let shown = table::show(&n_day(&[week_before, before, today], &catalog), look);
    let expected = "\
Metric                   Value   vs 1 day       vs 7 days     vs 30 days
                                 Thu 2 Oct      Fri 26 Sep    Wed 3 Sep
────────────────────────────────────────────────────────────────────────
Users
  Total users            5'400   ▲ +0.2 %       ▲ +1.9 %      no data
  Active users              46   ▼ −54 %        unavailable   no data
    of the last                  critical
    twenty-four
    hours

Items
  Item types           7 parts
    Books              29.4 kB
    Records              812 B
    Films                700 B
    Games                600 B
    Maps                  50 B
    (all others)          42 B
  Items with            50.1 %   ▲ +10 points   ▲ +10         no data
    images                       warning        points
                                                warning

Files
  Corrupted         critical 3   ▲ +3 new       ▲ +3 new      no data
    files
  Disk used             1.5 GB   = unchanged    ▲ +7.1 %      no data
  Backups          unavailable   –              –             –
  Orphans          unavailable   –              –             –

Notes
  Backups; Orphans: unavailable: not in this day's entry
";
    let table = shown.find("Metric ").map_or("", |at| &shown[at..]);
    assert_eq!(table, expected, "{shown}");
}

#[test]
fn every_line_keeps_within_the_terminal_and_ends_with_a_letter() {
    for width in [60, 80, 100, 140] {
        let look = Look {
            color: false,
            width,
        };
        for line in table::show(&shop_day(), look).lines() {
            assert!(line.chars().count() <= usize::from(width), "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn a_note_about_many_metrics_counts_them() {
    let catalog = shop();
    let late = Provenance {
        observed_at: Some(instant("2025-10-03T22:15:00Z")),
        ..Provenance::default()
    };
    let mut entry = filled("2025-10-03", ["1", "2", "3", "4", "5"]);
    entry = with(entry, "item_types", parts());
    for reading in entry.readings.values_mut() {
        reading.provenance = late.clone();
    }
    let shown = table::show(&n_day(&[entry], &catalog), PLAIN);
    assert!(shown.contains("\n  6 metrics: counted 00:15\n"), "{shown}");
}

#[test]
fn colour_adds_to_the_words_and_takes_nothing_away() {
    let plain = table::show(&shop_day(), PLAIN);
    let colored = table::show(&shop_day(), COLORED);
    assert!(colored.contains("\u{1b}[1;31mcritical\u{1b}[0m"));
    assert!(colored.contains("\u{1b}[33mwarning\u{1b}[0m"));
    assert!(
        colored.contains("\u{1b}[32mcritical\u{1b}[0m"),
        "welcome is green"
    );
    assert_eq!(without_colours(&colored), plain);
    assert!(!plain.contains('\u{1b}'));
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn a_day_says_its_length_its_name_and_that_it_is_open() {
    let catalog = one_metric("[[calendar]]\ndate = \"2025-10-26\"\nname = \"Clock change\"");
    let mut entry = n("2025-10-26", "7");
    let title = |entry: &Entry| words::title(&n_day(std::slice::from_ref(entry), &catalog));
    assert_eq!(
        title(&entry),
        "Sun 26 Oct 2025, Europe/Zurich, 25 hours, Clock change"
    );
    entry.partial = true;
    entry.as_of = instant("2025-10-26T15:30:00Z");
    assert!(title(&entry).ends_with("still open, counted as of 16:30, nothing is judged"));
}

#[test]
fn what_is_usual_is_called_so() {
    // Four Fridays of 100 after Thursdays of 50 in a week of 100s.
    let week = "100 100 100 50 100 100 100 ";
    let entries = series("2025-09-01", &(week.repeat(4) + "100 100 100 50 100"));
    let report = n_day(&entries, &judged_by_usual(one_metric("")));
    assert!(table::show(&report, PLAIN).contains("▲ +100 % usual"));
    let json = json::show(&report);
    let change = &json["metrics"][0]["changes"]["1"];
    assert_eq!(change["state"], "usual for a Friday");
    assert_eq!(change["severity"], json!(null));
    assert_eq!(json["alerts"], json!([]));
}

#[test]
fn hostile_text_never_reaches_the_terminal_raw() {
    let evil = "a\u{1b}[2J\u{7}\u{9b}31m\r\nb\u{202e}c\u{2066}d\u{2061}e\u{2028}f\u{e0041}";
    let mut catalog = shop();
    catalog.metrics[2].label = evil.to_owned();
    catalog.metrics[4].label = evil.to_owned();
    catalog.metrics[4].unit = evil.to_owned();
    catalog.metrics[6].section = evil.to_owned();
    let hostile = Reading::observed(Some(Value::Parts(vec![part(Some("1"), evil, 1)])));
    let mut entry = filled("2025-10-03", ["1", "2", "3", "4", "5"]);
    entry = with(entry, "item_types", hostile);
    entry = with(entry, "backups", Reading::failed(evil));
    let report = n_day(&[entry], &catalog);
    for shown in [table::show(&report, PLAIN), alerts::list(&report, PLAIN)] {
        let raw = |letter: &char| {
            (letter.is_control() && *letter != '\n')
                || "\u{202e}\u{2066}\u{2061}\u{2028}\u{e0041}\u{a0}".contains(*letter)
        };
        assert_eq!(shown.chars().find(raw), None, "{shown:?}");
        assert!(!shown.contains("\nb"), "{shown}");
    }
    let colored = table::show(&report, COLORED);
    assert_eq!(without_colours(&colored), table::show(&report, PLAIN));
}

#[test]
fn the_json_of_a_day_keeps_its_contract() {
    let shown = json::show(&shop_day());
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    let contract = [
        "schema",
        "date",
        "as_of",
        "partial",
        "time_zone",
        "hours",
        "metrics",
        "alerts",
    ];
    assert_eq!(keys, contract);
    assert_eq!(shown["schema"], 1);
    assert_eq!(shown["date"], "2025-10-03");
    assert_eq!(shown["as_of"], "2025-10-04T00:00:00+02:00");
    assert_eq!(shown["hours"], json!(24));
    let nothing = |date: &str, state: &str| {
        json!({ "date": date, "previous": null, "change": null, "percent": null,
                "direction": null, "severity": null, "state": state })
    };
    assert_eq!(
        shown["metrics"][1],
        json!({
            "key": "active_users", "label": "Active users, 24 h", "section": "Users",
            "value": 46, "provenance": "observed",
            "changes": {
                "1": { "date": "2025-10-02", "previous": 100, "change": -54, "percent": -54,
                       "direction": "down", "severity": "critical" },
                "7": nothing("2025-09-26", "no data"),
                "28": nothing("2025-09-05", "no data"),
                "30": { "date": "2025-09-03", "previous": 0, "change": 46, "percent": null,
                        "direction": "up", "severity": null, "state": "new" },
            },
        })
    );
    assert_eq!(shown["metrics"][3]["value"], json!(50.1));
    assert_eq!(shown["metrics"][3]["changes"]["1"]["change"], json!(10));
    assert_eq!(shown["metrics"][3]["changes"]["1"]["severity"], "warning");
    assert_eq!(shown["metrics"][2]["value"][0]["label"], "Books");
    assert_eq!(shown["metrics"][2]["changes"], json!({}));
    assert_eq!(shown["metrics"][6]["provenance"], "failed");
    assert_eq!(shown["metrics"][6]["reason"], "no such table: backup");
    assert_eq!(shown["metrics"][6]["changes"]["1"]["state"], "failed");
}

#[test]
fn alerts_are_told_in_one_sentence_each() {
    let report = shop_day();
    let counts = Counts {
        critical: 2,
        warnings: 1,
        welcome: 1,
    };
    assert_eq!(report.counts, counts);
    let alerts = alerts::json(&report);
    assert_eq!(
        alerts[0],
        json!({
            "key": "active_users", "rule": "1 day", "severity": "critical", "state": "new", "day": 1,
            "text": "Active users, 24 h fell by 54 % to 46, from 100 on Thu 2 Oct 2025 (1 day before)",
        })
    );
    assert_eq!(alerts[1]["rule"], "absolute");
    assert_eq!(alerts[1]["text"], "Corrupted files is 3, the limit is > 0");
    assert_eq!(json::show(&report)["alerts"], alerts);
}

#[test]
fn an_alert_says_how_long_it_has_stood_and_when_it_is_over() {
    let catalog = one_metric(
        "label = \"Queue\"\nalert = { warning = \"> 20\", critical = \"> 50\", percent = { on = \"off\" } }",
    );
    let texts: Vec<String> = (1..=4)
        .map(|days| {
            let entries = &series("2025-10-01", "30 60 41 10")[..days];
            alerts::json(&n_day(entries, &catalog))[0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected = [
        "Queue is 30, the limit is > 20",
        "Queue is 60, the limit is > 50; worsening, day 2",
        "Queue is 41, not yet clear of the limit > 50; day 3",
        "Queue is 10, clear of the limit > 50; recovered after 3 days",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_quiet_day_has_no_alerts_to_list() {
    let report = n_day(&[n("2025-10-03", "7")], &one_metric(""));
    let expected = "Fri 3 Oct 2025, Europe/Zurich\nNo alerts.\n";
    assert_eq!(alerts::list(&report, PLAIN), expected);
}

#[test]
fn notes_tell_how_values_were_come_by() {
    let mut entry = n("2025-10-03", "7");
    let reading = entry.readings.get_mut("n").unwrap();
    reading.provenance = Provenance {
        kind: Kind::Reconstructed,
        reason: Some("rows deleted since are missing".to_owned()),
        observed_at: Some(instant("2025-10-05T10:00:00Z")),
        nulls: Some(1),
    };
    let report = n_day(&[entry], &one_metric(""));
    let expected = [
        "counted Sun 5 Oct 2025 12:00",
        "reconstructed: rows deleted since are missing",
        "1 row without a value",
    ];
    assert_eq!(words::provenance(&report.rows[0], &report), expected);
}

#[test]
fn a_noun_agrees_with_its_number() {
    let agreed = ["day", "entry", "stored day"].map(|noun| {
        let [none, one, two] = [0_usize, 1, 2].map(|count| counted(count, noun));
        format!("{none}, {one}, {two}")
    });
    assert_eq!(
        agreed,
        [
            "0 days, 1 day, 2 days",
            "0 entries, 1 entry, 2 entries",
            "0 stored days, 1 stored day, 2 stored days"
        ]
    );
}

#[test]
fn the_table_the_alerts_and_the_json_tell_one_severity_of_a_change() {
    let catalog = one_metric("good = \"down\"");
    let entries = series("2025-10-01", "100 130 159");
    let judgement = judge(&entries, &catalog);
    let date = entries[2].date;
    let report = report::of_day(date, &entries, &judgement, &catalog).unwrap();
    let said = "N rose by 22.3 % to 159, from 130 on Thu 2 Oct 2025 (1 day before); day 2, \
                critical since Thu 2 Oct 2025, not yet below 20 %";
    let wide = Look {
        color: false,
        width: 200,
    };
    let shown = table::show(&report, wide);
    assert!(shown.contains(&format!("  critical   {said}\n")), "{shown}");
    assert!(shown.contains("▲ +22.3 % still critical"), "{shown}");
    let shown = json::show(&report);
    let held = json!({ "since": "2025-10-02", "until_below": 20 });
    let change = &shown["metrics"][0]["changes"]["1"];
    assert_eq!(
        (&change["severity"], &change["held"]),
        (&json!("critical"), &held)
    );
    let alert = &shown["alerts"][0];
    assert_eq!(
        (&alert["severity"], &alert["held"]),
        (&json!("critical"), &held)
    );
    assert_eq!(alert["text"], said);
}
