//! What goes wrong in one place stays in one place: SQLite databases that are broken, locked or slow.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::commands::Ended;
use daybook::nightly::{Orders, Which};
use serde_json::{Value as Json, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::running::program::{self, code, words};
use crate::running::{SETTINGS, shop};
use crate::world::{World, date};

const NOW: &str = "2025-10-04T06:00:00Z";
const DAY: &str = "2025-10-03";

async fn collect(world: &World) -> Ended {
    let done = world.command(&["collect", "--quiet", "--date", DAY]).await;
    done.unwrap_or_else(|error| panic!("{error}"))
}

async fn failure(world: &World, key: &str) -> String {
    assert_eq!(world.value(DAY, key).await, Json::Null);
    let why = world.provenance(DAY, key).await;
    assert_eq!(why["kind"], "failed", "{key}: {why}");
    why["reason"].as_str().unwrap().to_owned()
}

fn with(metric: &str) -> String {
    format!("{SETTINGS}\n{metric}")
}

#[tokio::test]
async fn a_missing_table_fails_its_own_metrics() {
    let world = World::new(NOW, SETTINGS);
    let app = shop(&world).await;
    app.execute("DROP TABLE users").await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    for key in ["users", "joined_24h", "joined_7d"] {
        assert_eq!(failure(&world, key).await, "no such table: users");
    }
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

#[tokio::test]
async fn a_missing_column_fails_only_who_needs_it_though_they_share_a_statement() {
    let world = World::new(
        NOW,
        &with(
            "[[metrics]]\nkey = \"admins\"\ntable = \"users\"\ncount = \"*\"\nwhere = \"this.is_admin\"",
        ),
    );
    shop(&world).await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "admins").await,
        "no such column: this.is_admin"
    );
    assert_eq!(world.value(DAY, "users").await, json!(500));
    assert_eq!(world.value(DAY, "joined_7d").await, json!(7));
    let range = Which::Range(date("2025-09-01"), date("2025-09-30"));
    let night = world.night(range).await;
    let entries: Vec<_> = night
        .days
        .iter()
        .filter_map(|day| day.entry.as_ref())
        .collect();
    assert_eq!(entries.len(), 30);
    assert!(
        entries
            .iter()
            .all(|entry| entry.number("joined_7d") == Some(7.0))
    );
}

#[tokio::test]
async fn a_view_over_a_lost_table_fails_its_own_metrics() {
    let world = World::new(NOW, SETTINGS);
    let app = shop(&world).await;
    app.execute("ALTER TABLE stock RENAME TO shelves; CREATE VIEW stock AS SELECT pieces FROM shelves; DROP TABLE shelves")
        .await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "stock").await,
        "no such table: main.shelves"
    );
    assert_eq!(world.value(DAY, "users").await, json!(500));
}

#[tokio::test]
async fn a_statement_beyond_its_time_fails_alone() {
    let endless = "[[metrics]]\nkey = \"endless\"\nsql = \"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n\"\n[collect]\nstatement_timeout = \"1s\"";
    let world = World::new(NOW, &with(endless));
    shop(&world).await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "endless").await,
        "the statement took too long; the limits are `statement_timeout` 1 s and `lock_timeout` 10 s under [collect]"
    );
    assert_eq!(world.value(DAY, "users").await, json!(500));
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

#[tokio::test]
async fn a_query_of_no_number_fails_alone() {
    for (sql, told) in [
        ("SELECT 'many'", "expected a number, found `many`"),
        (
            "SELECT 1 WHERE 0",
            "the query gave 0 rows where one was expected",
        ),
        (
            "SELECT 1 UNION SELECT 2",
            "the query gave 2 rows where one was expected",
        ),
    ] {
        let world = World::new(
            NOW,
            &with(&format!("[[metrics]]\nkey = \"odd\"\nsql = \"{sql}\"")),
        );
        shop(&world).await;
        assert_eq!(collect(&world).await, Ended::Incomplete);
        assert_eq!(failure(&world, "odd").await, told);
        assert_eq!(world.value(DAY, "users").await, json!(500));
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_at_once_and_nothing_is_stored() {
    let world = program::world(SETTINGS);
    world.write("app.db", &"these are a poet's notes\n".repeat(100));
    // Trying again would change nothing, so an hour of patience is not used.
    let mut patient = world;
    patient.set("DAYBOOK_RETRY_FOR", "1h");
    let output = patient.binary(&["collect"]);
    assert_eq!(code(&output), 69);
    let path = patient.path("app.db");
    assert_eq!(
        words(&output),
        format!(
            "daybook: the app database is unavailable: {}: file is not a database\n",
            path.display()
        )
    );
    assert_eq!(
        patient.book("SELECT count(*) FROM daily_metrics").await[0][0].as_deref(),
        Some("0")
    );
}

/// An application that keeps its database for itself.
pub(crate) async fn locked(world: &World) -> sqlx::SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(world.path("app.db"))
        .journal_mode(SqliteJournalMode::Delete);
    let mut owner = options.connect().await.unwrap();
    owner.execute("BEGIN EXCLUSIVE").await.unwrap();
    owner
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_counted_once_it_is_free() {
    let world = World::new(
        NOW,
        &with("[collect]\nlock_timeout = \"1s\"\nretry_for = \"0\""),
    );
    shop(&world).await;
    let owner = locked(&world).await;
    let error = world
        .command(&["collect", "--date", DAY])
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 69);
    let path = world.path("app.db");
    assert_eq!(
        error.to_string(),
        format!(
            "the app database is unavailable: {}: database is locked",
            path.display()
        )
    );
    owner.close().await.unwrap();
    assert_eq!(collect(&world).await, Ended::Done);
    assert_eq!(world.value(DAY, "users").await, json!(500));
}

#[tokio::test]
async fn a_database_that_is_freed_in_time_is_tried_again() {
    let world = World::new(NOW, &with("[collect]\nlock_timeout = \"1s\""));
    shop(&world).await;
    let mut owner = locked(&world).await;
    let orders = Orders {
        which: Which::One(date(DAY)),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::from_secs(60),
    };
    let freed = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        owner.execute("ROLLBACK").await.unwrap();
    };
    let (night, ()) = tokio::join!(world.ordered(&orders), freed);
    assert!(night.unwrap().unreachable.is_empty());
    assert_eq!(world.value(DAY, "users").await, json!(500));
}

#[tokio::test]
async fn of_two_databases_one_may_be_away() {
    let away = "[apps.shop]\ndatabase_url = \"sqlite:elsewhere.db\"\n[[metrics]]\nkey = \"sold\"\ndatabase = \"shop\"\nsql = \"SELECT 7\"";
    let world = World::new(NOW, &with(away));
    shop(&world).await;
    assert_eq!(collect(&world).await, Ended::Unavailable);
    assert!(
        failure(&world, "sold")
            .await
            .starts_with("there is no SQLite database at")
    );
    assert_eq!(world.value(DAY, "users").await, json!(500));
    world.sqlite("elsewhere.db").await;
    assert_eq!(collect(&world).await, Ended::Done);
    assert_eq!(world.value(DAY, "sold").await, json!(7));
}
