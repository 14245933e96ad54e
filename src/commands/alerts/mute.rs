//! `daybook alerts mute`, `unmute` and `mutes`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::book::{self, Book};
use crate::calendar::spoken;
use crate::catalog::Mute;
use crate::cli;
use crate::commands::{CommandError, Ended, World, dates, open_book, output};
use crate::config::Config;
use crate::text::plain::printable;
use crate::text::suggest::did_you_mean;

use super::known;

/// How long to wait for a run that holds the lock while the book needs a migration.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) async fn mute(
    config: &Config,
    args: &cli::Mute,
    world: &World,
) -> Result<Ended, CommandError> {
    known(&args.key, &config.catalog)?;
    let until = dates::read(&args.until, "--until", config, world)?;
    let today = dates::today(config, world);
    if until < today {
        return Err(CommandError::Usage(format!(
            "--until {until} is in the past: expected {today} or later"
        )));
    }
    let because = args.because.trim();
    if because.is_empty() {
        return Err(CommandError::Usage(
            "--because is empty: give a reason; the report shows it".to_owned(),
        ));
    }
    let mute = Mute {
        key: args.key.clone(),
        from: today,
        until,
        because: because.to_owned(),
    };
    let book = open_to_write(config).await?;
    book::mute(&book, &mute, world.now, config.time_zone).await?;
    book.close().await;
    output::say(&format!("muted {}", described(&mute)));
    Ok(Ended::Done)
}

pub(super) async fn unmute(
    config: &Config,
    key: &str,
    world: &World,
) -> Result<Ended, CommandError> {
    let book = open_to_write(config).await?;
    let ended = book::unmute(&book, key, world.now, config.time_zone).await?;
    let left = standing(&book, config, world).await?;
    book.close().await;
    if !ended {
        let keys = left.iter().map(|mute| mute.key.as_str());
        let hint = match did_you_mean(key, keys) {
            hint if hint.is_empty() => "; `daybook alerts mutes` lists the mutes".to_owned(),
            hint => hint,
        };
        let key = key.escape_debug();
        return Err(CommandError::Usage(format!("`{key}` is not muted{hint}")));
    }
    output::say(&format!("{key} unmuted from today on"));
    Ok(Ended::Done)
}

pub(super) async fn list(
    config: &Config,
    as_json: bool,
    world: &World,
) -> Result<Ended, CommandError> {
    let book = open_book(config).await?;
    let mutes = standing(&book, config, world).await?;
    if as_json {
        let mutes: Vec<Value> = mutes.iter().map(json_of).collect();
        output::json(&json!({ "schema": 1, "mutes": mutes }))?;
        return Ok(Ended::Done);
    }
    for mute in &mutes {
        output::data(&printable(&described(mute)))?;
    }
    if mutes.is_empty() {
        output::say("nothing is muted");
    }
    Ok(Ended::Done)
}

/// The mutes that have not ended.
async fn standing(book: &Book, config: &Config, world: &World) -> Result<Vec<Mute>, CommandError> {
    let today = dates::today(config, world);
    let mut mutes = book::mutes(book, config.time_zone).await?;
    mutes.retain(|mute| today <= mute.until);
    Ok(mutes)
}

/// Opens the book to write, but creates none: without a book nothing alerts.
async fn open_to_write(config: &Config) -> Result<Book, CommandError> {
    open_book(config).await?.close().await;
    Ok(Book::open(&config.book.url, LOCK_TIMEOUT).await?)
}

fn described(mute: &Mute) -> String {
    let (from, until) = (spoken(mute.from), spoken(mute.until));
    format!("{} from {from} until {until}: {}", mute.key, mute.because)
}

fn json_of(mute: &Mute) -> Value {
    json!({ "key": mute.key, "from": mute.from, "until": mute.until, "because": mute.because })
}
