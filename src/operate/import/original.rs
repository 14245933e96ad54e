//! The table of the system before Daybook, a row a day. What its numbers are known to get wrong is left out and
//! said, field by field.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::calendar::Day;
use crate::collect::days::{self, DayTable, TableDay};
use crate::collect::{Unreachable, limits};
use crate::config::AppDatabase;
use crate::database::Trouble;
use crate::entry::{Kind, Provenance, Reading, Value};

use super::gathering::{Frame, Gathered, Gathering, Given};
use super::{ImportError, LeftOut, Setting};

/// The original's own table, by whose name its fields are known.
const TABLE: &str = "web_dailymetrics";

/// Until this hour a row that bears today's date tells of the day that has just ended.
const MORNING_HOUR: u32 = 6;

const JOINED_TO_DELETED: &str = "counted rows whose item was deleted";
const NEVER_FILLED: &str = "was never filled: its query failed and the failure was hidden";
const ALWAYS_ZERO: &str = "always 0: its query failed and the failure was hidden";

/// Fields of the original's table that were wrong on every day, and why.
const WRONG: [(&str, &str); 22] = [
    (
        "items_lent",
        "always 0: it asked for a status that no item has",
    ),
    ("user_violations", ALWAYS_ZERO),
    ("banned_users", ALWAYS_ZERO),
    ("marketing_opt_in", NEVER_FILLED),
    ("marketing_opt_out", NEVER_FILLED),
    ("total_emails", NEVER_FILLED),
    ("emails_pending", NEVER_FILLED),
    ("emails_sent", NEVER_FILLED),
    ("emails_failed", NEVER_FILLED),
    ("emails_synced_resend", NEVER_FILLED),
    (
        "attribute_usage",
        "counted definitions of attributes, not their use",
    ),
    (
        "orphaned_files",
        "counted every avatar, and missed files of deleted items",
    ),
    ("items_with_images_pct", JOINED_TO_DELETED),
    ("items_with_attributes_pct", JOINED_TO_DELETED),
    ("items_with_links_pct", JOINED_TO_DELETED),
    ("avg_attributes_per_item", JOINED_TO_DELETED),
    ("avg_items_per_collection", JOINED_TO_DELETED),
    ("total_links", JOINED_TO_DELETED),
    ("matched_link_patterns", JOINED_TO_DELETED),
    ("unmatched_link_patterns", JOINED_TO_DELETED),
    (
        "link_pattern_distribution",
        "dropped all beyond the top 20, merged equal names, counted deleted rows",
    ),
    (
        "item_type_distribution",
        "dropped all beyond the top 20 and merged equal names",
    ),
];

const CLOCK_CHANGE: &str = "counted rolling hours, and the clocks changed inside its window";
const NULL: &str = "null on those days";

/// How a row is understood.
enum Meaning {
    /// Counted shortly after its midnight: it tells of the day before.
    DayBefore(Day),
    /// Counted while its day was open.
    Open(Day),
    LeftOut(&'static str, &'static str),
}

/// Reads the table from the app database and checks it as a file is checked.
pub async fn read(
    table: &str,
    setting: Setting<'_>,
    stop: CancellationToken,
) -> Result<Gathered, ImportError> {
    let mut gathering = Gathering::new(setting);
    let limits = limits(setting.config, stop);
    let (name, app) = app(setting)?;
    let is_wanted = |column: &str| gathering.metric(column).is_some();
    let read = days::read(app, table, is_wanted, &limits).await;
    let found = read.map_err(|error| match error.trouble {
        Trouble::Unavailable | Trouble::Refused => ImportError::Unavailable(Unreachable {
            name: name.to_owned(),
            error,
        }),
        _ => ImportError::Table {
            table: table.to_owned(),
            why: error.message,
        },
    })?;
    if found.columns.is_empty() {
        return Err(ImportError::Table {
            table: table.to_owned(),
            why: "none of its columns is called like a metric of the catalog".to_owned(),
        });
    }
    let left_out = hand_over(&found, is_the_originals(table), setting, &mut gathering);
    let mut gathered = gathering.end()?;
    gathered.left_out.extend(left_out);
    Ok(gathered)
}

/// The unnamed one, or the only one there is.
fn app<'a>(setting: Setting<'a>) -> Result<(&'a str, &'a AppDatabase), ImportError> {
    let apps = &setting.config.apps;
    match apps.iter().next() {
        Some((name, app)) if apps.len() == 1 => Ok((name, app)),
        _ => Ok(("", setting.config.app("")?)),
    }
}

