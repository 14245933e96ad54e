//! Events as they are recorded, for as long as somebody reads them: server-sent events, each with the position behind it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use axum::routing::get;
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::config::live::May;
use crate::kinds::Kind;
use crate::live::follow::{Followed, Position, Step, end, followed, next};
use crate::live::point::points;
use crate::web::Endless;
use crate::web::access::Grant;

use super::admit;
use super::answer::Problem;
use super::body::{Parameters, parameters};
use super::places::Place;
use super::questions::{Questions, own, restrict};

const EVERY: Duration = Duration::from_secs(1);
/// A connection on which nothing is said looks dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Bytes that are sent at a time; so many and one event wait for a slow client.
const FRAME: usize = 64 << 10;
const GAP: &str = "events in between are no longer kept in their order: ask for them by time";
const LAST_ID: &str = "last-event-id";

const HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_TYPE, "text/event-stream"),
    (CACHE_CONTROL, "no-store"),
    (CONNECTION, "close"),
];

pub(super) fn routes(questions: Arc<Questions>) -> Router {
    Router::new()
        .route("/api/events/stream", get(follow))
        .with_state(questions)
}

async fn follow(
    State(questions): State<Arc<Questions>>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = admit(&questions.access, &questions.stop, &request, May::Read)?;
    let followed = questions.asked(&parameters(pairs)?, &grant)?;
    let position = position(request.headers())?;
    let place = questions.streams.take(&grant)?;
    let (frames, sent) = mpsc::channel(1);
    let following = Following {
        questions,
        followed,
        frames,
        _place: place,
    };
    tokio::spawn(following.run(position));
    let frames = stream::unfold(sent, |mut sent| async {
        let frame = sent.recv().await?;
        Some((Ok::<Bytes, Infallible>(frame), sent))
    });
    let mut answer = Response::new(Body::from_stream(frames));
    for (name, text) in HEADERS {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(text));
    }
    answer.extensions_mut().insert(Endless);
    Ok(answer)
}

/// Where a client that comes back goes on.
fn position(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(id) = headers.get(LAST_ID) else {
        return Ok(None);
    };
    let position = id.to_str().ok().and_then(|id| id.parse().ok());
    let wrong = || Problem::at("Last-Event-ID", "this is no `id` of this stream");
    position.map(Some).ok_or_else(wrong)
}

impl Questions {
    /// `kind` may be said several times; left out, all kinds are meant that have the labels.
    fn asked(&self, pairs: &[(String, String)], grant: &Grant) -> Result<Followed, Problem> {
        let mut named: Vec<&Kind> = Vec::new();
        for (name, text) in pairs {
            match name.as_str() {
                "kind" => named.push(self.kind(text)?),
                "ok" => {}
                name if name.starts_with("label.") => {}
                name => {
                    return Err(Problem::at(
                        name,
                        "expected `kind`, `ok` or `label.` and a label",
                    ));
                }
            }
        }
        let mut followed = if named.is_empty() {
            let visible = self
                .live
                .kinds
                .values()
                .filter(|kind| own(kind, grant).is_ok());
            followed(visible, false, pairs)?
        } else {
            followed(named, true, pairs)?
        };
        for (name, filter) in &mut followed {
            restrict(filter, &self.live.kinds[name], grant)?;
        }
        Ok(followed)
    }
}

/// One client.
struct Following {
    questions: Arc<Questions>,
    followed: Followed,
    /// One frame waits at most; the file is read again when the client has taken it.
    frames: mpsc::Sender<Bytes>,
    _place: Place,
}

impl Following {
    /// Until the client goes or the server stops.
    async fn run(self, from: Option<Position>) {
        tokio::select! {
            () = self.send_all(from) => {}
            () = self.questions.stop.cancelled() => {}
            () = self.frames.closed() => {}
        }
    }

    async fn send_all(&self, mut position: Option<Position>) {
        let mut said: Option<Instant> = None;
        loop {
            let mut frame = String::new();
            // A client that comes back goes on where it was.
            let Ok(is_all) = self.step(&mut position, &mut frame).await else {
                return;
            };
            let is_silent = said.is_none_or(|said| said.elapsed() >= HEARTBEAT);
            if let Some(position) = position.filter(|_| frame.is_empty() && is_silent) {
                // An id without data is no event, and moves where the client goes on.
                frame = format!(": here\nid: {position}\n\n");
            }
            if !frame.is_empty() {
                if self.frames.send(frame.into()).await.is_err() {
                    return;
                }
                said = Some(Instant::now());
            }
            if is_all {
                sleep(EVERY).await;
            }
        }
    }

    /// Reads on from the position, and says whether that was all there is.
    async fn step(&self, position: &mut Option<Position>, frame: &mut String) -> Result<bool, ()> {
        let failed = |error| tracing::error!("a stream of events: {error}");
        let Some(mut store) = self.questions.followed.store().await.map_err(failed)? else {
            position.get_or_insert(Position::FIRST);
            return Ok(true);
        };
        let from = match *position {
            Some(from) => from,
            None => *position.insert(end(&mut store).await.map_err(failed)?),
        };
        let step = next(&mut store, &self.followed, from)
            .await
            .map_err(failed)?;
        drop(store);
        match step {
            Step::End(end) => {
                *position = Some(end);
                Ok(true)
            }
            Step::Gap(end) => {
                *position = Some(end);
                gap(frame, end);
                Ok(false)
            }
            Step::Points {
                kind,
                points: all,
                positions,
            } => {
                for (point, end) in points(&all, &kind).zip(positions) {
                    event(frame, end, &json!(point).to_string());
                    *position = Some(end);
                    if frame.len() >= FRAME {
                        break;
                    }
                }
                Ok(false)
            }
        }
    }
}

fn event(frame: &mut String, id: Position, data: &str) {
    frame.push_str(&format!("id: {id}\ndata: {data}\n\n"));
}

fn gap(frame: &mut String, id: Position) {
    let data = json!({ "error": GAP });
    frame.push_str(&format!("event: gap\nid: {id}\ndata: {data}\n\n"));
}
