//! A mail server that does what a script says: refuses, stalls, breaks off or lies at any step, and
//! remembers what it was given. It runs on a thread of its own, so a test may block.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod gate;
mod session;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use daybook::config::{MailSettings, Sender, SmtpServer, Tls};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::certificates::Identity;

use gate::{Gate, Pause, Point};

/// Where in a conversation something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// While the message arrives.
    Body,
    /// The whole message is there.
    Dot,
    Rset,
    Quit,
}

/// What the server does instead of what is usual.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers so; line breaks make several lines.
    Say(String),
    /// Says nothing more, and keeps the connection.
    Stall,
    Drop,
    /// Reads so many bytes of the message, then drops the connection. For [`Step::Body`].
    DropAt(usize),
    /// Takes the message, then does not say so. For [`Step::Dot`].
    TakeAndDrop,
    TakeAndStall,
    /// Sends one letter after the other and never ends the line.
    Dribble,
    /// Answers as usual, with words behind it that were not asked for.
    AndMore(String),
}

pub struct Script {
    rules: Vec<Rule>,
    features: Vec<String>,
    tls: Option<(Tls, TlsAcceptor)>,
    user: Option<(String, String)>,
}

struct Rule {
    step: Step,
    /// Only this time, counted from 1 over all connections.
    nth: Option<usize>,
    /// Only when the command has this in it.
    containing: String,
    act: Act,
}

/// A message that the server took.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub from: String,
    pub to: String,
    /// As it was before dots were doubled.
    pub message: Vec<u8>,
    pub encrypted: bool,
    pub signed_in: bool,
}

/// A message that the server asked for with 354.
struct Handed {
    to: String,
    /// Whether the client said anything after it, and so knows the answer.
    heard_again: bool,
}

#[derive(Default)]
struct Seen {
    times: BTreeMap<Step, usize>,
    accepted: Vec<Accepted>,
    handed: Vec<Handed>,
    connections: usize,
    conversations: usize,
    handshakes: usize,
    sign_ins: Vec<String>,
    commands: Vec<String>,
}

struct Shared {
    script: Script,
    seen: Mutex<Seen>,
    gate: Gate,
    stopped: AtomicBool,
}

pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Script {
    pub fn accepting() -> Self {
        Self {
            rules: Vec::new(),
            features: vec!["PIPELINING".to_owned(), "8BITMIME".to_owned()],
            tls: None,
            user: None,
        }
    }

    /// Offers STARTTLS with this certificate.
    pub fn starttls(self, identity: Identity) -> Self {
        self.announce("STARTTLS").tls(Tls::StartTls, identity)
    }

    /// TLS from the first byte.
    pub fn implicit_tls(self, identity: Identity) -> Self {
        self.tls(Tls::Implicit, identity)
    }

    /// Takes messages only from this user, who may sign in by these ways: `PLAIN LOGIN`.
    pub fn user(mut self, user: &str, password: &str, ways: &str) -> Self {
        self.user = Some((user.to_owned(), password.to_owned()));
        self.announce(&format!("AUTH {ways}"))
    }

    /// A further line in the answer to EHLO: `SIZE 1000`.
    pub fn announce(mut self, feature: &str) -> Self {
        self.features.push(feature.to_owned());
        self
    }

    /// Somebody on the way has taken this out of the answer to EHLO.
    pub fn stripped_of(mut self, feature: &str) -> Self {
        self.features.retain(|line| !line.starts_with(feature));
        self
    }

    pub fn on(self, step: Step, act: Act) -> Self {
        self.rule(step, None, "", act)
    }

    /// Only the n-th time that this step is reached, counted from 1.
    pub fn on_nth(self, n: usize, step: Step, act: Act) -> Self {
        self.rule(step, Some(n), "", act)
    }

    pub fn say(self, step: Step, reply: &str) -> Self {
        self.on(step, Act::Say(reply.to_owned()))
    }

    /// What this recipient's RCPT is answered with.
    pub fn rcpt(self, recipient: &str, reply: &str) -> Self {
        let act = Act::Say(reply.to_owned());
        self.rule(Step::Rcpt, None, &format!("<{recipient}>"), act)
    }

    fn rule(mut self, step: Step, nth: Option<usize>, containing: &str, act: Act) -> Self {
        self.rules.push(Rule {
            step,
            nth,
            containing: containing.to_owned(),
            act,
        });
        self
    }

    fn tls(mut self, tls: Tls, identity: Identity) -> Self {
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate], key)
                .unwrap();
        self.tls = Some((tls, TlsAcceptor::from(Arc::new(config))));
        self
    }
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script,
            seen: Mutex::default(),
            gate: Gate::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(serve(listener, serving));
        });
        Self { shared, address }
    }

    /// How a sender reaches it; `localhost` where a certificate must have a name.
    pub fn settings(&self) -> MailSettings {
        let tls = self.tls();
        MailSettings {
            server: SmtpServer {
                host: match tls {
                    Tls::None => "127.0.0.1".to_owned(),
                    Tls::Implicit | Tls::StartTls => "localhost".to_owned(),
                },
                port: self.address.port(),
                tls,
                user: None,
                password: None,
                ca_file: None,
            },
            from: Sender {
                address: "daybook@example.org".to_owned(),
                name: Some("Daybook".to_owned()),
            },
            reply_to: None,
            unsubscribe: None,
            timeout: Duration::from_secs(20),
        }
    }

    /// The same as a setting.
    pub fn url(&self) -> String {
        let port = self.address.port();
        match self.tls() {
            Tls::None => format!("smtp://127.0.0.1:{port}?tls=none"),
            Tls::StartTls => format!("smtp://localhost:{port}"),
            Tls::Implicit => format!("smtps://localhost:{port}"),
        }
    }

    pub fn accepted(&self) -> Vec<Accepted> {
        self.seen().accepted.clone()
    }

    pub fn connections(&self) -> usize {
        self.seen().connections
    }

    pub fn handshakes(&self) -> usize {
        self.seen().handshakes
    }

    /// Stops at this point of a conversation, the n-th time from now on that one gets there.
    pub fn pause(&self, point: Point, nth: usize) -> Pause {
        self.shared.gate.arm(point, nth)
    }

    /// Whose message was asked for and who then was not heard of any more, in order.
    pub fn unheard(&self) -> Vec<String> {
        let seen = self.seen();
        let unheard = seen.handed.iter().filter(|one| !one.heard_again);
        unheard.map(|one| one.to.clone()).collect()
    }

    /// How many conversations go on.
    pub fn conversations(&self) -> usize {
        self.seen().conversations
    }

    /// Who tried to sign in, as `PLAIN user:password`.
    pub fn sign_ins(&self) -> Vec<String> {
        self.seen().sign_ins.clone()
    }

    /// The first word of every command, in order.
    pub fn commands(&self) -> Vec<String> {
        self.seen().commands.clone()
    }

    fn tls(&self) -> Tls {
        let tls = self.shared.script.tls.as_ref();
        tls.map_or(Tls::None, |(tls, _)| *tls)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// What the script says to this step, which is herewith reached once more.
    fn act(&self, step: Step, command: &str) -> Option<Act> {
        let mut seen = self.seen();
        let times = seen.times.entry(step).or_default();
        *times += 1;
        let meant = |rule: &&Rule| {
            rule.step == step
                && rule.nth.is_none_or(|nth| nth == *times)
                && command.contains(&rule.containing)
        };
        let rule = self.script.rules.iter().find(meant);
        rule.map(|rule| rule.act.clone())
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        {
            let mut seen = shared.seen();
            seen.connections += 1;
            seen.conversations += 1;
        }
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Where a conversation breaks off, its end was scripted.
            drop(session::converse(stream, Arc::clone(&shared)).await);
            shared.seen().conversations -= 1;
        });
    }
}
