//! One conversation of the scripted server.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daybook::config::Tls;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::gate::Point;
use super::{Accepted, Act, Handed, Shared, Step};

/// So many lines are in the middle of every message.
const HALF: usize = 40;

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

struct Session {
    line: BufReader<Box<dyn Line>>,
    shared: Arc<Shared>,
    encrypted: bool,
    signed_in: bool,
    from: String,
    to: String,
    /// The message that the client was last told to send, among all that the server ever asked for.
    handed: Option<usize>,
}

/// Until somebody hangs up.
pub(super) async fn converse(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut session = Session {
        line: BufReader::new(Box::new(stream)),
        shared,
        encrypted: false,
        signed_in: false,
        from: String::new(),
        to: String::new(),
        handed: None,
    };
    if matches!(session.shared.script.tls, Some((Tls::Implicit, _))) {
        session = session.encrypt().await?;
    }
    session.pass(Point::Connected).await?;
    session.step(Step::Greeting, "", "220 scripted").await?;
    loop {
        let command = session.read_line().await?;
        session.is_heard_again();
        let verb = command.split(' ').next().unwrap_or_default();
        let verb = verb.to_uppercase();
        session.shared.seen().commands.push(verb.clone());
        match verb.as_str() {
            "EHLO" => {
                session.pass(Point::Ehlo).await?;
                let features = session.features();
                session.step(Step::Ehlo, &command, &features).await?;
            }
            "STARTTLS" => {
                if session.step(Step::StartTls, &command, "220 go on").await? {
                    session = session.encrypt().await?;
                }
            }
            "AUTH" => session.sign_in(&command).await?,
            "MAIL" if session.is_stranger() => session.say("530 5.7.0 sign in first").await?,
            "MAIL" => {
                session.pass(Point::Mail).await?;
                session.from = address(&command);
                session.step(Step::Mail, &command, "250 2.1.0 Ok").await?;
            }
            "RCPT" => {
                session.pass(Point::Rcpt).await?;
                session.to = address(&command);
                session.step(Step::Rcpt, &command, "250 2.1.5 Ok").await?;
            }
            "DATA" => {
                session.pass(Point::DataAsked).await?;
                session.asks_for_a_message();
                let goes_on = session.step(Step::Data, &command, "354 go on").await?;
                if goes_on {
                    session.take().await?;
                }
            }
            "RSET" => drop(session.step(Step::Rset, &command, "250 2.0.0 Ok").await?),
            "QUIT" => {
                session.pass(Point::Quit).await?;
                session.step(Step::Quit, &command, "221 2.0.0 Bye").await?;
                return Ok(());
            }
            _ => session.say("502 5.5.2 no such command").await?,
        }
    }
}

