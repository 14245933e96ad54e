//! A request's body: limited in size, unpacked, in one of two forms.

use std::io::Read;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError};
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::live::json;

use super::Api;
use super::answer::Problem;

/// Bytes of a body as it comes.
const MOST_SENT: usize = 8 << 20;
/// Bytes of a body once it is unpacked.
const MOST_UNPACKED: usize = 16 << 20;
/// Bodies with fewer bytes are taken apart at once.
const SMALL: usize = 16 << 10;
/// Bytes that are unpacked at a time.
const STEP: usize = 64 << 10;
/// So many are listed unless the request says how many.
const LISTED: u32 = 100;
const MOST_LISTED: u32 = 1000;

/// What stands behind the `?` of an address.
pub(super) type Parameters<T> = Result<Query<T>, QueryRejection>;

pub(super) fn parameters<T>(read: Parameters<T>) -> Result<T, Problem> {
    let read = read.map(|Query(parameters)| parameters);
    read.map_err(|rejection| Problem::wrong(rejection.body_text()))
}

/// A parameter that is a number.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) name: &'static str,
    pub(super) most: u32,
    pub(super) left_out: u32,
}

/// How many are listed.
pub(super) const LIMIT: Counted = Counted {
    name: "limit",
    most: MOST_LISTED,
    left_out: LISTED,
};

/// From so long ago on.
pub(super) const HOURS: Counted = Counted {
    name: "hours",
    most: u32::MAX,
    left_out: 24,
};

/// The parameters of a route that takes numbers only.
pub(super) fn numbers<const N: usize>(
    pairs: Parameters<Vec<(String, String)>>,
    known: [Counted; N],
) -> Result<[u32; N], Problem> {
    let mut given = [None; N];
    for (name, text) in parameters(pairs)? {
        let at = known.iter().position(|known| known.name == name);
        let at = at.ok_or_else(|| {
            let names = known.map(|known| format!("`{}`", known.name)).join(" or ");
            Problem::at(&name, format!("expected {names}"))
        })?;
        let most = known[at].most;
        let number = text.parse().ok().filter(|number| *number <= most);
        let number = number.ok_or_else(|| {
            let text = text.escape_debug();
            Problem::at(&name, format!("`{text}` is not a number from 0 to {most}"))
        })?;
        if given[at].replace(number).is_some() {
            return Err(Problem::at(&name, "given twice"));
        }
    }
    let mut numbers = known.map(|known| known.left_out);
    for (number, given) in numbers.iter_mut().zip(given) {
        *number = given.unwrap_or(*number);
    }
    Ok(numbers)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One document.
    Json,
    /// One a line.
    Lines,
}

pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    pub(super) form: Form,
    /// Its room among all bodies.
    room: Option<OwnedSemaphorePermit>,
}

impl Api {
    pub(super) async fn read(&self, request: Request) -> Result<Sent, Problem> {
        let (head, mut body) = request.into_parts();
        let is_packed = is_packed(&head.headers)?;
        let length = value(&head.headers, CONTENT_LENGTH).and_then(|text| text.parse().ok());
        if length.is_some_and(|length: usize| length > MOST_SENT) {
            return Err(too_large(MOST_SENT, "send"));
        }
        let mut sent = Sent {
            bytes: Vec::new(),
            form: Form::Json,
            room: None,
        };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken_off(&error))?;
            if let Ok(data) = frame.into_data() {
                sent.add(&data, &self.bodies)?;
            }
        }
        // Whoever sends nothing need not say in which form.
        if !sent.bytes.is_empty() {
            sent.form = form(&head.headers)?;
        }
        if is_packed {
            let _hand = self.hand(usize::MAX).await;
            sent = sent.unpacked(&self.bodies)?;
        }
        Ok(sent)
    }

    /// An object; nothing is an empty one.
    pub(super) async fn read_object(
        &self,
        request: Request,
    ) -> Result<serde_json::Map<String, Json>, Problem> {
        let sent = self.read(request).await?;
        if sent.bytes.trim_ascii().is_empty() {
            return Ok(serde_json::Map::new());
        }
        let _hand = self.hand(sent.bytes.len()).await;
        match json::read(&sent.bytes) {
            Ok(Json::Object(object)) => Ok(object),
            Ok(_) => Err(Problem::wrong("expected a JSON object")),
            Err(error) => Err(Problem::wrong(error)),
        }
    }

    /// Held while a large body is taken apart.
    pub(super) async fn hand(&self, bytes: usize) -> Option<tokio::sync::SemaphorePermit<'_>> {
        match bytes < SMALL {
            true => None,
            false => self.hands.acquire().await.ok(),
        }
    }
}

impl Sent {
    /// Small ones come in whatever else waits.
    fn add(&mut self, more: &[u8], bodies: &Arc<Semaphore>) -> Result<(), Problem> {
        if self.bytes.len() + more.len() > SMALL {
            let room = Arc::clone(bodies).try_acquire_many_owned(more.len() as u32);
            let room = room.map_err(|_| {
                Problem::busy("too many large bodies at once: try again in a second")
            })?;
            match &mut self.room {
                Some(all) => all.merge(room),
                none => *none = Some(room),
            }
        }
        self.bytes.extend(more);
        Ok(())
    }

    fn unpacked(self, bodies: &Arc<Semaphore>) -> Result<Self, Problem> {
        let mut unpacked = Self {
            bytes: Vec::new(),
            form: self.form,
            room: None,
        };
        let mut packed = MultiGzDecoder::new(self.bytes.as_slice());
        let mut step = vec![0; STEP];
        loop {
            let count = packed
                .read(&mut step)
                .map_err(|error| Problem::wrong(format!("not valid gzip: {error}")))?;
            if count == 0 {
                return Ok(unpacked);
            }
            if unpacked.bytes.len() + count > MOST_UNPACKED {
                return Err(too_large(MOST_UNPACKED, "unpack to"));
            }
            unpacked.add(&step[..count], bodies)?;
        }
    }
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    match value(headers, CONTENT_ENCODING).unwrap_or("identity") {
        "gzip" => Ok(true),
        "identity" => Ok(false),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "`Content-Encoding` is neither `gzip` nor `identity`",
        )),
    }
}

/// None of these types can be sent by a foreign page without asking first.
fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let kind = value(headers, CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Form::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Form::Lines),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "set `Content-Type`: `application/json`, or `application/x-ndjson` for one event a line",
        )),
    }
}

fn value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn too_large(most: usize, doing: &str) -> Problem {
    let most = most >> 20;
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("a body may {doing} at most {most} MB: send smaller batches"),
    )
}

/// A client that hangs up never sees the answer.
fn broken_off(error: &axum::Error) -> Problem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return too_large(MOST_SENT, "send");
        }
        cause = error.source();
    }
    Problem::wrong("the body broke off")
}
