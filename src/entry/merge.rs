//! A new reading of a day meets the stored one: what is known is never lost.

use super::value::agree;
use super::{Entry, Kind, Reading};

/// How the new readings of a day are laid over the stored ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The stored day was open, or the operator forces: every new known value counts.
    Replace,
    /// Only what is missing or failed is filled in.
    Refill,
    /// A complete day is recounted: a known value that came out otherwise counts, whatever was known stays known.
    Refresh,
    /// What comes from elsewhere: it yields to every value that is known here. Only an open day gives way to a
    /// complete one, as it does to any later count.
    Import,
}

/// The entry to store. The new one's frame is kept, except on a refill, where the stored day stays what it was.
pub fn merge(stored: Option<&Entry>, new: Entry, mode: Mode) -> Entry {
    let Some(stored) = stored else { return new };
    let mode = match mode {
        Mode::Import if stored.partial && !new.partial => Mode::Replace,
        mode => mode,
    };
    let mut merged = match mode {
        Mode::Replace => Entry {
            readings: stored.readings.clone(),
            ..new.clone()
        },
        Mode::Refill | Mode::Refresh | Mode::Import => stored.clone(),
    };
    let (open, as_of) = (new.partial, new.as_of);
    for (key, mut reading) in new.readings {
        if mode == Mode::Import && open && !stored.partial && reading.is_known() {
            reading.provenance.observed_at.get_or_insert(as_of);
        }
        let wins = match stored.readings.get(&key) {
            None => true,
            Some(old) if mode == Mode::Import => reading.is_known() && !old.is_known(),
            Some(old) if mode == Mode::Refill => fills(&reading, (stored, old)),
            Some(old) if mode == Mode::Refresh => {
                fills(&reading, (stored, old)) || corrects(&reading, old)
            }
            Some(old) if stored.partial => reading.is_known() || !old.is_known(),
            Some(old) => beats(&reading, old),
        };
        if wins {
            merged.readings.insert(key, reading);
        } else if stored.partial && mode == Mode::Replace {
            keep_from_open_day(&mut merged, &key, stored);
        }
    }
    merged
}

fn fills(new: &Reading, (stored, old): (&Entry, &Reading)) -> bool {
    is_wanting(stored, old) && (new.is_known() || beats(new, old))
}

/// A count that came to the same says nothing new. Decimals that were stored once differ in their last digits.
fn corrects(new: &Reading, old: &Reading) -> bool {
    let same = old.is_known() && agree(old.value.as_ref(), new.value.as_ref());
    new.is_known() && !same && beats(new, old)
}

/// The reading failed, or it is one that only the open day could tell: the day deserves a better one.
pub fn is_wanting(entry: &Entry, reading: &Reading) -> bool {
    reading.provenance.kind == Kind::Failed
        || !entry.partial
            && reading
                .provenance
                .observed_at
                .is_some_and(|at| at < entry.day_end)
}

/// A value that only the open day could tell stays, and says when it was read.
fn keep_from_open_day(merged: &mut Entry, key: &str, stored: &Entry) {
    if let Some(kept) = merged.readings.get_mut(key) {
        kept.provenance.observed_at.get_or_insert(stored.as_of);
    }
}

/// A known value yields only to a known one; one counted at its time does not yield to a recount
/// that must miss rows deleted since.
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
