//! What every database server needs: patience that ends, and whether it stands on this machine.

use std::time::Duration;

use crate::config::DatabaseUrl;

use super::{DatabaseError, Limits, Trouble};

/// A server that takes the connection and then says nothing must not hold up every night to come.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Who asked to stop does not want to wait for a server that is away.
const CANCEL_PATIENCE: Duration = Duration::from_secs(1);

/// Connects, or says of which database it failed.
pub async fn connected<T>(
    url: &DatabaseUrl,
    connecting: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, DatabaseError> {
    let told = |trouble, message: &str| DatabaseError::new(trouble, format!("{url}: {message}"));
    match tokio::time::timeout(CONNECT_PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(|error| {
            let error = DatabaseError::from(error);
            told(error.trouble, &error.message)
        }),
        Err(_) => {
            let seconds = CONNECT_PATIENCE.as_secs();
            let silence = format!("the server did not answer within {seconds} s");
            Err(told(Trouble::Unavailable, &silence))
        }
    }
}

/// The server keeps the statement's time itself; one that has not answered by then is away, although
/// the connection may look whole for hours.
pub(super) async fn answered<T>(
    limits: &Limits,
    work: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let patience = limits.statement_timeout + CONNECT_PATIENCE;
    let silence = |_| {
        let message = format!("the server was silent for {} s", patience.as_secs());
        DatabaseError::new(Trouble::Unavailable, message)
    };
    let answer = tokio::time::timeout(patience, work).await;
    answer.map_err(silence)?
}

/// Best effort: when even this fails, the statement timeout ends what still runs.
pub(super) async fn at_best(cancelling: impl Future<Output = ()>) {
    drop(tokio::time::timeout(CANCEL_PATIENCE, cancelling).await);
}

/// The files with certificates and keys that a URL names can be read. To sqlx a missing one is a server that is away.
pub(super) fn has_its_files(url: &DatabaseUrl) -> Result<(), DatabaseError> {
    const FILES: [&str; 6] = [
        "sslrootcert",
        "sslcert",
        "sslkey",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
    ];
    let options = url
        .expose()
        .split_once('?')
        .map_or("", |(_, options)| options);
    let named = options
        .split('&')
        .filter_map(|option| option.split_once('='));
    for (name, file) in named.filter(|(name, file)| FILES.contains(name) && !file.contains('%')) {
        std::fs::File::open(file).map_err(|error| {
            let message = format!("{url}: cannot read {file}, which `{name}` names: {error}");
            DatabaseError::new(Trouble::Refused, message)
        })?;
    }
    Ok(())
}

/// Nobody can listen on the way to it.
pub(super) fn is_here(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Tells this process's sessions from those of another Daybook.
pub(super) fn session_name() -> String {
    format!("daybook {}", std::process::id())
}
