//! Reads an answer for the ledger: its status, and one line of its body.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::header::LOCATION;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::text::plain::{one_line, printable};

use super::address::concealed;
use super::{Attempt, Refusal};

/// Reading stops after so many bytes of the body.
const LONGEST_BODY: usize = 4 * 1024;
/// The longest reason and line to keep, in characters.
const LONGEST_REASON: usize = 80;
const LONGEST_LINE: usize = 200;

/// Harmless to show: of addresses, it contains only hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    /// The body's first line that is not empty.
    pub line: Option<String>,
    /// The host of a redirect.
    pub points_to: Option<String>,
}

impl Answer {
    /// Reads the body until the deadline. Hides secrets before it cuts anything, and drops a line without its end: half a
    /// secret would not be found.
    pub(super) async fn read(
        response: Response<Incoming>,
        deadline: Instant,
        secrets: &[String],
    ) -> Self {
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let read = timeout_at(deadline, read_body(&mut body, &mut bytes)).await;
        let complete = read.unwrap_or(false);
        let shown = |text: &str, longest: usize| {
            let secrets = secrets.iter().map(String::as_str);
            one_line(&concealed(text, secrets), longest)
        };
        let text = String::from_utf8_lossy(&bytes);
        let whole = match complete {
            true => text.as_ref(),
            false => text.rfind('\n').map_or("", |end| &text[..end]),
        };
        let mut lines = whole.lines().map(|line| shown(line, LONGEST_LINE));
        let line = lines.find(|line| !line.is_empty());
        let reason = match head.extensions.get::<ReasonPhrase>() {
            Some(own) => String::from_utf8_lossy(own.as_bytes()),
            None => head.status.canonical_reason().unwrap_or_default().into(),
        };
        let location = head.headers.get(LOCATION);
        Self {
            status: head.status.as_u16(),
            reason: shown(&reason, LONGEST_REASON),
            line,
            points_to: location.and_then(|to| host(&String::from_utf8_lossy(to.as_bytes()))),
        }
    }

    /// `200 OK: taken over`
    pub fn words(&self) -> String {
        let mut words = format!("{} {}", self.status, self.reason);
        words.truncate(words.trim_end().len());
        match (&self.points_to, &self.line) {
            _ if (300..400).contains(&self.status) => {
                let target = self.points_to.as_deref().unwrap_or("another address");
                words.push_str(&format!(
                    ": it points to {target}, and redirects are not followed"
                ));
            }
            (_, Some(line)) => words.push_str(&format!(": {line}")),
            (_, None) => {}
        }
        words
    }

    pub fn attempt(&self) -> Attempt {
        let reply = self.words();
        match self.status {
            200..300 => Attempt::Accepted { reply },
            status => refused(status, reply),
        }
    }
}

/// What failed with this status, and may pass if the server was too slow, too busy or in error.
pub fn refused(status: u16, reply: String) -> Attempt {
    let may_pass = matches!(status, 408 | 425 | 429 | 500..600);
    Refusal { reply, may_pass }.into()
}

/// Whether the body is complete; a missing rest does no harm.
async fn read_body(body: &mut Incoming, text: &mut Vec<u8>) -> bool {
    while text.len() < LONGEST_BODY {
        match body.frame().await {
            None => return true,
            Some(Ok(frame)) => text.extend(frame.into_data().unwrap_or_default()),
            Some(Err(_)) => return false,
        }
    }
    false
}

fn host(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    url.host_str().map(printable)
}
