//! The sections [report] and [mail]: who gets the report, how they are spoken to, and by which server.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use secrecy::SecretString;
use url::Url;

use crate::locale::{Language, Locale, Numbers};
use crate::text::suggest::did_you_mean;

use super::duration::{DAY, HOUR, MINUTE, SECOND, within};
use super::origin::Origin;
use super::recipient::{self, without_duplicates};
use super::settle::{Sealed, Settler};
use super::written::report as written;
use super::{
    MailSettings, OnAmbiguous, Recipient, RecipientsQuery, ReportSettings, Sender, SmtpServer,
    When, smtp_url,
};

pub fn report(
    written: &written::Report,
    declared_apps: &BTreeSet<String>,
    settler: &mut Settler<'_>,
) -> ReportSettings {
    let default = ReportSettings::default();
    let due = settler.value("report.due", None, written.due.clone(), time_of_day);
    let public_url = settler.value(
        "report.public_url",
        Some("DAYBOOK_PUBLIC_URL"),
        written.public_url.clone(),
        link,
    );
    let give_up = settler.value(
        "report.give_up",
        None,
        written.give_up.clone(),
        within(HOUR..=31 * DAY),
    );
    for (setting, is_written) in [
        ("report.language", written.language.is_some()),
        ("report.numbers", written.numbers.is_some()),
        ("report.on_ambiguous", written.on_ambiguous.is_some()),
    ] {
        if is_written {
            settler.note(setting);
        }
    }
    let language = written.language.map_or(Language::English, language);
    let locale = Locale {
        language,
        numbers: written.numbers.map_or_else(|| usual(language), numbers),
    };
    let mut bad_addresses = Vec::new();
    let all = recipients(written, locale, settler);
    let good = all.into_iter().filter_map(|(setting, read)| match read {
        Ok(recipient) => Some(recipient),
        Err((text, why)) => {
            let text = recipient::shown(&text);
            settler.warn(&setting, &format!("skipping recipient `{text}`: {why}"));
            bad_addresses.push((text, why));
            None
        }
    });
    let recipients = without_duplicates(good);
    ReportSettings {
        due: due.unwrap_or(default.due),
        locale,
        public_url,
        recipients,
        bad_addresses,
        recipients_query: recipients_query(written, locale, declared_apps, settler),
        on_ambiguous: match written.on_ambiguous {
            Some(written::OnAmbiguous::Resend) => OnAmbiguous::Resend,
            Some(written::OnAmbiguous::Hold) | None => OnAmbiguous::Hold,
        },
        give_up: give_up.unwrap_or(default.give_up),
    }
}

/// Nothing without a server: then reports go to the outbox.
pub fn mail(written: &written::Mail, settler: &mut Settler<'_>) -> Option<MailSettings> {
    let known_before = settler.mistakes.len();
    let from = settler.value(
        "mail.from",
        Some("DAYBOOK_MAIL_FROM"),
        written.from.clone(),
        sender,
    );
    let from_is_wrong = settler.mistakes.len() > known_before;
    let reply_to = settler.value("mail.reply_to", None, written.reply_to.clone(), sender);
    let unsubscribe = settler.value(
        "mail.unsubscribe",
        None,
        written.unsubscribe.clone(),
        way_out,
    );
    let timeout = settler.value(
        "mail.timeout",
        None,
        written.timeout.clone(),
        within(SECOND..=10 * MINUTE),
    );
    let ca_file = settler.value("mail.ca_file", None, written.ca_file.clone(), file_name);
    let sealed = Sealed {
        setting: "mail.smtp_url",
        variable: "DAYBOOK_SMTP_URL",
        plain: written.smtp_url.as_ref(),
        file: written.smtp_url_file.as_ref(),
    };
    let holds = |server: &SmtpServer| server.password.is_some().then_some("a mail password");
    let mut server = settler.sealed(&sealed, |text, _| smtp_url::parse(text), holds)?;
    server.password = password(&server, written, settler);
    server.ca_file = ca_file.map(|path| settler.beside_the_file(&path));
    if from.is_none() && !from_is_wrong {
        let message = "no sender; write `from = \"Daybook <daybook@example.org>\"` under [mail] with an address that this server sends for, or set DAYBOOK_MAIL_FROM";
        settler.wrong_at_origin("mail.smtp_url", message.to_owned());
    }
    Some(MailSettings {
        server,
        from: from?,
        reply_to,
        unsubscribe,
        timeout: timeout.unwrap_or(30 * SECOND),
    })
}

