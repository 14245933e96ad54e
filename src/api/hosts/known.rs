//! Whose each host is and what was told of it, and the latest sample of each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::{Map, Value as Json};

use crate::config::LiveSettings;
use crate::config::live::Durable;
use crate::config::live_redis::RedisSettings;
use crate::kinds::{Accepts, Kind};
use crate::live::batch::Batch;
use crate::live::columns::Columns;
use crate::live::compat::hosts::{HOST, KIND, ORGANISATION};
use crate::live::question::{self, AskError, Filter, Found, Order, Points};
use crate::live::redis::forget::Gone;
use crate::live::redis::host_samples::{self, Newest};
use crate::live::redis::keep::Keeper;
use crate::live::redis::server::{Server, Trouble};
use crate::live::source::Source;
use crate::live::store::{Store, StoreError};
use crate::web::access::Grant;

use super::super::Api;
use super::super::answer::Problem;

/// A host that was silent for longer when the server began is not listed until it is heard of again.
const LISTED: TimeDelta = TimeDelta::days(1);
/// Samples may be recorded so long after they were taken, and still be seen as the latest.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Beside the time that it waits, forwarding takes less; so does being told what waits.
const FORWARDING: TimeDelta = TimeDelta::seconds(10);

/// What is known of all hosts without asking the store each time.
pub(in super::super) struct Hosts {
    known: Mutex<HashMap<String, Host>>,
    latest: tokio::sync::Mutex<Latest>,
    /// The last note of what others forgot when these were known.
    forgotten: AtomicI64,
    pub(super) database: PathBuf,
    pub(super) durable: Durable,
    /// Where replicas meet, if they do.
    redis: Option<RedisSettings>,
}

#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) organisation: String,
    /// What was told of it beside samples.
    pub(super) about: Map<String, Json>,
}

pub(super) enum Whose {
    Of(Host),
    Nobodys,
    /// Those who know do not answer.
    NotKnown,
}

#[derive(Default)]
struct Latest {
    /// Where to look on from, in microseconds.
    since: Option<i64>,
    points: Columns,
}

impl Hosts {
    pub(in super::super) fn new(live: &LiveSettings) -> Self {
        Self {
            known: Mutex::default(),
            latest: tokio::sync::Mutex::default(),
            forgotten: AtomicI64::default(),
            database: live.database.clone(),
            durable: live.durable,
            redis: live.redis.clone(),
        }
    }

    fn find(&self, host: &str) -> Option<Host> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(host).cloned()
    }

    /// Of two that say it at once, one is believed.
    fn keep(&self, host: &str, new: Host) -> Host {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(host.to_owned()).or_insert(new).clone()
    }

    /// Makes the host known as this organisation's, or returns `false`: it is another's.
    pub(super) fn claim(&self, host: &str, new: Host) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(host) {
            Some(known) if known.organisation != new.organisation => return false,
            Some(known) => *known = new,
            None => drop(known.insert(host.to_owned(), new)),
        }
        true
    }

    /// What others forgot is no longer known here: what is left is read anew.
    fn heed(&self, forgotten: i64) {
        if self.forgotten.swap(forgotten, Relaxed) != forgotten {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.clear();
        }
    }

    pub(super) async fn forget(&self, host: &str) {
        let mut latest = self.latest.lock().await;
        let places = places(&latest.points, HOST, |text| text != host);
        latest.points = latest.points.pick(&places);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(host);
    }
}

impl Api {
    /// The kind of hosts' samples as the preset has it, in what these routes need of it.
    pub(super) fn host_kind(&self) -> Result<&Kind, Problem> {
        let kind = self.recorder.kinds().get(KIND);
        let kind = kind.filter(|kind| limit(kind).is_some() && kind.label(ORGANISATION).is_some());
        kind.ok_or_else(|| {
            Problem::missing(
                "there is no kind `host` with its labels: add the preset `hosts` under [live]",
            )
        })
    }

    /// Whose a host is says its newest sample, of all that replicas have forwarded if they meet.
    pub(super) async fn whose(&self, kind: &Kind, host: &str) -> Result<Whose, Problem> {
        let own = self.own_host(kind, host).await?;
        let newest = match self.hosts_of_replicas(kind, &[host]).await? {
            Some(mut newest) => newest.pop().flatten(),
            None if own.is_none() && self.hosts.redis.is_some() => return Ok(Whose::NotKnown),
            None => None,
        };
        let is_others = |own: &Host, newest: &Host| own.organisation != newest.organisation;
        Ok(match (own, newest) {
            (Some(own), Some(newest)) if is_others(&own, &newest) => {
                self.hosts.forget(host).await;
                Whose::Of(newest)
            }
            // It may have been told something since.
            (Some(host), _) | (None, Some(host)) => Whose::Of(host),
            (None, None) => Whose::Nobodys,
        })
    }

