//! Runs planned statements on connections that share a snapshot, the longest first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use futures_util::future::join_all;

use crate::database::{DatabaseError, Snapshot, Trouble};
use crate::plan::fold::FoldError;
use crate::plan::{Folding, KnownDatabases, Statement};

use super::lessons::Lessons;
use super::outcome::Outcome;
use super::readings::Tallies;
use super::{Cost, Request, labels, unlisted};

/// What every statement of a try needs to know.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub request: &'a Request<'a>,
    pub known: KnownDatabases<'a>,
    pub lessons: &'a Lessons,
}

pub(super) async fn all(
    snapshots: &mut [Snapshot],
    mut statements: Vec<Statement>,
    context: Context<'_>,
) -> Result<Outcome, DatabaseError> {
    statements.sort_by_key(|statement| std::cmp::Reverse(statement.weight));
    let total = statements.len();
    let shared = Shared {
        queue: RefCell::new(statements.into()),
        done: RefCell::new(Outcome::default()),
        total,
    };
    let workers = snapshots
        .iter_mut()
        .map(|snapshot| work(snapshot, &shared, context));
    let ended = join_all(workers).await.into_iter();
    // A conflict closes the other connections too, which alone would look like a server that is away.
    let first = ended
        .filter_map(Result::err)
        .min_by_key(|error| error.trouble != Trouble::Conflict);
    if let Some(error) = first {
        return Err(error);
    }
    let mut done = shared.done.into_inner();
    let Context {
        request,
        known,
        lessons,
    } = context;
    labels::name_parts(&mut snapshots[0], &mut done, request, lessons).await?;
    unlisted::name_values(&mut snapshots[0], &mut done, request, known).await?;
    Ok(done)
}

struct Shared {
    queue: RefCell<VecDeque<Statement>>,
    done: RefCell<Outcome>,
    total: usize,
}

async fn work(
    snapshot: &mut Snapshot,
    shared: &Shared,
    context: Context<'_>,
) -> Result<(), DatabaseError> {
    loop {
        let next = shared.queue.borrow_mut().pop_front();
        let Some(statement) = next else { return Ok(()) };
        let outcome = isolated(snapshot, &statement, context).await;
        let outcome = outcome.inspect_err(|_| shared.queue.borrow_mut().clear())?;
        let left = shared.queue.borrow().len();
        let mut done = shared.done.borrow_mut();
        done.tallies.extend(outcome.tallies);
        done.failures.extend(outcome.failures);
        done.costs.extend(outcome.costs);
        (context.request.progress)(shared.total - left, shared.total);
    }
}

/// A statement that fails takes only the guilty metrics with it: the others are counted one by one.
async fn isolated(
    snapshot: &mut Snapshot,
    statement: &Statement,
    context: Context<'_>,
) -> Result<Outcome, DatabaseError> {
    let Context {
        request,
        known,
        lessons,
    } = context;
    let mut done = Outcome::default();
    let error = match one(snapshot, statement, context, &mut done).await {
        Ok(()) => return Ok(done),
        Err(error) if lessons.fails_alone(&error) => error,
        Err(error) => return Err(error),
    };
    let alone = super::apart(request, statement, known, error.trouble == Trouble::TooWide);
    if error.trouble == Trouble::Timeout
        || alone.len() < 2 && alone.iter().all(|single| single.sql == statement.sql)
    {
        done.failures.extend(
            statement
                .keys()
                .map(|key| (key.to_owned(), error.message.clone())),
        );
        return Ok(done);
    }
    for single in &alone {
        match one(snapshot, single, context, &mut done).await {
            Ok(()) => {}
            Err(error) if lessons.fails_alone(&error) => {
                done.failures.extend(
                    single
                        .keys()
                        .map(|key| (key.to_owned(), error.message.clone())),
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

async fn one(
    snapshot: &mut Snapshot,
    statement: &Statement,
    context: Context<'_>,
    done: &mut Outcome,
) -> Result<(), DatabaseError> {
    let begun = Instant::now();
    let folded = fold(snapshot, statement, context.request).await;
    let folded = folded.inspect_err(|error| context.lessons.note(statement, error));
    let cost = Cost {
        database: statement.database.clone(),
        what: statement.table.clone(),
        metrics: statement.keys().map(str::to_owned).collect(),
        duration_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
        rows: folded.as_ref().map_or(0, |(rows, _)| *rows),
        error: folded.as_ref().err().map(|error| error.message.clone()),
    };
    tracing::debug!(
        database = Some(cost.database.as_str()).filter(|name| !name.is_empty()),
        rows = cost.rows,
        ms = cost.duration_ms,
        error = cost.error,
        "statement on {}: {}",
        cost.what,
        cost.metrics.join(", ")
    );
    done.costs.push(cost);
    done.tallies.extend(folded?.1);
    Ok(())
}

async fn fold(
    snapshot: &mut Snapshot,
    statement: &Statement,
    request: &Request<'_>,
) -> Result<(i64, Tallies), DatabaseError> {
    let mut folding = Folding::new(statement);
    let told = |error: FoldError| match error {
        FoldError::TooManyGroups => DatabaseError::new(Trouble::TooWide, error.to_string()),
        _ => DatabaseError::query(error.to_string()),
    };
    let rows = snapshot
        .rows(&statement.sql, &statement.binds, &request.limits, |cells| {
            folding.row(cells).map_err(told)
        })
        .await?;
    let places: Vec<usize> = (0..statement.days.len()).collect();
    let mut tallies = Tallies::default();
    for (key, all) in folding.finish(&places).map_err(told)? {
        for (day, tally) in statement.days.iter().zip(all) {
            tallies.insert((key.clone(), day.date), tally);
        }
    }
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), tallies))
}
