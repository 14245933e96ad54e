//! A source is only read: neither its bytes change nor what lies beside it.

use std::collections::BTreeMap;
use std::fs;

use daybook::live::moving::MoveError;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};
use support::world::World;

use super::{agents, counts, insert_tasks, is_equal, migrate, world};

/// Every file of the source's folder; the index of a log is the lock of all who read it.
fn hashes(world: &World) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(world.path("source")).unwrap();
    let mut hashes = BTreeMap::new();
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = match name.ends_with("-shm") {
            true => Vec::new(),
            false => fs::read(entry.path()).unwrap(),
        };
        hashes.insert(name, Sha256::digest(bytes).to_vec());
    }
    hashes
}

#[tokio::test]
async fn closed_or_written_to_a_source_stays_as_it_is() {
    for (journal, is_open) in [("DELETE", false), ("WAL", false), ("WAL", true)] {
        let world = world();
        fs::create_dir(world.path("source")).unwrap();
        let app = agents(&world, "source/storage.db", journal).await;
        insert_tasks(&app, 1..=5).await;
        let options = SqliteConnectOptions::new().filename(world.path("source/storage.db"));
        let mut writer = SqliteConnection::connect_with(&options).await.unwrap();
        if is_open {
            // It stays in the log while the writer lives.
            writer
                .execute("INSERT INTO task_metrics VALUES (6, 'task_6', 'agent_0', 1795000000, 600, 6, 1, NULL)")
                .await
                .unwrap();
        } else {
            writer.close().await.unwrap();
            writer = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        }
        let before = hashes(&world);
        assert_eq!(before.len(), if is_open { 3 } else { 1 });
        for kept in [5 + u64::from(is_open), 0] {
            let report = migrate(&world, &["source/storage.db"]).await.unwrap();
            assert_eq!(counts(&report)[0][1], kept, "{journal} {is_open}");
            is_equal(&report);
        }
        assert_eq!(hashes(&world), before, "{journal} {is_open}");
        writer.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_could_only_be_read_by_writing_beside_it_is_refused() {
    let world = world();
    fs::create_dir(world.path("source")).unwrap();
    let app = agents(&world, "storage.db", "WAL").await;
    let options = SqliteConnectOptions::new().filename(world.path("storage.db"));
    let mut writer = SqliteConnection::connect_with(&options).await.unwrap();
    writer
        .execute("SELECT count(*) FROM task_metrics")
        .await
        .unwrap();
    insert_tasks(&app, 1..=5).await;
    for name in ["storage.db", "storage.db-wal"] {
        fs::copy(world.path(name), world.path("source").join(name)).unwrap();
    }
    writer.close().await.unwrap();
    let before = hashes(&world);
    let refused = migrate(&world, &["source/storage.db"]).await.unwrap_err();
    assert!(matches!(refused, MoveError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("-shm is missing"), "{refused}");
    assert_eq!(hashes(&world), before);
    assert!(!world.path("live.db").exists());
}
