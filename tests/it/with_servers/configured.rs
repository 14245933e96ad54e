//! Configured SQL on PostgreSQL, by a superuser: one query that gives rows, and nothing of it outlasts it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::nightly::{Night, Orders, Which};
use serde_json::{Value as Json, json};

use crate::postgres::database;
use crate::world::{World, date};

const DAY: &str = "2025-10-03";

const SETTINGS: &str = r#"
    [app]
    connections = 1

    [tables.users]
    name = "users"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

/// The world after a night with these metrics, each asking what stands beside it.
async fn counted(more: &str, metrics: &[(&str, &str)]) -> (World, Night) {
    let app = database().await;
    app.execute("CREATE TABLE users (id int); INSERT INTO users SELECT generate_series(1, 40)")
        .await;
    let asking = |(key, sql): &(&str, &str)| {
        format!("[[metrics]]\nkey = \"{key}\"\nsql = \'\'\'{sql}\'\'\'\n")
    };
    let asked: String = metrics.iter().map(asking).collect();
    let mut world = World::new("2025-10-04T06:00:00Z", &format!("{SETTINGS}{more}{asked}"));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let orders = Orders {
        which: Which::One(date(DAY)),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::from_secs(2),
    };
    let night = world.ordered(&orders).await.unwrap();
    assert!(night.unreachable.is_empty());
    assert_eq!(world.value(DAY, "users").await, json!(40));
    (world, night)
}

async fn failure(world: &World, key: &str) -> String {
    assert_eq!(world.value(DAY, key).await, Json::Null, "{key}");
    let why = world.provenance(DAY, key).await;
    assert_eq!(why["kind"], "failed", "{key}: {why}");
    why["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_query_is_not_run_and_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    let program = format!("COPY users TO PROGRAM 'cat > {}'", written.display());
    let metrics = [
        ("program", &*program),
        ("out", "COPY users TO STDOUT"),
        ("patient", "SET statement_timeout = 0"),
        ("committed", "COMMIT"),
        ("made", "SELECT id INTO TEMP copied FROM users"),
        (
            "deleted",
            "WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone",
        ),
    ];
    let (world, _) = counted("", &metrics).await;
    for (key, told) in [
        ("program", "syntax error at or near \"TO\""),
        ("out", "syntax error at or near \"TO\""),
        ("patient", "syntax error at or near \"=\""),
        ("committed", "syntax error at or near \")\""),
        ("made", "SELECT ... INTO is not allowed here"),
        (
            "deleted",
            "WITH clause containing a data-modifying statement must be at the top level",
        ),
    ] {
        assert_eq!(failure(&world, key).await, told, "{key}");
    }
    assert!(!written.exists());
}

#[tokio::test]
async fn what_a_query_sets_ends_with_it() {
    let metrics = [
        (
            "patient",
            "SELECT length(set_config('statement_timeout', '0', false))",
        ),
        (
            "lost",
            "SELECT length(set_config('search_path', 'nowhere', false))",
        ),
        (
            "limit",
            "SELECT extract(epoch FROM current_setting('statement_timeout')::interval)",
        ),
    ];
    let (world, _) = counted("", &metrics).await;
    assert_eq!(world.value(DAY, "patient").await, json!(1));
    assert_eq!(world.value(DAY, "lost").await, json!(7));
    assert_eq!(world.value(DAY, "limit").await, json!(600));
}

#[tokio::test]
async fn a_query_means_the_same_inside_another() {
    let metrics = [
        (
            "ordered",
            "SELECT n FROM (VALUES (1), (3), (2)) AS v(n) ORDER BY n DESC LIMIT 1",
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
            "SELECT extract(day FROM :day_start::timestamptz AT TIME ZONE 'UTC')::int -- :as_of",
        ),
        ("quoted", "SELECT length($x$ ); :as_of'$x$)"),
    ];
    let (world, _) = counted("", &metrics).await;
    for (key, expected) in [
        ("ordered", 3),
        ("named", 4),
        ("ended", 5),
        ("listed", 6),
        ("twice", 7),
        ("moment", 2),
        ("quoted", 11),
    ] {
        let why = world.provenance(DAY, key).await;
        assert_eq!(world.value(DAY, key).await, json!(expected), "{key}: {why}");
    }
}

#[tokio::test]
async fn a_query_that_ends_its_connection_twice_fails_alone() {
    // Counting for longer than a server is waited for takes no patience away.
    let late = "SELECT pg_terminate_backend(pg_backend_pid())::int FROM pg_sleep(2.5)";
    let metrics = [
        (
            "ending",
            "SELECT pg_terminate_backend(pg_backend_pid())::int",
        ),
        (
            "also",
            "SELECT count(*) FROM users WHERE pg_terminate_backend(pg_backend_pid())",
        ),
        ("late", late),
    ];
    // One that shares its statement with another is found out too.
    let shared = r#"
        [[metrics]]
        key = "within"
        table = "users"
        count = "*"
        where = "pg_terminate_backend(pg_backend_pid())"
    "#;
    let (world, _) = counted(shared, &metrics).await;
    for key in ["ending", "also", "late", "within"] {
        assert_eq!(
            failure(&world, key).await,
            "the connection was lost twice while it ran: terminating connection due to administrator command",
        );
    }
}
