//! The rollups of a kind, as far as they are asked for.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::kinds::{Kind, Shape};

use super::super::super::bytes::Corrupt;
use super::super::super::rollup::{Rollup, WantedRollups, words_as_bytes};
use super::super::super::store::{Part, StoreError};
use super::super::generic;
use super::super::wire::{Commands, Scored, command};
use super::Shared;

/// Rollups that are listed, and read, together.
const LISTED: usize = 10_000;
const READ: usize = 256;

impl Shared {
    /// The rollups whose start and words have a key, handed on with it one by one until that is enough.
    pub(in crate::live) async fn each_rollup<K>(
        &mut self,
        kind: i64,
        wanted: &WantedRollups<'_>,
        key: impl Fn(i64, &[u8]) -> Option<K>,
        mut take: impl FnMut(K, Rollup) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.has_read_rollups = true;
        let kind = Arc::clone(&self.kinds[kind as usize].kind);
        let (mut start, mut most) = (*wanted.starts.start(), LISTED);
        loop {
            let mut listed = self.rollup_keys(&kind, wanted, start, most).await?;
            let is_all = listed.len() < most;
            if !is_all {
                // The last start may go on.
                let last = listed.last().map_or(start, |(_, score)| *score);
                if last == start {
                    most *= 2;
                    continue;
                }
                listed.retain(|(_, score)| *score < last);
                start = last;
            }
            let asked = listed.into_iter().filter_map(|(name, _)| {
                let known = generic::read_key(&kind.name, &name)?;
                let words = words_as_bytes(known.words.iter().map(String::as_str));
                Some((name, key(known.start, &words)?))
            });
            let mut asked: Vec<(String, K)> = asked.collect();
            while !asked.is_empty() {
                let rest = asked.split_off(asked.len().min(READ));
                let (names, keys): (Vec<String>, Vec<K>) = asked.into_iter().unzip();
                let rollups = self.rollups(&kind, wanted, &names).await?;
                for (key, rollup) in keys.into_iter().zip(rollups) {
                    if let Some(rollup) = rollup
                        && take(key, rollup).is_break()
                    {
                        return Ok(());
                    }
                }
                asked = rest;
            }
            if is_all {
                return Ok(());
            }
        }
    }

    async fn rollup_keys(
        &mut self,
        kind: &Kind,
        wanted: &WantedRollups<'_>,
        start: i64,
        most: usize,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let index = generic::index_key(&kind.name, wanted.grain, wanted.labels);
        let mut list = command("ZRANGEBYSCORE");
        list.arg(index).number(start).number(*wanted.starts.end());
        list.arg("LIMIT").number(0).number(most as i64);
        let Scored(listed) = self.ask(list.arg("WITHSCORES")).await?;
        Ok(listed)
    }

    /// `None`: it has expired.
    async fn rollups(
        &mut self,
        kind: &Kind,
        wanted: &WantedRollups<'_>,
        names: &[String],
    ) -> Result<Vec<Option<Rollup>>, StoreError> {
        let sketched: &[String] = match wanted.sketches && kind.shape != Shape::Sample {
            true => wanted.values,
            false => &[],
        };
        let mut commands = Commands::default();
        for name in names {
            commands.add(command("HGETALL").arg(name));
            for value in sketched {
                commands.add(command("HGETALL").arg(generic::sketch_key(name, value)));
            }
        }
        let answers = self.at_once(&commands).await?;
        let mut answers = answers.read();
        let rollups = names.iter().map(|_| {
            let fields = answers.fields()?.into_iter().collect();
            let mut rollup = generic::read_rollup(&fields, kind).map_err(corrupt)?;
            let is_there = !fields.is_empty();
            rollup.values.retain(|name, _| wanted.values.contains(name));
            for value in sketched {
                let buckets = answers.fields()?.into_iter().collect();
                if let Some(stats) = rollup.values.get_mut(value) {
                    stats.sketch = generic::read_sketch(&buckets).map_err(corrupt)?;
                }
            }
            Ok(is_there.then_some(rollup))
        });
        rollups.collect()
    }
}

fn corrupt(error: Corrupt) -> StoreError {
    StoreError::Corrupt {
        file: "Redis".to_owned(),
        part: Part::Rollup,
        error,
    }
}
