//! What is forgotten goes from the server at once, and a note of it is left. The server takes nothing more from a forwarder
//! that has not seen the note: it first forgets the same in its own file, up to the note's instant.
//!
//! | key | |
//! |---|---|
//! | `daybook:live:forgotten` | sorted set of notes by their instant in microseconds: `{number, kind, labels, at}` as JSON |
//! | `daybook:live:forgotten:count` | the number of the last note |
//! | `daybook:live:forgotten:done` | hash: a replica → the last note that it has seen to |
//!
//! Items of lists keep their places: readers and forwarders count on them. An item without points stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter::zip;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::kinds::{Kind, Shape};

use super::super::bytes::Corrupt;
use super::super::chunk::{Chunk, encode};
use super::super::compat::hosts::{HOST, KIND};
use super::super::grain::Grain;
use super::generic::{self, effort};
use super::histories;
use super::keep::Keeper;
use super::keys;
use super::past::{hours, read_past};
use super::server::{ROLLUPS, Server, Trouble};
use super::wire::{Commands, Parts, command};

const FORGET: &str = include_str!("forget.lua");
const CHANGE_ITEMS: &str = include_str!("change_items.lua");
/// Notes that are left together: each can take a thousand rollups with it.
const NOTES: usize = 50;
/// Items that are read together.
const ITEMS: i64 = 32;
/// So often something is tried again because it has changed meanwhile.
const TRIES: usize = 10;

/// Points that are forgotten, up to an instant in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Note {
    /// Later notes have larger ones.
    pub number: i64,
    pub kind: String,
    pub labels: BTreeMap<String, String>,
    pub at: i64,
}

/// What went, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gone {
    pub points: usize,
    pub rollups: i64,
    /// Samples in the host monitor's histories, and of how many hosts.
    pub samples: i64,
    pub hosts: i64,
}

impl Gone {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Texts, and at which place among the labels of a group each stands.
type Places = Vec<(usize, String)>;

/// Rollups of an index, and those of them that go.
struct Index {
    key: String,
    members: usize,
    gone: Vec<String>,
}

impl Keeper<'_> {
    /// All that is kept of these hosts.
    pub async fn forget_hosts(&mut self, hosts: &[String]) -> Result<Gone, Trouble> {
        let labels = hosts
            .iter()
            .map(|host| vec![(HOST.to_owned(), host.clone())]);
        self.forget(KIND, &labels.collect::<Vec<_>>()).await
    }

    /// The points of a kind that have all labels of one of these lists.
    pub async fn forget(
        &mut self,
        kind: &str,
        lists: &[Vec<(String, String)>],
    ) -> Result<Gone, Trouble> {
        let mut gone = Gone::default();
        let note = |labels: &Vec<(String, String)>| Note {
            number: 0,
            kind: kind.to_owned(),
            labels: labels.iter().cloned().collect(),
            at: self.now.timestamp_micros(),
        };
        let notes: Vec<Note> = lists.iter().map(note).collect();
        for notes in notes.chunks(NOTES) {
            self.forget_at_once(kind, notes, &mut gone).await?;
        }
        if let Some(kind) = self.kinds.get(kind) {
            for (key, items) in self.lists(kind).await? {
                for first in (0..items).step_by(ITEMS as usize) {
                    gone.points += self.take_from(&key, first, &notes).await?;
                }
            }
        }
        Ok(gone)
    }

    /// Everything but lists of points.
    async fn forget_at_once(
        &mut self,
        kind: &str,
        notes: &[Note],
        gone: &mut Gone,
    ) -> Result<(), Trouble> {
        let mut hosts = BTreeSet::new();
        for note in notes {
            hosts.extend(self.hosts_of(note).await?);
        }
        for host in &hosts {
            let kept = histories::count(self.server, self.settings, self.now, host).await?;
            gone.hosts += i64::from(kept.is_there);
            gone.samples += kept.samples;
        }
        for _ in 0..TRIES {
            let indexes = self.indexes(kind, notes).await?;
            if self.dry_run {
                let rollups = indexes.iter().map(|index| index.gone.len() as i64);
                gone.rollups += rollups.sum::<i64>();
                return Ok(());
            }
            let (keys, arguments) = self.call(kind, notes, &indexes, &hosts);
            let went: Vec<i64> = self.server.script(FORGET, &keys, &arguments).await?;
            if let Some(rollups) = went.first() {
                gone.rollups += rollups;
                return Ok(());
            }
        }
        let error = "new rollups came all the time while some were to be forgotten: try again";
        Err(Trouble(error.to_owned()))
    }

