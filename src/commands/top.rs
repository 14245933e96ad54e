//! `daybook top`: the newest day in the terminal.

use anyhow::Context;
use chrono::NaiveDate;
use tokio::signal::unix::{SignalKind, signal};

use crate::calendar::spoken;
use crate::cli::{Show, Top};
use crate::config::Config;
use crate::look::terminal::{TerminalView, TopError};
use tokio_util::sync::CancellationToken;

use super::{CommandError, Ended, World, dates, show};

pub async fn run(config: &Config, args: &Top, world: &World) -> Result<Ended, CommandError> {
    if args.once {
        let same = Show {
            date: args.date.clone(),
            json: false,
        };
        return show::run(config, &same, world).await;
    }
    if !world.terminal.0 {
        return Err(CommandError::Usage(
            "standard output is not a terminal: use `daybook show`, or `daybook top --once`, for plain text"
                .to_owned(),
        ));
    }
    let date = args.date.as_deref();
    let date = date.map(|text| dates::read(text, "--date", config, world));
    let date = date.transpose()?;
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

/// Only here: a collection that was told to survive its terminal must do so.
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
        TopError::NoDay { date, neighbours } => CommandError::Usage(no_day(date, neighbours)),
        TopError::Terminal(_) => anyhow::Error::from(error).into(),
    }
}

fn no_day(date: NaiveDate, neighbours: (Option<NaiveDate>, Option<NaiveDate>)) -> String {
    let near = match neighbours {
        (Some(before), Some(after)) => {
            format!(
                "the nearest stored days are {} and {}",
                spoken(before),
                spoken(after)
            )
        }
        (Some(day), None) => format!("the newest stored day is {}", spoken(day)),
        (None, Some(day)) => format!("the first stored day is {}", spoken(day)),
        (None, None) => "the book is empty: run `daybook collect`".to_owned(),
    };
    format!("no row for {}; {near}", spoken(date))
}
