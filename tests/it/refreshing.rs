//! `collect --refresh` finds rows that came late or vanished, leaves alone what cannot be recounted, and loses nothing.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod any_rows;
mod mailed;
mod program;

use std::time::Duration;

use chrono::NaiveDate;
use daybook::entry::Value;
use daybook::nightly::{Change, DayDone, Night, Orders, Which};
use serde_json::{Value as Json, json};

use crate::world::{App, World, date};

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.orders]
    name = "orders"
    created_at = "placed"

    [tables.visits]
    name = "visits"
    created_at = "at"

    [[metrics]]
    key = "orders"
    table = "orders"
    count = "*"
    history = "event"

    [[metrics]]
    key = "pieces"
    table = "orders"
    sum = "pieces"
    history = "event"

    [[metrics]]
    key = "kinds"
    table = "orders"
    count = "*"
    by = { column = "kind" }
    history = "event"

    [[metrics]]
    key = "kept"
    table = "orders"
    count = "*"
    where = "kept"
    history = "survivors"

    [[metrics]]
    key = "waiting"
    table = "orders"
    count = "*"
    where = "waiting"

    [[metrics]]
    key = "visits"
    table = "visits"
    count = "*"

    [[metrics]]
    key = "pieces_per_order"
    ratio = { of = "pieces", per = "orders" }

    [[metrics]]
    key = "kept_pct"
    percent = { of = "kept", in = "orders" }
"#;

/// 1 to 3 October were counted in time; now it is the morning of 4 October. Each day has two orders and a visit.
async fn three_nights() -> (World, App) {
    let mut world = World::new("2025-10-01T06:00:00Z", SETTINGS);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE orders (placed TEXT, pieces INTEGER, kind TEXT, kept BOOLEAN, waiting BOOLEAN);
         CREATE TABLE visits (at TEXT);",
    )
    .await;
    for day in ["2025-10-01", "2025-10-02", "2025-10-03"] {
        app.execute(&format!(
            "INSERT INTO orders VALUES ('{day} 10:00:00', 1, 'book', 1, 1), ('{day} 11:00:00', 2, 'lamp', 1, 0);
             INSERT INTO visits VALUES ('{day} 10:00:00');"
        ))
        .await;
        let night = date(day).succ_opt().unwrap();
        world.at(&format!("{night}T06:00:00Z"));
        world.night(Which::One(date(day))).await;
    }
    (world, app)
}

fn refresh(days: u32) -> Which {
    Which::Refresh { days, with: None }
}

fn changes(night: &Night) -> Vec<(String, Vec<Change>)> {
    let refreshed = |day: &DayDone| Some((day.date.to_string(), day.changes.clone()?));
    night.days.iter().filter_map(refreshed).collect()
}

fn whole(key: &str, was: i64, now: i64) -> Change {
    Change {
        key: key.to_owned(),
        was: Some(Value::Whole(was)),
        now: Some(Value::Whole(now)),
    }
}

