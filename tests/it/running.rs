//! What `collect` and `show` do for an operator: which days, which messages, which exit codes.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod days;
pub(crate) mod program;
mod refusals;
mod secrets;

use crate::world::{App, World};

/// Users who joined, and stock that changes.
pub(crate) const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.stock]
    name = "stock"

    [[metrics]]
    key = "users"
    section = "People"
    table = "users"
    count = "*"

    [[metrics]]
    key = "joined"
    section = "People"
    table = "users"
    count = "*"
    within = { column = "joined", days = [1, 7] }

    [[metrics]]
    key = "stock"
    table = "stock"
    sum = "pieces"
"#;

/// One user joined at noon of each of the 500 days up to 3 October 2025.
pub(crate) async fn shop(world: &World) -> App {
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT NOT NULL);
         CREATE TABLE stock (pieces INTEGER);
         INSERT INTO stock VALUES (30), (12);
         WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 499)
         INSERT INTO users SELECT datetime('2025-10-03 10:00:00', -n || ' days') FROM n;",
    )
    .await;
    app
}
