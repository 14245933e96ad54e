//! Numbers that are good only for a while, or under a name that a metric no longer has: they give way to better ones, and
//! never pass for them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::entry::{Entry, Reading, is_wanting};
use daybook::nightly::{Orders, Which};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::histories::entries;
use crate::world::{App, World, date, instant};

const DAY: &str = "2025-10-03";
const NOON: &str = "2025-10-03T10:00:00Z";
const AFTERNOON: &str = "2025-10-03T14:00:00Z";
const AFTER_MIDNIGHT: &str = "2025-10-03T22:10:00Z";
/// What changes can no longer be known for the day.
const WEEKS_LATER: &str = "2025-10-20T10:00:00Z";

const TABLES: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.stock]
    name = "stock"
"#;

const USERS: &str = r#"
    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

const STOCK: &str = r#"
    [[metrics]]
    key = "stock"
    table = "stock"
    sum = "pieces"
"#;

const PER: &str = r#"
    [[metrics]]
    key = "stock_per_user"
    ratio = { of = "stock", per = "users" }
"#;

const MEMBERS: &str = r#"
    [[metrics]]
    key = "members"
    table = "users"
    count = "*"
    where = "member"
    history = "survivors"
"#;

fn renamed(metric: &str, was: &str, key: &str) -> String {
    metric.replace(
        &format!("key = \"{was}\""),
        &format!("key = \"{key}\"\n    was = \"{was}\""),
    )
}

/// Two users at noon, four at the day's end; 100 pieces.
async fn shop(now: &str, metrics: &[&str]) -> (World, App) {
    let world = World::new(now, &settings(metrics));
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT, member INTEGER); CREATE TABLE stock (pieces INTEGER);
         INSERT INTO users VALUES ('2025-10-01 12:00:00', 1), ('2025-10-01 12:00:00', 1), ('2025-10-03 20:00:00', 1), ('2025-10-03 20:00:00', 1);
         INSERT INTO stock VALUES (100);",
    )
    .await;
    (world, app)
}

fn settings(metrics: &[&str]) -> String {
    [&[TABLES], metrics].concat().concat()
}

fn orders(metric: Option<&str>, force: bool, retry_for: Duration) -> Orders {
    Orders {
        which: Which::One(date(DAY)),
        metric: metric.map(str::to_owned),
        force,
        dry_run: false,
        send: false,
        retry_for,
    }
}

async fn count(world: &World, metric: Option<&str>, force: bool) {
    let orders = orders(metric, force, Duration::ZERO);
    world.ordered(&orders).await.unwrap();
}

async fn entry(world: &World) -> Entry {
    entries(world).await.remove(&date(DAY)).unwrap()
}

/// As readers are shown it, under whichever name.
fn shown(world: &World, entry: &Entry, key: &str) -> Reading {
    let config = world.config();
    entry
        .reading(config.catalog.metric(key).unwrap())
        .unwrap()
        .clone()
}

async fn import(world: &World, lines: &str) {
    world.write("days.csv", &format!("date,key,value\n{lines}\n"));
    world.command(&["import", "days.csv"]).await.unwrap();
}

#[tokio::test]
async fn one_imported_number_does_not_make_noons_others_those_of_the_whole_day() {
    let (mut world, _app) = shop(NOON, &[USERS, STOCK, PER]).await;
    count(&world, None, false).await;
    world.at("2025-10-03T23:30:00Z");
    import(&world, "2025-10-03,stock,400").await;
    world.night(Which::CatchUp).await;
    let entry = entry(&world).await;
    assert!(!entry.partial);
    assert_eq!(entry.number("users"), Some(4.0));
    assert_eq!(entry.number("stock"), Some(400.0));
    assert_eq!(entry.number("stock_per_user"), Some(100.0));
}

