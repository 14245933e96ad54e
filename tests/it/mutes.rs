//! Muted alerts: shown with their reason, and counted nowhere.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::{Days, NaiveDate};
use daybook::book::{self, Book};
use daybook::catalog::Mute;
use daybook::commands::{CommandError, Ended};
use daybook::compare::judge_day;
use daybook::locale::Locale;
use daybook::look::edition::Edition;
use daybook::look::export::prometheus::exposition;
use daybook::look::pages::asked::Asked;
use daybook::render::mail::mail;
use daybook::render::{Look, alerts, json, table};
use daybook::report::{Around, Content, Letter, Report, Verdict};

use crate::pages::shelf::{Shelf, spoken};
use crate::read_page::read;
use crate::stored_days::{date, n, one_metric};
use crate::world::{World, instant};

const SETTINGS: &str = r#"
name = "Shop"

[[metrics]]
key = "orders"
label = "Orders"
sql = "SELECT 1"

[[metrics]]
key = "visits"
sql = "SELECT 1"

[[metrics]]
key = "users"
sql = "SELECT 1"

[tables.members]
name = "members"
created_at = "joined"

[[metrics]]
key = "joined"
label = "Joined"
table = "members"
count = "*"
within = { column = "joined", days = [1, 7] }
"#;

/// Orders fell by half on Friday 3 October and stayed there over the weekend; it is Monday morning.
async fn shop() -> World {
    let mut world = World::new("2025-10-06T06:00:00Z", SETTINGS);
    let days = (0..14).map(|at| date("2025-09-22") + Days::new(at));
    let line = |on: NaiveDate| {
        let orders = if on >= date("2025-10-03") { 46 } else { 100 };
        format!("{on},orders,{orders}\n{on},visits,1000\n{on},joined_24h,5\n")
    };
    let text: String = days.map(line).collect();
    world.write("days.csv", &format!("date,key,value\n{text}"));
    world.command(&["import", "days.csv"]).await.unwrap();
    world.at("2025-10-04T06:00:00Z");
    world
}

async fn mute(world: &World, key: &str, until: &str, because: &str) -> Result<Ended, CommandError> {
    let line = [
        "alerts",
        "mute",
        key,
        "--until",
        until,
        "--because",
        because,
    ];
    world.command(&line).await
}

async fn refused(world: &World, (key, until, because): (&str, &str, &str)) -> String {
    let refused = mute(world, key, until, because).await.unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    refused.to_string()
}

