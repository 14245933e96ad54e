//! What the doctor finds in the book: its file, its days, its deliveries.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use daybook::book::{self, Book};
use daybook::nightly::Which;
use tokio_util::sync::CancellationToken;

use super::{NOW, SETTINGS, after_a_night, complaints, told_of};
use crate::delivering;
use crate::smtp_server::{Act, Script, Step};
use crate::world::{App, World, date, instant};

#[tokio::test]
async fn without_a_book_the_first_collection_makes_one() {
    let world = World::new(NOW, SETTINGS);
    let book = world.path("daybook.db");
    let expected = format!("ok book: no book yet at {}", book.display());
    assert_eq!(told_of("book", &world, NOW).await, [expected]);
    assert!(!book.exists());
    let mut elsewhere = World::new(NOW, SETTINGS);
    elsewhere.set("DAYBOOK_BOOK_DATABASE_URL", "sqlite:/nowhere/at/all.db");
    let told = told_of("book", &elsewhere, NOW).await;
    assert_eq!(
        told[0],
        "error book: the book's folder /nowhere/at does not exist"
    );
}

#[tokio::test]
async fn a_book_that_is_broken_newer_or_older_is_told_apart() {
    let (world, _app) = after_a_night(SETTINGS).await;
    let path = world.path("daybook.db");
    let name = path.display();
    let book = App::Sqlite(path.clone());
    book.execute("INSERT INTO _daybook_migrations (version, description, success, checksum, execution_time) VALUES (9000, 'later', 1, x'', 0)").await;
    let newer = format!(
        "error book: the book {name} has version 9000, this program knows versions up to 3: use the newer daybook that wrote it"
    );
    assert_eq!(complaints(&world, NOW).await, [newer]);
    book.execute("DELETE FROM _daybook_migrations WHERE version > 1")
        .await;
    let older = format!(
        "warning book: the book {name} has version 1, this program needs 3: run `daybook collect` to upgrade it"
    );
    assert_eq!(complaints(&world, NOW).await, [older]);

    let (world, _app) = after_a_night(SETTINGS).await;
    let path = world.path("daybook.db");
    // Whatever is still in the log comes into the file, of which a page is then spoilt.
    App::Sqlite(path.clone())
        .execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .await;
    let mut bytes = std::fs::read(&path).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let spoilt = bytes.len() / page / 2 * page;
    bytes[spoilt..spoilt + page].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let found = complaints(&world, NOW).await;
    let expected = format!("the book {} is damaged", path.display());
    assert!(
        found[0].starts_with("error book: ") && found[0].contains(&expected),
        "{found:?}"
    );
    std::fs::write(
        &path,
        "no database at all, but long enough to be taken for one".repeat(99),
    )
    .unwrap();
    let found = complaints(&world, NOW).await;
    assert!(
        found[0].contains("is not a SQLite database: check the book's path"),
        "{found:?}"
    );
}

#[tokio::test]
async fn who_collects_now_is_told() {
    let (world, _app) = after_a_night(SETTINGS).await;
    let held = Book::lock(&world.book_url()).await.unwrap().unwrap();
    let told = told_of("book", &world, NOW).await;
    let process = std::process::id();
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    let comm = comm.trim_end();
    assert_eq!(
        told[0],
        format!("ok book: a collection is running, process {process} ({comm})")
    );
    drop(held);
    let told = told_of("book", &world, NOW).await;
    assert_eq!(told[0], "ok book: no collection is running");
}

#[tokio::test]
async fn a_book_that_every_user_can_reach_and_read_is_a_warning_and_a_new_one_is_not() {
    let (world, _app) = after_a_night(SETTINGS).await;
    let path = world.path("daybook.db");
    let mode = |mode: u32| PermissionsExt::from_mode(mode);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    std::fs::set_permissions(world.path(""), mode(0o755)).unwrap();
    assert_eq!(complaints(&world, NOW).await, [""; 0]);
    std::fs::set_permissions(&path, mode(0o644)).unwrap();
    let expected = format!(
        "warning book: every user of this machine can read the book {}, mode 0644",
        path.display()
    );
    assert_eq!(complaints(&world, NOW).await, [expected]);
    std::fs::set_permissions(world.path(""), mode(0o700)).unwrap();
    assert_eq!(complaints(&world, NOW).await, [""; 0]);
}

#[tokio::test]
async fn missed_open_and_failed_days_are_named() {
    let broken = "\n[tables.gone]\nname = \"gone\"\n[[metrics]]\nkey = \"broken\"\ntable = \"gone\"\ncount = \"*\"\n";
    let (mut world, app) = after_a_night(&format!("{SETTINGS}{broken}")).await;
    app.execute("INSERT INTO users VALUES ('2025-09-25 12:00:00')")
        .await;
    world
        .night(Which::Range(date("2025-09-25"), date("2025-09-26")))
        .await;
    world.night(Which::One(date("2025-09-28"))).await;
    world.at("2025-10-01T12:00:00Z");
    world.night(Which::One(date("2025-10-01"))).await;
    world.at(NOW);
    app.execute("CREATE TABLE gone (id INTEGER)").await;
    let path = world.path("daybook.db");
    let book = Book::open(&daybook::config::DatabaseUrl::sqlite(&path), Duration::ZERO)
        .await
        .unwrap();
    book::begin_run(&book, "collect", instant("2025-10-04T04:00:00Z"))
        .await
        .unwrap();
    book.close().await;
    assert_eq!(
        complaints(&world, NOW).await,
        [
            "warning days: 4 days of the last 31 are missing: 2025-09-27, 2025-09-29 to 2025-09-30, 2025-10-02",
            "warning days: 1 metric failed on Fri 3 Oct 2025: broken: no such table: gone",
            "warning days: counted only while still open: 2025-10-01",
            "warning days: the last run, at 2025-10-04 06:00, was interrupted",
        ]
    );
}

