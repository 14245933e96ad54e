//! The page of runs and deliveries.

mod deliveries;
mod redact;

use askama::Template;

use crate::book::{self, BookError, Outcome, Run, Statement};
use crate::look::pages::words::Words;
use crate::render::phrases::{Phrases, fill};
use crate::render::view::Tone;

use super::frame::{Page, Tab, class};
use super::{Built, Scene};

use deliveries::DeliveryRow;
use redact::redact;

const RUNS: u32 = 20;
const DELIVERIES: u32 = 50;
/// A run of many databases notes many.
const STATEMENTS: usize = 100;

pub(super) async fn page(scene: &Scene<'_>) -> Result<Built, BookError> {
    let book = &scene.edition.book;
    let runs = book::runs(book, RUNS).await?;
    let statements = match runs.first() {
        Some(newest) => book::statements(book, newest.id).await?,
        None => Vec::new(),
    };
    let statements = statements.iter().take(STATEMENTS);
    let body = Body {
        words: scene.words,
        phrases: scene.speech.words,
        runs: runs.iter().map(|run| row(run, scene)).collect(),
        statements: statements.map(|one| statement(one, scene)).collect(),
        deliveries: deliveries::rows(scene, DELIVERIES).await?,
    };
    Ok(scene.found(&Page::new(scene.words.runs_title, Tab::Runs, &body)))
}

#[derive(Template)]
#[template(path = "web/runs.html")]
struct Body {
    words: &'static Words,
    phrases: &'static Phrases,
    runs: Vec<RunRow>,
    /// Of the newest run.
    statements: Vec<StatementRow>,
    deliveries: Vec<DeliveryRow>,
}

struct RunRow {
    id: i64,
    when: String,
    command: String,
    outcome: &'static str,
    tone: Tone,
    days: String,
    took: String,
    error: Option<String>,
}

struct StatementRow {
    what: String,
    took: String,
    rows: String,
    error: Option<String>,
}

fn row(run: &Run, scene: &Scene<'_>) -> RunRow {
    let (words, speech) = (scene.words, &scene.speech);
    let (outcome, tone) = match run.outcome {
        Outcome::Running => (words.run_running, Tone::Muted),
        Outcome::Stored => (words.run_stored, Tone::Good),
        Outcome::Nothing => (words.run_nothing, Tone::Muted),
        Outcome::Failed => (words.run_failed, Tone::Critical),
        Outcome::Interrupted => (words.run_interrupted, Tone::Warning),
    };
    let days = run.dates.as_ref().map(|dates| {
        let (first, last) = (*dates.start(), *dates.end());
        let last_date = speech.short_date_with_year(last);
        if first == last {
            return last_date;
        }
        let count = usize::try_from(run.days).unwrap_or_default();
        let parts = [
            ("days", speech.count(speech.words.days, count)),
            ("first", speech.short_date_with_year(first)),
            ("last", last_date),
        ];
        fill(words.run_days, &parts)
    });
    let took = run.duration_ms.map(|took| speech.duration(took));
    RunRow {
        id: run.id,
        when: speech.moment(run.started_at, scene.config.time_zone),
        command: redact(&run.command),
        outcome,
        tone,
        days: days.unwrap_or_default(),
        took: took.unwrap_or_default(),
        error: run.error.as_deref().map(redact),
    }
}

fn statement(statement: &Statement, scene: &Scene<'_>) -> StatementRow {
    let rows = usize::try_from(statement.rows).unwrap_or_default();
    StatementRow {
        what: redact(&statement.what),
        took: scene.speech.duration(statement.duration_ms),
        rows: scene.speech.whole(rows),
        error: statement.error.as_deref().map(redact),
    }
}
