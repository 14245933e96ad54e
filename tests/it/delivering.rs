//! What `--send-email` plans and brings out: to whom, how often, and what the ledger says of it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod clocks;
mod days;
mod doubt;
mod on_purpose;
mod readers;
mod refused;

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
