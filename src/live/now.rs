//! What happens now: each kind's last hour and day, its groups, and which alerts are raised.

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::LiveSettings;
use crate::kinds::{Aggregate, DURATION, Kind, Percentile, Shape, Summary};

use super::grain::{Every, Grain};
use super::question::{AskError, Context, FigureRow, Filter, Look, Wanted};
use super::source::Source;
use super::store::{Store, StoreError};
use super::watch::{Happened, Known, Words};

/// What a page or a terminal shows of it.
#[derive(Debug, Clone, Default)]
pub struct Now {
    pub kinds: Vec<KindNow>,
    /// When the last day of the kinds begins: at the full hour that is 23 to 24 hours ago.
    pub day_start: DateTime<Utc>,
    /// The raised ones, the most severe first.
    pub raised: Vec<(String, Words, Known)>,
    /// What happened within a day, the newest first.
    pub happened: Vec<Happened>,
}

#[derive(Debug, Clone)]
pub struct KindNow {
    pub name: String,
    pub shape: Shape,
    /// The value of which there are percentiles and means.
    pub value: Option<String>,
    pub unit: String,
    /// Its groups measure different things, so nothing is made of the values of all groups together.
    pub is_apart: bool,
    /// When its newest event was.
    pub latest: Option<DateTime<Utc>>,
    pub hour: Summed,
    pub day: Summed,
    /// Events by minute of the last hour and by hour of the last day, the oldest first.
    pub minutes: Vec<u64>,
    pub hours: Vec<u64>,
    /// Why events of this day are missing.
    pub broken: Vec<String>,
    /// By which labels its groups are told apart.
    pub by: Vec<String>,
    /// The groups of the last hour, those with the smallest mean first; without a mean, those with the most events.
    pub groups: Vec<Group>,
}

/// What a kind's events come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summed {
    pub count: u64,
    pub failed: u64,
    /// Events with an outcome.
    pub ended: u64,
    pub success_pct: Option<f64>,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// The percentiles are right to within 0.8 %.
    pub is_estimate: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub words: Words,
    pub summed: Summed,
}

const HAPPENED: i64 = 20;

/// Looks at all kinds, or at some, and at the alerts.
pub async fn now(
    store: &mut Store,
    live: &LiveSettings,
    is_wanted: impl Fn(&Kind) -> bool,
    context: Context,
) -> Result<Now, AskError> {
    let mut now = kinds_now(&mut *store, live, is_wanted, context).await?;
    now.add_alerts(store, context).await?;
    Ok(now)
}

/// Looks at kinds only.
pub async fn kinds_now(
    source: impl Into<Source<'_>>,
    live: &LiveSettings,
    is_wanted: impl Fn(&Kind) -> bool,
    context: Context,
) -> Result<Now, AskError> {
    let mut source = source.into();
    let day_start = day_start(context);
    let mut now = Now {
        day_start: DateTime::from_timestamp(day_start, 0).unwrap_or_default(),
        ..Now::default()
    };
    for kind in live.kinds.values().filter(|kind| is_wanted(kind)) {
        now.kinds
            .push(of_kind(source.lend(), kind, day_start, context).await?);
    }
    Ok(now)
}

impl Now {
    /// Alerts are in the own file.
    pub async fn add_alerts(
        &mut self,
        store: &mut Store,
        context: Context,
    ) -> Result<(), StoreError> {
        self.raised = store.raised_alerts().await?;
        let day = context.now.checked_sub_signed(TimeDelta::days(1));
        let day = day.unwrap_or(DateTime::UNIX_EPOCH);
        self.happened = store
            .alert_history(day, DateTime::<Utc>::MAX_UTC, HAPPENED)
            .await?;
        Ok(())
    }
}

/// A day of whole hours, which rollups know, and the one that is not over.
fn day_start(context: Context) -> i64 {
    Grain::Hour.start(context.now.timestamp() - 23 * 3600, context.zone)
}

