//! `daybook report`: the letter of a day as it would be sent now, on standard output or in a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::{Format, Report};
use crate::config::{Config, Recipient, Sender, When};
use crate::deliver::message::{self, Head, NO_READER, NO_SENDER};
use crate::files;
use crate::locale::{Language, Locale};
use crate::nightly::{About, letters, resend};
use crate::render::json;
use crate::render::mail::mail;
use crate::report::Letter;
use crate::text::plain::spelled_out;

use super::{CommandError, Ended, World, dates, load, open_book, output, show};

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
        Format::Eml => eml(&letter, &reader(&config, args)?, (&config, args, world))?,
    };
    print(&text, args, world)?;
    Ok(Ended::Done)
}

/// Where a day has no numbers but its readers were told so, that is what there is to print.
async fn letter(config: &Config, args: &Report, world: &World) -> Result<Letter, CommandError> {
    let asked = args.date.as_deref();
    let asked = asked.map(|text| dates::read(text, "--date", config, world));
    let book = open_book(config).await?;
    let today = dates::today(config, world);
    let date = show::day(&book, asked.transpose()?, today).await?;
    let subject = letters::subject(&book, date).await?;
    let subject = subject.ok_or_else(|| show::no_entry(date))?;
    let composed = letters::letter(config, &book, About { date, subject }, world.now).await?;
    composed.map_err(CommandError::Usage)
}

/// Who is asked for, else the first of the settings.
fn reader(config: &Config, args: &Report) -> Result<Recipient, CommandError> {
    if let Some(asked) = &args.to {
        let reader = resend::reader(config, asked);
        return reader.map_err(|reason| {
            CommandError::Usage(format!("--to {}: {reason}", asked.escape_debug()))
        });
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
    let asked = args.language.as_deref().and_then(Language::of_code);
    Locale {
        language: asked.unwrap_or(habit.language),
        ..habit
    }
}

/// The whole message. Its id is none of the ledger's: who sends it on by hand does not make ours a repetition.
fn eml(
    letter: &Letter,
    reader: &Recipient,
    (config, args, world): (&Config, &Report, &World),
) -> Result<String, CommandError> {
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
            let path = world.directory.join(path);
            let written = write(&path, text.as_bytes());
            Ok(written.with_context(|| format!("cannot write {}", path.display()))?)
        }
        _ => output::data(text),
    }
}

/// A file is replaced as a whole, also behind a link; a pipe or a device takes the text as it is.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            let mut stream = OpenOptions::new().write(true).open(path)?;
            stream.write_all(content)
        }
        Ok(_) => files::replace(&fs::canonicalize(path)?, content),
        Err(_) => files::replace(path, content),
    }
}
