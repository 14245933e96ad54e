//! The ways out that need no mail server: webhooks, pings, files, and the report on demand.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod asking;
mod outbox;
mod report;
mod secrets;

use std::time::Duration;

use daybook::config::{Format, Ping, Webhook};
use daybook::deliver::Attempt;
use secrecy::SecretString;

fn webhook(url: &str) -> Webhook {
    Webhook {
        name: "ops".to_owned(),
        url: SecretString::from(url),
        format: Format::Daybook { secret: None },
        timeout: Duration::from_secs(60),
        ca_file: None,
    }
}

fn signing(secret: &str) -> Format {
    Format::Daybook {
        secret: Some(SecretString::from(secret)),
    }
}

fn ping(url: &str) -> Ping {
    Ping {
        start: Some(SecretString::from(format!("{url}/start"))),
        success: SecretString::from(url),
        failure: Some(SecretString::from(format!("{url}/fail"))),
        timeout: Duration::from_secs(60),
        ca_file: None,
    }
}

fn accepted(reply: &str) -> Attempt {
    Attempt::Accepted {
        reply: reply.to_owned(),
    }
}

/// Not now, but perhaps later.
fn put_off(reply: &str) -> Attempt {
    Attempt::Refused {
        reply: reply.to_owned(),
        may_pass: true,
    }
}

fn refused(reply: &str) -> Attempt {
    Attempt::Refused {
        reply: reply.to_owned(),
        may_pass: false,
    }
}
