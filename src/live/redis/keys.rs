//! What keys are called that belong to no kind, and those of the two original systems.

use chrono::{Datelike, NaiveDate};

/// Of hosts: all of them, each one's newest instant, and when they were cleaned up last.
pub const HOSTS: &str = "metrics:hosts";
pub const NEWEST: &str = "metrics:newest";
pub const LAST_CLEANUP: &str = "metrics:last_cleanup";
/// Of hosts that nobody has forwarded yet: whose they are.
pub const OWNERS: &str = "daybook:live:owners";
/// There for as long as nothing has to be trimmed again.
pub const KEPT: &str = "daybook:live:kept";
/// Notes of what was forgotten, the number of the last one, and which one each replica has seen to.
pub const FORGOTTEN: &str = "daybook:live:forgotten";
pub const FORGOTTEN_COUNT: &str = "daybook:live:forgotten:count";
pub const FORGOTTEN_DONE: &str = "daybook:live:forgotten:done";
/// The last number that was given to a connection which writes compact histories.
pub const CHAINS: &str = "metrics:compact:chains";

pub fn current(host: &str) -> String {
    format!("metrics:current:{host}")
}

pub fn history(host: &str) -> String {
    format!("metrics:history:{host}")
}

/// The day is its number since 1970.
pub fn compact(host: &str, day: i64) -> String {
    format!("metrics:compact:{host}:{day}")
}

/// How far each replica has come.
pub fn applied(prefix: &str) -> String {
    format!("{prefix}:applied")
}

/// Up to which instant each replica has forwarded everything, in microseconds.
pub fn applied_until(prefix: &str) -> String {
    format!("{prefix}:applied:until")
}

/// Of all scans of all time.
pub fn totals(prefix: &str) -> String {
    format!("{prefix}:totals")
}

/// The rollups of all guilds by their day.
pub fn rollups(prefix: &str) -> String {
    format!("{prefix}:rollups:index")
}

/// The rollups of one guild.
pub fn rollups_of(prefix: &str, guild: &str) -> String {
    format!("{prefix}:rollups:index:guild:{guild}")
}

pub fn status(hash: &str) -> String {
    format!("{hash}:status")
}

pub fn baseline(hash: &str) -> String {
    format!("{hash}:baseline")
}

/// The guild in a rollup's key, `PREFIX:rollup:DAY:GUILD:TYPE`.
pub fn guild_of(rollup: &str) -> &str {
    rollup.rsplit(':').nth(1).unwrap_or_default()
}

/// The score of 1970-01-01.
pub const EPOCH: i64 = 719_163;

/// The score of a day: 0001-01-01 is day 1.
pub fn score(day: NaiveDate) -> i64 {
    day.num_days_from_ce().into()
}
