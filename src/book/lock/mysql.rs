//! Locks of a book on MySQL and MariaDB: named locks that end with a connection of their own.

use chrono::NaiveDateTime;
use sqlx::{ConnectOptions, Connection, Executor, MySqlConnection, MySqlPool, Row};

use crate::book::BookError;
use crate::book::store::answered;
use crate::config::DatabaseUrl;
use crate::database::{mysql, server};
use crate::engine::Engine;

use super::{HeldBy, Holder, Kind, Proof};

/// A year, the longest that servers allow.
const NEVER_IDLE_TOO_LONG: &str = "SET SESSION wait_timeout = 31536000";

/// Names are the server's, not the database's, and at most 64 letters long.
const TRY: &str = "SELECT CAST(get_lock(concat(?, left(sha2(database(), 256), 40)), 0) AS signed)";

const HOLDER: &str =
    "SELECT CAST(is_used_lock(concat(?, left(sha2(database(), 256), 40))) AS signed)";

/// Shows other accounts' sessions only if ours may see all.
const SESSION: &str = "SELECT CAST(user AS char) AS account, CAST(host AS char) AS host,
    CAST(utc_timestamp() - INTERVAL time SECOND AS datetime) AS since,
    CAST(user = (SELECT user FROM information_schema.processlist WHERE id = connection_id()) AS signed) AS is_own
    FROM information_schema.processlist WHERE id = ?";

#[derive(Debug)]
pub(super) struct Lock {
    connection: MySqlConnection,
    pub(super) proof: Proof,
}

impl Lock {
    pub(super) async fn connect(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let options = mysql::reach(url).map_err(BookError::unreachable)?;
        let connected = server::connected(url, options.connect()).await;
        let mut connection = connected.map_err(BookError::unreachable)?;
        let begin = async {
            connection.execute(NEVER_IDLE_TOO_LONG).await?;
            let id = sqlx::query_scalar("SELECT CAST(connection_id() AS signed)");
            id.fetch_one(&mut connection).await
        };
        let id = answered(Engine::Mysql, begin).await;
        let id = id.map_err(|error| BookError::new(url, "take the lock", error))?;
        let proof = Proof {
            kind,
            connection: id,
        };
        Ok(Self { connection, proof })
    }

    /// Only 1 means taken: 0 is somebody else's, null an error.
    pub(super) async fn try_once(&mut self) -> sqlx::Result<bool> {
        let attempt = sqlx::query_scalar(TRY).bind(self.proof.kind.prefix());
        let taken: Option<i64> = attempt.fetch_one(&mut self.connection).await?;
        Ok(taken == Some(1))
    }

    pub(super) async fn release(mut self) -> sqlx::Result<()> {
        self.connection
            .execute("SELECT release_all_locks()")
            .await?;
        self.connection.close().await
    }
}

pub(super) async fn is_held_by(
    connection: &mut MySqlConnection,
    proof: Proof,
) -> sqlx::Result<bool> {
    let holder = sqlx::query_scalar(HOLDER).bind(proof.kind.prefix());
    let holder: Option<i64> = holder.fetch_one(connection).await?;
    Ok(holder == Some(proof.connection))
}

/// Who holds it, if anybody does. Its connection has been idle since it took the lock.
pub(super) async fn holder(pool: &MySqlPool, kind: Kind) -> sqlx::Result<Option<Holder>> {
    let held_by = async || -> sqlx::Result<Option<i64>> {
        let holder = sqlx::query_scalar(HOLDER).bind(kind.prefix());
        holder.fetch_one(pool).await
    };
    let Some(connection) = held_by().await? else {
        return Ok(None);
    };
    let row = sqlx::query(SESSION)
        .bind(connection)
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else {
        // Hidden from this account, unless it has just ended.
        let is_hidden = held_by().await? == Some(connection);
        return Ok(is_hidden.then(|| Holder {
            lock: String::new(),
            name: Some(format!("connection {connection} of the server")),
            since: None,
            by: HeldBy::OtherAccount,
        }));
    };
    let account: String = row.try_get("account")?;
    let host: String = row.try_get("host")?;
    let since: Option<NaiveDateTime> = row.try_get("since")?;
    let is_own: Option<i64> = row.try_get("is_own")?;
    Ok(Some(Holder {
        lock: String::new(),
        name: Some(format!("connection {connection} of {account} from {host}")),
        since: since.map(|since| since.and_utc()),
        by: match is_own {
            Some(1) => HeldBy::Daybook,
            _ => HeldBy::OtherAccount,
        },
    }))
}