    fn call(
        &self,
        name: &str,
        notes: &[Note],
        indexes: &[Index],
        hosts: &BTreeSet<String>,
    ) -> (Parts, Parts) {
        let kind = self.kinds.get(name);
        let (mut keys, mut arguments) = (Parts::default(), Parts::default());
        let cluster = kind.and_then(|kind| Some(kind.labels[kind.cluster?].name.as_str()));
        keys.args([keys::FORGOTTEN, keys::FORGOTTEN_COUNT]);
        keys.arg(generic::latest_key(name, cluster.unwrap_or_default()));
        keys.args([keys::HOSTS, keys::NEWEST, keys::OWNERS]);
        keys.args(indexes.iter().map(|index| &index.key));
        keys.args(indexes.iter().flat_map(|index| &index.gone));
        if let Some(kind) = kind.filter(|kind| kind.shape != Shape::Sample) {
            for rollup in indexes.iter().flat_map(|index| &index.gone) {
                let values = kind.values.iter();
                keys.args(values.map(|value| generic::sketch_key(rollup, &value.name)));
            }
        }
        for host in hosts {
            keys.arg(keys::current(host)).arg(keys::history(host));
            let days = histories::days(self.settings, self.now);
            keys.args(days.map(|day| keys::compact(host, day)));
        }
        arguments.number(self.now.timestamp_micros());
        arguments.number(notes.len() as i64);
        arguments.number(indexes.len() as i64);
        for Note { labels, at, .. } in notes {
            arguments.arg(json!({ "kind": name, "labels": labels, "at": at }).to_string());
        }
        for index in indexes {
            arguments.number(index.members as i64);
            arguments.number(index.gone.len() as i64);
        }
        arguments.args(hosts);
        (keys, arguments)
    }

    /// Those whose keys of the host monitor go: they do not tell any other label.
    async fn hosts_of(&mut self, note: &Note) -> Result<Vec<String>, Trouble> {
        if note.kind != KIND {
            return Ok(Vec::new());
        }
        if let Some(host) = note.labels.get(HOST) {
            return Ok(vec![host.clone()]);
        }
        let latest = generic::latest_key(KIND, HOST);
        let latest: HashMap<String, String> =
            self.server.ask(command("HGETALL").arg(latest)).await?;
        let has_all = |(_, point): &(String, String)| {
            let point: Option<Json> = serde_json::from_str(point).ok();
            let labels = point.as_ref().and_then(|point| point.get("labels"));
            let text = |label: &str| labels.and_then(|labels| labels.get(label)?.as_str());
            let mut wanted = note.labels.iter();
            labels.is_some() && wanted.all(|(name, own)| text(name).unwrap_or_default() == own)
        };
        let hosts = latest.into_iter().filter(has_all);
        Ok(hosts.map(|(host, _)| host).collect())
    }

    /// Rollups by groups that name all labels of a note.
    async fn indexes(&mut self, kind: &str, notes: &[Note]) -> Result<Vec<Index>, Trouble> {
        let Some(kind) = self.kinds.get(kind) else {
            return Ok(Vec::new());
        };
        let mut indexes = Vec::new();
        for group in generic::groups(kind) {
            let names: Vec<&str> = group.split(',').collect();
            let place = |(name, text): (&String, &String)| {
                let at = names.iter().position(|known| known == name)?;
                Some((at, text.clone()))
            };
            let places = |note: &Note| note.labels.iter().map(place).collect::<Option<Places>>();
            let wanted: BTreeSet<Places> = notes.iter().filter_map(places).collect();
            if wanted.is_empty() {
                continue;
            }
            for grain in Grain::ALL {
                let key = generic::index_key(&kind.name, grain, &group);
                let mut all = command("ZRANGE");
                all.args([key.as_str(), "0", "-1"]);
                let all: Vec<String> = self.server.ask(&all).await?;
                let members = all.len();
                let is_of = |rollup: &String| {
                    let Some(read) = generic::read_key(&kind.name, rollup) else {
                        return false;
                    };
                    let has = |(at, text): &(usize, String)| read.words.get(*at) == Some(text);
                    wanted.iter().any(|places| places.iter().all(has))
                };
                let gone = all.into_iter().filter(is_of).collect();
                indexes.push(Index { key, members, gone });
            }
        }
        Ok(indexes)
    }

    /// All lists of a kind's points, each with how many items it has.
    async fn lists(&mut self, kind: &Kind) -> Result<Vec<(String, i64)>, Trouble> {
        let key = generic::kind_key(&kind.name);
        let fields = self.server.ask(command("HGETALL").arg(key)).await?;
        let past = read_past(&fields, kind, self.now).unwrap_or_default();
        let hours = hours(&past, &(i64::MIN..i64::MAX));
        let mut lists: Vec<String> = hours
            .keys()
            .map(|hour| generic::points_key(&kind.name, *hour))
            .collect();
        let applied = keys::applied(&self.settings.prefix);
        let names: Vec<String> = self.server.ask(command("HKEYS").arg(applied)).await?;
        let replicas = names.iter().filter(|name| !name.ends_with(ROLLUPS));
        lists.extend(replicas.map(|name| generic::fresh_key(&kind.name, name)));
        let mut lengths = Commands::default();
        for list in &lists {
            lengths.add(command("LLEN").arg(list));
        }
        let answers = self.server.exchange(&lengths).await?;
        let mut answers = answers.read();
        let lengths = lists.iter().map(|_| answers.take());
        let lengths: Vec<i64> = lengths.collect::<Result<_, _>>()?;
        Ok(zip(lists, lengths)
            .filter(|(_, items)| *items > 0)
            .collect())
    }