impl Session {
    /// Stays here while a test holds this point. Whoever has hung up meanwhile, with nothing left in the line,
    /// is not served any further: so a server that notices in time does.
    async fn pass(&mut self, point: Point) -> io::Result<()> {
        if self.shared.gate.pass(point).await {
            let glance = Duration::from_millis(50);
            let more = tokio::time::timeout(glance, self.line.fill_buf()).await;
            if more.is_ok_and(|more| more.is_ok_and(<[u8]>::is_empty)) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn asks_for_a_message(&mut self) {
        let mut seen = self.shared.seen();
        self.handed = Some(seen.handed.len());
        seen.handed.push(Handed {
            to: self.to.clone(),
            heard_again: false,
        });
    }

    fn is_heard_again(&mut self) {
        if let Some(at) = self.handed.take() {
            self.shared.seen().handed[at].heard_again = true;
        }
    }

    /// Does what the script says, else what is usual; tells whether the client may go on.
    async fn step(&mut self, step: Step, command: &str, usual: &str) -> io::Result<bool> {
        let reply = match self.shared.act(step, command) {
            None => usual.to_owned(),
            Some(Act::Say(reply)) => reply,
            Some(Act::Stall) => pending().await,
            Some(Act::Dribble) => return self.dribble().await,
            Some(Act::AndMore(more)) => format!("{usual}\n{more}"),
            Some(Act::Drop | Act::DropAt(_) | Act::TakeAndDrop | Act::TakeAndStall) => {
                return Err(ErrorKind::ConnectionAborted.into());
            }
        };
        self.say(&reply).await?;
        Ok(reply.starts_with(['2', '3']))
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let text = format!("{}\r\n", reply.replace('\n', "\r\n"));
        self.line.get_mut().write_all(text.as_bytes()).await?;
        self.line.get_mut().flush().await
    }

    async fn dribble(&mut self) -> io::Result<bool> {
        loop {
            self.line.get_mut().write_all(b"2").await?;
            self.line.get_mut().flush().await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.line.read_until(b'\n', &mut line).await?;
        let line = line.strip_suffix(b"\r\n");
        let line = line.ok_or(ErrorKind::UnexpectedEof)?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    fn features(&self) -> String {
        let script = &self.shared.script;
        let offered = script
            .features
            .iter()
            .filter(|line| !(self.encrypted && line.as_str() == "STARTTLS"));
        let lines: String = offered.map(|line| format!("250-{line}\n")).collect();
        format!("250-scripted\n{lines}250 HELP")
    }

    fn is_stranger(&self) -> bool {
        self.shared.script.user.is_some() && !self.signed_in
    }

    async fn encrypt(mut self) -> io::Result<Self> {
        match self.shared.act(Step::Handshake, "") {
            None => {}
            Some(Act::Stall) => pending().await,
            Some(Act::Say(text)) => self.say(&text).await?,
            Some(_) => return Err(ErrorKind::ConnectionAborted.into()),
        }
        let acceptor = self
            .shared
            .script
            .tls
            .as_ref()
            .map(|(_, acceptor)| acceptor.clone());
        let acceptor = acceptor.ok_or(ErrorKind::Unsupported)?;
        let stream = acceptor.accept(self.line.into_inner()).await?;
        self.shared.seen().handshakes += 1;
        Ok(Self {
            line: BufReader::new(Box::new(stream)),
            encrypted: true,
            ..self
        })
    }

    async fn sign_in(&mut self, command: &str) -> io::Result<()> {
        let mut words = command.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default().to_uppercase();
        let given = if mechanism == "PLAIN" {
            let text = decoded(words.next().unwrap_or_default());
            text.trim_start_matches('\0').replace('\0', ":")
        } else {
            self.say("334 VXNlcm5hbWU6").await?;
            let user = decoded(&self.read_line().await?);
            self.say("334 UGFzc3dvcmQ6").await?;
            format!("{user}:{}", decoded(&self.read_line().await?))
        };
        let known = self.shared.script.user.as_ref();
        let known = known.is_some_and(|(user, password)| format!("{user}:{password}") == given);
        self.shared
            .seen()
            .sign_ins
            .push(format!("{mechanism} {given}"));
        let usual = match known {
            true => "235 2.7.0 welcome",
            false => "535 5.7.8 authentication failed",
        };
        self.signed_in = self.step(Step::Auth, command, usual).await?;
        Ok(())
    }

    /// The message, and what is said to it.
    async fn take(&mut self) -> io::Result<()> {
        self.pass(Point::DataGranted).await?;
        match self.shared.act(Step::Body, &self.to) {
            Some(Act::DropAt(bytes)) => {
                let mut part = vec![0; bytes];
                self.line.read_exact(&mut part).await?;
                return Err(ErrorKind::ConnectionAborted.into());
            }
            Some(Act::Stall) => pending().await,
            Some(Act::Drop) => return Err(ErrorKind::ConnectionAborted.into()),
            _ => {}
        }
        let message = self.read_message().await?;
        self.pass(Point::DotRead).await?;
        let to = format!("<{}>", self.to);
        match self.shared.act(Step::Dot, &to) {
            None => {
                self.remember(message);
                self.pass(Point::Taken).await?;
                self.say("250 2.0.0 Ok: queued").await?;
                self.pass(Point::Answered).await?;
                Ok(())
            }
            Some(Act::Say(reply)) => {
                if reply.starts_with('2') {
                    self.remember(message);
                }
                self.say(&reply).await
            }
            Some(Act::TakeAndDrop) => {
                self.remember(message);
                Err(ErrorKind::ConnectionAborted.into())
            }
            Some(Act::TakeAndStall) => {
                self.remember(message);
                pending().await
            }
            Some(Act::Stall) => pending().await,
            Some(Act::Dribble) => self.dribble().await.map(drop),
            Some(_) => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    async fn read_message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        for line in 0.. {
            if line == HALF {
                self.pass(Point::HalfRead).await?;
            }
            let begin = message.len();
            self.line.read_until(b'\n', &mut message).await?;
            match &message[begin..] {
                b".\r\n" => {
                    message.truncate(begin);
                    return Ok(message);
                }
                line if !line.ends_with(b"\n") => return Err(ErrorKind::UnexpectedEof.into()),
                [b'.', ..] => drop(message.remove(begin)),
                _ => {}
            }
        }
        unreachable!("the lines have no end of their own")
    }

    fn remember(&mut self, message: Vec<u8>) {
        self.shared.seen().accepted.push(Accepted {
            from: self.from.clone(),
            to: self.to.clone(),
            message,
            encrypted: self.encrypted,
            signed_in: self.signed_in,
        });
    }
}

/// What stands between the angle brackets.
fn address(command: &str) -> String {
    let inside = command.split_once('<').map_or("", |(_, rest)| rest);
    inside.split('>').next().unwrap_or_default().to_owned()
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
