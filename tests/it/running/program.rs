//! The program from outside: exit codes, what goes where, the shape of its JSON.

use std::io::Read;
use std::process::Output;

use chrono::{DateTime, Days, NaiveDate, Timelike, Utc};
use daybook::book::Book;
use serde_json::{Value as Json, json};

use super::SETTINGS;
use crate::world::{App, World, in_a_file};

#[expect(
    clippy::disallowed_methods,
    reason = "the program reads the same clock"
)]
pub(crate) fn real_now() -> DateTime<Utc> {
    Utc::now()
}

/// A world for the real program, in a zone where it is about noon: no midnight comes between.
pub(crate) fn world(settings: &str) -> World {
    let now = real_now();
    let zone = zone_of_noon();
    let mut world = World::new(&now.to_rfc3339(), settings);
    world
        .set("DAYBOOK_TIME_ZONE", &zone)
        .set("DAYBOOK_RETRY_FOR", "0");
    world
}

pub(crate) fn zone_of_noon() -> String {
    let east = 12 - i64::from(real_now().hour());
    format!("Etc/GMT{}{}", if east > 0 { '-' } else { '+' }, east.abs())
}

pub(crate) fn today() -> NaiveDate {
    let now = real_now();
    (now + chrono::TimeDelta::hours(12 - i64::from(now.hour()))).date_naive()
}

pub(crate) async fn shop(world: &World) -> App {
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT NOT NULL);
         CREATE TABLE stock (pieces INTEGER);
         INSERT INTO stock VALUES (42);
         WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
         INSERT INTO users SELECT datetime('now', '-24 hours', -n || ' days') FROM n;",
    )
    .await;
    app
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

