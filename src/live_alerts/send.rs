//! Sends what is due, one message after the other, and notes each answer.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::live_alerts::LiveAlert;
use crate::config::{Config, LiveSettings, MailSettings};
use crate::deliver::message::{Head, domain, message};
use crate::deliver::{Attempt, Refusal, smtp, webhook};
use crate::live::store::{AlertDelivery, DeliveryEnding, DeliveryState, Store, StoreError};
use crate::live::watch::Happened;
use crate::notice::{Notice, Service};
use crate::render::notice::mail;

use super::words::{json, notice};

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// What is older is no news any more.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// Sends all that is due. A mail whose answer was lost is not sent again, and whoever is away is left alone until the next
/// round.
pub async fn deliver(
    config: &Config,
    live: &LiveSettings,
    store: &mut Store,
    clock: fn() -> DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let due = store.due_alerts(clock()).await?;
    let mut away: BTreeSet<&str> = BTreeSet::new();
    for together in due.chunk_by(|one, other| is_one_message(config, one, other)) {
        let recipient = together[0].recipient.as_str();
        if away.contains(recipient) {
            continue;
        }
        if stop.is_cancelled() {
            break;
        }
        let attempt = attempt(config, live, store, together, clock()).await?;
        let Some(attempt) = attempt else { continue };
        if matches!(attempt, Attempt::Refused { may_pass: true, .. }) {
            away.insert(recipient);
        }
        for due in together {
            let ending = ending(&attempt, due, clock());
            store.note_alert_delivery(due.id, &ending).await?;
        }
        if let Attempt::Refused { reply, .. } | Attempt::InDoubt { reply } = &attempt {
            let alert = &together[0].happened.alert;
            tracing::warn!("alert {alert} was not accepted by {recipient}: {reply}");
        }
    }
    Ok(())
}

/// People get one message about all groups to which the same happened. Programs and incidents are told one by one, and those
/// that began together with many others by one message.
fn is_one_message(config: &Config, one: &AlertDelivery, other: &AlertDelivery) -> bool {
    let same = |due: &AlertDelivery| {
        let happened = &due.happened;
        (
            due.recipient.clone(),
            happened.alert.clone(),
            happened.state,
            happened.at,
            due.attempts,
        )
    };
    let hook = config
        .webhooks
        .iter()
        .find(|hook| hook.name == one.recipient);
    let is_for_people = hook.is_none_or(|hook| {
        let service = webhook::service(hook);
        service.is_some_and(|service| !matches!(service, Service::PagerDuty { .. }))
    });
    let are_of_many = || {
        let begun = |due: &AlertDelivery| due.is_of_many.then_some(due.happened.since);
        begun(one).is_some() && begun(one) == begun(other)
    };
    same(one) == same(other) && (is_for_people || are_of_many())
}

/// `None`: another process has them.
async fn attempt(
    config: &Config,
    live: &LiveSettings,
    store: &mut Store,
    together: &[AlertDelivery],
    now: DateTime<Utc>,
) -> Result<Option<Attempt>, StoreError> {
    let first = &together[0];
    let alert = live
        .alerts
        .iter()
        .find(|alert| alert.key == first.happened.alert);
    let Some(alert) = alert else {
        return Ok(Some(refused("the alert is declared no more")));
    };
    if now - first.planned > GIVE_UP {
        return Ok(Some(refused("it could not be sent for a day")));
    }
    for due in together {
        if !store.claim_alert(due.id).await? {
            return Ok(None);
        }
    }
    Ok(Some(send(config, live, alert, together, now).await))
}

async fn send(
    config: &Config,
    live: &LiveSettings,
    alert: &LiveAlert,
    together: &[AlertDelivery],
    now: DateTime<Utc>,
) -> Attempt {
    let due = &together[0];
    let happened: Vec<&Happened> = together.iter().map(|due| &due.happened).collect();
    if due.recipient.contains('@') {
        return match &config.mail {
            Some(settings) => {
                let notice = notice(config, live, alert, &happened);
                send_mail(config, settings, &notice, due).await
            }
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
        Some(service) => {
            let mut notice = notice(config, live, alert, &happened);
            if due.is_of_many {
                // The same incident for all that began together.
                let since = due.happened.since.timestamp_micros();
                notice.key = format!("daybook/{}/live/{}@{since}", config.name, alert.key);
            }
            notice.body(service)
        }
        None => json(config, live, alert, &happened),
    };
    webhook::post(hook, &body.to_string(), &delivery_id(due), now).await
}

async fn send_mail(
    config: &Config,
    settings: &MailSettings,
    notice: &Notice,
    due: &AlertDelivery,
) -> Attempt {
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
    let bytes = match message(&mail(notice), &head) {
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

fn ending(attempt: &Attempt, due: &AlertDelivery, now: DateTime<Utc>) -> DeliveryEnding {
    let (state, due, reply) = match attempt {
        Attempt::Accepted { reply } => (DeliveryState::Accepted, None, reply),
        Attempt::InDoubt { reply } => (DeliveryState::Ambiguous, None, reply),
        Attempt::Refused { reply, may_pass } => {
            let pause = FIRST_PAUSE * 2_u32.pow(due.attempts.min(10));
            let again = may_pass.then(|| now + pause.min(LONGEST_PAUSE));
            (DeliveryState::Failed, again, reply)
        }
    };
    DeliveryEnding {
        state,
        due,
        reply: reply.clone(),
    }
}
