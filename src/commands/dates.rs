//! Dates as operators write them.

use chrono::NaiveDate;

use crate::calendar::{self, Day};
use crate::config::Config;

use super::{CommandError, World};

/// What day it is in the configured zone.
pub fn today(config: &Config, world: &World) -> NaiveDate {
    Day::containing(world.now, config.time_zone).date
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
            let expected = "a date like 2025-10-03, `today` or `yesterday`";
            CommandError::Usage(format!(
                "{option} {}: expected {expected}",
                text.escape_debug()
            ))
        }),
    }
}
