//! Spans that begin with one request and end with another.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::config::live::May;
use crate::live::batch::{OpenSpan, SpanKey};
use crate::live::event::{Event, Refused, hash};
use crate::web::access::Grant;

use super::Api;
use super::answer::{Problem, answer};
use super::body::{LIMIT, Parameters, numbers};
use super::events::key;
use super::{as_hex, random};

const LONGEST_ID: usize = 128;

#[derive(Serialize)]
struct Begun<'a> {
    id: &'a str,
    kind: &'a str,
    begun_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    duplicate: bool,
}

#[derive(Serialize)]
struct Ended<'a> {
    id: &'a str,
    ended_at: DateTime<Utc>,
    duration: f64,
    duplicate: bool,
}

pub(super) async fn begin(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    let repeated = key(&request, &grant)?.map(|key| as_hex(&hash("span", &key)));
    let fields = api.read_object(request).await?;
    let mut event = Event::from_fields(fields)?;
    let given = event.id.take().map(|id| checked(&id)).transpose()?;
    let event = api.owned(event, &grant)?;
    if event.ok.is_some() {
        return Err(Problem::wrong("`ok` is known when a span ends"));
    }
    let id = match given.or(repeated) {
        Some(id) => id,
        None => as_hex(&random::<16>()?),
    };
    let span = span_key(&id, &grant);
    let begun = api.spans.begin(span, event).await?;
    let code = match begun.duplicate {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let body = Begun {
        id: &id,
        kind: &begun.kind,
        begun_at: begun.at,
        expires_at: begun.expires,
        duplicate: begun.duplicate,
    };
    Ok(answer(code, &body))
}

pub(super) async fn end(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    let Path(id) = id.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
    let mut fields = api.read_object(request).await?;
    for taken in ["kind", "id"] {
        if fields.contains_key(taken) {
            return Err(Problem::wrong(format!(
                "`{taken}` is known since the span began"
            )));
        }
    }
    let error = fields.remove("error");
    let error = match &error {
        None | Some(Json::Null) => None,
        Some(Json::String(message)) => Some(message.as_str()),
        Some(_) => return Err(Problem::wrong("`error` is not text")),
    };
    let event = api.owned(Event::from_fields(fields)?, &grant)?;
    let key = span_key(&id, &grant);
    let ended = api.spans.end(&key, event, error).await?;
    let body = Ended {
        id: &id,
        ended_at: ended.at,
        duration: ended.duration,
        duplicate: ended.duplicate,
    };
    if !ended.duplicate {
        api.counters.accepted.add(1);
    }
    Ok(answer(StatusCode::OK, &body))
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Read)?;
    let own = grant.organisation.as_deref();
    let [most] = numbers(pairs, [LIMIT])?;
    let open = api.spans.open_count(own).await?;
    let spans = api.spans.open(own, most).await?;
    let spans: Vec<Json> = spans.iter().map(listed).collect();
    Ok(answer(
        StatusCode::OK,
        &json!({ "open": open, "spans": spans }),
    ))
}

fn span_key(id: &str, grant: &Grant) -> SpanKey {
    SpanKey {
        organisation: grant.organisation.clone().unwrap_or_default(),
        id: id.to_owned(),
    }
}

/// An id stands in an address.
fn checked(id: &str) -> Result<String, Refused> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.~:".contains(letter);
    let length = 1..=LONGEST_ID;
    // Clients take dots for folders.
    match length.contains(&id.len()) && id.chars().all(is_plain) && !id.starts_with('.') {
        true => Ok(id.to_owned()),
        false => Err(Refused {
            field: "id".to_owned(),
            error: format!(
                "expected 1 to {LONGEST_ID} letters a-z, digits and `-_.~:`, and no `.` first"
            ),
        }),
    }
}

fn listed(span: &OpenSpan) -> Json {
    let instant = |micros| DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    let event: Json = serde_json::from_str(&span.event).unwrap_or_default();
    json!({
        "id": span.key.id,
        "kind": event["kind"],
        "labels": event["labels"],
        "begun_at": instant(span.begun),
        "expires_at": instant(span.expires),
    })
}
