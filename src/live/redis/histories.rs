//! How many samples the histories of hosts hold, in whichever form they are kept.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use crate::config::live_redis::{History, RedisSettings};

use super::compact::{self, DAY};
use super::keys;
use super::server::{Server, Trouble};
use super::wire::{Commands, command};

pub(super) struct Kept {
    /// Whether there is anything of the host.
    pub(super) is_there: bool,
    pub(super) samples: i64,
}

/// The days of which samples can be kept, by their numbers since 1970.
pub(super) fn days(settings: &RedisSettings, now: DateTime<Utc>) -> RangeInclusive<i64> {
    let today = now.timestamp_millis().div_euclid(DAY);
    today - i64::from(settings.retention) - 1..=today + 1
}

/// What there is of a host. A day that cannot be read counts nothing.
pub(super) async fn count(
    server: &mut Server,
    settings: &RedisSettings,
    now: DateTime<Utc>,
    host: &str,
) -> Result<Kept, Trouble> {
    let mut asked = Commands::default();
    asked.add(command("EXISTS").arg(keys::current(host)));
    asked.add(command("ZCARD").arg(keys::history(host)));
    for day in days(settings, now) {
        let key = keys::compact(host, day);
        asked.add(command("LRANGE").args([key.as_str(), "0", "-1"]));
    }
    let answers = server.exchange(&asked).await?;
    let mut answers = answers.read();
    let (is_current, documented): (i64, i64) = (answers.take()?, answers.take()?);
    let (mut compact, mut has_compact) = (0, false);
    for day in days(settings, now) {
        let items: Vec<Vec<u8>> = answers.take()?;
        has_compact |= !items.is_empty();
        let samples = compact::read(day * DAY, &items.concat());
        compact += samples.map_or(0, |samples| samples.len() as i64);
    }
    Ok(Kept {
        is_there: is_current > 0 || documented > 0 || has_compact,
        samples: match settings.history {
            History::Both => documented.max(compact),
            _ => documented + compact,
        },
    })
}
