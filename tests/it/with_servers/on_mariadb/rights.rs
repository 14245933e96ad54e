//! Reading is all that Daybook needs of MariaDB, and all that it does.

use daybook::nightly::Which;
use serde_json::json;

use crate::beryl;
use crate::mariadb::{as_user, database, grant, mysql};
use crate::one_snapshot::linked_counts_add_up;
use crate::world::{World, date};
use support::original::the_originals_table_is_taken_over_without_what_it_got_wrong;

#[tokio::test]
async fn an_account_that_may_only_read_is_enough_for_all_of_beryls_numbers() {
    let app = database().await;
    beryl::fill(&app).await;
    grant(&app, "only_reads", "SELECT ON HERE.*").await;
    let mut world = World::new("2025-11-15T06:00:00Z", beryl::SETTINGS);
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        &as_user(&app, "only_reads").url(),
    );
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
async fn even_an_account_that_may_do_everything_writes_nothing() {
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
        sql = "DELETE FROM users RETURNING id"

        [[metrics]]
        key = "drawn"
        sql = "SELECT nextval(numbers)"

        [[metrics]]
        key = "made"
        sql = "CREATE TABLE others AS SELECT 1 AS id"
    "#;
    let app = database().await;
    app.execute("CREATE TABLE users (id int); INSERT INTO users VALUES (1)")
        .await;
    if mysql().is_none() {
        app.execute("CREATE SEQUENCE numbers").await;
    }
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(world.value("2025-10-02", "users").await, json!(1));
    for key in ["inserted", "deleted", "drawn", "made"] {
        let provenance = world.provenance("2025-10-02", key).await;
        assert_eq!(provenance["kind"], "failed", "{key}");
        let reason = provenance["reason"].to_string();
        let expected = match key {
            // MySQL has no sequences.
            "drawn" if mysql().is_some() => "",
            "drawn" => "Cannot execute statement in a READ ONLY transaction",
            // Only a query can be part of a query.
            _ => "You have an error in your SQL syntax",
        };
        assert!(reason.contains(expected), "{key}: {reason}");
    }
    let still = "SELECT count(*) FROM users WHERE id = 1";
    assert_eq!(app.number(still).await, Some(1.into()));
    let drawn = match mysql() {
        Some(_) => "SELECT 1",
        None => "SELECT next_not_cached_value FROM numbers",
    };
    assert_eq!(app.number(drawn).await, Some(1.into()));
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()";
    let tables = app.number(tables).await;
    assert_eq!(tables, Some(if mysql().is_some() { 1 } else { 2 }.into()));
}

#[tokio::test]
async fn linked_counts_add_up_while_the_application_writes_to_mariadb() {
    linked_counts_add_up(&database().await).await;
}

#[tokio::test]
async fn the_originals_table_on_mariadb() {
    the_originals_table_is_taken_over_without_what_it_got_wrong(database().await).await;
}
