//! A connection to the mail server for many messages: connects, signs in, then sends each message.
//!
//! Commands, replies and sign-in mechanisms are lettre's. The connection is our own: at every byte it must be known
//! whether a message can have been accepted, nothing said before TLS may pass for an answer inside it, and the doctor
//! needs single steps.

mod dialogue;
mod reach;
mod secure;

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::config::{MailSettings, SmtpServer, Tls};

use super::Attempt;
use super::message::{checked_address, domain};
use super::stream::AnyStream;

use dialogue::{Dialogue, LAST_ANSWER, Lost, shown};

pub use super::attempt::Refusal;
pub use reach::{place, reach, resolve};
pub use secure::Secured;

/// An open connection. If dropped in the middle of a message, the message is not delivered.
pub struct Connection {
    dialogue: Dialogue,
    /// The lines of the answer to EHLO, in capitals.
    features: Vec<String>,
    secured: Option<Secured>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// After 354: the server waits for a message.
    Awaiting,
    Closed,
}

/// How long to wait for the answer to QUIT, which is only a courtesy.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects, starts TLS and signs in. All failures here can be repaired at the server or in the settings, so they may pass.
pub async fn connect(mail: &MailSettings) -> Result<Connection, Refusal> {
    let addresses = resolve(mail).await?;
    let stream = reach(mail, &addresses).await?;
    let mut connection = Connection::greet(mail, stream).await?;
    connection.sign_in(&mail.server).await?;
    Ok(connection)
}

impl Connection {
    /// Greeting, TLS as the settings want it, EHLO.
    pub async fn greet(mail: &MailSettings, stream: TcpStream) -> Result<Self, Refusal> {
        let server = &mail.server;
        let (stream, secured): (AnyStream, _) = match server.tls {
            Tls::Implicit => {
                let (stream, secured) = secure::handshake(mail, Box::new(stream)).await?;
                (stream, Some(secured))
            }
            Tls::StartTls | Tls::None => (Box::new(stream), None),
        };
        let mut connection = Self {
            dialogue: Dialogue::new(stream, place(server), mail.timeout),
            features: Vec::new(),
            secured,
            state: State::Idle,
        };
        let greeting = connection.dialogue.answer("the connection").await?;
        expect(&greeting, "the server refuses the connection")?;
        connection.hello(mail).await?;
        if server.tls == Tls::StartTls {
            connection = connection.start_tls(mail).await?;
            connection.hello(mail).await?;
        }
        Ok(connection)
    }

    async fn hello(&mut self, mail: &MailSettings) -> Result<(), Refusal> {
        let hello = Ehlo::new(own_name(&mail.from.address));
        let reply = self.dialogue.ask("EHLO", hello).await?;
        expect(&reply, "EHLO is refused")?;
        self.features = reply.message().map(str::to_uppercase).collect();
        Ok(())
    }

    async fn start_tls(mut self, mail: &MailSettings) -> Result<Self, Refusal> {
        if self.feature("STARTTLS").is_none() {
            return Err(Refusal::passing(format!(
                "{} does not offer STARTTLS, and nothing is sent unencrypted: use smtps:// if it speaks TLS from the start",
                self.dialogue.server
            )));
        }
        let reply = self.dialogue.ask("STARTTLS", Starttls).await?;
        expect(&reply, "STARTTLS is refused")?;
        let (server, timeout) = (self.dialogue.server.clone(), self.dialogue.timeout);
        let (stream, secured) = secure::handshake(mail, self.dialogue.into_stream()?).await?;
        Ok(Self {
            dialogue: Dialogue::new(stream, server, timeout),
            features: Vec::new(),
            secured: Some(secured),
            state: State::Idle,
        })
    }

