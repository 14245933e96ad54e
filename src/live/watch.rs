//! What is watched between two nights: numbers of the last while against their limits, and what became of each alert.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalog::Limit;
use crate::config::LiveSettings;
use crate::config::live_alerts::{LiveAlert, Watch};
use crate::kinds::{Aggregate, Figure};
use crate::threshold::{Direction, Lifecycle, Raised, Severity, State, Step, Verdict, by_limits};

use super::question::{AskError, Context, FigureRow, Filter, Gaps, Look, Wanted};
use super::store::{Store, StoreError};

/// Silence is believed once it could have been broken for as long as the alert looks back, or for this long.
const SILENCE: TimeDelta = TimeDelta::hours(1);

/// The values of the labels by which an alert tells its groups apart.
pub type Words = Vec<String>;

/// A group's number, and how many events it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub value: Option<f64>,
    pub events: u64,
}

/// Nothing was counted, which is a number too.
const NOTHING: Reading = Reading {
    value: Some(0.0),
    events: 0,
};

/// What is known of one group of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub raised: Option<Raised<DateTime<Utc>>>,
    pub value: Option<f64>,
    /// When it was last judged.
    pub judged: DateTime<Utc>,
    /// When it was last told that it began.
    pub told: Option<DateTime<Utc>>,
}

/// Something to be told, or at least noted.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    pub alert: String,
    pub words: Words,
    pub state: State,
    pub severity: Severity,
    pub at: DateTime<Utc>,
    pub since: DateTime<Utc>,
    /// `None`: there were no events any more.
    pub value: Option<f64>,
    /// It is sent, not only noted.
    pub is_told: bool,
    /// Events that would count were gone or could not be read.
    pub is_partial: bool,
}

/// One round's outcome for an alert.
#[derive(Debug, Default)]
pub struct Judged {
    pub known: BTreeMap<Words, Known>,
    pub happened: Vec<Happened>,
}

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("alert {key}: {error}")]
    Asked { key: String, error: AskError },
}

/// Looks at all alerts once, and notes what became of them together with whom it is to be sent to. `listening`: since when
/// events can come in.
pub async fn round(
    reader: &mut Store,
    writer: &mut Store,
    live: &LiveSettings,
    context: Context,
    listening: DateTime<Utc>,
) -> Result<Vec<Happened>, WatchError> {
    let mut all = Vec::new();
    let heard = context.now - listening;
    for alert in &live.alerts {
        if hears_silence(alert) && heard < over(&alert.watch).min(SILENCE) {
            continue;
        }
        let failed = |error| WatchError::Asked {
            key: alert.key.clone(),
            error,
        };
        let (readings, gaps) = readings(reader, live, &alert.watch, context)
            .await
            .map_err(failed)?;
        let known = writer.known_alerts(&alert.key).await?;
        if readings.is_empty() && known.is_empty() {
            continue;
        }
        let unit = alert.watch.unit(&live.kinds[&alert.watch.figure.kind]);
        let mut judged = judge(alert, unit, &readings, &known, context.now);
        for happened in &mut judged.happened {
            happened.is_partial = gaps != Gaps::default();
            happened.is_told &= !alert.notify.is_empty();
        }
        if alert.notify.is_empty() {
            let known = judged.known.values_mut();
            known.for_each(|known| known.told = None);
        }
        if judged.known != known || !judged.happened.is_empty() {
            writer
                .note_alerts(&alert.key, &judged, &alert.notify)
                .await?;
        }
        all.extend(judged.happened);
    }
    // Of alerts that are not declared any more nobody asks.
    let keys: BTreeSet<&str> = live.alerts.iter().map(|alert| alert.key.as_str()).collect();
    writer.forget_other_alerts(&keys).await?;
    Ok(all)
}

/// The groups that had events, each with its number, and what is missing of all.
pub async fn readings(
    store: &mut Store,
    live: &LiveSettings,
    watch: &Watch,
    context: Context,
) -> Result<(BTreeMap<Words, Reading>, Gaps), AskError> {
    let (own, mut gaps) = numbers(store, live, watch, &watch.figure, context).await?;
    let Some(of) = &watch.of else {
        return Ok((own, gaps));
    };
    let (all, more) = numbers(store, live, watch, of, context).await?;
    gaps.add(more);
    let part = |(words, all): (Words, Reading)| {
        let own = own.get(&words).and_then(|own| own.value).unwrap_or(0.0);
        let part = all
            .value
            .filter(|all| *all != 0.0)
            .map(|all| 100.0 * own / all);
        let value = match watch.rest {
            true => part.map(|part| 100.0 - part),
            false => part,
        };
        let events = all.events;
        (words, Reading { value, events })
    };
    Ok((all.into_iter().map(part).collect(), gaps))
}