#[tokio::test]
async fn days_that_no_night_deletes_and_what_a_broken_run_had_stored_are_named() {
    let (mut world, app) = after_a_night(SETTINGS).await;
    app.execute("INSERT INTO users VALUES ('2025-09-01 12:00:00')")
        .await;
    world
        .night(Which::Range(date("2025-09-20"), date("2025-09-27")))
        .await;
    let broken = "UPDATE runs SET outcome = 'failed', error = 'the server is away' WHERE id = 2";
    App::Sqlite(world.path("daybook.db")).execute(broken).await;
    let run = "the last run, at 2025-10-04 08:00, failed after storing 8 days: the server is away";
    let told = complaints(&world, NOW).await;
    assert!(told.contains(&format!("warning days: {run}")), "{told:?}");
    world.set("METRICS_RETENTION_DAYS", "7");
    let told = complaints(&world, NOW).await;
    assert!(
        !told.iter().any(|one| one.contains("that are kept")),
        "{told:?}"
    );
    world.set("METRICS_RETENTION_DAYS", "6");
    let old = "8 stored days are older than the 6 days that are kept, from 2025-09-20 on";
    let told = complaints(&world, NOW).await;
    assert!(told.contains(&format!("warning days: {old}")), "{told:?}");
}

#[tokio::test]
async fn a_night_that_did_not_come_is_an_error_once_its_report_is_due() {
    let (world, _app) = after_a_night(SETTINGS).await;
    assert_eq!(complaints(&world, "2025-10-05T04:29:00Z").await, [""; 0]);
    assert_eq!(
        complaints(&world, "2025-10-05T04:30:00Z").await,
        ["error days: the newest complete day is Fri 3 Oct 2025, and Sat 4 Oct 2025 is overdue"]
    );
    assert_eq!(
        complaints(&world, "2025-10-03T12:00:00Z").await,
        [
            "error time: this machine's clock shows 2025-10-03 14:00 CEST, but the newest day was collected at 2025-10-04 08:00 CEST"
        ]
    );
}

#[tokio::test]
async fn a_message_in_doubt_is_named_with_how_to_send_it_again() {
    let script = Script::accepting().on(Step::Dot, Act::TakeAndDrop);
    let (world, _app, server) = delivering::with_mail("\"ada@example.org\"", script).await;
    let ended = world
        .command(&["collect", "--date", "yesterday", "--send-email"])
        .await
        .unwrap();
    assert_eq!(ended.exit_code(), 75);
    let sent = server.accepted().len();
    let now = "2025-10-04T05:00:00Z";
    let findings =
        daybook::operate::doctor::examine(&world.config(), instant(now), &CancellationToken::new())
            .await;
    let one = findings
        .iter()
        .find(|one| one.area == "deliveries")
        .unwrap();
    assert_eq!(one.level.word(), "warning");
    assert!(
        one.what
            .starts_with("the report of Fri 3 Oct 2025 to ada@example.org may have arrived: "),
        "{one:?}"
    );
    assert_eq!(
        one.advice,
        "`daybook send --date 2025-10-03 --to ada@example.org` sends it again."
    );
    assert_eq!(server.accepted().len(), sent);
    let states = "SELECT state FROM deliveries";
    assert_eq!(world.book(states).await, [[Some("ambiguous".to_owned())]]);
}

#[tokio::test]
async fn a_message_that_waits_for_days_is_named_and_many_are_counted() {
    let readers: Vec<String> = (0..12)
        .map(|n| format!("\"reader{n}@example.org\""))
        .collect();
    let script = Script::accepting().say(Step::Mail, "450 4.7.1 later");
    let (mut world, _app, _server) = delivering::with_mail(&readers.join(","), script).await;
    world.set("DAYBOOK_RETRY_FOR", "0");
    let ended = world
        .command(&["collect", "--date", "yesterday", "--send-email"])
        .await
        .unwrap();
    assert_eq!(ended.exit_code(), 75);
    assert_eq!(
        told_of("deliveries", &world, "2025-10-04T05:00:00Z").await,
        ["ok deliveries: no report of the last 14 days is undelivered"]
    );
    let told = told_of("deliveries", &world, "2025-10-06T05:00:00Z").await;
    assert_eq!(told.len(), 9);
    let first = "warning deliveries: the report of Fri 3 Oct 2025 to reader0@example.org waits since 2025-10-04: ";
    assert!(told[0].starts_with(first), "{}", told[0]);
    assert_eq!(told[8], "warning deliveries: 4 undelivered messages more");
}
