//! The report and its ways out as people write them: sections of the configuration file.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The local time by which the report is there; `06:30` when left out. The report says when the next one is due.
    #[schemars(regex(pattern = r"^[0-9]{2}:[0-9]{2}$"))]
    pub due: Option<String>,
    /// The language of the fixed words; `en` when left out.
    pub language: Option<Language>,
    /// How numbers are written, by country; the language's own when left out, which is `ch` for both.
    pub numbers: Option<Numbers>,
    /// Where the dashboard is, for a link in the report: `https://metrics.example.org`.
    pub public_url: Option<String>,
    /// What to do with a message of which nobody knows whether it arrived; `hold` when left out.
    pub on_ambiguous: Option<OnAmbiguous>,
    /// An undelivered report is not tried any more after this time; `3d` when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub give_up: Option<String>,
    /// Who gets the report by mail: addresses, or tables with an address and wishes.
    pub recipients: Option<Vec<Recipient>>,
    /// A query on an app database that gives more recipients. Its columns: address and, if it likes, name, language, numbers and when.
    pub recipients_sql: Option<String>,
    /// The name of the app database for `recipients_sql`; the unnamed one when left out.
    pub recipients_database: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum Numbers {
    #[serde(rename = "ch")]
    Swiss,
    #[serde(rename = "de")]
    German,
    #[serde(rename = "fr")]
    French,
    #[serde(rename = "it")]
    Italian,
    #[serde(rename = "en")]
    English,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnAmbiguous {
    Hold,
    Resend,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Daily,
    Alerts,
    Changes,
}

#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Recipient {
    /// `ada@example.org` or `Ada <ada@example.org>`.
    Address(String),
    Wishes(Wishes),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// `ada@example.org` or `Ada <ada@example.org>`.
    pub address: String,
    /// The report's language when left out.
    pub language: Option<Language>,
    /// The report's way of writing numbers when left out.
    pub numbers: Option<Numbers>,
    /// On which days: all, those with alerts, or those on which an alert is new, worse or over; `daily` when left out. The latter two get a report once a week in any case.
    pub when: Option<When>,
}

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
    /// Where answers go, when not to the sender.
    pub reply_to: Option<String>,
    /// Where readers are taken off the list: `mailto:` and an address, or an `https:` page. Mail programs show it.
    pub unsubscribe: Option<String>,
    /// How long an answer of the server is waited for; `30s` when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub timeout: Option<String>,
    /// Certificates (PEM) to trust besides the host's own, relative to this file.
    pub ca_file: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// The folder, relative to this file. When left out: `outbox`, used only while no mail server is set.
    pub directory: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// What the ledger and errors call it.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"))]
    pub name: String,
    /// Where the report is posted to: `https:`, on this machine `http:` too.
    pub url: Option<String>,
    /// A file that holds the address, relative to this one.
    pub url_file: Option<String>,
    /// Signs what is posted. Better kept in the environment.
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

/// By hand, so that a wrong key in a recipient's table is still pointed at.
impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Recipient;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address in quotes, or a table with an address")
            }

            fn visit_str<E>(self, text: &str) -> Result<Recipient, E> {
                Ok(Recipient::Address(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Recipient, A::Error> {
                Wishes::deserialize(MapAccessDeserializer::new(map)).map(Recipient::Wishes)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
