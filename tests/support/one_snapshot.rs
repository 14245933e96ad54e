//! All numbers of an entry describe one instant, however busy the application is.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use daybook::nightly::Which;

use crate::dice::Dice;
use crate::world::{App, World, date};

/// Four statements, so that nothing but the snapshot can make them agree.
const SETTINGS: &str = r#"
    [app]
    connections = 2

    [tables.collections]
    name = "web_collection"
    created_at = "created"
    where = "NOT is_deleted"

    [[metrics]]
    key = "total"
    table = "collections"
    count = "*"
    fuse = false

    [[metrics]]
    key = "collections"
    table = "collections"
    count = "*"
    fuse = false
    split = { column = "visibility", into = { PRIVATE = "private", PUBLIC = "public", UNLISTED = "unlisted" } }
"#;

/// Collects a day over and over while the application writes.
pub async fn linked_counts_add_up(app: &App) {
    let time = match app {
        App::Sqlite(_) => "datetime",
        App::Postgres(_) => "timestamptz",
        App::Mysql(_) => "datetime",
    };
    app.execute(&format!(
        "CREATE TABLE web_collection (
            id integer PRIMARY KEY, created {time} NOT NULL, is_deleted bool NOT NULL, visibility varchar(10) NOT NULL
        )"
    ))
    .await;
    let writer = Writer::start(app, 0);
    let other = Writer::start(app, 1_000_000);
    let mut world = World::new("2025-10-03T12:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let mut totals = Vec::new();
    // The application has to have written in between, or nothing is shown.
    while totals.len() < 30 || totals.first() == totals.last() {
        world.night(Which::One(date("2025-10-03"))).await;
        let mut counts = Vec::new();
        for key in ["total", "private", "public", "unlisted"] {
            counts.push(world.value("2025-10-03", key).await.as_i64().unwrap());
        }
        assert_eq!(counts[0], counts[1] + counts[2] + counts[3], "{counts:?}");
        totals.push(counts[0]);
    }
    writer.stop();
    other.stop();
}

/// An application that inserts collections and changes its mind about them as fast as it can.
struct Writer {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn start(app: &App, from: u64) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let (app, seen) = (app.clone(), Arc::clone(&enough));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(write(&app, from, &seen));
        });
        Self { enough, thread }
    }

    fn stop(self) {
        self.enough.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

async fn write(app: &App, from: u64, enough: &AtomicBool) {
    let mut dice = Dice(from);
    let kinds = ["PRIVATE", "PUBLIC", "UNLISTED"];
    for id in from.. {
        if enough.load(Ordering::Relaxed) {
            return;
        }
        let (kind, other) = (dice.pick(&kinds), dice.pick(&kinds));
        let changed = from + dice.below(id - from + 1);
        app.execute(&format!(
            "INSERT INTO web_collection VALUES ({id}, '2025-10-01 12:00:00', FALSE, '{kind}');
             UPDATE web_collection SET visibility = '{other}' WHERE id = {changed};"
        ))
        .await;
    }
}
