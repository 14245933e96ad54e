//! Request bodies, limited in size and time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body_util::Limited;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::phase::ConnectionPhase;

pub(super) struct TimedBody {
    body: Limited<Incoming>,
    phase: Arc<ConnectionPhase>,
}

impl TimedBody {
    pub(super) fn new(body: Incoming, most: usize, phase: Arc<ConnectionPhase>) -> Self {
        Self {
            body: Limited::new(body, most),
            phase,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = <Limited<Incoming> as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // The connection may be waiting already, without this deadline.
        if self.phase.body_is_awaited() {
            context.waker().wake_by_ref();
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if self.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
            self.phase.body_is_read();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