    /// Makes a host known as this organisation's where replicas meet, or says `false`: another one was first.
    pub(super) async fn claim(&self, host: &str, organisation: &str) -> Result<bool, Problem> {
        let owners = self.owners(&[host], organisation).await?;
        Ok(owners.iter().all(|owner| owner == organisation))
    }

    /// Whose hosts are of which nobody has forwarded anything, once they were claimed; none where replicas do not meet.
    async fn owners(&self, hosts: &[&str], organisation: &str) -> Result<Vec<String>, Problem> {
        let mut lent = self.reader.lend(self.recorder.now()).await?;
        while let Source::Shared(shared) = lent.source() {
            let owners = host_samples::claim(shared, hosts, organisation).await;
            match lent.settle(owners).await? {
                ControlFlow::Break((owners, _)) => return Ok(owners),
                ControlFlow::Continue(other) => lent = other,
            }
        }
        Ok(Vec::new())
    }

    /// What is known here.
    async fn own_host(&self, kind: &Kind, host: &str) -> Result<Option<Host>, Problem> {
        let window = self.forwarding.as_ref();
        self.hosts
            .heed(window.map_or(0, |window| window.seen().forgotten));
        if let Some(known) = self.hosts.find(host) {
            return Ok(Some(known));
        }
        let Some(mut store) = self.reader.store().await? else {
            return Ok(None);
        };
        let (_, is_known) = store.knows_word(KIND, HOST, host).await?;
        if !is_known {
            return Ok(None);
        }
        let labels = vec![(HOST.to_owned(), host.to_owned())];
        let question = points(labels, i64::MIN..i64::MAX, Order::NewestFirst, 1);
        let newest = question::points(&mut *store, kind, &question).await?.points;
        let organisation = newest.label(ORGANISATION);
        let organisation = organisation
            .filter(|_| !newest.is_empty())
            .and_then(|texts| texts.get(0));
        let found = organisation.map(|organisation| Host {
            organisation: organisation.to_owned(),
            about: about(&newest, 0),
        });
        Ok(found.map(|found| self.hosts.keep(host, found)))
    }

    /// What replicas have forwarded of them; `None`: they do not meet, or not now. It is not remembered: others may delete it.
    async fn hosts_of_replicas(
        &self,
        kind: &Kind,
        hosts: &[&str],
    ) -> Result<Option<Vec<Option<Host>>>, Problem> {
        let mut lent = self.reader.lend(self.recorder.now()).await?;
        while let Source::Shared(shared) = lent.source() {
            let newest = host_samples::newest(shared, kind, hosts).await;
            match lent.settle(newest).await? {
                ControlFlow::Break((newest, _)) => {
                    let host = |newest: Newest| Host {
                        organisation: newest.organisation,
                        about: newest.about,
                    };
                    let hosts = newest.into_iter().map(|one| one.map(host));
                    return Ok(Some(hosts.collect()));
                }
                ControlFlow::Continue(other) => lent = other,
            }
        }
        Ok(None)
    }

    /// Those hosts of a batch that are another organisation's than the one whose samples it brings. Only Redis cannot tell
    /// their samples apart.
    pub(in super::super) async fn hosts_of_others(
        &self,
        batch: &Batch,
        grant: &Grant,
    ) -> Result<BTreeSet<String>, Problem> {
        let mut others = BTreeSet::new();
        let is_shared = self.hosts.redis.is_some();
        let (true, Some(own), Ok(kind)) = (is_shared, &grant.organisation, self.host_kind()) else {
            return Ok(others);
        };
        let hosts: Vec<&str> = batch.words(KIND, HOST).into_iter().collect();
        let newest = self.hosts_of_replicas(kind, &hosts).await?;
        let mut unknown = Vec::new();
        for (place, host) in hosts.into_iter().enumerate() {
            let newest = newest.as_ref().and_then(|newest| newest[place].clone());
            let known = match newest {
                Some(newest) => Some(newest),
                None => self.own_host(kind, host).await?,
            };
            match known {
                Some(known) if known.organisation != *own => drop(others.insert(host.to_owned())),
                Some(_) => {}
                None => unknown.push(host),
            }
        }
        if unknown.is_empty() {
            return Ok(others);
        }
        if newest.is_none() {
            return Err(Problem::away(
                "Redis does not answer, and only there it says whose the hosts are: try again",
            ));
        }
        let owners = self.owners(&unknown, own).await?;
        let claimed = unknown.into_iter().zip(owners);
        let claimed = claimed.filter(|(_, owner)| owner != own);
        others.extend(claimed.map(|(host, _)| host.to_owned()));
        Ok(others)
    }

