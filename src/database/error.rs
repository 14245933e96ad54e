//! Errors of app databases, in kinds that decide what happens next.

use std::io;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlDatabaseError;
use thiserror::Error;
use tokio_rustls::rustls::Error as TlsError;

use super::Limits;

#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct DatabaseError {
    pub trouble: Trouble,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or the connection broke: worth a retry.
    Unavailable,
    /// A follower that has replayed only up to this moment, if it reports one: worth a retry.
    Behind(Option<DateTime<Utc>>),
    /// A follower cancelled the statement to replay changes: worth a retry, best in smaller pieces.
    Conflict,
    /// A table was rewritten or emptied after the snapshot, which no longer sees its rows: worth a fresh snapshot.
    Rewritten,
    /// It denies access or does not exist: a retry changes nothing.
    Refused,
    /// The statement took too long.
    Timeout,
    /// The statement itself is wrong for this database.
    Query,
    /// More groups than can be added up at once: the metric has to be counted another way.
    TooWide,
    /// Daybook was asked to stop.
    Stopped,
}

const REWRITTEN: &str = "was rewritten or emptied while it was counted: collect again once the schema change or reload is over";

impl Trouble {
    /// Other statements on the same snapshot may succeed.
    pub fn is_the_statements_own(self) -> bool {
        matches!(
            self,
            Self::Query | Self::Timeout | Self::TooWide | Self::Rewritten
        )
    }
}

impl DatabaseError {
    /// Fails if any table was rewritten.
    pub fn if_rewritten(tables: &[String]) -> Result<(), Self> {
        if tables.is_empty() {
            return Ok(());
        }
        let message = format!("`{}` {REWRITTEN}", tables.join("`, `"));
        Err(Self::new(Trouble::Rewritten, message))
    }

    /// The snapshot ended during the statement: its rows cannot be trusted.
    pub fn snapshot_ended(why: sqlx::Error) -> Self {
        let message = format!("the transaction that holds the snapshot has ended: {why}");
        Self::new(Trouble::Unavailable, message)
    }

    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self {
            trouble,
            message: message.into(),
        }
    }

    pub fn query(message: impl Into<String>) -> Self {
        Self::new(Trouble::Query, message)
    }

    /// Names the limits, if a statement ran into one.
    pub fn under(self, limits: &Limits) -> Self {
        match self.trouble {
            _ if limits.stop.is_cancelled() => Self::new(Trouble::Stopped, "interrupted"),
            Trouble::Timeout => Self::new(
                Trouble::Timeout,
                format!(
                    "{}; the limits are `statement_timeout` {} s and `lock_timeout` {} s under [collect]",
                    self.message,
                    limits.statement_timeout.as_secs(),
                    limits.lock_timeout.as_secs()
                ),
            ),
            _ => self,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let trouble = match &error {
            sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
                Some(error) => mysql_trouble(error.number()),
                None => trouble_of(error.code().as_deref().unwrap_or_default()),
            },
            sqlx::Error::Tls(_) => Trouble::Refused,
            sqlx::Error::Io(failed) if distrusted(failed).is_some() => Trouble::Refused,
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Trouble::Unavailable
            }
            _ => Trouble::Query,
        };
        let message = match &error {
            sqlx::Error::Database(error) if trouble == Trouble::Rewritten => {
                format!("a table that it reads {REWRITTEN} ({})", error.message())
            }
            sqlx::Error::Database(error) => error.message().to_owned(),
            sqlx::Error::Tls(why) => why.to_string(),
            sqlx::Error::Io(failed) => distrusted(failed).unwrap_or_else(|| error.to_string()),
            other => other.to_string(),
        };
        Self { trouble, message }
    }
}

/// Why the server's certificate is not accepted, if that is what failed.
fn distrusted(failed: &io::Error) -> Option<String> {
    match failed.get_ref()?.downcast_ref()? {
        TlsError::InvalidCertificate(reason) => Some(format!(
            "the server's certificate is not accepted ({reason}): use a host name in the URL that it is valid for, and \
             name the file of the authority that signed it, unless this machine trusts it (`sslrootcert=…`, for MySQL `ssl-ca=…`)"
        )),
        _ => None,
    }
}

/// PostgreSQL's states have five letters; SQLite's numbers are shorter, with the kind in the lowest byte.
fn trouble_of(code: &str) -> Trouble {
    if code.len() < 5
        && let Ok(number) = code.parse::<i32>()
    {
        return sqlite_trouble(number & 0xff);
    }
    match code {
        "57014" | "55P03" | "25P04" => Trouble::Timeout,
        // A read-only statement gets these only from a follower.
        "40001" | "40P01" => Trouble::Conflict,
        "28000" | "28P01" | "3D000" => Trouble::Refused,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Trouble::Unavailable,
        _ if code.starts_with("08") => Trouble::Unavailable,
        _ => Trouble::Query,
    }
}

fn sqlite_trouble(kind: i32) -> Trouble {
    match kind {
        // BUSY, LOCKED, IOERR, CANTOPEN.
        5 | 6 | 10 | 14 => Trouble::Unavailable,
        // CORRUPT, NOTADB, PERM, AUTH.
        11 | 26 | 3 | 23 => Trouble::Refused,
        // INTERRUPT: our own deadline.
        9 => Trouble::Timeout,
        _ => Trouble::Query,
    }
}

fn mysql_trouble(number: u16) -> Trouble {
    match number {
        // Too many connections, shutdown, gone away, lost, killed.
        1040 | 1203 | 1226 | 1053 | 1077 | 1079 | 1152 | 1159 | 1161 | 1927 | 2006 | 2013 => {
            Trouble::Unavailable
        }
        // The table's definition has changed since the snapshot.
        1412 => Trouble::Rewritten,
        // Access denied, or no such account or database.
        1044 | 1045 | 1049 | 1129 | 1130 | 1698 | 3118 | 4151 => Trouble::Refused,
        // Statement time, lock wait, and a statement that was killed.
        1969 | 3024 | 1205 | 1317 => Trouble::Timeout,
        _ => Trouble::Query,
    }
}
