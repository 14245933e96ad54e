//! Counts the metrics of one database, with retries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::catalog::{Catalog, Shape};
use crate::config::AppDatabase;
use crate::database::{DatabaseError, Replayed, Snapshot, Trouble};
use crate::plan::{KnownDatabases, Statement};

use super::lessons::Lessons;
use super::outcome::Outcome;
use super::run::Context;
use super::snapshots::{stopped, with_snapshots};
use super::{Request, Strategy, Unreachable, Work, recipients, recipients_of, run, statements};

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Counts all of the database's metrics again if the connection breaks, a table is rewritten or a follower is too far
/// behind: half of them would belong to another instant. Only after two conflicts is a follower read in pieces.
pub(super) async fn with_retries(
    name: &str,
    app: &AppDatabase,
    keys: &[String],
    request: &Request<'_>,
    strategies: &[Strategy],
) -> Result<Vec<Outcome>, DatabaseError> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    // The timeout starts with the failure, not with the work before.
    let mut failing_since = None;
    let mut conflicts = 0;
    let mut asked_at = None;
    let mut lessons = Lessons::default();
    let mut is_reported = false;
    loop {
        let error = match once(name, app, keys, request, &lessons, strategies).await {
            Ok(mut all) => {
                for (done, at) in all.iter_mut().zip(asked_at.into_iter().cycle()) {
                    done.asked_at = keys.iter().map(|key| (key.clone(), at)).collect();
                }
                return Ok(all);
            }
            Err(error) => error,
        };
        let timeout = match error.trouble {
            // A database that was there a moment ago needs no waiting.
            Trouble::Unavailable if lessons.learn_of_loss(&error) => {
                tracing::debug!("{}: connecting again", error.message);
                (pause, failing_since) = (FIRST_PAUSE, None);
                asked_at = Some(request.now + begun.elapsed());
                continue;
            }
            Trouble::Unavailable => request.retry_for,
            // The lessons end these retries.
            Trouble::Rewritten => {
                lessons.learn_of_rewriting();
                Duration::MAX
            }
            Trouble::Behind(_) => request.follower_timeout,
            Trouble::Conflict if conflicts == 0 => {
                tracing::debug!("{}: counting again", error.message);
                conflicts += 1;
                asked_at = Some(request.now + begun.elapsed());
                continue;
            }
            Trouble::Conflict if strategies == [Strategy::Fused] => {
                return in_pieces(name, app, keys, request, begun).await;
            }
            Trouble::Conflict => return Err(advised(error)),
            _ => return Err(error),
        };
        let since = match error.trouble {
            Trouble::Rewritten => Instant::now(),
            _ => *failing_since.get_or_insert_with(Instant::now),
        };
        let left = timeout.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(error);
        }
        tracing::debug!(
            "{}: trying again in {} ms",
            error.message,
            pause.min(left).as_millis()
        );
        let is_away = error.trouble != Trouble::Rewritten;
        if is_away && !std::mem::replace(&mut is_reported, true) {
            let name = name.to_owned();
            (request.retrying)(&Unreachable { name, error }, left);
        }
        tokio::select! {
            () = tokio::time::sleep(pause.min(left)) => {}
            () = request.limits.stop.cancelled() => return Err(stopped()),
        }
        pause = (pause * 2).min(Duration::from_secs(15));
        asked_at = Some(request.now + begun.elapsed());
    }
}

