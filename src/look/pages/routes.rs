//! The dashboard's routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::routing::get;

use crate::web::answer::{TEXT, redirect, text};

use super::address::{HOME, LIVE, Unread};
use super::asked::Asked;
use super::site::Site;

/// The routes that answer with one word, without access control.
pub fn for_everybody(site: Arc<Site>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { word(true, "") }))
        .route("/readyz", get(ready))
        .route("/reportz", get(reported))
        .with_state(site)
}

pub fn for_readers(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(|| async { redirect(HOME) }))
        .route("/sys/metrics", get(page))
        .route("/sys/metrics/metric/{key}", get(page))
        .route("/sys/metrics/alerts", get(page))
        .route("/sys/metrics/runs", get(page))
        .route(LIVE, get(live))
        .route("/sys/metrics/prometheus", get(series))
        .route("/metrics", get(series))
        .fallback(elsewhere)
        .with_state(site)
}

async fn page(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    match Asked::read(uri.path(), uri.query()) {
        Ok(asked) => site.page(asked, &headers).await,
        Err(Unread::Nowhere) => site.problem(StatusCode::NOT_FOUND),
        Err(Unread::Absurd) => site.problem(StatusCode::BAD_REQUEST),
    }
}

async fn live(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response<Body> {
    site.live(&headers).await
}

async fn series(State(site): State<Arc<Site>>) -> Response<Body> {
    site.series().await
}

/// Redirects an address with a trailing slash to the one without.
async fn elsewhere(State(site): State<Arc<Site>>, uri: Uri) -> Response<Body> {
    let path = uri.path().trim_end_matches('/');
    let known = ["/sys/metrics/prometheus", "/metrics", LIVE].contains(&path)
        || Asked::read(path, None).is_ok();
    if !known {
        return site.problem(StatusCode::NOT_FOUND);
    }
    match uri.query() {
        Some(query) => redirect(&format!("{path}?{query}")),
        None => redirect(path),
    }
}

async fn ready(State(site): State<Arc<Site>>) -> Response<Body> {
    let remark = site.remark().map(|remark| remark + "\n");
    word(site.is_ready().await, &remark.unwrap_or_default())
}

async fn reported(State(site): State<Arc<Site>>) -> Response<Body> {
    word(site.is_reported().await, "")
}

fn word(well: bool, remark: &str) -> Response<Body> {
    match well {
        true => text(StatusCode::OK, TEXT, format!("ok\n{remark}").into()),
        false => text(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            format!("no\n{remark}").into(),
        ),
    }
}
