//! A small, nasty Beryl: the same rows on every engine, with something dead, missing, equal or on an edge everywhere.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod rows;
mod schema;

use crate::world::App;

/// Beryl's catalog, as the examples have it.
pub const SETTINGS: &str = include_str!("../../examples/beryl/daybook.toml");

/// Days that are looked at closely begin and end here, and so do their windows of 7 and 30 days; then
/// the moments at which the clocks change, and one in the middle of a day.
pub const EDGES: [&str; 18] = [
    "2025-09-26 22:00:00",
    "2025-10-11 11:34:56.789012",
    "2025-10-15 22:00:00",
    "2025-10-19 22:00:00",
    "2025-10-25 22:00:00",
    "2025-10-26 01:00:00",
    "2025-10-26 23:00:00",
    "2025-11-03 12:34:56.789012",
    "2025-11-07 23:00:00",
    "2025-11-09 12:34:56.789012",
    "2025-11-10 12:34:56.789012",
    "2025-11-13 23:00:00",
    "2025-11-14 23:00:00",
    "2026-02-27 23:00:00",
    "2026-03-22 23:00:00",
    "2026-03-28 23:00:00",
    "2026-03-29 01:00:00",
    "2026-03-29 22:00:00",
];

/// Makes the tables, as Django would on this engine, and fills them.
pub async fn fill(app: &App) {
    app.execute(&schema::tables(app)).await;
    let rows = rows::all();
    app.execute(&format!("BEGIN; {rows} COMMIT;")).await;
    app.execute(schema::INDEXES).await;
    if !matches!(app, App::Mysql(_)) {
        app.execute("ANALYZE").await;
    }
}
