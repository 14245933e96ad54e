//! Nights whose clock is wrong: nothing is lost, and nothing goes out twice once it is right again.

use daybook::book::{self, Book};
use daybook::look::edition::Edition;
use daybook::nightly::{Night, NightError, Which};
use daybook::operate::doctor::{Level, examine};
use daybook::prune::Doubt;
use tokio_util::sync::CancellationToken;

use super::{errors, mailed, with_mail};
use crate::smtp_server::{Script, Server};
use crate::world::{App, World, date, instant};

const EVERYTHING: &str =
    "SELECT collection_date, metrics FROM daily_metrics ORDER BY collection_date";
const LEDGER: &str = "SELECT * FROM reports, deliveries";

/// The 58 days up to 2 October, and the night of the 3rd with its mail.
async fn two_months() -> (World, App, Server) {
    let (world, app, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world
        .night(Which::Range(date("2025-08-06"), date("2025-10-02")))
        .await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(mailed(&server), ["ada@example.org"]);
    (world, app, server)
}

async fn count(world: &World, what: &str) -> String {
    let rows = world.book(&format!("SELECT count(*) FROM {what}")).await;
    rows[0][0].clone().unwrap()
}

fn told(night: &Night) -> Option<String> {
    night.unpruned.as_ref().map(ToString::to_string)
}

#[tokio::test]
async fn a_night_two_years_ahead_stores_sends_and_deletes_nothing() {
    let (mut world, _, server) = two_months().await;
    let before = (world.book(EVERYTHING).await, world.book(LEDGER).await);
    world.at("2028-03-14T04:00:00Z");
    for line in [
        &["collect", "--catch-up", "--send-email"][..],
        &["collect", "--date", "yesterday", "--send-email"],
        &["collect"],
        &["collect", "--refresh", "7"],
    ] {
        let error = world.command(line).await.unwrap_err();
        assert_eq!(error.exit_code(), 1, "{error}");
        // 3 October 2025 is 893 days before: 730 to that of 2027, and 28, 30, 31, 31, 29, 14.
        assert_eq!(
            error.to_string(),
            "this machine's clock shows Tue 14 Mar 2028, but the newest stored day is Fri 3 Oct 2025, 893 days earlier, \
             and the newest row in the app databases is of 2025-10-03 10:00:00 UTC: nothing was collected, sent or \
             deleted; set the clock; if it is right, run `daybook collect --from 2028-03-13 --to 2028-03-13`"
        );
    }
    let error = world.command(&["prune"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert_eq!(
        error.to_string(),
        "nothing was pruned: 59 days are older than the retention, but the newest stored day is Fri 3 Oct 2025, 893 days ago \
         by this machine's clock: if the clock is right, run `daybook prune --yes`"
    );
    assert_eq!(
        (world.book(EVERYTHING).await, world.book(LEDGER).await),
        before
    );

    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::CatchUp, false).await;
    assert_eq!(mailed(&server), ["ada@example.org", "ada@example.org"]);
    world.morning(Which::CatchUp, false).await;
    world
        .morning(Which::Range(date("2025-08-06"), date("2025-10-04")), false)
        .await;
    assert_eq!(mailed(&server).len(), 2, "3 and 4 October, each once");
}

#[tokio::test]
async fn a_night_long_ago_stores_and_sends_nothing() {
    let (mut world, _, server) = two_months().await;
    world.at("1990-01-02T04:00:00Z");
    let line = ["collect", "--date", "yesterday", "--send-email"];
    let error = world.command(&line).await.unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(
        error.to_string().starts_with(
            "this machine's clock shows Tue 2 Jan 1990, but every stored day is later, the first one Wed 6 Aug 2025"
        ),
        "{error}"
    );
    assert_eq!(count(&world, "daily_metrics").await, "59");
    assert_eq!(mailed(&server).len(), 1);
}

#[tokio::test]
async fn after_years_off_the_applications_own_rows_prove_the_clock_and_what_is_old_waits_for_a_word()
 {
    let (mut world, app, server) = two_months().await;
    errors(&app, "2028-03-01", 1).await;
    world.at("2028-03-14T04:00:00Z");
    let night = world.morning(Which::CatchUp, false).await;
    assert_eq!(mailed(&server).len(), 2);
    assert_eq!(night.days.len(), 31);
    assert_eq!(night.pruned, 0);
    let silence = Doubt::Silence {
        days: 59,
        newest: date("2025-10-03"),
        today: date("2028-03-14"),
    };
    assert_eq!(night.unpruned, Some(silence));
    assert_eq!(count(&world, "daily_metrics").await, "90");

    world.at("2028-03-15T04:00:00Z");
    let night = world.morning(Which::CatchUp, false).await;
    // 6 August 2025 is 952 days before: the 894 of 3 October and 58.
    let many = "59 days, from 2025-08-06 on, are older than 365 days, but at most 7 are deleted at once: set \
        `[retention] days = 952` to keep them, or run `daybook prune --yes`";
    assert_eq!(told(&night).as_deref(), Some(many));
    assert_eq!(count(&world, "daily_metrics").await, "91");
    world.command(&["prune", "--dry-run"]).await.unwrap();
    assert_eq!(count(&world, "daily_metrics").await, "91");
    world.command(&["prune", "--yes"]).await.unwrap();
    assert_eq!(count(&world, "daily_metrics").await, "32");
    let night = world.morning(Which::CatchUp, false).await;
    assert_eq!((night.pruned, told(&night)), (0, None));
}

#[tokio::test]
async fn each_night_says_that_a_clock_a_few_days_ahead_has_stored_a_day() {
    let (mut world, _, _server) = two_months().await;
    let eighth = Which::One(date("2025-10-08"));
    world.at("2025-10-09T04:00:00Z").night(eighth.clone()).await;
    world.at("2025-10-05T04:00:00Z");
    let night = world.night(Which::One(date("2025-10-04"))).await;
    assert_eq!(
        night.remarks,
        [
            "the book has 1 day after today, from Wed 8 Oct 2025 on: a clock was ahead when they were counted, or this one \
          is behind; if this one is right, delete them with `daybook prune --future --yes`; each is counted again when it \
          has ended"
        ]
    );
    world
        .command(&["prune", "--future", "--yes"])
        .await
        .unwrap();
    let night = world.at("2025-10-09T04:00:00Z").night(eighth).await;
    assert!(night.remarks.is_empty(), "{:?}", night.remarks);
    assert!(night.days[0].entry.is_some());
}

/// A range is taken as it was asked for, so it can still put days into the future.
#[tokio::test]
async fn days_of_the_future_count_nowhere_as_the_newest_and_can_be_deleted() {
    let (mut world, _, server) = two_months().await;
    world.at("2028-03-14T04:00:00Z");
    let ahead = Which::Range(date("2028-03-12"), date("2028-03-13"));
    let night = world.morning(ahead, false).await;
    assert_eq!((night.days.len(), night.pruned), (2, 0));
    assert!(matches!(
        night.unpruned,
        Some(Doubt::Silence { days: 59, .. })
    ));
    assert_eq!(mailed(&server).len(), 2);

    let now = "2025-10-05T04:00:00Z";
    world.at(now);
    world
        .command(&["report", "--format", "json", "--output", "told.json"])
        .await
        .unwrap();
    let told = std::fs::read_to_string(world.path("told.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["date"], "2025-10-03");
    let config = world.config();
    let opened = Book::open(&world.book_url(), std::time::Duration::ZERO).await;
    let edition = Edition::read(1, opened.unwrap(), &config, date("2025-10-05")).await;
    let edition = edition.unwrap();
    assert_eq!(edition.newest(), Some(date("2025-10-03")));
    assert_eq!(edition.newest_complete(), Some(date("2025-10-03")));
    let newest = book::newest(&edition.book, date("2025-10-05"))
        .await
        .unwrap();
    assert_eq!(newest.unwrap().date, date("2025-10-03"));

    let findings = examine(&config, instant(now), &CancellationToken::new()).await;
    let future = "2 stored days lie in the future: 2028-03-12 to 2028-03-13";
    assert!(
        findings
            .iter()
            .any(|one| one.what == future && one.level == Level::Warning),
        "{findings:?}"
    );
    let night = world.morning(Which::CatchUp, false).await;
    assert_eq!((told_days(&night), mailed(&server).len()), (1, 3));

    let error = world.command(&["prune", "--future"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(
        error.to_string(),
        "nothing was pruned: 2 stored days, from 2028-03-12 to 2028-03-13, are after today, Sun 5 Oct 2025: if this \
         machine's clock is right, run `daybook prune --future --yes` to delete them and their reports"
    );
    assert_eq!(count(&world, "daily_metrics").await, "62");
    world
        .command(&["prune", "--future", "--yes"])
        .await
        .unwrap();
    assert_eq!(count(&world, "daily_metrics").await, "60");
    assert_eq!(count(&world, "deliveries").await, "2");
    assert_eq!(count(&world, "reports").await, "2");
}

fn told_days(night: &Night) -> usize {
    night.days.iter().filter(|day| day.entry.is_some()).count()
}

/// Three weeks ahead is a silence that may be true. Even with few days in the book, whose retention is over then, the
/// ledger outlives them.
#[tokio::test]
async fn what_was_mailed_is_not_mailed_again_after_a_clock_that_was_three_weeks_ahead() {
    let (mut world, _, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world.set("METRICS_RETENTION_DAYS", "20");
    world.morning(Which::One(date("2025-10-03")), false).await;
    world.at("2025-10-25T04:00:00Z");
    world
        .night(Which::Range(date("2025-10-24"), date("2025-10-24")))
        .await;
    assert_eq!(count(&world, "daily_metrics").await, "1");
    world.at("2025-10-05T04:00:00Z");
    world.meddle("DELETE FROM daily_metrics").await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(count(&world, "daily_metrics").await, "1");
    assert_eq!(mailed(&server), ["ada@example.org"]);
}

const SHOP: &str = r#"
    [apps.shop]
    database_url = "sqlite:shop.db"

    [tables.sales]
    name = "sales"
    database = "shop"
    created_at = "at"

    [[metrics]]
    key = "sales"
    table = "sales"
    count = "*"
"#;

/// Both databases' newest rows are of that day, and two months after the last night one of them is away.
async fn two_months_later_without(missing: &str, newest: &str) -> (World, Night) {
    let (mut world, app) = super::world(SHOP).await;
    let shop = world.sqlite("shop.db").await;
    shop.execute("CREATE TABLE sales (at TEXT NOT NULL)").await;
    world.night(Which::One(date("2025-10-03"))).await;
    errors(&app, newest, 1).await;
    shop.execute(&format!("INSERT INTO sales VALUES ('{newest} 10:00:00')"))
        .await;
    std::fs::remove_file(world.path(missing)).unwrap();
    world.at("2025-12-04T05:00:00Z");
    let night = world.morning(Which::One(date("2025-12-03")), false).await;
    (world, night)
}

#[tokio::test]
async fn one_database_that_proves_the_clock_is_enough_while_another_is_away() {
    for (missing, away, failed, known) in [
        ("shop.db", "shop", "sales", ("errors_24h", 0)),
        ("app.db", "", "errors_24h", ("sales", 1)),
    ] {
        let (world, night) = two_months_later_without(missing, "2025-12-01").await;
        let unreachable = night.unreachable.iter().map(|one| one.name.as_str());
        assert_eq!(unreachable.collect::<Vec<_>>(), [away]);
        let why = world.provenance("2025-12-03", failed).await;
        assert_eq!(why["kind"], "failed", "{why}");
        let (key, value) = known;
        assert_eq!(world.value("2025-12-03", key).await, value, "{key}");
    }
}

#[tokio::test]
async fn while_no_database_proves_the_clock_one_that_is_away_might() {
    let (world, night) = two_months_later_without("shop.db", "2025-10-20").await;
    assert!(matches!(night.broke_off, Some(NightError::Unavailable(_))));
    assert_eq!(count(&world, "daily_metrics").await, "1");
    let told = "2025-12-03 failure outbox outbox 1 accepted 1 outbox/2025-12-03.failure.html";
    assert_eq!(world.ledger().await, [told]);
}
