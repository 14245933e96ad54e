//! The tables of a store, and whose file it is.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sqlx::Executor;

use super::{Store, StoreError};

/// `DBLV`, in the file's own place for it.
const APPLICATION: u32 = 0x4442_4c56;
/// As in `user_version` below.
const VERSION: i64 = 8;
const HEADER: &[u8; 16] = b"SQLite format 3\0";
/// Where SQLite keeps the application's number.
const APPLICATION_AT: usize = 68;
/// Where it keeps how the file is written; `1`: with a rollback journal.
const WRITTEN_AT: usize = 18;
/// The page of the schema begins behind the header, with its type (a leaf), a free block and how many tables there are.
const SCHEMA_AT: usize = 100;
const NO_TABLES: [u8; 5] = [0x0d, 0, 0, 0, 0];

/// `recorded`: when a chunk was committed as it is; of those that a keeper made, nothing. `replay`: such chunks after a keeper
/// has merged or sealed their points, for a while (`store/follow.rs`); `gone`: the places of those of them that were forgotten.
/// `forwarding`: as which replica chunks are forwarded and by which processes, from where on, up to where the server has them, up to which chunk
/// it has had them for a while, points that were given up, and why nothing is forwarded (`store/forwarding.rs`).
/// `zones`: in which zone's hours, days and months the points between two instants were rolled up. `pruned`: before which
/// instant rollups by hour, day or month (tiers 0, 1, 2) or points (3) may have been deleted, or points forgotten (4); up to which chunk nothing is kept for replay (5).
/// `grouped`: from which instant on all points are rolled up by these labels too.
/// `moved_…`: what was migrated from other systems, so that none of it is taken twice (`store/moved.rs`).
const TABLES: &str = "
    PRAGMA application_id = 1145195606;
    CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE chunks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind INTEGER NOT NULL,
        level INTEGER NOT NULL,
        day INTEGER,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        label TEXT,
        least TEXT,
        most TEXT,
        points INTEGER NOT NULL,
        widest INTEGER NOT NULL,
        broken TEXT,
        recorded INTEGER,
        data BLOB NOT NULL
    );
    CREATE INDEX chunks_by_time ON chunks (kind, high, id, low, label, least, most);
    CREATE INDEX fresh_chunks ON chunks (kind, id, points) WHERE level = 0;
    CREATE INDEX sealed_chunks ON chunks (kind, day, label, least, id, most, points) WHERE level = 1 AND broken IS NULL;
    CREATE TABLE replay (
        id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        recorded INTEGER NOT NULL,
        points INTEGER NOT NULL,
        gone TEXT,
        data BLOB NOT NULL
    );
    CREATE INDEX replay_by_kind ON replay (kind, id);
    CREATE TABLE forwarding (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        replica TEXT NOT NULL,
        writers TEXT NOT NULL,
        began TEXT NOT NULL,
        began_rollups TEXT NOT NULL,
        acknowledged TEXT NOT NULL,
        rolled TEXT NOT NULL,
        settled INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        trouble TEXT
    );
    CREATE TABLE rollups (
        kind INTEGER NOT NULL,
        labels TEXT NOT NULL,
        grain INTEGER NOT NULL,
        start INTEGER NOT NULL,
        words BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (kind, labels, grain, start, words)
    ) WITHOUT ROWID;
    CREATE TABLE words (
        kind INTEGER NOT NULL,
        label TEXT NOT NULL,
        word TEXT NOT NULL,
        PRIMARY KEY (kind, label, word)
    ) WITHOUT ROWID;
    CREATE TABLE dropped (
        kind INTEGER NOT NULL,
        label TEXT NOT NULL,
        is_group INTEGER NOT NULL,
        points INTEGER NOT NULL,
        word TEXT NOT NULL,
        PRIMARY KEY (kind, label, is_group)
    ) WITHOUT ROWID;
    CREATE TABLE seen (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, hashes INTEGER NOT NULL);
    CREATE TABLE zones (
        kind INTEGER NOT NULL,
        zone TEXT NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        PRIMARY KEY (kind, zone)
    ) WITHOUT ROWID;
    CREATE TABLE pruned (
        kind INTEGER NOT NULL,
        tier INTEGER NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (kind, tier)
    ) WITHOUT ROWID;
    CREATE TABLE grouped (
        kind INTEGER NOT NULL,
        labels TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (kind, labels)
    ) WITHOUT ROWID;
    CREATE TABLE alerts (
        alert TEXT NOT NULL,
        words TEXT NOT NULL,
        severity INTEGER,
        since INTEGER,
        critical_since INTEGER,
        value REAL,
        judged INTEGER NOT NULL,
        told INTEGER,
        PRIMARY KEY (alert, words)
    ) WITHOUT ROWID;
    CREATE TABLE alert_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        alert TEXT NOT NULL,
        words TEXT NOT NULL,
        state INTEGER NOT NULL,
        severity INTEGER NOT NULL,
        at INTEGER NOT NULL,
        since INTEGER NOT NULL,
        value REAL,
        is_told INTEGER NOT NULL,
        is_partial INTEGER NOT NULL
    );
    CREATE INDEX alert_history_by_time ON alert_history (at);
    CREATE TABLE alert_deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        history INTEGER NOT NULL,
        recipient TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        planned INTEGER NOT NULL,
        due INTEGER,
        reply TEXT
    );
    CREATE INDEX due_alerts ON alert_deliveries (due) WHERE due IS NOT NULL;
    CREATE TABLE spans (
        organisation TEXT NOT NULL,
        id TEXT NOT NULL,
        event TEXT NOT NULL,
        begun INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        ended INTEGER,
        closed INTEGER,
        duration REAL,
        is_expired INTEGER,
        PRIMARY KEY (organisation, id)
    ) WITHOUT ROWID;
    CREATE INDEX open_spans ON spans (expires) WHERE ended IS NULL;
    CREATE INDEX closed_spans ON spans (closed) WHERE closed IS NOT NULL;
    CREATE TABLE moved_from (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        path TEXT NOT NULL,
        state BLOB NOT NULL,
        UNIQUE (origin, path)
    );
    CREATE TABLE moved_ids (hash BLOB PRIMARY KEY, source INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE moved_sums (
        source INTEGER NOT NULL,
        kind TEXT NOT NULL,
        month INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (source, kind, month)
    ) WITHOUT ROWID;
    PRAGMA user_version = 8;
";

/// Only its owner and group may read what applications send.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    let made = File::options()
        .append(true)
        .create_new(true)
        .mode(0o640)
        .open(path);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(StoreError::Io {
            doing: "create",
            file: path.display().to_string(),
            error,
        }),
        _ => Ok(()),
    }
}

