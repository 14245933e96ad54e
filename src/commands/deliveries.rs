//! `daybook deliveries`: deliveries and the server's responses.

use chrono::{DateTime, Utc};
use comfy_table::{ColumnConstraint, Width};
use serde_json::{Value as Json, json};

use crate::book::{self, Delivery, Filter};
use crate::cli::Deliveries;
use crate::config::Config;
use crate::text::plain::printable;

use super::{CommandError, Ended, World, dates, delivered, open_book, output};

/// Addresses up to this length are not wrapped.
const LONGEST_WHOLE: u16 = 32;

pub async fn run(config: &Config, args: &Deliveries, world: &World) -> Result<Ended, CommandError> {
    let filter = Filter {
        date: dates::asked(&args.date, config, world)?,
        limit: Some(args.limit),
        ids: None,
    };
    let book = open_book(config).await?;
    let rows = book::deliveries(&book, &filter).await?;
    if args.json {
        let listed: Vec<Json> = rows.iter().map(|row| as_json(row, config, world)).collect();
        output::json(&json!({ "schema": 1, "deliveries": listed }))?;
        return Ok(Ended::Done);
    }
    if rows.is_empty() {
        output::say(
            "no deliveries: `daybook collect --date DATE --send-email` plans and sends them",
        );
    } else {
        output::page(&as_table(&rows, config, world))?;
    }
    Ok(Ended::Done)
}

fn as_table(rows: &[Delivery], config: &Config, world: &World) -> String {
    let header = [
        "day",
        "subject",
        "channel",
        "recipient",
        "copy",
        "attempts",
        "time",
        "state",
        "response",
    ];
    let mut table = output::table(header, 4..6, world.width);
    for row in rows {
        let latest = latest(row).with_timezone(&config.time_zone);
        table.add_row([
            row.date.to_string(),
            row.subject.word().to_owned(),
            row.channel.word().to_owned(),
            printable(&row.recipient),
            row.copy.to_string(),
            row.attempts.to_string(),
            latest.format("%-d %b %H:%M").to_string(),
            delivered::meaning(row, config, world.now),
            printable(row.reply.as_deref().unwrap_or_default()),
        ]);
    }
    // A wrapped address cannot be copied; a wrapped response can be read.
    let longest = rows.iter().map(|row| row.recipient.chars().count()).max();
    let width = u16::try_from(longest.unwrap_or_default()).unwrap_or(LONGEST_WHOLE);
    if let Some(column) = table.column_mut(3) {
        let width = Width::Fixed(width.min(LONGEST_WHOLE) + 2);
        column.set_constraint(ColumnConstraint::LowerBoundary(width));
    }
    output::plain(table)
}

fn latest(row: &Delivery) -> DateTime<Utc> {
    let happened = row.accepted_at.or(row.claimed_at);
    happened.unwrap_or(row.planned_at)
}

fn as_json(row: &Delivery, config: &Config, world: &World) -> Json {
    let time = |instant| dates::rfc3339(instant, config);
    json!({
        "id": row.id,
        "date": row.date,
        "subject": row.subject.word(),
        "channel": row.channel.word(),
        "recipient": row.recipient,
        "copy": row.copy,
        "name": row.name,
        "language": row.locale.language.code(),
        "numbers": row.locale.numbers.code(),
        "message_id": row.message_id,
        "state": row.state.word(),
        "means": delivered::meaning(row, config, world.now),
        "attempts": row.attempts,
        "planned_at": time(row.planned_at),
        "claimed_at": row.claimed_at.map(time),
        "in_doubt_since": row.in_doubt_since.map(time),
        "retry_at": row.retry_at.map(time),
        "accepted_at": row.accepted_at.map(time),
        "reply": row.reply,
    })
}
