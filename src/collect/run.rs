//! Runs planned statements on connections that share a snapshot, the longest first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use futures_util::future::join_all;

use crate::database::{DatabaseError, Snapshot, Trouble};
use crate::plan::fold::FoldError;
use crate::plan::{Folding, KnownDatabases, Statement};

use super::lessons::Lessons;
use super::outcome::{Outcome, Tallies};
use super::{Cost, Request, labels, unlisted};

/// What every statement of an attempt needs.
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
    // A conflict also closes the other connections, whose errors would look like a server that is away.
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
        shared.done.borrow_mut().absorb(outcome);
        (context.request.progress)(shared.total - left, shared.total);
    }
}

/// After a failure the metrics are counted one by one, so that only those at fault fail.
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
        done.fail(statement.keys(), &error.message);
        return Ok(done);
    }
    for single in &alone {
        match one(snapshot, single, context, &mut done).await {
            Ok(()) => {}
            Err(error) if lessons.fails_alone(&error) => done.fail(single.keys(), &error.message),
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
    let failed = |error: FoldError| match error {
        FoldError::TooManyGroups => DatabaseError::new(Trouble::TooWide, error.to_string()),
        _ => DatabaseError::query(error.to_string()),
    };
    let rows = snapshot
        .rows(&statement.sql, &statement.binds, &request.limits, |cells| {
            folding.row(cells).map_err(failed)
        })
        .await?;
    let mut tallies = Tallies::default();
    for (key, all) in folding.finish().map_err(failed)? {
        for (day, tally) in statement.days.iter().zip(all) {
            tallies.insert((key.clone(), day.date), tally);
        }
    }
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), tallies))
}
