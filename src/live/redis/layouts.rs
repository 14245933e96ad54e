//! Which keys the points of a kind change.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::config::live_redis::{RedisSettings, Scans};
use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::columns::Columns;
use super::super::compat::hosts::KIND as HOSTS;
use super::super::compat::moderation::KIND as SCAN;
use super::changes::Changes;
use super::compact::Chains;
use super::{generic, hosts, moderation};

/// What one connection writes, and in which form.
pub(super) struct Layouts {
    scans: moderation::Layout,
    hosts: hosts::Layout,
    chains: Chains,
    zone: Tz,
    /// The last note of what was forgotten.
    forgotten: i64,
}

impl Layouts {
    /// `chain`: no other connection has this number. `forgotten`: of the last note that it has seen.
    pub(super) fn new(settings: &RedisSettings, chain: u64, zone: Tz, forgotten: i64) -> Self {
        let bound = settings.stream_most.map(|most| moderation::Bound {
            most,
            roughly: settings.stream_roughly,
        });
        Self {
            scans: moderation::Layout {
                prefix: settings.prefix.clone(),
                stream: settings.stream.clone(),
                bound,
                later: settings.scans == Scans::Later,
            },
            hosts: hosts::Layout {
                retention_days: settings.retention,
                history: settings.history,
            },
            chains: Chains::new(chain),
            zone,
            forgotten,
        }
    }

    pub(super) fn changes(&self) -> Changes {
        Changes::new(&self.scans.prefix).unless_forgotten_since(self.forgotten)
    }

    pub(super) fn add_points(
        &mut self,
        changes: &mut Changes,
        kind: &Kind,
        points: &Columns,
        replica: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Corrupt> {
        match kind.name.as_str() {
            SCAN => moderation::add(changes, points, &self.scans, now),
            HOSTS => hosts::add(changes, points, self.hosts, &mut self.chains),
            _ => {}
        }
        generic::add_fresh(changes, points, kind, replica)
    }

    /// Of the first points that a replica has there without rollups.
    pub(super) fn add_rolled(
        &self,
        changes: &mut Changes,
        kind: &Kind,
        points: &Columns,
        now: DateTime<Utc>,
    ) -> Result<(), Corrupt> {
        generic::add_rolled(changes, points, kind, self.zone, now)
    }
}
