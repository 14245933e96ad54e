//! `max_duration` is the time of the whole run, however many tasks it has.

use std::time::Duration;

use daybook::nightly::{self, Listener, NightError, Orders, Setting, Which};
use tokio_util::sync::CancellationToken;

use crate::world::{World, date, instant};

/// Spends more than the whole run's time after the first task.
struct Slow;

impl Listener for Slow {
    fn statement(&self, _: usize, _: usize) {}
    fn stored(&self, _: usize, _: usize) {
        std::thread::sleep(Duration::from_millis(2100));
    }
}

#[tokio::test]
async fn a_run_of_several_tasks_ends_after_its_longest_time() {
    let settings = r#"
        [app]
        database_url = "sqlite:app.db"

        [collect]
        max_duration = "2s"
        statement_timeout = "1s"
        lock_timeout = "1s"

        [tables.users]
        name = "users"

        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
        "#;
    let world = World::new("2025-10-04T06:00:00Z", settings);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
        .await;
    let config = world.config();
    let setting = Setting {
        config: &config,
        now: instant("2025-10-04T06:00:00Z"),
        stop: CancellationToken::new(),
        listener: &Slow,
    };
    // The days before yesterday, yesterday and today are three tasks.
    let orders = Orders {
        which: Which::Range(date("2025-10-01"), date("2025-10-04")),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    };
    let ended = nightly::run(&setting, &orders).await;
    assert!(matches!(ended, Err(NightError::Stopped)), "{ended:?}");
}
