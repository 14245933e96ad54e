//! Dates as operators write them.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::calendar::{self, Day};
use crate::config::Config;

use super::{CommandError, World};

/// Today in the configured zone.
pub fn today(config: &Config, world: &World) -> NaiveDate {
    Day::containing(world.now, config.time_zone).date
}

/// `2025-10-04T00:15:00.000+02:00`, in the configured zone.
pub(super) fn rfc3339(instant: DateTime<Utc>, config: &Config) -> String {
    let local = instant.with_timezone(&config.time_zone);
    local.to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// The value of `--date`, if it is given.
pub(super) fn asked(
    date: &Option<String>,
    config: &Config,
    world: &World,
) -> Result<Option<NaiveDate>, CommandError> {
    let date = date.as_deref();
    date.map(|text| read(text, "--date", config, world))
        .transpose()
}

/// `2025-10-03`, `today` or `yesterday`, in the configured zone.
pub fn read(
    text: &str,
    option: &str,
    config: &Config,
    world: &World,
) -> Result<NaiveDate, CommandError> {
    let today = Day::containing(world.now, config.time_zone);
    match text {
        "today" => Ok(today.date),
        "yesterday" => Ok(today.previous().date),
        _ => calendar::date(text).ok_or_else(|| {
            if calendar::is_written_like_a_date(text) {
                return CommandError::Usage(format!("{option} {text}: there is no such day"));
            }
            let expected = "a date like 2025-10-03, `today` or `yesterday`";
            CommandError::Usage(format!(
                "{option} {}: expected {expected}",
                text.escape_debug()
            ))
        }),
    }
}
