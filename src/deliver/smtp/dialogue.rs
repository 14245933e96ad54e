//! Sends commands and reads replies, with a time limit for each and a maximum length.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::deliver::stream::AnyStream;
use crate::text::duration::spoken;
use crate::text::plain::one_line;

pub(super) struct Dialogue {
    stream: BufReader<AnyStream>,
    /// The server's name in errors.
    pub(super) server: String,
    /// For each answer.
    pub(super) timeout: Duration,
}

/// Why the connection was lost.
#[derive(Debug)]
pub(super) struct Lost(pub(super) String);

/// Multiplies the timeout for the answer to a whole message, since losing it means doubt.
pub(super) const LAST_ANSWER: u32 = 10;
const LONGEST_REPLY: usize = 64 * 1024;
const MOST_SHOWN: usize = 500;

impl Dialogue {
    pub(super) fn new(stream: AnyStream, server: String, timeout: Duration) -> Self {
        Self {
            stream: BufReader::new(stream),
            server,
            timeout,
        }
    }

    /// Sends one command and reads its answer. Errors contain `step`, since the command may hold a secret.
    pub(super) async fn ask(
        &mut self,
        step: &str,
        command: impl Display,
    ) -> Result<Response, Lost> {
        let deadline = Instant::now() + self.timeout;
        let asked = self
            .exchange(command.to_string().as_bytes(), deadline)
            .await;
        self.judged(asked, step, self.timeout)
    }

    /// Reads what the server says first.
    pub(super) async fn answer(&mut self, step: &str) -> Result<Response, Lost> {
        let deadline = Instant::now() + self.timeout;
        let answered = timeout_at(deadline, self.read()).await;
        self.judged(answered, step, self.timeout)
    }

    /// Sends the message without the final dot.
    pub(super) async fn message(&mut self, message: &[u8], deadline: Instant) -> Result<(), Lost> {
        let text = transparent(message);
        let written = timeout_at(deadline, self.write(&text)).await;
        self.judged(written, "the message", self.timeout * LAST_ANSWER)
    }

    /// Sends the final dot, and reads the answer to the message.
    pub(super) async fn dot(&mut self, deadline: Instant) -> Result<Response, Lost> {
        let answered = self.exchange(b".\r\n", deadline).await;
        self.judged(answered, "the whole message", self.timeout * LAST_ANSWER)
    }

    async fn exchange(
        &mut self,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<io::Result<Response>, Elapsed> {
        let exchange = async {
            self.write(bytes).await?;
            self.read().await
        };
        timeout_at(deadline, exchange).await
    }

    /// The bare connection, for TLS. Fails if the server has already said more: inside TLS that would look like an
    /// answer, and anybody could have sent it.
    pub(super) fn into_stream(self) -> Result<AnyStream, Lost> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(Lost(format!(
                "{} continues in plain text after STARTTLS: somebody may be tampering with the connection",
                self.server
            )))
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await?;
        self.stream.get_mut().flush().await
    }

    async fn read(&mut self) -> io::Result<Response> {
        let mut reply = Vec::new();
        loop {
            let begin = reply.len();
            let room = (LONGEST_REPLY - begin) as u64;
            let mut line = (&mut self.stream).take(room);
            line.read_until(b'\n', &mut reply).await?;
            if reply.last() != Some(&b'\n') || reply.len() == begin {
                let whole = reply.len() < LONGEST_REPLY;
                let kind = io::ErrorKind::UnexpectedEof;
                return Err(if whole { kind.into() } else { strange(&reply) });
            }
            if reply.get(begin + 3) != Some(&b'-') {
                break;
            }
        }
        let text = String::from_utf8_lossy(&reply);
        // A code alone is a valid reply, and not every server ends its lines with CR LF.
        let lines = text.lines().map(|line| match line.len() {
            3 => format!("{line} \r\n"),
            _ => format!("{line}\r\n"),
        });
        let text: String = lines.collect();
        text.parse().map_err(|_| strange(&reply))
    }

    fn judged<T>(
        &self,
        ended: Result<io::Result<T>, Elapsed>,
        step: &str,
        limit: Duration,
    ) -> Result<T, Lost> {
        let server = &self.server;
        let words = match ended {
            Ok(Ok(done)) => return Ok(done),
            Err(_) => format!("{server} did not answer {step} within {}", spoken(limit)),
            Ok(Err(error)) => match error.kind() {
                io::ErrorKind::InvalidData => format!("{server} answered {step} with {error}"),
                io::ErrorKind::UnexpectedEof => {
                    format!("{server} closed the connection instead of answering {step}")
                }
                _ => format!("the connection to {server} broke at {step}: {error}"),
            },
        };
        Err(Lost(one_line(&words, MOST_SHOWN)))
    }
}

/// A reply on one harmless line.
pub(super) fn shown(reply: &Response) -> String {
    let words: Vec<&str> = reply.message().collect();
    one_line(&format!("{} {}", reply.code(), words.join(" ")), MOST_SHOWN)
}

fn strange(reply: &[u8]) -> io::Error {
    let begin = &reply[..reply.len().min(60)];
    let text = String::from_utf8_lossy(begin);
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("`{}`, which is not SMTP", one_line(&text, 60)),
    )
}

/// Ends lines with CR LF and doubles a dot at the beginning of a line, so that only the final dot ends the message.
fn transparent(message: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(message.len() + message.len() / 64 + 2);
    let mut bytes = message.iter().copied().peekable();
    let mut line_begins = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' && bytes.peek() == Some(&b'\n') {
                    bytes.next();
                }
                text.extend_from_slice(b"\r\n");
                line_begins = true;
            }
            _ => {
                if line_begins && byte == b'.' {
                    text.push(b'.');
                }
                text.push(byte);
                line_begins = false;
            }
        }
    }
    if !line_begins {
        text.extend_from_slice(b"\r\n");
    }
    text
}
