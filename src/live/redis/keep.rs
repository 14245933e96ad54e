//! What is older than its tier goes, and readers of scans count from a new beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::live_redis::RedisSettings;
use crate::kinds::Kinds;

use super::super::compat::scan_hashes::COUNTERS;
use super::super::grain::Grain;
use super::server::{Server, Trouble};
use super::wire::{Parts, Scored, command};
use super::{generic, histories, keys};

const TRIM_HOST: &str = include_str!("trim_host.lua");
const TRIM_DAY: &str = include_str!("trim_day.lua");
const TRIM_LATEST: &str = include_str!("trim_latest.lua");
const RESET: &str = include_str!("reset.lua");

/// Samples that one call takes: all others wait meanwhile.
const SAMPLES: i64 = 1000;
/// Rollups of scans that are read at one instant.
const HASHES: usize = 2000;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Notes of what was forgotten are kept for so many days: a replica that was away for longer does not see them.
const NOTES: i64 = 32;

/// What went, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Samples of hosts.
    pub samples: i64,
    /// Hosts of which nothing is left.
    pub hosts: i64,
    /// Rollups of scans.
    pub rollups: i64,
    /// Events of the stream; not counted in a dry run.
    pub events: i64,
    /// Latest points.
    pub latest: i64,
}

/// What is kept of hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfHosts {
    pub hosts: i64,
    pub samples: i64,
}

/// Hashes of scans with a new baseline, and their counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reset {
    pub hashes: i64,
    pub counters: i64,
}

pub struct Keeper<'k> {
    pub server: &'k mut Server,
    pub settings: &'k RedisSettings,
    pub kinds: &'k Kinds,
    pub now: DateTime<Utc>,
    pub dry_run: bool,
}

