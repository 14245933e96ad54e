//! Live events over HTTP: programs send events, begin and end spans, open sessions, and see what the server makes of it.

mod answer;
mod body;
mod counters;
mod events;
mod exports;
mod grafana;
mod health;
mod hosts;
mod moderation;
mod places;
mod questions;
mod sessions;
mod spans;
mod stream;
mod watch;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use chrono::TimeDelta;
use chrono_tz::Tz;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::config::live::May;
use crate::live::reader::Reader;
use crate::live::record::Recorder;
use crate::live::redis::forward::Window;
use crate::live::spans::Spans;
use crate::web::access::{Access, Grant, Refused};
use crate::web::answer::{JSON, text};
use crate::web::{Line, Peer};

use answer::Problem;
use counters::Counters;
use health::Process;
use hosts::Hosts;
pub use questions::Questions;
use watch::Sample;

/// Bytes of bodies that are in memory at a time.
const BODIES_BYTES: usize = 32 << 20;
/// For so long a question goes on after its client has closed its side of the connection.
const GRACE: Duration = Duration::from_secs(1);

/// What all routes share.
pub struct Api {
    recorder: Recorder,
    /// The one of times without a zone.
    zone: Tz,
    reader: Reader,
    spans: Spans,
    hosts: Hosts,
    access: Arc<Access>,
    stop: CancellationToken,
    bodies: Arc<Semaphore>,
    /// Bodies are taken apart by one processor less than there are: a page must not wait for them.
    hands: Semaphore,
    counters: Counters,
    /// What goes to the server where replicas meet, if anything does.
    forwarding: Option<Window>,
    sample: Mutex<Sample>,
    /// When the server began.
    begun: Process,
}

impl Api {
    pub fn new(
        live: &LiveSettings,
        zone: Tz,
        recorder: Recorder,
        access: Arc<Access>,
        stop: CancellationToken,
    ) -> Self {
        let reader = Reader::of_all(live);
        let timeout = TimeDelta::from_std(live.span_timeout).unwrap_or(TimeDelta::MAX);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            spans: Spans::new(recorder.clone(), reader.clone(), timeout),
            hosts: Hosts::new(live),
            recorder,
            zone,
            reader,
            access,
            stop,
            bodies: Arc::new(Semaphore::new(BODIES_BYTES)),
            hands: Semaphore::new(processors.saturating_sub(1).max(1)),
            counters: Counters::default(),
            forwarding: None,
            sample: Mutex::default(),
            begun: Process::now(),
        }
    }

    pub fn with_forwarding(self, forwarding: Option<Window>) -> Self {
        Self { forwarding, ..self }
    }

    /// Lets go of the file, once nobody asks any more.
    pub async fn close(&self) {
        self.reader.close().await;
    }

    fn admit(&self, request: &Request, what: May) -> Result<Grant, Problem> {
        admit(&self.access, &self.stop, request, what)
    }
}

fn admit(
    access: &Access,
    stop: &CancellationToken,
    request: &Request,
    what: May,
) -> Result<Grant, Problem> {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.ok_or(Problem::refused(Refused::Hostless))?;
    let (uri, headers) = (request.uri(), request.headers());
    let admitted = access.admit_program(peer.0, uri, headers, what, Instant::now());
    let grant = admitted.map_err(Problem::refused)?;
    match stop.is_cancelled() {
        true => Err(Problem::stopping()),
        false => Ok(grant),
    }
}

/// The routes of a server that takes events, answers questions about them, or does neither.
pub fn routes(api: Option<Arc<Api>>, questions: Option<Arc<Questions>>) -> Router {
    let mut router = Router::new();
    if let Some(questions) = questions {
        router = router
            .merge(exports::routes(Arc::clone(&questions)))
            .merge(grafana::routes(Arc::clone(&questions)))
            .merge(moderation::routes(Arc::clone(&questions)))
            .merge(stream::routes(Arc::clone(&questions)))
            .merge(questions::routes(questions))
            .layer(from_fn(while_heard))
            .route("/api/openapi.json", get(description));
    }
    let router = match api {
        Some(api) => router
            .merge(intake_routes(api))
            .route("/api/{*rest}", any(nowhere)),
        None => router.route("/api/{*rest}", any(closed)),
    };
    router.method_not_allowed_fallback(other_method)
}

fn intake_routes(api: Arc<Api>) -> Router {
    let sessions = get(sessions::list).layer(from_fn(while_heard));
    Router::new()
        .route("/api/events", post(events::record))
        .route("/api/spans", post(spans::begin).get(spans::list))
        .route("/api/spans/{id}/end", post(spans::end))
        .route("/api/sessions", post(sessions::open).merge(sessions))
        .merge(hosts::routes())
        .layer(from_fn_with_state(Arc::clone(&api), counted))
        .with_state(api)
}

async fn description() -> Response<Body> {
    let document = include_str!("api/openapi.json");
    text(StatusCode::OK, JSON, document.into())
}

async fn nowhere() -> Problem {
    Problem::missing("there is nothing here: see /api/openapi.json")
}

async fn other_method() -> Problem {
    let error = "this address does not take that method: see /api/openapi.json";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error)
}

async fn closed() -> Problem {
    Problem::missing("this server takes no events: set `accept = true` under [live]")
}

/// A question whose asker has hung up is given up. Whoever only says no more still gets what is answered soon.
async fn while_heard(request: Request, next: Next) -> Response<Body> {
    let line = request.extensions().get::<Line>().cloned();
    let hung_up = async {
        match line {
            Some(line) => line.closed().await,
            None => pending().await,
        }
        sleep(GRACE).await;
    };
    tokio::select! {
        answer = next.run(request) => answer,
        () = hung_up => Problem::busy("the client hung up").into_response(),
    }
}

/// Counts requests that were not done.
async fn counted(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response<Body> {
    let answer = next.run(request).await;
    if let Some(reason) = answer.extensions().get() {
        api.counters.refused(*reason).add(1);
    }
    answer
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            tracing::error!("the system gives no random numbers: {error}");
            Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the system gives no random numbers",
            ))
        }
    }
}

fn as_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
