//! `daybook runs`: past runs, with the time and rows of each statement.

use serde_json::{Value as Json, json};

use crate::book::{self, Outcome, Run, Statement};
use crate::cli::Runs;
use crate::config::Config;
use crate::text::counted::counted;
use crate::text::plain::printable;

use super::output::seconds;
use super::{CommandError, Ended, World, dates, open_book, output};

pub async fn run(config: &Config, args: &Runs, world: &World) -> Result<Ended, CommandError> {
    let all = latest(config, args.limit).await?;
    if args.json {
        let listed: Vec<Json> = all
            .iter()
            .map(|(run, statements)| as_json(run, statements, config))
            .collect();
        output::json(&json!({ "schema": 1, "runs": listed }))?;
        return Ok(Ended::Done);
    }
    if all.is_empty() {
        output::say("no run yet: run `daybook collect`");
    }
    let texts: Vec<String> = all
        .iter()
        .map(|(run, statements)| as_text(run, statements, config, world))
        .collect();
    output::data(&texts.join("\n"))?;
    Ok(Ended::Done)
}

/// Prints what the run that just ended cost, as `collect --verbose` does.
pub async fn print_last(config: &Config, world: &World) -> Result<(), CommandError> {
    for (run, statements) in latest(config, 1).await? {
        let text = as_text(&run, &statements, config, world);
        output::data(&format!("\n{text}"))?;
    }
    Ok(())
}

async fn latest(config: &Config, limit: u32) -> Result<Vec<(Run, Vec<Statement>)>, CommandError> {
    let book = open_book(config).await?;
    let mut all = Vec::new();
    for run in book::runs(&book, limit).await? {
        let statements = book::statements(&book, run.id).await?;
        all.push((run, statements));
    }
    book.close().await;
    Ok(all)
}

fn as_text(run: &Run, statements: &[Statement], config: &Config, world: &World) -> String {
    let mut text = format!("{}\n", head(run, config));
    let stages: Vec<String> = run
        .stages
        .named()
        .into_iter()
        .filter_map(|(stage, took)| Some(format!("{stage} {}", seconds(took?))))
        .collect();
    if !stages.is_empty() {
        text.push_str(&format!("  {}\n", stages.join(", ")));
    }
    if let Some(error) = &run.error {
        text.push_str(&format!("  {}\n", printable(error)));
    }
    if statements.is_empty() {
        return text;
    }
    let mut table = output::table(["ms", "rows", "statement"], 0..2, world.width);
    for statement in statements {
        let what = match &statement.error {
            Some(error) => format!("{} — failed: {error}", statement.what),
            None => statement.what.clone(),
        };
        table.add_row([
            statement.duration_ms.to_string(),
            statement.rows.to_string(),
            printable(&what),
        ]);
    }
    text + &output::plain(table)
}

/// `run 12 · Sat 4 Oct 2025 00:15:02 · collect stored 2025-10-03 · 0.38 s`
fn head(run: &Run, config: &Config) -> String {
    let started = run.started_at.with_timezone(&config.time_zone);
    let started = started.format("%a %-d %b %Y %H:%M:%S");
    let stored = match run.outcome {
        Outcome::Stored => "",
        _ => " after storing",
    };
    let days = match &run.dates {
        Some(span) if span.start() == span.end() => format!("{stored} {}", span.start()),
        Some(span) => {
            let (first, last, days) = (span.start(), span.end(), counted(run.days, "day"));
            format!("{stored} {days} from {first} to {last}")
        }
        None => String::new(),
    };
    let took = run.duration_ms.map(|took| format!(" · {}", seconds(took)));
    let took = took.unwrap_or_default();
    let (id, command, outcome) = (run.id, &run.command, run.outcome.word());
    format!("run {id} · {started} · {command} {outcome}{days}{took}")
}

fn stages(run: &Run) -> Json {
    let named = run.stages.named().into_iter();
    named
        .map(|(stage, took)| (stage.to_owned(), Json::from(took)))
        .collect()
}

fn as_json(run: &Run, statements: &[Statement], config: &Config) -> Json {
    let time = |instant| dates::rfc3339(instant, config);
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
        "started_at": time(run.started_at),
        "ended_at": run.ended_at.map(time),
        "from": run.dates.as_ref().map(|dates| dates.start().to_string()),
        "to": run.dates.as_ref().map(|dates| dates.end().to_string()),
        "days": run.days,
        "error": run.error,
        "duration_ms": run.duration_ms,
        "stages_ms": stages(run),
        "statements": statements.iter().map(statement).collect::<Vec<_>>(),
    })
}
