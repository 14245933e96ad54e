//! Nights that send mail, and what the ledger says of it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::nightly::{Night, Orders, Which};
use tokio_util::sync::CancellationToken;

use crate::world::World;

impl World {
    /// Runs the night with `--send-email`; what is refused in passing is tried again in the same run, if `patient`.
    pub async fn morning(&self, which: Which, patient: bool) -> Night {
        // Far longer than what the tests wait for takes.
        let retry_for = Duration::from_secs(if patient { 120 } else { 0 });
        let night = self.ordered(&orders(which, retry_for)).await;
        night.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, until somebody asks to stop.
    pub async fn stoppable(&self, which: Which, stop: CancellationToken) -> Night {
        let night = self.run(&orders(which, Duration::ZERO), stop).await;
        night.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The ledger, a line for each delivery: day, subject, channel, recipient, copy, state, attempts, reply.
    pub async fn ledger(&self) -> Vec<String> {
        let rows = self
            .book(
                "SELECT collection_date || ' ' || subject || ' ' || channel || ' ' || recipient || ' ' || copy
                     || ' ' || state || CASE WHEN state = 'failed' AND retry_at IS NOT NULL THEN ' in passing' ELSE '' END
                     || ' ' || attempts || coalesce(' ' || reply, '')
                 FROM deliveries ORDER BY id",
            )
            .await;
        let folder = self.path("").display().to_string();
        let line = |row: Vec<Option<String>>| row[0].as_ref().unwrap().replace(&folder, "");
        rows.into_iter().map(line).collect()
    }
}

fn orders(which: Which, retry_for: Duration) -> Orders {
    Orders {
        which,
        metric: None,
        force: false,
        dry_run: false,
        send: true,
        retry_for,
    }
}