    /// Returns the mechanism used; `None` if the settings name no user.
    pub async fn sign_in(&mut self, server: &SmtpServer) -> Result<Option<&'static str>, Refusal> {
        let Some(user) = &server.user else {
            return Ok(None);
        };
        let Some(password) = &server.password else {
            let reply = "a user is set, but no password: set DAYBOOK_SMTP_URL or a password file";
            return Err(Refusal::passing(reply));
        };
        let offered = self.feature("AUTH").unwrap_or_default();
        let offers = |name: &str| offered.split(' ').any(|one| one == name);
        let (mechanism, name) = if offers("PLAIN") {
            (Mechanism::Plain, "PLAIN")
        } else if offers("LOGIN") {
            (Mechanism::Login, "LOGIN")
        } else {
            return Err(Refusal::passing(format!(
                "{} offers neither PLAIN nor LOGIN, and a user is set: check the port, or use another server",
                self.dialogue.server
            )));
        };
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        let reply = self.authenticate(mechanism, credentials).await;
        reply
            .and_then(|reply| expect(&reply, "user and password are not accepted"))
            .map_err(|refusal| secure::without_secrets(refusal, server))?;
        Ok(Some(name))
    }

    async fn authenticate(
        &mut self,
        mechanism: Mechanism,
        credentials: Credentials,
    ) -> Result<Response, Refusal> {
        let unknown = |_| Refusal::passing("the server's sign-in dialogue is invalid");
        let first = Auth::new(mechanism, credentials.clone(), None).map_err(unknown)?;
        let mut reply = self.dialogue.ask("AUTH", first).await?;
        // User and password are two questions; a server that asks more will not accept us.
        for _ in 0..3 {
            if !reply.has_code(334) {
                break;
            }
            let next = Auth::new_from_response(mechanism, credentials.clone(), &reply);
            reply = self.dialogue.ask("AUTH", next.map_err(unknown)?).await?;
        }
        Ok(reply)
    }

    /// Announces a message of `size` bytes, up to the server's 354: MAIL, RCPT, DATA.
    pub async fn begin(&mut self, from: &str, to: &str, size: usize) -> Result<(), Refusal> {
        if self.state != State::Idle {
            self.state = State::Closed;
            let reply = format!("the conversation with {} is over", self.dialogue.server);
            return Err(Refusal::passing(reply));
        }
        if let Some(limit) = self.size_limit().filter(|limit| size > *limit) {
            return Err(Refusal::for_good(format!(
                "the message has {size} bytes, {} accepts at most {limit}",
                self.dialogue.server
            )));
        }
        let announced = self.feature("SIZE").map(|_| MailParameter::Size(size));
        let mail = Mail::new(Some(address(from)?), announced.into_iter().collect());
        let recipient = Rcpt::new(address(to)?, Vec::new());
        self.transact("MAIL FROM", mail, COMPLETED).await?;
        self.transact("RCPT TO", recipient, COMPLETED).await?;
        let ready = Severity::PositiveIntermediate;
        self.transact("DATA", Data, ready).await?;
        self.state = State::Awaiting;
        Ok(())
    }

    /// Asks whether this sender is accepted, and resets: nothing is sent.
    pub async fn try_sender(&mut self, from: &str) -> Result<String, Refusal> {
        let mail = Mail::new(Some(address(from)?), Vec::new());
        let reply = self.transact("MAIL FROM", mail, COMPLETED).await?;
        self.reset().await;
        Ok(shown(&reply))
    }

    /// Sends the message and the final dot. Before the dot has left, nothing can have been accepted.
    pub async fn hand_over(&mut self, message: &[u8]) -> Attempt {
        if std::mem::replace(&mut self.state, State::Closed) != State::Awaiting {
            return Refusal::passing("the server was not asked to take a message").into();
        }
        let deadline = Instant::now() + self.dialogue.timeout * LAST_ANSWER;
        if let Err(lost) = self.dialogue.message(message, deadline).await {
            return Refusal::from(lost).into();
        }
        let reply = match self.dialogue.dot(deadline).await {
            Ok(reply) => reply,
            Err(Lost(reply)) => return Attempt::InDoubt { reply },
        };
        let text = shown(&reply);
        match reply.code().severity {
            COMPLETED => {
                self.state = State::Idle;
                Attempt::Accepted { reply: text }
            }
            Severity::PositiveIntermediate => Attempt::InDoubt { reply: text },
            _ => {
                if !closes(&reply) {
                    self.state = State::Idle;
                }
                Attempt::Refused {
                    reply: text,
                    may_pass: may_pass(&reply),
                }
            }
        }
    }

    pub fn is_open(&self) -> bool {
        self.state == State::Idle
    }

    /// How the connection is encrypted; `None` only on this machine.
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// The largest message that the server accepts, if it announces a limit; 0 means none.
    pub fn size_limit(&self) -> Option<usize> {
        let limit = self.feature("SIZE")?.trim().parse().ok();
        limit.filter(|limit| *limit > 0)
    }

    pub async fn close(mut self) {
        if self.state == State::Idle {
            self.dialogue.timeout = self.dialogue.timeout.min(QUIT_TIMEOUT);
            drop(self.dialogue.ask("QUIT", Quit).await);
        }
    }

    /// One command of a message. After a refusal the transaction is reset, or the connection closed.
    async fn transact(
        &mut self,
        step: &str,
        command: impl std::fmt::Display,
        wanted: Severity,
    ) -> Result<Response, Refusal> {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let reply = self.dialogue.ask(step, command).await?;
        let severity = reply.code().severity;
        if severity == wanted {
            self.state = state;
            return Ok(reply);
        }
        if reply.is_positive() {
            // An unexpected answer: this server gets no message.
            let text = format!("{step} is answered with {}", shown(&reply));
            return Err(Refusal::passing(text));
        }
        if !closes(&reply) {
            self.reset().await;
        }
        Err(Refusal {
            reply: shown(&reply),
            may_pass: may_pass(&reply),
        })
    }

    async fn reset(&mut self) {
        let reply = self.dialogue.ask("RSET", Rset).await;
        let fine = reply.is_ok_and(|reply| reply.code().severity == COMPLETED);
        self.state = if fine { State::Idle } else { State::Closed };
    }

    /// The parameters of an EHLO keyword; `None` if the server does not offer it.
    fn feature(&self, word: &str) -> Option<&str> {
        self.features.iter().find_map(|line| {
            let rest = line.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with([' ', '=']))
                .then(|| rest.trim_start_matches([' ', '=']))
        })
    }
}

