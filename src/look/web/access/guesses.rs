//! How often somebody may guess: ten times at once, then once in ten seconds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// A wrong guess is forgotten after this time, one at a time.
const FORGIVEN: Duration = Duration::from_secs(10);

/// So many wrong guesses are not yet suspicious.
const AT_ONCE: u32 = 10;

/// Whose guesses are remembered; of more, those that would be forgotten first are.
const REMEMBERED: usize = 1024;

#[derive(Default)]
pub(super) struct Guesses {
    /// When the last wrong guess of an address will be forgotten.
    all: HashMap<IpAddr, Instant>,
}

impl Guesses {
    /// Or how long to wait for it.
    pub(super) fn may_guess(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let clear = self.all.get(&neighbourhood(peer));
        let debt = clear.map_or(Duration::ZERO, |clear| clear.saturating_duration_since(now));
        match debt.checked_sub(FORGIVEN * (AT_ONCE - 1)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    pub(super) fn wrong(&mut self, peer: IpAddr, now: Instant) {
        let peer = neighbourhood(peer);
        if !self.all.contains_key(&peer) {
            self.make_room(now);
        }
        let clear = self.all.entry(peer).or_insert(now);
        *clear = (*clear).max(now) + FORGIVEN;
    }

    fn make_room(&mut self, now: Instant) {
        if self.all.len() < REMEMBERED {
            return;
        }
        self.all.retain(|_, clear| *clear > now);
        let soonest = self.all.iter().min_by_key(|(_, clear)| **clear);
        if let Some(peer) = soonest.map(|(peer, _)| *peer)
            && self.all.len() >= REMEMBERED
        {
            self.all.remove(&peer);
        }
    }
}

/// Who has one IPv6 address has 2^64 of them.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
