//! Configured SQL on SQLite: one query that gives rows, and no way out of its transaction or its file.

use daybook::nightly::Which;
use serde_json::{Value as Json, json};
use sqlx::{Connection, SqliteConnection};

use crate::world::{World, date};

const DAY: &str = "2025-10-03";

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

fn asking(metrics: &[(&str, &str)]) -> String {
    let asked = metrics
        .iter()
        .map(|(key, sql)| format!("[[metrics]]\nkey = \"{key}\"\nsql = \'\'\'{sql}\'\'\'\n"));
    format!("{SETTINGS}{}", asked.collect::<String>())
}

async fn counted(metrics: &[(&str, &str)]) -> World {
    let world = World::new("2025-10-04T06:00:00Z", &asking(metrics));
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (id INTEGER); INSERT INTO users VALUES (1), (2), (3)")
        .await;
    let night = world.night(Which::One(date(DAY))).await;
    assert!(night.unreachable.is_empty());
    assert_eq!(world.value(DAY, "users").await, json!(3));
    world
}

#[tokio::test]
async fn what_is_no_query_is_not_run_and_fails_alone() {
    let metrics = [
        ("attached", "ATTACH 'other.db' AS other"),
        ("copied", "VACUUM INTO 'copy.db'"),
        ("committed", "COMMIT"),
        ("set", "PRAGMA query_only = OFF"),
    ];
    let world = counted(&metrics).await;
    for (key, _) in metrics {
        assert_eq!(world.value(DAY, key).await, Json::Null, "{key}");
        let why = world.provenance(DAY, key).await;
        let reason = why["reason"].as_str().unwrap();
        assert!(reason.contains("syntax error"), "{key}: {why}");
    }
    let files = std::fs::read_dir(world.path("")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names
        .filter(|name| name.starts_with("other") || name.starts_with("copy"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_follows_a_query_is_refused_before_anything_is_counted() {
    for sql in [
        "COMMIT; SELECT 9",
        "COMMIT; VACUUM INTO 'copy.db'",
        "SELECT 9) AS x; COMMIT; SELECT * FROM (SELECT 9",
    ] {
        let world = World::new("2025-10-04T06:00:00Z", &asking(&[("nine", sql)]));
        world.sqlite("app.db").await;
        let output = world.binary(&["collect"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains("daybook.toml:14:"), "{said}");
        assert!(said.contains("sql = \'\'\'"), "{said}");
    }
}

/// Whatever found its way around the checks could still reach no other file.
#[tokio::test]
async fn this_programs_sqlite_attaches_no_other_file() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let attached = sqlx::query("ATTACH ':memory:' AS other").execute(&mut connection);
    let error = attached.await.unwrap_err().to_string();
    assert!(
        error.contains("too many attached databases - max 0"),
        "{error}"
    );
}

#[tokio::test]
async fn a_query_means_the_same_inside_another() {
    let metrics = [
        (
            "ordered",
            "SELECT n FROM (SELECT 1 AS n UNION SELECT 3 UNION SELECT 2) ORDER BY n DESC LIMIT 1",
        ),
        (
            "named",
            "WITH four AS (SELECT 4 AS n) SELECT n FROM four -- and no more",
        ),
        ("ended", "SELECT 5; "),
        ("listed", "VALUES (6)"),
        ("twice", "SELECT 7 AS n, 8 AS n"),
        (
            "moment",
            "SELECT cast(strftime('%d', :day_start) AS integer) /* :as_of */",
        ),
        ("bracketed", "SELECT [it's;] FROM (SELECT 9 AS [it's;])"),
    ];
    let world = counted(&metrics).await;
    for (key, expected) in [
        ("ordered", 3),
        ("named", 4),
        ("ended", 5),
        ("listed", 6),
        ("twice", 7),
        ("moment", 2),
        ("bracketed", 9),
    ] {
        let why = world.provenance(DAY, key).await;
        assert_eq!(world.value(DAY, key).await, json!(expected), "{key}: {why}");
    }
}
