//! `daybook export`: writes days for other programs.

use std::io::Write;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::book::{self, Book};
use crate::cli::{Export, ExportFormat};
use crate::config::Config;
use crate::look::edition::Edition;
use crate::look::export::backfill;
use crate::look::export::{self, ExportError, Layout, prometheus};
use crate::text::exposition::Form;

use super::progress::Bar;
use super::target::Target;
use super::{CommandError, Ended, World, dates, open_book, output};

/// The bar moves after this many days.
const DAYS_A_STEP: usize = 50;

pub async fn run(config: &Config, args: &Export, world: &World) -> Result<Ended, CommandError> {
    let days = days(config, args, world)?;
    let book = open_book(config).await?;
    let mut target = Target::open(args.output.as_deref(), args.gzip, world)?;
    let bar = bar(args, world);
    let form = match args.format {
        ExportFormat::Openmetrics => Form::OpenMetrics,
        _ => Form::Prometheus,
    };
    let written = match args.format {
        ExportFormat::Json => {
            stored(&book, config, days, Layout::Document, &mut target, &bar).await
        }
        ExportFormat::Jsonl => stored(&book, config, days, Layout::Lines, &mut target, &bar).await,
        ExportFormat::Csv => stored(&book, config, days, Layout::Table, &mut target, &bar).await,
        ExportFormat::Prometheus if args.from.is_none() && args.to.is_none() => {
            newest(&book, config, world, &mut target).await
        }
        ExportFormat::Prometheus | ExportFormat::Openmetrics => {
            backfill::write(&book, config, days, form, &mut target).await
        }
    };
    bar.clear();
    let count = match written {
        Ok(count) => Some(count),
        // The target has the original error.
        Err(_) if target.is_closed() => None,
        Err(ExportError::Book(error)) => return Err(error.into()),
        Err(error) => return Err(CommandError::Failed(error.into())),
    };
    target.finish()?;
    if count == Some(0) {
        output::say("no days are stored in this range: the export is empty");
    }
    Ok(Ended::Done)
}

/// The range asked for, open on either side.
fn days(
    config: &Config,
    args: &Export,
    world: &World,
) -> Result<RangeInclusive<NaiveDate>, CommandError> {
    let read = |text: &Option<String>, option: &str, open: NaiveDate| match text {
        Some(text) => dates::read(text, option, config, world),
        None => Ok(open),
    };
    let from = read(&args.from, "--from", NaiveDate::MIN)?;
    let to = read(&args.to, "--to", NaiveDate::MAX)?;
    match from > to {
        true => Err(CommandError::Usage(format!(
            "--from {from} is after --to {to}"
        ))),
        false => Ok(from..=to),
    }
}

/// Hidden if the terminal shows the data.
fn bar(args: &Export, world: &World) -> Bar {
    let to_file = args.output.as_ref().is_some_and(|path| *path != *"-");
    Bar::new(world.stderr_is_terminal && (to_file || !world.stdout_is_terminal))
}

async fn newest(
    book: &Book,
    config: &Config,
    world: &World,
    out: &mut Target,
) -> Result<usize, ExportError> {
    let today = dates::today(config, world);
    let edition = Edition::read(0, book.clone(), config, today).await?;
    let text = prometheus::exposition(&edition, config, world.now).await?;
    out.write_all(text.as_bytes())?;
    Ok(edition.history.days().len())
}

async fn stored(
    book: &Book,
    config: &Config,
    days: RangeInclusive<NaiveDate>,
    layout: Layout,
    out: &mut Target,
    bar: &Bar,
) -> Result<usize, ExportError> {
    let total = book::count_days(book, days.clone()).await?;
    let step = |done: usize| {
        if done.is_multiple_of(DAYS_A_STEP) {
            bar.exported(done, total);
        }
    };
    export::write(book, config, days, layout, out, &step).await
}
