//! Connections from the first byte to the last: how many there may be, how long each may be silent, and how
//! they end.

mod patient;

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use tokio_util::sync::CancellationToken;

use patient::{Pace, Patient};

/// More wait until others end: what a connection holds is small, but not nothing.
const CONNECTIONS: usize = 256;

/// The head of a request. Browsers send some hundred bytes, cookies of neighbours on one host more.
const HEAD_BYTES: usize = 16 * 1024;

/// How long is waited when no connection can be taken: those that end free what is short.
const BREATH: Duration = Duration::from_millis(100);

/// How long a client may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request, or from the connection, to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// While it takes nothing of an answer.
    pub stall: Duration,
    /// For answers that are on their way when the server is stopped.
    pub last_words: Duration,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            last_words: Duration::from_secs(10),
        }
    }
}

/// Answers until somebody asks to stop; then what is being answered is answered to the end.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    stop: CancellationToken,
) {
    let (stopping, stops) = watch::channel(());
    let mut talks = JoinSet::new();
    let mut asked = pin!(stop.cancelled());
    loop {
        tokio::select! {
            () = &mut asked => break,
            Some(_) = talks.join_next() => {}
            accepted = listener.accept(), if talks.len() < CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    let peer = Peer(peer.ip().to_canonical());
                    talks.spawn(talk(stream, peer, router.clone(), (patience, stops.clone())));
                }
                Err(_) => sleep(BREATH).await,
            }
        }
    }
    drop(listener);
    drop(stopping);
    let ended = async { while talks.join_next().await.is_some() {} };
    // Those that take longer are cut when the set is dropped.
    drop(timeout(patience.last_words, ended).await);
}

async fn talk(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    (patience, mut stops): (Patience, watch::Receiver<()>),
) {
    // Without it the end of an answer may wait for the client's acknowledgement of its beginning.
    drop(stream.set_nodelay(true));
    let pace = Arc::new(Pace::new(patience));
    let answering = pace.clone();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        answering.answer_begins();
        request.extensions_mut().insert(peer);
        let answer = router.call(request);
        let pace = answering.clone();
        async move {
            let answer = answer.await;
            pace.answer_is_made();
            answer
        }
    });
    let stream = TokioIo::new(Patient::new(stream, pace.clone()));
    let connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .header_read_timeout(None::<Duration>)
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    tokio::select! {
        // What a client did wrong is told to it by hyper, and is nobody else's business.
        _ = connection.as_mut() => return,
        // The sender is gone: the server stops.
        _ = stops.changed() => {}
    }
    if pace.is_answering() {
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}
