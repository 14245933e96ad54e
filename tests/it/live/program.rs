//! `daybook live` as people and scripts use it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use support::world::World;

use super::{CHECKOUT, METRICS};

fn world() -> World {
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn recorded(world: &World, lines: &str) -> Output {
    let mut recorder = world
        .program()
        .args(["live", "record"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A recorder that refuses to begin reads nothing.
    drop(recorder.stdin.take().unwrap().write_all(lines.as_bytes()));
    recorder.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_must_not_be_kept_is_forgotten_by_its_label() {
    let world = world();
    let line = |order: u32| {
        format!(
            "{{\"kind\": \"checkout\", \"labels\": {{\"shop\": \"zh\", \"order\": {order}}}}}\n"
        )
    };
    let lines: String = (1..=3).map(line).collect();
    assert!(recorded(&world, &lines).status.success());
    let forget = ["live", "forget", "checkout", "--label", "order=2"];
    for (options, said, left) in [
        (
            &["--dry-run"][..],
            "1 point and 0 rollups would be deleted",
            3,
        ),
        (&[], "1 point and 0 rollups deleted", 2),
        (&[], "0 points and 0 rollups deleted", 2),
    ] {
        let ended = world.binary(&[&forget, options].concat());
        assert!(ended.status.success(), "{ended:?}");
        assert!(text(&ended.stderr).contains(said), "{ended:?}");
        let found = world.binary(&["live", "query", "points", "checkout"]);
        assert_eq!(text(&found.stdout).lines().count(), left);
    }
    let ended = world.binary(&["live", "forget", "checkout", "--label", "order=1", "--json"]);
    let answer: Json = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        answer,
        json!({ "schema": 1, "dry_run": false, "points": 1, "rollups": 0, "broken_chunks": [] })
    );
    let ended = world.binary(&["live", "forget", "checkout", "--label", "oder=1"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(
        text(&ended.stderr).contains("did you mean `order`?"),
        "{ended:?}"
    );
}

#[test]
fn lines_are_answered_and_found_again_and_half_a_line_harms_no_other() {
    let world = world();
    let lines = r#"{"kind": "checkout", "labels": {"shop": "zh", "order": 1}}

{"kind": "checkout", "labels": {"shop": "geneva", "order": 2}}
{"kind": "checkout", "labels": {"shop": "be", "order": 3}, "ok": false}
{"kind": "checkout", "labels": {"sh"#;
    let ended = recorded(&world, lines);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let answer: Json = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(answer["accepted"], 2);
    let rejected = answer["rejected"].as_array().unwrap();
    let places: Vec<(&Json, &Json)> = rejected
        .iter()
        .map(|one| (&one["line"], &one["field"]))
        .collect();
    assert_eq!(
        places,
        [(&json!(3), &json!("labels.shop")), (&json!(5), &json!(""))]
    );

    let found = world.binary(&[
        "live", "query", "points", "checkout", "--label", "shop=be", "--from", "1h",
    ]);
    assert!(found.status.success(), "{found:?}");
    let point: Json = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        (&point["labels"]["order"], &point["ok"]),
        (&json!("3"), &json!(false))
    );
    let page = |more: &[&str]| -> Json {
        let first = [
            "live", "query", "points", "checkout", "--limit", "1", "--json",
        ];
        let found = world.binary(&[&first[..], more].concat());
        serde_json::from_slice(&found.stdout).unwrap()
    };
    let first = page(&[]);
    let second = page(&["--after", first["next"].as_str().unwrap()]);
    assert_ne!(first["points"], second["points"]);
    assert_eq!(second["next"], Json::Null);
    // What is printed can be recorded again.
    let all = world.binary(&["live", "query", "points", "checkout"]);
    assert_eq!(recorded(&world, &text(&all.stdout)).status.code(), Some(0));
}

#[test]
fn a_ranking_is_printed_with_its_groups_its_figure_and_counts_and_in_full_as_json() {
    let world = world();
    let line = |shop: &str, duration: f64| {
        json!({"kind": "checkout", "labels": {"shop": shop}, "values": {"duration": duration}, "ok": true}).to_string()
    };
    let lines = [line("zh", 0.1), line("zh", 0.2), line("be", 7.0)].join("\n");
    assert!(recorded(&world, &lines).status.success());
    let top = ["live", "query", "top", "checkout", "--by", "shop"];
    let ranked = |more: &[&str]| text(&world.binary(&[&top[..], more].concat()).stdout);
    assert_eq!(
        ranked(&["--figure", "sum of duration"]),
        "shop  sum of duration  count\nzh                0.3      2\nbe                  7      1\n"
    );
    assert_eq!(
        ranked(&["--figure", "count"]),
        "shop  count\nzh        2\nbe        1\n"
    );
    let json: Json = serde_json::from_str(&ranked(&["--json"])).unwrap();
    let row = &json["rows"][0];
    assert_eq!(row["values"]["duration"]["sum"], json!(0.3), "{row}");
    assert_eq!(row["succeeded"], 2);
}

#[expect(clippy::disallowed_methods, reason = "the program tells the real time")]
#[test]
fn an_answer_in_text_says_what_it_lacks_and_how_far_estimates_may_be_off() {
    let keep = "keep = { points = \"1d\" }";
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}{keep}{METRICS}");
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let now = Utc::now();
    let old = now - TimeDelta::days(3);
    let line = |at: DateTime<Utc>| {
        json!({"kind": "checkout", "at": at, "labels": {"shop": "zh"}, "values": {"duration": 5}})
            .to_string()
    };
    let lines = [line(old), line(now)].join("\n");
    assert!(recorded(&world, &lines).status.success());
    let said = |args: &[&str]| text(&world.binary(&[&["live", "query"], args].concat()).stderr);
    let estimate = ["percentile", "checkout", "--estimate"];
    assert_eq!(
        said(&estimate),
        "percentiles are estimates, right to within 0.8 %\n"
    );
    assert_eq!(said(&["points", "checkout"]), "");
    let pruned = world.binary(&["live", "prune"]);
    assert!(pruned.status.success(), "{pruned:?}");
    let incomplete = said(&["points", "checkout"]);
    assert!(incomplete.starts_with("incomplete: from "), "{incomplete}");
    assert!(
        incomplete.ends_with(" nothing is kept that would answer\n"),
        "{incomplete}"
    );
}

#[test]
fn a_question_that_is_wrong_says_what_was_expected() {
    let world = world();
    for (args, expected) in [
        (
            &["chekout"][..],
            "no kind `chekout`; did you mean `checkout`?",
        ),
        (
            &["checkout", "--label", "shop"],
            "--label shop: expected NAME=VALUE",
        ),
        (
            &["checkout", "--label", "shp=zh"],
            "--label shp: `checkout` has no label `shp`; did you mean `shop`?",
        ),
        (
            &["checkout", "--from", "noon"],
            "--from: `noon` is not a moment such as 2025-10-03T08:00:00+02:00, a date, or how long ago",
        ),
        (
            &["checkout", "--every", "hour"],
            "--every: `points` takes no such parameter",
        ),
    ] {
        let refused = world.binary(&[&["live", "query", "points"][..], args].concat());
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let message = text(&refused.stderr);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn asked_to_stop_it_writes_what_it_has_read() {
    let world = world();
    let mut recorder = world
        .program()
        .args(["live", "record"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = recorder.stdin.take().unwrap();
    for order in 0..20 {
        writeln!(
            input,
            r#"{{"kind": "checkout", "labels": {{"shop": "zh", "order": {order}}}}}"#
        )
        .unwrap();
    }
    let mut answers = BufReader::new(recorder.stdout.take().unwrap());
    let mut answered = 0;
    while answered < 20 {
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        answered += serde_json::from_str::<Json>(&answer).unwrap()["accepted"]
            .as_u64()
            .unwrap();
    }
    let id = recorder.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(recorder.wait().unwrap().success());
    drop(input);
    let all = world.binary(&["live", "query", "points", "checkout"]);
    assert_eq!(text(&all.stdout).lines().count(), 20);
}

#[test]
fn switched_off_it_answers_and_touches_no_file() {
    let mut world = world();
    world.set("ENABLE_METRICS", "false");
    let ended = recorded(&world, r#"{"kind": "checkout", "labels": {"shop": "zh"}}"#);
    assert_eq!(ended.status.code(), Some(0));
    assert!(text(&ended.stdout).contains("\"accepted\":1"), "{ended:?}");
    assert!(
        text(&ended.stderr).contains("recording is off"),
        "{ended:?}"
    );
    assert!(!world.path("live.db").exists());
}

#[tokio::test]
async fn the_file_of_an_original_is_refused() {
    let mut world = world();
    let original = world.sqlite("metrics.db").await;
    original
        .execute("CREATE TABLE processing_metrics (metric_id TEXT)")
        .await;
    world.set("METRICS_DATABASE", "metrics.db");
    let ended = recorded(&world, r#"{"kind": "checkout", "labels": {"shop": "zh"}}"#);
    assert_eq!(ended.status.code(), Some(2));
    let message = text(&ended.stderr);
    assert!(
        message.contains("it is a database of another program"),
        "{message}"
    );
}

#[test]
fn the_doctor_says_what_lies_there_and_which_label_has_too_many_values() {
    let world = world();
    let doctor = || text(&world.binary(&["doctor"]).stdout);
    let before = doctor();
    assert!(before.contains("live.db does not exist yet"), "{before}");
    let line = |method: &str| {
        format!(r#"{{"kind": "checkout", "labels": {{"shop": "zh", "method": "{method}"}}}}"#)
    };
    let lines = ["card", "cash", "twint", "cheque"].map(line).join("\n");
    assert_eq!(recorded(&world, &lines).status.code(), Some(0));
    let found = doctor();
    assert!(found.contains("holds 4 points of 1 kind in"), "{found}");
    let too_many =
        "1 point of `checkout` kept with `other` as `method`, in place of `cheque` and more";
    assert!(found.contains(too_many), "{found}");
}