pub(crate) fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn data(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn parsed(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test]
async fn every_kind_of_end_has_its_exit_code() {
    let broken = world("[app]\nurl = 1\n");
    assert_eq!(code(&broken.binary(&["collect"])), 78);
    std::fs::remove_file(broken.path("daybook.toml")).unwrap();
    let nowhere = broken.binary(&["collect"]);
    assert_eq!(code(&nowhere), 78, "{nowhere:?}");
    let no_url = world(&SETTINGS.replace("database_url", "# database_url"));
    assert_eq!(code(&no_url.binary(&["collect"])), 78);

    let world = world(SETTINGS);
    assert_eq!(code(&world.binary(&["collect", "--date", "2025-1-3"])), 2);
    assert_eq!(code(&world.binary(&["collect", "--from", "2025-10-03"])), 2);
    assert_eq!(code(&world.binary(&["collect", "--nonsense"])), 2);
    assert_eq!(code(&world.binary(&[])), 2);
    assert_eq!(
        code(&world.binary(&["collect"])),
        69,
        "there is no app database"
    );
    let app = shop(&world).await;
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    assert_eq!(code(&world.binary(&["collect"])), 1);
    app.execute("ALTER TABLE lost RENAME TO stock").await;
    assert_eq!(code(&world.binary(&["collect"])), 0);
    assert_eq!(code(&world.binary(&["--help"])), 0);
    assert_eq!(code(&world.binary(&["--version"])), 0);
    if !in_a_file() {
        return;
    }
    world.write(
        "daybook.db",
        "this is no database, and long enough to be taken for one, surely",
    );
    assert_eq!(code(&world.binary(&["show"])), 69);
}

#[tokio::test]
async fn a_complete_day_is_left_alone_and_said_to_be() {
    let world = world(SETTINGS);
    shop(&world).await;
    let first = world.binary(&["collect", "--date", "yesterday"]);
    assert_eq!((code(&first), data(&first).as_str()), (0, ""));
    let again = world.binary(&["collect", "--date", "yesterday"]);
    let yesterday = daybook::calendar::spoken(today() - Days::new(1));
    assert_eq!(
        words(&again),
        format!("{yesterday} is already complete; recount it with --force\n")
    );
    assert_eq!(code(&again), 0);
    let quiet = world.binary(&["collect", "--date", "yesterday", "--force", "--quiet"]);
    assert_eq!(
        (code(&quiet), words(&quiet).as_str(), data(&quiet).as_str()),
        (0, "", "")
    );
}

#[tokio::test]
async fn a_missing_database_is_named_and_nothing_is_stored() {
    let world = world(SETTINGS);
    let output = world.binary(&["collect"]);
    let path = world.path("app.db");
    assert_eq!(
        words(&output),
        format!(
            "daybook: the app database is unavailable: there is no SQLite database at {}\n",
            path.display()
        )
    );
    assert_eq!(
        world.book("SELECT count(*) FROM daily_metrics").await[0][0].as_deref(),
        Some("0")
    );
    assert_eq!(
        world.book("SELECT outcome FROM runs").await[0][0].as_deref(),
        Some("failed")
    );
    shop(&world).await;
    assert_eq!(code(&world.binary(&["collect"])), 0);
}

#[tokio::test]
async fn collecting_as_json_says_what_was_done_on_stdout_alone() {
    let world = world(SETTINGS);
    let app = shop(&world).await;
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    let yesterday = (today() - Days::new(1)).to_string();
    let output = world.binary(&["collect", "--date", "yesterday", "--json"]);
    let mut told = parsed(&output);
    assert_eq!(
        words(&output),
        format!("{yesterday} stock failed: no such table: stock\n")
    );
    assert!(told["duration_ms"].take().is_i64());
    assert_eq!(
        told,
        json!({
            "schema": 1,
            "outcome": "stored",
            "days": [{
                "date": yesterday,
                "outcome": "counted",
                "partial": false,
                "metrics": { "joined_24h": 1, "joined_7d": 7, "stock": null, "users": 100 },
                "failed": [{ "key": "stock", "error": "no such table: stock" }],
            }],
            "skipped": [],
            "unreachable": [],
            "deliveries": [],
            "deliveries": [],
            "pruned": 0,
            "duration_ms": null,
        })
    );
    app.execute("ALTER TABLE lost RENAME TO stock").await;
    let refilled = parsed(&world.binary(&["collect", "--date", "yesterday", "--json"]));
    assert_eq!(refilled["days"][0]["outcome"], "refilled");
    let nothing = parsed(&world.binary(&["collect", "--date", "yesterday", "--json"]));
    assert_eq!(nothing["outcome"], "nothing");
    assert_eq!(
        nothing["days"],
        json!([{ "date": yesterday, "outcome": "complete" }])
    );
}

#[tokio::test]
async fn a_day_as_json_has_the_shape_of_the_contract() {
    let world = world(SETTINGS);
    shop(&world).await;
    world.binary(&[
        "collect",
        "--from",
        &(today() - Days::new(8)).to_string(),
        "--to",
        "yesterday",
    ]);
    let output = world.binary(&["show", "--json"]);
    assert_eq!((code(&output), words(&output).as_str()), (0, ""));
    let told = parsed(&output);
    let keys: Vec<&str> = told
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "schema",
            "date",
            "as_of",
            "partial",
            "time_zone",
            "hours",
            "metrics",
            "alerts"
        ]
    );
    assert_eq!(told["date"], (today() - Days::new(1)).to_string());
    assert_eq!(
        (told["hours"].as_i64(), told["partial"].as_bool()),
        (Some(24), Some(false))
    );
    let users = &told["metrics"][0];
    assert_eq!(users["key"], "users");
    assert_eq!(users["section"], "People");
    assert_eq!(users["value"], 100);
    assert_eq!(users["provenance"], "observed");
    assert_eq!(users["changes"]["7"]["previous"], 93);
    assert_eq!(users["changes"]["7"]["change"], 7);
    assert_eq!(users["changes"]["7"]["direction"], "up");
    assert_eq!(users["changes"]["30"]["previous"], Json::Null);
    let earlier = parsed(&world.binary(&[
        "show",
        "--json",
        "--date",
        &(today() - Days::new(8)).to_string(),
    ]));
    let stock = earlier["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|metric| metric["key"] == "stock")
        .unwrap();
    assert_eq!(
        (&stock["value"], &stock["provenance"]),
        (&Json::Null, &json!("unavailable"))
    );
    assert!(
        stock["reason"]
            .as_str()
            .unwrap()
            .contains("past days are unknown")
    );
}

#[tokio::test]
async fn showing_what_is_not_there_says_how_to_get_it() {
    let world = world(SETTINGS);
    let none = world.binary(&["show"]);
    assert_eq!((code(&none), data(&none).as_str()), (69, ""));
    assert!(words(&none).contains("run `daybook collect`"), "{none:?}");
    shop(&world).await;
    world.binary(&["collect", "--date", "yesterday"]);
    let day = today() - Days::new(3);
    let missing = world.binary(&["show", "--date", &day.to_string()]);
    assert_eq!(
        words(&missing),
        format!(
            "daybook: no row for {}: run `daybook collect --date {day}`\n",
            daybook::calendar::spoken(day)
        )
    );
    assert_eq!((code(&missing), data(&missing).as_str()), (2, ""));
}

