//! What `--send-email` plans and brings out: to whom, how often, and what the ledger says of it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod clocks;
mod days;
mod doubt;
mod on_purpose;
mod readers;
mod refused;

use std::time::Duration;

use daybook::nightly::{Night, Orders, Which};
use tokio_util::sync::CancellationToken;

use crate::books::for_the_book;
use crate::smtp_server::{Script, Server};
use crate::world::{App, World};

/// Errors, of which more than five a day are an alert.
const SETTINGS: &str = r#"
    name = "Beryl"

    [app]
    database_url = "sqlite:app.db"

    [tables.errors]
    name = "errors"
    created_at = "at"

    [[metrics]]
    key = "errors"
    label = "Errors"
    table = "errors"
    count = "*"
    within = { column = "at", days = [1] }
    history = "event"
    alert = { warning = "> 5" }
"#;

/// The morning of 4 October, with one error on each of the 60 days before.
pub(crate) async fn world(more: &str) -> (World, App) {
    let world = World::new("2025-10-04T04:00:00Z", &format!("{SETTINGS}\n{more}"));
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE errors (at TEXT NOT NULL);
         WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 59)
         INSERT INTO errors SELECT datetime('2025-10-03 10:00:00', -n || ' days') FROM n;",
    )
    .await;
    (world, app)
}

/// The same, with a mail server and readers: `"ada@example.org", "bea@example.org"`.
pub(crate) async fn with_mail(readers: &str, script: Script) -> (World, App, Server) {
    let (mut world, app) = world(&format!("[report]\nrecipients = [{readers}]")).await;
    let server = Server::start(script).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    (world, app, server)
}

/// Who got a message, in order.
pub(crate) fn mailed(server: &Server) -> Vec<String> {
    let accepted = server.accepted().into_iter();
    accepted.map(|mail| mail.to).collect()
}

/// So many more errors at noon of a day.
async fn errors(app: &App, date: &str, count: u32) {
    app.execute(&format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO errors SELECT '{date} 10:00:00' FROM n;"
    ))
    .await;
}

impl World {
    /// Runs the night with `--send-email`; what is refused in passing is tried again in the same run, if `patient`.
    pub(crate) async fn morning(&self, which: Which, patient: bool) -> Night {
        // Far longer than what the tests wait for takes.
        let retry_for = Duration::from_secs(if patient { 120 } else { 0 });
        let night = self.ordered(&orders(which, retry_for)).await;
        night.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, until somebody asks to stop.
    pub(crate) async fn stoppable(&self, which: Which, stop: CancellationToken) -> Night {
        let night = self.run(&orders(which, Duration::ZERO), stop).await;
        night.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The ledger, a line for each delivery: day, subject, channel, recipient, copy, state, attempts, reply.
    pub(crate) async fn ledger(&self) -> Vec<String> {
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

    /// Changes the book behind the program's back.
    pub(crate) async fn meddle(&self, sql: &str) {
        App::of(&self.book_url()).execute(&for_the_book(sql)).await;
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
