//! Followers that have not reached the end of the day they are counted for.

use crate::calendar::AsOf;
use crate::collect::{Collected, Unreachable};
use crate::database::{DatabaseError, Trouble};
use crate::entry::Entry;

use super::super::types::Task;

/// The moment within the day that every follower has reached, where one has not reached its end: the day is
/// stored as one that is still open, and never over a complete one.
pub(super) fn as_far_as_all_have_come(
    collected: &Collected,
    task: &Task,
    stored: Option<&Entry>,
) -> Option<AsOf> {
    let [as_of] = task.days.as_slice() else {
        return None;
    };
    let reached = collected
        .unreachable
        .iter()
        .filter_map(|one| match one.error.trouble {
            Trouble::Behind(until) => Some(until),
            _ => None,
        });
    // One that does not tell comes first, and then nothing is known.
    let until = reached.min()??;
    let is_open = stored.is_none_or(|entry| entry.partial);
    (is_open && until > as_of.day.start).then(|| as_of.day.as_of(until))
}

/// Who kept a day that is over from being counted to its end, and what came of it.
pub(super) fn late_followers(
    collected: &Collected,
    task: &Task,
    earlier: AsOf,
) -> Vec<Unreachable> {
    if task.days.iter().any(|as_of| as_of.open) {
        return Vec::new();
    }
    let late = |one: &&Unreachable| matches!(one.error.trouble, Trouble::Behind(_));
    let told = |one: &Unreachable| {
        let message = format!(
            "{}; {} is stored as a day that is still open",
            one.error.message, earlier.day.date
        );
        Unreachable {
            name: one.name.clone(),
            error: DatabaseError::new(one.error.trouble, message),
        }
    };
    collected
        .unreachable
        .iter()
        .filter(late)
        .map(told)
        .collect()
}