#[tokio::test]
async fn what_an_imported_number_makes_possible_is_made() {
    let (world, _app) = shop(WEEKS_LATER, &[USERS, STOCK, PER]).await;
    count(&world, None, false).await;
    assert_eq!(world.value(DAY, "stock_per_user").await, json!(null));
    import(&world, "2025-10-03,stock,400").await;
    assert_eq!(world.value(DAY, "stock_per_user").await, json!(100.0));
    let provenance = world.provenance(DAY, "stock_per_user").await;
    assert_eq!(provenance["kind"], "imported");
}

#[tokio::test]
async fn noons_number_under_a_former_name_does_not_pass_for_the_whole_days() {
    let (mut world, app) = shop(NOON, &[USERS, STOCK]).await;
    count(&world, None, false).await;
    app.execute("UPDATE stock SET pieces = 777").await;
    world.at("2025-10-08T10:00:00Z");
    let pieces = renamed(STOCK, "stock", "pieces");
    world.write("daybook.toml", &settings(&[USERS, &pieces]));
    count(&world, None, false).await;
    let entry = entry(&world).await;
    let reading = shown(&world, &entry, "pieces");
    assert!(!entry.partial && reading.number() == Some(100.0));
    assert_eq!(reading.provenance.observed_at, Some(instant(NOON)));
    assert!(is_wanting(&entry, &reading));
}

#[tokio::test]
async fn a_renamed_number_that_failed_at_the_days_end_is_filled_in_with_what_is_made_of_it() {
    let (mut world, app) = shop(NOON, &[USERS, STOCK, PER]).await;
    count(&world, None, false).await;
    app.execute("ALTER TABLE users RENAME TO users_away").await;
    world.at(AFTER_MIDNIGHT);
    let people = renamed(USERS, "users", "people");
    let per = PER.replace("\"users\"", "\"people\"");
    world.write("daybook.toml", &settings(&[&people, STOCK, &per]));
    count(&world, None, false).await;
    app.execute("ALTER TABLE users_away RENAME TO users").await;
    world.at("2025-10-04T06:00:00Z");
    world.night(Which::CatchUp).await;
    let entry = entry(&world).await;
    assert_eq!(shown(&world, &entry, "people").number(), Some(4.0));
    assert_eq!(entry.number("stock_per_user"), Some(25.0));
}

#[tokio::test]
async fn an_import_under_the_new_name_changes_nothing_that_is_known_under_the_former() {
    let (world, _app) = shop(AFTER_MIDNIGHT, &[USERS, STOCK]).await;
    count(&world, None, false).await;
    let pieces = renamed(STOCK, "stock", "pieces");
    world.write("daybook.toml", &settings(&[USERS, &pieces]));
    import(&world, "2025-10-03,pieces,7").await;
    let entry = entry(&world).await;
    assert_eq!(shown(&world, &entry, "pieces").number(), Some(100.0));
}

/// Two of the four are deleted before the day is counted again.
#[tokio::test]
async fn a_recount_that_must_miss_rows_hides_no_firsthand_number_of_a_former_name() {
    let pct = "[[metrics]]\nkey = \"subscribers_pct\"\npercent = { of = \"subscribers\", in = \"users\" }\n";
    for (force, made) in [(false, pct), (true, "")] {
        let (mut world, app) = shop(AFTER_MIDNIGHT, &[USERS, MEMBERS]).await;
        count(&world, None, false).await;
        app.execute("DELETE FROM users WHERE joined LIKE '2025-10-03%'")
            .await;
        world.at(WEEKS_LATER);
        let subscribers = renamed(MEMBERS, "members", "subscribers");
        world.write("daybook.toml", &settings(&[USERS, &subscribers, made]));
        count(&world, None, force).await;
        let entry = entry(&world).await;
        let reading = shown(&world, &entry, "subscribers");
        assert_eq!(reading.number(), Some(4.0), "force: {force}");
    }
}

