//! The zone in which days begin, and whether this machine's clock can be right.

use chrono::{DateTime, Datelike, Utc};

use crate::config::Config;

use super::Finding;
use super::zoneinfo::{self, Compared};

const AREA: &str = "time";

pub(super) fn examine(
    config: &Config,
    now: DateTime<Utc>,
    newest: Option<DateTime<Utc>>,
) -> Vec<Finding> {
    vec![zone(config, now), clock(config, now, newest)]
}

fn zone(config: &Config, now: DateTime<Utc>) -> Finding {
    let zone = config.time_zone;
    let inside = chrono_tz::IANA_TZDB_VERSION;
    let what =
        format!("days begin and end as in {zone}, by the zone data {inside} in this program");
    match zoneinfo::compare(zone, now) {
        Compared::Alike => Finding::ok(
            AREA,
            what,
            "This machine's own zone data agrees for the next two years.",
        ),
        Compared::Unknown => Finding::ok(
            AREA,
            what,
            "This machine has no zone data of its own to compare it with.",
        ),
        Compared::Differs(date) => Finding::warning(
            AREA,
            format!("{what}; this machine's own zone data differs from {date} on"),
            "One of the two is out of date, so a day may begin an hour early or late.",
            "Bring the machine's zone data (`tzdata`) up to date; if it is newer than this program, update daybook.",
        ),
    }
}

fn clock(config: &Config, now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> Finding {
    let local = |instant: DateTime<Utc>| {
        let local = instant.with_timezone(&config.time_zone);
        local.format("%Y-%m-%d %H:%M %Z").to_string()
    };
    let year: Option<i32> = chrono_tz::IANA_TZDB_VERSION
        .get(..4)
        .and_then(|year| year.parse().ok());
    let means = "Days are counted by this clock: if it is wrong, a wrong day is counted, or an open one as complete.";
    let advice = "Set the clock and keep it synchronized: `timedatectl set-ntp true`.";
    let what = match newest {
        Some(newest) if newest > now => format!(
            "this machine's clock shows {}, but the newest day was collected at {}",
            local(now),
            local(newest)
        ),
        _ if year.is_some_and(|year| now.year() < year) => format!(
            "this machine's clock shows {}, which is before this program was built",
            local(now)
        ),
        _ => {
            let what = format!("this machine's clock shows {}", local(now));
            return Finding::ok(AREA, what, "It is later than everything in the book.");
        }
    };
    Finding::error(AREA, what, means, advice)
}
