//! How the report reaches its readers: who they are, and by which ways it leaves.

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;
use secrecy::SecretString;
use url::Url;

use crate::locale::Locale;

#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// The local time by which the next report is expected; the report says so.
    pub due: NaiveTime,
    /// How readers are spoken to who have no wish of their own.
    pub locale: Locale,
    /// Where the dashboard is, for a link.
    pub public_url: Option<Url>,
    /// Without duplicates: of addresses that differ by upper and lower case only the first is kept.
    pub recipients: Vec<Recipient>,
    /// Addresses in the settings that cannot be used, with why. The others get their report.
    pub bad_addresses: Vec<(String, String)>,
    pub recipients_query: Option<RecipientsQuery>,
    pub on_ambiguous: OnAmbiguous,
    /// After this time an undelivered report is not tried any more.
    pub give_up: Duration,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            due: NaiveTime::from_hms_opt(6, 30, 0).unwrap_or_default(),
            locale: Locale::default(),
            public_url: None,
            recipients: Vec::new(),
            bad_addresses: Vec::new(),
            recipients_query: None,
            on_ambiguous: OnAmbiguous::Hold,
            give_up: Duration::from_secs(3 * 86_400),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `ada@example.org`, checked: no control characters, one `@`, ASCII.
    pub address: String,
    pub name: Option<String>,
    pub locale: Locale,
    pub when: When,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    #[default]
    Daily,
    /// Only on days with alerts or failed metrics, and once a week as a sign of life.
    Alerts,
    /// Only when an alert is new, worse or over, and once a week as a sign of life.
    Changes,
}

/// A query on an app database. Its columns: address and, if it likes, name, language, numbers and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientsQuery {
    /// Empty for the unnamed one.
    pub database: String,
    pub sql: String,
    /// For readers of whom the query says nothing else.
    pub locale: Locale,
}

/// What to do with a message of which nobody knows whether it arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAmbiguous {
    #[default]
    Hold,
    Resend,
}

#[derive(Debug, Clone)]
pub struct MailSettings {
    pub server: SmtpServer,
    pub from: Sender,
    pub reply_to: Option<Sender>,
    /// What `List-Unsubscribe` says, if there is such a way: an address or page where people are taken off.
    pub unsubscribe: Option<Url>,
    /// How long one answer of the server is waited for.
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

/// A folder for the reports as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    pub directory: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Webhook {
    /// What the ledger and errors call it: its address may be a secret.
    pub name: String,
    pub url: SecretString,
    /// Signs the body.
    pub secret: Option<SecretString>,
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
}

/// A health check that is told of every night; one that hears nothing raises the alarm.
#[derive(Debug, Clone)]
pub struct Ping {
    pub start: Option<SecretString>,
    pub success: SecretString,
    pub failure: Option<SecretString>,
    pub timeout: Duration,
    pub ca_file: Option<PathBuf>,
}

impl SmtpServer {
    /// Resend drops a message whose idempotency key it has seen in the last 24 hours.
    pub fn is_resend(&self) -> bool {
        self.host.eq_ignore_ascii_case("smtp.resend.com")
    }
}

impl When {
    const ALL: [Self; 3] = [Self::Daily, Self::Alerts, Self::Changes];

    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Alerts => "alerts",
            Self::Changes => "changes",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|when| when.word() == word)
    }
}
