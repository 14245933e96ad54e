//! A browser without manners: what it sends arrives as it was written, and what comes back is kept whole.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How long an answer is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(crate) struct Browser {
    server: SocketAddr,
    from: IpAddr,
    /// What it says with every request, beside `Host`.
    says: Vec<(String, String)>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order sent.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Browser {
    /// Of the server on this port of 127.0.0.1.
    pub(crate) fn at(port: u16) -> Self {
        Self {
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            from: Ipv4Addr::LOCALHOST.into(),
            says: Vec::new(),
        }
    }

    /// The same from another address of this machine, such as `127.0.0.2`.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    pub(crate) fn saying(mut self, name: &str, value: &str) -> Self {
        self.says.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.ask("GET", address).await
    }

    pub(crate) async fn head(&self, address: &str) -> Answer {
        self.ask("HEAD", address).await
    }

    /// Asks for nothing but this, and reads until the server closes. A `Host` that it says replaces its own.
    pub(crate) async fn ask(&self, method: &str, address: &str) -> Answer {
        let mut request = format!("{method} {address} HTTP/1.1\r\nConnection: close\r\n");
        if !self.says.iter().any(|(name, _)| name == "Host") {
            request += &format!("Host: {}\r\n", self.server);
        }
        for (name, value) in &self.says {
            request += &format!("{name}: {value}\r\n");
        }
        self.send(format!("{request}\r\n").as_bytes()).await
    }

    /// Sends a body of that type.
    pub(crate) async fn post(&self, address: &str, kind: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let length = body.len();
        let mut request = format!(
            "POST {address} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n",
            self.server
        );
        for (name, value) in &self.says {
            request += &format!("{name}: {value}\r\n");
        }
        let mut request = format!("{request}\r\n").into_bytes();
        request.extend(body);
        self.send(&request).await
    }

    /// Sends these bytes and reads until the server closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.open().await;
        // A server that has heard enough closes before all is sent.
        drop(stream.write_all(bytes).await);
        let all = rest(&mut stream).await;
        let text = String::from_utf8_lossy(&all);
        Answer::read(&text)
    }

    /// A connection on which nothing has been said.
    pub(crate) async fn open(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        socket.connect(self.server).await.unwrap()
    }
}

/// Everything until the server closes; a connection that it cuts has what came before.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = stream.read_to_end(&mut all);
    let read = tokio::time::timeout(PATIENCE, reading).await;
    drop(read.expect("the server neither answers nor closes"));
    all
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let pair = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            headers: lines.map(pair).collect(),
            body: body.to_owned(),
        }
    }

    /// The value of the only header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        let first = named.next();
        assert!(named.next().is_none(), "{name} twice: {:?}", self.headers);
        first.map(|(_, value)| value.as_str())
    }
}
