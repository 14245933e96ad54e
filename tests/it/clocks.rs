//! A clock that shows any time at all ends no command in a panic.

use chrono::{DateTime, Datelike, Utc};

use crate::running::{SETTINGS, shop};
use crate::world::{World, instant};

fn times() -> Vec<String> {
    let mut times: Vec<String> = [
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "1901-12-13T20:45:51Z",
        "0001-01-01T00:00:00Z",
        "0000-01-01T12:00:00Z",
        "2038-01-19T03:14:08Z",
        "9999-12-31T23:59:59Z",
    ]
    .map(str::to_owned)
    .to_vec();
    times.extend([DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC].map(|at| at.to_rfc3339()));
    times
}

const COMMANDS: &[&[&str]] = &[
    &["collect"],
    &["collect", "--send-email"],
    &["collect", "--date", "yesterday", "--send-email"],
    &["collect", "--catch-up"],
    &["collect", "--refresh", "3"],
    &["collect", "--dry-run"],
    &["show"],
    &["show", "--json"],
    &["report", "--format", "eml"],
    &["send", "--date", "today"],
    &["deliveries"],
    &["runs"],
    &["alerts", "list"],
    &["alerts", "backtest", "--days", "30"],
    &["verify"],
    &["export", "--format", "prometheus"],
    &["top", "--once"],
    &["doctor"],
    &["prune"],
];

#[tokio::test]
async fn no_command_panics_whatever_the_clock_shows() {
    for time in times() {
        for has_a_book in [false, true] {
            let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
            shop(&world).await;
            if has_a_book {
                let collected = world.command(&["collect", "--date", "yesterday"]).await;
                collected.unwrap();
            }
            world.at(&time);
            for command in COMMANDS {
                println!("{time} {command:?}");
                let ended = world.command(command).await;
                let told = ended.map_err(|error| error.to_string());
                let is_refused =
                    told.is_err_and(|why| why.contains("supports the years 1970 to 9999"));
                let year = instant(&time).year();
                assert_eq!(is_refused, !(1970..=9999).contains(&year), "{time}");
            }
        }
    }
}
