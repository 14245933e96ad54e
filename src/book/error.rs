//! What can go wrong with the book, in words that name the file and what to do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum BookError {
    #[error("no book yet at {}: run `daybook collect`", .path.display())]
    NoBook { path: PathBuf },

    #[error("the book {} is of version {version}, this program needs {known}: run `daybook collect`, which brings it up to date", .path.display())]
    Older {
        path: PathBuf,
        version: i64,
        known: i64,
    },

    #[error("the book {} is of version {version}, this program knows only up to {known}: use the newer daybook that wrote it", .path.display())]
    Newer {
        path: PathBuf,
        version: i64,
        known: i64,
    },

    #[error("another daybook holds {} and did not let go within {} s: try again when it is done", .lock.display(), .waited.as_secs())]
    Held { lock: PathBuf, waited: Duration },

    #[error("cannot open the book {}: expected a SQLite file, readable and writable for this user, in an existing folder where it may create files", .path.display())]
    CannotOpen {
        path: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    #[error("cannot {task}: the book {} stayed locked by another program: end that program or try again", .path.display())]
    Busy {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task}: the book {} may only be read: make the file and its folder writable for this user", .path.display())]
    ReadOnly {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task}: the disk of the book {} is full: free some space and run again, nothing was half written", .path.display())]
    DiskFull {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task}: {} is not a SQLite database: check the book's path in the configuration", .path.display())]
    NotADatabase {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task}: the book {} is damaged: restore it from a backup", .path.display())]
    Damaged {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot {task} in the book {}", .path.display())]
    Failed {
        path: PathBuf,
        task: &'static str,
        source: sqlx::Error,
    },

    #[error("cannot bring the book {} up to version {known}", .path.display())]
    Migration {
        path: PathBuf,
        known: i64,
        source: sqlx::migrate::MigrateError,
    },

    #[error("the book {} has an unreadable {row}: column `{column}`: {why}; correct or delete that row", .path.display())]
    BadRow {
        path: PathBuf,
        /// `entry of 2025-10-03`, `run 7`
        row: String,
        column: &'static str,
        why: String,
    },

    #[error("the book {} did not take the {row}: expected one row to change, {changed} did", .path.display())]
    NotWritten {
        path: PathBuf,
        row: String,
        changed: u64,
    },
}

impl BookError {
    /// The book cannot be reached now, as opposed to what is wrong in it.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::NoBook { .. }
                | Self::Older { .. }
                | Self::Newer { .. }
                | Self::Held { .. }
                | Self::CannotOpen { .. }
                | Self::Busy { .. }
                | Self::ReadOnly { .. }
                | Self::DiskFull { .. }
                | Self::NotADatabase { .. }
                | Self::Damaged { .. }
        )
    }

    pub(super) fn new(path: &Path, task: &'static str, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        match sqlite_code(&source) {
            Some(code::BUSY | code::LOCKED) => Self::Busy { path, task, source },
            Some(code::READ_ONLY) => Self::ReadOnly { path, task, source },
            Some(code::FULL) => Self::DiskFull { path, task, source },
            Some(code::NOT_A_DATABASE) => Self::NotADatabase { path, task, source },
            Some(code::CORRUPT) => Self::Damaged { path, task, source },
            Some(code::CANNOT_OPEN | code::PERMISSION | code::INPUT_OUTPUT) => Self::CannotOpen {
                path,
                source: source.into(),
            },
            _ => Self::Failed { path, task, source },
        }
    }

    pub(super) fn of_migration(path: &Path, source: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match source {
            Execute(source) | ExecuteMigration(source, _) if sqlite_code(&source).is_some() => {
                Self::new(path, "bring the tables up to date", source)
            }
            source => Self::Migration {
                path: path.to_owned(),
                known: super::schema::known_version(),
                source,
            },
        }
    }
}

/// SQLite's primary result codes.
mod code {
    pub(super) const PERMISSION: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const INPUT_OUTPUT: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANNOT_OPEN: i32 = 14;
    pub(super) const NOT_A_DATABASE: i32 = 26;
}

/// The primary code: the extended ones carry it in their lowest byte.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
