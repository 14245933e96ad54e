//! The open connections, and which of them makes room for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use crate::web::caller::{Proxies, address_block};

use super::Limits;
use super::phase::ConnectionPhase;

pub(super) struct Slots {
    limits: Limits,
    /// Many clients share their addresses.
    proxies: Arc<Proxies>,
    taken: HashMap<Id, Slot>,
}

/// Whether another connection can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Made,
    /// Soon: the server works for all connections there are.
    Later,
    /// The server works for as many of that address as it may have.
    None,
}

struct Slot {
    /// The client's address; none behind a proxy.
    owner: Option<IpAddr>,
    phase: Arc<ConnectionPhase>,
    task: AbortHandle,
}

impl Slots {
    pub(super) fn new(limits: Limits, proxies: Arc<Proxies>) -> Self {
        Self {
            limits,
            proxies,
            taken: HashMap::new(),
        }
    }

    /// Whether another connection could be taken, perhaps in the place of one.
    pub(super) fn may_open(&self) -> bool {
        let idle = |slot: &Slot| slot.phase.idle_since().is_some();
        !self.is_full() || self.taken.values().any(idle)
    }

    /// For a connection from that address.
    pub(super) fn make_room(&mut self, peer: IpAddr) -> Room {
        let owner = self.owner(peer);
        let own = |slot: &Slot| owner.is_some() && slot.owner == owner;
        let count = self.taken.values().filter(|slot| own(slot)).count();
        if count >= self.limits.connections_per_address {
            let ended = self.end_one(own, ConnectionPhase::idle_since)
                || self.end_one(own, ConnectionPhase::waiting_since);
            return if ended { Room::Made } else { Room::None };
        }
        match !self.is_full() || self.end_one(|_| true, ConnectionPhase::idle_since) {
            true => Room::Made,
            false => Room::Later,
        }
    }

    pub(super) fn take(&mut self, peer: IpAddr, phase: Arc<ConnectionPhase>, task: AbortHandle) {
        let owner = self.owner(peer);
        let slot = Slot { owner, phase, task };
        self.taken.insert(slot.task.id(), slot);
    }

    pub(super) fn free(&mut self, ended: Id) {
        self.taken.remove(&ended);
    }

    fn is_full(&self) -> bool {
        self.taken.len() >= self.limits.connections
    }

    fn owner(&self, peer: IpAddr) -> Option<IpAddr> {
        (!self.proxies.include(peer)).then(|| address_block(peer))
    }

    /// Ends the longest idle connection of the owner with the most.
    fn end_one(
        &mut self,
        may_end: impl Fn(&Slot) -> bool,
        idle_since: fn(&ConnectionPhase) -> Option<Instant>,
    ) -> bool {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for owner in self.taken.values().filter_map(|slot| slot.owner) {
            *counts.entry(owner).or_default() += 1;
        }
        let count = |slot: &Slot| slot.owner.map_or(1, |owner| counts[&owner]);
        let candidates = self.taken.iter().filter(|(_, slot)| may_end(slot));
        let idle = candidates.filter_map(|(id, slot)| {
            let since = idle_since(&slot.phase)?;
            Some((count(slot), Reverse(since), *id))
        });
        let longest = idle.max_by_key(|(count, since, _)| (*count, *since));
        let Some(slot) = longest.and_then(|(_, _, id)| self.taken.remove(&id)) else {
            return false;
        };
        slot.task.abort();
        true
    }
}
