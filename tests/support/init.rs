//! Schemas to propose settings for, and what must be true of those.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod known_schemas;

use std::path::Path;

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::json;

use crate::world::{App, World, date};

pub const SHOP: (&str, &str) = (
    include_str!("init/shop.sql"),
    include_str!("init/shop_rows.sql"),
);
pub const FORUM: (&str, &str) = (
    include_str!("init/forum.sql"),
    include_str!("init/forum_rows.sql"),
);

/// A folder with a database and nothing else.
pub async fn bare() -> (World, App) {
    let mut world = World::new("2025-10-03T06:00:00Z", "");
    std::fs::remove_file(world.path("daybook.toml")).unwrap();
    let app = world.sqlite("app.db").await;
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:app.db");
    (world, app)
}

pub async fn fill(app: &App, (tables, rows): (&str, &str)) {
    let types = match app {
        App::Sqlite(_) => [
            ("$id", "integer NOT NULL PRIMARY KEY"),
            ("$time", "datetime"),
            ("$moment", "timestamp"),
            ("$flag", "tinyint(1)"),
            ("$bytes", "blob"),
            (
                "$rating",
                "text CHECK (rating IN ('G', 'PG', 'PG-13', 'R', 'NC-17'))",
            ),
            ("$partitioned", ""),
        ],
        App::Postgres(_) => [
            ("$id", "integer NOT NULL PRIMARY KEY"),
            ("$time", "timestamp"),
            ("$moment", "timestamptz"),
            ("$flag", "smallint"),
            ("$bytes", "bytea"),
            ("$rating", "mpaa_rating"),
            ("$partitioned", " PARTITION BY RANGE (payment_date)"),
        ],
        App::Mysql(_) => [
            ("$id", "integer NOT NULL PRIMARY KEY"),
            ("$time", "datetime"),
            ("$moment", "datetime"),
            ("$flag", "tinyint(1)"),
            ("$bytes", "blob"),
            ("$rating", "enum('G', 'PG', 'PG-13', 'R', 'NC-17')"),
            ("$partitioned", ""),
        ],
    };
    let named = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    app.execute(&types.iter().fold(tables.to_owned(), named))
        .await;
    app.execute(rows).await;
}

pub async fn shop(app: &App) {
    fill(app, SHOP).await;
}

pub async fn forum(app: &App) {
    fill(app, FORUM).await;
}

/// What `init` writes; it is sound as it is.
pub async fn proposed(world: &World) -> String {
    let ended = world.command(&["init"]).await;
    assert_eq!(ended.unwrap_or_else(|error| panic!("{error}")), Ended::Done);
    world.config();
    std::fs::read_to_string(world.path("daybook.toml")).unwrap()
}

/// The stored settings; written anew with `DAYBOOK_WRITE_GOLDEN=1`.
pub fn is_as_stored(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("init")
        .join(name);
    if std::env::var_os("DAYBOOK_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text, stored,
        "{name}: write it anew with DAYBOOK_WRITE_GOLDEN=1 and read the change"
    );
}

/// Yesterday is counted without a failure.
pub async fn collects(world: &World) {
    let night = world.night(Which::One(date("2025-10-02"))).await;
    let entry = night.days[0].entry.as_ref().unwrap();
    let failures: Vec<_> = entry.failures().collect();
    assert!(failures.is_empty(), "{failures:?}");
}

/// Counted by hand from the few rows there are.
pub async fn shops_numbers(world: &World) {
    for (key, expected) in [
        ("total_customers", json!(3)),
        ("new_customers_24h", json!(1)),
        ("new_customers_30d", json!(2)),
        ("new_orders_24h", json!(1)),
        ("new_orders_7d", json!(2)),
        ("orders_total_24h", json!(19.9)),
        ("orders_total_7d", json!(120)),
        ("customers_newsletter", json!(2)),
        ("total_reviews", json!(0)),
    ] {
        assert_eq!(world.value("2025-10-02", key).await, expected, "{key}");
    }
}

pub async fn forums_numbers(world: &World) {
    for (key, expected) in [
        ("total_users", json!(2)),
        ("new_users_24h", json!(1)),
        ("active_users_24h", json!(1)),
        ("new_posts_24h", json!(1)),
        ("new_posts_30d", json!(2)),
        ("total_posts", json!(2)),
        ("posts_reported", json!(1)),
        ("total_privmsgs", json!(0)),
    ] {
        assert_eq!(world.value("2025-10-02", key).await, expected, "{key}");
    }
}

/// A name that nobody knows; the database fills it in.
pub async fn a_default_tells_when_rows_began(world: &World, app: &App) {
    let (time, changed) = match app {
        App::Sqlite(_) => ("text", "text"),
        App::Postgres(_) => ("timestamptz", "timestamptz DEFAULT '2025-01-01'"),
        App::Mysql(_) => (
            "datetime",
            "timestamp DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
        ),
    };
    app.execute(&format!(
        "CREATE TABLE dinge (id int, zuletzt {changed}, wann {time} DEFAULT CURRENT_TIMESTAMP);
         INSERT INTO dinge (id) VALUES (1);"
    ))
    .await;
    let text = proposed(world).await;
    assert!(text.contains("created_at = \"wann\""), "{text}");
    collects(world).await;
    assert_eq!(world.value("2025-10-02", "total_dinges").await, json!(0));
}
