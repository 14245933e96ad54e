//! A source read from its beginning to its end without changing anything: what of it is there, what is new, what is not to
//! be had.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::kinds::Kinds;

use super::super::columns::Columns;
use super::super::event;
use super::super::keep::limit;
use super::super::rollup::monthly;
use super::super::store::{Identity, Store, Tally};
use super::MoveError;
use super::refusals::Refusals;
use super::row::{Key, Page, Read};
use super::taken::Taken;

/// By which kinds, zone and clock records are checked.
#[derive(Clone, Copy)]
pub(super) struct Checks<'c> {
    pub kinds: &'c Kinds,
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

/// What was found in a source.
#[derive(Debug, Default)]
pub struct Look {
    pub records: u64,
    /// Not taken yet.
    pub new: u64,
    /// Taken from this source, or one of its sort.
    pub taken: u64,
    /// Taken from elsewhere: from the log rather than the database, or when they happened.
    pub elsewhere: u64,
    /// They come twice in what is read.
    pub again: u64,
    pub unfinished: u64,
    /// Lines that say nothing by themselves.
    pub passed_over: u64,
    pub refusals: Refusals,
    /// New ones that are older than points are kept, by kind.
    pub old: BTreeMap<String, Old>,
    /// What was taken from this source, as it reads now.
    pub(super) tally: Tally,
}

/// Points that would not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    pub count: u64,
    /// In microseconds.
    pub oldest: i64,
    /// Of these, so many are older than even their months are kept.
    pub lost: u64,
}

/// Records of one kind that passed the checks, with what they are known by.
pub(super) struct Checked {
    pub points: Columns,
    pub keys: Vec<Key>,
}

/// The records of a page that passed, by kind; the others are counted.
pub(super) fn check(page: Page, checks: &Checks<'_>, look: &mut Look) -> BTreeMap<String, Checked> {
    let mut all: BTreeMap<String, Checked> = BTreeMap::new();
    look.records += page.rows.len() as u64;
    for row in page.rows {
        let refused = match row.read {
            Read::Unfinished => {
                look.unfinished += 1;
                continue;
            }
            Read::PassedOver => {
                look.passed_over += 1;
                continue;
            }
            Read::Refused(refused) => Err(refused),
            Read::Event(event, key) => event::kind_of(&event, checks.kinds).and_then(|kind| {
                let checked = match all.get_mut(&kind.name) {
                    Some(checked) => checked,
                    None => all.entry(kind.name.clone()).or_insert(Checked {
                        points: Columns::new(kind),
                        keys: Vec::new(),
                    }),
                };
                event::add_old(&event, kind, checks.now, &mut checked.points)?;
                checked.keys.push(key);
                Ok(())
            }),
        };
        if let Err(refused) = refused {
            look.refusals.add(row.table, row.id, refused);
        }
    }
    all
}

/// What is known of the records of one page after the other.
pub(super) struct Looking<'l> {
    /// The source that they may have been taken from.
    pub source: Option<i64>,
    pub taken: &'l Taken,
    /// Numbered rows that came in this reading.
    pub seen: Taken,
}

enum Fate {
    New,
    Taken,
    Elsewhere,
    Again,
}

impl Looking<'_> {
    pub(super) async fn look(
        &mut self,
        page: Page,
        checks: &Checks<'_>,
        store: &mut Store,
        look: &mut Look,
    ) -> Result<(), MoveError> {
        for (name, checked) in check(page, checks, look) {
            let fates = self.fates(&checked.keys, store).await?;
            let (mut taken, mut new) = (Vec::new(), Vec::new());
            for (place, fate) in fates.iter().enumerate() {
                match fate {
                    Fate::Again => look.again += 1,
                    Fate::Elsewhere => look.elsewhere += 1,
                    Fate::Taken => {
                        look.taken += 1;
                        taken.push(place as u32);
                    }
                    Fate::New => {
                        look.new += 1;
                        new.push(checked.points.at[place]);
                    }
                }
            }
            look.see_ages(&name, &new, checks);
            for (month, rollup) in monthly(&checked.points.pick(&taken), checks.zone) {
                let sum = look.tally.entry((name.clone(), month)).or_default();
                sum.merge(&rollup);
            }
        }
        Ok(())
    }

    async fn fates(&mut self, keys: &[Key], store: &mut Store) -> Result<Vec<Fate>, MoveError> {
        let identities: Vec<Identity> = keys.iter().filter_map(identity).cloned().collect();
        if identities.is_empty() {
            return Ok(keys.iter().map(|key| self.numbered(key)).collect());
        }
        let first = store.count_first(&identities).await?;
        let takers = store.takers(&identities).await?;
        let fate = |(is_first, taker): (bool, Option<i64>)| match taker {
            _ if !is_first => Fate::Again,
            None => Fate::New,
            taker if taker == self.source => Fate::Taken,
            Some(_) => Fate::Elsewhere,
        };
        Ok(first.into_iter().zip(takers).map(fate).collect())
    }

    fn numbered(&mut self, key: &Key) -> Fate {
        let Key::Numbered { table, id } = *key else {
            return Fate::New;
        };
        if !self.seen.insert(table, id) {
            Fate::Again
        } else if self.taken.contains(table, id) {
            Fate::Taken
        } else {
            Fate::New
        }
    }
}

impl Look {
    fn see_ages(&mut self, name: &str, new: &[i64], checks: &Checks<'_>) {
        let Some(kind) = checks.kinds.get(name) else {
            return;
        };
        let first = |keep| {
            let day = limit(keep, checks.zone, checks.now);
            day.map_or(i64::MIN, |day| day.start.timestamp_micros())
        };
        let months = first(kind.keep.monthly);
        let points = first(kind.keep.points).max(months);
        for at in new.iter().filter(|at| **at < points) {
            let old = self.old.entry(name.to_owned()).or_insert(Old {
                count: 0,
                oldest: *at,
                lost: 0,
            });
            old.count += 1;
            old.oldest = old.oldest.min(*at);
            old.lost += u64::from(*at < months);
        }
    }
}

pub(super) fn identity(key: &Key) -> Option<&Identity> {
    match key {
        Key::Record(identity) => Some(identity),
        Key::Numbered { .. } => None,
    }
}
