//! Batches of events.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::live::May;
use crate::live::batch::{self, Batch};
use crate::live::compat::Format;
use crate::live::compat::hosts::{HOST, KIND};
use crate::live::event::{Event, Refused};
use crate::web::access::Grant;

use super::Api;
use super::answer::{Problem, answer};
use super::body::{Form, Parameters, Sent, parameters};

/// The label of whoever a token speaks for.
pub(super) const ORGANISATION: &str = "organisation";
const LONGEST_KEY: usize = 256;

pub(super) async fn record(
    State(api): State<Arc<Api>>,
    asked: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    let format = format(&parameters(asked)?)?;
    let key = key(&request, &grant)?;
    let sent = api.read(request).await?;
    let hand = api.hand(sent.bytes.len()).await;
    let mut batch = api.batch(&sent, format, &grant, &BTreeSet::new())?;
    let others = api.hosts_of_others(&batch, &grant).await?;
    if !others.is_empty() {
        batch = api.batch(&sent, format, &grant, &others)?;
    }
    drop((hand, sent));
    batch.key = key.map(|key| batch::key(&key));
    let reply = api.recorder.send(batch).await?;
    let rejected = reply.rejected.len() + reply.more_rejected;
    api.counters.accepted.add(reply.accepted);
    api.counters.rejected.add(rejected);
    let code = match reply.accepted > 0 || reply.duplicate || rejected == 0 {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Ok(answer(code, &reply))
}

fn format(pairs: &[(String, String)]) -> Result<Format, Problem> {
    match pairs {
        [] => Ok(Format::default()),
        [(name, text)] if name == "format" => text
            .parse()
            .map_err(|error: String| Problem::at(name, error)),
        [(name, _), ..] => Err(Problem::at(name, "expected `format`, once")),
    }
}

/// What makes a repeat known again; each token has its own.
pub(super) fn key(request: &Request, grant: &Grant) -> Result<Option<String>, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => {
            Ok(Some(format!("{}:{key}", grant.token)))
        }
        _ => {
            let expected = format!("`Idempotency-Key` is not 1 to {LONGEST_KEY} plain characters");
            Err(Problem::wrong(expected))
        }
    }
}

impl Api {
    /// Samples of hosts that are others' are refused.
    fn batch(
        &self,
        sent: &Sent,
        format: Format,
        grant: &Grant,
        others: &BTreeSet<String>,
    ) -> Result<Batch, Problem> {
        let nothing = || Problem::wrong("the body holds no event");
        if sent.bytes.trim_ascii().is_empty() {
            return Err(nothing());
        }
        let now = self.recorder.now();
        let mut batch = Batch::default();
        let mut has_passed_over = false;
        let mut add = |number: usize, text: &[u8]| {
            let read = format.read(text, self.zone);
            let owned = |event| {
                self.owned(event, grant)
                    .and_then(|event| not_of(event, others))
            };
            let event = read.and_then(|event| event.map(owned).transpose());
            match event.transpose() {
                Some(event) => batch.add_read(number, event, self.recorder.kinds(), now),
                None => has_passed_over = true,
            }
        };
        match sent.form {
            Form::Lines => {
                for (at, line) in sent.bytes.split(|byte| *byte == b'\n').enumerate() {
                    if !line.trim_ascii().is_empty() {
                        add(at + 1, line);
                    }
                }
            }
            Form::Json if sent.bytes.trim_ascii_start().starts_with(b"[") => {
                let mut json = serde_json::Deserializer::from_slice(&sent.bytes);
                let mut number = 0;
                let elements = Elements(|event: &RawValue| {
                    number += 1;
                    add(number, event.get().as_bytes());
                });
                let read = json.deserialize_seq(elements).and_then(|()| json.end());
                read.map_err(|error| Problem::wrong(format!("not valid JSON: {error}")))?;
            }
            Form::Json => add(1, &sent.bytes),
        }
        match batch.is_empty() && !batch.has_refused() && !has_passed_over {
            true => Err(nothing()),
            false => Ok(batch),
        }
    }

    /// The event of whoever the token speaks for; its ids are apart from those of others.
    pub(super) fn owned<'e>(&self, event: Event<'e>, grant: &Grant) -> Result<Event<'e>, Refused> {
        let Some(own) = &grant.organisation else {
            return Ok(event);
        };
        let refused = |error: String| {
            Err(Refused {
                field: format!("labels.{ORGANISATION}"),
                error,
            })
        };
        let kind = self.recorder.kinds().get(&*event.kind);
        if kind.is_some_and(|kind| kind.label(ORGANISATION).is_none()) {
            let kind = &event.kind;
            return refused(format!(
                "this token speaks for `{own}` only, and `{kind}` has no such label"
            ));
        }
        let named = event.labels.iter().find(|(name, _)| name == ORGANISATION);
        if named.is_some_and(|(_, text)| text != own) {
            return refused(format!("this token speaks for `{own}` only"));
        }
        let mut event = event.label(ORGANISATION, own.clone());
        event.id = event.id.map(|id| format!("{own}:{id}").into());
        Ok(event)
    }
}

/// Refuses a sample of one of these hosts.
fn not_of<'e>(event: Event<'e>, others: &BTreeSet<String>) -> Result<Event<'e>, Refused> {
    let mut labels = event.labels.iter().filter(|_| event.kind == KIND);
    let other = labels.find(|(name, host)| name == HOST && others.contains(&**host));
    match other.map(|(_, host)| host.escape_debug().to_string()) {
        None => Ok(event),
        Some(host) => Err(Refused {
            field: format!("labels.{HOST}"),
            error: format!("the host `{host}` is another organisation's"),
        }),
    }
}

/// Hands on the elements of an array one by one: together they may take many times the room of their text.
struct Elements<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}
