//! The demo's application is big, plausible, the same every time and never half-written; its nights are those that
//! a collection at that time would have stored, and all of them but the last are quiet.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use daybook::book::{self, Book};
use daybook::calendar::Day;
use daybook::catalog::Metric;
use daybook::commands::Ended;
use daybook::compare::{self, Alert, JudgedDay, Rule, Severity, State};
use daybook::config::{self, Config};
use daybook::entry::{Entry, Kind};
use daybook::nightly::Which;
use daybook::operate::demo::{Application, DemoSize, night_of, settings};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::world::{App, World};

/// In Zurich; the last complete day is 19 November.
const MORNING: &str = "2026-11-20T05:00:00Z";

fn morning() -> DateTime<Utc> {
    MORNING.parse().expect("an instant")
}

fn last_day() -> Day {
    Day::containing(morning(), chrono_tz::Europe::Zurich).previous()
}

async fn written(path: &Path) -> DemoSize {
    let mut application = Application::begin(last_day());
    application.live_until(morning());
    application
        .write(path)
        .await
        .expect("the demo can be written")
}

/// The whole demo, in the folder `demo`.
async fn made(now: &str) -> World {
    let world = World::new(now, "");
    let ended = world.command(&["demo", "--dir", "demo"]).await;
    assert_eq!(ended.expect("a demo"), Ended::Done);
    world
}

fn config_of(world: &World) -> Config {
    let request = config::Request {
        path: Some(world.path("demo/daybook.toml")),
        environment: Default::default(),
        cwd: world.path("demo"),
    };
    config::load(&request).unwrap_or_else(|error| panic!("{error}"))
}

/// Every day in the book.
async fn entries(config: &Config) -> Vec<Entry> {
    let book = Book::open(&config.book.url, std::time::Duration::ZERO)
        .await
        .expect("a book");
    let all = book::all_dates(&book).await.expect("days");
    let entries = book::entries(&book, all[0]..=all[all.len() - 1]).await;
    book.close().await;
    entries.expect("entries")
}

struct Demo {
    connection: SqliteConnection,
    _directory: tempfile::TempDir,
}

impl Demo {
    async fn new() -> (Self, DemoSize) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("app.db");
        let size = written(&path).await;
        let connection = SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .expect("a database that opens");
        let demo = Self {
            connection,
            _directory: directory,
        };
        (demo, size)
    }

    async fn number(&mut self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

#[tokio::test]
async fn the_demo_has_the_promised_size_and_knows_it() {
    let (mut demo, size) = Demo::new().await;
    let users = demo.number("SELECT count(*) FROM auth_user").await;
    let items = demo.number("SELECT count(*) FROM web_collectionitem").await;
    let collections = demo.number("SELECT count(*) FROM web_collection").await;
    assert_eq!(
        (size.users, size.items, size.collections),
        (users as usize, items as usize, collections as usize)
    );
    assert!(users >= 5_000, "{users} users");
    assert!(items >= 50_000, "{items} items");
    let days = "SELECT count(DISTINCT substr(created, 1, 10)) FROM web_collectionitem";
    assert!(demo.number(days).await >= 400);
}

#[tokio::test]
async fn nothing_in_the_demo_happens_later_than_now() {
    let (mut demo, _) = Demo::new().await;
    let later = "SELECT
        (SELECT count(*) FROM auth_user WHERE max(date_joined, coalesce(last_login, '')) >= '2026-11-20 05:00:00.000000')
        + (SELECT count(*) FROM web_collection WHERE created >= '2026-11-20 05:00:00.000000')
        + (SELECT count(*) FROM web_collectionitem WHERE created >= '2026-11-20 05:00:00.000000')
        + (SELECT count(*) FROM web_mediafile WHERE created >= '2026-11-20 05:00:00.000000')
        + (SELECT count(*) FROM web_itemattribute WHERE created >= '2026-11-20 05:00:00.000000')
        + (SELECT count(*) FROM post_office_email WHERE created >= '2026-11-20 05:00:00.000000')";
    assert_eq!(demo.number(later).await, 0);
    let before_joining = "SELECT count(*) FROM auth_user WHERE last_login < date_joined";
    assert_eq!(demo.number(before_joining).await, 0);
    let other_form = "SELECT count(*) FROM web_collectionitem
        WHERE created NOT GLOB '????-??-?? ??:??:??.??????'";
    assert_eq!(demo.number(other_form).await, 0);
}

#[tokio::test]
async fn items_stand_exactly_on_the_edges_of_clock_change_days() {
    let (mut demo, _) = Demo::new().await;
    // The day of 25 hours: 25 October 2026; that of 23: 29 March 2026. The change itself is at 01:00 UTC.
    let found = "SELECT count(DISTINCT created) FROM web_collectionitem WHERE created IN (
        '2026-10-24 22:00:00.000000', '2026-10-25 01:00:00.000000',
        '2026-10-25 22:59:59.999999', '2026-10-25 23:00:00.000000',
        '2026-03-28 23:00:00.000000', '2026-03-29 01:00:00.000000',
        '2026-03-29 21:59:59.999999', '2026-03-29 22:00:00.000000')";
    assert_eq!(demo.number(found).await, 8);
}

