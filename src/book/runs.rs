//! Past runs: when, with what result, and how long each statement took.

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, Utc};

use super::row::{self, Unreadable, count, optional, plain, word};
use super::store::{Bind, Row};
use super::{Book, BookError, lock};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: i64,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub command: String,
    pub outcome: Outcome,
    pub dates: Option<RangeInclusive<NaiveDate>>,
    /// How many days of that range were written.
    pub days: u32,
    pub error: Option<String>,
    pub duration_ms: Option<i64>,
    pub stages: Stages,
}

/// Milliseconds of each stage; `None` for one that was not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    pub collect: Option<i64>,
    pub store: Option<i64>,
    pub deliver: Option<i64>,
    pub prune: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Running,
    Stored,
    /// There was nothing to store.
    Nothing,
    Failed,
    /// Never stored: the run did not end, and nobody holds the collect lock for it any more.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub ended_at: DateTime<Utc>,
    pub outcome: Outcome,
    pub dates: Option<RangeInclusive<NaiveDate>>,
    pub days: u32,
    pub error: Option<String>,
    pub duration_ms: i64,
    pub stages: Stages,
}

/// The latest nights, apart from one that goes on now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nights {
    pub last: Option<Run>,
    /// The last that stored its days or had nothing to store.
    pub last_success: Option<Run>,
    pub one_goes_on: bool,
}

/// One statement on an app database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Empty for the unnamed one.
    pub database: String,
    /// The metrics that it counted.
    pub what: String,
    pub duration_ms: i64,
    pub rows: i64,
    pub error: Option<String>,
}

/// Notes that a run begins and returns its number. Only the holder of the collect lock begins runs, so an unfinished run
/// without a holder was killed.
pub async fn begin_run(
    book: &Book,
    command: &str,
    started_at: DateTime<Utc>,
) -> Result<i64, BookError> {
    const TASK: &str = "note the beginning of a run";
    const NEW: &str = "INSERT INTO runs (started_at, command) VALUES (?1, ?2)";
    let mut tx = book.begin(TASK).await?;
    let id = tx.add(NEW, &[started_at.into(), command.into()]).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds to the statements that the run has noted so far.
pub async fn record_statements(
    book: &Book,
    run: i64,
    statements: &[Statement],
) -> Result<(), BookError> {
    const TASK: &str = "note the statements of a run";
    const NOTED: &str =
        "SELECT coalesce(max(position), 0) AS last FROM run_statements WHERE run_id = ?1";
    const NEW: &str = r#"INSERT INTO run_statements (run_id, position, "database", what, duration_ms, "rows", error)"#;
    if statements.is_empty() {
        return Ok(());
    }
    let mut tx = book.begin(TASK).await?;
    let row = tx.row(NOTED, &[run.into()]).await?;
    let last: i64 = row.and_then(|row| plain(&row, "last").ok()).unwrap_or(0);
    let rows = (last + 1..).zip(statements).map(|(position, statement)| {
        vec![
            run.into(),
            position.into(),
            (&statement.database).into(),
            (&statement.what).into(),
            statement.duration_ms.into(),
            statement.rows.into(),
            Bind::from(&statement.error),
        ]
    });
    let rows: Vec<Vec<Bind>> = rows.collect();
    tx.add_all(NEW, &rows).await?;
    tx.commit().await
}

pub async fn end_run(book: &Book, run: i64, ending: &Ending) -> Result<(), BookError> {
    const TASK: &str = "note the end of a run";
    const END: &str =
        "UPDATE runs SET ended_at = ?1, outcome = ?2, first_date = ?3, last_date = ?4, days = ?5, error = ?6,
             duration_ms = ?7, collect_ms = ?8, store_ms = ?9, deliver_ms = ?10, prune_ms = ?11
         WHERE id = ?12";
    let dates = ending.dates.as_ref();
    let binds = [
        ending.ended_at.into(),
        ending.outcome.word().into(),
        dates.map(|dates| *dates.start()).into(),
        dates.map(|dates| *dates.end()).into(),
        i64::from(ending.days).into(),
        (&ending.error).into(),
        ending.duration_ms.into(),
        ending.stages.collect.into(),
        ending.stages.store.into(),
        ending.stages.deliver.into(),
        ending.stages.prune.into(),
        run.into(),
    ];
    let row = || format!("end of run {run}");
    let mut tx = book.begin(TASK).await?;
    tx.change_one(END, &binds, row).await?;
    tx.commit().await
}

/// The latest runs, newest first.
pub async fn runs(book: &Book, limit: u32) -> Result<Vec<Run>, BookError> {
    const LATEST: &str = "SELECT * FROM runs ORDER BY id DESC LIMIT ?1";
    read_runs(book, LATEST, limit).await
}

pub async fn nights(book: &Book) -> Result<Nights, BookError> {
    const LATEST: &str = "SELECT * FROM runs WHERE command = 'collect' ORDER BY id DESC LIMIT ?1";
    const SUCCEEDED: &str = "SELECT * FROM runs
         WHERE command = 'collect' AND outcome IN ('stored', 'nothing') ORDER BY id DESC LIMIT ?1";
    // Only the newest can go on, so one of two is over.
    let mut latest = read_runs(book, LATEST, 2).await?;
    let all = latest.len();
    latest.retain(|run| run.outcome != Outcome::Running);
    Ok(Nights {
        one_goes_on: latest.len() < all,
        last: latest.into_iter().next(),
        last_success: read_runs(book, SUCCEEDED, 1).await?.pop(),
    })
}

async fn read_runs(book: &Book, text: &'static str, limit: u32) -> Result<Vec<Run>, BookError> {
    // Asked before reading: a run that ends in between is then read as ended, not as interrupted.
    let mut somebody_runs = lock::is_held(book).await;
    let limit = [i64::from(limit).into()];
    let rows = book.rows("read the runs", text, &limit).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut run = read_run(row).map_err(|unreadable| {
            let id: i64 = plain(row, "id").unwrap_or_default();
            book.bad_row(format!("run {id}"), unreadable)
        })?;
        if run.outcome == Outcome::Running && !std::mem::take(&mut somebody_runs) {
            run.outcome = Outcome::Interrupted;
        }
        runs.push(run);
    }
    Ok(runs)
}

