//! `daybook import`: imports days from a file or another system's table.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use crate::book::{self, Book, BookError, Ending, Outcome, Stages};
use crate::cli::Import;
use crate::config::Config;
use crate::operate::import::{self, ImportError, Imported, LeftOut, Setting, Validated};
use crate::text::counted::counted;
use crate::text::mistake::Source;

use super::{CommandError, Ended, World, input, open_book, output};

/// How long to wait for a running collect.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(config: &Config, args: &Import, world: &World) -> Result<Ended, CommandError> {
    let begun = Instant::now();
    let now = world.now;
    let setting = Setting { config, now };
    let validated = match &args.mapping {
        Some(path) => {
            let mapping = mapping(path, world)?;
            import::read_table(&mapping, setting, world.stop.clone()).await?
        }
        None => from_file(config, args.file.as_deref(), world).await?,
    };
    let imported = match args.dry_run {
        true => dry_run(setting, &validated).await?,
        false => import_into(&validated, setting, begun).await?,
    };
    match args.json {
        true => output::json(&as_json(&imported, &validated.left_out, args.dry_run))?,
        false => say(&imported, &validated.left_out, args.dry_run),
    }
    Ok(Ended::Done)
}

fn mapping(path: &Path, world: &World) -> Result<Source, CommandError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(world.directory.join(path)).with_context(|| {
        format!(
            "cannot read the mapping {name}: expected a file that describes a table, such as examples/beryl/import.toml"
        )
    })?;
    Ok(Source { name, text })
}

async fn from_file(
    config: &Config,
    file: Option<&Path>,
    world: &World,
) -> Result<Validated, CommandError> {
    let path = file.filter(|path| *path != Path::new("-"));
    let path = path.map(|path| world.directory.join(path));
    let name = path.as_ref().map(|path| path.display().to_string());
    let name = name.unwrap_or_else(|| "standard input".to_owned());
    let (config, now) = (config.clone(), world.now);
    let read = input::on_a_thread(&world.stop, move || {
        let input: Box<dyn Read> = match path {
            Some(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(source) => return Err(ImportError::Read { name, source }),
            },
            None => Box::new(io::stdin()),
        };
        let config = &config;
        import::read_file(input, &name, Setting { config, now })
    });
    Ok(read.await??)
}

async fn dry_run(setting: Setting<'_>, validated: &Validated) -> Result<Imported, BookError> {
    match open_book(setting.config).await {
        Ok(book) => import::dry_run(Some(&book), validated, setting).await,
        Err(BookError::NoBook { .. }) => import::dry_run(None, validated, setting).await,
        Err(error) => Err(error),
    }
}

/// Imports under the collect lock, and records a run.
async fn import_into(
    validated: &Validated,
    setting: Setting<'_>,
    begun: Instant,
) -> Result<Imported, BookError> {
    let lock = Book::wait_for_lock(&setting.config.book.url, LOCK_TIMEOUT).await?;
    let book = Book::open_under(&lock).await?;
    let run = book::begin_run(&book, "import", setting.now).await?;
    let imported = import::import_into(&book, validated, setting).await;
    let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let span = imported.as_ref().ok().and_then(|imported| imported.span);
    let days = imported.as_ref().map_or(0, Imported::changed_days);
    let ending = Ending {
        ended_at: setting.now + TimeDelta::milliseconds(duration_ms),
        outcome: match &imported {
            Err(_) => Outcome::Failed,
            Ok(_) if days == 0 => Outcome::Nothing,
            Ok(_) => Outcome::Stored,
        },
        dates: span.map(|(first, last)| first..=last),
        days: u32::try_from(days).unwrap_or(u32::MAX),
        error: imported.as_ref().err().map(ToString::to_string),
        duration_ms,
        stages: Stages::default(),
    };
    let noted = book::end_run(&book, run, &ending).await;
    book.close().await;
    lock.release().await;
    // The import's own error says more than a failure to record the run.
    imported.and_then(|imported| noted.map(|()| imported))
}

fn say(imported: &Imported, left_out: &[LeftOut], dry_run: bool) {
    let verb = match dry_run {
        true => "would be imported",
        false => "imported",
    };
    match imported.span {
        Some((first, last)) => {
            let (new, filled) = (imported.new_days, imported.filled_days);
            let values = counted(imported.values, "value");
            let days = counted(imported.changed_days(), "day");
            output::say(&format!(
                "{values} of {days} from {first} to {last} {verb}: {new} new, {filled} filled in"
            ));
        }
        None => output::say(&format!("nothing to import: 0 values {verb}")),
    }
    if imported.known > 0 {
        let values = counted(imported.known, "value");
        output::say(&format!("{values} skipped, already in the book"));
    }
    for LeftOut { what, why, count } in left_out {
        output::say_line(&format!("skipped {what} ({count} ×): {why}"));
    }
}

fn as_json(imported: &Imported, left_out: &[LeftOut], dry_run: bool) -> Json {
    let left_out = left_out
        .iter()
        .map(|one| json!({ "what": one.what, "why": one.why, "count": one.count }));
    json!({
        "schema": 1,
        "dry_run": dry_run,
        "from": imported.span.map(|(first, _)| first),
        "to": imported.span.map(|(_, last)| last),
        "days": { "new": imported.new_days, "filled": imported.filled_days, "unchanged": imported.unchanged_days },
        "values": { "taken": imported.values, "known": imported.known },
        "left_out": left_out.collect::<Json>(),
    })
}

impl From<ImportError> for CommandError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Config(error) => Self::Config(error),
            ImportError::Book(error) => Self::Book(error),
            ImportError::Unavailable(_) => Self::Unavailable(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}
