//! `daybook demo`: a whole year of Daybook in one command.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::Days;

use crate::calendar::Day;
use crate::cli::Demo;
use crate::config::{Config, Request, load};
use crate::nightly::{self, Night, Orders, Setting, Which};
use crate::operate::demo;

use super::progress::Bar;
use super::{CommandError, Ended, World, delivered, output, show};

/// As far back as the entries are kept, less the day that is pruned first.
const DAYS_OF_HISTORY: u64 = 364;

pub async fn run(args: &Demo, world: &World) -> Result<Ended, CommandError> {
    let begun = Instant::now();
    let directory = world.directory.join(&args.dir);
    let settings = directory.join("daybook.toml");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    if settings.exists() {
        let what = format!(
            "{} already exists: the demo overwrites nothing; choose another folder with --dir",
            settings.display()
        );
        return Err(CommandError::Failed(anyhow::anyhow!(what)));
    }
    let zone = chrono_tz::Europe::Zurich;
    let today = Day::containing(world.now, zone);
    let size =
        demo::write_app_database(&directory.join("app.db"), today.previous(), world.now).await?;
    std::fs::write(&settings, demo::settings())
        .with_context(|| format!("cannot write {}", settings.display()))?;
    // The demo is the same everywhere: nothing of the surrounding environment reaches it.
    let request = Request {
        path: Some(settings),
        environment: Default::default(),
        cwd: directory,
    };
    let config = load(&request)?;
    output::say(&format!(
        "a made-up application with {} users, {} collections and {} items",
        size.users, size.collections, size.items
    ));
    let yesterday = today.previous().date;
    let year = Which::Range(yesterday - Days::new(DAYS_OF_HISTORY), yesterday);
    night(&config, (year, false), world).await?;
    // The report is of the last day alone: a year's would name all the others.
    let reported = night(&config, (Which::One(yesterday), true), world).await?;
    show::print(&config, Some(yesterday), world).await?;
    let took = begun.elapsed().as_secs_f64();
    let days = DAYS_OF_HISTORY + 1;
    output::say(&format!("{days} days in {took:.1} s."));
    delivered::tell(&reported.deliveries, &config, (world, false));
    output::say(&next(args, world));
    let written = reported.deliveries.iter().all(delivered::is_accepted);
    Ok(match written {
        true => Ended::Done,
        false => Ended::Undelivered,
    })
}

fn next(args: &Demo, world: &World) -> String {
    let daybook = format!(
        "{} --config {}/daybook.toml",
        world.program,
        args.dir.display()
    );
    let lines = [
        ("collect", "count today, as of now"),
        (
            "show --date today",
            "today so far; without --date the newest complete day",
        ),
        ("alerts list", "only what deserves attention"),
        ("show --json", "the day for programs"),
        ("explain total_users", "how a number is counted"),
        ("runs", "what the counting cost"),
        (
            "deliveries",
            "who was to get which report, and what came of it",
        ),
    ];
    let lines = lines.map(|(command, what)| format!("\n  {daybook} {command:<19}  # {what}"));
    format!("Try next:{}", lines.concat())
}

async fn night(
    config: &Config,
    (which, send): (Which, bool),
    world: &World,
) -> Result<Night, CommandError> {
    let bar = Bar::new(world.terminal.1);
    let setting = Setting {
        config,
        now: world.now,
        stop: world.stop.clone(),
        listener: &bar,
    };
    let orders = Orders {
        which,
        metric: None,
        force: false,
        dry_run: false,
        send,
        retry_for: Duration::ZERO,
    };
    let night = nightly::run(&setting, &orders).await;
    bar.clear();
    Ok(night?)
}
