//! The phase of a connection, shared by server and stream, and how long its client may take.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Limits;

/// How long to read after the last answer. Closing with unread input would make the client lose that answer.
const LINGER: Duration = Duration::from_secs(1);

/// An answer that has just been made is on its way, not idle.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

pub(super) struct ConnectionPhase {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    step: Step,
    since: Instant,
    /// The client's deadline; none while the server works.
    until: Option<Instant>,
    /// How long the next answer may stall. Taking bytes earns more, up to `stall`.
    credit: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing of a request has come yet.
    Quiet,
    /// A request has begun.
    Head,
    /// The server works.
    Working,
    /// The server waits for the rest of the request.
    Body,
    /// The answer is ready and held back for a while.
    HeldBack,
    /// The answer leaves.
    Leaving,
    /// An answer without an end, of which some leaves from time to time.
    Streaming,
    /// Everything has been sent.
    Closing,
}

impl ConnectionPhase {
    pub(super) fn new(limits: Limits) -> Self {
        let since = Instant::now();
        let state = State {
            step: Step::Quiet,
            since,
            until: Some(since + limits.head),
            credit: limits.stall,
        };
        Self {
            limits,
            state: Mutex::new(state),
        }
    }

    pub(super) fn request_begins(&self) {
        self.change(|state, limits| {
            if state.step == Step::Quiet {
                state.enter(Step::Head, Some(limits.head));
            }
        });
    }

    pub(super) fn head_is_read(&self) {
        self.change(|state, _| state.enter(Step::Working, None));
    }

    /// Returns whether it was not before.
    pub(super) fn body_is_awaited(&self) -> bool {
        let mut news = false;
        self.change(|state, limits| {
            if state.step == Step::Working {
                news = true;
                state.enter(Step::Body, Some(limits.body));
            }
        });
        news
    }

    pub(super) fn body_is_read(&self) {
        self.change(|state, _| {
            if state.step == Step::Body {
                state.enter(Step::Working, None);
            }
        });
    }

    pub(super) fn answer_is_held_back(&self) {
        self.change(|state, _| state.enter(Step::HeldBack, None));
    }

    pub(super) fn answer_is_ready(&self) {
        self.change(|state, _| state.enter(Step::Leaving, Some(state.credit)));
    }

    /// The client must take something every once in a while.
    pub(super) fn answer_goes_on(&self) {
        self.change(|state, limits| state.enter(Step::Streaming, Some(limits.stall)));
    }

    /// The client took a part of the answer.
    pub(super) fn took(&self, bytes: usize) {
        self.change(|state, limits| {
            if state.step == Step::Streaming {
                state.until = Some(Instant::now() + limits.stall);
            }
            if let (Step::Leaving, Some(until)) = (state.step, state.until) {
                let now = Instant::now();
                let earned = until + limits.time_for(bytes);
                state.until = Some(earned.min(now + limits.stall));
            }
        });
    }

    /// The client has taken the whole answer; returns whether it just has.
    pub(super) fn took_all(&self) -> bool {
        let mut news = false;
        self.change(|state, limits| {
            if let (Step::Leaving, Some(until)) = (state.step, state.until) {
                news = true;
                state.credit = until.saturating_duration_since(Instant::now());
                state.enter(Step::Quiet, Some(limits.idle));
            }
        });
        news
    }

    pub(super) fn closes(&self) {
        self.change(|state, _| state.enter(Step::Closing, Some(LINGER)));
    }

    /// Whether a whole request is there, and the client may not have all of the answer.
    pub(super) fn is_answering(&self) -> bool {
        let silent = [Step::Quiet, Step::Head, Step::HeldBack];
        !silent.contains(&self.state().step)
    }

    /// Since when the connection has been idle, if it is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let answered = matches!(self.state().step, Step::Leaving | Step::Closing);
        let since = self.waiting_since()?;
        (!answered || since.elapsed() >= ON_ITS_WAY).then_some(since)
    }

    /// Since when the server has waited for the client, if it does.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        let works = [Step::Working, Step::Streaming];
        (!works.contains(&state.step)).then_some(state.since)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.state().until
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State, &Limits)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state, &self.limits);
    }
}

impl State {
    fn enter(&mut self, step: Step, within: Option<Duration>) {
        self.step = step;
        self.since = Instant::now();
        self.until = within.map(|within| self.since + within);
    }
}
