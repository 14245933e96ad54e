//! The book as the doctor looks at it: nothing is written, not even beside it.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;

use super::schema::{self, State};
use super::{BUSY_TIMEOUT, Book, BookError, lock};

/// How a book is, beyond what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `wal`, as it should be.
    pub journal: String,
    /// What SQLite finds wrong with the file.
    pub damage: Vec<String>,
}

/// A damaged file can have thousands of complaints.
const MOST_COMPLAINTS: usize = 5;

/// Opens and examines a book of this program's version.
pub async fn examine(path: &Path) -> Result<(Book, Health), BookError> {
    let lonely = is_lonely(path);
    let examined = look(path, lonely).await;
    let is_sound = matches!(&examined, Ok((_, health)) if health.damage.is_empty());
    // Somebody may have begun to write after it was taken for still.
    if lonely && !is_sound && !is_lonely(path) {
        return look(path, false).await;
    }
    examined
}

/// Whether somebody collects into it now.
pub fn is_collecting(path: &Path) -> bool {
    lock::is_held(path)
}

/// The process that collects, where the kernel names it.
pub fn collector(path: &Path) -> Option<u32> {
    lock::holder(path)
}

async fn look(path: &Path, lonely: bool) -> Result<(Book, Health), BookError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .read_only(true)
        // Opened in any other way, SQLite would make its two helper files and leave them behind.
        .immutable(lonely);
    let book = Book::connect(path, options, 1).await?;
    match book.state().await? {
        State::Current => {}
        State::Ahead(version) => return Err(book.newer(version)),
        State::Missing => {
            return Err(BookError::NoBook {
                path: path.to_owned(),
            });
        }
        State::Behind(version) => {
            return Err(BookError::Older {
                path: path.to_owned(),
                version,
                known: schema::known_version(),
            });
        }
    }
    let health = health(&book).await?;
    Ok((book, health))
}

async fn health(book: &Book) -> Result<Health, BookError> {
    const TASK: &str = "check the book's pages";
    let damage: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(5)")
        .fetch_all(&book.pool)
        .await
        .map_err(|error| book.error(TASK, error))?;
    let journal = match journal(&book.path) {
        Some(2) => "wal",
        _ => "rollback",
    };
    Ok(Health {
        journal: journal.to_owned(),
        damage: damage
            .into_iter()
            .filter(|line| line != "ok")
            .take(MOST_COMPLAINTS)
            .collect(),
    })
}

/// From the file's own head: whoever opens a file as unchanging is told of no journal.
fn journal(path: &Path) -> Option<u8> {
    use std::io::Read;
    let mut head = [0; 20];
    let mut file = std::fs::File::open(path).ok()?;
    file.read_exact(&mut head).ok()?;
    Some(head[18])
}

/// Nobody has it open to write, so it can be read as it lies there.
fn is_lonely(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let written = std::fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0);
    !written && !lock::is_held(path)
}
