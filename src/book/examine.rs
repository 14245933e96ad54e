//! Examines the book for the doctor, and writes nothing, not even beside it.

use std::path::Path;

use crate::config::DatabaseUrl;
use crate::database::mysql;
use crate::engine::Engine;

use super::store::{Access, Store, answered, has_log, probe};
use super::{Book, BookError, lock};

/// The state of a book apart from its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    File {
        /// `wal`, as it should be.
        journal: &'static str,
        /// What SQLite finds wrong with the file.
        damage: Vec<String>,
    },
    Server {
        /// The server's product and version.
        version: String,
        is_encrypted: bool,
        may_write: bool,
    },
}

/// A damaged file can have thousands of complaints.
const MOST_COMPLAINTS: usize = 5;

/// Opens and examines a book of this program's version.
pub async fn examine(url: &DatabaseUrl) -> Result<(Book, Health), BookError> {
    probe(url).await?;
    let Some(path) = url.sqlite_path() else {
        return look(url, Access::Reading).await;
    };
    let unused = is_unused(&path);
    let access = match unused {
        true => Access::ReadingStill,
        false => Access::Reading,
    };
    let examined = look(url, access).await;
    let is_sound = matches!(&examined, Ok((_, Health::File { damage, .. })) if damage.is_empty());
    // Somebody may have begun to write since.
    if unused && !is_sound && !is_unused(&path) {
        return look(url, Access::Reading).await;
    }
    examined
}

async fn look(url: &DatabaseUrl, access: Access) -> Result<(Book, Health), BookError> {
    // Before SQLite opens the file: closing it later would give up the locks that SQLite has on it.
    let journal = url.sqlite_path().and_then(|path| journal(&path));
    let book = Book::connect(url, access, 1).await?;
    book.must_be_current().await?;
    let health = health(&book, journal).await?;
    Ok((book, health))
}

async fn health(book: &Book, journal: Option<u8>) -> Result<Health, BookError> {
    let failed = |error: sqlx::Error| book.error("check the book's pages", error);
    match &book.store {
        Store::Sqlite(pool) => {
            let damage: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(5)")
                .fetch_all(pool)
                .await
                .map_err(failed)?;
            let is_wal = journal == Some(2);
            Ok(Health::File {
                journal: if is_wal { "wal" } else { "rollback" },
                damage: damage
                    .into_iter()
                    .filter(|line| line != "ok")
                    .take(MOST_COMPLAINTS)
                    .collect(),
            })
        }
        Store::Postgres(pool) => {
            const ASKED: &str = "SELECT current_setting('server_version'),
                coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
                has_table_privilege('daily_metrics', 'SELECT') AND has_table_privilege('daily_metrics', 'INSERT')
                    AND has_table_privilege('daily_metrics', 'UPDATE') AND has_table_privilege('daily_metrics', 'DELETE')
                    AND NOT pg_is_in_recovery()";
            let asked = sqlx::query_as(ASKED).fetch_one(pool);
            let asked = answered(Engine::Postgres, asked).await;
            let (version, is_encrypted, may_write) = asked.map_err(failed)?;
            let version: String = version;
            Ok(Health::Server {
                version: format!("PostgreSQL {version}"),
                is_encrypted,
                may_write,
            })
        }
        Store::Mysql(pool) => {
            const ASKED: &str = "SELECT version(), @@global.read_only = 0";
            let asked = async {
                let server: (String, bool) = sqlx::query_as(ASKED).fetch_one(pool).await?;
                let cipher: Vec<(String, String)> = sqlx::query_as("SHOW STATUS LIKE 'Ssl_cipher'")
                    .fetch_all(pool)
                    .await?;
                Ok((server, cipher))
            };
            let asked = answered(Engine::Mysql, asked).await;
            let ((version, may_write), cipher) = asked.map_err(failed)?;
            Ok(Health::Server {
                version: mysql::product(&version),
                is_encrypted: cipher.iter().any(|(_, cipher)| !cipher.is_empty()),
                may_write,
            })
        }
    }
}

/// From the file's header: SQLite does not say it of a file opened as immutable.
fn journal(path: &Path) -> Option<u8> {
    use std::io::Read;
    let mut head = [0; 20];
    let mut file = std::fs::File::open(path).ok()?;
    file.read_exact(&mut head).ok()?;
    Some(head[18])
}

/// Nobody has it open to write, so it can be read as immutable.
fn is_unused(path: &Path) -> bool {
    !has_log(path) && !lock::file::is_held(path)
}