#[tokio::test]
async fn moderation_keeps_up_and_deleted_files_leave_neither_content_nor_orphans() {
    let (mut demo, _) = Demo::new().await;
    let lost = "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND NOT file_exists";
    assert_eq!(demo.number(lost).await, 3);
    let kept = "SELECT count(*) FROM web_mediafile WHERE is_deleted AND file_exists";
    assert_eq!(demo.number(kept).await, 0);
    let flagged = "SELECT count(*) FROM web_mediafile
        WHERE NOT is_deleted AND content_moderation_status = 'FLAGGED'";
    assert!(demo.number(flagged).await <= 10);
    let pending = "SELECT count(*) FROM web_mediafile
        WHERE NOT is_deleted AND content_moderation_status = 'PENDING'";
    assert!((1..=20).contains(&demo.number(pending).await));
    let shown = "SELECT count(*) FROM web_mediafile AS file
        WHERE NOT file.is_deleted AND file.media_type <> 'AVATAR' AND file.id NOT IN (
            SELECT media_file_id FROM web_collectionitemimage WHERE NOT is_deleted
            UNION SELECT media_file_id FROM web_collectionimage WHERE NOT is_deleted)";
    assert_eq!(demo.number(shown).await, 0);
}

#[tokio::test]
async fn the_demo_is_as_untidy_as_real_data() {
    let (mut demo, _) = Demo::new().await;
    for sql in [
        "SELECT 1000 * sum(is_deleted) / count(*) FROM web_collection",
        "SELECT 1000 * sum(is_deleted) / count(*) FROM web_collectionitem",
        "SELECT 1000 * sum(is_deleted) / count(*) FROM web_mediafile",
        "SELECT 1000 * sum(is_deleted) / count(*) FROM web_collectionitemlink",
    ] {
        let per_thousand = demo.number(sql).await;
        assert!((40..=65).contains(&per_thousand), "{sql}: {per_thousand}");
    }
    for sql in [
        "SELECT count(*) FROM web_mediafile WHERE file_size IS NULL",
        "SELECT count(*) FROM auth_user WHERE last_login IS NULL",
        "SELECT count(*) FROM web_collectionitem WHERE item_type_id IS NULL",
        "SELECT count(*) FROM web_collectionitemlink WHERE link_pattern_id IS NULL",
        "SELECT count(*) FROM web_itemtype WHERE display_name LIKE '%\"%'",
        "SELECT count(*) FROM web_itemtype WHERE display_name LIKE '%<%'",
        "SELECT count(*) FROM web_itemtype WHERE display_name = '切手'",
    ] {
        assert!(demo.number(sql).await > 0, "{sql}");
    }
    let books = "SELECT count(*) FROM web_itemtype WHERE display_name = 'Books' AND NOT is_deleted";
    assert_eq!(demo.number(books).await, 2);
    let recipients =
        "SELECT count(*) FROM auth_user WHERE is_superuser AND is_active AND email <> ''";
    assert_eq!(demo.number(recipients).await, 2);
}

#[tokio::test]
async fn references_hold_and_have_their_indexes() {
    let (mut demo, _) = Demo::new().await;
    let dangling = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(demo.number(dangling).await, 0);
    let references = "SELECT count(*) FROM sqlite_master AS t, pragma_foreign_key_list(t.name)
        WHERE t.type = 'table'";
    let indexed =
        "SELECT count(*) FROM sqlite_master AS t, pragma_foreign_key_list(t.name) AS reference
        WHERE t.type = 'table' AND EXISTS (
            SELECT 1 FROM pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c
            WHERE c.name = reference.\"from\")";
    assert_eq!(demo.number(references).await, 12);
    assert_eq!(demo.number(indexed).await, 12);
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut demo.connection)
        .await
        .unwrap();
    assert_eq!(journal, "wal");
    demo.connection.close().await.unwrap();
}

