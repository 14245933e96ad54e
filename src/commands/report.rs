//! `daybook report`: prints a day's letter as it would be sent now.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::{Format, Report};
use crate::config::{Config, Recipient, Sender, When};
use crate::deliver::message::{self, Head, NO_READER, NO_SENDER};
use crate::locale::{Language, Locale};
use crate::nightly::{About, letters};
use crate::render::json;
use crate::render::mail::mail;
use crate::report::Letter;
use crate::text::plain::spelled_out;

use super::target::Target;
use super::{CommandError, Ended, World, dates, load, open_book, output, send, show};

pub async fn run(
    config: Option<PathBuf>,
    args: &Report,
    world: &World,
) -> Result<Ended, CommandError> {
    if args.schema {
        print(&format!("{:#}\n", json::schema()), args, world)?;
        return Ok(Ended::Done);
    }
    if args.to.is_some() && args.format != Format::Eml {
        return Err(CommandError::Usage("--to requires --format eml".to_owned()));
    }
    let config = load(config, world)?;
    let letter = letter(&config, args, world).await?;
    let text = match args.format {
        Format::Text => mail(&letter, locale(config.report.locale, args)).text,
        Format::Html => mail(&letter, locale(config.report.locale, args)).standalone_html(),
        Format::Json => spelled_out(&format!("{:#}\n", json::letter(&letter))).into_owned(),
        Format::Eml => eml(&letter, &config, args, world)?,
    };
    print(&text, args, world)?;
    Ok(Ended::Done)
}

/// The day's letter, which may be the notice that it has no numbers.
async fn letter(config: &Config, args: &Report, world: &World) -> Result<Letter, CommandError> {
    let asked = dates::asked(&args.date, config, world)?;
    let book = open_book(config).await?;
    let date = show::day(&book, asked, dates::today(config, world)).await?;
    let subject = letters::subject(&book, date).await?;
    let subject = subject.ok_or_else(|| show::no_entry(date))?;
    let composed = letters::letter(config, &book, About { date, subject }, world.now).await?;
    composed.map_err(CommandError::Usage)
}

/// The recipient of `--to`, else the first one configured.
fn reader(config: &Config, args: &Report) -> Result<Recipient, CommandError> {
    if let Some(to) = &args.to {
        return send::reader(config, to);
    }
    let first = config.report.recipients.first().cloned();
    Ok(first.unwrap_or_else(|| Recipient {
        address: NO_READER.to_owned(),
        name: None,
        locale: config.report.locale,
        when: When::default(),
    }))
}

fn locale(habit: Locale, args: &Report) -> Locale {
    let asked = args.language.as_deref().and_then(Language::from_code);
    Locale {
        language: asked.unwrap_or(habit.language),
        ..habit
    }
}

/// The whole message, with an id of its own, so that sending it by hand does not clash with the ledger's.
fn eml(
    letter: &Letter,
    config: &Config,
    args: &Report,
    world: &World,
) -> Result<String, CommandError> {
    let reader = reader(config, args)?;
    let nobody = Sender {
        address: NO_SENDER.to_owned(),
        name: None,
    };
    let settings = config.mail.as_ref();
    let from = settings.map_or(&nobody, |mail| &mail.from);
    let locale = locale(reader.locale, args);
    let moment = world.now.timestamp();
    let domain = message::domain(&from.address);
    let head = Head {
        from,
        reply_to: settings.and_then(|mail| mail.reply_to.as_ref()),
        to: (&reader.address, reader.name.as_deref()),
        message_id: &format!("<printed.{}.{moment}@{domain}>", letter.date()),
        date: world.now,
        app: &letter.name,
        unsubscribe: settings.and_then(|mail| mail.unsubscribe.as_ref()),
        idempotency_key: None,
        language: locale.language.code(),
    };
    let bytes = message::message(&mail(letter, locale), &head)
        .map_err(|error| anyhow::anyhow!("cannot build the message: {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn print(text: &str, args: &Report, world: &World) -> Result<(), CommandError> {
    match &args.output {
        Some(path) if path != Path::new("-") => {
            let mut target = Target::open(Some(path), false, world)?;
            // `finish` reports an error.
            drop(target.write_all(text.as_bytes()));
            target.finish()
        }
        _ => output::data(text),
    }
}
