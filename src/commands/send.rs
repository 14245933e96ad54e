//! `daybook send`: sends a report again, or a test message that the ledger does not record.

use std::time::Duration;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::book::{Book, BookError};
use crate::cli::Send;
use crate::config::{Config, MailSettings, Recipient};
use crate::deliver::Attempt;
use crate::deliver::message::{Head, checked_address, domain, message};
use crate::deliver::smtp::{Connection, Refusal, connect, place};
use crate::locale::Language;
use crate::nightly::NightContext;
use crate::nightly::resend::{self, ResendError};
use crate::render::mail::Mail;
use crate::text::mistake::Mistake;

use super::progress::Bar;
use super::{CommandError, Ended, World, collect, dates, delivered, open_book, output};

/// How long to wait for a run that holds the lock while the book needs a migration.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(config: &Config, args: &Send, world: &World) -> Result<Ended, CommandError> {
    match &args.to {
        Some(to) if args.test => test(config, to, world).await,
        _ => again(config, args, world).await,
    }
}

/// Sends further copies of a day's report.
async fn again(config: &Config, args: &Send, world: &World) -> Result<Ended, CommandError> {
    let date = dates::asked(&args.date, config, world)?;
    let to = args
        .to
        .as_deref()
        .map(|to| reader(config, to))
        .transpose()?;
    if to.is_some() && config.mail.is_none() {
        return Err(without_server(config));
    }
    let book = tokio::select! {
        book = open(config) => book?,
        () = world.stop.cancelled() => return Err(CommandError::Interrupted),
    };
    let bar = Bar::new(false);
    let context = NightContext::new(config, world.now, world.stop.clone(), &bar);
    let retry_for = collect::retry_for(config, world);
    let sent = resend::resend(&context, &book, date, to, retry_for).await;
    book.close().await;
    let rows = sent.map_err(|error| match error {
        ResendError::Book(error) => CommandError::Book(error),
        other => CommandError::Usage(other.to_string()),
    })?;
    if rows.is_empty() {
        output::say("no recipients: set `recipients` under [report]");
    }
    delivered::say(&rows, config, world, args.json);
    if args.json {
        let rows: Vec<Json> = rows.iter().map(delivered::as_json).collect();
        output::json(&json!({ "schema": 1, "deliveries": rows }))?;
    }
    Ok(delivered::ended(&rows))
}

/// The recipient that `--to` names.
pub(super) fn reader(config: &Config, to: &str) -> Result<Recipient, CommandError> {
    let reader = resend::reader(config, to);
    reader.map_err(|why| CommandError::Usage(format!("--to {}: {why}", to.escape_debug())))
}

/// Opens the book to write, but creates none.
async fn open(config: &Config) -> Result<Book, BookError> {
    open_book(config).await?.close().await;
    Book::open(&config.book.url, LOCK_TIMEOUT).await
}

/// Sends a short message over the configured server and prints the response.
pub async fn test(config: &Config, to: &str, world: &World) -> Result<Ended, CommandError> {
    checked_address(to).map_err(|error| CommandError::Usage(format!("--to: {error}")))?;
    let mail = config.mail.as_ref().ok_or_else(|| without_server(config))?;
    let bytes = written(config, mail, to, world).map_err(|error| anyhow::anyhow!(error))?;
    let server = place(&mail.server);
    Ok(match hand_over(mail, to, &bytes).await {
        Attempt::Accepted { reply } => {
            output::data(&format!("{server} accepted the message for {to}: {reply}"))?;
            Ended::Done
        }
        Attempt::Refused { reply, .. } => {
            output::say(&format!(
                "daybook: the message for {to} was not sent: {reply}\n`daybook doctor` checks the connection to {server} step by step"
            ));
            Ended::Undelivered
        }
        Attempt::InDoubt { reply } => {
            output::say(&format!(
                "daybook: the message for {to} may have arrived: {reply}"
            ));
            Ended::Undelivered
        }
    })
}

async fn hand_over(mail: &MailSettings, to: &str, bytes: &[u8]) -> Attempt {
    match begin(mail, to, bytes.len()).await {
        Ok(mut connection) => {
            let attempt = connection.hand_over(bytes).await;
            connection.close().await;
            attempt
        }
        Err(Refusal { reply, may_pass }) => Attempt::Refused { reply, may_pass },
    }
}

async fn begin(mail: &MailSettings, to: &str, size: usize) -> Result<Connection, Refusal> {
    let mut connection = connect(mail).await?;
    connection.begin(&mail.from.address, to, size).await?;
    Ok(connection)
}

fn without_server(config: &Config) -> CommandError {
    let mistake = Mistake::elsewhere(
        config.file.display().to_string(),
        "no mail server is set: set `smtp_url` (or DAYBOOK_SMTP_URL in the environment) and `from` under `[mail]`",
    );
    mistake.into()
}

fn written(
    config: &Config,
    mail: &MailSettings,
    to: &str,
    world: &World,
) -> Result<Vec<u8>, String> {
    let language = config.report.locale.language;
    let instant = world.now.with_timezone(&config.time_zone);
    let hash = Sha256::digest(format!("{to}\n{}", world.now.to_rfc3339()));
    let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let day = instant.format("%Y-%m-%d");
    let head = Head {
        from: &mail.from,
        reply_to: mail.reply_to.as_ref(),
        to: (to, None),
        message_id: &format!("<test.{day}.{hash}@{}>", domain(&mail.from.address)),
        date: world.now,
        app: &config.name,
        unsubscribe: None,
        idempotency_key: None,
        language: language.code(),
    };
    let time = instant.format("%Y-%m-%d %H:%M %Z").to_string();
    message(&words(&config.name, language, &time), &head)
}

fn words(app: &str, language: Language, time: &str) -> Mail {
    let (subject, body) = match language {
        Language::English => (
            format!("{app}: test message"),
            format!(
                "This is a test message from Daybook for {app}, sent on {time}. If you can read it, reports reach this address."
            ),
        ),
        Language::German => (
            format!("{app}: Testnachricht"),
            format!(
                "Dies ist eine Testnachricht von Daybook für {app}, gesendet am {time}. Wenn Sie sie lesen, kommen Berichte an dieser Adresse an."
            ),
        ),
    };
    let code = language.code();
    Mail {
        html: format!(
            "<!DOCTYPE html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\"><title>{0}</title></head><body><p>{1}</p></body></html>\n",
            escaped(&subject),
            escaped(&body)
        ),
        text: format!("{body}\n"),
        subject,
        pictures: Vec::new(),
        csv: None,
    }
}

/// Escapes all but plain letters, digits, spaces and some punctuation.
fn escaped(text: &str) -> String {
    let mut html = String::new();
    for letter in text.chars() {
        match letter {
            letter
                if letter.is_ascii_alphanumeric()
                    || matches!(letter, ' ' | '.' | ',' | ':' | '-') =>
            {
                html.push(letter);
            }
            letter if letter.is_control() => html.push(' '),
            letter => html.push_str(&format!("&#{};", u32::from(letter))),
        }
    }
    html
}
