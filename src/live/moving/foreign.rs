//! Another program's SQLite file, opened so that nothing of it or beside it changes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Number, Value as Json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Connection, Row, TypeInfo, ValueRef};

use super::MoveError;

pub(super) const HEADER: &[u8; 16] = b"SQLite format 3\0";
/// Where SQLite keeps how the file is written; 2: with a write-ahead log.
const WRITTEN_AT: usize = 18;
const BUSY: Duration = Duration::from_secs(10);
/// In kB, as a negative number of SQLite's: each page is read once.
const CACHE: &str = "-4096";

pub(super) struct Foreign {
    path: PathBuf,
    pub(super) connection: SqliteConnection,
    /// How the file was when it was opened without locks.
    unlocked: Option<Stamp>,
}

/// Size and time of a file and of its write-ahead log.
#[derive(PartialEq, Eq)]
struct Stamp([Option<(u64, Option<SystemTime>)>; 2]);

/// How a file can be read without leaving anything beside it.
enum Access {
    /// SQLite makes no file that is not there.
    Locked,
    /// Nobody has it open: SQLite would make a log for readers, too, unless told that the file never changes.
    Unlocked,
    /// Its log must be read, and SQLite would make an index for it.
    Impossible,
}

impl Foreign {
    pub(super) async fn open(path: &Path) -> Result<Self, MoveError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY)
            .pragma("cache_size", CACHE);
        let (options, unlocked) = match access(path).map_err(|error| unread(path, error))? {
            Access::Locked => (options, None),
            Access::Unlocked => (options.immutable(true), Some(Stamp::of(path))),
            Access::Impossible => {
                return Err(MoveError::Refused(format!(
                    "{0}: {0}-wal has changes that are not in the file yet, and {0}-shm is missing: start the program that wrote it once, or copy {0} and {0}-wal into another folder, open the copy with `sqlite3` and migrate that",
                    path.display()
                )));
            }
        };
        let connection = SqliteConnection::connect_with(&options).await;
        Ok(Self {
            connection: connection.map_err(|error| unread(path, error))?,
            path: path.to_owned(),
            unlocked,
        })
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<String>, MoveError> {
        let names = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut self.connection)
            .await;
        names.map_err(|error| unread(&self.path, error))
    }

    /// What was read counts, unless somebody wrote meanwhile where no lock would have stopped them.
    pub(super) fn checked<T>(&self, read: Result<T, sqlx::Error>) -> Result<T, MoveError> {
        match &self.unlocked {
            Some(before) if *before != Stamp::of(&self.path) => Err(MoveError::Source {
                file: self.path.display().to_string(),
                error: "another program wrote to it meanwhile: run the command again".to_owned(),
            }),
            _ => read.map_err(|error| unread(&self.path, error)),
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let stamp = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            Some((file.len(), file.modified().ok()))
        };
        Self([stamp(path), stamp(&beside(path, "-wal"))])
    }
}

fn access(path: &Path) -> std::io::Result<Access> {
    let mut header = Vec::new();
    File::open(path)?
        .take(WRITTEN_AT as u64 + 1)
        .read_to_end(&mut header)?;
    let log = fs::metadata(beside(path, "-wal")).ok().map(|log| log.len());
    let has_index = beside(path, "-shm").exists();
    Ok(match (header.get(WRITTEN_AT), log) {
        (Some(2), Some(_)) if has_index => Access::Locked,
        (Some(2), Some(1..)) => Access::Impossible,
        (Some(2), _) => Access::Unlocked,
        _ => Access::Locked,
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn unread(path: &Path, error: impl ToString) -> MoveError {
    MoveError::Source {
        file: path.display().to_string(),
        error: error.to_string(),
    }
}

/// The cells of a row from this column on, as they are stored, whatever the columns were declared as.
pub(super) fn cells(row: &SqliteRow, from: usize) -> Result<Vec<Json>, sqlx::Error> {
    (from..row.len()).map(|column| cell(row, column)).collect()
}

fn cell(row: &SqliteRow, column: usize) -> Result<Json, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(Json::Null);
    }
    let sort = value.type_info();
    Ok(match sort.name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(column)?.into(),
        "REAL" => float(row.try_get_unchecked(column)?),
        "TEXT" => {
            let text: &[u8] = row.try_get_unchecked(column)?;
            String::from_utf8_lossy(text).into_owned().into()
        }
        // Neither text nor number, it is refused wherever it stands.
        _ => Json::Array(Vec::new()),
    })
}

/// What JSON has no number for is spelled as Python does.
fn float(float: f64) -> Json {
    Number::from_f64(float).map_or_else(
        || {
            let sign = if float < 0.0 { "-" } else { "" };
            format!("{sign}Infinity").into()
        },
        Json::Number,
    )
}
