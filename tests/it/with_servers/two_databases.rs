//! One catalog over a SQLite and a PostgreSQL database: each fails by itself.

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::{Value as Json, json};

use crate::postgres::database;
use crate::world::{World, date};

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [collect]
    retry_for = "0s"

    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.orders]
    name = "users"
    database = "shop"
    created_at = "joined"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "orders"
    table = "orders"
    count = "*"

    [[metrics]]
    key = "orders_that_day"
    database = "shop"
    sql = "SELECT count(*) FROM users WHERE joined >= :day_start AND joined < :as_of"

    [[metrics]]
    key = "orders_per_user"
    ratio = { of = "orders", per = "users" }
"#;

#[tokio::test]
async fn numbers_of_two_databases_meet_in_one_entry_and_fail_apart() {
    let shop = database().await;
    shop.execute(
        "CREATE TABLE users (joined timestamptz NOT NULL); INSERT INTO users VALUES
            ('2025-10-01 21:59:59.999999Z'), ('2025-10-01 22:00Z'), ('2025-10-02 21:59:59.999999Z'), ('2025-10-02 22:00Z')",
    )
    .await;
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (joined TEXT); INSERT INTO users VALUES ('2025-10-01T12:00:00Z'), ('2025-10-02T12:00:00.25Z')")
        .await;
    world.set("DAYBOOK_APP_SHOP_DATABASE_URL", &shop.url());
    world.night(Which::One(date("2025-10-02"))).await;
    let expected = [
        ("users", json!(2)),
        ("orders", json!(3)),
        ("orders_that_day", json!(2)),
        ("orders_per_user", json!(1.5)),
    ];
    for (key, value) in expected {
        assert_eq!(world.value("2025-10-02", key).await, value, "{key}");
    }

    // Nobody listens on port 1.
    world.set(
        "DAYBOOK_APP_SHOP_DATABASE_URL",
        "postgres://owner@127.0.0.1:1/shop",
    );
    world.at("2025-10-04T06:00:00Z");
    let ended = world
        .command(&["collect", "--date", "2025-10-03", "--quiet"])
        .await;
    assert_eq!(ended.expect("stored"), Ended::Unavailable);
    assert_eq!(world.value("2025-10-03", "users").await, json!(2));
    for key in ["orders", "orders_that_day", "orders_per_user"] {
        assert_eq!(world.value("2025-10-03", key).await, Json::Null);
        assert_eq!(
            world.provenance("2025-10-03", key).await["kind"],
            "failed",
            "{key}"
        );
    }
}
