//! When things happen: growth, the rhythm of the week, and the days on which something is wrong.

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc};

use super::chance::Chance;
use crate::calendar::{Day, days_between};

const HISTORY_DAYS: u64 = 760;
/// What a year of growth multiplies the daily numbers by.
const GROWTH: f64 = 1.5;
/// People collect at weekends; Monday first.
const WEEK: [f64; 7] = [1.0, 0.95, 0.95, 1.0, 1.1, 1.3, 1.35];

/// A day of the story, cut off at the present.
pub(super) struct Stretch {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    /// Complete days between it and the last complete one; negative for the day still open.
    pub(super) ago: i64,
    /// Its share of what happens, in comparison with other days.
    pub(super) weight: f64,
    /// On a day of a clock change: its bounds and every full hour around the change.
    edges: Vec<DateTime<Utc>>,
}

pub(super) fn stretches(last_day: Day, now: DateTime<Utc>, chance: &mut Chance) -> Vec<Stretch> {
    let first = last_day.date - Days::new(HISTORY_DAYS - 1);
    let today = Day::containing(now, last_day.zone).date;
    days_between(first, today, last_day.zone)
        .into_iter()
        .filter(|day| day.start < now)
        .enumerate()
        .map(|(at, day)| {
            let ago = (last_day.date - day.date).num_days();
            let end = day.end.min(now);
            let passed = seconds(end - day.start) / seconds(day.end - day.start);
            let weekday = day.date.weekday().num_days_from_monday() as usize;
            let luck = 0.98 + 0.04 * chance.fraction();
            Stretch {
                start: day.start,
                end,
                ago,
                weight: GROWTH.powf(at as f64 / 365.0) * WEEK[weekday] * luck * passed,
                edges: edges(&day, now),
            }
        })
        .collect()
}

/// Divides `total` among the stretches by weight, without losing a row to rounding.
pub(super) fn shares(
    total: usize,
    stretches: &[Stretch],
    weight: impl Fn(&Stretch) -> f64,
) -> Vec<usize> {
    let whole: f64 = stretches.iter().map(&weight).sum();
    let mut so_far = 0.0;
    let mut given = 0;
    stretches
        .iter()
        .map(|stretch| {
            so_far += weight(stretch);
            let due = (total as f64 * so_far / whole).round() as usize;
            let share = due - given;
            given = due;
            share
        })
        .collect()
}

impl Stretch {
    /// So many moments and, on a day of a clock change, its edges; in order.
    pub(super) fn moments_and_edges(
        &self,
        count: usize,
        chance: &mut Chance,
    ) -> Vec<DateTime<Utc>> {
        let mut moments = self.moments(count, chance);
        moments.extend(&self.edges);
        moments.sort_unstable();
        moments
    }

    /// So many moments, in order; most of them in the middle of the day.
    pub(super) fn moments(&self, count: usize, chance: &mut Chance) -> Vec<DateTime<Utc>> {
        let length = (self.end - self.start)
            .num_microseconds()
            .unwrap_or_default() as f64;
        let mut moments: Vec<DateTime<Utc>> = (0..count)
            .map(|_| {
                let part = (chance.fraction() + chance.fraction()) / 2.0;
                self.start + TimeDelta::microseconds((length * part) as i64)
            })
            .collect();
        moments.sort_unstable();
        moments
    }
}

fn edges(day: &Day, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    if day.end - day.start == TimeDelta::hours(24) {
        return Vec::new();
    }
    let mut edges: Vec<DateTime<Utc>> = (0..5)
        .map(|hour| day.start + TimeDelta::hours(hour))
        .collect();
    edges.push(day.end - TimeDelta::microseconds(1));
    edges.push(day.end);
    edges.retain(|edge| *edge < now);
    edges
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_seconds() as f64
}
