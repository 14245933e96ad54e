//! Indexes that SQLite's plans ask for.

use daybook::operate::doctor::Level;

use crate::beryl;
use crate::lacking_index::{is_named_until_it_is_there, said_of};
use crate::world::{App, World};

use super::NOW;

#[tokio::test]
async fn an_index_for_windows_is_named_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    is_named_until_it_is_there(&App::Sqlite(folder.path().join("app.db"))).await;
}

/// Many parents that are looked up by a column without an index. Of configured SQL, whose names may be aliases and views,
/// nothing is said but of declared tables.
#[tokio::test]
async fn what_is_searched_anew_for_every_row_is_named() {
    let world = World::new(
        NOW,
        r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.accounts]
        name = "accounts"
        created_at = "opened"
        deleted_at = "gone"

        [tables.orders]
        name = "orders"
        belongs_to = [{ table = "accounts", column = "account", key = "code" }]

        [[metrics]]
        key = "orders"
        table = "orders"
        count = "*"

        [[metrics]]
        key = "joined"
        sql = "SELECT count(*) FROM orders JOIN stock ON stock.article = orders.article"
        "#,
    );
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE accounts (code TEXT, opened TEXT, gone TEXT); CREATE TABLE orders (account TEXT, article TEXT);
         CREATE TABLE stock (article TEXT); INSERT INTO accounts VALUES ('a', '2025-10-01 10:00:00', NULL);
         INSERT INTO orders VALUES ('a', 'x'); INSERT INTO stock VALUES ('x')",
    )
    .await;
    assert_eq!(said_of(&world).await, []);
    app.execute(
        "WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < 1000)
         INSERT INTO accounts SELECT n, '2025-10-01 10:00:00', NULL FROM each",
    )
    .await;
    let said = said_of(&world).await;
    let told: Vec<(Level, &str)> = said
        .iter()
        .map(|(level, what, _)| (*level, what.as_str()))
        .collect();
    assert_eq!(
        told,
        [(
            Level::Warning,
            "the app database has no index on accounts that begins with code, which orders would use"
        ),]
    );
}

#[tokio::test]
async fn djangos_own_indexes_are_enough_for_beryl() {
    let mut world = World::new(NOW, beryl::SETTINGS);
    let app = world.sqlite("beryl.db").await;
    beryl::fill(&app).await;
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    assert_eq!(said_of(&world).await, []);
}
