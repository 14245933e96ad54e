//! How much happens on a day, and when: growth, the rhythm of the week, a little luck.

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc};

use super::chance::Chance;
use crate::calendar::{Day, days_between};

/// More than the year that is counted, so that the first night finds an application in use.
const STORY_DAYS: u64 = 760;
/// What a year of growth multiplies the daily numbers by.
const GROWTH: f64 = 1.3;
/// People collect at weekends; Monday first, 1 on average.
const WEEK: [f64; 7] = [0.94, 0.90, 0.90, 0.93, 1.0, 1.14, 1.19];
/// How far chance moves a day's numbers, as a part of them; not on the last day, on which only the incidents should
/// stand out.
const LUCK: f64 = 0.05;

/// A day of the story.
pub(super) struct StoryDay {
    pub(super) day: Day,
    /// How many days before the last complete one; negative for the day after it.
    pub(super) ago: i64,
    /// How much happens; 1 on an average day at the end of the story.
    pace: f64,
}

/// The days of the story: up to the last complete one, and the one after it.
pub(super) fn story(last_day: Day) -> Vec<StoryDay> {
    let first = last_day.date - Days::new(STORY_DAYS - 1);
    let open = Day::containing(last_day.end, last_day.zone);
    let story_day = |day: Day| {
        let ago = (last_day.date - day.date).num_days();
        let weekday = day.date.weekday().num_days_from_monday() as usize;
        StoryDay {
            day,
            ago,
            pace: GROWTH.powf(-ago as f64 / 365.0) * WEEK[weekday],
        }
    };
    let days = days_between(first, open.date, last_day.zone);
    days.into_iter().map(story_day).collect()
}

impl StoryDay {
    /// How often an event of that average frequency happens; chance rounds it up or down.
    pub(super) fn count(&self, usually: f64, luck: &mut Chance) -> usize {
        let reach = if self.ago == 0 { 0.0 } else { LUCK };
        let lucky = 1.0 + reach * (2.0 * luck.fraction() - 1.0);
        (usually * self.pace * lucky + luck.fraction()) as usize
    }

    /// So many moments, most of them in the middle of the day.
    pub(super) fn moments(&self, count: usize, chance: &mut Chance) -> Vec<DateTime<Utc>> {
        let parts = (0..count).map(|_| (chance.fraction() + chance.fraction()) / 2.0);
        parts.map(|part| self.at(part)).collect()
    }

    /// So many moments in the last half hour.
    pub(super) fn late_moments(&self, count: usize, chance: &mut Chance) -> Vec<DateTime<Utc>> {
        let parts = (0..count).map(|_| 1.0 - chance.fraction() / 48.0);
        parts.map(|part| self.at(part)).collect()
    }

    /// On a day of a clock change: its bounds, and every full hour around the change.
    pub(super) fn edges(&self) -> Vec<DateTime<Utc>> {
        let Day { start, end, .. } = self.day;
        if end - start == TimeDelta::hours(24) {
            return Vec::new();
        }
        let hours = (0..5).map(|hour| start + TimeDelta::hours(hour));
        hours
            .chain([end - TimeDelta::microseconds(1), end])
            .collect()
    }

    fn at(&self, part: f64) -> DateTime<Utc> {
        let length = self.day.end - self.day.start;
        let length = length.num_microseconds().unwrap_or_default() as f64;
        self.day.start + TimeDelta::microseconds((length * part) as i64)
    }
}
