//! Tables that are rewritten or emptied on MariaDB after the snapshot was taken: the server refuses to read them (1412).

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::nightly::{Night, Orders, Which};
use serde_json::{Value as Json, json};

use crate::mariadb::{as_user, database, grant};
use crate::with_servers::naps::changed_in_the_nap;
use crate::world::{App, World, date};

const NOW: &str = "2025-10-04T06:00:00Z";
const DAY: &str = "2025-10-03";

/// The nap comes first, so that everything else is counted after it.
const SETTINGS: &str = r#"
    [tables.users]
    name = "users"

    [tables.adults]
    name = "adults"

    [tables.posts]
    name = "posts"

    [[metrics]]
    key = "nap"
    sql = "SELECT 7 + sleep(0.3)"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "adults"
    table = "adults"
    count = "*"

    [[metrics]]
    key = "posts"
    table = "posts"
    count = "*"
"#;

async fn shop() -> (World, App) {
    let app = database().await;
    app.execute(
        "CREATE TABLE users (id bigint AUTO_INCREMENT PRIMARY KEY, age int NOT NULL);
         CREATE TABLE kept (id bigint PRIMARY KEY, age int NOT NULL);
         CREATE TABLE posts (id bigint PRIMARY KEY);
         CREATE VIEW adults AS SELECT id FROM users WHERE age >= 18;
         INSERT INTO kept WITH RECURSIVE each_age AS (SELECT 1 AS age UNION ALL SELECT age + 1 FROM each_age WHERE age < 100)
             SELECT age, age FROM each_age;
         INSERT INTO users SELECT * FROM kept; INSERT INTO posts SELECT id FROM kept",
    )
    .await;
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    (world, app)
}

async fn night(world: &World) -> Night {
    let orders = Orders {
        which: Which::One(date(DAY)),
        metric: None,
        force: true,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    };
    world.ordered(&orders).await.unwrap()
}

/// Until Daybook naps: then its snapshot is taken, and its tables are not read yet.
async fn napping(app: &App) {
    let napping = "SELECT count(*) FROM information_schema.PROCESSLIST
        WHERE DB = database() AND INFO LIKE '/* daybook %sleep(0.3)%'";
    while app.number(napping).await != Some(1.into()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_table_changed_after_the_snapshot_is_counted_again_on_a_fresh_one() {
    let (world, app) = shop().await;
    for change in [
        "TRUNCATE users; INSERT INTO users SELECT * FROM kept",
        "ALTER TABLE users FORCE",
        "ALTER TABLE users MODIFY age bigint NOT NULL",
        "ALTER TABLE users MODIFY age int NOT NULL, ALGORITHM = COPY",
        "ALTER TABLE users ADD COLUMN token varchar(36) DEFAULT (uuid())",
        "ALTER TABLE users DROP COLUMN token",
        "CREATE TABLE new LIKE users; INSERT INTO new SELECT * FROM users; RENAME TABLE users TO old, new TO users; DROP TABLE old",
    ] {
        let night = changed_in_the_nap(night(&world), napping(&app), app.execute(change)).await;
        assert!(night.unreachable.is_empty());
        for (key, expected) in [("users", 100), ("adults", 83), ("posts", 100), ("nap", 7)] {
            let found = world.value(DAY, key).await;
            assert_eq!(found, json!(expected), "{key}: {change}");
            let provenance = world.provenance(DAY, key).await;
            let kind = provenance.get("kind");
            assert!(
                kind.is_none_or(|kind| kind == "observed"),
                "{change}: {provenance}"
            );
        }
    }
}

#[tokio::test]
async fn a_table_that_was_filled_beside_and_took_the_name_is_counted_again() {
    let (world, app) = shop().await;
    // The server tells when a table was made to the second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    app.execute("CREATE TABLE beside LIKE users").await;
    let changed = async {
        napping(&app).await;
        app.execute(
            "INSERT INTO beside SELECT * FROM users; RENAME TABLE users TO former, beside TO users",
        )
        .await;
    };
    let (night, ()) = tokio::join!(night(&world), changed);
    assert!(night.unreachable.is_empty());
    for (key, expected) in [("users", 100), ("adults", 83), ("posts", 100), ("nap", 7)] {
        assert_eq!(world.value(DAY, key).await, json!(expected), "{key}");
    }
}

#[tokio::test]
async fn a_table_of_another_schema_that_was_filled_beside_is_counted_again() {
    let (mut world, app) = shop().await;
    let url = app.url();
    let (_, here) = url.rsplit_once('/').unwrap();
    let crm = format!("{here}_crm");
    app.execute(&format!(
        "CREATE DATABASE {crm}; CREATE TABLE {crm}.leads (id bigint PRIMARY KEY);
         INSERT INTO {crm}.leads SELECT id FROM kept; CREATE VIEW seen AS SELECT id FROM {crm}.leads;
         CREATE VIEW seen_again AS SELECT id FROM seen"
    ))
    .await;
    let of_both = format!(
        r#"{SETTINGS}
        [tables.leads]
        name = "{crm}.leads"

        [[metrics]]
        key = "leads"
        table = "leads"
        count = "*"

        [[metrics]]
        key = "spoken"
        sql = "SELECT count(*) FROM {crm}.leads"

        [[metrics]]
        key = "by_views"
        sql = "SELECT count(*) FROM seen_again"
        "#
    );
    world.write("daybook.toml", &of_both);
    // One may see what the views are made of, the other may not.
    for user in ["root", "crm_reader"] {
        if user == "crm_reader" {
            grant(&app, user, "SELECT ON HERE.*").await;
            app.execute(&format!("GRANT SELECT ON {crm}.* TO crm_reader"))
                .await;
            world.set("DAYBOOK_APP_DATABASE_URL", &as_user(&app, user).url());
        }
        // The server tells when a table was made to the second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        app.execute(&format!("CREATE TABLE {crm}.beside LIKE {crm}.leads"))
            .await;
        let changed = async {
            napping(&app).await;
            app.execute(&format!(
                "INSERT INTO {crm}.beside SELECT * FROM {crm}.leads;
                 RENAME TABLE {crm}.leads TO {crm}.former, {crm}.beside TO {crm}.leads; DROP TABLE {crm}.former"
            ))
            .await;
        };
        let (night, ()) = tokio::join!(night(&world), changed);
        assert!(night.unreachable.is_empty());
        for key in ["leads", "spoken", "by_views", "posts"] {
            assert_eq!(world.value(DAY, key).await, json!(100), "{key}, {user}");
        }
    }
}

#[tokio::test]
async fn a_table_that_is_rewritten_again_and_again_fails_its_metrics_alone() {
    let (world, app) = shop().await;
    let changed = async {
        loop {
            napping(&app).await;
            app.execute("TRUNCATE users; INSERT INTO users SELECT * FROM kept")
                .await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let night = tokio::select! {
        night = night(&world) => night,
        () = changed => unreachable!("it never ends"),
    };
    assert!(night.unreachable.is_empty());
    for key in ["users", "adults"] {
        assert_eq!(world.value(DAY, key).await, Json::Null);
        let why = world.provenance(DAY, key).await;
        let reason = why["reason"].as_str().unwrap();
        assert!(
            reason.starts_with("a table that it reads was rewritten or emptied while it was counted: collect again once "),
            "{why}"
        );
    }
    assert_eq!(world.value(DAY, "posts").await, json!(100));
}
