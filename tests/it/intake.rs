//! Events that programs send to `daybook serve`.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod access;
mod agent_defects;
mod batches;
mod bot_defects;
mod described;
mod exports;
mod formats;
mod hosts;
mod killed;
mod limits;
mod moderation;
mod questions;
mod sessions;
mod spans;
mod streamed;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use daybook::api::{Api, Questions};
use daybook::commands::serve::router;
use daybook::config::live::Durable;
use daybook::config::{Config, LiveSettings};
use daybook::live::point;
use daybook::live::question;
use daybook::live::record::{Recorder, Writer};
use daybook::live::store::Store;
use daybook::look::pages::Site;
use daybook::web::access::Access;
use daybook::web::{self, Limits};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::browsing::{Answer, Browser};
use crate::live::{METRICS, everything};
use crate::world::World;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// What the tests send: a shop's checkouts.
const CHECKOUT: &str = r#"
[live.kinds.checkout]
shape = "span"
labels = { shop = { values = ["zh", "be"], required = true }, till = { most = 50 }, order = { find = true } }
values = { duration = { unit = "ms", min = 0 }, amount = { unit = "CHF", decimals = 2 } }
by = [["shop"], ["till"]]
cluster = "shop"
details = { bytes = 200 }
"#;

/// An application whose server takes checkouts; `more` goes into `[live]` or behind it.
fn shop(more: &str) -> World {
    let settings = format!("[live]\naccept = true\n{more}\n{CHECKOUT}{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

/// Friday noon in Zurich.
fn noon() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

/// A server inside this process.
struct Intake {
    port: u16,
    live: LiveSettings,
    /// The server stops taking connections.
    stop: CancellationToken,
    /// The program has been told to stop.
    told: CancellationToken,
    task: JoinHandle<()>,
    writer: Option<Writer>,
    api: Arc<Api>,
}

impl Intake {
    async fn of(world: &World) -> Self {
        Self::with(world.config(), Limits::default(), noon).await
    }

    async fn with(config: Config, limits: Limits, clock: fn() -> DateTime<Utc>) -> Self {
        let live = config.live.clone().unwrap();
        let zone = config.time_zone;
        let (recorder, writer) = match live.is_on {
            true => {
                let opened = Recorder::open(&live, zone, clock).await.unwrap();
                (opened.0, Some(opened.1))
            }
            false => (Recorder::off(live.kinds.clone(), clock), None),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let access = Arc::new(Access::new(&config, address).unwrap());
        let proxies = Arc::clone(&access.proxies);
        let told = CancellationToken::new();
        let api = Api::new(&live, zone, recorder, Arc::clone(&access), told.clone());
        let api = Arc::new(api);
        let book = config.book.url.clone();
        let site = Site::new(config, book, clock);
        let questions = Questions::new(&live, zone, clock, Arc::clone(&access), told.clone());
        let router = router(
            site,
            access,
            live.accepts.then(|| Arc::clone(&api)),
            Some(Arc::new(questions)),
        );
        let stop = CancellationToken::new();
        Self {
            port: address.port(),
            live,
            task: tokio::spawn(web::serve(listener, router, limits, proxies, stop.clone())),
            stop,
            told,
            writer,
            api,
        }
    }

    fn browser(&self) -> Browser {
        Browser::at(self.port)
    }

    async fn post(&self, address: &str, body: &str) -> Answer {
        self.browser().post(address, JSON, body).await
    }

    async fn get(&self, address: &str) -> Answer {
        self.browser().get(address).await
    }

    /// Ends the server, and gives what it has kept.
    async fn end(self) -> Kept {
        self.stop.cancel();
        self.told.cancel();
        self.task.await.unwrap();
        self.api.close().await;
        if let Some(writer) = self.writer {
            writer.stop().await.unwrap().close().await.unwrap();
        }
        Kept { live: self.live }
    }
}

/// What a server has kept.
struct Kept {
    live: LiveSettings,
}

impl Kept {
    /// All points of a kind as they could be sent again, the newest first.
    async fn points(&self, kind: &str) -> Vec<Json> {
        let mut store = Store::open(&self.live.database, Durable::Commit)
            .await
            .unwrap();
        let question = everything();
        let found = question::points(&mut store, &self.live.kinds[kind], &question)
            .await
            .unwrap();
        assert_eq!(found.broken, []);
        point::points(&found.points, kind)
            .map(|point| serde_json::json!(point))
            .collect()
    }
}

fn checkout(number: usize) -> String {
    format!(r#"{{"kind": "checkout", "labels": {{"shop": "zh", "order": {number}}}}}"#)
}

fn json(answer: &Answer) -> Json {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// Waits until it holds.
async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came to be");
}
