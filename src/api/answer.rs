//! Answers as JSON.

use axum::body::Body;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;

use crate::live::event::Refused;
use crate::live::record::RecordError;
use crate::live::spans::SpanError;
use crate::live::store::StoreError;
use crate::web::access;
use crate::web::answer::{JSON, refusal, text};

use super::counters::Reason;

/// A busy server is asked again after so many seconds.
const RETRY_SECONDS: u32 = 1;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Problem {
    code: StatusCode,
    reason: Reason,
    error: String,
    field: Option<String>,
    access: Option<access::Refused>,
}

pub(super) fn answer(code: StatusCode, body: &impl Serialize) -> Response<Body> {
    text(code, JSON, json!(body).to_string().into())
}

impl Problem {
    pub(super) fn new(code: StatusCode, error: impl Into<String>) -> Self {
        Self {
            code,
            reason: Reason::of(code),
            error: error.into(),
            field: None,
            access: None,
        }
    }

    pub(super) fn wrong(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// What is wrong about one field or parameter.
    pub(super) fn at(field: &str, error: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::wrong(error)
        }
    }

    pub(super) fn missing(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub(super) fn busy(error: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, error)
    }

    /// Of the server where replicas meet.
    pub(super) fn away(error: impl Into<String>) -> Self {
        Self {
            reason: Reason::Store,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
        }
    }

    pub(super) fn stopping() -> Self {
        Self {
            reason: Reason::Stopping,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
        }
    }

    pub(super) fn refused(refused: access::Refused) -> Self {
        let error = match refused {
            access::Refused::Hostless => "the request names no host, or more than one",
            access::Refused::Misdirected => {
                "this server has another name, or a page of another site asks"
            }
            access::Refused::Foreign => "a page of another site, or of another port, asks",
            access::Refused::Unknown => {
                "no token of this server came along: send `Authorization: Bearer TOKEN`"
            }
            access::Refused::Forbidden => "come through the proxy",
            access::Refused::OutOfScope => {
                "this token may not do that: `may` under `[live.tokens]` says what it may"
            }
            access::Refused::Guessing { .. } => "too many wrong tokens",
        };
        Self {
            reason: Reason::Access,
            access: Some(refused),
            ..Self::new(StatusCode::UNAUTHORIZED, error)
        }
    }

    /// What is asked for is another organisation's.
    pub(super) fn denied() -> Self {
        Self {
            error: "Access denied".to_owned(),
            ..Self::refused(access::Refused::OutOfScope)
        }
    }

    fn answer(&self) -> Response<Body> {
        let mut body = json!({ "error": self.error });
        if let Some(field) = &self.field {
            body["field"] = json!(field);
        }
        if let Some(refused) = self.access {
            return refusal(refused, |code| answer(code, &body));
        }
        let mut answer = answer(self.code, &body);
        let headers = answer.headers_mut();
        match self.code {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, RETRY_SECONDS.into());
            }
            // What is left of the body is not read.
            StatusCode::PAYLOAD_TOO_LARGE => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        answer
    }
}

impl IntoResponse for Problem {
    /// With its reason beside it, to be counted.
    fn into_response(self) -> Response<Body> {
        let mut answer = self.answer();
        answer.extensions_mut().insert(self.reason);
        answer
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let field = Some(refused.field).filter(|field| !field.is_empty());
        Self {
            field,
            ..Self::wrong(refused.error)
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        let text = error.to_string();
        match error {
            RecordError::Full => Self {
                reason: Reason::QueueFull,
                ..Self::busy(text)
            },
            RecordError::Busy(_) => Self {
                reason: Reason::Store,
                ..Self::busy("another program keeps the file of the events busy")
            },
            RecordError::Stopped => Self::stopping(),
            RecordError::Store(_) => Self::store(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!("{error}");
        Self::store()
    }
}

impl Problem {
    /// The error itself is in the server's log: it may name files.
    fn store() -> Self {
        let error = "the events' file cannot be used; the server's log says why";
        Self {
            reason: Reason::Store,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
        }
    }
}

impl From<SpanError> for Problem {
    fn from(error: SpanError) -> Self {
        match error {
            SpanError::Refused(refused) => refused.into(),
            SpanError::Record(error) => error.into(),
            SpanError::Store(error) => error.into(),
            SpanError::Unknown(_) => Self::missing(error.to_string()),
            SpanError::Expired { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            SpanError::TooMany => Self::busy(error.to_string()),
        }
    }
}
