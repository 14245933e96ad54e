//! Posts to webhooks: the report as signed JSON, or a notice in the body of another service. Each has an id by which a
//! receiver recognizes repetitions.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::config::{Format, Webhook};
use crate::notice::Service;

use super::Attempt;
use super::http::{self, Request};

/// Whose body it gets; `None` for Daybook's own JSON.
pub fn service(webhook: &Webhook) -> Option<Service<'_>> {
    Some(match &webhook.format {
        Format::Daybook { .. } => return None,
        Format::Slack => Service::Slack,
        Format::Teams => Service::Teams,
        Format::Discord => Service::Discord,
        Format::Mattermost => Service::Mattermost,
        Format::Ntfy { topic, .. } => Service::Ntfy {
            topic: topic.expose_secret(),
        },
        Format::PagerDuty { routing_key } => Service::PagerDuty {
            routing_key: routing_key.expose_secret(),
        },
    })
}

/// The delivery's id stays the same over all attempts; the timestamp and so the signature are this attempt's.
pub async fn post(webhook: &Webhook, body: &str, delivery_id: &str, at: DateTime<Utc>) -> Attempt {
    let own = own_headers(&webhook.format, body, at);
    let mut headers = vec![
        ("Content-Type", "application/json"),
        ("Daybook-Delivery", delivery_id),
    ];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let attempt = http::attempt(&Request {
        url: &webhook.url,
        headers: &headers,
        body: body.as_bytes(),
        secrets: &secrets(&webhook.format),
        timeout: webhook.timeout,
        ca_file: webhook.ca_file.as_deref(),
    })
    .await;
    match (&webhook.format, attempt) {
        (Format::Teams, Attempt::Accepted { reply }) => delivered_by_teams(reply),
        (_, attempt) => attempt,
    }
}

fn own_headers(format: &Format, body: &str, at: DateTime<Utc>) -> Vec<(&'static str, String)> {
    match format {
        Format::Daybook { secret } => {
            let signed = secret.as_ref().map(|secret| signature(secret, at, body));
            [("Daybook-Timestamp", at.timestamp().to_string())]
                .into_iter()
                .chain(signed.map(|text| ("Daybook-Signature", text)))
                .collect()
        }
        Format::Ntfy {
            token: Some(token), ..
        } => vec![("Authorization", format!("Bearer {}", token.expose_secret()))],
        _ => Vec::new(),
    }
}

/// A receiver that complains about one may repeat it, and ntfy repeats the topic.
fn secrets(format: &Format) -> Vec<&str> {
    let topic = match format {
        Format::Ntfy { topic, .. } => Some(topic),
        _ => None,
    };
    let secrets = format.secret().into_iter().chain(topic);
    secrets.map(ExposeSecret::expose_secret).collect()
}

/// The address of a Teams channel answers 200 even to what Teams refuses, and names Teams' status in a sentence.
fn delivered_by_teams(reply: String) -> Attempt {
    let Some((_, why)) = reply.split_once("delivery failed with error") else {
        return Attempt::Accepted { reply };
    };
    let status = why.split_once("HTTP error ").map(|(_, status)| status);
    let status = status.and_then(|status| status.split(' ').next()?.parse().ok());
    // Without one, it did not get as far as Teams.
    http::refused(status.unwrap_or(500), reply)
}

/// `v1=` and the HMAC-SHA256 of `TIMESTAMP.BODY` in hex: proves to holders of the secret that the body is ours and of this
/// time.
pub fn signature(secret: &SecretString, at: DateTime<Utc>, body: &str) -> String {
    let signed = format!("{}.{body}", at.timestamp());
    let key = secret.expose_secret().as_bytes();
    format!("v1={}", hmac_sha256(key, signed.as_bytes()))
}

/// In hex.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    hmac.update(message);
    let code = hmac.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}
