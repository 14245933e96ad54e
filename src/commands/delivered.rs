//! Deliveries in words and as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use crate::book::{Channel, Delivery, DeliveryState, Subject};
use crate::calendar::spoken;
use crate::config::Config;
use crate::deliver::is_sent_again;
use crate::locale::Language;
use crate::look::delivery_status::DeliveryStatus;
use crate::text::counted::counted;
use crate::text::plain::printable;

use super::{Ended, World, output};

/// Prints the accepted deliveries of each report unless `quiet`, and every other one with the server's response
/// and what happens next.
pub(super) fn say(rows: &[Delivery], config: &Config, world: &World, quiet: bool) {
    let mut reports: BTreeMap<(NaiveDate, Subject), Vec<&Delivery>> = BTreeMap::new();
    for row in rows {
        reports
            .entry((row.date, row.subject))
            .or_default()
            .push(row);
    }
    for ((date, subject), rows) in reports {
        let about = about(date, subject);
        if !quiet {
            for line in accepted(&about, &rows, world) {
                output::say(&line);
            }
        }
        for row in rows.into_iter().filter(|row| !is_accepted(row)) {
            output::say(&undelivered(&about, row, config, world.now));
        }
    }
}

fn is_accepted(row: &Delivery) -> bool {
    row.state == DeliveryState::Accepted
}

pub(super) fn ended(rows: &[Delivery]) -> Ended {
    match rows.iter().all(is_accepted) {
        true => Ended::Done,
        false => Ended::Undelivered,
    }
}

pub(super) fn as_json(row: &Delivery) -> Json {
    json!({
        "date": row.date,
        "subject": row.subject.word(),
        "channel": row.channel.word(),
        "recipient": row.recipient,
        "state": row.state.word(),
        "attempts": row.attempts,
        "reply": row.reply,
    })
}

/// `report of Fri 3 Oct 2025`
fn about(date: NaiveDate, subject: Subject) -> String {
    let day = spoken(date);
    match subject {
        Subject::Report => format!("report of {day}"),
        Subject::Open => format!("report of {day}, still open"),
        Subject::Failure => format!("notice that {day} has no numbers"),
    }
}

/// The state with what it means for the next run.
pub(super) fn meaning(row: &Delivery, config: &Config, now: DateTime<Utc>) -> String {
    let again = is_sent_again(row, config, now);
    DeliveryStatus::new(row, Some(again))
        .words(Language::English)
        .to_owned()
}

fn accepted(about: &str, rows: &[&Delivery], world: &World) -> Vec<String> {
    let by = |channel: Channel| {
        let rows = rows.iter().filter(move |row| row.channel == channel);
        rows.filter(|row| is_accepted(row))
    };
    let mut lines = Vec::new();
    let mails = by(Channel::Email).count();
    if mails > 0 {
        lines.push(format!("{about}: {} accepted", counted(mails, "mail")));
    }
    for row in by(Channel::Outbox) {
        let page = row.reply.as_deref().unwrap_or("the outbox");
        let near = std::path::Path::new(page).strip_prefix(&world.directory);
        let page = near.map_or_else(|_| page.to_owned(), |near| near.display().to_string());
        lines.push(format!("{about} written to {}", printable(&page)));
    }
    for row in by(Channel::Webhook) {
        lines.push(format!("{about}: webhook {} accepted", row.recipient));
    }
    lines
}

/// `report of Fri 3 Oct 2025 to bea@example.org: 450 4.2.1 Mailbox busy; tried again by the next run`
fn undelivered(about: &str, row: &Delivery, config: &Config, now: DateTime<Utc>) -> String {
    let to = match row.channel {
        Channel::Email => format!("to {}", row.recipient),
        Channel::Outbox => "to the outbox".to_owned(),
        Channel::Webhook => format!("to webhook {}", row.recipient),
        Channel::Ping => "to the health check".to_owned(),
    };
    let mut meaning = meaning(row, config, now);
    if row.state == DeliveryState::Ambiguous && !is_sent_again(row, config, now) {
        let (date, address) = (row.date, &row.recipient);
        meaning += &format!("; `daybook send --date {date} --to {address}` sends it again");
    }
    let reply = row.reply.as_deref().map(|reply| format!("{reply}; "));
    printable(&format!(
        "{about} {to}: {}{meaning}",
        reply.unwrap_or_default()
    ))
}
