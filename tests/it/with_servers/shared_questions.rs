//! Questions are answered from the server where replicas meet, as from a file.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use chrono_tz::Tz;
use daybook::config::LiveSettings;
use support::checkouts::{
    Meeting, PAGES, PLACES, Place, recount_aggregates, recount_pages, recount_rankings,
};
use support::redis::Server;
use support::world::World;

const CHECKOUT: &str = r#"
    shape = "span"
    labels = { shop = { values = ["zh", "be"], required = true }, method = { most = 3 }, order = { find = true } }
    values = { duration = { unit = "ms", min = 0 }, amount = { unit = "CHF", decimals = 2 } }
    by = [["shop"], ["shop", "method"]]
    cluster = "shop"
"#;
/// The server's clock is that of the world.
const KEPT: &str = r#"keep = { points = "forever", hourly = "forever", daily = "forever" }"#;

/// A server, and what is declared there.
struct Scene {
    server: Server,
    world: World,
    live: LiveSettings,
}

impl Scene {
    fn new(keep: &str) -> Self {
        let server = Server::start(&[]);
        let settings = format!(
            "[live]\n[live.redis]\nurl = \"redis://127.0.0.1:{}\"\n[live.kinds.checkout]\n{CHECKOUT}\n{keep}\n{METRICS}",
            server.port
        );
        let world = World::new("2026-11-20T11:00:00Z", &settings);
        let live = world.config().live.unwrap();
        Self {
            server,
            world,
            live,
        }
    }

    fn meeting(&self, zone: Tz) -> Meeting {
        let settings = self.live.redis.as_ref().unwrap();
        Meeting::new(settings, &self.live.kinds["checkout"], zone)
    }

    fn place(&self, zone: Tz) -> Place {
        Place::Meeting(Box::new(self.meeting(zone)))
    }
}

const METRICS: &str = r#"
[tables.users]
name = "users"
created_at = "joined"

[[metrics]]
key = "users"
table = "users"
count = "*"
"#;

#[tokio::test]
async fn aggregates_are_a_recount_of_what_two_replicas_recorded() {
    for (seed, (zone, _)) in PLACES.into_iter().enumerate() {
        let scene = Scene::new(KEPT);
        recount_aggregates(&scene.live, &scene.place(zone), seed).await;
    }
}

#[tokio::test]
async fn pages_give_each_event_once_in_order_while_others_arrive_and_are_moved() {
    for question in PAGES {
        let scene = Scene::new(KEPT);
        recount_pages(&scene.live, &scene.place(Tz::UTC), question).await;
    }
}

#[tokio::test]
async fn rankings_summaries_and_comparisons_are_a_recount() {
    let scene = Scene::new(KEPT);
    recount_rankings(&scene.live, &scene.place(Tz::Europe__Zurich)).await;
}
