//! The last deliveries, with recipients' addresses shortened.

use crate::book::{self, BookError, Channel, Delivery, DeliveryState, Filter, Subject};
use crate::look::delivery_status::DeliveryStatus;
use crate::look::pages::Scene;
use crate::render::phrases::fill;
use crate::render::view::Tone;

use super::redact::{masked, redact};

pub(super) struct DeliveryRow {
    pub(super) day: String,
    pub(super) about: &'static str,
    pub(super) channel: &'static str,
    pub(super) to: String,
    pub(super) copy: Option<String>,
    pub(super) state: &'static str,
    pub(super) tone: Tone,
    pub(super) when: String,
    pub(super) reply: Option<String>,
}

pub(super) async fn rows(scene: &Scene<'_>, limit: u32) -> Result<Vec<DeliveryRow>, BookError> {
    let filter = Filter {
        limit: Some(limit),
        ..Filter::default()
    };
    let rows = book::deliveries(&scene.edition.book, &filter).await?;
    Ok(rows.iter().map(|row| delivery_row(row, scene)).collect())
}

fn delivery_row(row: &Delivery, scene: &Scene<'_>) -> DeliveryRow {
    let (words, speech) = (scene.words, &scene.speech);
    let status = DeliveryStatus::new(row, None);
    let happened = row.accepted_at.or(row.claimed_at).unwrap_or(row.planned_at);
    let reply = row.reply.as_deref().map(redact);
    DeliveryRow {
        day: speech.short_date_with_year(row.date),
        about: match row.subject {
            Subject::Report => "",
            Subject::Open => words.about_open,
            Subject::Failure => words.about_failure,
        },
        channel: match row.channel {
            Channel::Email => words.by_mail,
            Channel::Outbox => words.by_outbox,
            Channel::Webhook => words.by_webhook,
            Channel::Ping => words.by_ping,
        },
        to: match row.channel {
            Channel::Email => masked(&row.recipient),
            // The only one of its kind is named after it.
            channel if row.recipient == channel.word() => String::new(),
            _ => redact(&row.recipient),
        },
        copy: (row.copy > 1).then(|| fill(words.copy, &[("n", row.copy.to_string())])),
        state: status.words(speech.language),
        tone: match (row.state, status) {
            (_, DeliveryStatus::Superseded) => Tone::Muted,
            (DeliveryState::Accepted, _) => Tone::Good,
            (DeliveryState::Planned | DeliveryState::Sending, _) => Tone::Muted,
            (DeliveryState::Ambiguous, _) | (_, DeliveryStatus::TriedAgain) => Tone::Warning,
            (DeliveryState::Failed, _) => Tone::Critical,
        },
        when: speech.moment(happened, scene.config.time_zone),
        reply: reply.filter(|reply| !reply.is_empty()),
    }
}
