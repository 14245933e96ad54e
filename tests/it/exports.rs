//! Days leave the book as they are, in any format, whole or not at all.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod files;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use daybook::book::{self, Book};
use daybook::calendar::Day;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Kind, Part, PartKey, Provenance, Reading, Value};
use daybook::text::csv::writer;
use serde_json::{Value as Json, json};

use crate::world::{World, date, instant};

pub(crate) const SETTINGS: &str = r#"
    name = "Shop"

    [retention]
    days = 36500

    [tables.visits]
    name = "visits"

    [[metrics]]
    key = "visits"
    sql = "SELECT 1"

    [[metrics]]
    key = "date"
    sql = "SELECT 1"

    [[metrics]]
    key = "share"
    sql = "SELECT 1"

    [[metrics]]
    key = "kinds"
    table = "visits"
    count = "*"
    by = { column = "kind" }
"#;

/// A complete day in Zurich with these readings, counted half an hour after its end.
pub(crate) fn entry(on: NaiveDate, readings: &[(&str, Reading)]) -> Entry {
    let day = Day::new(on, chrono_tz::Europe::Zurich).unwrap();
    let counted = day.end + chrono::TimeDelta::minutes(30);
    let mut entry = Entry::empty(&day.close(), counted, "hash");
    entry.duration_ms = 1234;
    let owned = |(key, reading): &(&str, Reading)| ((*key).to_owned(), reading.clone());
    entry.readings = readings.iter().map(owned).collect::<BTreeMap<_, _>>();
    entry
}

pub(crate) fn observed(value: Value) -> Reading {
    Reading::observed(Some(value))
}

/// Puts entries into the book of the world, as the night would.
pub(crate) async fn keep(world: &World, entries: Vec<Entry>) {
    let url = world.book_url();
    let book = Book::open(&url, std::time::Duration::ZERO).await.unwrap();
    book::store_many(&book, entries, Mode::Replace)
        .await
        .unwrap();
    book.close().await;
}

