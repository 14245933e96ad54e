//! What `daybook serve` answers, to whom, and what it never does.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod addresses;
mod bodies;
mod book;
mod crowds;
mod doors;
mod hangups;
mod program;
mod proxied;
mod reports;
mod silence;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use daybook::commands::serve::router;
use daybook::look::pages::Site;
use daybook::nightly::Which;
use daybook::web::access::Access;
use daybook::web::{self, Limits};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::browsing::Browser;
use crate::delivering;
use crate::world::{World, date, instant};

/// A server inside this process, with a clock of its own.
pub(crate) struct Serving {
    pub(crate) port: u16,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    pub(crate) async fn of(world: &World) -> Self {
        Self::with(world, Limits::default()).await
    }

    pub(crate) async fn with(world: &World, limits: Limits) -> Self {
        Self::at(world, limits, after_due).await
    }

    pub(crate) async fn at(world: &World, limits: Limits, clock: fn() -> DateTime<Utc>) -> Self {
        let config = world.config();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let access = Arc::new(Access::new(&config, address).unwrap());
        let proxies = Arc::clone(&access.proxies);
        let site = Site::new(config, world.book_url(), clock);
        let router = router(site, access, None, None);
        let stop = CancellationToken::new();
        Self {
            port: address.port(),
            task: tokio::spawn(web::serve(listener, router, limits, proxies, stop.clone())),
            stop,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::at(self.port)
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Answers wrong guesses at once, so that a test may make many.
pub(crate) fn hurried() -> Limits {
    Limits {
        too_many_guesses: Duration::ZERO,
        ..Limits::default()
    }
}

/// 4 October 2025, 06:31 in Zurich: the report on the 3rd was due a minute ago.
fn after_due() -> DateTime<Utc> {
    instant("2025-10-04T04:31:00Z")
}

/// An app with a book of ten days up to 3 October 2025, whose report was brought out.
async fn world(more: &str) -> World {
    let (world, _) = delivering::world(more).await;
    let days = Which::Range(date("2025-09-24"), date("2025-10-03"));
    world.morning(days, false).await;
    world
}

/// Asks until that status comes: a server looks at its book once a second.
async fn until(status: u16, address: &str, browser: &Browser) {
    for _ in 0..600 {
        if browser.get(address).await.status == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{address} never answered {status}");
}