/// All values of a stored day.
async fn stored(world: &World, date: NaiveDate) -> Json {
    let sql = format!("SELECT metrics FROM daily_metrics WHERE collection_date = '{date}'");
    let text = world.book(&sql).await[0][0].clone().unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_row_that_came_late_is_found_in_its_day_and_those_after_it() {
    let (world, app) = three_nights().await;
    app.execute("INSERT INTO visits VALUES ('2025-10-02 23:00:00')")
        .await;
    // 01:00 of 3 October in Zurich: the third day's, not the second's.
    let night = world.night(refresh(3)).await;
    assert_eq!(
        changes(&night),
        [
            ("2025-10-01".to_owned(), vec![]),
            ("2025-10-02".to_owned(), vec![]),
            ("2025-10-03".to_owned(), vec![whole("visits", 3, 4)]),
        ]
    );
    assert_eq!(world.value("2025-10-02", "visits").await, json!(2));
    assert_eq!(world.value("2025-10-03", "visits").await, json!(4));
    let again = world.night(refresh(3)).await;
    assert!(
        changes(&again)
            .iter()
            .all(|(_, changes)| changes.is_empty())
    );
}

#[tokio::test]
async fn rows_that_vanished_are_found_and_what_is_made_of_them_is_made_anew() {
    let (world, app) = three_nights().await;
    app.execute("DELETE FROM orders WHERE placed = '2025-10-01 11:00:00'")
        .await;
    world.night(refresh(3)).await;
    let kinds = json!([
        { "key": "book", "label": "book", "count": 2 },
        { "key": "lamp", "label": "lamp", "count": 1 },
    ]);
    assert_eq!(world.value("2025-10-02", "orders").await, json!(3));
    assert_eq!(world.value("2025-10-02", "pieces").await, json!(4));
    assert_eq!(world.value("2025-10-02", "kinds").await, kinds);
    assert_eq!(
        world.value("2025-10-02", "pieces_per_order").await,
        json!(1.33)
    );
    // Four survivors were counted in time, and now there are three orders: the book knows no better.
    assert_eq!(world.value("2025-10-02", "kept").await, json!(4));
    assert_eq!(world.value("2025-10-02", "kept_pct").await, json!(133.33));
}

#[tokio::test]
async fn survivors_and_changing_columns_stay_as_they_were_counted() {
    let (world, app) = three_nights().await;
    let before = stored(&world, date("2025-10-03")).await;
    let frame = "SELECT revision, collected_at, as_of, provenance FROM daily_metrics";
    let rows = world.book(frame).await;
    app.execute("UPDATE orders SET kept = 0, waiting = 1").await;
    let night = world.night(refresh(3)).await;
    assert!(night.days.iter().all(|day| day.entry.is_none()));
    assert_eq!(stored(&world, date("2025-10-03")).await, before);
    assert_eq!(world.book(frame).await, rows);
}

#[tokio::test]
async fn a_table_that_fails_loses_nothing_and_the_others_are_refreshed() {
    let (world, app) = three_nights().await;
    app.execute("DELETE FROM orders WHERE pieces = 2; ALTER TABLE visits RENAME TO visits_away;")
        .await;
    let night = world.night(refresh(2)).await;
    for day in &night.days {
        let failed: Vec<&str> = day.failed.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(failed, ["visits"], "{}", day.date);
    }
    assert_eq!(world.value("2025-10-03", "visits").await, json!(3));
    assert_eq!(world.value("2025-10-03", "orders").await, json!(3));
    assert_eq!(world.value("2025-10-01", "orders").await, json!(2));
    let ended = world.command(&["collect", "--refresh", "2"]).await.unwrap();
    assert_eq!(ended, daybook::commands::Ended::Incomplete);
}

#[tokio::test]
async fn days_that_are_open_missing_or_of_another_zone_are_skipped_and_said() {
    let (mut world, app) = three_nights().await;
    world.night(Which::One(date("2025-10-04"))).await;
    world
        .meddle("DELETE FROM daily_metrics WHERE collection_date = '2025-10-02'")
        .await;
    world.meddle("UPDATE daily_metrics SET time_zone = 'Asia/Tokyo', day_start = '2025-09-30T15:00:00Z' WHERE collection_date = '2025-10-01'")
        .await;
    app.execute("DELETE FROM visits").await;
    world.at("2025-10-05T06:00:00Z");
    let night = world.night(refresh(30)).await;
    let skipped: Vec<String> = night
        .skipped
        .iter()
        .map(|(date, why)| format!("{date} {why}"))
        .collect();
    assert_eq!(
        skipped,
        [
            "2025-10-01 it was counted in Asia/Tokyo, and begins or ends at another time in Europe/Zurich; recount it with --force",
            "2025-10-02 it is not stored yet; collect it with --catch-up",
            "2025-10-04 it was counted while still open; complete it with --catch-up",
        ]
    );
    assert_eq!(
        changes(&night),
        [("2025-10-03".to_owned(), vec![whole("visits", 3, 0)])]
    );
}

#[tokio::test]
async fn a_refresh_before_a_day_leaves_the_day_to_be_collected_last() {
    let (mut world, app) = three_nights().await;
    app.execute("INSERT INTO visits VALUES ('2025-10-01 09:00:00'), ('2025-10-04 09:00:00')")
        .await;
    world.at("2025-10-05T06:00:00Z");
    let with = Some(date("2025-10-04"));
    let night = world.night(Which::Refresh { days: 2, with }).await;
    let days: Vec<String> = night.days.iter().map(|day| day.date.to_string()).collect();
    assert_eq!(days, ["2025-10-02", "2025-10-03", "2025-10-04"]);
    assert_eq!(world.value("2025-10-01", "visits").await, json!(1));
    assert_eq!(world.value("2025-10-02", "visits").await, json!(3));
    assert_eq!(world.value("2025-10-04", "visits").await, json!(5));
    assert!(night.days[2].changes.is_none());
}

#[tokio::test]
async fn without_a_book_there_is_nothing_to_refresh() {
    let (mut world, _) = three_nights().await;
    world.forget_book();
    world.at("2025-10-05T06:00:00Z");
    let night = world.night(refresh(7)).await;
    assert!(night.days.is_empty() && night.skipped.is_empty());
}

#[tokio::test]
async fn a_rehearsed_refresh_shows_what_would_change_and_changes_nothing() {
    let (world, app) = three_nights().await;
    app.execute("DELETE FROM visits WHERE at > '2025-10-03'")
        .await;
    let orders = Orders {
        which: refresh(3),
        metric: None,
        force: false,
        dry_run: true,
        send: false,
        retry_for: Duration::ZERO,
    };
    let before = world.book("SELECT * FROM daily_metrics, runs").await;
    let night = world.ordered(&orders).await.unwrap();
    assert_eq!(changes(&night)[2].1, [whole("visits", 3, 2)]);
    assert_eq!(
        world.book("SELECT * FROM daily_metrics, runs").await,
        before
    );
}

/// The shop is away, whose orders are refreshed; what the other database has is no worse for it.
#[tokio::test]
async fn a_database_that_only_the_refresh_needs_does_not_keep_the_day_from_being_collected() {
    let settings = r#"
        [app]
        database_url = "sqlite:app.db"

        [apps.shop]
        database_url = "sqlite:shop.db"

        [tables.users]
        name = "users"

        [tables.orders]
        name = "orders"
        database = "shop"
        created_at = "placed"

        [[metrics]]
        key = "active"
        table = "users"
        count = "*"
        where = "active"

        [[metrics]]
        key = "orders"
        table = "orders"
        count = "*"
        history = "event"
    "#;
    let mut world = World::new("2025-10-04T06:00:00Z", settings);
    let (app, shop) = (world.sqlite("app.db").await, world.sqlite("shop.db").await);
    app.execute("CREATE TABLE users (active BOOLEAN); INSERT INTO users VALUES (1)")
        .await;
    shop.execute(
        "CREATE TABLE orders (placed TEXT); INSERT INTO orders VALUES ('2025-10-02 10:00:00')",
    )
    .await;
    world.night(Which::One(date("2025-10-03"))).await;
    std::fs::remove_file(world.path("shop.db")).unwrap();
    world.at("2025-10-05T06:00:00Z");
    let with = Some(date("2025-10-04"));
    let night = world.night(Which::Refresh { days: 7, with }).await;
    let away: Vec<&str> = night
        .unreachable
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(away, ["shop"]);
    assert_eq!(world.value("2025-10-03", "orders").await, json!(1));
    assert_eq!(world.value("2025-10-04", "active").await, json!(1));
}

#[tokio::test]
async fn a_metric_under_a_new_name_is_compared_with_what_it_was_called() {
    let (world, app) = three_nights().await;
    let renamed = SETTINGS
        .replace("key = \"visits\"", "key = \"calls\"\nwas = \"visits\"")
        .replace("key = \"waiting\"", "key = \"queued\"\nwas = \"waiting\"");
    world.write("daybook.toml", &renamed);
    app.execute("INSERT INTO visits VALUES ('2025-10-03 12:00:00')")
        .await;
    let night = world.night(refresh(3)).await;
    assert_eq!(changes(&night)[1].1, []);
    assert_eq!(changes(&night)[2].1, [whole("calls", 3, 4)]);
    let third = stored(&world, date("2025-10-03")).await;
    assert_eq!((&third["calls"], &third["visits"]), (&json!(4), &json!(3)));
    assert_eq!((&third["waiting"], third.get("queued")), (&json!(3), None));
}

#[tokio::test]
async fn the_list_of_runs_names_the_days_that_changed() {
    let (world, app) = three_nights().await;
    app.execute("DELETE FROM visits WHERE at > '2025-10-02'")
        .await;
    world.night(refresh(3)).await;
    world.night(refresh(3)).await;
    let runs = "SELECT outcome, days, first_date, last_date FROM runs ORDER BY id DESC LIMIT 2";
    let cell = |text: &str| Some(text.to_owned());
    assert_eq!(
        world.book(runs).await,
        [
            [cell("nothing"), cell("0"), None, None],
            [
                cell("stored"),
                cell("2"),
                cell("2025-10-02"),
                cell("2025-10-03")
            ],
        ]
    );
}
