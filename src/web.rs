//! The server: connections with limits, access control, answers with headers. It knows no page.

pub mod access;
pub mod answer;
mod caller;
pub mod connections;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Extension, Request, State};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};

use access::Access;
use answer::{JSON, guarded, problem, refusal, text};
use caller::address_block;

pub use caller::Proxies;
pub use connections::{Endless, Limits, Line, Peer, serve};

/// Maximum length of a request target.
const ADDRESS_BYTES: usize = 4096;

/// What every request passes before its route.
#[derive(Clone)]
struct Entrance {
    access: Arc<Access>,
    problem_page: Arc<dyn Fn(StatusCode) -> String + Send + Sync>,
}

impl Entrance {
    fn problem(&self, code: StatusCode) -> Response<Body> {
        problem(code, (self.problem_page)(code))
    }
}

/// Puts the common layers before all routes. Those of `for_readers` need access; those of `for_programs` see to theirs
/// themselves.
pub fn router(
    for_everybody: Router,
    for_readers: Router,
    for_programs: Router,
    access: Arc<Access>,
    problem_page: impl Fn(StatusCode) -> String + Send + Sync + 'static,
) -> Router {
    let entrance = Entrance {
        access,
        problem_page: Arc::new(problem_page),
    };
    for_everybody
        .merge(for_readers.layer(from_fn_with_state(entrance.clone(), only_for_readers)))
        .layer(from_fn_with_state(entrance.clone(), only_reads))
        .merge(for_programs)
        .layer(from_fn_with_state(entrance.clone(), sensible))
        .layer(from_fn_with_state(entrance, logged))
}

/// Logs neither query nor headers: they may hold secrets.
async fn logged(
    State(entrance): State<Entrance>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let begun = Instant::now();
    let asked = format!("{} {}", request.method(), request.uri().path());
    let from = address_block(entrance.access.proxies.caller(peer, request.headers()));
    let answer = next.run(request).await;
    tracing::debug!(
        status = answer.status().as_u16(),
        ms = begun.elapsed().as_millis(),
        bytes = answer.body().size_hint().exact(),
        %from,
        "{asked}"
    );
    answer
}

/// Refuses overlong addresses, programs' in JSON, and adds headers to every answer.
async fn sensible(
    State(entrance): State<Entrance>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let address = request.uri().path_and_query();
    let is_long = address.is_some_and(|address| address.as_str().len() > ADDRESS_BYTES);
    guarded(match is_long {
        true if request.uri().path().starts_with("/api/") => {
            let error = format!(r#"{{"error":"the address has more than {ADDRESS_BYTES} bytes"}}"#);
            text(StatusCode::URI_TOO_LONG, JSON, error.into())
        }
        true => entrance.problem(StatusCode::URI_TOO_LONG),
        false => next.run(request).await,
    })
}

async fn only_reads(
    State(entrance): State<Entrance>,
    request: Request,
    next: Next,
) -> Response<Body> {
    match [Method::GET, Method::HEAD].contains(request.method()) {
        true => next.run(request).await,
        false => entrance.problem(StatusCode::METHOD_NOT_ALLOWED),
    }
}

async fn only_for_readers(
    State(entrance): State<Entrance>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (uri, headers) = (request.uri(), request.headers());
    match entrance.access.admit(peer, uri, headers, Instant::now()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refusal(refused, |code| entrance.problem(code)),
    }
}