/// Reads a follower table by table, each in its own snapshot, after it cancelled longer reads.
async fn in_pieces(
    name: &str,
    app: &AppDatabase,
    keys: &[String],
    request: &Request<'_>,
    begun: Instant,
) -> Result<Vec<Outcome>, DatabaseError> {
    let mut whole = Outcome::default();
    for piece in by_table(request.catalog, keys) {
        let read_at = request.now + begun.elapsed();
        let mut tries = 0;
        let mut lessons = Lessons::default();
        let outcome = loop {
            let outcome = once(name, app, &piece, request, &lessons, &[Strategy::Fused]).await;
            tries += 1;
            match outcome {
                Err(error) if error.trouble == Trouble::Conflict && tries < 2 => {}
                Err(error) if error.trouble == Trouble::Rewritten => lessons.learn_of_rewriting(),
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(all) => {
                all.into_iter().for_each(|done| whole.absorb(done));
                let read: BTreeMap<_, _> = piece.into_iter().map(|key| (key, read_at)).collect();
                whole.asked_at.extend(read.clone());
                whole.read_at.extend(read);
            }
            Err(error) if error.trouble == Trouble::Conflict => {
                let keys = piece.iter().map(String::as_str);
                whole.fail(keys, &advised(error).message);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(vec![whole])
}

/// Groups metrics that one pass over a table can count together; each other metric is alone.
fn by_table(catalog: &Catalog, keys: &[String]) -> Vec<Vec<String>> {
    let mut pieces: Vec<(Option<usize>, Vec<String>)> = Vec::new();
    for key in keys {
        let table = match catalog.metric(key).map(|metric| &metric.shape) {
            Some(Shape::Counted(counted)) => Some(counted.table),
            _ => None,
        };
        let known = pieces
            .iter_mut()
            .find(|(other, _)| table.is_some() && *other == table);
        match known {
            Some((_, piece)) => piece.push(key.clone()),
            None => pieces.push((table, vec![key.clone()])),
        }
    }
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

fn advised(error: DatabaseError) -> DatabaseError {
    let advice = "set hot_standby_feedback = on there, or a longer max_standby_streaming_delay";
    DatabaseError::new(error.trouble, format!("{}: {advice}", error.message))
}

/// The moment up to which a follower must have replayed.
fn needed(request: &Request<'_>) -> DateTime<Utc> {
    match &request.work {
        Work::Night(as_of) => as_of.instant,
        Work::Range(days) => days.iter().map(|day| day.end).max().unwrap_or(request.now),
    }
}

async fn once(
    name: &str,
    app: &AppDatabase,
    keys: &[String],
    request: &Request<'_>,
    lessons: &Lessons,
    strategies: &[Strategy],
) -> Result<Vec<Outcome>, DatabaseError> {
    with_snapshots(app, app.connections, &request.limits, async |snapshots| {
        if let Some(first) = snapshots.first() {
            first.replayed().reaches(needed(request))?;
        }
        on_snapshots(name, snapshots, keys, request, lessons, strategies).await
    })
    .await
}

async fn on_snapshots(
    name: &str,
    snapshots: &mut [Snapshot],
    keys: &[String],
    request: &Request<'_>,
    lessons: &Lessons,
    strategies: &[Strategy],
) -> Result<Vec<Outcome>, DatabaseError> {
    let Some(first) = snapshots.first_mut() else {
        return Ok(Vec::new());
    };
    let engines = BTreeMap::from([(name.to_owned(), first.engine())]);
    let replayed = first.replayed();
    let facts = super::facts(name, snapshots, keys, request).await?;
    let context = Context {
        request,
        known: KnownDatabases {
            engines: &engines,
            facts: &facts,
        },
        lessons,
    };
    let reached = match replayed {
        Replayed::Until(until) => keys.iter().map(|key| (key.clone(), until)).collect(),
        Replayed::All | Replayed::Unknown => BTreeMap::new(),
    };
    let mut all = Vec::new();
    for strategy in strategies {
        let planned = planned(keys, context, *strategy);
        let mut done = run::all(snapshots, planned, context).await?;
        done.reached.clone_from(&reached);
        done.failures.extend(lessons.failures.clone());
        all.push(done);
    }
    if let (Some(query), Some(first), Some(done)) = (
        recipients_of(name, request),
        snapshots.first_mut(),
        all.first_mut(),
    ) {
        done.recipients = match recipients::read(first, query, &request.limits).await {
            Err(error) if lessons.wants_fresh_snapshot(&error) => return Err(error),
            read => Some(read.map_err(recipients::failed)),
        };
    }
    Ok(all)
}

/// The statements of the metrics that have not ended their connection twice.
fn planned(keys: &[String], context: Context<'_>, strategy: Strategy) -> Vec<Statement> {
    let Context {
        request,
        known,
        lessons,
    } = context;
    let left = keys
        .iter()
        .filter(|key| !lessons.failures.contains_key(*key));
    let (alone, together): (Vec<String>, Vec<String>) =
        left.cloned().partition(|key| lessons.alone.contains(key));
    let alone = alone
        .into_iter()
        .flat_map(|key| statements(request, &[key], known, Strategy::Alone));
    let mut all = statements(request, &together, known, strategy);
    all.extend(alone);
    all
}
