//! The book comes, grows, is replaced and goes while it is looked at; and it is only looked at.

use std::collections::BTreeMap;
use std::path::Path;

use daybook::nightly::Which;

use super::{Serving, until, world};
use crate::delivering;
use crate::world::{World, date, in_a_file};

const PAGE: &str = "/sys/metrics";

#[tokio::test]
async fn a_book_that_is_not_there_is_waited_for_in_every_way_it_can_come() {
    if !in_a_file() {
        return;
    }
    let (world, _) = delivering::world("").await;
    let serving = Serving::of(&world).await;
    let browser = serving.browser();
    for (address, status) in [
        (PAGE, 200),
        ("/sys/metrics/alerts", 200),
        ("/sys/metrics/runs", 200),
        ("/sys/metrics/metric/errors_24h", 200),
        ("/sys/metrics/metric/nothing", 404),
        ("/sys/metrics?date=2025-10-03", 404),
        ("/metrics", 200),
        ("/readyz", 503),
        ("/reportz", 503),
    ] {
        let answer = browser.get(address).await;
        assert_eq!(answer.status, status, "{address}");
        if address.starts_with(PAGE) {
            let body = &answer.body;
            assert!(body.contains("No day has been counted yet"), "{address}");
            assert!(body.contains("daybook collect --date yesterday"));
            // It has no live events.
            assert!(!body.contains("/sys/metrics/live"), "{address}");
        }
    }
    assert_eq!(browser.get("/healthz").await.status, 200);
    assert_eq!(browser.get("/nothing").await.status, 404);
    assert!(
        !world.path("daybook.db").exists(),
        "looking must not make a book"
    );

    std::fs::write(world.path("daybook.db"), "no database at all, but a file").unwrap();
    until(503, PAGE, &browser).await;
    for address in ["/metrics", "/readyz"] {
        assert_eq!(browser.get(address).await.status, 503, "{address}");
    }
    std::fs::remove_file(world.path("daybook.db")).unwrap();

    world.night(Which::One(date("2025-10-03"))).await;
    until(200, "/readyz", &browser).await;
    assert_eq!(browser.get(PAGE).await.status, 200);

    let aside = world.path("aside.db");
    std::fs::rename(world.path("daybook.db"), &aside).unwrap();
    until(503, "/readyz", &browser).await;
    assert_eq!(browser.get(PAGE).await.status, 503);
    std::fs::rename(&aside, world.path("daybook.db")).unwrap();
    until(200, PAGE, &browser).await;

    let newer =
        "INSERT INTO _daybook_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', 1, x'00', 0)";
    world.book(newer).await;
    until(503, "/readyz", &browser).await;
    world
        .book("DELETE FROM _daybook_migrations WHERE version = 9999")
        .await;
    until(200, "/readyz", &browser).await;
    serving.end().await;
}

#[tokio::test]
async fn a_new_day_is_shown_and_so_is_another_book() {
    if !in_a_file() {
        return;
    }
    let (world, _) = delivering::world("").await;
    world.night(Which::One(date("2025-10-01"))).await;
    let serving = Serving::of(&world).await;
    let browser = serving.browser();
    let before = browser.get(PAGE).await;
    let again = browser.get(PAGE).await;
    assert_eq!(before.header("etag"), again.header("etag"));
    world.night(Which::One(date("2025-10-02"))).await;
    let after = changed(&serving, before.header("etag")).await;

    let (other, _) = delivering::world("").await;
    other.night(Which::One(date("2025-10-03"))).await;
    other.book("PRAGMA wal_checkpoint(TRUNCATE)").await;
    std::fs::copy(other.path("daybook.db"), world.path("new.db")).unwrap();
    for file in ["daybook.db-wal", "daybook.db-shm"] {
        drop(std::fs::remove_file(world.path(file)));
    }
    std::fs::rename(world.path("new.db"), world.path("daybook.db")).unwrap();
    let replaced = changed(&serving, after.as_deref()).await;
    assert_ne!(replaced.as_deref(), before.header("etag"));
    serving.end().await;
}

/// The tag of the first page that has another than this.
async fn changed(serving: &Serving, before: Option<&str>) -> Option<String> {
    let browser = serving.browser().saying("If-None-Match", before.unwrap());
    until(200, PAGE, &browser).await;
    browser.get(PAGE).await.header("etag").map(str::to_owned)
}

#[tokio::test]
async fn looking_changes_nothing() {
    if !in_a_file() {
        return;
    }
    let world = world("").await;
    world.book("PRAGMA wal_checkpoint(TRUNCATE)").await;
    let before = files(&world);
    let serving = Serving::of(&world).await;
    let browser = serving.browser();
    for address in [
        PAGE,
        "/sys/metrics?date=2025-09-30",
        "/sys/metrics/metric/errors_24h?days=365",
        "/sys/metrics/alerts",
        "/sys/metrics/runs",
        "/metrics",
        "/readyz",
        "/reportz",
        "/nothing",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            browser.ask(method, address).await;
        }
    }
    serving.end().await;
    let mut after = files(&world);
    // SQLite keeps these for as long as anybody reads: an empty log, and whom it was read by.
    let readers = ["daybook.db-wal", "daybook.db-shm"];
    if let Some(log) = after.get("daybook.db-wal") {
        assert_eq!(log.len(), 0, "something was written");
    }
    after.retain(|name, _| before.contains_key(name) || !readers.contains(&name.as_str()));
    let same = |name: &String| before[name] == after[name];
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let compared = before
        .keys()
        .filter(|name| !readers.contains(&name.as_str()));
    let changed: Vec<&String> = compared.filter(|name| !same(name)).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn whoever_looks_can_only_open_the_book_to_read() {
    let mut opened = 0;
    for (path, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/look")) {
        for opening in text.match_indices("Book::open").map(|(at, _)| &text[at..]) {
            opened += 1;
            assert!(opening.starts_with("Book::open_to_read("), "{path}");
        }
    }
    assert!(opened > 0);
    let watch = include_str!("../../../src/book/watch.rs");
    let asked = watch.matches("Access::").count();
    assert!(asked > 0);
    assert_eq!(watch.matches("Access::Reading").count(), asked);
}

/// Every file of the world's folder, with its bytes.
fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let all = std::fs::read_dir(world.path("")).unwrap();
    let all = all.map(Result::unwrap).filter(|file| file.path().is_file());
    all.map(|file| {
        let name = file.file_name().into_string().unwrap();
        (name, std::fs::read(file.path()).unwrap())
    })
    .collect()
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match file.path().is_dir() {
            true => all.extend(sources(&file.path())),
            false => all.push((
                file.path().display().to_string(),
                std::fs::read_to_string(file.path()).unwrap(),
            )),
        }
    }
    all
}
