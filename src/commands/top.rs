//! `daybook top`: the newest day in the terminal.

use anyhow::Context;
use chrono::NaiveDate;
use tokio::signal::unix::{SignalKind, signal};

use crate::calendar::spoken;
use crate::cli::{Show, Top};
use crate::config::Config;
use crate::look::terminal::live::{LiveError, LiveView};
use crate::look::terminal::{TerminalView, TopError};
use tokio_util::sync::CancellationToken;

use super::live::{failed, settings, unavailable};
use super::{CommandError, Ended, World, dates, output, show};

pub async fn run(config: &Config, args: &Top, world: &World) -> Result<Ended, CommandError> {
    if args.live {
        return live(config, args.once, world).await;
    }
    if args.once {
        let same = Show {
            date: args.date.clone(),
            json: false,
        };
        return show::run(config, &same, world).await;
    }
    only_on_a_terminal(
        world,
        "use `daybook show`, or `daybook top --once`, for plain text",
    )?;
    let date = dates::asked(&args.date, config, world)?;
    stop_on_hangup(world.stop.clone())?;
    let color = show::look(world).color;
    let view = TerminalView {
        config,
        book: &config.book.url,
        clock: world.clock,
        stop: &world.stop,
    };
    view.run(date, color).await.map_err(command_error)?;
    Ok(Ended::Done)
}

async fn live(config: &Config, once: bool, world: &World) -> Result<Ended, CommandError> {
    let view = LiveView {
        config,
        live: settings(config)?,
        clock: world.clock,
        stop: &world.stop,
    };
    let look = show::look(world);
    if once {
        let width = usize::from(output::width(world.environment.get("COLUMNS")));
        let page = view.once(width, look.color).await.map_err(live_error)?;
        output::data(&page)?;
        return Ok(Ended::Done);
    }
    only_on_a_terminal(world, "use `daybook top --live --once` for plain text")?;
    stop_on_hangup(world.stop.clone())?;
    view.run(look.color).await.map_err(live_error)?;
    Ok(Ended::Done)
}

fn live_error(error: LiveError) -> CommandError {
    match error {
        LiveError::Store(error) => unavailable(error),
        LiveError::Asked(error) => failed(error),
        LiveError::Terminal(_) => anyhow::Error::from(error).into(),
    }
}

fn only_on_a_terminal(world: &World, otherwise: &str) -> Result<(), CommandError> {
    match world.stdout_is_terminal {
        true => Ok(()),
        false => Err(CommandError::Usage(format!(
            "standard output is not a terminal: {otherwise}"
        ))),
    }
}

/// Only here: `nohup daybook collect` must survive its terminal.
fn stop_on_hangup(stop: CancellationToken) -> Result<(), CommandError> {
    let hangup = signal(SignalKind::hangup());
    let mut hangup = hangup.context("cannot listen for SIGHUP")?;
    tokio::spawn(async move {
        hangup.recv().await;
        stop.cancel();
    });
    Ok(())
}

fn command_error(error: TopError) -> CommandError {
    match error {
        TopError::Book(error) => error.into(),
        TopError::NoDay {
            date,
            neighbours: (before, after),
        } => CommandError::Usage(no_day(date, before, after)),
        TopError::Terminal(_) => anyhow::Error::from(error).into(),
    }
}

fn no_day(date: NaiveDate, before: Option<NaiveDate>, after: Option<NaiveDate>) -> String {
    let near = match (before.map(spoken), after.map(spoken)) {
        (Some(before), Some(after)) => {
            format!("the nearest stored days are {before} and {after}")
        }
        (Some(day), None) => format!("the newest stored day is {day}"),
        (None, Some(day)) => format!("the first stored day is {day}"),
        (None, None) => "the book is empty: run `daybook collect`".to_owned(),
    };
    format!("no row for {}; {near}", spoken(date))
}
