//! `/reportz`: whether the report that is due by now is with its readers.

use chrono::{DateTime, Utc};
use daybook::book::Book;
use daybook::look::pages::reported::is_reported;
use daybook::nightly::Which;
use daybook::web::Limits;

use super::{Serving, after_due, until, world};
use crate::browsing::Answer;
use crate::delivering;
use crate::world::{World, date, instant};

/// 06:29 in Zurich: the report on the 3rd may still be on its way, that on the 2nd may not.
fn before_due() -> DateTime<Utc> {
    instant("2025-10-04T04:29:00Z")
}

async fn at(world: &World, clock: fn() -> DateTime<Utc>) -> Answer {
    let serving = Serving::at(world, Limits::default(), clock).await;
    let answer = serving.browser().get("/reportz").await;
    serving.end().await;
    answer
}

#[tokio::test]
async fn a_report_is_missed_from_the_minute_it_was_due() {
    let (mut world, _) = delivering::world("").await;
    world.at("2025-10-03T04:00:00Z");
    world.morning(Which::One(date("2025-10-02")), false).await;
    assert_eq!(at(&world, before_due).await.body, "ok\n");
    let missed = at(&world, after_due).await;
    assert_eq!((missed.status, missed.body.as_str()), (503, "no\n"));
    // A day that is still open is not the report on it.
    world.at("2025-10-03T20:00:00Z");
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(at(&world, after_due).await.status, 503);
    world.at("2025-10-04T04:30:30Z");
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(
        at(&world, after_due).await.status,
        503,
        "collected, but not reported"
    );
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(at(&world, after_due).await.body, "ok\n");
}

#[tokio::test]
async fn a_report_is_there_when_every_reader_has_it() {
    let world = world("").await;
    let states = [
        (true, "state = 'accepted', reply = 'ok'"),
        (false, "state = 'planned', reply = NULL"),
        (false, "state = 'sending', reply = NULL"),
        (false, "state = 'ambiguous', reply = NULL"),
        (false, "state = 'failed', reply = '550 no'"),
        (true, "state = 'failed', reply = 'superseded by 7'"),
        (
            true,
            "channel = 'ping', state = 'failed', reply = 'refused'",
        ),
        (
            false,
            "channel = 'webhook', state = 'failed', reply = 'refused'",
        ),
        (
            true,
            "channel = 'webhook', state = 'accepted', reply = '200'",
        ),
        (
            true,
            "channel = 'email', subject = 'open', state = 'planned'",
        ),
    ];
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    for (there, state) in states {
        let set = format!("UPDATE deliveries SET {state} WHERE collection_date = '2025-10-03'");
        world.book(&set).await;
        let reported = is_reported(&book, date("2025-10-03")).await.unwrap();
        assert_eq!(reported, there, "{state}");
    }
    // A day without readers misses nobody.
    world.book("DELETE FROM deliveries").await;
    assert!(is_reported(&book, date("2025-10-03")).await.unwrap());
    world.book("DELETE FROM reports").await;
    assert!(!is_reported(&book, date("2025-10-03")).await.unwrap());
    assert!(!is_reported(&book, date("2025-10-04")).await.unwrap());
}

#[tokio::test]
async fn what_was_sent_again_counts_by_its_last_copy() {
    let world = world("").await;
    world
        .book("UPDATE deliveries SET state = 'failed', reply = 'no'")
        .await;
    let serving = Serving::of(&world).await;
    assert_eq!(serving.browser().get("/reportz").await.status, 503);
    world
        .command(&["send", "--date", "2025-10-03"])
        .await
        .unwrap();
    until(200, "/reportz", &serving.browser()).await;
    serving.end().await;
}
