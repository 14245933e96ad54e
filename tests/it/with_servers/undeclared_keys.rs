//! Keys that nobody declared, on servers.

use daybook::nightly::Which;
use serde_json::json;

use crate::world::{App, World, date};
use crate::{mariadb, postgres};
use support::undeclared_keys::children_of_living_parents_are_counted;

#[tokio::test]
async fn children_are_counted_with_and_without_declared_keys_in_postgresql() {
    let (declared, held, broken) = (
        postgres::database().await,
        postgres::database().await,
        postgres::database().await,
    );
    children_of_living_parents_are_counted([&declared, &held, &broken]).await;
}

#[tokio::test]
async fn children_are_counted_with_and_without_declared_keys_in_mariadb() {
    let (declared, held, broken) = (
        mariadb::database().await,
        mariadb::database().await,
        mariadb::database().await,
    );
    children_of_living_parents_are_counted([&declared, &held, &broken]).await;
}

/// `shop.users` and `crm.users`; notes refer to the latter, which the database knows, and calls hold by chance.
async fn tables_of_one_name_in_two_schemas_are_told_apart(app: &App, (shop, crm): (&str, &str)) {
    app.execute(&format!(
        "CREATE TABLE {shop}.users (id integer PRIMARY KEY, gone boolean NOT NULL);
         CREATE TABLE {crm}.users (id integer PRIMARY KEY, gone boolean NOT NULL);
         INSERT INTO {shop}.users VALUES (1, false), (2, true);
         INSERT INTO {crm}.users VALUES (1, false), (2, false), (3, false), (4, true);
         CREATE TABLE notes (user_id integer, FOREIGN KEY (user_id) REFERENCES {crm}.users (id));
         CREATE TABLE calls (user_id integer);
         INSERT INTO notes VALUES (1), (2), (3), (4);
         INSERT INTO calls VALUES (1), (2), (3), (4);"
    ))
    .await;
    let mut settings = String::new();
    for (schema, name) in [(shop, "shop"), (crm, "crm")] {
        settings += &format!("[tables.{name}]\nname = \"{schema}.users\"\nwhere = \"NOT gone\"\n");
        for table in ["notes", "calls"] {
            settings += &format!(
                "[tables.{table}_of_{name}]\nname = \"{table}\"\nbelongs_to = [{{ table = \"{name}\", column = \"user_id\" }}]\n\
                 [[metrics]]\nkey = \"{table}_of_{name}\"\ntable = \"{table}_of_{name}\"\ncount = \"*\"\n"
            );
        }
    }
    let mut world = World::new("2025-10-04T06:00:00Z", &settings);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-03"))).await;
    for (key, expected) in [
        ("notes_of_shop", 1),
        ("calls_of_shop", 1),
        ("notes_of_crm", 3),
        ("calls_of_crm", 3),
    ] {
        let found = world.value("2025-10-03", key).await;
        assert_eq!(found, json!(expected), "{key}");
    }
}

#[tokio::test]
async fn tables_of_one_name_in_two_schemas_are_told_apart_in_postgresql() {
    let app = postgres::database().await;
    app.execute("CREATE SCHEMA shop; CREATE SCHEMA crm").await;
    tables_of_one_name_in_two_schemas_are_told_apart(&app, ("shop", "crm")).await;
}

#[tokio::test]
async fn tables_of_one_name_in_two_schemas_are_told_apart_in_mariadb() {
    let (app, other) = (mariadb::database().await, mariadb::database().await);
    let [app_url, other_url] = [&app, &other].map(App::url);
    let schema = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    let (shop, crm) = (schema(&app_url), schema(&other_url));
    tables_of_one_name_in_two_schemas_are_told_apart(&app, (&shop, &crm)).await;
}
