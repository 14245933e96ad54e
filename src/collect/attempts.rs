//! One database's part of a collection, taken again when something breaks it off.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::config::AppDatabase;
use crate::database::{self, DatabaseError, Snapshot, Trouble};

use super::run::Done;
use super::{Request, Way, recipients, recipients_of, run, schema, statements};

/// The whole of one database's part is taken again when the connection breaks: half of it would be
/// of another instant.
pub(super) async fn with_retries(
    (name, app): (&str, &AppDatabase),
    keys: &[String],
    request: &Request<'_>,
    ways: &[Way],
) -> Result<Vec<Done>, DatabaseError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let error = match once((name, app), keys, request, ways).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let left = request.retry_for.saturating_sub(begun.elapsed());
        if error.trouble != Trouble::Unavailable || left.is_zero() {
            return Err(error);
        }
        tokio::select! {
            () = tokio::time::sleep(pause.min(left)) => {}
            () = request.limits.stop.asked() => return Err(stopped()),
        }
        pause = (pause * 2).min(Duration::from_secs(15));
    }
}

async fn once(
    (name, app): (&str, &AppDatabase),
    keys: &[String],
    request: &Request<'_>,
    ways: &[Way],
) -> Result<Vec<Done>, DatabaseError> {
    let counting = async {
        let mut snapshots = database::open(&app.url, app.connections, &request.limits).await?;
        let done = on_snapshots(name, &mut snapshots, keys, request, ways).await;
        for snapshot in snapshots {
            snapshot.close().await;
        }
        done
    };
    tokio::select! {
        done = counting => done,
        () = request.limits.stop.asked() => {
            database::cancel(&app.url, &request.limits).await;
            Err(stopped())
        }
    }
}

pub(super) fn stopped() -> DatabaseError {
    DatabaseError::new(Trouble::Stopped, "stopped on request")
}

async fn on_snapshots(
    name: &str,
    snapshots: &mut [Snapshot],
    keys: &[String],
    request: &Request<'_>,
    ways: &[Way],
) -> Result<Vec<Done>, DatabaseError> {
    let Some(first) = snapshots.first_mut() else {
        return Ok(Vec::new());
    };
    let engines = BTreeMap::from([(name.to_owned(), first.engine())]);
    let facts = schema::probe(first, request.catalog, name, &request.limits).await?;
    let known = (&engines, &facts);
    let mut all = Vec::new();
    for way in ways {
        let planned = statements(request, keys, known, *way);
        all.push(run::all(snapshots, planned, request, known).await?);
    }
    if let (Some(query), Some(first), Some(done)) = (
        recipients_of(name, request),
        snapshots.first_mut(),
        all.first_mut(),
    ) {
        done.recipients = Some(recipients::in_snapshot(first, query, &request.limits).await);
    }
    Ok(all)
}