impl Keeper<'_> {
    /// Takes what is older than its tier.
    pub async fn trim(&mut self) -> Result<Trimmed, Trouble> {
        let mut trimmed = Trimmed::default();
        self.trim_hosts(&mut trimmed).await?;
        if let Some(days) = self.settings.keep_scans {
            self.trim_scans(days, &mut trimmed).await?;
        }
        self.trim_generic(&mut trimmed).await?;
        Ok(trimmed)
    }

    /// Sample by sample: a host that goes on sending does not keep its past alive.
    async fn trim_hosts(&mut self, trimmed: &mut Trimmed) -> Result<(), Trouble> {
        let now = self.now.timestamp_millis();
        let cutoff = now - i64::from(self.settings.retention) * DAY;
        for host in self.hosts().await? {
            let keys = host_keys(&host);
            let mut arguments = Parts::default();
            arguments.arg(host).number(cutoff).number(SAMPLES);
            arguments.arg(self.dry());
            loop {
                let (taken, left, has_gone): (i64, i64, i64) =
                    self.server.script(TRIM_HOST, &keys, &arguments).await?;
                trimmed.samples += taken;
                trimmed.hosts += has_gone;
                if left == 0 {
                    break;
                }
            }
        }
        if !self.dry_run {
            let mut note = command("SET");
            note.arg(keys::LAST_CLEANUP).number(now);
            self.server.ask::<()>(&note).await?;
            let mut notes = command("ZREMRANGEBYSCORE");
            notes.arg(keys::FORGOTTEN).arg("-inf");
            notes.arg(format!("({}", (now - NOTES * DAY) * 1000));
            self.server.ask::<()>(&notes).await?;
        }
        Ok(())
    }

    /// A day goes with everything that belongs to it.
    async fn trim_scans(&mut self, days: u32, trimmed: &mut Trimmed) -> Result<(), Trouble> {
        let first_left = self.now.date_naive() - TimeDelta::days(days.into());
        let index = keys::rollups(&self.settings.prefix);
        let mut older = command("ZRANGEBYSCORE");
        older.arg(&index).arg("-inf");
        older.arg(format!("({}", keys::score(first_left)));
        let Scored(found) = self.server.ask(older.arg("WITHSCORES")).await?;
        let mut by_day: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (key, score) in found {
            by_day.entry(score).or_default().push(key);
        }
        // The stream is cut even where the day has no rollups.
        let last = keys::score(first_left) - 1;
        by_day.entry(last).or_default();
        for (day, rollups) in by_day {
            let mut parts = Parts::default();
            parts.arg(&self.settings.stream).arg(&index);
            for rollup in rollups {
                let of_guild = keys::rollups_of(&self.settings.prefix, keys::guild_of(&rollup));
                let status = keys::status(&rollup);
                let baselines = [keys::baseline(&rollup), keys::baseline(&status)];
                parts.args([rollup, status]).args(baselines).arg(of_guild);
            }
            // Entries are named by when they came.
            let after = (day + 1 - keys::EPOCH) * DAY;
            let mut arguments = Parts::default();
            arguments.arg(format!("{after}-0")).arg(self.dry());
            let (rollups, events): (i64, i64) =
                self.server.script(TRIM_DAY, &parts, &arguments).await?;
            trimmed.rollups += rollups;
            trimmed.events += events;
        }
        Ok(())
    }

    /// Their hashes and lists expire by themselves; indexes and latest points do not.
    async fn trim_generic(&mut self, trimmed: &mut Trimmed) -> Result<(), Trouble> {
        for kind in self.kinds.values() {
            let tiers = [kind.keep.hourly, kind.keep.daily, kind.keep.monthly];
            let expired = Grain::ALL
                .into_iter()
                .zip(tiers)
                .filter_map(|(grain, tier)| Some((grain, tier?)));
            for (grain, tier) in expired.filter(|_| !self.dry_run).collect::<Vec<_>>() {
                let before = self.now - tier - longest(grain);
                for labels in generic::groups(kind) {
                    let mut expire = command("ZREMRANGEBYSCORE");
                    expire.arg(generic::index_key(&kind.name, grain, &labels));
                    expire.arg("-inf").arg(format!("({}", before.timestamp()));
                    self.server.ask::<()>(&expire).await?;
                }
            }
            let label = kind.cluster.map(|label| &kind.labels[label].name);
            if let Some((label, tier)) = label.zip(kind.keep.points) {
                let mut key = Parts::default();
                key.arg(generic::latest_key(&kind.name, label));
                let mut arguments = Parts::default();
                arguments.number((self.now - tier).timestamp_micros());
                arguments.arg(self.dry());
                let taken: i64 = self.server.script(TRIM_LATEST, &key, &arguments).await?;
                trimmed.latest += taken;
            }
        }
        Ok(())
    }

    /// What is kept of hosts by their histories.
    pub async fn count(&mut self) -> Result<OfHosts, Trouble> {
        let mut all = OfHosts::default();
        for host in self.hosts().await? {
            let kept = histories::count(self.server, self.settings, self.now, &host).await?;
            all.hosts += 1;
            all.samples += kept.samples;
        }
        Ok(all)
    }

    pub async fn hosts(&mut self) -> Result<Vec<String>, Trouble> {
        self.server.ask(command("SMEMBERS").arg(keys::HOSTS)).await
    }

    async fn members(&mut self, index: &str) -> Result<Vec<String>, Trouble> {
        let mut all = command("ZRANGE");
        self.server.ask(all.args([index, "0", "-1"])).await
    }

    /// Readers of scans count from what is there now. Nothing is set to 0: deleting the baselines takes it back.
    pub async fn reset(&mut self) -> Result<Reset, Trouble> {
        let prefix = &self.settings.prefix;
        let mut hashes = self.members(&keys::rollups(prefix)).await?;
        hashes.push(keys::totals(prefix));
        let mut reset = Reset::default();
        let mut dry = Parts::default();
        dry.arg(self.dry());
        let mut counters = dry.clone();
        counters.args(self::counters());
        for hashes in hashes.chunks(HASHES) {
            let statuses = hashes.iter().map(|hash| keys::status(hash));
            let statuses = with_baselines(statuses);
            // All counts of a status are counters.
            let sorts = [
                (with_baselines(hashes.iter().cloned()), &counters),
                (statuses, &dry),
            ];
            for (hashes, arguments) in sorts {
                let (hashes, counters): (i64, i64) =
                    self.server.script(RESET, &hashes, arguments).await?;
                reset.hashes += hashes;
                reset.counters += counters;
            }
        }
        Ok(reset)
    }

    fn dry(&self) -> &'static str {
        match self.dry_run {
            true => "dry",
            false => "",
        }
    }
}

fn host_keys(host: &str) -> Parts {
    let mut keys = Parts::default();
    keys.arg(keys::history(host)).arg(keys::current(host));
    keys.args([keys::HOSTS, keys::NEWEST]);
    keys
}

fn with_baselines(hashes: impl Iterator<Item = String>) -> Parts {
    let mut keys = Parts::default();
    for hash in hashes {
        keys.arg(&hash).arg(keys::baseline(&hash));
    }
    keys
}

/// The fields of a rollup that only grow.
fn counters() -> impl Iterator<Item = String> {
    COUNTERS.into_iter().flatten().flat_map(|name| {
        // Where a sum is larger than Redis counts to.
        let exact = format!("{name}_exact");
        [name.to_owned(), exact]
    })
}

/// The longest that there is.
fn longest(grain: Grain) -> Duration {
    let hours = match grain {
        Grain::Hour => 1,
        Grain::Day => 25,
        Grain::Month => 31 * 24 + 1,
    };
    Duration::from_secs(hours * 3600)
}
