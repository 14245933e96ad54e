//! `daybook runs`: who collected when, and what it cost.

use chrono::SecondsFormat;
use comfy_table::{Table, TableStyle};
use serde_json::{Value as Json, json};

use crate::book::{self, Book, Run, Statement};
use crate::cli::Runs;
use crate::config::Config;
use crate::render::words::harmless;

use super::{CommandError, Ended, World, open_book, output};

pub async fn run(config: &Config, args: &Runs, world: &World) -> Result<Ended, CommandError> {
    let book = open_book(config).await?;
    let runs = book::runs(&book, args.limit).await?;
    let mut all = Vec::new();
    for run in runs {
        let statements = book::statements(&book, run.id).await?;
        all.push((run, statements));
    }
    close(book).await;
    if args.json {
        let listed: Vec<Json> = all
            .iter()
            .map(|(run, statements)| as_json(run, statements, config))
            .collect();
        output::json(&json!({ "schema": 1, "runs": listed }));
        return Ok(Ended::Done);
    }
    if all.is_empty() {
        output::say("no run yet: `daybook collect` makes the first");
    }
    for (run, statements) in &all {
        output::data(&as_text(run, statements, config, world));
    }
    Ok(Ended::Done)
}

async fn close(book: Book) {
    book.close().await;
}

fn as_text(run: &Run, statements: &[Statement], config: &Config, world: &World) -> String {
    let started = run
        .started_at
        .with_timezone(&config.time_zone)
        .format("%a %-d %b %Y %H:%M:%S");
    let days = match &run.dates {
        Some(span) if span.start() == span.end() => format!(", {}", span.start()),
        Some(span) => format!(
            ", {} days from {} to {}",
            run.days,
            span.start(),
            span.end()
        ),
        None => String::new(),
    };
    let took = run
        .duration_ms
        .map(|took| format!(", {took} ms"))
        .unwrap_or_default();
    let error = run
        .error
        .as_ref()
        .map(|error| format!("\n  {}", harmless(error)))
        .unwrap_or_default();
    let head = format!(
        "run {} · {started} · {} {}{days}{took}{error}",
        run.id,
        run.command,
        run.outcome.word()
    );
    if statements.is_empty() {
        return head;
    }
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_width(world.width)
        .set_header(["ms", "rows", "statement"]);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    for statement in statements {
        let what = match &statement.error {
            Some(error) => format!("{} — failed: {error}", statement.what),
            None => statement.what.clone(),
        };
        table.add_row([
            statement.duration_ms.to_string(),
            statement.rows.to_string(),
            harmless(&what),
        ]);
    }
    format!("{head}\n{table}\n")
}

fn as_json(run: &Run, statements: &[Statement], config: &Config) -> Json {
    let told = |instant: chrono::DateTime<chrono::Utc>| {
        instant
            .with_timezone(&config.time_zone)
            .to_rfc3339_opts(SecondsFormat::Millis, false)
    };
    let statement = |statement: &Statement| {
        json!({
            "database": statement.database,
            "what": statement.what,
            "duration_ms": statement.duration_ms,
            "rows": statement.rows,
            "error": statement.error,
        })
    };
    json!({
        "id": run.id,
        "command": run.command,
        "outcome": run.outcome.word(),
        "started_at": told(run.started_at),
        "ended_at": run.ended_at.map(told),
        "from": run.dates.as_ref().map(|dates| dates.start().to_string()),
        "to": run.dates.as_ref().map(|dates| dates.end().to_string()),
        "days": run.days,
        "error": run.error,
        "duration_ms": run.duration_ms,
        "statements": statements.iter().map(statement).collect::<Vec<_>>(),
    })
}
