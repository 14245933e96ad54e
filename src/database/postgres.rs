//! PostgreSQL as an app database: connections that share one exported snapshot, read-only by construction.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection, Postgres};

use crate::config::DatabaseUrl;
use crate::plan::{Bind, Cell};

use super::server::{at_best, connected, has_its_files, is_here, session_name};
use super::{
    DatabaseError, Limits, ROLLBACK_TO_SAVEPOINT, Replayed, SAVEPOINT, Trouble, decode, read_all,
    safe,
};

/// Runs before the snapshot is taken, which contains at least that much. If this user may not see a receiver's numbers,
/// the receiver still exists only if it heard from the other server within its timeout.
const REPLAYED: &str = "
SELECT pg_is_in_recovery(), greatest(
    pg_last_xact_replay_timestamp(),
    (SELECT CASE
        WHEN latest_end_lsn IS NOT NULL AND pg_last_wal_replay_lsn() >= latest_end_lsn THEN last_msg_send_time
        WHEN status IS NULL AND pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()
            THEN clock_timestamp() - nullif(current_setting('wal_receiver_timeout')::interval, interval '0')
     END FROM pg_stat_wal_receiver))";

/// The tables locked by the statement, and their parts, that were rewritten, emptied, made, renamed or moved between
/// parents since the snapshot: such a table shows only what it held before. Rows of the catalog are the snapshot's, while
/// the functions return the present, which cannot change while the locks are held. Indexes may come and go. No function
/// tells whether a table still inherits from another, but a change of that also changes its columns: their rows in the
/// snapshot have been replaced by the committed transaction in `xmax`.
const REWRITTEN: &str = "
WITH RECURSIVE held AS (
    SELECT relation AS id FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), read AS (
    SELECT id FROM held UNION SELECT inhrelid FROM pg_inherits JOIN read ON inhparent = id
)
SELECT coalesce(nullif(id::regclass::text, id::text), relname, id::text)
FROM read LEFT JOIN pg_class ON pg_class.oid = id LEFT JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE CASE
    WHEN pg_class.oid IS NULL THEN pg_get_indexdef(id) IS NULL
    WHEN relkind IN ('r', 'm', 'p', 'v', 'f') AND relpersistence <> 't'
        AND (pg_identify_object('pg_class'::regclass, id, 0)).identity IS DISTINCT FROM format('%I.%I', nspname, relname)
        THEN true
    WHEN relkind IN ('r', 'f') AND NOT relispartition AND EXISTS (
        SELECT FROM pg_attribute AS one CROSS JOIN txid_snapshot_xmax(txid_current_snapshot()) AS newest
        WHERE attrelid = id AND attnum > 0 AND one.xmax::text <> '0'
            AND txid_status(newest + ((one.xmax::text::bigint - newest + 2147483648) & 4294967295) - 2147483648) = 'committed'
    ) THEN true
    WHEN relkind = 'p' THEN relispartition <> (pg_partition_root(id) IS DISTINCT FROM id::regclass)
    WHEN relkind NOT IN ('r', 'm') OR relfilenode = 0 THEN false
    ELSE relfilenode IS DISTINCT FROM pg_relation_filenode(id)
        OR relispartition <> (pg_partition_root(id) IS NOT NULL)
END
ORDER BY 1";

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

pub(super) async fn open(
    url: &DatabaseUrl,
    count: u32,
    limits: &Limits,
) -> Result<(Vec<PgConnection>, Replayed), DatabaseError> {
    let options = options(url, limits)?;
    let mut first = connected(url, options.connect()).await?;
    let replayed = match sqlx::query_as(REPLAYED).fetch_one(&mut first).await? {
        (false, _) => Replayed::All,
        (true, Some(until)) => Replayed::Until(until),
        (true, None) => Replayed::Unknown,
    };
    sqlx::query(BEGIN).execute(&mut first).await?;
    let mut all = Vec::new();
    if count > 1 {
        let snapshot: String = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut first)
            .await?;
        // A snapshot's name consists of hexadecimal digits and dashes.
        let name: String = snapshot
            .chars()
            .filter(|letter| letter.is_ascii_hexdigit() || *letter == '-')
            .collect();
        for _ in 1..count {
            let mut other = connected(url, options.connect()).await?;
            sqlx::query(BEGIN).execute(&mut other).await?;
            sqlx::query(safe(&format!("SET TRANSACTION SNAPSHOT '{name}'")))
                .execute(&mut other)
                .await?;
            all.push(other);
        }
        // Our connections already work in parallel; parallel workers would compete with them for the same cores.
        for connection in all.iter_mut().chain([&mut first]) {
            sqlx::query("SET LOCAL max_parallel_workers_per_gather = 0")
                .execute(connection)
                .await?;
        }
    }
    all.insert(0, first);
    for connection in &mut all {
        sqlx::query(SAVEPOINT).execute(connection).await?;
    }
    Ok((all, replayed))
}