#[tokio::test]
async fn the_same_demo_is_written_every_time() {
    let sum = "SELECT sum(file_size % 1000003 * id) FROM web_mediafile";
    let (mut one, first) = Demo::new().await;
    let (mut two, second) = Demo::new().await;
    assert_eq!(first, second);
    assert_eq!(one.number(sum).await, two.number(sum).await);
}

#[tokio::test]
async fn a_database_that_is_there_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    std::fs::write(&path, "somebody's").unwrap();
    let error = Application::begin(last_day())
        .write(&path)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
}

#[tokio::test]
async fn what_a_killed_demo_left_is_written_over_and_nothing_else_stays() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("app.db.unfinished"), "half").unwrap();
    written(&directory.path().join("app.db")).await;
    let names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(names, ["app.db"]);
}

#[test]
fn the_demos_settings_hold_beryls_catalog_and_name_both_databases() {
    let table: toml::Table = settings().parse().unwrap();
    assert_eq!(table["app"]["database_url"].as_str(), Some("sqlite:app.db"));
    assert_eq!(
        table["book"]["database_url"].as_str(),
        Some("sqlite:daybook.db")
    );
    assert!(table.contains_key("name") && table.contains_key("time_zone"));
    let catalog = World::new(MORNING, &settings()).config().catalog;
    let (live, rows) = catalog
        .shown()
        .partition::<Vec<&Metric>, _>(|metric| metric.section == "Live events");
    assert_eq!((rows.len(), live.len()), (59, 7));
}

#[tokio::test]
async fn the_demos_report_is_for_its_active_superusers_with_an_address() {
    let (mut demo, _) = Demo::new().await;
    let config = World::new("2026-11-20T05:00:00Z", &settings()).config();
    let query = config.report.recipients_query.expect("a query").sql;
    let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_all(&mut demo.connection)
        .await
        .expect("addresses");
    // Of the first four users the second has no address and the third has left.
    let meant = "SELECT email FROM auth_user WHERE id IN (1, 4) ORDER BY id";
    let meant: Vec<String> = sqlx::query_scalar(meant)
        .fetch_all(&mut demo.connection)
        .await
        .expect("addresses");
    assert_eq!((found.len(), found), (2, meant));
}