/// A file's name; where it is relative to is decided by who asks.
pub fn file_name(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("it names nothing: give a path".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// The URL's own, else that of `password_file`. A URL from outside the file knows best whether it needs one.
fn password(
    server: &SmtpServer,
    written: &written::Mail,
    settler: &mut Settler<'_>,
) -> Option<SecretString> {
    let own = server.password.clone();
    let in_file = matches!(
        settler.origins.get("mail.smtp_url"),
        Some(Origin::File { .. })
    );
    let Some(file) = &written.password_file else {
        if let (Some(user), None) = (&server.user, &own) {
            let message = format!(
                "the user `{}` has no password: set DAYBOOK_SMTP_URL with it, or write `password_file` under [mail]",
                recipient::shown(user)
            );
            settler.warn("mail.smtp_url", &message);
        }
        return own;
    };
    if !in_file && (own.is_some() || server.user.is_none()) {
        return own;
    }
    if own.is_some() {
        settler.wrong(
            "mail.password_file",
            "the server's URL has a password too: keep one of them",
        );
        return own;
    }
    if server.user.is_none() {
        settler.wrong(
            "mail.password_file",
            "a password without a user: write `smtp://USER@HOST:587` in the server's URL",
        );
        return None;
    }
    let read = |text: &str| match text.is_empty() || text.contains(char::is_control) {
        true => Err("a password is one line of text".to_owned()),
        false => Ok((SecretString::from(text), Some("a mail password"))),
    };
    let password = settler.in_file_of_its_own("mail.password_file", file, read)?;
    settler.note("mail.password_file");
    Some(password)
}

type Read = Result<Recipient, (String, String)>;

/// Those of the environment, else those of the file, each with the setting it stands in.
fn recipients(
    written: &written::Report,
    locale: Locale,
    settler: &mut Settler<'_>,
) -> Vec<(String, Read)> {
    let setting = "report.recipients";
    let plain = |text: &str| -> Read {
        let (name, address) = parsed(text)?;
        Ok(Recipient {
            address,
            name,
            locale,
            when: When::Daily,
        })
    };
    let outside = settler.value(setting, Some("DAYBOOK_REPORT_RECIPIENTS"), None, |text| {
        Ok(recipient::listed(text))
    });
    if let Some(all) = outside {
        let all = all.iter().map(|text| (setting.to_owned(), plain(text)));
        return all.collect();
    }
    let Some(all) = &written.recipients else {
        return Vec::new();
    };
    settler.note(setting);
    let read = |one: &written::Recipient| match one {
        written::Recipient::Address(text) => plain(text),
        written::Recipient::Wishes(wishes) => with_wishes(wishes, locale),
    };
    all.iter()
        .enumerate()
        .map(|(at, one)| (format!("{setting}.{at}"), read(one)))
        .collect()
}

fn with_wishes(wishes: &written::Wishes, locale: Locale) -> Read {
    let (name, address) = parsed(&wishes.address)?;
    Ok(Recipient {
        address,
        name,
        locale: Locale {
            language: wishes.language.map_or(locale.language, language),
            numbers: wishes.numbers.map_or(locale.numbers, numbers),
        },
        when: match wishes.when {
            Some(written::When::Alerts) => When::Alerts,
            Some(written::When::Changes) => When::Changes,
            Some(written::When::Daily) | None => When::Daily,
        },
    })
}

fn parsed(text: &str) -> Result<(Option<String>, String), (String, String)> {
    recipient::parse(text).map_err(|why| (text.to_owned(), why))
}

fn recipients_query(
    written: &written::Report,
    locale: Locale,
    declared_apps: &BTreeSet<String>,
    settler: &mut Settler<'_>,
) -> Option<RecipientsQuery> {
    let known = |name: &str| {
        if name.is_empty() || declared_apps.contains(name) {
            return Ok(name.to_owned());
        }
        let hint = did_you_mean(name, declared_apps.iter().map(String::as_str));
        Err(format!("no app database `{name}`{hint}"))
    };
    let not_empty = |text: &str| match text.trim().is_empty() {
        true => Err("the query is empty: leave it out".to_owned()),
        false => Ok(text.to_owned()),
    };
    let database = settler.value(
        "report.recipients_database",
        None,
        written.recipients_database.clone(),
        known,
    );
    let sql = settler.value(
        "report.recipients_sql",
        None,
        written.recipients_sql.clone(),
        not_empty,
    )?;
    Some(RecipientsQuery {
        database: database.unwrap_or_default(),
        sql,
        locale,
    })
}

/// Both languages count the Swiss way unless told otherwise.
fn usual(language: Language) -> Numbers {
    match language {
        Language::English | Language::German => Numbers::Swiss,
    }
}

fn language(written: written::Language) -> Language {
    match written {
        written::Language::English => Language::English,
        written::Language::German => Language::German,
    }
}

fn numbers(written: written::Numbers) -> Numbers {
    match written {
        written::Numbers::Swiss => Numbers::Swiss,
        written::Numbers::German => Numbers::German,
        written::Numbers::French => Numbers::French,
        written::Numbers::Italian => Numbers::Italian,
        written::Numbers::English => Numbers::English,
    }
}

fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
    time.filter(|_| text.len() == 5)
        .ok_or_else(|| format!("`{text}` is not a time of day like 06:30"))
}

/// Everybody who gets the report sees it.
fn link(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("every reader sees this link: remove user and password".to_owned());
    }
    Ok(url)
}

/// Where readers are taken off the list, as mail programs understand it.
fn way_out(text: &str) -> Result<Url, String> {
    let expected = "write `mailto:` and an address, or an `https:` page";
    if text.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(format!("a space or line break in it: {expected}"));
    }
    let url = Url::parse(text).map_err(|error| format!("{error}: {expected}"))?;
    match url.scheme() {
        "mailto" => {
            let address = recipient::parse(url.path());
            address.map_err(|why| format!("{why}: {expected}"))?;
        }
        "https" => {}
        scheme => return Err(format!("`{scheme}:` cannot unsubscribe: {expected}")),
    }
    Ok(url)
}

fn sender(text: &str) -> Result<Sender, String> {
    let (name, address) = recipient::parse(text)
        .map_err(|why| format!("not a sender such as `Daybook <daybook@example.org>`; {why}"))?;
    Ok(Sender { address, name })
}

/// A page or program on the web; the message says nothing of the text, which may be a secret.
pub fn web_address(text: &str) -> Result<Url, String> {
    let expected = "an address is `https://HOST` with whatever follows";
    if text.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(format!("a space or line break in it: {expected}"));
    }
    let url = Url::parse(text).map_err(|error| format!("{error}: {expected}"))?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        _ => Err(expected.to_owned()),
    }
}
