//! Whether the book is still the one that was read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::config::DatabaseUrl;

use super::error::name;
use super::row::plain;
use super::store::{Access, Store, file, probe};
use super::{Book, BookError};

/// Notices what others write.
#[derive(Debug, Clone)]
pub struct Watch {
    url: DatabaseUrl,
    eye: Eye,
}

#[derive(Debug, Clone)]
enum Eye {
    /// One connection that lives as long as the watch: the numbers of two of them say nothing of each other.
    File {
        pool: SqlitePool,
        file: (u64, u64),
    },
    Server(Store),
}

impl Watch {
    pub async fn open(url: &DatabaseUrl) -> Result<Self, BookError> {
        probe(url).await?;
        let eye = match url.sqlite_path() {
            Some(path) => on_file(url, &path).await?,
            None => {
                let book = Book::connect(url, Access::Reading, 1).await?;
                book.must_be_current().await?;
                Eye::Server(book.store)
            }
        };
        Ok(Self {
            url: url.clone(),
            eye,
        })
    }

    /// Nobody has written since, nor put another file in the book's place or taken it away.
    pub async fn is_still(&self, version: &str) -> Result<bool, BookError> {
        Ok(self.is_of_this_file() && self.version().await? == version)
    }

    fn is_of_this_file(&self) -> bool {
        match &self.eye {
            Eye::File { file, .. } => {
                let path = self.url.sqlite_path().unwrap_or_default();
                identity(&path) == Some(*file)
            }
            Eye::Server(_) => true,
        }
    }

    /// Another text than before as soon as anybody has written.
    pub async fn version(&self) -> Result<String, BookError> {
        let version = match &self.eye {
            Eye::File { pool, .. } => sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(pool)
                .await
                .map(|version: i64| version.to_string()),
            Eye::Server(store) => revision(store).await,
        };
        version.map_err(|error| BookError::new(&self.url, "see whether the book changed", error))
    }
}

/// A book made anew begins to count anew, but not at the same time.
async fn revision(store: &Store) -> sqlx::Result<String> {
    const ASKED: &str = "SELECT made_at, revision FROM book_state";
    let row = store.row(ASKED, &[]).await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    let told =
        |(column, why): (&str, String)| sqlx::Error::Decode(format!("{column}: {why}").into());
    let made_at = super::row::moment(&row, "made_at").map_err(told)?;
    let revision: i64 = plain(&row, "revision").map_err(told)?;
    Ok(format!("{revision} since {made_at}"))
}

async fn on_file(url: &DatabaseUrl, path: &Path) -> Result<Eye, BookError> {
    // Before the file is opened: one put in its place meanwhile is found by the next look.
    let Some(identity) = identity(path) else {
        return Err(BookError::NoBook { book: name(url) });
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(file(path, Access::Reading))
        .await
        .map_err(|error| BookError::new(url, "open the book", error))?;
    Ok(Eye::File {
        pool,
        file: identity,
    })
}

/// Which file it is, whatever its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
