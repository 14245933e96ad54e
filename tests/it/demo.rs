//! The demo's application database is big, plausible, the same every time and never half-written.

use std::path::Path;

use chrono::{DateTime, Utc};
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Document, Source};
use daybook::commands::Ended;
use daybook::operate::demo::{DemoSize, settings, write_app_database};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::world::World;

/// A morning in Zurich; the last complete day is 19 November.
fn morning() -> DateTime<Utc> {
    "2026-11-20T05:00:00Z".parse().expect("an instant")
}

async fn written(path: &Path) -> DemoSize {
    let last_day = Day::containing(morning(), chrono_tz::Europe::Zurich).previous();
    write_app_database(path, last_day, morning())
        .await
        .expect("the demo can be written")
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
async fn the_last_day_has_something_to_tell() {
    let (mut demo, _) = Demo::new().await;
    let live = "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND NOT file_exists";
    assert_eq!(demo.number(live).await, 3);
    let any = "SELECT count(*) FROM web_mediafile WHERE NOT file_exists";
    assert_eq!(demo.number(any).await, 4);
    let flagged = "SELECT count(*) FROM web_mediafile
        WHERE NOT is_deleted AND content_moderation_status = 'FLAGGED'";
    assert!((11..=35).contains(&demo.number(flagged).await));
    let pending = "SELECT count(*) FROM web_mediafile
        WHERE NOT is_deleted AND content_moderation_status = 'PENDING'";
    assert!(demo.number(pending).await > 20);
    let joined_on_the_last_day = "SELECT count(*) FROM auth_user
        WHERE date_joined >= '2026-11-18 23:00' AND date_joined < '2026-11-19 23:00'";
    let joined_a_week_before = "SELECT count(*) FROM auth_user
        WHERE date_joined >= '2026-11-11 23:00' AND date_joined < '2026-11-12 23:00'";
    let before = demo.number(joined_a_week_before).await;
    assert!(before >= 20, "{before} is too few to be judged");
    assert!(demo.number(joined_on_the_last_day).await * 4 >= before * 5);
}

#[tokio::test]
async fn once_nearly_nobody_could_sign_up() {
    let (mut demo, _) = Demo::new().await;
    // 68 days before the last one: Saturday 12 September 2026.
    let broken = "SELECT count(*) FROM auth_user
        WHERE date_joined >= '2026-09-11 22:00' AND date_joined < '2026-09-12 22:00'";
    assert!(demo.number(broken).await <= 2);
    let a_week_before = "SELECT count(*) FROM auth_user
        WHERE date_joined >= '2026-09-04 22:00' AND date_joined < '2026-09-05 22:00'";
    assert!(demo.number(a_week_before).await >= 15);
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
    let day = Day::containing(morning(), chrono_tz::Europe::Zurich).previous();
    let error = write_app_database(&path, day, morning()).await.unwrap_err();
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
    let source = Source {
        name: "daybook.toml".to_owned(),
        text: settings(),
    };
    let document = Document::parse(&source).unwrap();
    assert!(document.get("name").is_some());
    assert!(document.get("time_zone").is_some());
    let table: toml::Table = settings().parse().unwrap();
    assert_eq!(table["app"]["database_url"].as_str(), Some("sqlite:app.db"));
    assert_eq!(
        table["book"]["database_url"].as_str(),
        Some("sqlite:daybook.db")
    );
    let catalog = Catalog::read(&[document]).unwrap();
    assert_eq!(catalog.shown().count(), 59);
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
    let world = World::new("2026-11-20T05:00:00Z", "");
    let ended = world.command(&["demo", "--dir", "demo"]).await.unwrap();
    assert_eq!(ended, Ended::Done);
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
}
