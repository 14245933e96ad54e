//! `daybook import`: days from elsewhere, into the book.

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

/// How long an import waits for a collect to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(config: &Config, args: &Import, world: &World) -> Result<Ended, CommandError> {
    let begun = Instant::now();
    let setting = Setting {
        config,
        now: world.now,
    };
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
        false => tell(&imported, &validated.left_out, args.dry_run),
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
    let (path, name) = match file {
        Some(path) if path != Path::new("-") => {
            let path = world.directory.join(path);
            let name = path.display().to_string();
            (Some(path), name)
        }
        _ => (None, "standard input".to_owned()),
    };
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

/// Under the collect lock, as a run that the list of runs has.
async fn import_into(
    validated: &Validated,
    setting: Setting<'_>,
    begun: Instant,
) -> Result<Imported, BookError> {
    let lock = Book::wait_for_lock(&setting.config.book.url, PATIENCE).await?;
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
    lock.let_go().await;
    // What broke the work off says more than that it could not be noted.
    imported.and_then(|imported| noted.map(|()| imported))
}

fn tell(imported: &Imported, left_out: &[LeftOut], dry_run: bool) {
    let verb = match dry_run {
        true => "would be imported",
        false => "imported",
    };
    match imported.span {
        Some((first, last)) => {
            let (days, filled) = (imported.changed_days(), imported.filled_days);
            output::say(&format!(
                "{} of {} from {first} to {last} {verb}: {} new, {filled} filled in",
                counted(imported.values, "value"),
                counted(days, "day"),
                imported.new_days,
            ));
        }
        None => output::say(&format!("nothing to import: 0 values {verb}")),
    }
    if imported.known > 0 {
        output::say(&format!(
            "{} skipped, already in the book",
            counted(imported.known, "value")
        ));
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
