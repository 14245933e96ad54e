//! Tables that another process replaces or empties in an SQLite file while a night counts: the night never sees it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use daybook::nightly::{Orders, Which};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Executor};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::world::{World, date};

const DAY: &str = "2025-10-03";

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"

    [tables.posts]
    name = "posts"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "posts"
    table = "posts"
    count = "*"

    [[metrics]]
    key = "both"
    sql = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM posts)"
"#;

/// A deployment that makes both tables anew, in one transaction each time.
fn deploying(
    file: PathBuf,
    mode: SqliteJournalMode,
    enough: Arc<AtomicBool>,
    deployed: UnboundedSender<()>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let options = SqliteConnectOptions::new()
                .filename(file)
                .journal_mode(mode)
                .busy_timeout(Duration::from_secs(60));
            let mut connection = options.connect().await.unwrap();
            while !enough.load(Ordering::Relaxed) {
                connection
                    .execute(
                        "BEGIN IMMEDIATE; CREATE TABLE new AS SELECT * FROM users; DROP TABLE users; ALTER TABLE new RENAME TO users;
                         CREATE TABLE kept AS SELECT * FROM posts; DELETE FROM posts; INSERT INTO posts SELECT * FROM kept; DROP TABLE kept; COMMIT",
                    )
                    .await
                    .unwrap();
                deployed.send(()).unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    })
}

#[tokio::test]
async fn a_file_whose_tables_are_made_anew_all_the_time_is_counted_as_it_is() {
    for mode in [SqliteJournalMode::Wal, SqliteJournalMode::Delete] {
        let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
        let file = world.path("app.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(mode);
        let mut made = options.connect().await.unwrap();
        made.execute(
            "CREATE TABLE users (id INTEGER); CREATE TABLE posts (id INTEGER);
             INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n;
             INSERT INTO posts SELECT id FROM users WHERE id <= 1500",
        )
        .await
        .unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let (sender, mut deployed) = mpsc::unbounded_channel();
        let deployment = deploying(file, mode, Arc::clone(&enough), sender);
        for _ in 0..25 {
            // There is another deployment between any two nights, whatever else the machine does.
            while deployed.try_recv().is_ok() {}
            deployed.recv().await.unwrap();
            let orders = Orders {
                which: Which::One(date(DAY)),
                metric: None,
                force: true,
                dry_run: false,
                send: false,
                retry_for: Duration::from_secs(60),
            };
            let night = world.ordered(&orders).await.unwrap();
            assert!(night.unreachable.is_empty());
            for (key, expected) in [("users", 2000), ("posts", 1500), ("both", 3500)] {
                assert_eq!(
                    world.value(DAY, key).await,
                    json!(expected),
                    "{key} {mode:?}"
                );
            }
        }
        enough.store(true, Ordering::Relaxed);
        deployment.join().unwrap();
    }
}
