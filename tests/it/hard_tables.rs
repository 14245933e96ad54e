//! Tables that are awkward to count are counted right, or say why not, and never spoil the others.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::nightly::Which;
use serde_json::json;

use crate::one_snapshot;
use crate::world::{App, World, date};

async fn world(now: &str, schema: &str, catalog: &str) -> World {
    let settings = format!("[app]\ndatabase_url = \"sqlite:app.db\"\n{catalog}");
    let world = World::new(now, &settings);
    world.sqlite("app.db").await.execute(schema).await;
    world
}

async fn failure(world: &World, day: &str, key: &str) -> String {
    let provenance = world.provenance(day, key).await;
    assert_eq!(provenance["kind"], "failed", "{key}");
    provenance["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn linked_counts_add_up_while_the_application_writes() {
    let folder = tempfile::tempdir().unwrap();
    one_snapshot::linked_counts_add_up(&App::Sqlite(folder.path().join("app.db"))).await;
}

#[tokio::test]
async fn a_range_counts_rows_that_were_born_and_ended_at_a_quarter_of_a_million_different_times() {
    // One row a minute for 250,000 minutes from 1 April 2025 on; every row lives for 30 days and a
    // number of hours that differs from row to row.
    let schema = "CREATE TABLE rooms (born INTEGER NOT NULL, ended INTEGER);
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249999)
        INSERT INTO rooms SELECT 1743465600 + i * 60, 1743465600 + i * 60 + 2592000 + (i * 7919 % 700) * 3600 FROM n;";
    let world = world(
        "2025-10-10T06:00:00Z",
        schema,
        r#"
        [tables.rooms]
        name = "rooms"
        time = "epoch_s"
        created_at = "born"
        deleted_at = "ended"

        [[metrics]]
        key = "rooms"
        table = "rooms"
        count = "*"
        "#,
    )
    .await;
    world
        .night(Which::Range(date("2025-04-20"), date("2025-09-20")))
        .await;
    // Midnights in Zurich, as seconds.
    for (day, end) in [
        ("2025-04-20", 1_745_186_400),
        ("2025-06-30", 1_751_320_800),
        ("2025-09-20", 1_758_405_600),
    ] {
        let alive = format!("SELECT count(*) FROM rooms WHERE born < {end} AND ended >= {end}");
        let expected = App::Sqlite(world.path("app.db"))
            .number(&alive)
            .await
            .unwrap();
        assert_eq!(
            world.value(day, "rooms").await.to_string(),
            expected.to_string(),
            "{day}"
        );
    }
}

#[tokio::test]
async fn text_times_of_another_offset_fail_their_metric_and_no_other() {
    let schema = "CREATE TABLE users (joined TEXT); CREATE TABLE scans (at TEXT);
        INSERT INTO users VALUES ('2025-10-02 21:59:59.5+00:00'), ('2025-10-02 22:00:00+00:00');
        INSERT INTO scans VALUES ('2025-10-02 21:59:59+00:00'), ('2025-10-02 23:30:00.123+02:00');";
    let catalog = r#"
        [tables.users]
        name = "users"
        created_at = "joined"
        [tables.scans]
        name = "scans"
        created_at = "at"
        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
        [[metrics]]
        key = "scans"
        table = "scans"
        count = "*"
    "#;
    let world = world("2025-10-03T06:00:00Z", schema, catalog).await;
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "users").await, json!(1));
    let reason = failure(&world, "2025-10-02", "scans").await;
    assert!(
        reason.starts_with("1 rows hold times of another text form"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_missing_column_fails_its_metrics_and_the_next_collection_refills_them() {
    let schema = "CREATE TABLE users (id INTEGER, joined TEXT); INSERT INTO users VALUES (1, '2025-10-01 12:00:00');";
    let catalog = r#"
        [tables.users]
        name = "users"
        created_at = "joined"
        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
        [[metrics]]
        key = "banned"
        table = "users"
        count = "*"
        where = "is_banned"
        [[metrics]]
        key = "written"
        sql = "DELETE FROM users RETURNING id"
    "#;
    let world = world("2025-10-03T06:00:00Z", schema, catalog).await;
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "users").await, json!(1));
    assert!(
        failure(&world, "2025-10-02", "banned")
            .await
            .contains("is_banned")
    );
    let refused = failure(&world, "2025-10-02", "written").await;
    assert!(refused.contains("syntax error"), "{refused}");

    let app = App::Sqlite(world.path("app.db"));
    app.execute("ALTER TABLE users ADD COLUMN is_banned BOOLEAN NOT NULL DEFAULT TRUE")
        .await;
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "banned").await, json!(1));
    assert_eq!(
        app.number("SELECT count(*) FROM users").await,
        Some(1.into())
    );
}

#[tokio::test]
async fn an_empty_text_is_a_part_with_a_name() {
    let schema = "CREATE TABLE posts (mime TEXT); INSERT INTO posts VALUES (''), (''), ('image/png'), (NULL);";
    let catalog = r#"
        [tables.posts]
        name = "posts"
        [[metrics]]
        key = "by_mime"
        table = "posts"
        count = "*"
        by = { column = "mime" }
    "#;
    let world = world("2025-10-02T23:00:00Z", schema, catalog).await;
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(
        world.value("2025-10-02", "by_mime").await,
        json!([
            {"key": "", "label": "\"\"", "count": 2},
            {"key": "image/png", "label": "image/png", "count": 1},
            {"none": true, "count": 1}
        ])
    );
}