/// What the run asked the app databases, in the order noted.
pub async fn statements(book: &Book, run: i64) -> Result<Vec<Statement>, BookError> {
    const NOTED: &str = "SELECT * FROM run_statements WHERE run_id = ?1 ORDER BY position";
    const TASK: &str = "read the statements of a run";
    let rows = book.rows(TASK, NOTED, &[run.into()]).await?;
    let read = rows.iter().map(read_statement);
    read.collect::<Result<_, _>>()
        .map_err(|unreadable| book.bad_row(format!("statement of run {run}"), unreadable))
}

fn read_run(row: &Row) -> Result<Run, Unreadable> {
    let first = optional(row, "first_date", row::date)?;
    let last = optional(row, "last_date", row::date)?;
    Ok(Run {
        id: plain(row, "id")?,
        started_at: row::moment(row, "started_at")?,
        ended_at: optional(row, "ended_at", row::moment)?,
        command: plain(row, "command")?,
        outcome: word(row, "outcome", Outcome::from_word)?,
        dates: first.zip(last).map(|(first, last)| first..=last),
        days: count(row, "days")?,
        error: plain(row, "error")?,
        duration_ms: plain(row, "duration_ms")?,
        stages: Stages {
            collect: plain(row, "collect_ms")?,
            store: plain(row, "store_ms")?,
            deliver: plain(row, "deliver_ms")?,
            prune: plain(row, "prune_ms")?,
        },
    })
}

impl Stages {
    /// Each stage by its name, in the order of the night.
    pub fn named(&self) -> [(&'static str, Option<i64>); 4] {
        [
            ("collect", self.collect),
            ("store", self.store),
            ("deliver", self.deliver),
            ("prune", self.prune),
        ]
    }
}

fn read_statement(row: &Row) -> Result<Statement, Unreadable> {
    Ok(Statement {
        database: plain(row, "database")?,
        what: plain(row, "what")?,
        duration_ms: plain(row, "duration_ms")?,
        rows: plain(row, "rows")?,
        error: plain(row, "error")?,
    })
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stored => "stored",
            Self::Nothing => "nothing",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Stored,
            Self::Nothing,
            Self::Failed,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|outcome| outcome.word() == word)
    }
}
