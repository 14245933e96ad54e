//! The sections `[outbox]`, `[[webhooks]]` and `[ping]`: channels besides mail.

mod format;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::text::mistake::Mistake;

use super::Config;
use super::environment::{check_name, names_between};
use super::mail::web_address;
use super::origin::Origin;
use super::rows::{Row, or_not_set, section};
use super::settle::{Sealed, Settler, file_name};
use super::smtp_url::is_this_machine;
use crate::text::duration::{MINUTE, SECOND, spoken, within};

pub use format::Format;

/// A folder for the reports as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    pub directory: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its name in the ledger and in errors: the address may be a secret.
    pub name: String,
    pub url: SecretString,
    pub format: Format,
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
}

/// A health check that gets a ping every night, and raises the alarm without one.
#[derive(Debug, Clone)]
pub struct Ping {
    pub start: Option<SecretString>,
    pub success: SecretString,
    pub failure: Option<SecretString>,
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// As written; without mail, by default a folder beside the file.
pub fn outbox(
    written: &written::Outbox,
    has_mail: bool,
    settler: &mut Settler<'_>,
) -> Option<Outbox> {
    let directory = settler.value("outbox.directory", &written.directory, file_name);
    let unwritten = (!has_mail).then(|| "outbox".to_owned());
    directory.or(unwritten).map(|directory| Outbox {
        directory: settler.beside_the_file(&directory),
    })
}

/// First those of the file, then those that only the environment names.
pub fn webhooks(written: &[written::Webhook], settler: &mut Settler<'_>) -> Vec<Webhook> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for (at, written) in written.iter().enumerate() {
        let section = format!("webhooks.{at}");
        let setting = format!("{section}.name");
        if let Err(message) = check_name(&written.name, "a webhook") {
            settler.wrong(&setting, message);
        } else if !names.insert(written.name.clone()) {
            let message = format!(
                "there are two webhooks `{}`: give this one another name",
                written.name
            );
            settler.wrong(&setting, message);
        } else {
            all.extend(webhook(&section, written, settler));
        }
    }
    let outside = names_between("DAYBOOK_WEBHOOK_", "_URL", settler.environment());
    for name in outside.difference(&names) {
        if let Err(message) = check_name(name, "a webhook") {
            let origin = Origin::Environment(variable(name, "URL")).to_string();
            settler.mistakes.push(Mistake::elsewhere(origin, message));
            continue;
        }
        let unwritten = written::Webhook {
            name: name.clone(),
            ..written::Webhook::default()
        };
        all.extend(webhook(&format!("webhooks.{name}"), &unwritten, settler));
    }
    all
}

/// One address with `/start` and `/fail` behind it, or an address for each.
pub fn ping(written: &written::Ping, settler: &mut Settler<'_>) -> Option<Ping> {
    let known_before = settler.mistakes.len();
    let url = settler.value_or_variable("ping.url", "DAYBOOK_PING_URL", &written.url, address);
    let url_is_outside = matches!(
        settler.origins.get("ping.url"),
        Some(Origin::Environment(_) | Origin::Credential(_))
    );
    let mut own = |key: &str, text: &Option<String>| {
        let text = text.clone().filter(|_| !url_is_outside);
        let setting = format!("ping.{key}");
        if text.is_some() && written.url.is_some() {
            let message = format!("`url` already sets `{key}`: keep one of them");
            settler.wrong(&setting, message);
        }
        settler.value(&setting, &text, address)
    };
    let start = own("start", &written.start);
    let success = own("success", &written.success);
    let failure = own("failure", &written.failure);
    let timeout = settler.value("ping.timeout", &written.timeout, timeout());
    let ca_file = settler.value("ping.ca_file", &written.ca_file, file_name);
    let sealed = |url: Url| SecretString::from(String::from(url));
    let (start, success, failure) = match (url, success) {
        (Some(url), _) => (
            Some(behind(&url, "start")),
            url.clone(),
            Some(behind(&url, "fail")),
        ),
        (None, Some(success)) => (start, success, failure),
        (None, None) => {
            if (start.is_some() || failure.is_some()) && settler.mistakes.len() == known_before {
                let message = "`success` is missing: the address that is called when every report was accepted";
                settler.wrong("ping", message);
            }
            return None;
        }
    };
    Some(Ping {
        start: start.map(sealed),
        success: sealed(success),
        failure: failure.map(sealed),
        timeout: timeout.unwrap_or(TIMEOUT),
        ca_file: ca_file.map(|path| settler.beside_the_file(&path)),
    })
}

/// Only the scheme and host of an address: the rest may be a secret.
pub fn without_secrets(address: &SecretString) -> String {
    match Url::parse(address.expose_secret()) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}"));
            format!(
                "{}://{}{}/***",
                url.scheme(),
                url.host_str().unwrap_or_default(),
                port.unwrap_or_default()
            )
        }
        Err(_) => "***".to_owned(),
    }
}

