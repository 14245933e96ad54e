//! What the program says of a refresh, on its streams and by its exit code.

use chrono::Days;
use clap::Parser;
use daybook::cli::Cli;
use serde_json::{Value as Json, json};

use super::SETTINGS;
use crate::running::program::{code, data, today, words, world};
use crate::world::{App, World};

/// Yesterday and the day before stand in the book, with a row that came late since.
async fn two_days() -> (World, App, String) {
    let world = world(SETTINGS);
    let app = world.sqlite("app.db").await;
    let [yesterday, before] = [1, 2].map(|days| (today() - Days::new(days)).to_string());
    app.execute(
        "CREATE TABLE orders (placed TEXT, pieces INTEGER, kind TEXT, kept BOOLEAN, waiting BOOLEAN);
         CREATE TABLE visits (at TEXT);
         INSERT INTO orders VALUES (datetime('now', '-48 hours'), 1, 'book', 1, 1), (datetime('now', '-48 hours'), 2, 'lamp', 1, 0);",
    )
    .await;
    let stored = world.binary(&["collect", "--from", &before, "--to", "yesterday"]);
    assert_eq!(code(&stored), 0, "{stored:?}");
    app.execute("INSERT INTO orders VALUES (datetime('now', '-24 hours'), 3, 'lamp', 1, 1)")
        .await;
    (world, app, yesterday)
}

#[tokio::test]
async fn what_changed_is_said_a_line_for_each_number() {
    let (world, _, yesterday) = two_days().await;
    let output = world.binary(&["collect", "--refresh", "7"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(data(&output), "");
    let day = daybook::calendar::spoken(yesterday.parse().unwrap());
    assert_eq!(
        words(&output).lines().collect::<Vec<_>>(),
        [
            "1 of 2 days changed".to_owned(),
            format!("{day}: orders 2 → 3"),
            format!("{day}: pieces 3 → 6"),
            format!("{day}: kinds lamp 1 → 2"),
            format!("{day}: pieces_per_order 1.5 → 2.0"),
            format!("{day}: kept_pct 100.0 → 66.67"),
        ]
    );
    let again = world.binary(&["collect", "--refresh", "7"]);
    assert_eq!(words(&again), "nothing changed in 2 days\n");
}

#[tokio::test]
async fn json_tells_each_day_with_its_changes() {
    let (world, _, yesterday) = two_days().await;
    let output = world.binary(&["collect", "--refresh", "7", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["outcome"], "stored");
    assert_eq!(told["days"][0]["outcome"], "unchanged");
    assert_eq!(told["days"][0]["changes"], json!([]));
    assert_eq!(told["days"][1]["date"], yesterday);
    assert_eq!(told["days"][1]["outcome"], "refreshed");
    assert_eq!(
        told["days"][1]["changes"][0],
        json!({ "key": "orders", "was": 2, "now": 3 })
    );
    assert_eq!(told["days"][1]["failed"], json!([]));
}

#[tokio::test]
async fn quiet_says_nothing_unless_something_is_wrong() {
    let (world, app, yesterday) = two_days().await;
    let quiet = ["collect", "--refresh", "7", "--quiet"];
    let output = world.binary(&quiet);
    assert_eq!((code(&output), words(&output)), (0, String::new()));
    app.execute("DROP TABLE visits").await;
    let output = world.binary(&quiet);
    assert_eq!(code(&output), 1);
    let said = words(&output);
    assert!(
        said.contains(&format!("{yesterday} visits failed: no such table: visits")),
        "{said}"
    );
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn a_database_that_is_away_ends_with_69_and_changes_nothing() {
    let (world, _, _) = two_days().await;
    let before = world.book("SELECT * FROM daily_metrics").await;
    std::fs::remove_file(world.path("app.db")).unwrap();
    for more in [&[][..], &["--date", "yesterday"]] {
        let output = world.binary(&[&["collect", "--refresh", "7"], more].concat());
        assert_eq!(code(&output), 69, "{output:?}");
    }
    assert_eq!(world.book("SELECT * FROM daily_metrics").await, before);
}

#[test]
fn a_refresh_is_for_no_range_and_for_at_least_a_day() {
    for refused in [
        "--refresh 0",
        "--refresh 7 --from 2025-10-01 --to 2025-10-02",
        "--refresh 7 --catch-up",
        "--refresh 7 --metric orders",
        "--refresh 7 --force",
    ] {
        let line = ["daybook", "collect"].into_iter().chain(refused.split(' '));
        let error = Cli::try_parse_from(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{refused}");
    }
}
