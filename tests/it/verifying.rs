//! `verify` finds what differs from the book, excuses what may differ, and writes nothing.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::{Value as Json, json};

use crate::world::{App, World, date};

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.orders]
    name = "orders"
    created_at = "placed"

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
    key = "pieces_per_order"
    ratio = { of = "pieces", per = "orders" }
"#;

/// Three orders on 2 October, counted the night after, looked at again a month later.
async fn world() -> (World, App) {
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE orders (placed TEXT, pieces INTEGER, kept BOOLEAN, waiting BOOLEAN);
         INSERT INTO orders VALUES ('2025-10-02 10:00:00', 1, 1, 1), ('2025-10-02 11:00:00', 2, 1, 0), ('2025-10-02 12:00:00', 3, 1, 0);",
    )
    .await;
    world.night(Which::One(date("2025-10-02"))).await;
    world.at("2025-11-03T06:00:00Z");
    (world, app)
}

fn verdicts(world: &World) -> (Option<i32>, Json) {
    let output = world.binary(&["verify", "--date", "2025-10-02", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let metrics = told["metrics"].as_array().unwrap().iter();
    let each =
        metrics.map(|one| json!([one["key"], one["verdict"], one["stored"], one["counted"]]));
    (output.status.code(), each.collect())
}

#[tokio::test]
async fn a_day_whose_rows_stayed_agrees_and_nothing_is_written() {
    let (world, _) = world().await;
    let before = world.book("SELECT * FROM daily_metrics").await;
    let expected = json!([
        ["orders", "equal", 3, 3],
        ["pieces", "equal", 6, 6],
        ["kept", "equal", 3, 3],
        ["waiting", "unavailable", 1, null],
        ["pieces_per_order", "equal", 2.0, 2.0],
    ]);
    assert_eq!(verdicts(&world), (Some(0), expected));
    assert_eq!(world.book("SELECT * FROM daily_metrics").await, before);
    assert_eq!(world.command(&["verify"]).await.unwrap(), Ended::Done);
}

#[tokio::test]
async fn late_rows_differ_and_lost_survivors_are_excused() {
    let (world, app) = world().await;
    app.execute("INSERT INTO orders VALUES ('2025-10-02 13:00:00', 6, 0, 0)")
        .await;
    app.execute("UPDATE orders SET kept = 0 WHERE pieces = 1")
        .await;
    let expected = json!([
        ["orders", "differs", 3, 4],
        ["pieces", "differs", 6, 12],
        ["kept", "moved", 3, 2],
        ["waiting", "unavailable", 1, null],
        ["pieces_per_order", "differs", 2.0, 3.0],
    ]);
    assert_eq!(verdicts(&world), (Some(1), expected));
}

#[tokio::test]
async fn a_metric_that_fails_and_a_database_that_is_away_are_told_apart() {
    let (mut world, app) = world().await;
    app.execute("ALTER TABLE orders DROP COLUMN pieces").await;
    let (code, told) = verdicts(&world);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(told[0], json!(["orders", "equal", 3, 3]));
    assert_eq!(told[1], json!(["pieces", "failed", 6, null]));
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    let output = world.binary(&["verify"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
}

#[tokio::test]
async fn a_day_that_is_not_over_is_refused() {
    let (world, _) = world().await;
    let refused = world.command(&["verify", "--date", "today"]).await;
    assert_eq!(refused.unwrap_err().exit_code(), 2);
}

/// It is still that evening in New York when the order comes.
#[tokio::test]
async fn a_day_of_another_zone_is_held_against_itself() {
    let (world, app) = world().await;
    app.execute("INSERT INTO orders VALUES ('2025-10-03 01:00:00', 7, 1, 0)")
        .await;
    let elsewhere = format!("time_zone = \"America/New_York\"\n{SETTINGS}");
    world.write("daybook.toml", &elsewhere);
    let ended = world.command(&["verify", "--date", "2025-10-02"]).await;
    assert_eq!(ended.unwrap(), Ended::Done);
}

#[tokio::test]
async fn an_unreachable_database_is_one_error_and_no_table() {
    let (mut world, _app) = world().await;
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        "postgres://reader@127.0.0.1:1/shop",
    );
    world.set("DAYBOOK_RETRY_FOR", "0");
    let ended = world.binary(&["verify", "--date", "2025-10-02"]);
    assert_eq!(ended.status.code(), Some(69));
    assert_eq!(ended.stdout, b"");
    let message = String::from_utf8(ended.stderr).unwrap();
    assert!(
        message.contains("the app database is unavailable: "),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}