fn is_the_originals(table: &str) -> bool {
    table.rsplit('.').next() == Some(TABLE)
}

/// Gives each row to the gathering as what it is; an open day yields to the complete one.
fn hand_over(
    table: &DayTable,
    original: bool,
    setting: Setting<'_>,
    gathering: &mut Gathering<'_>,
) -> Vec<LeftOut> {
    let mut left_out = Tally::default();
    let mut complete = Vec::new();
    let mut open = Vec::new();
    for row in &table.days {
        match meaning(row, setting) {
            Meaning::DayBefore(day) => complete.push((day, row)),
            Meaning::Open(day) => open.push((day, row)),
            Meaning::LeftOut(what, why) => left_out.add(what, why),
        }
    }
    open.retain(|(day, _)| complete.iter().all(|(other, _)| other.date != day.date));
    let all = complete.into_iter().map(|one| (one, false));
    for ((day, row), partial) in all.chain(open.into_iter().map(|one| (one, true))) {
        let frame = Frame {
            zone: Some(day.zone),
            as_of: Some(if partial { row.collected_at } else { day.end }),
            partial,
            collected_at: Some(row.collected_at),
            duration_ms: Some(row.duration_ms),
        };
        let readings = readings(row, (original, partial, day.zone), gathering, &mut left_out);
        let date = day.date;
        gathering.take(
            &format!("row of {}", row.date),
            Given {
                date,
                frame,
                readings,
            },
        );
    }
    left_out.told()
}

fn meaning(row: &TableDay, setting: Setting<'_>) -> Meaning {
    let zone = setting.config.time_zone;
    let today = Day::containing(setting.now, zone);
    if row.collected_at > setting.now || row.date > today.date {
        return Meaning::LeftOut("rows of the future", "nothing can have been counted then");
    }
    let Ok(day) = Day::of(row.date, zone) else {
        return Meaning::LeftOut(
            "rows of days that do not exist",
            "the clocks jumped over them",
        );
    };
    let counted_on = Day::containing(row.collected_at, zone);
    if counted_on.date != row.date {
        let why = "filled in on another day with that day's numbers";
        return Meaning::LeftOut("rows of other days", why);
    }
    let local = row.collected_at.with_timezone(&zone).time();
    match local.hour() < MORNING_HOUR {
        true => Meaning::DayBefore(day.previous()),
        false => Meaning::Open(day),
    }
}

fn readings(
    row: &TableDay,
    (original, partial, zone): (bool, bool, Tz),
    gathering: &mut Gathering<'_>,
    left_out: &mut Tally,
) -> Vec<(String, Reading)> {
    let mut readings = Vec::new();
    for (key, value) in &row.values {
        let wrong = WRONG.iter().find(|(field, _)| original && field == key);
        if let Some((_, why)) = wrong {
            left_out.add(key, why);
            continue;
        }
        let Some(value) = value else {
            left_out.add(key, NULL);
            continue;
        };
        if clocks_changed(key, row.collected_at, zone) {
            left_out.add(key, CLOCK_CHANGE);
            continue;
        }
        let distribution = matches!(value, Value::Parts(_));
        if gathering
            .metric(key)
            .is_some_and(|metric| metric.is_distribution() != distribution)
        {
            left_out.add(key, "of another kind than the catalog's metric");
            continue;
        }
        let provenance = Provenance {
            kind: Kind::Imported,
            observed_at: (!partial).then_some(row.collected_at),
            ..Provenance::default()
        };
        let value = Some(value.clone());
        readings.push((key.clone(), Reading { value, provenance }));
    }
    readings
}

/// Days are as long as the clocks make them, 24 hours times n are not.
fn clocks_changed(key: &str, at: DateTime<Utc>, zone: Tz) -> bool {
    let windows = [("_24h", 1), ("_7d", 7), ("_30d", 30)];
    let window = windows
        .into_iter()
        .find(|(ending, _)| key.ends_with(ending));
    window.is_some_and(|(_, days)| {
        let before = at - TimeDelta::hours(24 * days);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).time();
        local(before) != local(at)
    })
}

/// What was left out, for which reason, how often.
#[derive(Default)]
struct Tally(BTreeMap<(String, &'static str), usize>);

impl Tally {
    fn add(&mut self, what: &str, why: &'static str) {
        *self.0.entry((what.to_owned(), why)).or_default() += 1;
    }

    fn told(self) -> Vec<LeftOut> {
        let each = |((what, why), count): ((String, &str), usize)| LeftOut {
            what,
            why: why.to_owned(),
            count,
        };
        self.0.into_iter().map(each).collect()
    }
}
