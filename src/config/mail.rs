//! The section `[mail]`: the mail server and the sender.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::origin::Origin;
use super::recipient;
use super::rows::{Row, named, or_not_set, section};
use super::settle::{Sealed, Settler, file_name};
use super::smtp_url;
use crate::text::duration::{MINUTE, SECOND, spoken, within};

#[derive(Debug, Clone)]
pub struct MailSettings {
    pub server: SmtpServer,
    pub from: Sender,
    pub reply_to: Option<Sender>,
    /// The address or page for `List-Unsubscribe`.
    pub unsubscribe: Option<Url>,
    /// For one answer of the server.
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub address: String,
    pub name: Option<String>,
}

#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// A file with certificates (PEM) to trust besides the host's own store.
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte, as on port 465.
    Implicit,
    /// After STARTTLS, as on port 587; never without.
    StartTls,
    /// Only on this machine.
    None,
}

impl SmtpServer {
    /// Resend drops a message whose idempotency key it has seen in the last 24 hours.
    pub fn is_resend(&self) -> bool {
        self.host.eq_ignore_ascii_case("smtp.resend.com")
    }
}

/// `None` without a server: then reports go to the outbox.
pub fn mail(written: &written::Mail, settler: &mut Settler<'_>) -> Option<MailSettings> {
    let known_before = settler.mistakes.len();
    let from = settler.value_or_variable("mail.from", "DAYBOOK_MAIL_FROM", &written.from, sender);
    let from_is_wrong = settler.mistakes.len() > known_before;
    let reply_to = settler.value("mail.reply_to", &written.reply_to, sender);
    let unsubscribe = settler.value("mail.unsubscribe", &written.unsubscribe, unsubscribe_url);
    let range = SECOND..=10 * MINUTE;
    let timeout = settler.value("mail.timeout", &written.timeout, within(range));
    let ca_file = settler.value("mail.ca_file", &written.ca_file, file_name);
    let sealed = Sealed {
        setting: "mail.smtp_url",
        variable: "DAYBOOK_SMTP_URL",
        plain: &written.smtp_url,
        file: &written.smtp_url_file,
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

/// The URL's own, else that of `password_file`, which a URL from outside the file only uses if it has a user alone.
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

/// For the header `List-Unsubscribe`.
fn unsubscribe_url(text: &str) -> Result<Url, String> {
    let expected = "write `mailto:` and an address, or an `https:` page";
    let url = url(text, expected)?;
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

/// A page or program on the web. The message does not quote the text, which may be a secret.
pub fn web_address(text: &str) -> Result<Url, String> {
    let expected = "an address is `https://HOST` with whatever follows";
    let url = url(text, expected)?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        _ => Err(expected.to_owned()),
    }
}

fn url(text: &str, expected: &str) -> Result<Url, String> {
    if text.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(format!("a space or line break in it: {expected}"));
    }
    Url::parse(text).map_err(|error| format!("{error}: {expected}"))
}

fn sender(text: &str) -> Result<Sender, String> {
    let (name, address) = recipient::parse(text)
        .map_err(|why| format!("not a sender such as `Daybook <daybook@example.org>`; {why}"))?;
    Ok(Sender { address, name })
}

pub(super) fn rows(mail: Option<&MailSettings>, origins: &BTreeMap<String, Origin>) -> Vec<Row> {
    let Some(mail) = mail else {
        return section("mail", [("smtp_url", or_not_set(None::<String>))]);
    };
    let password_file = origins.get("mail.password_file");
    let ca_file = mail.server.ca_file.as_ref();
    let rows = [
        ("smtp_url", mail.server.to_string()),
        ("password_file", or_not_set(password_file.map(|_| "***"))),
        ("from", shown(&mail.from)),
        ("reply_to", or_not_set(mail.reply_to.as_ref().map(shown))),
        ("unsubscribe", or_not_set(mail.unsubscribe.as_ref())),
        ("timeout", spoken(mail.timeout)),
        ("ca_file", or_not_set(ca_file.map(|path| path.display()))),
    ];
    section("mail", rows)
}

fn shown(sender: &Sender) -> String {
    named(sender.name.as_deref(), &sender.address)
}

/// The section as people write it.
pub mod written {
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Mail {
        /// `smtp://USER@HOST:587` (STARTTLS) or `smtps://USER@HOST:465` (TLS from the start); on this machine `smtp://localhost:25?tls=none`. A URL with a password is better kept in the environment.
        pub smtp_url: Option<String>,
        /// A file that holds the URL, relative to this one.
        pub smtp_url_file: Option<String>,
        /// A file that holds only the password, relative to this one.
        pub password_file: Option<String>,
        /// The sender: `Daybook <daybook@example.org>`. Needed with a mail server.
        pub from: Option<String>,
        /// Where answers go; to the sender when left out.
        pub reply_to: Option<String>,
        /// Where readers unsubscribe: `mailto:` and an address, or an `https:` page. Mail programs show it.
        pub unsubscribe: Option<String>,
        /// How long to wait for an answer of the server; `30s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub timeout: Option<String>,
        /// Certificates (PEM) to trust besides the host's own, relative to this file.
        pub ca_file: Option<String>,
    }
}
