//! Pings a health check: when a night begins, when its report was accepted, or why not.

use secrecy::SecretString;

use crate::config::Ping;
use crate::text::plain::printable;

use super::Attempt;
use super::http::{self, Request};

/// As much as the usual services keep of a body.
const LONGEST_WORDS: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Start,
    Success,
    Failure,
}

/// Sends a signal, with words for the health check's page. A signal without an address is not sent.
pub async fn ping(ping: &Ping, signal: Signal, words: &str) -> Attempt {
    let Some(url) = address(ping, signal) else {
        return Attempt::Accepted {
            reply: "not sent: no address is set for this signal".to_owned(),
        };
    };
    http::attempt(&Request {
        url,
        headers: &[("Content-Type", "text/plain; charset=utf-8")],
        body: body(words).as_bytes(),
        secrets: &[],
        timeout: ping.timeout,
        ca_file: ping.ca_file.as_deref(),
    })
    .await
}

fn address(ping: &Ping, signal: Signal) -> Option<&SecretString> {
    match signal {
        Signal::Start => ping.start.as_ref(),
        Signal::Success => Some(&ping.success),
        Signal::Failure => ping.failure.as_ref(),
    }
}

/// Lines stay lines, without control characters.
fn body(words: &str) -> String {
    let lines: Vec<String> = words.lines().map(printable).collect();
    let mut body = lines.join("\n");
    body.truncate(body.floor_char_boundary(LONGEST_WORDS));
    body
}
