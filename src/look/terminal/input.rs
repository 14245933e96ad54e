//! What comes from the keyboard.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// How long to wait for a key before looking at signals, the data and the clock.
const INPUT_TIMEOUT: Duration = Duration::from_millis(200);

pub(super) enum Input {
    Event(Event),
    Nothing,
    /// The terminal has closed.
    Closed,
}

/// Waits on a thread of its own, so that a signal is noticed without a key.
pub(super) async fn next_input() -> io::Result<Input> {
    let waited = tokio::task::spawn_blocking(wait).await;
    waited.map_err(io::Error::other)?
}

/// Notices a closed terminal before reading it: it could be read for ever and gives nothing.
fn wait() -> io::Result<Input> {
    let keys = io::stdin();
    if !keys.is_terminal() {
        return read_input(INPUT_TIMEOUT);
    }
    let mut watched = [PollFd::new(&keys, PollFlags::IN)];
    let timeout = Timespec::try_from(INPUT_TIMEOUT).map_err(io::Error::other)?;
    match rustix::event::poll(&mut watched, Some(&timeout)) {
        // A signal: the window may have another size now.
        Err(Errno::INTR) => {}
        answer => drop(answer?),
    }
    let closed = PollFlags::HUP | PollFlags::ERR;
    match watched[0].revents().intersects(closed) {
        true => Ok(Input::Closed),
        false => read_input(Duration::ZERO),
    }
}

fn read_input(timeout: Duration) -> io::Result<Input> {
    match event::poll(timeout)? {
        true => event::read().map(Input::Event),
        false => Ok(Input::Nothing),
    }
}