const COMPLETED: Severity = Severity::PositiveCompletion;

impl From<Lost> for Refusal {
    fn from(Lost(reply): Lost) -> Self {
        Self::passing(reply)
    }
}

/// The sender's domain: strict servers want a name.
fn own_name(sender: &str) -> ClientId {
    let name = domain(sender);
    let sound = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    if !name.is_empty() && name.chars().all(sound) {
        ClientId::Domain(name.to_owned())
    } else {
        ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST)
    }
}

fn address(text: &str) -> Result<Address, Refusal> {
    checked_address(text).map_err(Refusal::for_good)
}

fn expect(reply: &Response, otherwise: &str) -> Result<(), Refusal> {
    match reply.code().severity {
        COMPLETED => Ok(()),
        _ => Err(Refusal::passing(format!("{otherwise}: {}", shown(reply)))),
    }
}

/// 421: the server closes the connection.
fn closes(reply: &Response) -> bool {
    reply.has_code(421)
}

/// A permanent refusal of this message is for good. A refusal of the connection (not signed in, not encrypted) can be
/// repaired by the operator.
fn may_pass(reply: &Response) -> bool {
    let of_the_conversation = [530, 534, 535, 538];
    let for_good = reply.code().severity == Severity::PermanentNegativeCompletion;
    !for_good || of_the_conversation.iter().any(|code| reply.has_code(*code))
}
