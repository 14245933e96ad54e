//! Configured SQL on MariaDB: one query that gives rows.

use daybook::nightly::Which;
use serde_json::{Value as Json, json};

use crate::mariadb::database;
use crate::world::{World, date};

const DAY: &str = "2025-10-03";

const SETTINGS: &str = r#"
    [tables.users]
    name = "users"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

#[tokio::test]
async fn what_is_no_query_is_not_run_and_what_is_one_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    let outfile = format!("SELECT 1 INTO OUTFILE '{}'", written.display());
    let refused = [
        ("outfile", &*outfile),
        ("patient", "SET SESSION max_statement_time = 0"),
        ("committed", "COMMIT"),
        ("killed", "KILL CONNECTION_ID()"),
    ];
    let answered = [
        (
            "ordered",
            "SELECT n FROM (SELECT 1 AS n UNION SELECT 3) AS v ORDER BY n DESC LIMIT 1",
            3,
        ),
        (
            "named",
            "WITH four AS (SELECT 4 AS n) SELECT n FROM four # don't tell :as_of",
            4,
        ),
        ("ended", "SELECT 5; ", 5),
        ("dashes", "SELECT 5--1", 6),
        ("moment", "SELECT day(:day_start) -- it's one", 2),
        ("backslash", "SELECT char_length('\\') + 6", 7),
    ];
    let asked = refused.iter().copied();
    let asked = asked.chain(answered.iter().map(|(key, sql, _)| (*key, *sql)));
    let asked: String = asked
        .map(|(key, sql)| format!("[[metrics]]\nkey = \"{key}\"\nsql = \'\'\'{sql}\'\'\'\n"))
        .collect();
    let app = database().await;
    app.execute("CREATE TABLE users (id int); INSERT INTO users VALUES (1), (2)")
        .await;
    let mut world = World::new("2025-10-04T06:00:00Z", &format!("{SETTINGS}{asked}"));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let night = world.night(Which::One(date(DAY))).await;
    assert!(night.unreachable.is_empty());
    assert_eq!(world.value(DAY, "users").await, json!(2));
    for (key, _) in refused {
        assert_eq!(world.value(DAY, key).await, Json::Null, "{key}");
        let why = world.provenance(DAY, key).await;
        let reason = why["reason"].as_str().unwrap();
        assert!(reason.contains("error in your SQL syntax"), "{key}: {why}");
    }
    assert!(!written.exists());
    for (key, _, expected) in answered {
        let why = world.provenance(DAY, key).await;
        assert_eq!(world.value(DAY, key).await, json!(expected), "{key}: {why}");
    }
}
