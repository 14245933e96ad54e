//! Connections: how many there may be, how long each may take, and how they end.

mod body;
mod phase;
mod slots;
mod stream;

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::web::caller::Proxies;

use body::TimedBody;
use phase::ConnectionPhase;
use slots::{Room, Slots};
use stream::TimedStream;

/// The head of a request. Browsers send some hundred bytes, cookies of neighbours on one host more.
const HEAD_BYTES: usize = 16 * 1024;

/// The kernel's buffer for a client that does not take its answer. Its default is megabytes.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// The pause when no connection can be accepted, until others end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A client that has sent more, such as its next request, is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Limits of the number of connections, and of what each may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At this number, a new one replaces the longest idle one.
    pub connections: usize,
    /// The same for an IPv4 address or an IPv6 network of 64 bits; proxies are exempt.
    pub connections_per_address: usize,
    /// From the first byte of a request, or from the connection, to the end of its head.
    pub head: Duration,
    /// For the body, from when it is wanted to its end.
    pub body: Duration,
    pub body_bytes: usize,
    /// Between two requests.
    pub idle: Duration,
    /// How long a client may lag behind the least rate while it reads answers.
    pub stall: Duration,
    /// Bytes a second.
    pub least_rate: u64,
    /// How long an answer to too many wrong guesses is held back.
    pub too_many_guesses: Duration,
    /// How long answers on their way may take when the server stops.
    pub last_words: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            connections_per_address: 64,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            body_bytes: 8 * 1024 * 1024,
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            least_rate: 1024,
            too_many_guesses: Duration::from_secs(1),
            last_words: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// For that many bytes at the least rate.
    fn time_for(&self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.least_rate.max(1))
    }
}

/// The address at the other end.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Tells whether the client is still there, while nothing of it is read.
#[derive(Debug, Clone)]
pub struct Line(Arc<TcpStream>);

impl Line {
    fn of(stream: &TcpStream) -> io::Result<Self> {
        let same = std::net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        TcpStream::from_std(same).map(|same| Self(Arc::new(same)))
    }

    /// Until the client closes its side.
    pub async fn closed(&self) {
        while self.0.peek(&mut [0]).await.is_ok_and(|bytes| bytes > 0) {
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Marks an answer that is sent only after a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldBack;

/// Marks an answer that goes on for as long as the client reads it. It says something more often than a client may stall.
#[derive(Debug, Clone, Copy)]
pub struct Endless;

struct Connection {
    stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    phase: Arc<ConnectionPhase>,
    stops: watch::Receiver<()>,
}

/// Serves until `stop`, then finishes the answers on their way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    proxies: Arc<Proxies>,
    stop: CancellationToken,
) {
    let (stopping, stops) = watch::channel(());
    let mut slots = Slots::new(limits, proxies);
    let mut tasks = JoinSet::new();
    let mut asked = pin!(stop.cancelled());
    let mut next: Option<(TcpStream, IpAddr)> = None;
    loop {
        if let Some((stream, peer)) = next.take() {
            match slots.make_room(peer) {
                Room::Made => {
                    let phase = Arc::new(ConnectionPhase::new(limits));
                    let connection = Connection {
                        stream,
                        peer: Peer(peer),
                        router: router.clone(),
                        limits,
                        phase: phase.clone(),
                        stops: stops.clone(),
                    };
                    slots.take(peer, phase, tasks.spawn(connection.answer()));
                }
                Room::Later => next = Some((stream, peer)),
                Room::None => {}
            }
        }
        let may_open = next.is_none() && slots.may_open();
        tokio::select! {
            () = &mut asked => break,
            Some(ended) = tasks.join_next_with_id() => {
                slots.free(ended.map_or_else(|error| error.id(), |(id, ())| id));
            }
            () = sleep(ACCEPT_BACKOFF), if !may_open => {}
            accepted = listener.accept(), if may_open => match accepted {
                Ok((stream, peer)) => next = Some((stream, peer.ip().to_canonical())),
                Err(_) => sleep(ACCEPT_BACKOFF).await,
            }
        }
    }
    drop(listener);
    drop(stopping);
    let ended = async { while tasks.join_next().await.is_some() {} };
    // Dropping the set cuts those that take longer.
    drop(timeout(limits.last_words, ended).await);
}

impl Connection {
    async fn answer(mut self) {
        // Without it the end of an answer may wait for the client's acknowledgement of its beginning.
        drop(self.stream.set_nodelay(true));
        // Ignores failure: the kernel's own size works too.
        set_socket_send_buffer_size(&self.stream, SEND_BUFFER_BYTES).ok();
        // Without it, no end is noticed before something is sent.
        let line = Line::of(&self.stream).ok();
        let phase = self.phase.clone();
        let router = TowerToHyperService::new(self.router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            phase.head_is_read();
            request.extensions_mut().insert(self.peer);
            if let Some(line) = &line {
                request.extensions_mut().insert(line.clone());
            }
            let most = self.limits.body_bytes;
            let request = request.map(|body| Body::new(TimedBody::new(body, most, phase.clone())));
            let answer = router.call(request);
            let phase = phase.clone();
            async move {
                let answer = answer.await;
                if answer.as_ref().is_ok_and(is_held_back) {
                    phase.answer_is_held_back();
                    sleep(self.limits.too_many_guesses).await;
                }
                match answer.as_ref().is_ok_and(is_endless) {
                    true => phase.answer_goes_on(),
                    false => phase.answer_is_ready(),
                }
                answer
            }
        });
        let stream = TokioIo::new(TimedStream::new(self.stream, self.phase.clone()));
        let connection = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            // Answers even if the client hangs up, so that wrong guesses are counted.
            .half_close(true)
            .header_read_timeout(None::<Duration>)
            .serve_connection(stream, service);
        let mut connection = pin!(connection);
        tokio::select! {
            // hyper answers the client's errors itself.
            _ = connection.as_mut() => return,
            // The sender is gone: the server stops.
            _ = self.stops.changed() => {}
        }
        if self.phase.is_answering() {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

fn is_held_back(answer: &Response<Body>) -> bool {
    answer.extensions().get::<HeldBack>().is_some()
}

fn is_endless(answer: &Response<Body>) -> bool {
    answer.extensions().get::<Endless>().is_some()
}
