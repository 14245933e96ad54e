//! The HTTP/1.1 client for webhooks and pings, on hyper: one connection, one request, one answer.
//!
//! It follows no redirects, since the body and its signature are meant for one address only, and supports no proxy: a
//! relay on this machine can forward. To other machines it speaks only TLS. An address may be secret, so its path, query
//! and credentials appear in no answer and no error.

mod address;
mod answer;

use std::error::Error as _;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::trust;

use super::stream::AnyStream;
use super::{Attempt, Refusal};
use address::Address;

pub use answer::{Answer, refused};

/// What is posted, and where.
pub struct Request<'a> {
    pub url: &'a SecretString,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
    /// Appear in no answer, as those of the address.
    pub secrets: &'a [&'a str],
    /// For the whole exchange, from the lookup of the name to the last byte.
    pub timeout: Duration,
    /// Certificates (PEM) to trust besides the host's own store.
    pub ca_file: Option<&'a Path>,
}

/// The server that a request would go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// `hooks.example.org:443`
    pub host: String,
    /// In DER; `None` without TLS.
    pub certificate: Option<Vec<u8>>,
}

const LONGEST_HEAD: usize = 16 * 1024;

/// Why there is no answer. The sentences follow the name of what has the address: `webhook ops: …`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpError {
    #[error("its address must begin with https:// or, on this machine only, http://")]
    Address,
    #[error("{host} is not this machine: its address must begin with https://")]
    PlainAbroad { host: String },
    #[error("{0}")]
    Trust(String),
    #[error("no address is known for {host}: {reason}")]
    Unknown { host: String, reason: String },
    #[error("cannot connect to {host}: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("no safe connection to {host}: {reason}")]
    Tls { host: String, reason: String },
    #[error("{host} was too slow: {timeout:?} passed while {step}")]
    Late {
        host: String,
        timeout: Duration,
        step: &'static str,
    },
    #[error("{host} closed the connection before its answer was complete")]
    BrokenOff { host: String },
    #[error("the answer of {host} is not HTTP")]
    NotHttp { host: String },
    #[error("{host} answered with more than 16 KB or 100 lines of headers")]
    TooLong { host: String },
}

/// The answer, whatever it says.
pub async fn send(request: &Request<'_>) -> Result<Answer, HttpError> {
    let mut exchange = Exchange::new(request.url, request.timeout)?;
    exchange.address.conceal(request.secrets);
    let message = message(request, &exchange.address)?;
    let (stream, _) = exchange.connect(request.ca_file).await?;
    exchange.talk(stream, message).await
}

/// Connects like a request, and closes the connection.
pub async fn reach(
    url: &SecretString,
    timeout: Duration,
    ca_file: Option<&Path>,
) -> Result<Reached, HttpError> {
    let exchange = Exchange::new(url, timeout)?;
    let (_, certificate) = exchange.connect(ca_file).await?;
    Ok(Reached {
        host: exchange.address.with_port(),
        certificate,
    })
}

/// Sends, and judges the answer: 2xx is accepted; answers of a busy or broken server and failures on the way may pass.
/// Nothing is in doubt, since receivers may get it twice.
pub async fn attempt(request: &Request<'_>) -> Attempt {
    match send(request).await {
        Ok(answer) => answer.attempt(),
        Err(error) => {
            let may_pass = error.may_pass();
            let reply = error.to_string();
            Refusal { reply, may_pass }.into()
        }
    }
}

impl HttpError {
    /// Only a wrong address stays wrong; a certificate or a name can be repaired at the server.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Address | Self::PlainAbroad { .. })
    }
}

struct Exchange {
    address: Address,
    timeout: Duration,
    deadline: Instant,
}

impl Exchange {
    fn new(url: &SecretString, timeout: Duration) -> Result<Self, HttpError> {
        Ok(Self {
            address: Address::read(url.expose_secret()).ok_or(HttpError::Address)?,
            timeout,
            deadline: Instant::now() + timeout,
        })
    }

