//! One database's part of a collection, taken again when something breaks it off.

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

/// The whole of one database's part is taken again when the connection breaks, a table is rewritten or a follower is too
/// far behind: half of it would be of another instant. Only what a follower takes back twice is read in pieces.
pub(super) async fn with_retries(
    name: &str,
    app: &AppDatabase,
    keys: &[String],
    request: &Request<'_>,
    ways: &[Strategy],
) -> Result<Vec<Outcome>, DatabaseError> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    // Patience is for what fails, not for what was counted before.
    let mut failing_since = None;
    let mut conflicts = 0;
    let mut asked_at = None;
    let mut lessons = Lessons::default();
    let mut is_reported = false;
    loop {
        let error = match once(name, app, keys, request, &lessons, ways).await {
            Ok(mut all) => {
                for done in &mut all {
                    let late = asked_at
                        .iter()
                        .flat_map(|at| keys.iter().map(|key| (key.clone(), *at)));
                    done.asked_at = late.collect();
                }
                return Ok(all);
            }
            Err(error) => error,
        };
        let patience = match error.trouble {
            // No patience is needed for a database that was there a moment ago.
            Trouble::Unavailable if lessons.learn_of_loss(&error) => {
                tracing::debug!("{}: connecting again", error.message);
                (pause, failing_since) = (FIRST_PAUSE, None);
                asked_at = Some(request.now + begun.elapsed());
                continue;
            }
            Trouble::Unavailable => request.retry_for,
            // The lessons end this.
            Trouble::Rewritten => {
                lessons.learn_of_rewriting();
                Duration::MAX
            }
            Trouble::Behind(_) => request.follower_patience,
            Trouble::Conflict if conflicts == 0 => {
                tracing::debug!("{}: counting again", error.message);
                conflicts += 1;
                asked_at = Some(request.now + begun.elapsed());
                continue;
            }
            Trouble::Conflict if ways == [Strategy::Fused] => {
                return in_pieces(name, app, keys, request, begun).await;
            }
            Trouble::Conflict => return Err(advised(error)),
            _ => return Err(error),
        };
        let since = match error.trouble {
            Trouble::Rewritten => Instant::now(),
            _ => *failing_since.get_or_insert_with(Instant::now),
        };
        let left = patience.saturating_sub(since.elapsed());
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

/// What a follower lets nobody read in one go it may give table by table, each in a snapshot of its own.
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
                for done in all {
                    whole.tallies.extend(done.tallies);
                    whole.failures.extend(done.failures);
                    whole.costs.extend(done.costs);
                    whole.reached.extend(done.reached);
                    whole.recipients = whole.recipients.or(done.recipients);
                }
                let read: BTreeMap<_, _> = piece.into_iter().map(|key| (key, read_at)).collect();
                whole.asked_at.extend(read.clone());
                whole.read_at.extend(read);
            }
            Err(error) if error.trouble == Trouble::Conflict => {
                let why = advised(error).message;
                let failed = piece.into_iter().map(|key| (key, why.clone()));
                whole.failures.extend(failed);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(vec![whole])
}

/// Metrics that one pass over a table can count together; each of the others by itself.
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

/// Everything written before it has to be there.
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
    ways: &[Strategy],
) -> Result<Vec<Outcome>, DatabaseError> {
    with_snapshots(app, app.connections, &request.limits, async |snapshots| {
        if let Some(first) = snapshots.first() {
            first.replayed().reaches(needed(request))?;
        }
        on_snapshots(name, snapshots, keys, request, lessons, ways).await
    })
    .await
}

async fn on_snapshots(
    name: &str,
    snapshots: &mut [Snapshot],
    keys: &[String],
    request: &Request<'_>,
    lessons: &Lessons,
    ways: &[Strategy],
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
    for way in ways {
        let planned = planned(keys, context, *way);
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

/// The statements of those metrics that have not proven to end their connection.
fn planned(keys: &[String], context: Context<'_>, way: Strategy) -> Vec<Statement> {
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
    let mut all = statements(request, &together, known, way);
    all.extend(alone);
    all
}
