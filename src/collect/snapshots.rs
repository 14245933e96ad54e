//! Opens connections that share one snapshot of an app database, and closes them after use.

use crate::config::AppDatabase;
use crate::database::{self, DatabaseError, Limits, Snapshot, Trouble};

/// On one connection, until the signal to stop.
pub(super) async fn with_snapshot<T>(
    app: &AppDatabase,
    limits: &Limits,
    ask: impl AsyncFnOnce(&mut Snapshot) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let ask_first = async |snapshots: &mut [Snapshot]| match snapshots.first_mut() {
        Some(first) => ask(first).await,
        None => Err(DatabaseError::query(
            "could not connect to the app database",
        )),
    };
    with_snapshots(app, 1, limits, ask_first).await
}

/// On several connections, or as many as the engine can open, until the signal to stop.
pub(super) async fn with_snapshots<T>(
    app: &AppDatabase,
    connections: u32,
    limits: &Limits,
    ask: impl AsyncFnOnce(&mut [Snapshot]) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let asking = async {
        let mut snapshots = database::open(&app.url, connections, limits).await?;
        let answer = ask(&mut snapshots).await;
        for snapshot in snapshots {
            snapshot.close().await;
        }
        answer
    };
    tokio::select! {
        answer = asking => answer,
        () = limits.stop.cancelled() => {
            database::cancel(&app.url, limits).await;
            Err(stopped())
        }
    }
}

pub(super) fn stopped() -> DatabaseError {
    DatabaseError::new(Trouble::Stopped, "interrupted")
}
