//! Sends what is due, one message after the other, and notes each answer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::live_alerts::LiveAlert;
use crate::config::{Config, LiveSettings, MailSettings};
use crate::deliver::message::{Head, domain, message};
use crate::deliver::{Attempt, Refusal, smtp, webhook};
use crate::live::store::{AlertDelivery, DeliveryEnding, DeliveryState, Store, StoreError};
use crate::render::notice::mail;

use super::words::{json, notice};

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// What is older is no news any more.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// Sends all that is due. A mail whose answer was lost is not sent again.
pub async fn deliver(
    config: &Config,
    live: &LiveSettings,
    store: &mut Store,
    clock: fn() -> DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    for due in store.due_alerts(clock()).await? {
        if stop.is_cancelled() {
            break;
        }
        let now = clock();
        let alert = live
            .alerts
            .iter()
            .find(|alert| alert.key == due.happened.alert);
        let attempt = match alert {
            _ if now - due.planned > GIVE_UP => refused("it could not be sent for a day"),
            None => refused("the alert is declared no more"),
            Some(alert) => {
                if !store.claim_alert(due.id).await? {
                    continue;
                }
                send(config, live, alert, &due, now).await
            }
        };
        let ending = ending(attempt, &due, now);
        if ending.state != DeliveryState::Accepted {
            let (alert, recipient) = (&due.happened.alert, &due.recipient);
            tracing::warn!(
                "alert {alert} was not accepted by {recipient}: {}",
                ending.reply
            );
        }
        store.note_alert_delivery(due.id, &ending).await?;
    }
    Ok(())
}

async fn send(
    config: &Config,
    live: &LiveSettings,
    alert: &LiveAlert,
    due: &AlertDelivery,
    now: DateTime<Utc>,
) -> Attempt {
    if due.recipient.contains('@') {
        return match &config.mail {
            Some(settings) => send_mail(config, live, settings, alert, due).await,
            None => refused("no mail server is configured"),
        };
    }
    let Some(hook) = config
        .webhooks
        .iter()
        .find(|hook| hook.name == due.recipient)
    else {
        return refused("the webhook has no address, or is declared no more");
    };
    let body = match webhook::service(hook) {
        Some(service) => notice(config, live, alert, &due.happened).body(service),
        None => json(config, live, alert, &due.happened),
    };
    webhook::post(hook, &body.to_string(), &delivery_id(due), now).await
}

async fn send_mail(
    config: &Config,
    live: &LiveSettings,
    settings: &MailSettings,
    alert: &LiveAlert,
    due: &AlertDelivery,
) -> Attempt {
    let notice = notice(config, live, alert, &due.happened);
    let id = format!("<{}@{}>", delivery_id(due), domain(&settings.from.address));
    let head = Head {
        from: &settings.from,
        reply_to: settings.reply_to.as_ref(),
        to: (&due.recipient, None),
        message_id: &id,
        date: due.happened.at,
        app: &config.name,
        unsubscribe: settings.unsubscribe.as_ref(),
        idempotency_key: settings
            .server
            .is_resend()
            .then_some(id.trim_matches(['<', '>'])),
        language: config.report.locale.language.code(),
    };
    let bytes = match message(&mail(&notice), &head) {
        Ok(bytes) => bytes,
        Err(why) => return refused(&format!("the message cannot be built: {why}")),
    };
    let mut connection = match smtp::connect(settings).await {
        Ok(connection) => connection,
        Err(refusal) => return refusal.into(),
    };
    let begun = connection
        .begin(&settings.from.address, &due.recipient, bytes.len())
        .await;
    let attempt = match begun {
        Ok(()) => connection.hand_over(&bytes).await,
        Err(refusal) => refusal.into(),
    };
    connection.close().await;
    attempt
}

/// The same over all attempts.
fn delivery_id(due: &AlertDelivery) -> String {
    format!("live-alert.{}.{}", due.id, due.planned.timestamp_micros())
}

fn refused(reply: &str) -> Attempt {
    let reply = reply.to_owned();
    Refusal {
        reply,
        may_pass: false,
    }
    .into()
}

fn ending(attempt: Attempt, due: &AlertDelivery, now: DateTime<Utc>) -> DeliveryEnding {
    let (state, due, reply) = match attempt {
        Attempt::Accepted { reply } => (DeliveryState::Accepted, None, reply),
        Attempt::InDoubt { reply } => (DeliveryState::Ambiguous, None, reply),
        Attempt::Refused { reply, may_pass } => {
            let pause = FIRST_PAUSE * 2_u32.pow(due.attempts.min(10));
            let again = may_pass.then(|| now + pause.min(LONGEST_PAUSE));
            (DeliveryState::Failed, again, reply)
        }
    };
    DeliveryEnding { state, due, reply }
}
