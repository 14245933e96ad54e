//! `daybook report`: the letter of a day as it would be sent now, on standard output or in a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::{Format, Report};
use crate::config::{Config, Recipient, Sender, When, recipient};
use crate::deliver::message::{self, Head};
use crate::deliver::outbox;
use crate::render::mail::mail;
use crate::render::{html, json};
use crate::report::letter::next_due;
use crate::report::{Around, Content, Letter};
use crate::voice::{Language, Voice};

use super::{CommandError, Ended, World, load, output, show};

/// Who writes and who reads where nobody is set: names that no mail server will ever look for.
const NO_SENDER: &str = "daybook@daybook.invalid";
const NO_RECIPIENT: &str = "reader@daybook.invalid";

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
        return Err(CommandError::Usage(
            "--to says whom a message is for: it goes with --format eml".to_owned(),
        ));
    }
    let config = load(config, world)?;
    let letter = letter(&config, args, world).await?;
    let text = match args.format {
        Format::Text => mail(&letter, voice(config.report.voice, args)).text,
        Format::Html => html::standalone(&mail(&letter, voice(config.report.voice, args))),
        Format::Json => format!("{:#}\n", json::letter(&letter)),
        Format::Eml => eml(&letter, &reader(&config, args)?, (&config, args, world))?,
    };
    print(&text, args, world)?;
    Ok(Ended::Done)
}

async fn letter(config: &Config, args: &Report, world: &World) -> Result<Letter, CommandError> {
    let report = show::report(config, args.date.as_deref(), world).await?;
    let settings = &config.report;
    Ok(Letter {
        name: config.name.clone(),
        around: Around {
            bad_addresses: settings.bad_addresses.clone(),
            next_due: Some(next_due(world.now, report.time_zone, settings.due)),
            link: settings.public_url.as_ref().map(ToString::to_string),
            ..Around::default()
        },
        content: Content::Day(Box::new(report)),
    })
}

/// Who is asked for, else the first of the settings; who is known there is spoken to as usual.
fn reader(config: &Config, args: &Report) -> Result<Recipient, CommandError> {
    let known = &config.report.recipients;
    let stranger = |name: Option<String>, address: String| Recipient {
        address,
        name,
        voice: config.report.voice,
        when: When::default(),
    };
    let Some(asked) = &args.to else {
        let first = known.first().cloned();
        return Ok(first.unwrap_or_else(|| stranger(None, NO_RECIPIENT.to_owned())));
    };
    let (name, address) = recipient::parse(asked).map_err(|reason| {
        CommandError::Usage(format!("--to {}: {reason}", asked.escape_debug()))
    })?;
    let known = known
        .iter()
        .find(|known| known.address.eq_ignore_ascii_case(&address));
    Ok(known.cloned().unwrap_or_else(|| stranger(name, address)))
}

fn voice(habit: Voice, args: &Report) -> Voice {
    let asked = args.language.as_deref().and_then(Language::of_code);
    Voice {
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
    let voice = voice(reader.voice, args);
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
        language: voice.language.code(),
    };
    let bytes = message::message(&mail(letter, voice), &head)
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
        Ok(_) => outbox::replace(&fs::canonicalize(path)?, content),
        Err(_) => outbox::replace(path, content),
    }
}
