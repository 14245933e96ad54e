//! `daybook export`: days for other programs.

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
    let written = match args.format {
        ExportFormat::Json => {
            stored((&book, config), days, Layout::Document, (&mut target, &bar)).await
        }
        ExportFormat::Jsonl => {
            stored((&book, config), days, Layout::Lines, (&mut target, &bar)).await
        }
        ExportFormat::Csv => {
            stored((&book, config), days, Layout::Table, (&mut target, &bar)).await
        }
        ExportFormat::Prometheus if args.from.is_none() && args.to.is_none() => {
            newest(config, (&book, world), &mut target).await
        }
        ExportFormat::Prometheus => {
            past((&book, config), days, Form::Prometheus, &mut target).await
        }
        ExportFormat::Openmetrics => {
            past((&book, config), days, Form::OpenMetrics, &mut target).await
        }
    };
    bar.clear();
    let count = match written {
        Ok(count) => Some(count),
        // The target knows better what became of it.
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

/// From the first day there is to the newest, as far as nothing else is asked for.
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

/// Only where nothing else is on the screen.
fn bar(args: &Export, world: &World) -> Bar {
    let (out, err) = world.terminal;
    let elsewhere = args.output.as_ref().is_some_and(|path| *path != *"-");
    Bar::new(err && (elsewhere || !out))
}

async fn newest(
    config: &Config,
    (book, world): (&Book, &World),
    out: &mut Target,
) -> Result<usize, ExportError> {
    let today = dates::today(config, world);
    let edition = Edition::read(0, book.clone(), config, today).await?;
    let text = prometheus::exposition(&edition, config, world.now).await?;
    out.write_all(text.as_bytes())?;
    Ok(edition.history.days().len())
}

async fn past(
    (book, config): (&Book, &Config),
    days: RangeInclusive<NaiveDate>,
    form: Form,
    out: &mut Target,
) -> Result<usize, ExportError> {
    backfill::write(book, config, days, form, out).await
}

async fn stored(
    (book, config): (&Book, &Config),
    days: RangeInclusive<NaiveDate>,
    layout: Layout,
    (out, bar): (&mut Target, &Bar),
) -> Result<usize, ExportError> {
    let total = book::count_days(book, days.clone()).await?;
    let step = |done: usize| {
        if done.is_multiple_of(DAYS_A_STEP) {
            bar.exported(done, total);
        }
    };
    export::write(book, config, days, layout, out, &step).await
}
