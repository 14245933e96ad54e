//! Locks of a book on MySQL and MariaDB: named ones that end with a connection of their own, on any host.

use sqlx::{ConnectOptions, Connection, Executor, MySqlConnection, MySqlPool};

use crate::book::BookError;
use crate::config::DatabaseUrl;
use crate::database::{mysql, server};

use super::{Kind, Proof};

/// The longest the server allows, as its own default need not be: a year.
const NEVER_IDLE_TOO_LONG: &str = "SET SESSION wait_timeout = 31536000";

/// Names are the server's, not the database's, and at most 64 letters long.
const TRY: &str = "SELECT CAST(get_lock(concat(?, left(sha2(database(), 256), 40)), 0) AS signed)";

const HOLDER: &str =
    "SELECT CAST(is_used_lock(concat(?, left(sha2(database(), 256), 40))) AS signed)";

#[derive(Debug)]
pub(super) struct Hold {
    line: MySqlConnection,
    pub(super) connection: i64,
}

pub(super) struct Waiting {
    line: MySqlConnection,
    kind: Kind,
    connection: i64,
}

impl Waiting {
    pub(super) async fn connect(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let options = mysql::reach(url).map_err(BookError::unreachable)?;
        let line = server::connected(url, options.connect()).await;
        let mut line = line.map_err(BookError::unreachable)?;
        let begun = async {
            line.execute(NEVER_IDLE_TOO_LONG).await?;
            sqlx::query_scalar("SELECT CAST(connection_id() AS signed)")
                .fetch_one(&mut line)
                .await
        };
        let connection = begun.await;
        let connection = connection.map_err(|error| BookError::new(url, "take the lock", error))?;
        Ok(Self {
            line,
            kind,
            connection,
        })
    }

    /// Only 1 means taken: 0 is somebody else's, null an error.
    pub(super) async fn try_once(&mut self) -> sqlx::Result<bool> {
        let taken: Option<i64> = sqlx::query_scalar(TRY)
            .bind(word(self.kind))
            .fetch_one(&mut self.line)
            .await?;
        Ok(taken == Some(1))
    }

    pub(super) fn hold(self) -> Hold {
        Hold {
            line: self.line,
            connection: self.connection,
        }
    }
}

impl Hold {
    /// Where that fails the connection is gone, and the lock with it.
    pub(super) async fn let_go(mut self) {
        drop(self.line.execute("SELECT release_all_locks()").await);
        drop(self.line.close().await);
    }
}

pub(super) async fn is_held_by(line: &mut MySqlConnection, proof: Proof) -> sqlx::Result<bool> {
    let holder: Option<i64> = sqlx::query_scalar(HOLDER)
        .bind(word(proof.kind))
        .fetch_one(line)
        .await?;
    Ok(holder == Some(proof.connection))
}

/// Who collects, if anybody does; `None` where the server does not say.
pub(super) async fn holder(pool: &MySqlPool) -> Option<Option<String>> {
    let holder: Option<i64> = sqlx::query_scalar(HOLDER)
        .bind(word(Kind::Collect))
        .fetch_one(pool)
        .await
        .ok()?;
    Some(holder.map(|connection| format!("connection {connection} of the server")))
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Collect => "daybook collect ",
        Kind::Delivery => "daybook delivery ",
    }
}