    /// One more would be stored as one of those that are too many.
    pub(super) async fn refuse_one_too_many(&self, kind: &Kind, host: &str) -> Result<(), Problem> {
        let (Some(most), Some(mut store)) = (limit(kind), self.reader.store().await?) else {
            return Ok(());
        };
        match store.knows_word(KIND, HOST, host).await? {
            (count, false) if count >= most as i64 => {
                let error = format!(
                    "there are {count} hosts already: give the label `{HOST}` a larger `most`, or delete hosts"
                );
                Err(Problem::at("hostId", error))
            }
            _ => Ok(()),
        }
    }

    /// The latest sample of each host of an organisation, in the order of their ids, and where they come from.
    pub(super) async fn latest_samples(
        &self,
        kind: &Kind,
        organisation: &str,
    ) -> Result<(Columns, Facts), Problem> {
        let mut lent = self.reader.lend(self.recorder.now()).await?;
        while let Source::Shared(shared) = lent.source() {
            let found = host_samples::newest_of_all(shared, kind, organisation).await;
            match lent.settle(found).await? {
                ControlFlow::Break((mut found, facts)) => {
                    let own = self.own_latest_samples(kind, organisation).await?;
                    let since = self.forwarded_until();
                    let unforwarded =
                        (0..own.len() as u32).filter(|at| own.at[*at as usize] >= since);
                    found.append(&own.pick(&unforwarded.collect::<Vec<u32>>()));
                    return Ok((latest_of(&found, |_| true), facts));
                }
                ControlFlow::Continue(other) => lent = other,
            }
        }
        let facts = lent.facts();
        drop(lent);
        Ok((self.own_latest_samples(kind, organisation).await?, facts))
    }

    /// What was recorded here before this instant is on Redis, if it is anywhere there.
    fn forwarded_until(&self) -> i64 {
        let every = self.hosts.redis.as_ref().map(|redis| redis.every);
        let every = every.and_then(|every| TimeDelta::from_std(every).ok());
        let now = self.recorder.now();
        let recent = (now - every.unwrap_or_default() - FORWARDING).timestamp_micros();
        let waiting = self.forwarding.as_ref().map(|window| window.seen().backlog);
        let oldest = waiting.and_then(|backlog| backlog.oldest);
        oldest.map_or(recent, |oldest| oldest.min(recent))
    }

    async fn own_latest_samples(
        &self,
        kind: &Kind,
        organisation: &str,
    ) -> Result<Columns, Problem> {
        let mut latest = self.hosts.latest.lock().await;
        let Some(mut store) = self.reader.store().await? else {
            return Ok(Columns::default());
        };
        let before = |time: TimeDelta| (self.recorder.now() - time).timestamp_micros();
        let since = latest.since.unwrap_or_else(|| before(LISTED));
        let next = before(OVERLAP);
        let mut samples = latest.points.clone();
        samples.append(&question::latest(&mut *store, kind, since..i64::MAX, HOST).await?);
        let words = store.words(KIND, HOST).await?;
        let words: HashSet<&str> = words.iter().map(String::as_str).collect();
        latest.points = latest_of(&samples, |host| words.contains(host));
        latest.since = Some(next);
        let own = places(&latest.points, ORGANISATION, |text| text == organisation);
        Ok(latest.points.pick(&own))
    }

    /// Points of a host that its organisation has sent.
    pub(super) async fn samples(
        &self,
        kind: &Kind,
        host: &str,
        question: &Points,
    ) -> Result<(Found, Facts), AskError> {
        let mut lent = self.reader.lend(self.recorder.now()).await?;
        loop {
            let is_shared = matches!(lent.source(), Source::Shared(_));
            let found = samples(lent.source(), kind, host, question).await;
            match lent.settle(found).await? {
                ControlFlow::Break((mut found, facts)) => {
                    if is_shared {
                        self.add_unforwarded(kind, question, &mut found.points)
                            .await?;
                    }
                    return Ok((found, facts));
                }
                ControlFlow::Continue(other) => lent = other,
            }
        }
    }

    /// Whoever has sent a sample here sees it at once.
    async fn add_unforwarded(
        &self,
        kind: &Kind,
        question: &Points,
        points: &mut Columns,
    ) -> Result<(), AskError> {
        let window = question.window.start.max(self.forwarded_until())..question.window.end;
        let (false, Some(mut store)) = (window.is_empty(), self.reader.store().await?) else {
            return Ok(());
        };
        let question = Points {
            window,
            ..question.clone()
        };
        let own = question::points(&mut *store, kind, &question).await?.points;
        // There an instant is a millisecond.
        let millis = |at: &i64| at.div_euclid(1000);
        let known: HashSet<i64> = points.at.iter().map(millis).collect();
        let is_new = |at: &u32| !known.contains(&millis(&own.at[*at as usize]));
        let new: Vec<u32> = (0..own.len() as u32).filter(is_new).collect();
        points.append(&own.pick(&new));
        let mut all: Vec<u32> = (0..points.len() as u32).collect();
        all.sort_by_key(|at| points.at[*at as usize]);
        if question.order == Order::NewestFirst {
            all.reverse();
        }
        all.truncate(question.most);
        *points = points.pick(&all);
        Ok(())
    }

