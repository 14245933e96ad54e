//! Tables that are rewritten or emptied on PostgreSQL after the snapshot was taken: such a snapshot sees no row of them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::collect::{self, Request, Work};
use daybook::commands::Ended;
use daybook::entry::Value;
use daybook::nightly::{Night, Orders, Which};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::postgres::database;
use crate::with_servers::naps::changed_in_the_nap;
use crate::world::{App, World, date, instant};

const NOW: &str = "2025-10-04T06:00:00Z";
const DAY: &str = "2025-10-03";

/// The nap comes first, so that everything else is counted after it.
const SETTINGS: &str = r#"
    [app]
    connections = 1

    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.posts]
    name = "posts"
    belongs_to = [{ table = "users", column = "author" }]

    [tables.adults]
    name = "adults"

    [tables.visits]
    name = "visits"

    [tables.files]
    name = "files"

    [tables.totals]
    name = "totals"

    [[metrics]]
    key = "nap"
    sql = "SELECT 7 FROM (SELECT pg_sleep(0.6)) AS nap"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "posts"
    table = "posts"
    count = "*"

    [[metrics]]
    key = "adults"
    table = "adults"
    count = "*"

    [[metrics]]
    key = "visits"
    table = "visits"
    count = "*"

    [[metrics]]
    key = "files"
    table = "files"
    count = "*"

    [[metrics]]
    key = "totals"
    table = "totals"
    sum = "n"

    [[metrics]]
    key = "spoken"
    sql = "SELECT count(*) FROM users JOIN posts ON author = users.id"

    [[metrics]]
    key = "kinds"
    table = "posts"
    count = "*"
    by = { column = "kind", label = { table = "kinds", key = "id", column = "name" } }
"#;

const SHOP: &str = "
    CREATE TABLE users (id int PRIMARY KEY, age int NOT NULL, joined timestamptz NOT NULL);
    INSERT INTO users SELECT n, n, '2025-10-01 10:00Z' FROM generate_series(1, 100) AS n;
    CREATE VIEW adults AS SELECT id FROM users WHERE age >= 18;
    CREATE TABLE kinds (id int, name text);
    INSERT INTO kinds VALUES (1, 'Essays');
    CREATE TABLE posts (author int, kind int);
    INSERT INTO posts SELECT n, 1 FROM generate_series(1, 50) AS n;
    CREATE TABLE visits (n int) PARTITION BY RANGE (n);
    CREATE TABLE visits_low PARTITION OF visits FOR VALUES FROM (0) TO (50);
    CREATE TABLE visits_high PARTITION OF visits FOR VALUES FROM (50) TO (100);
    INSERT INTO visits SELECT generate_series(0, 59);
    CREATE TABLE files (n int);
    CREATE TABLE pictures () INHERITS (files);
    INSERT INTO pictures SELECT generate_series(1, 30);
    CREATE MATERIALIZED VIEW totals AS SELECT count(*)::int AS n FROM users;";

async fn shop(more: &str) -> (World, App) {
    let app = database().await;
    app.execute(SHOP).await;
    let mut world = World::new(NOW, &format!("{SETTINGS}\n{more}"));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    (world, app)
}

async fn night(world: &World) -> Night {
    let orders = Orders {
        which: Which::One(date(DAY)),
        metric: None,
        force: true,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    };
    world.ordered(&orders).await.unwrap()
}

