//! Reports that did not arrive, may not have arrived, or have waited too long.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::book::{self, Book, BookError, Channel, Delivery, DeliveryState, Subject, Terms};
use crate::calendar::spoken;

use super::{Finding, MOST_NAMED, counted};

const AREA: &str = "deliveries";
/// Every report since has shown older failures.
const DAYS_BACK: u64 = 14;

pub(super) async fn examine(
    now: DateTime<Utc>,
    today: NaiveDate,
    book: &Book,
) -> Result<Vec<Finding>, BookError> {
    let since = today - Days::new(DAYS_BACK);
    let lost = book::undelivered(book, since, today).await?;
    let terms = Terms {
        planned_after: DateTime::<Utc>::MIN_UTC,
        ambiguous_after: None,
    };
    let waiting = book::due(book, &terms).await?.into_iter();
    let late = now - TimeDelta::days(1);
    let waiting: Vec<Delivery> = waiting.filter(|row| row.planned_at < late).collect();
    if lost.is_empty() && waiting.is_empty() {
        let what = format!("no report of the last {DAYS_BACK} days is undelivered");
        return Ok(vec![Finding::ok(
            AREA,
            what,
            "Every one was accepted, or is not due yet.",
        )]);
    }
    let mut findings: Vec<Finding> = lost.iter().map(lost_one).collect();
    findings.extend(waiting.iter().map(waiting_one));
    let more = findings.len().saturating_sub(MOST_NAMED);
    findings.truncate(MOST_NAMED);
    if more > 0 {
        let what = format!("{} more", counted(more, "undelivered message"));
        let means = "They resemble those above.";
        let advice = "`daybook deliveries` lists them.";
        findings.push(Finding::warning(AREA, what, means, advice));
    }
    Ok(findings)
}

fn lost_one(row: &Delivery) -> Finding {
    let reply = row.reply.as_deref().unwrap_or("no answer");
    let (became, means) = match row.state {
        DeliveryState::Ambiguous => (
            "may have arrived",
            "The connection broke before the response came; it is not sent again automatically.",
        ),
        _ => ("was not delivered", "It is not retried automatically."),
    };
    let what = format!("{} {became}: {reply}", about(row));
    Finding::warning(AREA, what, means, again(row))
}

fn waiting_one(row: &Delivery) -> Finding {
    let reply = row.reply.as_deref().unwrap_or("not tried yet");
    let since = row.planned_at.format("%Y-%m-%d");
    let what = format!("{} waits since {since}: {reply}", about(row));
    let means = "Each run with `--send-email` retries it, until `give_up`.";
    let advice = "Fix the cause named in the response; the next night sends it.";
    Finding::warning(AREA, what, means, advice)
}

/// `the report of Fri 3 Oct 2025 to bea@example.org`
fn about(row: &Delivery) -> String {
    let day = spoken(row.date);
    let what = match row.subject {
        Subject::Report => format!("the report of {day}"),
        Subject::Open => format!("the report of {day}, still open,"),
        Subject::Failure => format!("the notice that {day} has no numbers"),
    };
    match row.channel {
        Channel::Email => format!("{what} to {}", row.recipient),
        Channel::Outbox => format!("{what} to the outbox"),
        Channel::Webhook => format!("{what} to webhook {}", row.recipient),
        Channel::Ping => format!("{what} to the health check"),
    }
}

fn again(row: &Delivery) -> String {
    let date = row.date;
    match (row.subject, row.channel) {
        (Subject::Failure, _) => format!(
            "Run `daybook collect --date {date} --send-email`: it counts the day and sends its report."
        ),
        (_, Channel::Email) => format!(
            "`daybook send --date {date} --to {}` sends it again.",
            row.recipient
        ),
        _ => format!("`daybook send --date {date}` sends it again, to all its recipients."),
    }
}