#[tokio::test]
async fn the_demo_ends_with_a_report_to_open() {
    let world = made(MORNING).await;
    let mut names: Vec<_> = std::fs::read_dir(world.path("demo/outbox"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["2026-11-19.eml", "2026-11-19.html", "2026-11-19.txt"]
    );
    let text = std::fs::read_to_string(world.path("demo/outbox/2026-11-19.txt")).unwrap();
    assert!(
        text.starts_with("Beryl demo · Thursday 19 November 2026"),
        "{text}"
    );
    // The year before it is history, no news.
    assert!(!text.contains("Further days"), "{text}");
    let mut app = SqliteConnectOptions::new()
        .filename(world.path("demo/app.db"))
        .connect()
        .await
        .unwrap();
    let since_the_night = "SELECT count(*) FROM auth_user
        WHERE last_login >= '2026-11-19 23:15' AND last_login < '2026-11-20 05:00'";
    let found: i64 = sqlx::query_scalar(since_the_night)
        .fetch_one(&mut app)
        .await
        .unwrap();
    assert!(found > 0);
    app.close().await.unwrap();
}

/// The example counts its nights in memory. Here the same life is stopped at some of them, its database is written,
/// and collected by the program; and each metric is counted once more by a statement of its own.
#[tokio::test]
async fn a_night_of_the_demo_is_what_a_collection_at_that_time_stores() {
    let world = made(MORNING).await;
    let entries = entries(&config_of(&world)).await;
    let mut application = Application::begin(last_day());
    // The first night, the days of 23 and 25 hours, that of the first lost file, and the last one.
    for date in [
        "2025-11-20",
        "2026-03-29",
        "2026-10-25",
        "2026-11-18",
        "2026-11-19",
    ] {
        let day = Day::new(date.parse().unwrap(), chrono_tz::Europe::Zurich).unwrap();
        let then = World::new(&night_of(day).to_rfc3339(), &settings());
        application.live_until(night_of(day));
        application.write(&then.path("app.db")).await.unwrap();
        let live = then.config().live.unwrap();
        application.record(&live, night_of(day)).await.unwrap();
        then.night(Which::One(day.date)).await;
        let collected = self::entries(&then.config()).await.remove(0);
        let stored = entries.iter().find(|entry| entry.date == day.date).unwrap();
        let keys: BTreeSet<&String> = stored
            .readings
            .keys()
            .chain(collected.readings.keys())
            .collect();
        for key in keys {
            assert_eq!(
                stored.readings.get(key),
                collected.readings.get(key),
                "{key} on {date}"
            );
        }
        let frame = |entry: &Entry| {
            (
                entry.as_of,
                entry.collected_at,
                entry.day_start,
                entry.partial,
            )
        };
        assert_eq!(frame(stored), frame(&collected));
        assert_eq!(stored.catalog_hash, collected.catalog_hash);
        let recounted = then.command(&["verify", "--date", date]).await.unwrap();
        assert_eq!(recounted, Ended::Done, "{date}");
    }
}

#[tokio::test]
async fn every_metric_of_the_demo_has_a_year_of_first_hand_values() {
    let world = made(MORNING).await;
    let config = config_of(&world);
    let entries = entries(&config).await;
    assert_eq!(entries.len(), 365);
    for entry in &entries {
        for metric in &config.catalog.metrics {
            let reading = &entry.readings[&metric.key];
            assert_eq!(
                reading.provenance.kind,
                Kind::Observed,
                "{} {}",
                entry.date,
                metric.key
            );
            assert!(reading.value.is_some(), "{} {}", entry.date, metric.key);
        }
    }
}

/// Each sign-up is a user, but for one whose event was lost.
#[tokio::test]
async fn the_demos_live_events_agree_with_its_rows_until_one_is_lost_on_the_last_day() {
    let world = made(MORNING).await;
    let entries = entries(&config_of(&world)).await;
    let differing = entries.iter().filter(|entry| {
        let lost = entry.number("new_users_24h").unwrap() - entry.number("sign_ups_24h").unwrap();
        assert!(lost == 0.0 || lost == 1.0, "{lost} on {}", entry.date);
        lost != 0.0
    });
    let dates: Vec<NaiveDate> = differing.map(|entry| entry.date).collect();
    assert_eq!(dates, [last_day().date]);
    let report = std::fs::read_to_string(world.path("demo/outbox/2026-11-19.txt")).unwrap();
    let told = report.split("Should be the same").nth(1).unwrap();
    assert_eq!(
        told.matches("in the database (New users").count(),
        3,
        "{told}"
    );
    // What happened since the night is in the file, too.
    let store = App::Sqlite(world.path("demo/live.db"));
    let newest = store.number("SELECT max(high) FROM chunks").await.unwrap();
    assert!(newest >= night_of(last_day()).timestamp_micros().into());
}

/// On whatever weekday a newcomer tries it, and whatever clock change lies behind.
#[tokio::test]
async fn two_things_went_wrong_in_the_demo_and_nothing_else() {
    for now in [MORNING, "2026-10-26T05:00:00Z", "2027-04-05T05:00:00Z"] {
        let world = made(now).await;
        let config = config_of(&world);
        let judgement = compare::judge(&entries(&config).await, &config.catalog);
        let standing = |day: &JudgedDay| -> Vec<Alert> {
            let all = day.metrics.iter().flat_map(|judged| &judged.alerts);
            let standing = all.filter(|alert| alert.state != State::Recovered);
            standing.cloned().collect()
        };
        let (last, before) = judgement.days.split_last().unwrap();
        let told: BTreeSet<(String, Severity, bool)> = standing(last)
            .into_iter()
            .map(|alert| {
                let is_limit = matches!(alert.rule, Rule::Absolute(_));
                (alert.key, alert.severity, is_limit)
            })
            .collect();
        let expected = [("active_users_24h", false), ("corrupted_files", true)];
        let expected =
            expected.map(|(key, is_limit)| (key.to_owned(), Severity::Critical, is_limit));
        assert_eq!(told, BTreeSet::from(expected), "{now}");

        let is_red = |day: &&JudgedDay| standing(day).iter().any(|alert| !alert.welcome);
        // The first file was lost the day before.
        let (eve, earlier) = before.split_last().unwrap();
        assert!(is_red(&eve), "{now}");
        let red = earlier.iter().rev().take(88).filter(is_red);
        let red: Vec<NaiveDate> = red.map(|day| day.date).collect();
        assert!(red.len() <= 2, "{now}: {red:?}");
    }
}
