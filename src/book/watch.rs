//! Whether the book is still the one that was read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::{BUSY_TIMEOUT, BookError, READER_CACHE};

/// One connection that notices what others write. The numbers of two of them say nothing of each other, so
/// this one lives as long as the watch.
#[derive(Debug, Clone)]
pub struct Watch {
    path: PathBuf,
    file: Option<(u64, u64)>,
    pool: SqlitePool,
}

impl Watch {
    pub async fn open(path: &Path) -> Result<Self, BookError> {
        // Before the file is opened: one put in its place meanwhile is found by the next look.
        let file = identity(path);
        if file.is_none() {
            let path = path.to_owned();
            return Err(BookError::NoBook { path });
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", READER_CACHE)
            .read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| BookError::new(path, "open the book", error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            pool,
        })
    }

    /// Nobody has put another file in its place, or taken it away.
    pub fn is_of_this_file(&self) -> bool {
        identity(&self.path) == self.file
    }

    /// Another number than before as soon as anybody has written.
    pub async fn version(&self) -> Result<i64, BookError> {
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&self.pool)
            .await
            .map_err(|error| BookError::new(&self.path, "see whether the book changed", error))
    }
}

/// Which file it is, whatever its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
