//! A barrier in the conversation: the server stops there until the test lets it go on.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where the server can be stopped. What a command asks for is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Before the greeting.
    Connected,
    Ehlo,
    Mail,
    Rcpt,
    DataAsked,
    /// 354 is given, no byte of the message read.
    DataGranted,
    HalfRead,
    /// The whole message is there, but not taken yet: who hangs up now is not taken for a customer.
    DotRead,
    /// The message is taken, and nobody told so.
    Taken,
    /// 250 is on its way.
    Answered,
    Quit,
}

#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Armed>>);

struct Armed {
    point: Point,
    /// So many times somebody passes, the last of which is stopped.
    left: usize,
    flags: Arc<Flags>,
}

#[derive(Default)]
struct Flags {
    reached: AtomicBool,
    released: AtomicBool,
}

/// The test's end of it. Dropping it lets the server go on.
pub struct Pause(Arc<Flags>);

/// How often each side looks at the other.
const GLANCE: Duration = Duration::from_millis(2);

impl Point {
    pub const ALL: [Self; 11] = [
        Self::Connected,
        Self::Ehlo,
        Self::Mail,
        Self::Rcpt,
        Self::DataAsked,
        Self::DataGranted,
        Self::HalfRead,
        Self::DotRead,
        Self::Taken,
        Self::Answered,
        Self::Quit,
    ];

    /// Whether a client that dies here may leave its message in doubt.
    pub fn is_doubtful(self) -> bool {
        (Self::DataGranted..=Self::Answered).contains(&self)
    }

    /// Whether it comes once for each message, not once in a conversation.
    pub fn is_of_a_message(self) -> bool {
        (Self::Mail..=Self::Answered).contains(&self)
    }
}

impl Gate {
    pub(super) fn arm(&self, point: Point, nth: usize) -> Pause {
        let flags = Arc::new(Flags::default());
        *self.0.lock().unwrap() = Some(Armed {
            point,
            left: nth,
            flags: Arc::clone(&flags),
        });
        Pause(flags)
    }

    /// Tells whether somebody was stopped here.
    pub(super) async fn pass(&self, point: Point) -> bool {
        let Some(flags) = self.stops(point) else {
            return false;
        };
        flags.reached.store(true, Ordering::SeqCst);
        while !flags.released.load(Ordering::SeqCst) {
            tokio::time::sleep(GLANCE).await;
        }
        true
    }

    fn stops(&self, point: Point) -> Option<Arc<Flags>> {
        let mut gate = self.0.lock().unwrap();
        let armed = gate.as_mut().filter(|armed| armed.point == point)?;
        armed.left -= 1;
        if armed.left > 0 {
            return None;
        }
        gate.take().map(|armed| armed.flags)
    }
}

impl Pause {
    pub fn is_reached(&self) -> bool {
        self.0.reached.load(Ordering::SeqCst)
    }

    /// Waits as long as `goes_on`; tells whether the server stopped here.
    pub fn wait(&self, mut goes_on: impl FnMut() -> bool) -> bool {
        while !self.is_reached() && goes_on() {
            std::thread::sleep(GLANCE);
        }
        self.is_reached()
    }

    /// The same, without keeping the thread.
    pub async fn reached(&self) {
        while !self.is_reached() {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.released.store(true, Ordering::SeqCst);
    }
}