async fn report(world: &World, on: &str) -> Report {
    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let edition = Edition::read(1, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    let report = edition.report(date(on), &config.catalog).await.unwrap();
    report.unwrap()
}

/// The shop with orders muted on Saturday morning, after the report of the Friday.
async fn muted() -> World {
    let world = shop().await;
    let because = "migration of the warehouse";
    mute(&world, "orders", "2025-10-10", because).await.unwrap();
    world
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_mute_silences_from_the_day_it_is_made_and_the_past_stays_as_it_was_told() {
    let world = muted().await;
    let friday = report(&world, "2025-10-03").await;
    assert_eq!((friday.counts.critical, friday.muted.len()), (1, 0));
    assert_eq!(friday.verdict(), Verdict::Critical);
    let saturday = report(&world, "2025-10-04").await;
    assert_eq!(
        (saturday.counts.critical, saturday.highlights.len()),
        (0, 0)
    );
    assert_eq!(saturday.verdict(), Verdict::Ok);
    assert!(saturday.calm_day);
    assert_eq!(saturday.muted.len(), 1);
    // Against Friday it has recovered, against a week ago it stands.
    assert_eq!(saturday.alerts.len(), 2);
    // Orders are muted, not as usual: visits alone are, and one window of the members.
    assert_eq!(saturday.as_usual, 2);
}

#[test]
fn a_mute_holds_until_its_last_day_and_not_longer() {
    let catalog = one_metric("");
    let entries = [n("2025-10-02", "100"), n("2025-10-03", "46")];
    let muted = |from: &str, until: &str| {
        let mute = Mute {
            key: "n".to_owned(),
            from: date(from),
            until: date(until),
            because: "a test".to_owned(),
        };
        let judgement = judge_day(date("2025-10-03"), &entries, vec![mute], &catalog);
        judgement.days[0].metrics[0].muted.is_some()
    };
    assert!(muted("2025-10-03", "2025-10-03"));
    assert!(muted("2025-09-01", "2025-10-03"));
    assert!(!muted("2025-09-01", "2025-10-02"));
    assert!(!muted("2025-10-04", "2025-10-09"));
}

#[tokio::test]
async fn muted_alerts_are_shown_with_their_reason_wherever_alerts_are() {
    let world = muted().await;
    let saturday = report(&world, "2025-10-04").await;
    let list = alerts::list(&saturday, Look::default());
    let expected = "muted Orders fell by 54 % to 46, from 100 on Sat 27 Sep 2025 (7 days before); day 2, \
        muted until Fri 10 Oct 2025: migration of the warehouse recovered Orders is unchanged";
    assert!(in_one_line(&list).contains(expected), "{list}");
    assert!(list.contains("Alerts: 1 muted"), "{list}");
    let shown = table::show(&saturday, Look::default());
    assert!(shown.contains("▼ −54 % muted"), "{shown}");

    let told = json::show(&saturday);
    let alert = &told["alerts"][0];
    assert_eq!(alert["severity"], "critical");
    assert_eq!(alert["muted"]["until"], "2025-10-10");
    assert_eq!(alert["muted"]["because"], "migration of the warehouse");
    assert_eq!(told["metrics"][0]["changes"]["7"]["severity"], "critical");

    let letter = Letter {
        name: "Shop".to_owned(),
        content: Content::Day(Box::new(saturday)),
        around: Around::default(),
    };
    let mail = mail(&letter, Locale::default());
    assert_eq!(mail.subject, "[ok] Shop, Sat 4 Oct 2025");
    let text = in_one_line(&mail.text);
    let expected = "Orders: 46 vs 100 last Saturday (−54 %). Second day. Muted until Fri 10 Oct: migration of the warehouse";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("No other alerts"), "{text}");
}

#[tokio::test]
async fn the_dashboard_shows_muted_alerts_apart() {
    let shelf = Shelf::of(muted().await).await;
    let until = "Muted until Fri 10 Oct: migration of the warehouse";
    let saturday = Some(date("2025-10-04"));
    for asked in [
        Asked::Alerts(saturday),
        Asked::Day(saturday),
        Asked::Metric {
            key: "orders".to_owned(),
            days: daybook::look::pages::asked::Span::Days30,
            until: saturday,
        },
    ] {
        let page = read(&shelf.html(&asked).await);
        let said = in_one_line(&spoken(&page));
        assert!(said.contains(until), "{asked:?}: {said}");
        assert!(
            !said.contains("1 critical") || matches!(asked, Asked::Alerts(_)),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_family_is_muted_by_its_name_and_a_renamed_metric_stays_muted() {
    let world = shop().await;
    mute(&world, "joined", "2025-10-10", "a campaign")
        .await
        .unwrap();
    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let [stored] = &book::mutes(&book, config.time_zone).await.unwrap()[..] else {
        panic!("one mute");
    };
    let about: Vec<&str> = config
        .catalog
        .shown()
        .filter(|metric| stored.is_about(metric))
        .map(|metric| metric.key.as_str())
        .collect();
    assert_eq!(about, ["joined_24h", "joined_7d"]);
    let renamed = one_metric("was = \"old\"");
    let old = Mute {
        key: "old".to_owned(),
        ..stored.clone()
    };
    assert!(old.is_about(&renamed.metrics[0]));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let world = shop().await;
    let said = refused(&world, ("oders", "2025-10-10", "why")).await;
    assert!(said.contains("did you mean `orders`?"), "{said}");
    let said = refused(&world, ("orders", "2025-10-03", "why")).await;
    assert!(said.contains("expected 2025-10-04 or later"), "{said}");
    let said = refused(&world, ("orders", "10.10.2025", "why")).await;
    assert!(said.contains("10.10.2025"), "{said}");
    let said = refused(&world, ("orders", "2025-10-10", "  ")).await;
    assert!(said.contains("--because"), "{said}");
    let unmuted = world.command(&["alerts", "unmute", "orders"]).await;
    assert_eq!(unmuted.unwrap_err().exit_code(), 2);
    assert!(world.book("SELECT * FROM mutes").await.is_empty());
}

#[tokio::test]
async fn without_a_book_nothing_is_muted_and_none_is_made() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    assert!(mute(&world, "orders", "2025-10-10", "why").await.is_err());
    assert!(!world.path("daybook.db").exists());
}

#[tokio::test]
async fn what_is_unmuted_alerts_again_from_today_on_only() {
    let mut world = muted().await;
    world.at("2025-10-06T06:00:00Z");
    world
        .command(&["alerts", "unmute", "orders"])
        .await
        .unwrap();
    let rows = world.book(r#"SELECT "key", until_date FROM mutes"#).await;
    let row = ["orders", "2025-10-05"].map(|text| Some(text.to_owned()));
    assert_eq!(rows, [row]);
    assert_eq!(report(&world, "2025-10-05").await.muted.len(), 1);
}

#[tokio::test]
async fn muting_again_says_anew_until_when_and_a_mute_of_today_leaves_nothing() {
    let world = muted().await;
    mute(&world, "orders", "2025-10-05", "only the weekend")
        .await
        .unwrap();
    let rows = world.book("SELECT until_date, because FROM mutes").await;
    let row = ["2025-10-05", "only the weekend"].map(|text| Some(text.to_owned()));
    assert_eq!(rows, [row]);
    world
        .command(&["alerts", "unmute", "orders"])
        .await
        .unwrap();
    assert!(world.book("SELECT * FROM mutes").await.is_empty());
}

#[tokio::test]
async fn a_day_begins_in_the_configured_zone() {
    let mut world = shop().await;
    // Past midnight in Zurich, not yet in Greenwich.
    world.at("2025-10-04T22:30:00Z");
    mute(&world, "orders", "2025-10-10", "why").await.unwrap();
    assert_eq!(report(&world, "2025-10-04").await.muted.len(), 0);
    assert_eq!(report(&world, "2025-10-05").await.muted.len(), 1);
}

#[tokio::test]
async fn muting_works_while_a_night_holds_the_collect_lock() {
    let world = shop().await;
    let url = world.book_url();
    let lock = Book::wait_for_lock(&url, Duration::ZERO).await.unwrap();
    mute(&world, "orders", "2025-10-10", "why").await.unwrap();
    drop(lock);
    assert_eq!(world.book("SELECT * FROM mutes").await.len(), 1);
}

#[tokio::test]
async fn monitoring_keeps_the_severity_and_is_told_what_is_muted() {
    let world = muted().await;
    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let edition = Edition::read(1, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    let now = instant("2025-10-06T06:00:00Z");
    let text = exposition(&edition, &config, now).await.unwrap();
    let line = |line: &str| text.lines().any(|one| one == line);
    assert!(
        line("daybook_metric_severity{metric=\"orders\"} 2"),
        "{text}"
    );
    assert!(line("daybook_metric_muted{metric=\"orders\"} 1"), "{text}");
    assert_eq!(text.matches("daybook_metric_muted{").count(), 1);
}

#[tokio::test]
async fn mutes_are_listed_by_the_real_program() {
    let world = shop().await;
    let line = [
        "alerts",
        "mute",
        "visits",
        "--until",
        "9999-12-31",
        "--because",
        "a \u{1b}[31mtest",
    ];
    assert!(world.binary(&line).status.success());
    let listed = world.binary(&["alerts", "mutes"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.starts_with("visits from "), "{listed}");
    assert!(
        listed.contains("until Fri 31 Dec 9999: a \u{fffd}[31mtest"),
        "{listed}"
    );
    let listed = world.binary(&["alerts", "mutes", "--json"]).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed["mutes"][0]["key"], "visits");
    assert_eq!(listed["mutes"][0]["until"], "9999-12-31");
    let unmuted = world.binary(&["alerts", "unmute", "visits"]);
    assert!(unmuted.status.success());
    assert!(world.binary(&["alerts", "mutes"]).stdout.is_empty());
}
