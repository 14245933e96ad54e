//! Locks of a book on PostgreSQL: advisory ones that end with the transaction of a connection of their own, on
//! any host, also behind a pooler.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Row};

use crate::book::BookError;
use crate::book::store::answered;
use crate::config::DatabaseUrl;
use crate::database::{postgres, server};
use crate::engine::Engine;

use super::{HeldBy, Holder, Kind, Proof};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// While the lock is held its connection says nothing, for as long as a night takes. Then the server's process.
const PREPARE: &str =
    "SELECT pg_backend_pid()::bigint, set_config('idle_in_transaction_session_timeout', '0', true),
    CASE WHEN current_setting('server_version_num')::int >= 170000
        THEN set_config('transaction_timeout', '0', true) END";

/// One number for each kind of lock and schema; advisory locks are apart for each database anyway.
const TRY: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || coalesce(current_schema(), ''), 0))";

/// The key is shown in two halves.
const IS_HELD: &str = "SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1 || coalesce(current_schema(), ''), 0)
        AND pid = $2)";

/// Of another account's session little can be seen, but always its name. A prepared transaction has no session.
const HOLDER: &str = "SELECT held.pid::bigint, application_name, usename::text AS account, host(client_addr) AS host,
    coalesce(usename = session_user, false) AS is_own, xact_start
    FROM pg_stat_activity AS session RIGHT JOIN (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1 || coalesce(current_schema(), ''), 0)) AS held
    ON session.pid = held.pid WHERE session.pid IS NOT NULL OR held.pid IS NULL";

#[derive(Debug)]
pub(super) struct Hold {
    line: PgConnection,
    /// The server's process.
    pub(super) connection: i64,
}

pub(super) struct Waiting {
    line: PgConnection,
    kind: Kind,
    connection: i64,
}

impl Waiting {
    pub(super) async fn connect(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let options = postgres::reach(url).map_err(BookError::unreachable)?;
        let line = server::connected(url, options.connect()).await;
        let mut line = line.map_err(BookError::unreachable)?;
        let begun = async {
            line.execute(BEGIN).await?;
            sqlx::query_scalar(PREPARE).fetch_one(&mut line).await
        };
        let connection = answered(Engine::Postgres, begun).await;
        let connection = connection.map_err(|error| BookError::new(url, "take the lock", error))?;
        Ok(Self {
            line,
            kind,
            connection,
        })
    }

    pub(super) async fn try_once(&mut self) -> sqlx::Result<bool> {
        sqlx::query_scalar(TRY)
            .bind(word(self.kind))
            .fetch_one(&mut self.line)
            .await
    }

    pub(super) fn hold(self) -> Hold {
        Hold {
            line: self.line,
            connection: self.connection,
        }
    }
}

impl Hold {
    pub(super) async fn let_go(mut self) -> sqlx::Result<()> {
        self.line.execute("ROLLBACK").await?;
        self.line.close().await
    }
}

pub(super) async fn is_held_by(line: &mut PgConnection, proof: Proof) -> sqlx::Result<bool> {
    sqlx::query_scalar(IS_HELD)
        .bind(word(proof.kind))
        .bind(proof.connection)
        .fetch_one(line)
        .await
}

/// Who has it, if anybody has; the transaction that holds it began with it.
pub(super) async fn holder(pool: &PgPool, kind: Kind) -> sqlx::Result<Option<Holder>> {
    let row = sqlx::query(HOLDER)
        .bind(word(kind))
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

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Collect => "daybook collect ",
        Kind::Delivery => "daybook delivery ",
    }
}
