//! An answer as it comes off the wire: a bounded head, and as much of the body as one line of text needs.

use tokio::io::{AsyncRead, AsyncReadExt};
use url::Url;

use crate::text::plain::printable;

use super::address::concealed;
use super::{Attempt, HttpError, one_line};

const LONGEST_HEAD: usize = 16 * 1024;
const LONGEST_BODY: usize = 4 * 1024;
/// Characters of the reason and of the body's line that are kept.
const LONGEST_REASON: usize = 80;
const LONGEST_LINE: usize = 200;

/// Harmless to show, and without anything of the address but hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    /// The body's first line with words.
    pub line: Option<String>,
    /// The host that a redirect names.
    pub points_to: Option<String>,
}

impl Answer {
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
            // Too slow, too early, too often, or the server's own trouble.
            408 | 425 | 429 | 500..600 => Attempt::Refused {
                reply,
                may_pass: true,
            },
            _ => Attempt::Refused {
                reply,
                may_pass: false,
            },
        }
    }
}

pub(super) enum Trouble {
    BrokenOff,
    NotHttp,
    TooLong,
}

impl Trouble {
    pub(super) fn at(self, host: String) -> HttpError {
        match self {
            Self::BrokenOff => HttpError::BrokenOff { host },
            Self::NotHttp => HttpError::NotHttp { host },
            Self::TooLong => HttpError::TooLong { host },
        }
    }
}

/// The bytes read so far; after the head is known they begin with the body.
#[derive(Default)]
pub(super) struct Received {
    bytes: Vec<u8>,
}

pub(super) struct Head {
    status: u16,
    reason: String,
    location: Option<String>,
    length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunks,
    UntilClosed,
}

impl Received {
    /// Interim answers (1xx) are passed over.
    pub(super) async fn read_head(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<Head, Trouble> {
        let mut interim = 0;
        loop {
            if !begins_like_http(&self.bytes) {
                return Err(Trouble::NotHttp);
            }
            if let Some(end) = end_of_head(&self.bytes) {
                let head: Vec<u8> = self.bytes.drain(..end).collect();
                interim += end;
                if interim > LONGEST_HEAD {
                    return Err(Trouble::TooLong);
                }
                let head = Head::read(&head).ok_or(Trouble::NotHttp)?;
                match head.status {
                    100..200 => continue,
                    _ => return Ok(head),
                }
            }
            if interim + self.bytes.len() > LONGEST_HEAD {
                return Err(Trouble::TooLong);
            }
            if !self.read_more(reader).await {
                return Err(Trouble::BrokenOff);
            }
        }
    }

    /// Whether all of it came; what is missing is no harm.
    pub(super) async fn read_body(
        &mut self,
        head: &Head,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> bool {
        loop {
            let complete = match head.length {
                Length::Bytes(length) => self.bytes.len() >= length,
                Length::Chunks => without_chunks(&self.bytes).1,
                Length::UntilClosed => false,
            };
            if complete {
                return true;
            }
            if self.bytes.len() >= LONGEST_BODY {
                return false;
            }
            if !self.read_more(reader).await {
                return head.length == Length::UntilClosed;
            }
        }
    }

    pub(super) fn body(&self, head: &Head) -> Vec<u8> {
        match head.length {
            Length::Bytes(length) => self.bytes[..length.min(self.bytes.len())].to_vec(),
            Length::Chunks => without_chunks(&self.bytes).0,
            Length::UntilClosed => self.bytes.clone(),
        }
    }

    async fn read_more(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> bool {
        let mut some = [0; 2048];
        match reader.read(&mut some).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.bytes.extend_from_slice(&some[..count]);
                true
            }
        }
    }
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines();
        let (version, rest) = lines.next()?.split_once(' ')?;
        if !["HTTP/1.0", "HTTP/1.1"].contains(&version) {
            return None;
        }
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let digits = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        let mut head = Self {
            status: status
                .parse()
                .ok()
                .filter(|status| digits && *status >= 100)?,
            reason: reason.to_owned(),
            location: None,
            length: Length::UntilClosed,
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "location" => head.location = Some(value.to_owned()),
                "transfer-encoding" => head.length = Length::Chunks,
                "content-length" if head.length != Length::Chunks => {
                    head.length = value.parse().map_or(Length::UntilClosed, Length::Bytes);
                }
                _ => {}
            }
        }
        if [204, 304].contains(&head.status) {
            head.length = Length::Bytes(0);
        }
        Some(head)
    }

    /// Secrets are taken out before anything is cut, and a line without its end is left out: half a secret
    /// would not be found.
    pub(super) fn answer(&self, body: &[u8], complete: bool, secrets: &[String]) -> Answer {
        let shown = |text: &str, longest: usize| {
            let secrets = secrets.iter().map(String::as_str);
            one_line(&printable(&concealed(text, secrets)), longest)
        };
        let text = String::from_utf8_lossy(body);
        let whole = match complete {
            true => text.as_ref(),
            false => text.rfind('\n').map_or("", |end| &text[..end]),
        };
        let line = whole.lines().find(|line| !line.trim().is_empty());
        Answer {
            status: self.status,
            reason: shown(&self.reason, LONGEST_REASON),
            line: line.map(|line| shown(line, LONGEST_LINE)),
            points_to: self.location.as_deref().and_then(host),
        }
    }
}

fn begins_like_http(bytes: &[u8]) -> bool {
    let beginning = b"HTTP/1.";
    let length = bytes.len().min(beginning.len());
    bytes[..length] == beginning[..length]
}

/// Where the empty line ends; some servers write it without carriage returns.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let after = |mark: &[u8]| {
        let at = bytes.windows(mark.len()).position(|window| window == mark);
        at.map(|at| at + mark.len())
    };
    after(b"\r\n\r\n").into_iter().chain(after(b"\n\n")).min()
}

/// The chunks' contents so far, and whether the last one has come.
fn without_chunks(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&rest[..end]);
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return (content, false);
        };
        if size == 0 {
            return (content, true);
        }
        rest = &rest[end + 1..];
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..) {
            Some(after) => rest = after.strip_prefix(b"\r\n").unwrap_or(after),
            None => return (content, false),
        }
    }
    (content, false)
}

fn host(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    url.host_str().map(printable)
}