/// Until Daybook naps: then its snapshot is taken, and its tables are not read yet.
async fn napping(app: &App) {
    let napping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE '%pg_sleep(0.6)%' AND state = 'active' AND pid <> pg_backend_pid()";
    while app.number(napping).await != Some(1.into()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn plainly(world: &World, key: &str, expected: i64, what: &str) {
    assert_eq!(
        world.value(DAY, key).await,
        json!(expected),
        "{key}: {what}"
    );
    let provenance = world.provenance(DAY, key).await;
    let kind = provenance.get("kind");
    assert!(
        kind.is_none_or(|kind| kind == "observed"),
        "{key}: {what}: {provenance}"
    );
}

#[tokio::test]
async fn a_table_changed_after_the_snapshot_is_counted_again_on_a_fresh_one() {
    let (world, app) = shop("").await;
    let reload =
        "CREATE TEMP TABLE kept AS TABLE users; TRUNCATE users; INSERT INTO users TABLE kept";
    for (change, key, expected) in [
        ("ALTER TABLE posts ALTER kind TYPE bigint", "posts", 50),
        (
            "ALTER TABLE posts ADD COLUMN token float DEFAULT random()",
            "posts",
            50,
        ),
        (reload, "users", 100),
        // Its parents, the tables of a view and those of configured SQL are read too.
        (reload, "posts", 50),
        (reload, "adults", 83),
        (reload, "spoken", 50),
        (
            "CREATE TEMP TABLE kept AS TABLE visits_low; TRUNCATE visits_low; INSERT INTO visits_low TABLE kept",
            "visits",
            60,
        ),
        ("DROP TABLE visits_high", "visits", 50),
        (
            "ALTER TABLE visits DETACH PARTITION visits_low",
            "visits",
            0,
        ),
        (
            "ALTER TABLE visits ATTACH PARTITION visits_low FOR VALUES FROM (0) TO (50)",
            "visits",
            50,
        ),
        (
            "CREATE TEMP TABLE kept AS TABLE pictures; TRUNCATE pictures; INSERT INTO pictures TABLE kept",
            "files",
            30,
        ),
        (
            "INSERT INTO files TABLE pictures; ALTER TABLE pictures NO INHERIT files",
            "files",
            30,
        ),
        (
            "DELETE FROM files; ALTER TABLE pictures INHERIT files",
            "files",
            30,
        ),
        (
            "CREATE TABLE new AS TABLE posts; DROP TABLE posts; ALTER TABLE new RENAME TO posts",
            "posts",
            50,
        ),
        (
            "DELETE FROM users WHERE id > 90; REFRESH MATERIALIZED VIEW totals",
            "totals",
            90,
        ),
        // These hide no row.
        ("VACUUM FULL posts", "posts", 50),
        ("CREATE INDEX ON posts (kind)", "posts", 50),
        ("INSERT INTO posts VALUES (1, 1)", "posts", 50),
    ] {
        // What VACUUM does stands in no transaction.
        let change_text = match change.starts_with("VACUUM") {
            true => change.to_owned(),
            false => format!("BEGIN; {change}; COMMIT"),
        };
        let change_it = app.execute(&change_text);
        let night = changed_in_the_nap(night(&world), napping(&app), change_it).await;
        assert!(night.unreachable.is_empty());
        plainly(&world, key, expected, change).await;
        plainly(&world, "nap", 7, change).await;
    }
}

#[tokio::test]
async fn a_table_that_was_filled_beside_and_took_the_name_is_counted_again() {
    let (world, app) = shop("").await;
    app.execute("CREATE TABLE beside (LIKE posts)").await;
    let changed = async {
        napping(&app).await;
        app.execute("INSERT INTO beside TABLE posts").await;
        app.execute(
            "BEGIN; ALTER TABLE posts RENAME TO former; ALTER TABLE beside RENAME TO posts; COMMIT",
        )
        .await;
    };
    let (night, ()) = tokio::join!(night(&world), changed);
    assert!(night.unreachable.is_empty());
    plainly(&world, "posts", 50, "renamed").await;
}

#[tokio::test]
async fn labels_and_readers_are_read_from_tables_as_the_snapshot_had_them() {
    let asked = "[report]\nrecipients_sql = \"SELECT address FROM readers\"";
    let (world, app) = shop(asked).await;
    app.execute(
        "CREATE TABLE readers (address text); INSERT INTO readers VALUES ('ada@example.org')",
    )
    .await;
    for reloaded in ["kinds", "readers"] {
        let reload = format!(
            "BEGIN; CREATE TEMP TABLE kept AS TABLE {reloaded}; TRUNCATE {reloaded};
             INSERT INTO {reloaded} TABLE kept; COMMIT"
        );
        let config = world.config();
        let request = Request {
            catalog: &config.catalog,
            keys: vec!["nap".to_owned(), "kinds".to_owned()],
            work: Work::Night(Day::new(date(DAY), Zurich).unwrap().close()),
            now: instant(NOW),
            grace: TimeDelta::hours(24),
            retry_for: Duration::ZERO,
            follower_timeout: Duration::ZERO,
            limits: collect::limits(&config, CancellationToken::new()),
            recipients: config.report.recipients_query.as_ref(),
            progress: &|_, _| {},
            retrying: &|_, _| {},
        };
        let collecting = collect::collect(&config.apps, &request);
        let collected = changed_in_the_nap(collecting, napping(&app), app.execute(&reload)).await;
        let readers = collected.recipients.unwrap().unwrap().recipients;
        let readers: Vec<&str> = readers.iter().map(|one| one.address.as_str()).collect();
        assert_eq!(readers, ["ada@example.org"]);
        let (_, readings) = &collected.days[0];
        let Some(Value::Parts(kinds)) = &readings["kinds"].value else {
            panic!("{reloaded}: no kinds");
        };
        let kinds: Vec<(&str, Decimal)> = kinds
            .iter()
            .map(|part| (part.label.as_str(), part.count))
            .collect();
        assert_eq!(kinds, [("Essays", Decimal::from(50))]);
    }
}

#[tokio::test]
async fn a_table_that_is_rewritten_again_and_again_fails_its_metrics_alone_and_names_itself() {
    let (world, app) = shop("").await;
    let changed = async {
        loop {
            napping(&app).await;
            app.execute("BEGIN; CREATE TEMP TABLE kept AS TABLE posts; TRUNCATE posts; INSERT INTO posts TABLE kept; COMMIT")
                .await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    let night = tokio::select! {
        night = night(&world) => night,
        () = changed => unreachable!("it never ends"),
    };
    assert!(night.unreachable.is_empty());
    for key in ["posts", "spoken", "kinds"] {
        assert_eq!(world.value(DAY, key).await, Json::Null);
        let why = world.provenance(DAY, key).await;
        assert_eq!(why["kind"], "failed", "{key}: {why}");
        assert_eq!(
            why["reason"],
            "`posts` was rewritten or emptied while it was counted: collect again once the schema change or reload is over"
        );
    }
    for (key, expected) in [("users", 100), ("adults", 83), ("visits", 60), ("nap", 7)] {
        plainly(&world, key, expected, "the others are known").await;
    }
    let again = world.command(&["collect", "--quiet", "--date", DAY]).await;
    assert_eq!(again.unwrap(), Ended::Done);
    plainly(&world, "posts", 50, "once it is over").await;
}

const CHANGES: u32 = 40;

#[tokio::test]
async fn no_night_stores_nothing_for_a_table_that_is_never_empty() {
    let (world, app) = shop("").await;
    world.write(
        "daybook.toml",
        &SETTINGS.replace("pg_sleep(0.6)", "pg_sleep(0.03)"),
    );
    let writing = app.clone();
    // A deployment and a reload after another, as fast as they can, while one night follows the other.
    let writer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for nth in 0..CHANGES {
            let kind = if nth % 2 == 0 { "bigint" } else { "int" };
            let table = ["posts", "users", "visits_low"][nth as usize % 3];
            let change = format!(
                "BEGIN; ALTER TABLE posts ALTER kind TYPE {kind}; COMMIT;
                 BEGIN; CREATE TEMP TABLE kept AS TABLE {table}; TRUNCATE {table}; INSERT INTO {table} TABLE kept; DROP TABLE kept; COMMIT"
            );
            runtime.block_on(writing.execute(&change));
            std::thread::sleep(Duration::from_millis(u64::from(100 + nth * 37 % 400)));
        }
    });
    let mut is_over = false;
    while !is_over {
        // The last night begins after the last change.
        is_over = writer.is_finished();
        night(&world).await;
        for (key, expected) in [
            ("users", 100),
            ("posts", 50),
            ("adults", 83),
            ("visits", 60),
            ("spoken", 50),
        ] {
            match world.value(DAY, key).await {
                Json::Null if !is_over => {
                    assert_eq!(world.provenance(DAY, key).await["kind"], "failed");
                }
                found => assert_eq!(found, json!(expected), "{key}"),
            }
        }
    }
    writer.join().unwrap();
}