fn options(url: &DatabaseUrl, limits: &Limits) -> Result<PgConnectOptions, DatabaseError> {
    let milliseconds = |duration: Duration| duration.as_millis().max(1).to_string();
    Ok(reach(url)?.statement_cache_capacity(0).options([
        ("default_transaction_read_only", "on".to_owned()),
        // Compiling a statement with dozens of counts takes longer than it saves.
        ("jit", "off".to_owned()),
        // Enough for a set of the keys of about a million parents: `plan::Facts::keys_fit_memory`.
        ("work_mem", "48MB".to_owned()),
        ("statement_timeout", milliseconds(limits.statement_timeout)),
        ("lock_timeout", milliseconds(limits.lock_timeout)),
        (
            "idle_in_transaction_session_timeout",
            milliseconds(limits.statement_timeout * 2),
        ),
    ]))
}

/// Connection options: verified TLS, unless the server is on this machine or the URL says otherwise.
pub fn reach(url: &DatabaseUrl) -> Result<PgConnectOptions, DatabaseError> {
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(|error| DatabaseError::new(Trouble::Refused, format!("{url}: {error}")))?;
    has_its_files(url)?;
    let options = match is_near(&options) || url.expose().contains("sslmode=") {
        true => options,
        false => options.ssl_mode(PgSslMode::VerifyFull),
    };
    Ok(options
        .application_name(&session_name())
        .disable_statement_logging())
}

fn is_near(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || is_here(options.get_host())
}

/// Whether the server is on this machine, and whether it has to prove its name.
pub(super) fn is_local_and_proven(url: &DatabaseUrl) -> (bool, bool) {
    reach(url).map_or((false, false), |options| {
        let is_proven = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
        (is_near(&options), is_proven)
    })
}

pub(super) async fn cancel(url: &DatabaseUrl, limits: &Limits) {
    const CANCEL: &str = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1 AND pid <> pg_backend_pid() AND usename = current_user";
    let Ok(options) = options(url, limits) else {
        return;
    };
    at_best(async {
        if let Ok(mut connection) = connected(url, options.connect()).await {
            let asking = sqlx::query(CANCEL).bind(session_name());
            drop(asking.execute(&mut connection).await);
        }
    })
    .await;
}

pub(super) async fn without_hash_joins(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    sqlx::query("SET LOCAL enable_hashjoin = off")
        .execute(connection)
        .await?;
    Ok(())
}

/// Runs a statement, then releases its locks and settings: a deployment waits for one statement, not for the night, and a
/// failed statement does not end the transaction.
pub(super) async fn ask(
    connection: &mut PgConnection,
    sql: &str,
    binds: &[Bind],
    each: &mut impl FnMut(Vec<Cell>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    let rows = bound(sql, binds).fetch(&mut *connection);
    let mut done = read_all(rows, decode::postgres, each).await;
    if done.is_ok() {
        done = saw_all(connection).await;
    }
    let settled = sqlx::query(ROLLBACK_TO_SAVEPOINT).execute(connection).await;
    match (settled, done) {
        (Ok(_), done) => done,
        // If the connection is gone, the statement's own error says it better.
        (Err(_), Err(error)) if !error.trouble.is_the_statements_own() => Err(error),
        (Err(error), _) => Err(DatabaseError::snapshot_ended(error)),
    }
}

/// Fails if the statement has read a table that its snapshot no longer shows as it was.
async fn saw_all(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let rewritten: Vec<String> = sqlx::query_scalar(REWRITTEN).fetch_all(connection).await?;
    DatabaseError::if_rewritten(&rewritten)
}

fn bound(sql: &str, binds: &[Bind]) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(safe(sql));
    for bind in binds {
        query = match bind.clone() {
            Bind::Instant(instant) => query.bind(instant),
            Bind::Local(local) => query.bind(local),
            Bind::Text(text) => query.bind(text),
            Bind::Integer(whole) => query.bind(whole),
            Bind::Instants(instants) => query.bind(instants),
            Bind::Locals(locals) => query.bind(locals),
            Bind::Integers(wholes) => query.bind(wholes),
            Bind::Texts(texts) => query.bind(texts),
        };
    }
    query
}