/// What the program prints, where it ends well.
pub(crate) fn printed(world: &World, args: &[&str]) -> String {
    let output = world.binary(args);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn world() -> World {
    World::new("2025-11-01T06:00:00Z", SETTINGS)
}

/// One day of everything that is hard to carry, in the long night of October, and an ordinary one.
pub(crate) fn hard_days() -> Vec<Entry> {
    let parts = vec![
        Part {
            key: PartKey::Value("=1+1".to_owned()),
            label: "=HYPERLINK(\"http://x\";\"y\"), \u{202e}\r\nnext".to_owned(),
            count: 7.into(),
        },
        Part {
            key: PartKey::Other,
            label: String::new(),
            count: "0.5".parse().unwrap(),
        },
    ];
    let unknown = Reading::failed("@SUM(1): \"quoted\",\nsecond line, \"observed_at\":\"never\"");
    let told = Provenance {
        kind: Kind::Reconstructed,
        reason: Some("rows deleted since are missing".to_owned()),
        observed_at: Some(instant("2025-10-26T23:15:00Z")),
        nulls: Some(3),
    };
    let share = Reading {
        value: Some(Value::Decimal("-12.5".parse().unwrap())),
        provenance: told,
    };
    vec![
        entry(
            date("2025-10-25"),
            &[("visits", observed(Value::Whole(9_007_199_254_740_993)))],
        ),
        entry(
            date("2025-10-26"),
            &[
                ("visits", observed(Value::Whole(i64::MIN))),
                ("date", observed(Value::Whole(i64::MAX))),
                ("share", share),
                ("kinds", observed(Value::Parts(parts))),
                ("=gone", unknown),
                ("nothing", Reading::observed(None)),
            ],
        ),
    ]
}

#[tokio::test]
async fn a_line_holds_a_day_with_whole_numbers_exact_and_instants_in_its_zone() {
    let world = world();
    keep(&world, hard_days()).await;
    let text = printed(&world, &["export", "--format", "jsonl"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0],
        r#"{"schema":1,"date":"2025-10-25","as_of":"2025-10-26T00:00:00+02:00","partial":false,"time_zone":"Europe/Zurich","hours":24,"collected_at":"2025-10-26T00:30:00+02:00","duration_ms":1234,"metrics":{"visits":9007199254740993},"provenance":{}}"#
    );
    let long: Json = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(long["hours"], json!(25));
    assert_eq!(long["as_of"], json!("2025-10-27T00:00:00+01:00"));
    assert!(lines[1].contains(r#""visits":-9223372036854775808"#));
    assert!(lines[1].contains(r#""date":9223372036854775807"#));
    assert_eq!(long["metrics"]["share"], json!(-12.5));
    assert_eq!(long["metrics"]["nothing"], Json::Null);
    let told = &long["provenance"];
    assert_eq!(
        told["share"]["observed_at"],
        json!("2025-10-27T00:15:00+01:00")
    );
    let reason = told["=gone"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("\"observed_at\":\"never\""), "{reason}");
}

#[tokio::test]
async fn one_document_holds_the_same_days_as_the_lines_and_a_range_only_its_own() {
    let world = world();
    keep(&world, hard_days()).await;
    let lines = printed(&world, &["export", "--format", "jsonl"]);
    let document: Json =
        serde_json::from_str(&printed(&world, &["export", "--format", "json"])).unwrap();
    let days: Vec<Json> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        document,
        json!({ "schema": 1, "name": "Shop", "time_zone": "Europe/Zurich", "entries": days })
    );
    let range = ["--from", "2025-10-26", "--to", "today"];
    let last = printed(
        &world,
        &[&["export", "--format", "jsonl"], &range[..]].concat(),
    );
    assert_eq!(last, format!("{}\n", lines.lines().nth(1).unwrap()));
}

#[tokio::test]
async fn a_table_has_numbers_as_numbers_and_no_formula_in_any_text() {
    let world = world();
    keep(&world, hard_days()).await;
    let text = printed(&world, &["export", "--format", "csv"]);
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        heads.join("|"),
        "date|as_of|partial|time_zone|hours|collected_at|duration_ms|visits|_date|share|kinds|'=gone|nothing|provenance"
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, head: &str| {
        let at = heads.iter().position(|one| one == head).unwrap();
        rows[row][at].to_owned()
    };
    assert_eq!(cell(0, "visits"), "9007199254740993");
    assert_eq!(cell(0, "kinds"), "");
    assert_eq!(cell(1, "visits"), "-9223372036854775808");
    assert_eq!(cell(1, "share"), "-12.5");
    assert_eq!(cell(1, "hours"), "25");
    let kinds: Json = serde_json::from_str(&cell(1, "kinds")).unwrap();
    assert_eq!(kinds[1], json!({ "other": true, "count": 0.5 }));
    let told: Json = serde_json::from_str(&cell(1, "provenance")).unwrap();
    assert_eq!(told["=gone"]["kind"], json!("failed"));
    for cell in rows
        .iter()
        .flatten()
        .chain(heads.iter().map(String::as_str))
    {
        let number = cell.parse::<f64>().is_ok();
        assert!(
            number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
            "{cell}"
        );
    }
}

/// What terminals obey or do not show.
const HIDDEN: &str = "\u{1}\u{1b}]0;taken\u{7}\u{7f}\u{85}\u{9b}2J\u{ad}\u{200b}\u{202e}\u{2028}\u{2066}\u{feff}\u{e0041}";

#[tokio::test]
async fn no_export_holds_what_a_terminal_obeys_or_hides_and_all_mean_what_the_book_says() {
    let world = world();
    let name = format!("a{HIDDEN}z");
    let part = Part {
        key: PartKey::Value(name.clone()),
        label: name.clone(),
        count: 7.into(),
    };
    let readings = [
        ("kinds", observed(Value::Parts(vec![part]))),
        ("visits", Reading::failed(name.as_str())),
    ];
    keep(&world, vec![entry(date("2025-10-26"), &readings)]).await;
    let export = |format: &str| {
        let text = printed(
            &world,
            &["export", "--format", format, "--from", "2025-10-01"],
        );
        let hidden = HIDDEN.chars().filter(|letter| !letter.is_ascii_graphic());
        for letter in hidden {
            assert!(!text.contains(letter), "{letter:?} in {format}: {text}");
        }
        text
    };
    let means = |metrics: &Json, provenance: &Json| {
        assert_eq!(metrics["kinds"][0]["key"], json!(name));
        assert_eq!(metrics["kinds"][0]["label"], json!(name));
        assert_eq!(provenance["visits"]["reason"], json!(name));
    };
    let line: Json = serde_json::from_str(&export("jsonl")).unwrap();
    means(&line["metrics"], &line["provenance"]);
    let document: Json = serde_json::from_str(&export("json")).unwrap();
    let day = &document["entries"][0];
    means(&day["metrics"], &day["provenance"]);
    let table = export("csv");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |head: &str| {
        let at = heads.iter().position(|one| one == head).unwrap();
        serde_json::from_str::<Json>(&row[at]).unwrap()
    };
    means(&json!({ "kinds": cell("kinds") }), &cell("provenance"));
    let spelled = r"a\\u0001\\u001b]0;taken\\u0007\\u007f\\u0085\\u009b2J\\u00ad\\u200b\\u202e\\u2028\\u2066\\ufeff\\udb40\\udc41z";
    for format in ["prometheus", "openmetrics"] {
        let text = export(format);
        assert!(text.contains(&format!("key=\"{spelled}\"")), "{text}");
    }
    let shown = printed(&world, &["show", "--json"]);
    assert!(!shown.contains(['\u{7f}', '\u{9b}', '\u{202e}']), "{shown}");
}

#[tokio::test]
async fn an_empty_range_is_an_empty_document_of_its_format_and_said() {
    let world = world();
    keep(&world, hard_days()).await;
    let empty = |format: &str| {
        let range = ["--from", "2001-01-01", "--to", "2001-12-31"];
        let output = world.binary(&[&["export", "--format", format], &range[..]].concat());
        assert!(output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no days are stored in this range"), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let document: Json = serde_json::from_str(&empty("json")).unwrap();
    assert_eq!(document["entries"], json!([]));
    assert_eq!(document["schema"], json!(1));
    assert_eq!(empty("jsonl"), "");
    assert_eq!(empty("csv").lines().count(), 1);
}

#[test]
fn a_cell_with_a_semicolon_stands_in_quotes() {
    let mut table = writer(Vec::new());
    table.write_record(["plain", "a;b", "c,d", ""]).unwrap();
    let written = table.into_inner().unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "plain,\"a;b\",\"c,d\",\r\n"
    );
}