async fn of_kind(
    source: Source<'_>,
    kind: &Kind,
    first_hour: i64,
    context: Context,
) -> Result<KindNow, AskError> {
    let value = main_value(kind);
    let by = main_group(kind);
    let is_apart = kind.shape == Shape::Sample && !by.is_empty();
    let at = context.now.timestamp();
    let end = context.now.timestamp_micros().saturating_add(1);
    let hour = end - 3_600_000_000..end;
    let day = first_hour * 1_000_000..end;
    let figures_of_groups = figures_of(kind, value.as_deref());
    let figures_of = figures_of(kind, value.as_deref().filter(|_| !is_apart));
    let filter = Filter::default();
    let whole = Wanted {
        window: hour,
        filter: &filter,
        figures: &figures_of,
        every: None,
        by: &[],
        estimate: false,
    };
    let mut look = Look::at(source, kind, context).await?;
    let of_hour = look.table(&whole).await?;
    let is_estimate = of_hour.is_estimate();
    let of_hour = of_hour.figures(&figures_of);
    let of_hour = of_hour.first().map(|row| summed(&row.numbers, is_estimate));
    let count = [Aggregate::Count];
    let minutes = Wanted {
        figures: &count,
        every: Some(Every::Minute),
        ..whole.clone()
    };
    let (minutes, _) = look.figures(&minutes).await?;
    let hours = Wanted {
        window: day,
        every: Some(Every::Hour),
        estimate: true,
        ..whole.clone()
    };
    let by_hour = look.table(&hours).await?;
    let hours = by_hour.figures(&count);
    let (of_day, gaps) = by_hour.together(&figures_of);
    let mut groups = Vec::new();
    if !by.is_empty() {
        let grouped = Wanted {
            by: &by,
            figures: &figures_of_groups,
            ..whole
        };
        (groups, _) = look.figures(&grouped).await?;
    }
    let unit = value.as_ref().and_then(|value| kind.value(value));
    Ok(KindNow {
        name: kind.name.clone(),
        shape: kind.shape,
        latest: look.latest(),
        is_apart,
        hour: of_hour.unwrap_or_default(),
        day: summed(&of_day, true),
        minutes: spread(&minutes, at - 3540, 60, 60),
        hours: spread(&hours, first_hour, 3600, 24),
        broken: gaps.broken.into_iter().collect(),
        groups: ranked(groups, is_estimate),
        unit: unit
            .map(|at| kind.values[at].unit.clone())
            .unwrap_or_default(),
        value,
        by,
    })
}

/// The duration, or the only value.
fn main_value(kind: &Kind) -> Option<String> {
    let duration = kind.value(DURATION).map(|at| &kind.values[at]);
    let only = match kind.values.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    duration.or(only).map(|value| value.name.clone())
}

/// The first declared group, or what samples are of.
fn main_group(kind: &Kind) -> Vec<String> {
    let group = kind.groups.iter().find(|group| !group.is_empty());
    let names = group
        .into_iter()
        .flatten()
        .map(|label| kind.labels[*label].name.clone());
    names.collect()
}

/// In the order in which [`summed`] reads them. Only spans fail, and not every kind has a value.
fn figures_of(kind: &Kind, value: Option<&str>) -> Vec<Aggregate> {
    let mut figures = vec![Aggregate::Count];
    if let Some(value) = value {
        let percentiles =
            [Percentile::P50, Percentile::P95, Percentile::P99].map(Summary::Percentile);
        let summaries = std::iter::once(Summary::Avg).chain(percentiles);
        figures.extend(summaries.map(|summary| Aggregate::Of(summary, value.to_owned())));
    }
    if kind.shape == Shape::Span {
        figures.extend([
            Aggregate::Failed,
            Aggregate::SuccessPct,
            Aggregate::Succeeded,
        ]);
    }
    figures
}

/// A span always has a duration.
fn summed(numbers: &[Option<f64>], is_estimate: bool) -> Summed {
    let number = |at: usize| numbers.get(at).copied().flatten();
    let failed = number(5).unwrap_or_default();
    Summed {
        count: number(0).unwrap_or_default() as u64,
        mean: number(1),
        p50: number(2),
        p95: number(3),
        p99: number(4),
        failed: failed as u64,
        success_pct: number(6),
        ended: (failed + number(7).unwrap_or_default()) as u64,
        is_estimate,
    }
}

fn ranked(rows: Vec<FigureRow>, is_estimate: bool) -> Vec<Group> {
    let group = |row: FigureRow| Group {
        summed: summed(&row.numbers, is_estimate),
        words: row.words,
    };
    let mut groups: Vec<Group> = rows.into_iter().map(group).collect();
    groups.sort_by(|one, other| match (one.summed.mean, other.summed.mean) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => other.summed.count.cmp(&one.summed.count),
    });
    groups
}

/// Counts of so many pieces of time from the one in which a second lies.
fn spread(rows: &[FigureRow], first: i64, length: i64, pieces: usize) -> Vec<u64> {
    let mut counts = vec![0; pieces];
    for row in rows {
        let piece = (row.start - first + length - 1).div_euclid(length);
        let place = usize::try_from(piece).unwrap_or(0).min(pieces - 1);
        counts[place] += row.numbers[0].unwrap_or_default() as u64;
    }
    counts
}
