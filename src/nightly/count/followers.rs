//! Followers that have not replayed up to the end of the counted day.

use chrono::{DateTime, Utc};

use crate::calendar::AsOf;
use crate::collect::Unreachable;
use crate::database::{DatabaseError, Trouble};
use crate::entry::Entry;

use super::super::types::Task;

/// How far each follower that is behind has replayed, if it reports that.
fn behind(
    unreachable: &[Unreachable],
) -> impl Iterator<Item = (&Unreachable, Option<DateTime<Utc>>)> {
    unreachable
        .iter()
        .filter_map(|one| match one.error.trouble {
            Trouble::Behind(until) => Some((one, until)),
            _ => None,
        })
}

/// If a follower is behind: the moment within the day that every follower has reached. The day is then stored as open, but
/// never over a complete one.
pub(super) fn reached_by_all(
    unreachable: &[Unreachable],
    task: &Task,
    stored: Option<&Entry>,
) -> Option<AsOf> {
    let [as_of] = task.days.as_slice() else {
        return None;
    };
    // `None` is the minimum: with one unknown moment, nothing is known.
    let until = behind(unreachable).map(|(_, until)| until).min()??;
    let is_open = stored.is_none_or(|entry| entry.partial);
    (is_open && until > as_of.day.start).then(|| as_of.day.as_of(until))
}

/// The followers because of which a day that is over is stored as open.
pub(super) fn late_followers(
    unreachable: &[Unreachable],
    task: &Task,
    earlier: AsOf,
) -> Vec<Unreachable> {
    if task.days.iter().any(|as_of| as_of.open) {
        return Vec::new();
    }
    let explained = |(one, _): (&Unreachable, _)| {
        let message = format!(
            "{}; {} is stored as a day that is still open",
            one.error.message, earlier.day.date
        );
        Unreachable {
            name: one.name.clone(),
            error: DatabaseError::new(one.error.trouble, message),
        }
    };
    behind(unreachable).map(explained).collect()
}
