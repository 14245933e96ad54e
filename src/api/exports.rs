//! Exports of live events, sent as they are read.

use std::io::{self, Write};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::try_unfold;
use tokio::task::yield_now;

use crate::config::live::May;
use crate::live::export::{self, Export, ExportError};
use crate::live::store::Store;

use super::admit;
use super::answer::Problem;
use super::body::{Parameters, parameters};
use super::places::Place;
use super::questions::{Questions, restrict};

const GZIP: &str = "application/gzip";

pub(super) fn routes(questions: Arc<Questions>) -> Router {
    Router::new()
        .route("/api/live/{kind}/export", get(exported))
        .with_state(questions)
}

/// An export on its way to a reader. Who hangs up ends it.
struct Sending {
    export: Export,
    store: Store,
    packer: Option<GzEncoder<Vec<u8>>>,
    has_more: bool,
    questions: Arc<Questions>,
    _place: Place,
}

/// Of one kind, or of several with commas between.
async fn exported(
    State(questions): State<Arc<Questions>>,
    kinds: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = admit(&questions.access, &questions.stop, &request, May::Read)?;
    let Path(kinds) = kinds.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
    let kinds = kinds.split(',').map(|name| questions.kind(name));
    let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
    let context = questions.context();
    let (format, mut request) = export::Request::read(&kinds, &parameters(pairs)?, context)?;
    if format.is_file() {
        let error = "this is a file of its own: use `daybook live export`";
        return Err(Problem::at("format", error));
    }
    for selection in &mut request.selections {
        restrict(&mut selection.filter, &selection.kind, &grant)?;
    }
    let place = questions.exports.take(&grant)?;
    let mut store = match questions.reader.open().await? {
        Some(store) => store,
        None => Store::in_memory().await?,
    };
    let media_type = match request.gzip {
        true => GZIP,
        false => format.media_type(),
    };
    let packer = (request.gzip).then(|| GzEncoder::new(Vec::new(), Compression::default()));
    let hand = questions.hands.acquire().await;
    let export = Export::new(&mut store, format, request).await?;
    drop(hand);
    let sending = Sending {
        export,
        store,
        packer,
        has_more: true,
        questions,
        _place: place,
    };
    let mut answer = Response::new(Body::from_stream(try_unfold(sending, Sending::next)));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(answer)
}

impl Sending {
    /// An export that lacks what cannot be read breaks off at its end: nobody may take it for whole.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut piece = Vec::new();
        while self.has_more && piece.is_empty() {
            if self.questions.stop.is_cancelled() {
                return Err(io::Error::other("the server is stopping"));
            }
            let hand = self.questions.hands.acquire().await;
            let next = self.export.next(&mut self.store, &mut piece).await;
            self.has_more = next.map_err(failed)?;
            if let Some(packer) = &mut self.packer {
                packer.write_all(&piece)?;
                if !self.has_more {
                    packer.try_finish()?;
                }
                piece = std::mem::take(packer.get_mut());
            }
            drop(hand);
        }
        if !piece.is_empty() {
            return Ok(Some((piece.into(), self)));
        }
        match self.export.gaps().broken.is_empty() {
            true => Ok(None),
            false => {
                let broken = self.export.gaps().broken.iter();
                broken.for_each(|why| tracing::error!("an export breaks off: {why}"));
                // What was written goes out before.
                yield_now().await;
                Err(io::Error::other("some events cannot be read"))
            }
        }
    }
}

fn failed(error: ExportError) -> io::Error {
    tracing::error!("an export breaks off: {error}");
    io::Error::other("it cannot be read on")
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Ask(error) => error.into(),
            error => Self::busy(error.to_string()),
        }
    }
}