    pub(super) async fn count(
        &self,
        kind: &Kind,
        host: &str,
        labels: Vec<(String, String)>,
    ) -> Result<(u64, Facts), AskError> {
        let filter = Filter { labels, ok: None };
        let mut lent = self.reader.lend(self.recorder.now()).await?;
        loop {
            let count = match lent.source() {
                Source::Shared(shared) => host_samples::count(shared, host).await,
                own => question::count(own, kind, i64::MIN..i64::MAX, &filter).await,
            };
            match lent.settle(count).await? {
                ControlFlow::Break(count) => return Ok(count),
                ControlFlow::Continue(other) => lent = other,
            }
        }
    }

    /// Forgets samples with these labels that any replica has forwarded.
    pub(super) async fn forget_on_redis(
        &self,
        labels: Vec<(String, String)>,
    ) -> Result<Gone, Problem> {
        let Some(settings) = &self.hosts.redis else {
            return Ok(Gone::default());
        };
        // A connection of its own: it takes longer than a question, and others ask meanwhile.
        let forgetting = async {
            let mut server = Server::connect(settings).await?;
            let mut keeper = Keeper {
                server: &mut server,
                settings,
                kinds: self.recorder.kinds(),
                now: self.recorder.now(),
                dry_run: false,
            };
            keeper.forget(KIND, &[labels]).await
        };
        forgetting.await.map_err(|trouble: Trouble| {
            tracing::warn!("a host was deleted here, and not on Redis: {trouble}");
            let error =
                "Redis does not answer: the host was deleted here, and not there; try again";
            Problem::away(error)
        })
    }
}

/// Where an answer comes from.
pub(super) type Facts = Map<String, Json>;

async fn samples(
    source: Source<'_>,
    kind: &Kind,
    host: &str,
    question: &Points,
) -> Result<Found, StoreError> {
    let Source::Shared(shared) = source else {
        return question::points(source, kind, question).await;
    };
    let (window, most) = (question.window.clone(), question.most);
    let found = host_samples::samples(shared, kind, host, window, question.order, most).await?;
    Ok(Found {
        points: found.points,
        next: None,
        broken: found.broken,
    })
}

pub(super) async fn count(
    store: &mut Store,
    kind: &Kind,
    labels: Vec<(String, String)>,
) -> Result<u64, StoreError> {
    let filter = Filter { labels, ok: None };
    question::count(store, kind, i64::MIN..i64::MAX, &filter).await
}

pub(super) fn points(
    labels: Vec<(String, String)>,
    window: std::ops::Range<i64>,
    order: Order,
    most: usize,
) -> Points {
    Points {
        window,
        filter: Filter { labels, ok: None },
        order,
        most,
        after: None,
    }
}

/// What was told of a host beside this sample.
pub(super) fn about(samples: &Columns, place: usize) -> Map<String, Json> {
    let details = samples.details.get(place);
    let details = details.and_then(|text| serde_json::from_str(text).ok());
    details.unwrap_or_default()
}

/// How many hosts there may be.
fn limit(kind: &Kind) -> Option<usize> {
    match kind.labels[kind.label(HOST)?].accepts {
        Accepts::Most(most) => Some(most),
        Accepts::OneOf(_) | Accepts::Find => None,
    }
}

fn places(points: &Columns, label: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<u32> {
    let texts = points.label(label);
    let is_wanted = |place: &u32| texts.is_some_and(|texts| is_wanted(texts.text(*place as usize)));
    (0..points.len() as u32).filter(is_wanted).collect()
}

/// The latest sample of each host that is still known.
fn latest_of(samples: &Columns, is_known: impl Fn(&str) -> bool) -> Columns {
    let mut latest: BTreeMap<&str, u32> = BTreeMap::new();
    for place in places(samples, HOST, is_known) {
        let host = samples
            .label(HOST)
            .map_or("", |hosts| hosts.text(place as usize));
        let known = latest.entry(host).or_insert(place);
        if samples.at[place as usize] >= samples.at[*known as usize] {
            *known = place;
        }
    }
    samples.pick(&latest.into_values().collect::<Vec<u32>>())
}
