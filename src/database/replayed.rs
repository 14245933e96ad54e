//! How far a replica has replayed the other server's changes.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::text::counted::counted;

use super::{DatabaseError, Trouble};

/// How much of the application's writes a snapshot can contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// Everything: the application writes here.
    All,
    /// Everything until then, perhaps more.
    Until(DateTime<Utc>),
    /// A follower that does not report its progress.
    Unknown,
}

impl Replayed {
    /// Fails if writes from before `needed` may still be missing.
    pub fn reaches(self, needed: DateTime<Utc>) -> Result<(), DatabaseError> {
        match self {
            Self::All => Ok(()),
            Self::Until(until) if until >= needed => Ok(()),
            Self::Until(until) => Err(DatabaseError::new(
                Trouble::Behind(Some(until)),
                format!(
                    "it is a replica and has replayed only up to {}, {} before the moment that is counted: find out what delays its replay, or read from the primary",
                    until.to_rfc3339_opts(SecondsFormat::Secs, true),
                    spoken(needed - until)
                ),
            )),
            Self::Unknown => Err(DatabaseError::new(
                Trouble::Behind(None),
                "it is a replica and does not say how far it has replayed: start its replay, let this user see its progress (pg_read_all_stats in PostgreSQL), or read from the primary",
            )),
        }
    }
}

/// `1 h 5 min`
pub fn spoken(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (0, 0, 0) => format!("{} s", time.num_seconds().max(1)),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, ..) => counted(days, "day"),
    }
}
