//! Clocks as they are seen on the wall: only from instants to local times, searched by brute force.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::world::instant;

pub(crate) struct Zone {
    tz: Tz,
    changes: Vec<DateTime<Utc>>,
}

impl Zone {
    pub(crate) fn new(tz: Tz) -> Self {
        let mut changes = Vec::new();
        let mut at = instant("1999-01-01T00:00:00Z");
        let shift =
            |moment: DateTime<Utc>| moment.with_timezone(&tz).naive_local() - moment.naive_utc();
        while at < instant("2042-01-01T00:00:00Z") {
            let next = at + TimeDelta::hours(3);
            if shift(at) != shift(next) {
                let seconds = (1..=3 * 3600).map(|seconds| at + TimeDelta::seconds(seconds));
                changes.extend(
                    seconds.filter(|one| shift(*one) != shift(*one - TimeDelta::seconds(1))),
                );
            }
            at = next;
        }
        Self { tz, changes }
    }

    /// The instants at which the clocks jump.
    pub(crate) fn changes(&self) -> &[DateTime<Utc>] {
        &self.changes
    }

    pub(crate) fn wall(&self, moment: DateTime<Utc>) -> NaiveDateTime {
        self.tz.from_utc_datetime(&moment.naive_utc()).naive_local()
    }

    /// The earliest instant at which the wall clock shows `local`; if it never does, the jump over it.
    pub(crate) fn first_instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let near = local.and_utc();
        let range = (near - TimeDelta::hours(30), near + TimeDelta::hours(30));
        let inside = self
            .changes
            .iter()
            .filter(|one| range.0 < **one && **one < range.1);
        let mut begins = range.0;
        for end in inside.copied().chain([range.1]) {
            let (first, last) = (
                self.wall(begins),
                self.wall(end - TimeDelta::nanoseconds(1)),
            );
            if local < first {
                return begins;
            }
            if local <= last {
                return begins + (local - first);
            }
            begins = end;
        }
        unreachable!("{local} lies within 30 hours of the same time in UTC")
    }
}
