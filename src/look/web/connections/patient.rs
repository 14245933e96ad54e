//! A connection that ends when its client is silent for too long, whether we wait for it to speak or to listen.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Patience;

/// How long is listened after the last word. Whoever closes while something unread is there makes the other
/// side forget what it has not yet read.
const LINGER: Duration = Duration::from_secs(1);

/// How far a connection is, as the server and the stream both see it.
pub(super) struct Pace {
    patience: Patience,
    stage: Mutex<Stage>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Nothing of a request has come yet.
    Quiet { until: Instant },
    /// A request has begun.
    Head { until: Instant },
    /// The server thinks: the client is not to blame.
    Thinking,
    /// The answer leaves.
    Leaving { until: Instant },
    /// All is said.
    Closing { until: Instant },
}

impl Pace {
    pub(super) fn new(patience: Patience) -> Self {
        let until = Instant::now() + patience.head;
        Self {
            patience,
            stage: Mutex::new(Stage::Quiet { until }),
        }
    }

    pub(super) fn answer_begins(&self) {
        self.enter(Stage::Thinking);
    }

    pub(super) fn answer_is_made(&self) {
        let until = Instant::now() + self.patience.stall;
        self.enter(Stage::Leaving { until });
    }

    /// A whole request is there, and the client may not have all of the answer.
    pub(super) fn is_answering(&self) -> bool {
        !matches!(self.stage(), Stage::Quiet { .. } | Stage::Head { .. })
    }

    fn closes(&self) {
        let until = Instant::now() + LINGER;
        self.enter(Stage::Closing { until });
    }

    fn heard(&self) {
        if let Stage::Quiet { .. } = self.stage() {
            let until = Instant::now() + self.patience.head;
            self.enter(Stage::Head { until });
        }
    }

    /// The client took a part of the answer.
    fn told(&self) {
        if let Stage::Leaving { .. } = self.stage() {
            self.answer_is_made();
        }
    }

    /// The client took all that there was; says whether that is news.
    fn told_all(&self) -> bool {
        let news = matches!(self.stage(), Stage::Leaving { .. });
        if news {
            let until = Instant::now() + self.patience.idle;
            self.enter(Stage::Quiet { until });
        }
        news
    }

    fn until(&self) -> Option<Instant> {
        match self.stage() {
            Stage::Thinking => None,
            Stage::Quiet { until }
            | Stage::Head { until }
            | Stage::Leaving { until }
            | Stage::Closing { until } => Some(until),
        }
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

pub(super) struct Patient {
    stream: TcpStream,
    pace: Arc<Pace>,
    /// Wakes the connection when its time is over.
    alarm: Pin<Box<Sleep>>,
    said_all: bool,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, pace: Arc<Pace>) -> Self {
        Self {
            stream,
            pace,
            alarm: Box::pin(sleep_until(Instant::now())),
            said_all: false,
        }
    }

    /// Nothing moves: that is an error as soon as it has lasted too long.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(until) = self.pace.until() else {
            return Poll::Pending;
        };
        // The alarm may be asked too seldom where a client never stops talking.
        if until <= Instant::now() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.alarm.deadline() != until {
            self.alarm.as_mut().reset(until);
        }
        match self.alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn wrote(
        &mut self,
        wrote: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Pending => self.wait(context),
            ready => {
                self.pace.told();
                ready
            }
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.wait(context),
            ready => {
                self.pace.heard();
                ready
            }
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(wrote, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(wrote, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when everything has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nobody asks again whether there is something to read, so the alarm is set here.
        if self.pace.told_all()
            && let Poll::Ready(Err(error)) = self.wait::<()>(context)
        {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that nothing more comes, then listens to no purpose for a while.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.said_all {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.said_all = true;
            self.pace.closes();
        }
        loop {
            let mut unread = [0; 4096];
            let mut buffer = ReadBuf::new(&mut unread);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return self.wait(context),
            }
        }
    }
}