fn webhook(
    section: &str,
    written: &written::Webhook,
    settler: &mut Settler<'_>,
) -> Option<Webhook> {
    let name = &written.name;
    let setting = |key: &str| format!("{section}.{key}");
    let known_before = settler.mistakes.len();
    let url = Sealed {
        setting: &setting("url"),
        variable: &variable(name, "URL"),
        plain: &written.url,
        file: &written.url_file,
    };
    let written_format = written.format.unwrap_or_default();
    let holds = |url: &Url| match url.password() {
        Some(_) => Some("a webhook's password"),
        None => written_format
            .has_secret_address()
            .then_some("a webhook's address"),
    };
    let url = settler.sealed(&url, |text, _| address(text), holds);
    let secret = Sealed {
        setting: &setting("secret"),
        variable: &variable(name, "SECRET"),
        plain: &written.secret,
        file: &written.secret_file,
    };
    let holds = |_: &SecretString| Some("a webhook's secret");
    let secret = settler.sealed(&secret, |text, _| sealed_text(text), holds);
    let limit = settler.value(&setting("timeout"), &written.timeout, timeout());
    let ca_file = settler.value(&setting("ca_file"), &written.ca_file, file_name);
    if written.format.is_some() {
        settler.note(&setting("format"));
    }
    if settler.mistakes.len() > known_before {
        return None;
    }
    let Some(mut url) = url else {
        let message = format!(
            "the webhook `{name}` has no address: write `url` or `url_file`, or set {}",
            variable(name, "URL")
        );
        settler.warn(section, &message);
        return None;
    };
    let format = match format::format(written_format, secret, &mut url) {
        Ok(format) => format,
        Err((key, message)) => {
            settler.wrong_at_origin(&setting(key), message.to_owned());
            return None;
        }
    };
    for key in ["name", "url", "format", "secret", "timeout", "ca_file"] {
        settler.rename(&setting(key), &format!("webhooks.{name}.{key}"));
    }
    Some(Webhook {
        name: name.clone(),
        url: SecretString::from(String::from(url)),
        format,
        timeout: limit.unwrap_or(TIMEOUT),
        ca_file: ca_file.map(|path| settler.beside_the_file(&path)),
    })
}

fn variable(name: &str, what: &str) -> String {
    format!("DAYBOOK_WEBHOOK_{}_{what}", name.to_uppercase())
}

/// What leaves this machine is encrypted.
fn address(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    let stays_here = url
        .host()
        .is_some_and(|host| is_this_machine(&host.to_owned()));
    if url.scheme() == "http" && !stays_here {
        return Err(
            "`http:` is only for this machine (localhost, 127.0.0.1, ::1): write `https:`"
                .to_owned(),
        );
    }
    Ok(url)
}

fn sealed_text(text: &str) -> Result<SecretString, String> {
    match text.is_empty() {
        true => Err("the secret is empty: give it a value or leave it out".to_owned()),
        false => Ok(SecretString::from(text)),
    }
}

fn timeout() -> impl Fn(&str) -> Result<Duration, String> {
    within(SECOND..=5 * MINUTE)
}

fn behind(url: &Url, step: &str) -> Url {
    let mut longer = url.clone();
    longer.set_path(&format!("{}/{step}", url.path().trim_end_matches('/')));
    longer
}

pub(super) fn rows(config: &Config) -> Vec<Row> {
    let outbox = config.outbox.as_ref();
    let directory = outbox.map(|outbox| outbox.directory.display());
    let mut rows = section("outbox", [("directory", or_not_set(directory))]);
    for webhook in &config.webhooks {
        let ca_file = webhook.ca_file.as_ref();
        let written = [
            ("url", without_secrets(&webhook.url)),
            ("format", webhook.format.word().to_owned()),
            ("secret", or_not_set(webhook.format.secret().map(|_| "***"))),
            ("timeout", spoken(webhook.timeout)),
            ("ca_file", or_not_set(ca_file.map(|path| path.display()))),
        ];
        rows.extend(section(&format!("webhooks.{}", webhook.name), written));
    }
    let Some(ping) = &config.ping else {
        rows.extend(section("ping", [("url", or_not_set(None::<String>))]));
        return rows;
    };
    let address =
        |address: &Option<SecretString>| or_not_set(address.as_ref().map(without_secrets));
    let success = without_secrets(&ping.success);
    let addresses = match config.origins.contains_key("ping.url") {
        true => vec![("url", success)],
        false => vec![
            ("start", address(&ping.start)),
            ("success", success),
            ("failure", address(&ping.failure)),
        ],
    };
    let ca_file = ping.ca_file.as_ref().map(|path| path.display());
    let rest = [
        ("timeout", spoken(ping.timeout)),
        ("ca_file", or_not_set(ca_file)),
    ];
    rows.extend(section("ping", addresses.into_iter().chain(rest)));
    rows
}

/// The section as people write it.
pub mod written {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::format::written::Format;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Outbox {
        /// The folder, relative to this file. When left out: `outbox`, used only while no mail server is set.
        pub directory: Option<String>,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Webhook {
        /// Its name in the ledger and in errors.
        #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"))]
        pub name: String,
        /// Where the report is posted to: `https:`, on this machine `http:` too.
        pub url: Option<String>,
        /// A file that holds the address, relative to this one.
        pub url_file: Option<String>,
        /// Whose body is posted; `daybook`, the report as JSON, when left out.
        pub format: Option<Format>,
        /// Signs Daybook's JSON; ntfy's access token; PagerDuty's integration key. Better kept in the environment.
        pub secret: Option<String>,
        /// A file that holds the secret, relative to this one.
        pub secret_file: Option<String>,
        /// The whole exchange ends after this time; `10s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub timeout: Option<String>,
        /// Certificates (PEM) to trust besides the host's own, relative to this file.
        pub ca_file: Option<String>,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Ping {
        /// Called when every report was accepted; with `/start` behind it when a night begins, with `/fail` when it fails.
        pub url: Option<String>,
        /// Called when a night begins: an address of its own, instead of `url`.
        pub start: Option<String>,
        /// Called when every report was accepted: an address of its own, instead of `url`.
        pub success: Option<String>,
        /// Called when something failed: an address of its own, instead of `url`.
        pub failure: Option<String>,
        /// The whole exchange ends after this time; `10s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub timeout: Option<String>,
        /// Certificates (PEM) to trust besides the host's own, relative to this file.
        pub ca_file: Option<String>,
    }
}
