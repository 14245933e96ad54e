//! Locks of a book on PostgreSQL: advisory locks that end with the transaction of a connection of their own, also behind a
//! pooler.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Row};

use crate::book::BookError;
use crate::book::store::answered;
use crate::config::DatabaseUrl;
use crate::database::{postgres, server};
use crate::engine::Engine;

use super::{HeldBy, Holder, Kind, Proof};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The connection is idle for as long as a night takes. Returns the server's process.
const PREPARE: &str =
    "SELECT pg_backend_pid()::bigint, set_config('idle_in_transaction_session_timeout', '0', true),
    CASE WHEN current_setting('server_version_num')::int >= 170000
        THEN set_config('transaction_timeout', '0', true) END";

/// One number for each kind of lock and schema; each database has its own advisory locks anyway.
const TRY: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || coalesce(current_schema(), ''), 0))";

/// The key is shown in two halves.
const IS_HELD: &str = "SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1 || coalesce(current_schema(), ''), 0)
        AND pid = $2)";

/// Another account's session hides most columns, but never its name. A prepared transaction has no session.
const HOLDER: &str = "SELECT held.pid::bigint, application_name, usename::text AS account, host(client_addr) AS host,
    coalesce(usename = session_user, false) AS is_own, xact_start
    FROM pg_stat_activity AS session RIGHT JOIN (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1 || coalesce(current_schema(), ''), 0)) AS held
    ON session.pid = held.pid WHERE session.pid IS NOT NULL OR held.pid IS NULL";

#[derive(Debug)]
pub(super) struct Lock {
    connection: PgConnection,
    /// Names the server's process.
    pub(super) proof: Proof,
}

impl Lock {
    pub(super) async fn connect(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let options = postgres::reach(url).map_err(BookError::unreachable)?;
        let connected = server::connected(url, options.connect()).await;
        let mut connection = connected.map_err(BookError::unreachable)?;
        let begin = async {
            connection.execute(BEGIN).await?;
            let process = sqlx::query_scalar(PREPARE);
            process.fetch_one(&mut connection).await
        };
        let process = answered(Engine::Postgres, begin).await;
        let process = process.map_err(|error| BookError::new(url, "take the lock", error))?;
        let proof = Proof {
            kind,
            connection: process,
        };
        Ok(Self { connection, proof })
    }

    pub(super) async fn try_once(&mut self) -> sqlx::Result<bool> {
        let attempt = sqlx::query_scalar(TRY).bind(self.proof.kind.prefix());
        attempt.fetch_one(&mut self.connection).await
    }

    pub(super) async fn release(mut self) -> sqlx::Result<()> {
        self.connection.execute("ROLLBACK").await?;
        self.connection.close().await
    }
}

pub(super) async fn is_held_by(connection: &mut PgConnection, proof: Proof) -> sqlx::Result<bool> {
    sqlx::query_scalar(IS_HELD)
        .bind(proof.kind.prefix())
        .bind(proof.connection)
        .fetch_one(connection)
        .await
}

/// Who holds it, if anybody does. The holder's transaction began when it took the lock.
pub(super) async fn holder(pool: &PgPool, kind: Kind) -> sqlx::Result<Option<Holder>> {
    let row = sqlx::query(HOLDER)
        .bind(kind.prefix())
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| {
        let text = |column| -> Option<String> { row.try_get(column).ok().flatten() };
        let program = text("application_name").unwrap_or_default();
        let host = text("host").map(|host| format!(" on {host}"));
        // `daybook 123`, as every session of ours is called.
        let process = program.strip_prefix("daybook ");
        let is_own: bool = row.try_get("is_own").unwrap_or_default();
        let session: Option<i64> = row.try_get("pid").ok().flatten();
        let account = text("account").unwrap_or_default();
        let (name, by) = match (session, process) {
            (None, _) => {
                let name = "a prepared transaction (listed in pg_prepared_xacts)";
                (name.to_owned(), HeldBy::OtherProgram)
            }
            (_, Some(process)) if is_own => (format!("process {process}"), HeldBy::Daybook),
            (Some(session), _) => {
                let by = match is_own {
                    true => HeldBy::OtherProgram,
                    false => HeldBy::OtherAccount,
                };
                (format!("session {session} of {account} ({program})"), by)
            }
        };
        Holder {
            lock: String::new(),
            name: Some(name + &host.unwrap_or_default()),
            since: row.try_get("xact_start").ok().flatten(),
            by,
        }
    }))
}
