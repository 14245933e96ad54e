//! A metric under a new name keeps what was stored under its old one.

use daybook::book::{self, Book};
use daybook::nightly::Which;
use serde_json::json;

use crate::world::{World, date};

fn settings(name: &str) -> String {
    format!(
        r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.users]
        name = "users"

        [[metrics]]
        {name}
        table = "users"
        count = "*"
        where = "active"
        history = "now"
        "#
    )
}

#[tokio::test]
async fn looking_again_at_a_past_day_leaves_the_renamed_metric_its_value() {
    let mut world = World::new("2025-10-04T06:00:00Z", &settings("key = \"active\""));
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (active INTEGER); INSERT INTO users VALUES (1), (1), (0);")
        .await;
    let day = date("2025-10-03");
    world.night(Which::One(day)).await;
    assert_eq!(world.value("2025-10-03", "active").await, json!(2));

    world.write(
        "daybook.toml",
        &settings("key = \"members\"\nwas = \"active\""),
    );
    world.at("2025-10-08T06:00:00Z");
    world.night(Which::Range(day, day)).await;

    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let entry = book::entry(&book, day).await.unwrap().unwrap();
    let members = config.catalog.metric("members").unwrap();
    let reading = entry.reading(members).unwrap();
    assert_eq!(reading.number(), Some(2.0), "{reading:?}");
}
