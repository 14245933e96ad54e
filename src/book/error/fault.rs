//! Faults of a book's database, by the error codes of each engine.

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    CannotOpen,
    Busy,
    ReadOnly,
    DiskFull,
    DiskFails,
    NotADatabase,
    Damaged,
    Away,
    Forbidden,
    Standby,
}

impl Fault {
    /// `None` for an error of the statement itself.
    pub(super) fn from_error(error: &sqlx::Error) -> Option<Self> {
        let error = match error {
            sqlx::Error::Database(error) => error,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut => return Some(Self::Away),
            _ => return None,
        };
        if error.try_downcast_ref::<SqliteError>().is_some() {
            let extended: Option<i32> = error.code().and_then(|code| code.parse().ok());
            // The extended codes carry the primary one in their lowest byte.
            return of_sqlite(extended.unwrap_or_default() & 0xff);
        }
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return of_postgres(error.code());
        }
        let error = error.try_downcast_ref::<MySqlDatabaseError>();
        error.and_then(|error| of_mysql(error.number()))
    }

    /// What failed and what to do.
    pub(super) fn sentence(self, task: &str, book: &str, source: &sqlx::Error) -> String {
        let problem = match self {
            Self::CannotOpen => {
                return format!(
                    "cannot open the book {book}: expected a SQLite file, readable and writable for this user, in an existing folder where it may create files"
                );
            }
            Self::Busy => format!(
                "the book {book} stayed locked by another program: end that program or try again"
            ),
            Self::ReadOnly => format!(
                "the book {book} is read-only: make the file and its folder writable for this user"
            ),
            Self::DiskFull => format!(
                "the disk of the book {book} is full: free some space and run again; nothing was half written"
            ),
            Self::DiskFails => format!(
                "the file of the book {book} cannot be read or written ({source}): check that its disk is healthy and that no quota or size limit is reached; nothing was half written"
            ),
            Self::NotADatabase => format!(
                "{book} is not a SQLite database: check the book's path in the configuration"
            ),
            Self::Damaged => format!("the book {book} is damaged: restore it from a backup"),
            Self::Away => format!("the server of the book {book} is unavailable"),
            Self::Forbidden => format!(
                "this user may not do that in the book {book}: grant it the rights to use, create and alter its tables"
            ),
            Self::Standby => format!(
                "the server of the book {book} is read-only, like a standby: use the URL of the primary"
            ),
        };
        format!("cannot {task}: {problem}")
    }
}

/// SQLite's primary result codes.
fn of_sqlite(code: i32) -> Option<Fault> {
    Some(match code {
        // BUSY, LOCKED.
        5 | 6 => Fault::Busy,
        8 => Fault::ReadOnly,
        11 => Fault::Damaged,
        13 => Fault::DiskFull,
        26 => Fault::NotADatabase,
        10 => Fault::DiskFails,
        // PERM, CANTOPEN.
        3 | 14 => Fault::CannotOpen,
        _ => return None,
    })
}

fn of_postgres(state: &str) -> Option<Fault> {
    Some(match state {
        // Lock timeout, deadlock, statement timeout, serialization.
        "55P03" | "40P01" | "57014" | "40001" => Fault::Busy,
        "25006" => Fault::Standby,
        "53100" => Fault::DiskFull,
        "42501" => Fault::Forbidden,
        "XX001" | "XX002" => Fault::Damaged,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" | "28000" | "28P01" | "3D000" => {
            Fault::Away
        }
        _ if state.starts_with("08") => Fault::Away,
        _ => return None,
    })
}

fn of_mysql(number: u16) -> Option<Fault> {
    Some(match number {
        // Lock wait timeout, deadlock, statement timeouts.
        1205 | 1213 | 1969 | 3024 => Fault::Busy,
        // A server, a transaction that may only be read.
        1290 | 1792 | 1836 => Fault::Standby,
        // Disk full, table full.
        1021 | 1114 => Fault::DiskFull,
        1142 | 1143 | 1227 | 1370 => Fault::Forbidden,
        // Account and database, too many connections, shutdown, gone away, lost, killed.
        1040 | 1044 | 1045 | 1049 | 1053 | 1077 | 1079 | 1129 | 1130 | 1152 | 1159 | 1161
        | 1203 | 1226 | 1698 | 1927 | 2006 | 2013 => Fault::Away,
        _ => return None,
    })
}
