//! The ledger: what is planned once is sent once, and whoever dies leaves it readable.

mod corrections;
mod planning;
mod reading;
mod states;

use chrono::{DateTime, Utc};
use daybook::book::{
    self, Book, Channel, Delivery, DeliveryEnding, Filter, KnownRecipient, Message, Plan, Planned,
    Subject, Terms,
};
use daybook::locale::{Language, Locale, Numbers};

use super::date;

const GERMAN: Locale = Locale {
    language: Language::German,
    numbers: Numbers::French,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A quarter past midnight in Zurich, when the day's plan is made.
fn night_after(day: &str) -> DateTime<Utc> {
    at(&format!("{day}T22:15:00.123456Z"))
}

fn message(channel: Channel, recipient: &str) -> Message {
    Message {
        channel,
        recipient: recipient.into(),
        name: None,
        locale: Locale::default(),
        message_id: format!("{recipient}@daybook.invalid"),
    }
}

fn mail(recipient: &str) -> Message {
    message(Channel::Email, recipient)
}

fn plan_of(day: &str, subject: Subject, messages: Vec<Message>) -> Plan {
    let report = Planned {
        date: date(day),
        subject,
        planned_at: night_after(day),
        also: Vec::new(),
        corrections: Vec::new(),
        recipients: Vec::new(),
        stale_recipients: None,
        bad_addresses: Vec::new(),
        reason: None,
    };
    Plan { report, messages }
}

fn known(address: &str) -> KnownRecipient {
    KnownRecipient {
        address: address.into(),
        name: Some("Ada \"L\" <b>".into()),
        locale: GERMAN,
        when: "alerts".into(),
    }
}

/// Plans the day's report for the mail addresses.
async fn plan_mails(book: &Book, day: &str, recipients: &[&str]) -> Vec<Delivery> {
    let messages = recipients.iter().map(|recipient| mail(recipient)).collect();
    let plan = plan_of(day, Subject::Report, messages);
    book::plan(book, &plan).await.unwrap();
    let filter = Filter {
        date: Some(date(day)),
        ..Filter::default()
    };
    book::deliveries(book, &filter).await.unwrap()
}

async fn one(book: &Book, id: i64) -> Delivery {
    let filter = Filter {
        ids: Some(vec![id]),
        ..Filter::default()
    };
    let mut found = book::deliveries(book, &filter).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Everything planned since the beginning of 2025; what is in doubt is held.
fn holding() -> Terms {
    Terms {
        planned_after: at("2025-01-01T00:00:00Z"),
        ambiguous_after: None,
    }
}

async fn due_ids(book: &Book, terms: &Terms) -> Vec<i64> {
    let due = book::due(book, terms).await.unwrap();
    due.iter().map(|delivery| delivery.id).collect()
}

fn accepted() -> DeliveryEnding {
    let reply = "250 2.0.0 Ok: queued as 4XyZ".into();
    DeliveryEnding::Accepted { reply }
}

fn refused(reply: &str, retry_at: Option<DateTime<Utc>>) -> DeliveryEnding {
    DeliveryEnding::Refused {
        reply: reply.into(),
        retry_at,
    }
}

async fn accept(book: &Book, id: i64) {
    let now = at("2025-10-04T05:00:00Z");
    assert!(book::claim(book, id, now).await.unwrap());
    book::note(book, id, &accepted(), now).await.unwrap();
}
