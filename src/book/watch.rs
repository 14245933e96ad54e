//! Whether the book is still the one that was read.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::{BUSY_TIMEOUT, BookError};

/// One connection that notices what others write. The numbers of two of them say nothing of each other, so
/// this one lives as long as the watch.
#[derive(Debug, Clone)]
pub struct Watch {
    path: PathBuf,
    pool: SqlitePool,
}

impl Watch {
    pub async fn open(path: &Path) -> Result<Self, BookError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
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
            pool,
        })
    }

    /// Another number than before as soon as anybody has written.
    pub async fn version(&self) -> Result<i64, BookError> {
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&self.pool)
            .await
            .map_err(|error| BookError::new(&self.path, "see whether the book changed", error))
    }
}
