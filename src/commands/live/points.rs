//! `daybook live query points`: what is there.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::calendar::{self, Day};
use crate::cli::Points;
use crate::config::Config;
use crate::live::point::points;
use crate::live::question;
use crate::live::store::Store;
use crate::text::duration;

use super::super::{CommandError, Ended, World, output};
use super::{kind, labels, settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &Points,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let kind = kind(live, &args.kind)?;
    let moment = |text: &Option<String>, option, otherwise| match text {
        Some(text) => moment(text, option, config, world).map(|at| at.timestamp_micros()),
        None => Ok(otherwise),
    };
    let question = question::Points {
        from: moment(&args.from, "--from", i64::MIN)?,
        to: moment(&args.to, "--to", i64::MAX)?,
        labels: labels(&args.labels, kind)?,
        most: args.limit,
        skip: args.skip,
    };
    let found = match Store::open_reading(&live.database)
        .await
        .map_err(unavailable)?
    {
        Some(mut store) => {
            let found = question::points(&mut store, kind, &question).await;
            found.map_err(unavailable)?
        }
        None => question::Found::default(),
    };
    let points = || points(&found.points, &kind.name);
    let unreadable = |error| anyhow::anyhow!("an event cannot be printed: {error}");
    if args.json {
        let all = points()
            .map(serde_json::to_value)
            .collect::<Result<Vec<_>, _>>();
        let all = all.map_err(unreadable)?;
        let broken: Vec<&i64> = found.broken.iter().map(|(chunk, _)| chunk).collect();
        output::json(&json!({
            "schema": 1, "points": all, "has_more": found.has_more, "broken_chunks": broken,
        }))?;
    } else {
        for point in points() {
            output::data(&serde_json::to_string(&point).map_err(unreadable)?)?;
        }
    }
    for (chunk, why) in &found.broken {
        let file = live.database.display();
        output::say(&format!(
            "{file}: chunk {chunk} is {why}; its points are missing here"
        ));
    }
    if found.has_more && !args.json {
        let next = args.skip + args.limit;
        output::say(&format!("there are older ones: --skip {next}"));
    }
    Ok(if found.broken.is_empty() {
        Ended::Done
    } else {
        Ended::Unsound
    })
}

/// A moment, the beginning of a day, or how long ago.
fn moment(
    text: &str,
    option: &str,
    config: &Config,
    world: &World,
) -> Result<DateTime<Utc>, CommandError> {
    let instant = DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.with_timezone(&Utc));
    let day = || {
        Some(
            Day::new(calendar::date(text)?, config.time_zone)
                .ok()?
                .start,
        )
    };
    let ago = || {
        let ago = TimeDelta::from_std(duration::parse(text).ok()?).ok()?;
        world.now.checked_sub_signed(ago)
    };
    instant.or_else(day).or_else(ago).ok_or_else(|| {
        CommandError::Usage(format!(
            "{option} {}: expected a moment such as 2025-10-03T08:00:00+02:00, a date, or how long ago, such as `2h`",
            text.escape_debug()
        ))
    })
}