async fn numbers(
    store: &mut Store,
    live: &LiveSettings,
    watch: &Watch,
    figure: &Figure,
    context: Context,
) -> Result<(BTreeMap<Words, Reading>, Gaps), AskError> {
    let from = context.now.checked_sub_signed(over(watch));
    let window =
        from.map_or(i64::MIN, |from| from.timestamp_micros())..context.now.timestamp_micros();
    let filter = Filter {
        labels: figure.labels.clone(),
        ok: None,
    };
    let asked = [Aggregate::Count, figure.aggregate.clone()];
    let kind = &live.kinds[&figure.kind];
    let wanted = Wanted {
        window,
        filter: &filter,
        figures: &asked,
        every: None,
        by: &watch.by,
        estimate: false,
    };
    // Chunks that cannot be read are named by the keeper and the doctor; the others are watched.
    let mut look = Look::at(store, kind, context).await?;
    let (found, gaps) = look.figures(&wanted).await?;
    let reading = |row: FigureRow| {
        let reading = Reading {
            value: row.numbers[1],
            events: row.numbers[0].unwrap_or_default() as u64,
        };
        (row.words, reading)
    };
    let mut readings: BTreeMap<Words, Reading> = found.into_iter().map(reading).collect();
    if watch.by.is_empty() && figure.aggregate.counts() {
        readings.entry(Words::new()).or_insert(NOTHING);
    }
    Ok((readings, gaps))
}

fn over(watch: &Watch) -> TimeDelta {
    TimeDelta::from_std(watch.over).unwrap_or(TimeDelta::MAX)
}

/// Whether too few events raise it.
fn hears_silence(alert: &LiveAlert) -> bool {
    let mut limits = [alert.warning, alert.critical].into_iter().flatten();
    alert.watch.counts() && limits.any(|limit| !limit.over)
}

/// What became of each group. With fewer events than it takes nothing changes; once there were none for as long as it takes
/// to tell it again, the alert has ended.
pub fn judge(
    alert: &LiveAlert,
    unit: &str,
    readings: &BTreeMap<Words, Reading>,
    known: &BTreeMap<Words, Known>,
    now: DateTime<Utc>,
) -> Judged {
    let again = TimeDelta::from_std(alert.again).unwrap_or(TimeDelta::MAX);
    let is_recent = |at: DateTime<Utc>| now - at < again;
    let mut judged = Judged::default();
    let words: BTreeSet<&Words> = readings.keys().chain(known.keys()).collect();
    let counts = alert.watch.counts();
    for words in words {
        let reading = match readings.get(words) {
            None if counts => Some(&NOTHING),
            reading => reading.filter(|reading| counts || reading.events >= alert.watch.least),
        };
        let value = reading.and_then(|reading| reading.value);
        let before = known.get(words);
        let was_judged = before.map(|before| before.judged);
        let verdict = match value {
            Some(value) => by_limits(|severity| limit_of(alert, severity), value, unit),
            None if was_judged.is_some_and(is_recent) => Verdict::Unjudged,
            None => Verdict::quiet(Direction::Unchanged),
        };
        let is_judged = matches!(verdict, Verdict::Judged { .. });
        let mut life = Lifecycle::resume(before.and_then(|before| before.raised));
        let mut told = before.and_then(|before| before.told);
        let step = life.advance(verdict, now).map(|step| match step.state {
            // It began while nobody was to be told.
            State::Ongoing if told.is_none() && !alert.notify.is_empty() => Step {
                state: State::New,
                ..step
            },
            _ => step,
        });
        if let Some(step) = step.filter(|step| step.state != State::Ongoing) {
            let is_told = match step.state {
                // A beginning that was not told has no end to tell.
                State::Recovered => told.is_some_and(|told| told >= step.since),
                State::Worse => true,
                State::New | State::Ongoing => !told.is_some_and(is_recent),
            };
            if is_told && step.state != State::Recovered {
                told = Some(now);
            }
            judged.happened.push(Happened {
                alert: alert.key.clone(),
                words: words.clone(),
                state: step.state,
                severity: step.severity,
                at: now,
                since: step.since,
                value,
                is_told,
                is_partial: false,
            });
        }
        let raised = life.raised();
        // What is neither raised nor was told lately need not be remembered.
        if raised.is_some() || told.is_some_and(is_recent) {
            let known = Known {
                raised,
                value: value.or(before.and_then(|before| before.value)),
                judged: match is_judged {
                    true => now,
                    false => was_judged.unwrap_or(now),
                },
                told,
            };
            judged.known.insert(words.clone(), known);
        }
    }
    judged
}

/// The limit that a severity stands for.
pub fn limit_of(alert: &LiveAlert, severity: Severity) -> Option<Limit> {
    match severity {
        Severity::Warning => alert.warning,
        Severity::Critical => alert.critical,
    }
}
