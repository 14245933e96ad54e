//! Counts wrong guesses by address: ten at once and then one in ten seconds are allowed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::web::caller::address_block;

/// A wrong guess is forgotten after this time, one at a time.
const FORGIVEN: Duration = Duration::from_secs(10);

/// How many wrong guesses are free.
const AT_ONCE: u32 = 10;

/// How many addresses are remembered; beyond, the first to expire is forgotten.
const REMEMBERED: usize = 1024;

#[derive(Default)]
pub(super) struct Guesses {
    /// When the last wrong guess of an address will be forgotten.
    all: HashMap<IpAddr, Instant>,
}

impl Guesses {
    /// Counts a wrong guess. One too many is not counted; the error is the time until it would be.
    pub(super) fn count(&mut self, caller: IpAddr, now: Instant) -> Result<(), Duration> {
        let caller = address_block(caller);
        if !self.all.contains_key(&caller) {
            self.make_room(now);
        }
        let forgotten = self.all.entry(caller).or_insert(now);
        let debt = forgotten.saturating_duration_since(now);
        match debt.checked_sub(FORGIVEN * (AT_ONCE - 1)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *forgotten = (*forgotten).max(now) + FORGIVEN;
                Ok(())
            }
        }
    }

    fn make_room(&mut self, now: Instant) {
        if self.all.len() < REMEMBERED {
            return;
        }
        self.all.retain(|_, forgotten| *forgotten > now);
        let soonest = self.all.iter().min_by_key(|(_, forgotten)| **forgotten);
        if let Some(caller) = soonest.map(|(caller, _)| *caller)
            && self.all.len() >= REMEMBERED
        {
            self.all.remove(&caller);
        }
    }
}
