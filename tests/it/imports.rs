//! Days come back into the book whole and checked, and never over what it knows.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod any_days;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use daybook::entry::{Reading, Value};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::exports::{entry, hard_days, keep, observed, printed, world};
use crate::world::{World, date};

/// Runs an import that must end like this; gives its words.
fn import(world: &World, args: &[&str], code: i32) -> String {
    let output = world.binary(&[&["import"], args].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

fn piped(world: &World, bytes: &[u8]) -> Output {
    let mut child = world
        .program()
        .args(["import", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    drop(child.stdin.take().unwrap().write_all(bytes));
    child.wait_with_output().unwrap()
}

/// An export's days, without the provenance of what is known: that becomes `imported`.
fn days(text: &str) -> Vec<Json> {
    let mut days: Vec<Json> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for day in &mut days {
        let told = day["provenance"].as_object_mut().unwrap();
        told.retain(|_, told| {
            let unknown = told["kind"] == "failed" || told["kind"] == "unavailable";
            let told = told.as_object_mut().unwrap();
            if !unknown {
                told.remove("kind");
            }
            !told.is_empty()
        });
    }
    days
}

#[tokio::test]
async fn any_format_packed_or_not_comes_back_as_it_left_and_a_second_time_changes_nothing() {
    let from = world();
    let mut hard = hard_days();
    hard[1].readings.remove("=gone");
    hard[1].readings.remove("nothing");
    hard[0]
        .readings
        .insert("share".to_owned(), Reading::observed(None));
    hard[0]
        .readings
        .insert("date".to_owned(), Reading::failed("@broken,\n\"so\""));
    keep(&from, hard).await;
    let all = printed(&from, &["export", "--format", "jsonl"]);
    for format in ["json", "jsonl", "csv"] {
        for packed in [&[][..], &["--gzip"]] {
            let file = from.path("days.txt");
            let args = ["export", "--format", format, "-o", "days.txt"];
            printed(&from, &[&args, packed].concat());
            let into = world();
            let said = import(&into, &[file.to_str().unwrap()], 0);
            assert!(
                said.contains("of 2 days from 2025-10-25 to 2025-10-26"),
                "{said}"
            );
            let back = printed(&into, &["export", "--format", "jsonl"]);
            assert_eq!(days(&back), days(&all), "{format}");
            assert_eq!(
                into.provenance("2025-10-25", "visits").await["kind"],
                "imported"
            );
            let again = piped(&into, &std::fs::read(&file).unwrap());
            assert!(again.status.success());
            let said = String::from_utf8(again.stderr).unwrap();
            assert!(said.contains("nothing to import"), "{said}");
            assert_eq!(printed(&into, &["export", "--format", "jsonl"]), back);
            let runs = into
                .book("SELECT command, outcome, days FROM runs ORDER BY id")
                .await;
            let run = |outcome: &str, days: &str| {
                ["import", outcome, days]
                    .map(|text| Some(text.to_owned()))
                    .to_vec()
            };
            assert_eq!(runs, [run("stored", "2"), run("nothing", "0")]);
        }
    }
    let typed = "SELECT min(1) FROM (SELECT visits FROM daily_metrics_columns) AS typed";
    let into = world();
    import(&into, &[from.path("days.txt").to_str().unwrap()], 0);
    assert_eq!(into.book(typed).await, [[Some("1".to_owned())]]);
}

#[tokio::test]
async fn a_known_value_stays_and_only_what_is_unknown_is_filled() {
    let world = world();
    keep(
        &world,
        vec![entry(
            date("2025-10-03"),
            &[
                ("visits", observed(Value::Whole(5))),
                ("date", Reading::failed("timeout")),
                ("share", Reading::unavailable("too late")),
            ],
        )],
    )
    .await;
    let lines =
        "2025-10-03,visits,9\n2025-10-03,date,7\n2025-10-03,share,0.5\n2025-10-02,visits,4\n";
    world.write("values.csv", lines);
    let before = printed(&world, &["export", "--format", "jsonl"]);
    let said = import(&world, &["values.csv", "--dry-run"], 0);
    assert!(said.contains("3 values of 2 days"), "{said}");
    assert_eq!(printed(&world, &["export", "--format", "jsonl"]), before);
    let output = world.binary(&["import", "values.csv", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["values"], json!({ "taken": 3, "known": 1 }));
    assert_eq!(
        told["days"],
        json!({ "new": 1, "filled": 1, "unchanged": 0 })
    );
    assert_eq!(world.value("2025-10-03", "visits").await, json!(5));
    assert_eq!(world.provenance("2025-10-03", "visits").await, Json::Null);
    assert_eq!(world.value("2025-10-03", "date").await, json!(7));
    assert_eq!(world.value("2025-10-03", "share").await, json!(0.5));
    assert_eq!(world.value("2025-10-02", "visits").await, json!(4));
}

#[tokio::test]
async fn an_open_day_gives_way_to_the_complete_one_and_never_the_other_way() {
    let world = world();
    let line = |partial: bool, as_of: &str, visits: u8| {
        format!(
            r#"{{"date":"2025-10-03","partial":{partial},"as_of":"{as_of}","metrics":{{"visits":{visits}}}}}"#
        )
    };
    let open = line(true, "2025-10-03T12:00:00+02:00", 3);
    let whole = line(false, "2025-10-04T00:00:00+02:00", 8);
    for (text, visits) in [(&open, 3), (&whole, 8), (&open, 8)] {
        assert!(piped(&world, text.as_bytes()).status.success());
        assert_eq!(world.value("2025-10-03", "visits").await, json!(visits));
    }
    let partial = world.book("SELECT partial FROM daily_metrics").await;
    assert_eq!(partial, [[Some("0".to_owned())]]);
}

#[tokio::test]
async fn one_bad_line_keeps_all_out_and_every_bad_line_is_named() {
    let world = world();
    let bad = [
        (
            "2025-02-29,visits,1",
            "line 2: `2025-02-29` is not a date like",
        ),
        ("2999-01-01,visits,1", "line 3: 2999-01-01 is in the future"),
        ("2025-10-01,visits,12 %", "line 4: 12 % is not a value"),
        ("2025-10-01,visits,1'234", "line 5: 1\\'234 is not a value"),
        (
            "2025-10-01,visits,9223372036854775808",
            "line 6: 9223372036854775808 is too large",
        ),
        (
            "2025-10-01,kinds,5",
            "line 7: `kinds`: a number, where the catalog has a distribution",
        ),
        (
            "2025-10-01,visits,\"[{\"\"key\"\":\"\"a\"\",\"\"count\"\":1}]\"",
            "line 8: `visits`: a distribution",
        ),
        ("2025-10-02,visits,1", ""),
        (
            "2025-10-02,visits,2",
            "line 10: 2025-10-02 has `visits` twice, with different values",
        ),
        (
            "2025-10-02,visits",
            "line 11: 2 cells, where the first line has 3",
        ),
    ];
    let lines: Vec<&str> = bad.iter().map(|(line, _)| *line).collect();
    world.write(
        "bad.csv",
        &format!("date,key,value\n{}\n", lines.join("\n")),
    );
    let said = import(&world, &["bad.csv"], 1);
    for (_, expected) in bad {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!world.path("daybook.db").exists());
    let many = "2025-13-01,visits,1\n".repeat(57);
    world.write("many.csv", &format!("date,key,value\n{many}"));
    let said = import(&world, &["many.csv"], 1);
    assert!(
        said.contains("line 21:") && !said.contains("line 22:"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("and 37 more"), "{said}");
}

#[tokio::test]
async fn what_is_no_import_is_refused_with_its_reason() {
    let mut world = world();
    let refused = |world: &World, text: &str, expected: &str| {
        let output = piped(world, text.as_bytes());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    };
    refused(&world, "", "it is empty");
    refused(&world, "hello\n", "expected what `daybook export` writes");
    refused(&world, "{\"a\":1}\n", "line 1: missing field `date`");
    refused(
        &world,
        "{\"entries\":[{\"date\":1}]}",
        "the document: invalid type",
    );
    refused(
        &world,
        "{\"schema\":2,\"entries\":[]}",
        "this program knows schema 1",
    );
    refused(&world, "date,date\n", "the column `date` appears twice");
    let twice = r#"{"date":"2025-10-02","metrics":{"visits":1,"visits":2}}"#;
    refused(&world, twice, "line 1: `visits` appears twice");
    let typo = "2025-10-02,vists,1\n";
    refused(&world, typo, "did you mean `visits`?");
    let early = r#"{"date":"2025-10-02","as_of":"2025-10-02T12:00:00Z","metrics":{}}"#;
    refused(&world, early, "said to be complete, but not as of its end");
    let cut =
        "{\"schema\":1,\"entries\":[\n{\"date\":\"2025-10-02\",\"metrics\":{\"visits\":1}},\n{\"da";
    refused(&world, cut, "EOF while parsing");
    refused(
        &world,
        &format!("{{\"date\":\"{}", "x".repeat(17 << 20)),
        "more than 16 MB",
    );
    let apia = r#"{"date":"2011-12-30","time_zone":"Pacific/Apia","metrics":{"visits":1}}"#;
    refused(&world, apia, "2011-12-30 does not exist in Pacific/Apia");
    world.set("METRICS_RETENTION_DAYS", "100");
    world.write("old.csv", "2020-01-01,visits,1\n2020-01-02,visits,1\n");
    let said = import(&world, &["old.csv"], 1);
    assert!(
        said.contains("2 days from 2020-01-01 on, older than the retention window of 100 days"),
        "{said}"
    );
    import(&world, &["nowhere.csv"], 1);
    assert!(!world.path("daybook.db").exists());
}

#[tokio::test]
async fn who_asks_to_stop_need_not_wait_for_the_input_to_end() {
    let world = world();
    let pipe = world.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    // Open on both sides, so that reading it waits for ever.
    let open = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let error = world.stopped(&["import", "pipe"], stop).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("interrupted"), "{error}");
    assert!(!world.path("daybook.db").exists());
    drop(open);
}

#[tokio::test]
async fn a_key_that_the_catalog_does_not_have_is_left_out_and_said() {
    let world = world();
    world.write(
        "wide.csv",
        "\u{feff}date;visits;vists\r\n2025-10-02;4;5\r\n2025-10-01;;6\r\n",
    );
    let said = import(&world, &["wide.csv"], 0);
    let expected = "skipped vists (2 ×): the catalog has no such key; did you mean `visits`?";
    assert!(said.contains(expected), "{said}");
    assert_eq!(world.value("2025-10-02", "visits").await, json!(4));
}

/// The last cell was taken as it stood, although the rest of the file may be missing.
#[tokio::test]
async fn a_quote_that_is_never_closed_is_refused_with_the_line_where_it_began() {
    let world = world();
    let key = {
        let config = world.config();
        config.catalog.metrics[0].key.clone()
    };
    for (text, line) in [
        (format!("2025-10-01,{key},1\n2025-10-02,{key},\"12"), 2),
        (format!("2025-10-01,{key},1\n2025-10-02,{key},\"12\n"), 2),
        (
            format!("date;{key}\n2025-10-01;\"1\"\n\n2025-10-02;\"2\n2025-10-03;3\n"),
            4,
        ),
        (format!("date,{key}\n2025-10-01,\"1\"\"\n2025-10-02,2\n"), 2),
        (format!("date,\"{key}\n2025-10-01,1\n"), 1),
        (
            "date,note\n2025-10-01,\"two\nlines\"\n2025-10-02,\"".to_owned(),
            4,
        ),
    ] {
        world.write("days.csv", &text);
        let said = import(&world, &["days.csv"], 1);
        let expected = format!("line {line}: this cell's quote is never closed");
        assert!(said.contains(&expected), "{text:?}: {said}");
        assert!(said.contains("nothing was imported"), "{said}");
        let stored = world.has_table("daily_metrics").await;
        assert!(!stored || world.book("SELECT * FROM daily_metrics").await.is_empty());
    }
    world.write(
        "days.csv",
        &format!("date,{key}\n\"2025-10-01\",\"1\"\n2025-10-02,2"),
    );
    import(&world, &["days.csv"], 0);
}
