//! Merges a new entry of a day into the stored one: a known value is never lost.

use std::collections::BTreeMap;

use crate::catalog::Catalog;

use super::value::agree;
use super::{Entry, Kind, Reading};

/// How the new readings of a day are laid over the stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The stored day was open, or the operator forces: every new known value counts.
    Replace,
    /// Only what is missing, failed or was called unavailable is filled in.
    Refill,
    /// A complete day is recounted: a different known value counts, and whatever was known stays known.
    Refresh,
    /// Imported values yield to every known value. Only an open day gives way to a complete one, as it does to any later
    /// count.
    Import,
}

/// The entry to store. It has the new one's frame if the mode is [`Mode::Replace`], else the stored one's.
pub fn merge(stored: Option<&Entry>, mut new: Entry, mode: Mode) -> Entry {
    let Some(stored) = stored else { return new };
    let mode = over(stored, &new, mode);
    let readings = std::mem::take(&mut new.readings);
    let frame = new;
    let mut merged = match mode {
        Mode::Replace => Entry {
            readings: former_readings(stored, &frame),
            ..frame.clone()
        },
        Mode::Refill | Mode::Refresh | Mode::Import => stored.clone(),
    };
    for (key, mut reading) in readings {
        let old = stored.readings.get(&key);
        if old.is_some_and(|old| !wins(&reading, old, stored, &frame, mode)) {
            continue;
        }
        if reading.is_known() && is_of_another_moment(&frame, stored, mode) {
            reading.provenance.observed_at.get_or_insert(frame.as_of);
        }
        merged.readings.insert(key, reading);
    }
    merged
}

/// Removes new readings that would hide a better value under the metric's former key.
pub fn keep_better_renamed_values(catalog: &Catalog, new: &mut Entry, stored: &Entry, mode: Mode) {
    let mode = over(stored, new, mode);
    for metric in &catalog.metrics {
        let is_known_anew = stored
            .readings
            .get(&metric.key)
            .is_some_and(Reading::is_known);
        let (Some(reading), Some(former), false) = (
            new.readings.get(&metric.key),
            stored.reading(metric),
            is_known_anew,
        ) else {
            continue;
        };
        if reading.is_known() && former.is_known() && !wins(reading, former, stored, new, mode) {
            new.readings.remove(&metric.key);
        }
    }
}

/// An open day gives way to a complete one, wherever that comes from.
fn over(stored: &Entry, new: &Entry, mode: Mode) -> Mode {
    match mode {
        Mode::Import if stored.partial && !new.partial => Mode::Replace,
        mode => mode,
    }
}

fn wins(new: &Reading, old: &Reading, stored: &Entry, frame: &Entry, mode: Mode) -> bool {
    match mode {
        Mode::Import => new.is_known() && !old.is_known(),
        Mode::Refill => fills(new, stored, old),
        Mode::Refresh => fills(new, stored, old) || corrects(new, old),
        Mode::Replace if is_passing(stored, frame) => new.is_known() || !old.is_known(),
        Mode::Replace => fills(new, stored, old) || beats(new, old),
    }
}

/// The stored day had not ended, or had other bounds: its values are not that day's.
fn is_passing(stored: &Entry, frame: &Entry) -> bool {
    stored.partial || (stored.day_start, stored.day_end) != (frame.day_start, frame.day_end)
}

/// Values of a passing day stay until there are better ones, and say when they were read.
fn former_readings(stored: &Entry, frame: &Entry) -> BTreeMap<String, Reading> {
    let mut readings = stored.readings.clone();
    if is_passing(stored, frame) {
        for reading in readings.values_mut().filter(|reading| reading.is_known()) {
            reading.provenance.observed_at.get_or_insert(stored.as_of);
        }
    }
    readings
}

/// The entry keeps its as-of, and this value has another one: of an open day, counted or imported.
fn is_of_another_moment(frame: &Entry, stored: &Entry, mode: Mode) -> bool {
    match mode {
        Mode::Replace => false,
        _ => (frame.partial || stored.partial) && frame.as_of != stored.as_of,
    }
}

fn fills(new: &Reading, stored: &Entry, old: &Reading) -> bool {
    let is_known_by_now = old.provenance.kind == Kind::Unavailable && new.is_known();
    is_known_by_now || is_wanting(stored, old) && (new.is_known() || beats(new, old))
}

/// An equal count is no correction. Decimals that were stored before differ in their last digits.
fn corrects(new: &Reading, old: &Reading) -> bool {
    let same = old.is_known() && agree(old.value.as_ref(), new.value.as_ref());
    new.is_known() && !same && beats(new, old)
}

/// The reading failed or is of the day while it was open, so a better one is wanted.
pub fn is_wanting(entry: &Entry, reading: &Reading) -> bool {
    reading.provenance.kind == Kind::Failed
        || !entry.partial
            && reading
                .provenance
                .observed_at
                .is_some_and(|at| at < entry.day_end)
}

/// A known value yields only to a known one; an observed value does not yield to a recount that misses rows deleted since.
fn beats(new: &Reading, old: &Reading) -> bool {
    if !old.is_known() {
        return new.is_known()
            || new.provenance.kind == Kind::Failed
            || old.provenance.kind == Kind::Failed;
    }
    let lossy = new.provenance.kind == Kind::Reconstructed && new.provenance.reason.is_some();
    let firsthand = old.provenance.kind == Kind::Observed;
    new.is_known() && !(lossy && firsthand)
}
