//! What a database's error means for the book, by the codes of each engine.

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// What a database's error means for the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Busy,
    ReadOnly,
    Full,
    NotADatabase,
    Damaged,
    CannotOpen,
    DiskFails,
    Away,
    Forbidden,
    Standby,
    Other,
}

pub(super) fn kind(error: &sqlx::Error) -> Kind {
    let told = match error {
        sqlx::Error::Database(told) => told,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut => return Kind::Away,
        _ => return Kind::Other,
    };
    if told.try_downcast_ref::<SqliteError>().is_some() {
        let extended: Option<i32> = told.code().and_then(|code| code.parse().ok());
        // The extended codes carry the primary one in their lowest byte.
        return of_sqlite(extended.unwrap_or_default() & 0xff);
    }
    if let Some(told) = told.try_downcast_ref::<PgDatabaseError>() {
        return of_postgres(told.code());
    }
    let number = told.try_downcast_ref::<MySqlDatabaseError>();
    number.map_or(Kind::Other, |told| of_mysql(told.number()))
}

/// SQLite's primary result codes.
fn of_sqlite(code: i32) -> Kind {
    match code {
        // BUSY, LOCKED.
        5 | 6 => Kind::Busy,
        8 => Kind::ReadOnly,
        11 => Kind::Damaged,
        13 => Kind::Full,
        26 => Kind::NotADatabase,
        10 => Kind::DiskFails,
        // PERM, CANTOPEN.
        3 | 14 => Kind::CannotOpen,
        _ => Kind::Other,
    }
}

fn of_postgres(state: &str) -> Kind {
    match state {
        // Lock timeout, deadlock, statement timeout, serialization.
        "55P03" | "40P01" | "57014" | "40001" => Kind::Busy,
        "25006" => Kind::Standby,
        "53100" => Kind::Full,
        "42501" => Kind::Forbidden,
        "XX001" | "XX002" => Kind::Damaged,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" | "28000" | "28P01" | "3D000" => {
            Kind::Away
        }
        _ if state.starts_with("08") => Kind::Away,
        _ => Kind::Other,
    }
}

fn of_mysql(number: u16) -> Kind {
    match number {
        // Lock wait timeout, deadlock, statement timeouts.
        1205 | 1213 | 1969 | 3024 => Kind::Busy,
        // A server, a transaction that may only be read.
        1290 | 1792 | 1836 => Kind::Standby,
        // Disk full, table full.
        1021 | 1114 => Kind::Full,
        1142 | 1143 | 1227 | 1370 => Kind::Forbidden,
        // Account and database, too many connections, shutdown, gone away, lost, killed.
        1040 | 1044 | 1045 | 1049 | 1053 | 1077 | 1079 | 1129 | 1130 | 1152 | 1159 | 1161
        | 1203 | 1226 | 1698 | 1927 | 2006 | 2013 => Kind::Away,
        _ => Kind::Other,
    }
}
