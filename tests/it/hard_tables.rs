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

const OWNED: &str = r#"
    [tables.owners]
    name = "owners"
    created_at = "created"
    where = "NOT gone"

    [tables.things]
    name = "things"
    created_at = "created"
    belongs_to = [{ table = "owners", column = "owner", key = "name" }]

    [[metrics]]
    key = "things"
    table = "things"
    count = "*"
    history = "event"

    [[metrics]]
    key = "owners_of_things"
    table = "things"
    distinct = "owner"
    history = "event"

    [[metrics]]
    key = "things_by_kind"
    table = "things"
    count = "*"
    history = "event"
    by = { column = "kind" }
"#;

/// One key takes `abc` and `ABC` for the same, the other does not.
#[tokio::test]
async fn a_row_finds_its_parent_in_sqlite_by_the_rules_of_the_parents_key() {
    for (key, column, owners, things) in [
        (
            "TEXT COLLATE NOCASE",
            "TEXT",
            "('abc', 1), ('def', 0)",
            ["abc", "ABC", "def", "DEF"],
        ),
        (
            "TEXT",
            "TEXT COLLATE NOCASE",
            "('abc', 1), ('ABC', 0), ('def', 0)",
            ["abc", "ABC", "ABC", "def"],
        ),
    ] {
        let rows = things.map(|owner| format!("('{owner}', 'a', '2025-10-01 10:00:00')"));
        let schema = format!(
            "CREATE TABLE owners (name {key} PRIMARY KEY, gone INTEGER, created TEXT NOT NULL DEFAULT '2025-10-01 09:00:00');
             CREATE TABLE things (owner {column} REFERENCES owners (name), kind TEXT, created TEXT NOT NULL);
             CREATE INDEX owned ON things (owner);
             CREATE INDEX kinds ON things (kind);
             INSERT INTO owners (name, gone) VALUES {owners};
             INSERT INTO things VALUES {};",
            rows.join(", ")
        );
        let world = world("2025-10-04T06:00:00Z", &schema, OWNED).await;
        let app = App::Sqlite(world.path("app.db"));
        let live = "FROM things JOIN owners ON owners.name = things.owner WHERE NOT owners.gone";
        let count = app
            .number(&format!("SELECT count(*) {live}"))
            .await
            .unwrap();
        let owners = app
            .number(&format!("SELECT count(DISTINCT owner) {live}"))
            .await
            .unwrap();
        world.night(Which::One(date("2025-10-03"))).await;
        world
            .night(Which::Range(date("2025-10-01"), date("2025-10-02")))
            .await;
        for day in ["2025-10-03", "2025-10-02"] {
            let found = ["things", "owners_of_things", "things_by_kind"];
            let found = found.map(|key| world.value(day, key));
            let [things, of_things, by_kind] = found;
            assert_eq!(things.await.to_string(), count.to_string(), "{key}, {day}");
            assert_eq!(
                of_things.await.to_string(),
                owners.to_string(),
                "{key}, {day}"
            );
            assert_eq!(
                by_kind.await[0]["count"].to_string(),
                count.to_string(),
                "{key}, {day}"
            );
        }
    }
}

#[tokio::test]
async fn values_that_a_column_in_sqlite_holds_for_equal_are_told_apart() {
    let schema = "CREATE TABLE orders (state TEXT COLLATE NOCASE, created TEXT NOT NULL);
        CREATE INDEX states ON orders (state);
        INSERT INTO orders VALUES ('Open', '2025-10-01 10:00:00'), ('open', '2025-10-01 10:00:00'), ('Open', '2025-10-01 10:00:00'),
            ('lost', '2025-10-01 10:00:00');";
    let catalog = r#"
        [tables.orders]
        name = "orders"
        created_at = "created"
        [[metrics]]
        key = "by_split"
        table = "orders"
        count = "*"
        history = "event"
        split = { column = "state", into = { open = "open" }, rest = "others" }
        [[metrics]]
        key = "states"
        table = "orders"
        distinct = "state"
        history = "event"
        [[metrics]]
        key = "by_state"
        table = "orders"
        count = "*"
        history = "event"
        by = { column = "state" }
    "#;
    let world = world("2025-10-04T06:00:00Z", schema, catalog).await;
    world.night(Which::One(date("2025-10-03"))).await;
    world
        .night(Which::Range(date("2025-10-01"), date("2025-10-02")))
        .await;
    for day in ["2025-10-03", "2025-10-02"] {
        for (key, expected) in [("open", 1), ("others", 3), ("states", 3)] {
            assert_eq!(world.value(day, key).await, json!(expected), "{key}, {day}");
        }
        let part = |key, count| json!({ "key": key, "label": key, "count": count });
        assert_eq!(
            world.value(day, "by_state").await,
            json!([part("Open", 2), part("lost", 1), part("open", 1)]),
            "{day}"
        );
    }
}
