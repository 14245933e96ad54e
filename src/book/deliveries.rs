//! The ledger: the deliveries of each report and their status.
//!
//! planned → sending → accepted | failed | ambiguous. A delivery is `sending` only while its message is on the way. The
//! holder of the delivery lock that finds such a delivery of another process knows that the process died, and that the
//! message may have arrived.

mod corrections;
mod planning;
mod reading;
mod row;
mod states;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::config::recipient::folded;
use crate::locale::Locale;

use super::{Book, BookError};

pub(super) use planning::write_plan;
pub use planning::{add_copies, known_recipients, plan, planned};
pub use reading::{
    Filter, Terms, deliveries, due, last_planned_to, lost_to_readers, still_due, undelivered,
};
pub use states::{DeliveryEnding, claim, give_up, mark_abandoned_claims, note};

/// The reply of a message that another one replaced begins so.
const SUPERSEDED: &str = "superseded by ";

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A complete day.
    Report,
    /// A day that was still open.
    Open,
    /// A night without any numbers.
    Failure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Email,
    Outbox,
    Webhook,
    Ping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    Planned,
    Sending,
    Accepted,
    Failed,
    /// Perhaps it arrived: the answer was lost.
    Ambiguous,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub date: NaiveDate,
    pub subject: Subject,
    pub channel: Channel,
    /// An address, or the name of an outbox, a webhook or a ping.
    pub recipient: String,
    /// Above 1 when it was sent again on purpose.
    pub copy: u32,
    pub name: Option<String>,
    pub locale: Locale,
    pub message_id: String,
    pub state: DeliveryState,
    pub attempts: u32,
    pub planned_at: DateTime<Utc>,
    pub claimed_at: Option<DateTime<Utc>>,
    /// When it first left without an answer.
    pub in_doubt_since: Option<DateTime<Utc>>,
    pub retry_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    /// The server's last answer, or why there is none.
    pub reply: Option<String>,
}

/// A recipient as the query returned it for a report; stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRecipient {
    pub address: String,
    pub name: Option<String>,
    #[serde(flatten)]
    pub locale: Locale,
    /// `daily`, `alerts` or `changes`.
    pub when: String,
}

/// A number that was sent and had changed when a later report was planned; stored as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    pub date: NaiveDate,
    pub key: String,
    pub mailed: f64,
    pub now: f64,
}

/// A report as planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub date: NaiveDate,
    pub subject: Subject,
    pub planned_at: DateTime<Utc>,
    pub also: Vec<NaiveDate>,
    /// Written by the book when the report is planned.
    pub corrections: Vec<Corrected>,
    pub recipients: Vec<KnownRecipient>,
    pub stale_recipients: Option<String>,
    pub bad_addresses: Vec<(String, String)>,
    pub reason: Option<String>,
}

/// A message to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub channel: Channel,
    pub recipient: String,
    pub name: Option<String>,
    pub locale: Locale,
    pub message_id: String,
}

/// A report with its messages, written in one transaction with its entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub report: Planned,
    pub messages: Vec<Message>,
}

impl Subject {
    const ALL: [Self; 3] = [Self::Report, Self::Open, Self::Failure];

    /// For a day with numbers.
    pub fn of_day(open: bool) -> Self {
        if open { Self::Open } else { Self::Report }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Open => "open",
            Self::Failure => "failure",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The recipient in the form in which recipients are compared: only addresses ignore case.
fn addressee(channel: Channel, recipient: &str) -> String {
    match channel {
        Channel::Email => folded(recipient),
        Channel::Outbox | Channel::Webhook | Channel::Ping => recipient.to_owned(),
    }
}

/// The newest copy for each reader of a day's messages about this subject. Pings have no readers.
pub async fn newest_copies(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
) -> Result<Vec<Delivery>, BookError> {
    let date = Some(date);
    let filter = Filter {
        date,
        ..Filter::default()
    };
    let mut all = deliveries(book, &filter).await?;
    all.retain(|one| one.subject == subject && one.channel != Channel::Ping);
    all.sort_by_key(|one| Reverse(one.copy));
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert((one.channel, addressee(one.channel, &one.recipient))));
    all.sort_by_key(|one| one.id);
    Ok(all)
}

impl Delivery {
    pub fn is_to(&self, channel: Channel, recipient: &str) -> bool {
        self.channel == channel
            && addressee(channel, &self.recipient) == addressee(channel, recipient)
    }

    /// Accepted, or replaced by another message, such as a copy sent on purpose.
    pub fn has_arrived(&self) -> bool {
        self.state == DeliveryState::Accepted || self.is_superseded()
    }

    /// Another message took its place before it was accepted.
    pub fn is_superseded(&self) -> bool {
        let reply = self.reply.as_deref().unwrap_or_default();
        self.state == DeliveryState::Failed && reply.starts_with(SUPERSEDED)
    }
}

impl Channel {
    const ALL: [Self; 4] = [Self::Email, Self::Outbox, Self::Webhook, Self::Ping];

    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Outbox => "outbox",
            Self::Webhook => "webhook",
            Self::Ping => "ping",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

impl DeliveryState {
    const ALL: [Self; 5] = [
        Self::Planned,
        Self::Sending,
        Self::Accepted,
        Self::Failed,
        Self::Ambiguous,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Ambiguous => "ambiguous",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}
