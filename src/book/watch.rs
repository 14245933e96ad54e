//! Notices when the book changes.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::config::DatabaseUrl;

use super::error::name;
use super::row::{moment, plain};
use super::store::{Access, Store, file, probe};
use super::{Book, BookError};

/// Notices changes by other connections.
#[derive(Debug, Clone)]
pub struct Watch {
    url: DatabaseUrl,
    watched: Watched,
}

#[derive(Debug, Clone)]
enum Watched {
    /// One connection that lives as long as the watch: versions of two connections cannot be compared.
    File {
        pool: SqlitePool,
        file: (u64, u64),
    },
    Server(Store),
}

impl Watch {
    pub async fn open(url: &DatabaseUrl) -> Result<Self, BookError> {
        probe(url).await?;
        let watched = match url.sqlite_path() {
            Some(path) => on_file(url, &path).await?,
            None => {
                let book = Book::connect(url, Access::Reading, 1).await?;
                book.must_be_current().await?;
                Watched::Server(book.store)
            }
        };
        Ok(Self {
            url: url.clone(),
            watched,
        })
    }

    /// Nobody has written since, replaced the file or removed it.
    pub async fn is_still(&self, version: &str) -> Result<bool, BookError> {
        Ok(self.is_of_this_file() && self.version().await? == version)
    }

    fn is_of_this_file(&self) -> bool {
        match &self.watched {
            Watched::File { file, .. } => {
                let path = self.url.sqlite_path().unwrap_or_default();
                identity(&path) == Some(*file)
            }
            Watched::Server(_) => true,
        }
    }

    /// Differs as soon as anybody has written.
    pub async fn version(&self) -> Result<String, BookError> {
        let version = match &self.watched {
            Watched::File { pool, .. } => sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(pool)
                .await
                .map(|version: i64| version.to_string()),
            Watched::Server(store) => revision(store).await,
        };
        version.map_err(|error| BookError::new(&self.url, "see whether the book changed", error))
    }
}

/// A new book counts from 0 again, but was made at another time.
async fn revision(store: &Store) -> sqlx::Result<String> {
    const ASKED: &str = "SELECT made_at, revision FROM book_state";
    let row = store.row(ASKED, &[]).await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    let made_at = moment(&row, "made_at")?;
    let revision: i64 = plain(&row, "revision")?;
    Ok(format!("{revision} since {made_at}"))
}

async fn on_file(url: &DatabaseUrl, path: &Path) -> Result<Watched, BookError> {
    // Before the file is opened, so that the next look notices a file that replaced it meanwhile.
    let identity = match std::fs::metadata(path) {
        Ok(found) => (found.dev(), found.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BookError::NoBook { book: name(url) });
        }
        Err(error) => return Err(BookError::cannot_open(url, error)),
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(file(path, Access::Reading))
        .await
        .map_err(|error| BookError::new(url, "open the book", error))?;
    Ok(Watched::File {
        pool,
        file: identity,
    })
}

/// Which file it is, whatever its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
