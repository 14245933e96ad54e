//! Errors of the book: each names the book and says what to do.

mod fault;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::config::DatabaseUrl;
use crate::database::DatabaseError;
use crate::text::duration;

use super::disk::free_space;

pub use fault::Fault;

const TO_THE_MINUTE: &str = "%Y-%m-%d %H:%M UTC";

#[derive(Debug, Error)]
pub enum BookError {
    #[error("no book yet at {book}: run `daybook collect`")]
    NoBook { book: String },

    #[error(
        "the book {book} has version {version}, this program needs {known}: run `daybook collect` to upgrade it"
    )]
    Older {
        book: String,
        version: i64,
        known: i64,
    },

    #[error(
        "the book {book} has version {version}, this program knows versions up to {known}: use the newer daybook that wrote it"
    )]
    Newer {
        book: String,
        version: i64,
        known: i64,
    },

    #[error("{holder} holds {lock} and did not release it within {} s: try again when it is done", .waited.as_secs())]
    Held {
        lock: String,
        holder: String,
        waited: Duration,
    },

    #[error(
        "{holder} holds {lock} and is not Daybook: end that process; nothing can be stored until then"
    )]
    HeldByOther { lock: String, holder: String },

    #[error(
        "{holder} holds {lock}{} under another account than this daybook's: end that session, or give every daybook of this book the same account; nothing can be stored until then",
        .since.map(|since| format!(" (since {})", since.format(TO_THE_MINUTE))).unwrap_or_default()
    )]
    HeldByOtherAccount {
        lock: String,
        holder: String,
        since: Option<DateTime<Utc>>,
    },

    #[error(
        "{holder} has held {lock} since {}, longer than a night can last ({}): find out why it hangs and end it",
        .since.format(TO_THE_MINUTE),
        duration::spoken(*.longest)
    )]
    HeldTooLong {
        lock: String,
        holder: String,
        since: DateTime<Utc>,
        longest: Duration,
    },

    #[error(
        "cannot open the lock {lock} of the book {book}: {source}; give the file to the user that runs daybook"
    )]
    CannotLock {
        book: String,
        lock: String,
        source: io::Error,
    },

    #[error("{}", fault.sentence(task, book, source))]
    Sql {
        fault: Fault,
        book: String,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task} in the book {book}: {why}")]
    Failed {
        book: String,
        task: &'static str,
        why: String,
    },

    #[error("cannot bring the book {book} up to version {known}: {why}")]
    Migration {
        book: String,
        known: i64,
        why: String,
    },

    #[error(
        "the book {book} has an unreadable {row}: column `{column}`: {why}; correct or delete that row"
    )]
    BadRow {
        book: String,
        /// `entry of 2025-10-03`, `run 7`
        row: String,
        column: &'static str,
        why: String,
    },

    #[error("the book {book} did not take the {row}: expected one row to change, {changed} did")]
    NotWritten {
        book: String,
        row: String,
        changed: u64,
    },

    /// The server of the book is away, or refuses the connection.
    #[error("cannot reach the book {why}")]
    Unreachable { why: String },

    #[error(
        "{book} has a table `{table}` that is not the book's: give the book a database of its own, or on PostgreSQL a schema, by `?options[search_path]=daybook` at the end of its URL"
    )]
    NotOurs { book: String, table: String },

    #[error(
        "{book} is another program's database, with a table `{table}`: nothing was changed; set `database_url` under [book] to a file of its own"
    )]
    NotABook { book: String, table: String },

    #[error(
        "{book} already holds a book, with {rows} rows in `{table}`: copy to an empty database"
    )]
    NotEmpty {
        book: String,
        table: &'static str,
        rows: u64,
    },

    #[error("the copy in {book} differs from the original in `{table}`: the copy was discarded")]
    CopyDiffers { book: String, table: &'static str },

    #[error(
        "the connection that held the collect lock of the book {book} broke: nothing more was written; run `daybook collect` again"
    )]
    LostLock { book: String },
}

impl BookError {
    /// The book cannot be used at all now, as opposed to an error of one task.
    pub fn is_unavailable(&self) -> bool {
        !matches!(
            self,
            Self::Failed { .. }
                | Self::Migration { .. }
                | Self::BadRow { .. }
                | Self::NotWritten { .. }
                | Self::NotEmpty { .. }
                | Self::CopyDiffers { .. }
        )
    }

    pub(super) fn new(url: &DatabaseUrl, task: &'static str, source: sqlx::Error) -> Self {
        let book = name(url);
        let fault = match Fault::from_error(&source) {
            // SQLite does not say why it could not make or enlarge its helper files.
            Some(Fault::CannotOpen | Fault::DiskFails)
                if url.sqlite_path().is_some_and(is_full) =>
            {
                Fault::DiskFull
            }
            Some(fault) => fault,
            None => {
                let why = DatabaseError::from(source).message;
                return Self::Failed { book, task, why };
            }
        };
        Self::Sql {
            fault,
            book,
            task,
            source,
        }
    }

    pub(super) fn cannot_open(url: &DatabaseUrl, source: io::Error) -> Self {
        Self::Sql {
            fault: Fault::CannotOpen,
            book: name(url),
            task: "open the book",
            source: source.into(),
        }
    }

    pub(super) fn cannot_lock(url: &DatabaseUrl, lock: &Path, source: io::Error) -> Self {
        if let io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded = source.kind() {
            return Self::Sql {
                fault: Fault::DiskFull,
                book: name(url),
                task: "take the lock",
                source: source.into(),
            };
        }
        if lock.exists() {
            return Self::CannotLock {
                book: name(url),
                lock: lock.display().to_string(),
                source,
            };
        }
        // The lock's folder is the book's too.
        Self::cannot_open(url, source)
    }

    /// The error names the database itself.
    pub(super) fn unreachable(error: DatabaseError) -> Self {
        Self::Unreachable { why: error.message }
    }

    pub(super) fn migration(url: &DatabaseUrl, source: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match source {
            Execute(source) | ExecuteMigration(source, _)
                if Fault::from_error(&source).is_some() =>
            {
                Self::new(url, "bring the tables up to date", source)
            }
            source => Self::Migration {
                book: name(url),
                known: super::schema::known_version(url.engine()),
                why: source.to_string(),
            },
        }
    }
}

/// There is no room beside the book for SQLite's helper files, of at least 32 KiB each.
fn is_full(book: PathBuf) -> bool {
    const HELPER_FILES: u64 = 128 * 1024;
    let left = book.parent().and_then(|folder| free_space(folder).ok());
    left.is_some_and(|left| left.bytes < HELPER_FILES || left.files == Some(0))
}

/// The book's name in messages.
pub(super) fn name(url: &DatabaseUrl) -> String {
    match url.sqlite_path() {
        Some(path) => path.display().to_string(),
        None => url.to_string(),
    }
}