#[tokio::test]
async fn what_only_the_open_day_told_yields_to_a_recount_with_force_and_without() {
    for force in [false, true] {
        let (mut world, app) = shop(NOON, &[USERS, MEMBERS]).await;
        count(&world, None, false).await;
        app.execute("ALTER TABLE users RENAME TO users_away").await;
        world.at(AFTER_MIDNIGHT);
        count(&world, None, false).await;
        app.execute("ALTER TABLE users_away RENAME TO users").await;
        world.at(WEEKS_LATER);
        count(&world, None, force).await;
        let members = world.value(DAY, "members").await;
        assert_eq!(members, json!(4), "force: {force}");
    }
}

fn in_zone(zone: &str, metrics: &[&str]) -> String {
    format!("time_zone = \"{zone}\"\n{}", settings(metrics))
}

/// The day ends six hours later in New York, and two more users have come by then.
#[tokio::test]
async fn a_day_is_never_of_two_zones() {
    let more = USERS.replace("key = \"users\"", "key = \"users_too\"");
    let (mut world, app) = shop("2025-10-06T10:00:00Z", &[]).await;
    app.execute("INSERT INTO users VALUES ('2025-10-04 01:00:00', 1), ('2025-10-04 01:30:00', 1)")
        .await;
    world.write("daybook.toml", &in_zone("Europe/Zurich", &[USERS]));
    count(&world, None, false).await;
    world.write(
        "daybook.toml",
        &in_zone("America/New_York", &[USERS, &more]),
    );
    world.at("2025-10-06T12:00:00Z");
    let night = world.night(Which::One(date(DAY))).await;
    assert_eq!(
        night.skipped[0].1,
        "it was counted in Europe/Zurich, and begins or ends at another time in America/New_York; recount it with --force"
    );
    let before = entry(&world).await;
    assert_eq!(before.number("users"), Some(4.0));
    assert_eq!(before.number("users_too"), None);
    count(&world, Some("users_too"), true).await;
    let after = entry(&world).await;
    assert_eq!(after.time_zone.name(), "America/New_York");
    assert_eq!(after.number("users"), Some(6.0));
    assert_eq!(after.number("users_too"), Some(6.0));
}

#[tokio::test]
async fn a_number_filled_into_an_open_day_says_when_it_was_read() {
    let (mut world, app) = shop(NOON, &[USERS, STOCK, PER]).await;
    app.execute("ALTER TABLE stock RENAME TO stock_away").await;
    count(&world, None, false).await;
    app.execute("ALTER TABLE stock_away RENAME TO stock").await;
    world.at(AFTERNOON);
    count(&world, Some("stock"), false).await;
    let entry = entry(&world).await;
    assert_eq!(entry.as_of, instant(NOON));
    let read = entry.readings["stock"].provenance.observed_at;
    assert_eq!(read, Some(instant(AFTERNOON)));
}

/// The application holds its database for longer than one statement waits for it.
#[tokio::test]
async fn a_number_that_had_to_be_waited_for_says_when_it_was_read() {
    let tables = TABLES.replace(
        "[tables.users]",
        "[collect]\nlock_timeout = \"1s\"\n[tables.users]",
    );
    let (world, app) = shop("2025-10-03T22:15:00Z", &[]).await;
    world.write("daybook.toml", &[&tables, USERS, STOCK].concat());
    let App::Sqlite(path) = &app else {
        panic!("it is a file")
    };
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        other
            .execute("UPDATE stock SET pieces = 4444; COMMIT")
            .await
            .unwrap();
        other.close().await.unwrap();
    };
    let orders = orders(None, false, Duration::from_secs(30));
    let (night, ()) = tokio::join!(world.ordered(&orders), late);
    night.unwrap();
    assert_eq!(world.value(DAY, "stock").await, json!(4444));
    let read = entry(&world).await.readings["stock"].provenance.observed_at;
    let earliest = instant("2025-10-03T22:15:01Z");
    assert!(read.is_some_and(|at| at >= earliest), "{read:?}");
}
