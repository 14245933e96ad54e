//! Commands out, replies in: every one with a time limit, no reply longer than is reasonable.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout_at};

use crate::config::duration::spoken;
use crate::text::plain::one_line;

/// A line to the server, encrypted or not.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

pub(super) type Stream = Box<dyn Line>;

pub(super) struct Dialogue {
    stream: BufReader<Stream>,
    /// How errors call the server.
    pub(super) server: String,
    /// How long each answer is waited for.
    pub(super) timeout: Duration,
}

/// The conversation broke off; why.
#[derive(Debug)]
pub(super) struct Lost(pub(super) String);

/// A lost answer to a whole message means doubt, so that one is waited for longer than the others.
pub(super) const LAST_ANSWER: u32 = 10;
const LONGEST_REPLY: usize = 64 * 1024;
const MOST_SHOWN: usize = 500;

impl Dialogue {
    pub(super) fn new(stream: Stream, server: String, timeout: Duration) -> Self {
        Self {
            stream: BufReader::new(stream),
            server,
            timeout,
        }
    }

    /// One command and its answer. `step` is what errors call it: the command itself may hold a secret.
    pub(super) async fn ask(
        &mut self,
        step: &str,
        command: impl Display,
    ) -> Result<Response, Lost> {
        let deadline = Instant::now() + self.timeout;
        let line = command.to_string();
        let asked = timeout_at(deadline, async {
            self.write(line.as_bytes()).await?;
            self.read().await
        });
        let asked = asked.await;
        self.judged(asked, step, self.timeout)
    }

    /// What the server says of its own accord.
    pub(super) async fn answer(&mut self, step: &str) -> Result<Response, Lost> {
        let deadline = Instant::now() + self.timeout;
        let answered = timeout_at(deadline, self.read()).await;
        self.judged(answered, step, self.timeout)
    }

    /// The message without the final dot.
    pub(super) async fn message(&mut self, message: &[u8], deadline: Instant) -> Result<(), Lost> {
        let text = transparent(message);
        let written = timeout_at(deadline, self.write(&text)).await;
        self.judged(written, "the message", self.timeout * LAST_ANSWER)
    }

    /// The final dot, and what the server says to the message.
    pub(super) async fn dot(&mut self, deadline: Instant) -> Result<Response, Lost> {
        let answered = timeout_at(deadline, async {
            self.write(b".\r\n").await?;
            self.read().await
        });
        let answered = answered.await;
        self.judged(answered, "the whole message", self.timeout * LAST_ANSWER)
    }

    /// The bare line, to be encrypted. What the server has said already could not be told from what it
    /// says encrypted, and anybody can have said it.
    pub(super) fn into_stream(self) -> Result<Stream, Lost> {
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
        // A code alone is a reply too, and not every server ends its lines by the book.
        let lines = text.lines().map(|line| match line.len() {
            3 => format!("{line} \r\n"),
            _ => format!("{line}\r\n"),
        });
        let text: String = lines.collect();
        text.parse().map_err(|_| strange(&reply))
    }

    fn judged<T>(
        &self,
        ended: Result<io::Result<T>, tokio::time::error::Elapsed>,
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

/// Lines end with CR LF, a dot at a line's beginning is doubled: only the final dot ends the message.
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
