//! A scripted HTTP server: what it answers to each connection is written down beforehand, and what it was
//! asked is kept. Plain or with TLS.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::Identity;

/// What the server does with one connection.
#[derive(Clone)]
pub(crate) enum Act {
    /// Reads the request, sends these bytes and closes.
    Answer(Vec<u8>),
    /// Sends these bytes as soon as the request's head is there, and closes without reading the rest.
    AnswerEarly(Vec<u8>),
    /// Reads the request, sends these bytes and then nothing, with the connection open.
    Stall(Vec<u8>),
    /// Sends these bytes before it is asked anything, and waits for the client to go.
    Greet(Vec<u8>),
    /// Closes without reading.
    HangUp,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `POST /path HTTP/1.1`
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Act {
    pub(crate) fn answer(text: &str) -> Self {
        Self::Answer(text.as_bytes().to_vec())
    }

    pub(crate) fn stall(text: &str) -> Self {
        Self::Stall(text.as_bytes().to_vec())
    }
}

impl Server {
    /// The last act is repeated.
    pub(crate) async fn plain(acts: Vec<Act>) -> Self {
        Self::start(acts, None).await
    }

    pub(crate) async fn tls(identity: Identity, acts: Vec<Act>) -> Self {
        Self::start(acts, Some(acceptor(&identity))).await
    }

    async fn start(acts: Vec<Act>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let act = acts[connection.min(acts.len() - 1)].clone();
                let (tls, asked) = (tls.clone(), asked.clone());
                tokio::spawn(async move {
                    match tls {
                        None => play(stream, act, &asked).await,
                        Some(tls) => {
                            // A client that does not trust us ends the handshake.
                            if let Ok(stream) = tls.accept(stream).await {
                                play(stream, act, &asked).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            port,
            asked: kept,
            task,
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands there twice");
        value
    }
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn play(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    act: Act,
    asked: &Mutex<Vec<Asked>>,
) {
    match act {
        Act::HangUp => {}
        Act::Greet(bytes) => {
            say(&mut stream, &bytes).await;
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
        Act::AnswerEarly(bytes) => {
            read_head(&mut stream).await;
            say(&mut stream, &bytes).await;
        }
        Act::Answer(bytes) => {
            hear(&mut stream, asked).await;
            say(&mut stream, &bytes).await;
        }
        Act::Stall(bytes) => {
            hear(&mut stream, asked).await;
            stream.write_all(&bytes).await.unwrap();
            stream.flush().await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

/// A client may have gone already.
async fn say(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    if stream.write_all(bytes).await.is_ok() {
        drop(stream.shutdown().await);
    }
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), asked: &Mutex<Vec<Asked>>) {
    let head = read_head(stream).await;
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "Content-Length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    asked.lock().unwrap().push(Asked {
        line,
        headers,
        body: String::from_utf8(body).unwrap(),
    });
}

/// Byte by byte, so that nothing of the body is taken.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
