//! The dashboard: who asks is let in or not, an address becomes a page, a page is kept until the book changes.

pub mod access;
mod address;
mod answer;
pub mod asked;
mod caller;
pub mod connections;
mod kept;
pub mod pages;
pub mod reported;
mod site;
pub mod words;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;

use tokio_util::sync::CancellationToken;

use access::Access;
use answer::{TEXT, guarded, redirect, refusal, text};
use asked::Asked;
use connections::Peer;

pub use address::{HOME, Unread};
pub use caller::Proxies;
pub use connections::Limits;
pub use site::Site;

/// Longer addresses mean nothing here.
const ADDRESS_BYTES: usize = 4096;

/// Answers until somebody asks to stop.
pub async fn serve(
    site: Arc<Site>,
    listener: TcpListener,
    limits: Limits,
    stop: CancellationToken,
) {
    let proxies = Arc::clone(&site.access.proxies);
    connections::serve(listener, router(site), limits, proxies, stop).await;
}

/// Everything under its address. The three that only say a word are open to everybody.
fn router(site: Arc<Site>) -> Router {
    let signed_in = Router::new()
        .route("/", get(|| async { redirect(HOME) }))
        .route("/sys/metrics", get(page))
        .route("/sys/metrics/metric/{key}", get(page))
        .route("/sys/metrics/alerts", get(page))
        .route("/sys/metrics/runs", get(page))
        .route("/sys/metrics/prometheus", get(series))
        .route("/metrics", get(series))
        .fallback(elsewhere)
        .layer(from_fn_with_state(site.clone(), only_for_readers));
    Router::new()
        .route("/healthz", get(|| async { word(true) }))
        .route("/readyz", get(ready))
        .route("/reportz", get(reported))
        .merge(signed_in)
        .layer(from_fn_with_state(site.clone(), sensible))
        .with_state(site)
}

/// Refuses what no address answers, and gives every answer its headers.
async fn sensible(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response<Body> {
    let address = request.uri().path_and_query();
    let long = address.is_some_and(|address| address.as_str().len() > ADDRESS_BYTES);
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    guarded(match (reads, long) {
        (false, _) => site.problem(StatusCode::METHOD_NOT_ALLOWED),
        (true, true) => site.problem(StatusCode::URI_TOO_LONG),
        (true, false) => next.run(request).await,
    })
}

async fn only_for_readers(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let shown = (request.uri(), request.headers());
    match site.access.admit(peer, shown, Instant::now()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refusal(refused, |code| site.problem_page(code)),
    }
}

async fn page(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    match Asked::read(uri.path(), uri.query()) {
        Ok(asked) => site.page(asked, &headers).await,
        Err(Unread::Nowhere) => site.problem(StatusCode::NOT_FOUND),
        Err(Unread::Absurd) => site.problem(StatusCode::BAD_REQUEST),
    }
}

async fn series(State(site): State<Arc<Site>>) -> Response<Body> {
    site.series().await
}

/// An address with one slash too many leads to the one without.
async fn elsewhere(State(site): State<Arc<Site>>, uri: Uri) -> Response<Body> {
    let path = uri.path().trim_end_matches('/');
    let known =
        ["/sys/metrics/prometheus", "/metrics"].contains(&path) || Asked::read(path, None).is_ok();
    if !known {
        return site.problem(StatusCode::NOT_FOUND);
    }
    match uri.query() {
        Some(query) => redirect(&format!("{path}?{query}")),
        None => redirect(path),
    }
}

async fn ready(State(site): State<Arc<Site>>) -> Response<Body> {
    word(site.is_ready().await)
}

async fn reported(State(site): State<Arc<Site>>) -> Response<Body> {
    word(site.is_reported().await)
}

fn word(well: bool) -> Response<Body> {
    match well {
        true => text(StatusCode::OK, TEXT, "ok\n".into()),
        false => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "no\n".into()),
    }
}
