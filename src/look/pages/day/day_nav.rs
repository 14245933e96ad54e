//! The navigation between days: before, after, by date, newest.

use chrono::NaiveDate;

use crate::look::pages::asked::Asked;
use crate::look::pages::{Link, Scene};

pub(super) struct DayNav {
    /// For the date's field: the day shown, and the first and last that are stored.
    pub(super) date: NaiveDate,
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    pub(super) before: Option<Link>,
    pub(super) after: Option<Link>,
    /// The address of the newest day, and of the form.
    pub(super) newest: String,
    pub(super) is_newest: bool,
    /// The newest complete day, if the day shown is newer.
    pub(super) complete: Option<Link>,
}

impl DayNav {
    pub(super) fn new(scene: &Scene<'_>, date: NaiveDate, asked: Option<NaiveDate>) -> Self {
        let day = |date| Asked::Day(Some(date));
        let days = scene.edition.history.days();
        let [before, after] = scene.neighbours(date, day);
        let newest = scene.edition.newest();
        let complete = scene.edition.newest_complete();
        let complete = complete.filter(|complete| newest == Some(date) && *complete != date);
        Self {
            date,
            first: days.first().map_or(date, |day| day.date),
            last: newest.unwrap_or(date),
            before,
            after,
            newest: Asked::Day(None).address(),
            is_newest: asked.is_none(),
            complete: complete.map(|date| scene.link(date, &day(date))),
        }
    }
}
