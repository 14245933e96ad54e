//! What rollups tell of scans whose points are gone.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono_tz::Tz;

use crate::kinds::{Aggregate, Kind, Summary};

use super::super::grain::Every;
use super::super::question::{AskError, Context, Filter, Gaps, Look, Wanted};
use super::super::rollup::{Rollup, Stats};
use super::super::source::Source;
use super::scan_sums::{ACCELERATIONS, Bucket, Last, LastScan, Measure, ScanSums};

/// Beyond this a float does not hold every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;
const GUILD: &str = "guild";
const CONTENT_TYPE: &str = "content_type";
const STATUS_LABEL: &str = "status";
const ACCELERATION: &str = "acceleration";
pub(super) const LABELS: [&str; 4] = [GUILD, CONTENT_TYPE, STATUS_LABEL, ACCELERATION];
pub(super) const VALUES: [&str; 7] = [
    "flagged",
    "flags",
    "bytes",
    "duration",
    "frames",
    "frames_target",
    "frames_media",
];

/// The first instant of the day in microseconds, 0 if all days are one, and the content type.
pub type RowKey = (i64, String);

/// Which scans are asked for.
#[derive(Debug, Clone)]
pub struct WantedScans<'a> {
    /// In microseconds.
    pub window: Range<i64>,
    pub filter: &'a Filter,
    /// By days of UTC.
    pub by_day: bool,
}

/// Whether a kind, which may be declared anew, has all that scans have.
pub fn is_scan(kind: &Kind) -> bool {
    LABELS.iter().all(|label| kind.label(label).is_some())
        && VALUES.iter().all(|value| kind.value(value).is_some())
}

/// What rollups tell. No group tells the statuses of a content type, nor how the scans of a guild were accelerated.
pub async fn rolled_up(
    source: Source<'_>,
    kind: &Kind,
    wanted: &WantedScans<'_>,
    context: Context,
) -> Result<(BTreeMap<RowKey, ScanSums>, Gaps), AskError> {
    let is_of_guild = wanted.filter.labels.iter().any(|(label, _)| label == GUILD);
    let mut by = vec![CONTENT_TYPE.to_owned()];
    by.extend((!is_of_guild).then(|| ACCELERATION.to_owned()));
    let figures = VALUES.map(|value| Aggregate::Of(Summary::Sum, value.to_owned()));
    let zone = match wanted.by_day {
        true => Tz::UTC,
        false => context.zone,
    };
    let mut look = Look::at(source, kind, Context { zone, ..context }).await?;
    let asked = Wanted {
        window: wanted.window.clone(),
        filter: wanted.filter,
        figures: &figures,
        every: wanted.by_day.then_some(Every::Day),
        by: &by,
        estimate: false,
    };
    let (rollups, gaps) = look.table(&asked).await?.rollups();
    let mut all: BTreeMap<RowKey, ScanSums> = BTreeMap::new();
    for ((start, words), rollup) in rollups {
        let mut words = words.into_iter();
        let content_type = words.next().unwrap_or_default();
        let sums = of_rollup(&rollup, words.next().as_deref());
        let key = (start.saturating_mul(1_000_000), content_type);
        all.entry(key).or_default().add(&sums);
    }
    Ok((all, gaps))
}

/// How many scans had which status; `None`: no group tells, or not wholly.
pub async fn statuses(
    source: Source<'_>,
    kind: &Kind,
    wanted: &WantedScans<'_>,
    context: Context,
) -> Result<Option<BTreeMap<String, i128>>, AskError> {
    let (figures, by) = ([Aggregate::Count], [STATUS_LABEL.to_owned()]);
    let mut look = Look::at(source, kind, context).await?;
    let asked = Wanted {
        window: wanted.window.clone(),
        filter: wanted.filter,
        figures: &figures,
        every: None,
        by: &by,
        estimate: false,
    };
    let (rollups, gaps) = look.table(&asked).await?.rollups();
    let counts = rollups.map(|((_, words), rollup)| {
        let status = words.into_iter().next().unwrap_or_default();
        (status, i128::from(rollup.points))
    });
    let counts = counts.collect();
    Ok((gaps == Gaps::default()).then_some(counts))
}

fn of_rollup(rollup: &Rollup, acceleration: Option<&str>) -> ScanSums {
    let stats = VALUES.map(|value| rollup.values.get(value));
    let [flagged, flags, bytes, duration, frames, target, media] = stats;
    let sum = |stats: Option<&Stats>| stats.map_or(0, whole_sum);
    let at = flagged.map(|stats| stats.last_at);
    // A scan without a duration has 0.
    let last = duration.filter(|stats| Some(stats.last_at) == at);
    let all = Bucket {
        scans: rollup.points.into(),
        flagged: sum(flagged),
        flags: sum(flags),
        bytes: bytes.map(measure).unwrap_or_default(),
        duration: duration.map(measure).unwrap_or_default(),
        frames: sum(frames),
        frames_target: sum(target),
        frames_media: sum(media),
        last: Last {
            scan: at.map(|at| LastScan {
                at: Some(at),
                status: None,
                duration: last.map_or(0, |stats| stats.last as i128),
            }),
            updated_at: at,
            is_partial: true,
            ..Last::default()
        },
    };
    let bucket = |name: &str| match acceleration == Some(name) {
        true => all.clone(),
        false => Bucket::default(),
    };
    ScanSums {
        acceleration: acceleration.map(|_| ACCELERATIONS.map(bucket)),
        all,
        status_counts: None,
    }
}

fn whole_sum(stats: &Stats) -> i128 {
    match stats.exact_sum() {
        Some((whole, 0)) => whole,
        _ => stats.sum() as i128,
    }
}

/// The squares of rollups are floats, each sum of which may be off by half of its last digit.
fn measure(stats: &Stats) -> Measure {
    let off = stats.squares * stats.count as f64 * f64::EPSILON;
    Measure {
        count: stats.count.into(),
        sum: whole_sum(stats),
        squares: stats.squares as i128,
        squares_within: match stats.squares < EXACT {
            true => 0,
            false => off as i128 + 1,
        },
    }
}