    /// How many points it took from some items of a list.
    async fn take_from(
        &mut self,
        list: &str,
        first: i64,
        notes: &[Note],
    ) -> Result<usize, Trouble> {
        let mut taken = 0;
        for _ in 0..TRIES {
            let mut range = command("LRANGE");
            range.arg(list).number(first).number(first + ITEMS - 1);
            let items: Vec<Vec<u8>> = self.server.ask(&range).await?;
            let (mut changes, mut points) = (Parts::default(), 0);
            for (place, item) in (first..).zip(items) {
                match without(&item, notes) {
                    Ok(None) => {}
                    Ok(Some((rest, gone))) => {
                        points += gone;
                        changes.number(place).arg(item).arg(rest);
                    }
                    Err(error) => tracing::warn!(
                        "item {place} of `{list}` is {error}; it may hold what is to be forgotten"
                    ),
                }
            }
            if self.dry_run || points == 0 {
                return Ok(taken + points);
            }
            let mut key = Parts::default();
            key.arg(list);
            let wanted = (changes.count() / 3) as i64;
            let changed: i64 = self.server.script(CHANGE_ITEMS, &key, &changes).await?;
            if changed == wanted {
                return Ok(taken + points);
            }
            // Of those that had changed, others may have taken the points; then there are none the next time.
            taken += points * changed as usize / wanted as usize;
        }
        Err(Trouble(format!(
            "`{list}` changed all the time while points of it were to be forgotten: try again"
        )))
    }
}

/// The places of a chunk's points that are forgotten.
fn places(chunk: &Chunk<'_>, notes: &[Note]) -> Result<BTreeSet<usize>, Corrupt> {
    let mut forgotten = BTreeSet::new();
    for Note { labels, at, .. } in notes {
        let labels: Vec<(String, String)> = labels.clone().into_iter().collect();
        let places = chunk.places(&labels)?;
        if !places.is_empty() {
            let times = chunk.at(chunk.all())?;
            forgotten.extend(places.into_iter().filter(|place| times[*place] <= *at));
        }
    }
    Ok(forgotten)
}

/// A chunk without what is forgotten, and how many points that is; `None`: it has none of them.
fn without(data: &[u8], notes: &[Note]) -> Result<Option<(Vec<u8>, usize)>, Corrupt> {
    let chunk = Chunk::open(data)?;
    let gone = places(&chunk, notes)?;
    if gone.is_empty() {
        return Ok(None);
    }
    let rest: Vec<usize> = chunk.all().filter(|place| !gone.contains(place)).collect();
    let rest = encode(&chunk.pick(&rest)?, effort(rest.len()))?;
    Ok(Some((rest, gone.len())))
}

/// The number of the last note, and those that this replica has not seen to.
pub(super) async fn notes_for(
    server: &mut Server,
    replica: &str,
) -> Result<(i64, Vec<Note>), Trouble> {
    let mut asked = Commands::default();
    asked.add(command("GET").arg(keys::FORGOTTEN_COUNT));
    asked.add(command("HGET").arg(keys::FORGOTTEN_DONE).arg(replica));
    asked.add(command("ZRANGE").args([keys::FORGOTTEN, "0", "-1"]));
    let answers = server.at_once(&asked).await?;
    let mut answers = answers.read();
    let (count, done): (Option<i64>, Option<i64>) = (answers.take()?, answers.take()?);
    let texts: Vec<String> = answers.take()?;
    let notes = texts
        .iter()
        .filter_map(|text| match serde_json::from_str::<Note>(text) {
            Ok(note) => Some(note),
            Err(error) => {
                let key = keys::FORGOTTEN;
                tracing::warn!("a member of `{key}` is no note of what is forgotten: {error}");
                None
            }
        });
    let notes = notes.filter(|note| note.number > done.unwrap_or(0));
    Ok((count.unwrap_or(0), notes.collect()))
}

/// The number of the last note.
pub(super) async fn count(server: &mut Server) -> Result<i64, Trouble> {
    let count: Option<i64> = server
        .ask(command("GET").arg(keys::FORGOTTEN_COUNT))
        .await?;
    Ok(count.unwrap_or(0))
}

/// Notes up to which one a replica has seen to them.
pub(super) async fn note_done(
    server: &mut Server,
    replica: &str,
    number: i64,
) -> Result<(), Trouble> {
    let mut note = command("HSET");
    note.arg(keys::FORGOTTEN_DONE).arg(replica).number(number);
    server.ask(&note).await
}