    /// The connection, and the server's certificate in DER if it speaks TLS.
    async fn connect(
        &self,
        ca_file: Option<&Path>,
    ) -> Result<(AnyStream, Option<Vec<u8>>), HttpError> {
        let candidates = self.within("looking up its name", self.look_up()).await?;
        let stream = self.connect_to_any(&candidates).await?;
        let Some(name) = &self.address.tls_name else {
            return Ok((Box::new(stream), None));
        };
        let mut config = trust::client(ca_file).map_err(HttpError::Trust)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let handshake = async {
            let connected = connector.connect(name.clone(), stream).await;
            connected.map_err(|error| HttpError::Tls {
                host: self.host(),
                reason: trust::failure(&error, "ca_file"),
            })
        };
        let stream = self.within("agreeing on TLS", handshake).await?;
        let certificates = stream.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first).map(|one| one.to_vec());
        Ok((Box::new(stream), certificate))
    }

    async fn look_up(&self) -> Result<Vec<SocketAddr>, HttpError> {
        let unknown = |reason: String| HttpError::Unknown {
            host: self.host(),
            reason,
        };
        let found = lookup_host((self.address.name.as_str(), self.address.port)).await;
        let mut candidates: Vec<SocketAddr> =
            found.map_err(|error| unknown(error.to_string()))?.collect();
        if self.address.tls_name.is_none() {
            candidates.retain(|candidate| candidate.ip().is_loopback());
            if candidates.is_empty() {
                return Err(HttpError::PlainAbroad { host: self.host() });
            }
        }
        match candidates.is_empty() {
            true => Err(unknown("the name has none".to_owned())),
            false => Ok(candidates),
        }
    }

    /// Each candidate gets a share of the remaining time, so that a dead one does not use all of it.
    async fn connect_to_any(&self, candidates: &[SocketAddr]) -> Result<TcpStream, HttpError> {
        let mut last = self.late("connecting");
        for (at, candidate) in candidates.iter().enumerate() {
            let now = Instant::now();
            let shares = (candidates.len() - at) as u32;
            let until = now + self.deadline.saturating_duration_since(now) / shares;
            match timeout_at(until, TcpStream::connect(candidate)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => {
                    last = HttpError::Unreachable {
                        host: self.address.with_port(),
                        reason: error.to_string(),
                    };
                }
                Err(_) => {}
            }
        }
        Err(last)
    }

    async fn talk(&self, stream: AnyStream, message: Message) -> Result<Answer, HttpError> {
        let trouble = |error: hyper::Error| self.trouble(&error);
        let (mut sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            // An invalid header does no harm: only the status and a redirect's host are used.
            .ignore_invalid_headers_in_responses(true)
            .max_buf_size(LONGEST_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(trouble)?;
        let sent = sender.send_request(message);
        let mut answer = pin!(async {
            let answered = async { sent.await.map_err(trouble) };
            let response = self.within("waiting for its answer", answered).await?;
            Ok(Answer::read(response, self.deadline, &self.address.secrets).await)
        });
        // After the connection ends, what arrived before can still be read.
        tokio::select! {
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }

    fn trouble(&self, error: &hyper::Error) -> HttpError {
        let host = self.host();
        // A server that speaks first, as in other protocols, cancels the request.
        let unasked =
            error.is_canceled() && error.source().is_some_and(|why| why.is::<hyper::Error>());
        if error.is_parse_too_large() {
            HttpError::TooLong { host }
        } else if error.is_parse() || unasked {
            HttpError::NotHttp { host }
        } else {
            HttpError::BrokenOff { host }
        }
    }

    async fn within<T>(
        &self,
        step: &'static str,
        work: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        match timeout_at(self.deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(self.late(step)),
        }
    }

    fn late(&self, step: &'static str) -> HttpError {
        HttpError::Late {
            host: self.host(),
            timeout: self.timeout,
            step,
        }
    }

    fn host(&self) -> String {
        self.address.host.clone()
    }
}

type Message = hyper::Request<Full<Bytes>>;

fn message(request: &Request<'_>, address: &Address) -> Result<Message, HttpError> {
    let length = request.body.len().to_string();
    let authorization = address.authorization.as_deref();
    let headers = [
        ("Host", address.host_header.as_str()),
        ("User-Agent", concat!("daybook/", env!("CARGO_PKG_VERSION"))),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    .into_iter()
    .chain(authorization.map(|text| ("Authorization", text)))
    .chain(request.headers.iter().copied())
    .chain([("Content-Length", length.as_str())]);
    let mut message = hyper::Request::post(&address.target);
    for (name, value) in headers {
        // A line break would begin another header.
        let value: String = value
            .chars()
            .filter(|letter| !letter.is_control())
            .collect();
        message = message.header(name, value);
    }
    let body = Full::new(Bytes::copy_from_slice(request.body));
    message.body(body).map_err(|_| HttpError::Address)
}