/// Files that were looked at stay open: whoever closes one takes from SQLite the locks that this process has on it, and the next
/// program that is done with the file would delete the log that others write.
static LOOKED_AT: Mutex<BTreeMap<(u64, u64), File>> = Mutex::new(BTreeMap::new());

fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let identity = |about: Metadata| (about.dev(), about.ino());
    let mut known = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    let file = match known.entry(identity(std::fs::metadata(path)?)) {
        Entry::Occupied(file) => file.into_mut(),
        Entry::Vacant(place) => place.insert(File::open(path)?),
    };
    let mut bytes = vec![0; SCHEMA_AT + NO_TABLES.len()];
    let count = file.read_at(&mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Reads no more than the file's first bytes.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let header = match first_bytes(path) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(StoreError::Io {
                doing: "read",
                file: path.display().to_string(),
                error,
            });
        }
    };
    let application = header.get(APPLICATION_AT..APPLICATION_AT + 4);
    let what = match application {
        _ if is_unfinished(&header, path) => return Ok(()),
        Some(number) if header.starts_with(HEADER) => {
            if number == APPLICATION.to_be_bytes() {
                return Ok(());
            }
            "it is a database of another program; nothing was written to it. Name another file under `[live] database` or in METRICS_DATABASE"
        }
        _ => {
            "it is not a database. Name another file under `[live] database` or in METRICS_DATABASE"
        }
    };
    Err(StoreError::Foreign {
        file: path.display().to_string(),
        what: what.to_owned(),
    })
}

/// A program that makes the file may be stopped before there is a table in it. The first of its two transactions writes a
/// page without any; where that page did not reach the disk, there are zeros and the journal that takes them back.
fn is_unfinished(header: &[u8], path: &Path) -> bool {
    if header.iter().all(|byte| *byte == 0) {
        let mut journal = path.as_os_str().to_owned();
        journal.push("-journal");
        return header.is_empty() || Path::new(&journal).exists();
    }
    header.starts_with(HEADER)
        && header.get(WRITTEN_AT) == Some(&1)
        && header.get(APPLICATION_AT..APPLICATION_AT + 4) == Some(&[0; 4])
        && header.get(SCHEMA_AT..) == Some(&NO_TABLES)
}

pub(super) async fn prepare(store: &mut Store) -> Result<(), StoreError> {
    let version = refuse_other_versions(store).await?;
    if version == 0 {
        // Only before there is any table; and the header must be in the file itself before anything is in the log.
        let failed = store.failed("prepare");
        // A rollup fits into a quarter of such a page, with its sketches.
        let pages = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL";
        let set = store.connection.execute(pages).await;
        set.map_err(failed)?;
        store.begin().await?;
        let made = create(store).await;
        store.finish(made).await?;
    }
    let journal = store.connection.execute("PRAGMA journal_mode = WAL").await;
    journal.map(drop).map_err(store.failed("prepare"))
}

/// Another program may have been first.
async fn create(store: &mut Store) -> Result<(), StoreError> {
    if version(store).await? == 0 {
        let made = store.connection.execute(sqlx::raw_sql(TABLES)).await;
        made.map_err(store.failed("prepare"))?;
    }
    Ok(())
}

/// What another version keeps there is not understood. 0: there is nothing yet.
pub(super) async fn refuse_other_versions(store: &mut Store) -> Result<i64, StoreError> {
    let what = match version(store).await? {
        known @ (0 | VERSION) => return Ok(known),
        older @ 1..VERSION => {
            format!(
                "a Daybook before the first release wrote it (version {older}): name another file"
            )
        }
        newer => format!("a newer Daybook wrote it (version {newer}): update this one"),
    };
    let file = store.path().display().to_string();
    Err(StoreError::Foreign { file, what })
}

async fn version(store: &mut Store) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut store.connection)
        .await;
    version.map_err(store.failed("read"))
}
