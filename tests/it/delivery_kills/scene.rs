//! Worlds for the real program, copied from some that were made once.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use daybook::nightly::{Orders, Which};

use super::strikes::{Beginning, Story};
use crate::kills::ended;
use crate::running::SETTINGS;
use crate::running::program::{code, real_now, shop, today, zone_of_noon};
use crate::smtp_server::{Script, Server};
use crate::world::World;

pub(super) const YESTERDAY: [&str; 5] =
    ["collect", "--date", "yesterday", "--send-email", "--quiet"];
pub(super) const CATCH_UP: [&str; 4] = ["collect", "--catch-up", "--send-email", "--quiet"];

/// Nobody listens there.
const AWAY: &str = "smtp://127.0.0.1:1?tls=none";

/// Whoever waits for the server must not give up before the test does.
const PATIENT: &str = "[mail]\ntimeout = \"10m\"";

pub(super) struct Templates {
    /// By the number of readers, from 2 on.
    planned: Vec<World>,
    day_before: World,
    nothing: World,
    zone: String,
    pub(super) yesterday: NaiveDate,
    /// How long an undisturbed run takes.
    pub(super) whole: Duration,
}

impl Templates {
    pub(super) async fn make() -> Self {
        let zone = zone_of_noon();
        let yesterday = today() - Days::new(1);
        let nothing = world(&zone, &settings(2, false), AWAY);
        shop(&nothing).await;
        let day_before = world(&zone, &settings(2, false), AWAY);
        shop(&day_before).await;
        day_before.night(Which::One(yesterday - Days::new(1))).await;
        let mut planned = Vec::new();
        for readers in 2..=4 {
            let world = world(&zone, &settings(readers, false), AWAY);
            shop(&world).await;
            let night = world.ordered(&sending(Which::One(yesterday))).await;
            assert_eq!(night.unwrap().deliveries.len(), readers);
            planned.push(world);
        }
        Self {
            whole: undisturbed(&zone).await,
            planned,
            day_before,
            nothing,
            zone,
            yesterday,
        }
    }

    pub(super) fn world(&self, story: &Story, server: &Server) -> World {
        let settings = settings(story.readers, story.resend);
        let world = world(&self.zone, &settings, &server.url());
        let from = match story.beginning {
            Beginning::Nothing => &self.nothing,
            Beginning::DayBefore => &self.day_before,
            Beginning::Planned => &self.planned[story.readers - 2],
        };
        for name in ["app.db", "daybook.db"] {
            copy(&from.path(name), &world.path(name));
            let log = format!("{name}-wal");
            copy(&from.path(&log), &world.path(&log));
        }
        world
    }
}

/// The readers' addresses, in the order in which they are written to.
pub(super) fn readers(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("reader{number}@example.org"))
        .collect()
}

pub(super) fn settings(count: usize, resend: bool) -> String {
    let on_ambiguous = if resend { "resend" } else { "hold" };
    format!(
        "{SETTINGS}\n{PATIENT}\n[report]\nrecipients = {:?}\non_ambiguous = \"{on_ambiguous}\"\n",
        readers(count)
    )
}

pub(super) fn world(zone: &str, settings: &str, server: &str) -> World {
    let mut world = World::new(&real_now().to_rfc3339(), settings);
    world
        .set("DAYBOOK_TIME_ZONE", zone)
        .set("DAYBOOK_RETRY_FOR", "0")
        .set("DAYBOOK_SMTP_URL", server)
        .set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    world
}

async fn undisturbed(zone: &str) -> Duration {
    let server = Server::start(Script::accepting()).await;
    let world = world(zone, &settings(2, false), &server.url());
    shop(&world).await;
    let begun = Instant::now();
    let output = ended(world.start(&YESTERDAY));
    assert_eq!(code(&output), 0, "{output:?}");
    begun.elapsed()
}

fn sending(which: Which) -> Orders {
    Orders {
        which,
        metric: None,
        force: false,
        dry_run: false,
        send: true,
        retry_for: Duration::ZERO,
    }
}

fn copy(from: &Path, to: &Path) {
    if from.exists() {
        std::fs::copy(from, to).unwrap();
    }
}