#[tokio::test]
async fn verbose_tells_what_a_run_does_while_it_does_it() {
    let mut world = world(SETTINGS);
    shop(&world).await;
    for args in [
        &["collect", "--force"][..],
        &["collect", "--force", "--verbose"],
    ] {
        let said = words(&world.binary(args));
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with("daybook: "))
            .collect();
        if !args.contains(&"--verbose") {
            assert!(lines.is_empty(), "{said}");
            continue;
        }
        assert!(lines[0].ends_with("begins"), "{said}");
        let on_users = lines
            .iter()
            .find(|line| line.contains("statement on users: users, "));
        assert!(
            on_users.is_some_and(|line| line.contains(" rows=1 ms=")),
            "{said}"
        );
        assert!(
            lines.iter().any(|line| line.ends_with("1 of 1 days done")),
            "{said}"
        );
    }
    let away = "postgres://reader:my-password@127.0.0.1:1/app";
    world
        .set("DAYBOOK_APP_DATABASE_URL", away)
        .set("DAYBOOK_RETRY_FOR", "1s");
    let said = words(&world.binary(&["collect", "--force", "--verbose"]));
    assert!(said.contains(": trying again in 200 ms"), "{said}");
    assert!(!said.contains("my-password"), "{said}");
}

#[tokio::test]
async fn nothing_is_coloured_outside_a_terminal() {
    let mut world = world(SETTINGS);
    shop(&world).await;
    world.binary(&["collect", "--date", "yesterday"]);
    for (variable, value) in [("TERM", "xterm-256color"), ("NO_COLOR", "1")] {
        world.set(variable, value);
        for args in [
            &["show"][..],
            &["collect", "--force", "--verbose"],
            &["runs"],
            &["--help"],
            &["bad"],
        ] {
            let output = world.binary(args);
            assert!(
                !output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b),
                "{args:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let world = world(SETTINGS);
    shop(&world).await;
    world.binary(&["collect", "--date", "yesterday"]);
    for args in [
        &["show"][..],
        &["show", "--json"],
        &["config", "schema"],
        &["runs", "--json"],
        &["explain"],
    ] {
        let mut child = world.start(args);
        drop(child.stdout.take());
        let mut words = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut words)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?} {words}");
        assert!(!words.contains("panicked"), "{words}");
    }
}

#[tokio::test]
async fn a_forced_run_says_how_many_of_the_metrics_were_counted() {
    let world = world(SETTINGS);
    let app = shop(&world).await;
    let line = ["collect", "--date", "yesterday", "--force"];
    assert!(words(&world.binary(&line)).contains(": 4 metrics, in "));
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    let again = world.binary(&line);
    assert_eq!(code(&again), 1);
    let said = words(&again);
    assert!(said.contains(": 3 of 4 metrics, 1 failed, in "), "{said}");
}

#[tokio::test]
async fn a_database_that_is_tried_again_is_named_at_once_unless_only_trouble_is_to_be_said() {
    let mut world = world(SETTINGS);
    // Nobody listens there.
    world.set("DAYBOOK_RETRY_FOR", "1s").set(
        "DAYBOOK_APP_DATABASE_URL",
        "postgres://ada@127.0.0.1:1/shop",
    );
    let quiet = words(&world.binary(&["collect", "--quiet"]));
    let away = quiet.strip_prefix("daybook: ").unwrap().trim_end();
    assert!(
        away.starts_with("the app database is unavailable: "),
        "{away}"
    );
    let told = words(&world.binary(&["collect"]));
    assert_eq!(
        told,
        format!("{away}; retrying for up to 1s\ndaybook: {away}\n")
    );
}

#[tokio::test]
async fn the_loser_of_two_collects_says_who_collects_and_which_command_does_the_rest() {
    let world = world(SETTINGS);
    shop(&world).await;
    let lock = Book::lock(&world.book_url()).await.unwrap().unwrap();
    let (from, to) = (today() - Days::new(90), today() - Days::new(1));
    let line = format!("collect --from {from} --to {to} --metric users");
    let args: Vec<&str> = line.split(' ').collect();
    let output = world.binary(&args);
    world.write("ada's shop.toml", SETTINGS);
    let named = world.binary(&["--config", "ada's shop.toml", "collect", "--catch-up"]);
    lock.release().await;
    assert_eq!(code(&named), 0);
    let rest = r"run `daybook collect --config 'ada'\''s shop.toml' --catch-up`";
    assert!(words(&named).trim_end().ends_with(rest), "{named:?}");
    assert_eq!(code(&output), 0);
    let said = words(&output);
    assert!(
        said.starts_with("another `daybook collect` is running on this book ("),
        "{said}"
    );
    let since = format!("since {} 1", today());
    assert!(said.contains(&since), "{said}");
    let rest = format!("nothing was counted. When it has ended, run `daybook {line}`\n");
    assert!(said.ends_with(&rest), "{said}");
}
