//! `daybook demo`: a whole year of Daybook in one command.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::book::{self, Book, BookError, Ending, Outcome, Stages};
use crate::calendar::{Day, days_between};
use crate::cli::Demo;
use crate::config::{Config, Request, load};
use crate::entry::Entry;
use crate::nightly::{self, Night, NightContext, Orders, Which};
use crate::operate::demo::{self, Application};

use super::progress::Bar;
use super::{CommandError, Ended, World, delivered, output, show};

/// As far back as retention allows, less the day that is pruned first.
const NIGHTS_BEFORE: u64 = 364;

pub async fn run(args: &Demo, world: &World) -> Result<Ended, CommandError> {
    let begun = Instant::now();
    let directory = world.directory.join(&args.dir);
    let settings = directory.join("daybook.toml");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    if settings.exists() {
        return Err(CommandError::Failed(anyhow!(
            "{} already exists, and the demo overwrites nothing: choose another folder with --dir",
            settings.display()
        )));
    }
    let today = Day::containing(world.now, chrono_tz::Europe::Zurich);
    let yesterday = today.previous();
    // The program itself counts last night, in the database as it was then.
    let last_night = demo::night_of(yesterday).min(world.now);
    let (mut application, nights) = live_a_year(yesterday, last_night);
    let database = directory.join("app.db");
    let size = application.write(&database).await?;
    std::fs::write(&settings, demo::settings())
        .with_context(|| format!("cannot write {}", settings.display()))?;
    // Without the environment, the demo is the same everywhere.
    let request = Request {
        path: Some(settings),
        environment: Default::default(),
        cwd: directory,
    };
    let config = load(&request)?;
    if let Some(live) = &config.live {
        application.record(live, last_night).await?;
    }
    output::say(&format!(
        "Created an example application: {} users, {} collections and {} items",
        size.users, size.collections, size.items
    ));
    store(&config, &nights, last_night, begun).await?;
    let reported = night(&config, yesterday.date, last_night, world).await?;
    application.live_until(world.now);
    application.update(&database).await?;
    if let Some(live) = &config.live {
        application.record(live, world.now).await?;
    }
    show::print(&config, Some(yesterday.date), world).await?;
    let took = begun.elapsed().as_secs_f64();
    let days = nights.len() + 1;
    output::say(&format!("{days} days in {took:.1} s."));
    delivered::say(&reported.deliveries, &config, world, false);
    output::say(&next(args, world));
    Ok(delivered::ended(&reported.deliveries))
}

/// The application as it is in the night after that day, and the nights of the year before.
fn live_a_year(yesterday: Day, last_night: DateTime<Utc>) -> (Application, Vec<demo::Night>) {
    let mut application = Application::begin(yesterday);
    let first = yesterday.date - Days::new(NIGHTS_BEFORE);
    let days = days_between(first, yesterday.previous().date, yesterday.zone);
    let through = |day| application.live_through(day);
    let nights = days.into_iter().map(through).collect();
    application.live_until(last_night);
    (application, nights)
}

fn next(args: &Demo, world: &World) -> String {
    let daybook = format!(
        "{} --config {}/daybook.toml",
        world.program,
        args.dir.display()
    );
    let lines = [
        ("collect", "count today so far"),
        (
            "show --date today",
            "show it; without --date the newest complete day",
        ),
        ("alerts list", "alerts only"),
        ("show --json", "the day as JSON"),
        ("explain total_users", "how a number is counted"),
        ("explain sign_ups", "how live events are counted"),
        ("runs", "past runs, with time and rows of each statement"),
        ("deliveries", "deliveries and their status"),
    ];
    let lines = lines.map(|(command, what)| format!("\n  {daybook} {command:<19}  # {what}"));
    format!("Try next:{}", lines.concat())
}

/// Stores the nights of the year as a run of its own.
async fn store(
    config: &Config,
    nights: &[demo::Night],
    now: DateTime<Utc>,
    begun: Instant,
) -> Result<(), BookError> {
    let lock = Book::wait_for_lock(&config.book.url, Duration::ZERO).await?;
    let book = Book::open_under(&lock).await?;
    let run = book::begin_run(&book, "demo", now).await?;
    let entries: Vec<Entry> = nights.iter().map(|night| night.entry(config)).collect();
    let dates = entries.first().zip(entries.last());
    let dates = dates.map(|(first, last)| first.date..=last.date);
    let days = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    book::store_at_once(&book, entries.into_iter(), |_, new| new, |_| {}).await?;
    let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let ending = Ending {
        ended_at: now + TimeDelta::milliseconds(duration_ms),
        outcome: Outcome::Stored,
        dates,
        days,
        error: None,
        duration_ms,
        stages: Stages::default(),
    };
    book::end_run(&book, run, &ending).await?;
    book.close().await;
    lock.release().await;
    Ok(())
}

async fn night(
    config: &Config,
    date: NaiveDate,
    now: DateTime<Utc>,
    world: &World,
) -> Result<Night, CommandError> {
    let bar = Bar::new(world.stderr_is_terminal);
    let context = NightContext::new(config, now, world.stop.clone(), &bar);
    let orders = Orders {
        which: Which::One(date),
        metric: None,
        force: false,
        dry_run: false,
        send: true,
        retry_for: Duration::ZERO,
    };
    let night = nightly::run(&context, &orders).await;
    bar.clear();
    Ok(night?)
}
