//! The way to other days: the stored ones before and after, any by its date, the newest.

use chrono::NaiveDate;

use crate::look::pages::Scene;
use crate::look::pages::asked::Asked;

pub(super) struct DayNav {
    /// For the date's field: the day shown, and the first and last that are stored.
    pub(super) date: NaiveDate,
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    /// Words and address.
    pub(super) before: Option<(String, String)>,
    pub(super) after: Option<(String, String)>,
    /// Where a date is asked for, and the address of the newest day.
    pub(super) newest: String,
    pub(super) is_newest: bool,
    /// The newest day is shown and open: the newest that is over.
    pub(super) complete: Option<(String, String)>,
}

impl DayNav {
    pub(super) fn from(scene: &Scene<'_>, (date, asked): (NaiveDate, Option<NaiveDate>)) -> Self {
        let link = |date: NaiveDate| {
            let words = scene.speech.short_date_with_year(date);
            (words, Asked::Day(Some(date)).address())
        };
        let days = scene.edition.history.days();
        let (before, after) = scene.edition.neighbours(date);
        let newest = scene.edition.newest();
        let complete = scene.edition.newest_complete();
        let complete = complete.filter(|complete| newest == Some(date) && *complete != date);
        Self {
            date,
            first: days.first().map_or(date, |day| day.date),
            last: newest.unwrap_or(date),
            before: before.map(link),
            after: after.map(link),
            newest: Asked::Day(None).address(),
            is_newest: asked.is_none(),
            complete: complete.map(link),
        }
    }
}
