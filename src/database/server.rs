//! What all database servers share: timeouts, certificate files, and whether a host is this machine.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::DatabaseUrl;

use super::{DatabaseError, Limits, Trouble};

/// A server that accepts the connection and then stays silent must not hold up the night.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An operator who stops the night does not want to wait for a server that is away.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects; an error names the database.
pub async fn connected<T>(
    url: &DatabaseUrl,
    connecting: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, DatabaseError> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    let connected = connected.map_or_else(
        |_| {
            let seconds = CONNECT_TIMEOUT.as_secs();
            let silence = format!("the server did not answer within {seconds} s");
            Err(DatabaseError::new(Trouble::Unavailable, silence))
        },
        |connected| connected.map_err(DatabaseError::from),
    );
    connected.map_err(|DatabaseError { trouble, message }| {
        DatabaseError::new(trouble, format!("{url}: {message}"))
    })
}

/// The server itself limits the statement's time. If it has not answered by then, it is away, although the connection may
/// look intact for hours.
pub(super) async fn answered<T>(
    limits: &Limits,
    work: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let timeout = limits.statement_timeout + CONNECT_TIMEOUT;
    let silence = |_| {
        let message = format!("the server was silent for {} s", timeout.as_secs());
        DatabaseError::new(Trouble::Unavailable, message)
    };
    let answer = tokio::time::timeout(timeout, work).await;
    answer.map_err(silence)?
}

/// Best effort: if this fails, the statement timeout ends what still runs.
pub(super) async fn at_best(cancelling: impl Future<Output = ()>) {
    drop(tokio::time::timeout(CANCEL_TIMEOUT, cancelling).await);
}

/// Fails if a certificate or key file named in the URL cannot be read: sqlx would report a server that is away.
pub(super) fn has_its_files(url: &DatabaseUrl) -> Result<(), DatabaseError> {
    const FILES: [&str; 6] = [
        "sslrootcert",
        "sslcert",
        "sslkey",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
    ];
    let options = url.expose().split('?').nth(1).unwrap_or_default();
    let named = options.split('&').filter_map(|one| one.split_once('='));
    for (name, file) in named.filter(|(name, file)| FILES.contains(name) && !file.contains('%')) {
        std::fs::File::open(file).map_err(|error| {
            let message = format!("{url}: cannot read {file}, which `{name}` names: {error}");
            DatabaseError::new(Trouble::Refused, message)
        })?;
    }
    Ok(())
}

/// Whether connections to this host stay on this machine.
pub(super) fn is_here(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.starts_with('/') || host == "localhost" || host.parse().is_ok_and(is_loopback)
}

/// Distinguishes this process's sessions from those of another Daybook.
pub(super) fn session_name() -> String {
    format!("daybook {}", std::process::id())
}
