//! Reading is all that Daybook needs, and all that it does.

use daybook::nightly::Which;
use serde_json::json;

use crate::beryl;
use crate::postgres::{as_role, database};
use crate::world::{World, date};

#[tokio::test]
async fn a_role_that_may_only_read_is_enough_for_all_of_beryls_numbers() {
    let app = database().await;
    beryl::fill(&app).await;
    app.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        .await;
    let mut world = World::new("2025-11-15T06:00:00Z", beryl::SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &as_role(&app, "reader").url());
    let night = world.night(Which::One(date("2025-11-14"))).await;
    let entry = night.days[0].entry.as_ref().expect("an entry");
    assert_eq!(entry.failures().count(), 0);
    let known = entry
        .readings
        .values()
        .filter(|reading| reading.value.is_some());
    // 59, three hidden counts of items, and the two halves of each of two averages.
    assert_eq!(known.count(), 59 + 3 + 4);
}

#[tokio::test]
async fn even_a_role_that_may_do_everything_writes_nothing() {
    const SETTINGS: &str = r#"
        [tables.users]
        name = "users"

        [[metrics]]
        key = "users"
        table = "users"
        count = "*"

        [[metrics]]
        key = "inserted"
        sql = "INSERT INTO users VALUES (2) RETURNING id"

        [[metrics]]
        key = "deleted"
        sql = "WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone"

        [[metrics]]
        key = "drawn"
        sql = "SELECT nextval('numbers')"

        [[metrics]]
        key = "unlocked"
        sql = "SELECT length(set_config('transaction_read_only', 'off', false))"
    "#;
    let app = database().await;
    app.execute(
        "CREATE TABLE users (id int); INSERT INTO users VALUES (1); CREATE SEQUENCE numbers",
    )
    .await;
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "users").await, json!(1));
    // Only a query can be part of a query, and one that changes something stands at the top alone.
    for (key, expected) in [
        ("inserted", "syntax error"),
        ("deleted", "must be at the top level"),
        ("drawn", "read-only transaction"),
        ("unlocked", "read-write mode"),
    ] {
        let provenance = world.provenance("2025-10-02", key).await;
        assert_eq!(provenance["kind"], "failed", "{key}");
        let reason = provenance["reason"].to_string();
        assert!(reason.contains(expected), "{key}: {reason}");
    }
    let still = "SELECT count(*) FROM users WHERE id = 1";
    assert_eq!(app.number(still).await, Some(1.into()));
    let drawn = "SELECT count(*) FROM numbers WHERE is_called";
    assert_eq!(app.number(drawn).await, Some(0.into()));
}

#[tokio::test]
async fn a_table_that_may_not_be_read_fails_only_its_own_metrics() {
    const SETTINGS: &str = r#"
        [tables.users]
        name = "users"
        created_at = "joined"

        [tables.secrets]
        name = "secrets"
        created_at = "made"

        [[metrics]]
        key = "users"
        table = "users"
        count = "*"

        [[metrics]]
        key = "secrets"
        table = "secrets"
        count = "*"
    "#;
    let app = database().await;
    app.execute(
        "CREATE TABLE users (joined text); INSERT INTO users VALUES ('2025-10-01T12:00:00Z');
         CREATE TABLE secrets (made text); CREATE ROLE archivist LOGIN; GRANT SELECT ON users TO archivist",
    )
    .await;
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        &as_role(&app, "archivist").url(),
    );
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "users").await, json!(1));
    let provenance = world.provenance("2025-10-02", "secrets").await;
    assert_eq!(provenance["reason"], "permission denied for table secrets");
}
