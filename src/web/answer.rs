//! Answers with their headers: security policies and caching.

use axum::body::{Body, Bytes};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::response::{Html, IntoResponse, Redirect};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::access::Refused;
use super::connections::HeldBack;

pub const TEXT: &str = "text/plain; charset=utf-8";
pub const JSON: &str = "application/json";
pub const SERIES: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Cached by the browser, which asks each time whether the page has changed.
const ASK_AGAIN: &str = "no-cache, private";
const NEVER_KEPT: &str = "no-store";

/// For answers that are not pages: load and run nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// On every answer.
const ALWAYS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// A page ready to be sent.
#[derive(Debug)]
pub struct Page {
    body: Bytes,
    tag: HeaderValue,
    policy: HeaderValue,
}

impl Page {
    pub fn new(html: String) -> Self {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&html)[..16]);
        Self {
            tag: header(&format!("\"{digest}\"")),
            policy: header(&policy(&html)),
            body: html.into(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.body.len() + 1024
    }

    /// The page, or only that it has not changed since the browser got it.
    pub fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let known = asked.get_all(IF_NONE_MATCH).iter();
        let known = known.filter_map(|list| list.to_str().ok());
        let mut answer = match known.into_iter().any(|list| names(list, &self.tag)) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => Html(self.body.clone()).into_response(),
        };
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
        answer
    }
}

/// A page about what went wrong.
pub fn problem(code: StatusCode, html: String) -> Response<Body> {
    let policy = header(&policy(&html));
    let mut answer = (code, Html(html)).into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if code == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    answer
}

/// For a caller without access.
pub fn refusal(
    refused: Refused,
    answer: impl FnOnce(StatusCode) -> Response<Body>,
) -> Response<Body> {
    let code = match refused {
        Refused::Hostless => StatusCode::BAD_REQUEST,
        Refused::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Refused::Unknown => StatusCode::UNAUTHORIZED,
        Refused::Foreign | Refused::Forbidden | Refused::OutOfScope => StatusCode::FORBIDDEN,
        Refused::Guessing { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut answer = answer(code);
    let headers = answer.headers_mut();
    match refused {
        Refused::Unknown => {
            // Browsers take the first that they know.
            for challenge in [
                "Basic realm=\"Daybook\", charset=\"UTF-8\"",
                "Bearer realm=\"Daybook\"",
            ] {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        Refused::Guessing { wait } => {
            headers.insert(RETRY_AFTER, (wait.as_secs() + 1).into());
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            answer.extensions_mut().insert(HeldBack);
        }
        _ => {}
    }
    answer
}

pub fn text(code: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    (code, [(CONTENT_TYPE, kind)], body).into_response()
}

pub fn redirect(address: &str) -> Response<Body> {
    Redirect::temporary(address).into_response()
}

/// Adds what every answer has and this one lacks.
pub(super) fn guarded(mut answer: Response<Body>) -> Response<Body> {
    let headers = answer.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let lacking = [
        (CONTENT_SECURITY_POLICY, NOTHING),
        (CACHE_CONTROL, NEVER_KEPT),
    ];
    for (name, value) in lacking {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

/// Made only of our own or strictly read text, so it is always valid.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// Whether a list of `If-None-Match` names that tag, weakly or not.
fn names(list: &str, tag: &HeaderValue) -> bool {
    let mut tags = list.split(',').map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag)
}

/// Allows the page's style and script by their digests, and nothing else. The style stands before all data and the
/// script after it, so an element injected between is not allowed.
fn policy(html: &str) -> String {
    let style = html.split_once("<style>").map(|(_, rest)| rest);
    let script = html.rsplit_once("<script>").map(|(_, rest)| rest);
    let style = source(style.and_then(|rest| rest.split_once("</style>")));
    let script = source(script.and_then(|rest| rest.split_once("</script>")));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

fn source(element: Option<(&str, &str)>) -> String {
    element.map_or("'none'".to_owned(), |(inside, _)| {
        let digest = BASE64_STANDARD.encode(Sha256::digest(inside));
        format!("'sha256-{digest}'")
    })
}
