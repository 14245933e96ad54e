//! Posts the report as JSON to a webhook, signed, with an id by which the receiver recognizes repetitions.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::config::Webhook;

use super::Attempt;
use super::http::{self, Request};

/// The delivery's id stays the same over all attempts; the timestamp and so the signature are this attempt's.
pub async fn post(webhook: &Webhook, body: &str, delivery_id: &str, at: DateTime<Utc>) -> Attempt {
    let timestamp = at.timestamp().to_string();
    let signed = webhook
        .secret
        .as_ref()
        .map(|secret| signature(secret, at, body));
    let mut headers = vec![
        ("Content-Type", "application/json"),
        ("Daybook-Delivery", delivery_id),
        ("Daybook-Timestamp", timestamp.as_str()),
    ];
    headers.extend(signed.as_deref().map(|text| ("Daybook-Signature", text)));
    let attempt = http::attempt(&Request {
        url: &webhook.url,
        headers: &headers,
        body: body.as_bytes(),
        timeout: webhook.timeout,
        ca_file: webhook.ca_file.as_deref(),
    })
    .await;
    match &webhook.secret {
        // A receiver that complains about a signature may repeat the secret.
        Some(secret) => {
            attempt.with_reply(|reply| http::concealed(reply, [secret.expose_secret()]))
        }
        None => attempt,
    }
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
