//! Checkouts of a shop, recorded, recounted and asked for: in a file, or on a server where replicas meet.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod recount;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::LiveSettings;
use daybook::config::live::Durable;
use daybook::config::live_redis::RedisSettings;
use daybook::kinds::Kind;
use daybook::live::batch::Batch;
use daybook::live::columns::Columns;
use daybook::live::event::{self, Event};
use daybook::live::keep::{self, Rules};
use daybook::live::redis::changes::Changes;
use daybook::live::redis::generic;
use daybook::live::redis::server::{Applied, Server};
use daybook::live::store::{Known, Store};
use tokio::sync::Mutex;

use crate::dice::Dice;

pub use recount::{
    Asking, Cut, Groups, PAGES, PLACES, assert_aggregates, assert_close, borrowed, figure, label,
    recount_aggregates, recount_pages, recount_rankings, start,
};

/// An event as it was sent; its numbers in thousandths and hundredths.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: DateTime<Utc>,
    pub shop: &'static str,
    pub method: Option<&'static str>,
    pub order: String,
    pub duration: i64,
    pub amount: Option<i64>,
    pub ok: Option<bool>,
}

impl Sent {
    pub fn event(&self) -> Event<'_> {
        let mut event = Event::new("checkout")
            .at(self.at)
            .label("shop", self.shop)
            .label("order", &self.order)
            .value("duration", self.duration as f64 / 1000.0);
        if let Some(method) = self.method {
            event = event.label("method", method);
        }
        if let Some(amount) = self.amount {
            event = event.value("amount", amount as f64 / 100.0);
        }
        if let Some(ok) = self.ok {
            event = event.ok(ok);
        }
        event
    }
}

/// Events of so many days from then on, with a few on bounds of hours and days.
pub fn some(dice: &mut Dice, zone: Tz, first: DateTime<Utc>, days: u64, count: usize) -> Vec<Sent> {
    let edges: Vec<DateTime<Utc>> = (0..=days)
        .map(|day| {
            midnight(
                first.with_timezone(&zone).date_naive() + Days::new(day),
                zone,
            )
        })
        .collect();
    let event = |at: usize| Sent {
        at: dice.instant(&edges, first, days),
        shop: dice.pick(&["zh", "be"]),
        method: [None, Some("card"), Some("cash")][dice.below(3) as usize],
        order: format!("order-{at}"),
        duration: dice.below(5_000_000) as i64,
        amount: (!dice.one_in(5)).then(|| dice.below(100_000) as i64),
        ok: [None, Some(true), Some(true), Some(false)][dice.below(4) as usize],
    };
    (0..count).map(event).collect()
}

/// The first minute at which the zone's clocks show that midnight or, if they skip it, something later.
pub fn midnight(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN);
    let mut at = local.and_utc() - TimeDelta::hours(15);
    while at.with_timezone(&zone).naive_local() < local {
        at += TimeDelta::minutes(1);
    }
    at
}

pub async fn record(live: &LiveSettings, sent: &[Sent]) {
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    for sent in sent.chunks(50) {
        let newest = sent.iter().map(|one| one.at).max().unwrap();
        let mut batch = Batch::default();
        for (line, one) in sent.iter().enumerate() {
            let event = one.event();
            // Whatever their order: the rule against late events is another's promise.
            batch.add(line, &event, &live.kinds, one.at);
        }
        let mut known = Known::new(1_000_000, false);
        let batches = &mut [batch];
        let outcomes = store.commit(batches, &live.kinds, newest, &mut known);
        assert_eq!(outcomes.await.unwrap().len(), 1);
    }
    store.close().await.unwrap();
}

pub async fn keep(live: &LiveSettings, zone: Tz, now: DateTime<Utc>) {
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    let rules = Rules {
        kinds: live.kinds.clone(),
        zone,
        archive: None,
        backlog: None,
    };
    keep::round(&mut store, &rules, now).await.unwrap();
    // Deleting goes on as long as there is something to delete.
    keep::prune_all(&mut store, &rules, now, false)
        .await
        .unwrap();
    store.close().await.unwrap();
}

/// Where checkouts are recorded and asked for.
pub enum Place {
    /// In the own file.
    Own,
    Meeting(Box<Meeting>),
}

/// A server where two replicas meet, which add in turn.
pub struct Meeting {
    pub settings: RedisSettings,
    pub zone: Tz,
    replicas: Mutex<Vec<Replica>>,
}

struct Replica {
    name: &'static str,
    /// Batches of points, and of rollups.
    batches: u32,
    rolled: u32,
    unrolled: Columns,
}

impl Meeting {
    /// `zone`: whose hours are rolled up.
    pub fn new(settings: &RedisSettings, kind: &Kind, zone: Tz) -> Self {
        let replica = |name| Replica {
            name,
            batches: 0,
            rolled: 0,
            unrolled: Columns::new(kind),
        };
        Self {
            settings: settings.clone(),
            zone,
            replicas: Mutex::new(["web1", "web2"].map(replica).into()),
        }
    }

    /// Adds points that are in no rollup yet.
    pub async fn record(&self, kind: &Kind, sent: &[Sent]) {
        let mut server = Server::connect(&self.settings).await.unwrap();
        let mut replicas = self.replicas.lock().await;
        for sent in sent.chunks(50) {
            let mut points = Columns::new(kind);
            for one in sent {
                event::add_old(&one.event(), kind, one.at, &mut points).unwrap();
            }
            let replica = &mut replicas[0];
            let mut changes = Changes::new(&self.settings.prefix);
            generic::add_fresh(&mut changes, &points, kind, replica.name).unwrap();
            let before = mark(replica.batches);
            replica.batches += 1;
            let call = changes.call(replica.name, &before, &mark(replica.batches), 0);
            assert_eq!(server.apply(&call).await.unwrap(), Applied::Now);
            replica.unrolled.append(&points);
            replicas.rotate_left(1);
        }
    }

    /// Rolls up all points.
    pub async fn roll_up(&self, kind: &Kind, now: DateTime<Utc>) {
        let mut server = Server::connect(&self.settings).await.unwrap();
        for replica in &mut *self.replicas.lock().await {
            let points = std::mem::replace(&mut replica.unrolled, Columns::new(kind));
            let mut changes = Changes::new(&self.settings.prefix);
            let name = replica.name;
            generic::add_rolled(&mut changes, &points, kind, self.zone, now).unwrap();
            changes.forget(&generic::fresh_key(&kind.name, name));
            let before = mark(replica.rolled);
            replica.rolled += 1;
            let name = format!("{name}:rollups");
            let call = changes.call(&name, &before, &mark(replica.rolled), 0);
            assert_eq!(server.apply(&call).await.unwrap(), Applied::Now);
        }
    }
}

fn mark(batches: u32) -> String {
    match batches {
        0 => String::new(),
        batches => format!("{batches}.0"),
    }
}

impl Place {
    pub async fn record(&self, live: &LiveSettings, sent: &[Sent]) {
        match self {
            Self::Own => record(live, sent).await,
            Self::Meeting(meeting) => meeting.record(&live.kinds["checkout"], sent).await,
        }
    }

    /// Rolls up what can be.
    pub async fn keep(&self, live: &LiveSettings, zone: Tz, now: DateTime<Utc>) {
        match self {
            Self::Own => keep(live, zone, now).await,
            Self::Meeting(meeting) => meeting.roll_up(&live.kinds["checkout"], now).await,
        }
    }
}
