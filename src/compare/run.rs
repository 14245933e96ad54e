//! How long a metric has had the same value, now and at most within a year.

use chrono::NaiveDate;

const YEAR: i64 = 365;

/// Days in a row with one value, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) value: f64,
    pub(super) days: u32,
    /// The value before all of them.
    pub(super) before: Option<f64>,
}

/// What is remembered of the days before.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    now: Option<Run>,
    /// Those that ended, with the last day of each; a run of one day only where it was zero.
    ended: Vec<(NaiveDate, Run)>,
    last: NaiveDate,
    counted: u32,
}

impl Runs {
    /// The run that ends with this day, and the one that it breaks.
    pub(super) fn add(&mut self, value: f64, date: NaiveDate) -> (Run, Option<Run>) {
        self.counted += 1;
        let broken = self.now.filter(|run| run.value != value);
        if let Some(run) = broken
            && (run.days > 1 || run.value == 0.0)
        {
            self.ended.push((self.last, run));
        }
        if let Some((first, _)) = self.ended.first()
            && (date - *first).num_days() > YEAR
        {
            self.ended
                .retain(|(end, _)| (date - *end).num_days() <= YEAR);
        }
        let run = match self.now {
            Some(run) if broken.is_none() => Run {
                days: run.days + 1,
                ..run
            },
            _ => Run {
                value,
                days: 1,
                before: broken.map(|run| run.value),
            },
        };
        self.now = Some(run);
        self.last = date;
        (run, broken)
    }

    /// How many days were counted in all.
    pub(super) fn counted(&self) -> u32 {
        self.counted
    }

    /// The longest of the chosen runs that ended before the present one.
    pub(super) fn longest(&self, of: impl Fn(Run) -> bool) -> u32 {
        let runs = self.ended.iter().map(|(_, run)| *run);
        runs.filter(|run| of(*run))
            .map(|run| run.days)
            .max()
            .unwrap_or_default()
    }
}
