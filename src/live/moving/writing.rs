//! Page by page into the store, which is sealed as it grows.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use super::super::keep::{self, Rules};
use super::super::store::{CHUNK, Known, Moved, MovedPart, Origin, Store};
use super::look::{Look, check, identity};
use super::row::{Key, Page};
use super::source::Source;
use super::taken::Taken;
use super::{Job, Listener, MoveError, Step};

/// While another program keeps the store, so many points may wait to be sealed.
const BACKLOG: i64 = 16 * CHUNK as i64;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) struct Writing<'w> {
    store: &'w mut Store,
    job: &'w Job<'w>,
    listener: Listener<'w>,
    of: u64,
    kept: u64,
    known: Known,
    rules: Rules,
    /// `None`: another program seals.
    lock: Option<File>,
    unsealed: u64,
}

impl<'w> Writing<'w> {
    pub(super) fn new(
        store: &'w mut Store,
        job: &'w Job<'w>,
        listener: Listener<'w>,
        of: u64,
    ) -> Self {
        let lock = keep::lock(store.path(), "keeper");
        Self {
            store,
            job,
            listener,
            of,
            kept: 0,
            known: Known::new(i64::from(job.live.ids), false),
            rules: Rules::of(job.live, job.zone),
            lock,
            unsealed: 0,
        }
    }

    pub(super) async fn write(
        &mut self,
        source: &mut Source,
        mut origin: Origin,
        mut taken: Taken,
    ) -> Result<u64, MoveError> {
        let before = self.kept;
        source.rewind()?;
        while let Some(page) = source.page(self.job.zone).await? {
            if self.job.stop.is_cancelled() {
                return Err(MoveError::Interrupted(self.kept));
            }
            self.add(page, &mut origin, &mut taken).await?;
            (self.listener)(Step::Migrating, self.kept, self.of);
            self.seal().await?;
        }
        Ok(self.kept - before)
    }

    async fn add(
        &mut self,
        mut page: Page,
        origin: &mut Origin,
        taken: &mut Taken,
    ) -> Result<(), MoveError> {
        let witnesses = std::mem::take(&mut page.witnesses);
        let mut is_numbered = false;
        let mut parts = BTreeMap::new();
        for (name, checked) in check(page, &self.job.checks(), &mut Look::default()) {
            let mut new = Vec::new();
            for (place, key) in checked.keys.iter().enumerate() {
                let is_new = match key {
                    Key::Numbered { table, id } => {
                        is_numbered = true;
                        taken.insert(*table, *id)
                    }
                    Key::Record(_) => true,
                };
                if is_new {
                    new.push(place as u32);
                }
            }
            if !new.is_empty() {
                let part = MovedPart {
                    points: match new.len() == checked.points.len() {
                        true => checked.points,
                        false => checked.points.pick(&new),
                    },
                    identities: checked.keys.iter().filter_map(identity).cloned().collect(),
                };
                parts.insert(name, part);
            }
        }
        if parts.is_empty() {
            return Ok(());
        }
        taken.remember(witnesses);
        let after = match is_numbered {
            true => taken.to_bytes(),
            false => origin.state.clone(),
        };
        let moved = Moved {
            source: origin.source,
            parts,
            state: is_numbered.then_some((&origin.state, &after)),
        };
        let kinds = &self.job.live.kinds;
        let added = self
            .store
            .add_moved(moved, kinds, self.job.zone, &mut self.known)
            .await?;
        origin.state = after;
        self.kept += added;
        self.unsealed += added;
        Ok(())
    }

    /// A chunk's worth at a time, or as fast as another program seals.
    async fn seal(&mut self) -> Result<(), MoveError> {
        if self.unsealed < CHUNK as u64 {
            return Ok(());
        }
        self.unsealed = 0;
        if self.lock.is_some() {
            return Ok(keep::seal(self.store, &self.rules, self.job.now).await?);
        }
        while self.store.fresh_points().await? > BACKLOG && !self.job.stop.is_cancelled() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Leaves the store as a keeper would; whoever keeps it does that too.
    pub(super) async fn end(self) -> Result<(), MoveError> {
        if self.lock.is_none() {
            return Ok(());
        }
        tokio::select! {
            kept = keep::round(self.store, &self.rules, self.job.now) => kept.map(drop)?,
            () = self.job.stop.cancelled() => return Err(MoveError::Interrupted(self.kept)),
        }
        Ok(())
    }
}
