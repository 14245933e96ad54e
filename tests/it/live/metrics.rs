//! Live metrics in the night: counted, stored, recounted, explained and told like any other.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::commands::Ended;
use daybook::config::LiveSettings;
use daybook::nightly::{DayDone, Night, Orders, Which};
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::world::{App, World, date, instant};

use super::CHECKOUT;
use super::night::{question, recount};
use support::checkouts::{Sent, keep, midnight, record, some};

const ZONE: Tz = Tz::Europe__Zurich;

const METRICS: &str = r#"
[app]
database_url = "sqlite:app.db"

[tables.orders]
name = "orders"
created_at = "placed"

[[metrics]]
key = "orders"
table = "orders"
count = "*"
within = { column = "placed", days = [1, 7] }

[[metrics]]
key = "checkouts"
label = "Checkouts sent"
live = { kind = "checkout", value = "count" }
within = { days = [1, 7] }
same_as = "orders"
alert = { critical = "> 90" }

[[metrics]]
key = "turnover"
live = { kind = "checkout", value = "sum of amount", labels = { shop = "zh" } }

[[metrics]]
key = "median"
live = { kind = "checkout", value = "p50 of duration" }

[[metrics]]
key = "success"
live = { kind = "checkout", value = "success_pct" }

[[metrics]]
key = "of_orders"
percent = { of = "checkouts_24h", in = "orders_24h" }
"#;

fn settings() -> String {
    format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}\n{METRICS}")
}

fn live(world: &World) -> LiveSettings {
    world.config().live.unwrap()
}

/// About a hundred checkouts a day from 2 October on, and an order for each; on 5 October two orders more.
async fn world(now: &str) -> (World, Vec<Sent>) {
    let world = World::new(now, &settings());
    let sent = some(&mut Dice(4), ZONE, instant("2025-10-01T22:00:00Z"), 6, 600);
    record(&live(&world), &sent).await;
    let app = world.sqlite("app.db").await;
    let order = |at: DateTime<Utc>| format!("('{}')", at.format("%Y-%m-%d %H:%M:%S%.6f"));
    let more = ["2025-10-05T08:00:00Z", "2025-10-05T09:00:00Z"].map(instant);
    let orders = sent.iter().map(|one| one.at).chain(more).map(order);
    let orders = orders.collect::<Vec<_>>().join(", ");
    app.execute(&format!(
        "CREATE TABLE orders (placed TEXT); INSERT INTO orders VALUES {orders}"
    ))
    .await;
    (world, sent)
}

fn expected(
    sent: &[Sent],
    word: &str,
    labels: &[(&str, &str)],
    day: &str,
    days: u32,
) -> Option<f64> {
    let end = date(day) + Days::new(1);
    let begin = midnight(end - Days::new(days.into()), ZONE);
    recount(
        sent,
        &question(word, labels, days),
        begin,
        midnight(end, ZONE),
    )
}

async fn number(world: &World, day: &str, key: &str) -> Option<f64> {
    world.value(day, key).await.as_f64()
}

fn orders(which: Which, metric: Option<&str>) -> Orders {
    Orders {
        which,
        metric: metric.map(str::to_owned),
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    }
}

fn one(day: &str) -> Which {
    Which::One(date(day))
}

fn dates(days: &[DayDone]) -> Vec<NaiveDate> {
    let written = days.iter().filter(|day| day.entry.is_some());
    written.map(|day| day.date).collect()
}

async fn assert_counted(world: &World, sent: &[Sent], day: &str) {
    for (key, word, labels, days) in [
        ("checkouts_24h", "count", &[][..], 1),
        ("checkouts_7d", "count", &[], 7),
        ("turnover", "sum of amount", &[("shop", "zh")], 1),
        ("median", "p50 of duration", &[], 1),
    ] {
        let found = number(world, day, key).await;
        assert_eq!(
            found,
            expected(sent, word, labels, day, days),
            "{day} {key}"
        );
    }
    let success = expected(sent, "success_pct", &[], day, 1).unwrap();
    let found = number(world, day, "success").await.unwrap();
    assert!((found - success).abs() <= 0.005, "{found} for {success}");
}

#[tokio::test]
async fn a_night_counts_events_beside_rows_and_derives_from_both() {
    let (world, sent) = world("2025-10-05T00:30:00Z").await;
    let night = world.night(one("2025-10-04")).await;
    assert!(night.days.iter().all(|day| day.failed.is_empty()));
    assert_counted(&world, &sent, "2025-10-04").await;
    for key in ["checkouts_24h", "checkouts_7d", "turnover", "median"] {
        assert_eq!(
            world.provenance("2025-10-04", key).await,
            Json::Null,
            "{key}"
        );
    }
    let orders = number(&world, "2025-10-04", "orders_24h").await;
    assert_eq!(orders, number(&world, "2025-10-04", "checkouts_24h").await);
    assert_eq!(world.value("2025-10-04", "of_orders").await, json!(100.0));
    // As a statement of the run, with what it read.
    let runs = world.binary(&["runs", "--json"]);
    let runs: Json = serde_json::from_slice(&runs.stdout).unwrap();
    let statements = runs["runs"][0]["statements"].as_array().unwrap();
    let live = statements
        .iter()
        .find(|one| one["what"].as_str().unwrap().starts_with("live `checkout`"));
    assert!(live.unwrap()["rows"].as_i64().unwrap() >= 100);
}

#[tokio::test]
async fn a_range_counts_each_day_as_a_night_of_its_own_would_and_begins_with_the_first_event() {
    let (mut world, sent) = world("2025-10-08T06:00:00Z").await;
    let night = world
        .night(Which::Range(date("2025-09-28"), date("2025-10-07")))
        .await;
    // Orders begin with the first checkout, a microsecond before midnight.
    let skipped: Vec<NaiveDate> = night.skipped.iter().map(|(date, _)| *date).collect();
    let first = midnight(date("2025-10-02"), ZONE);
    let begins = match sent.iter().any(|one| one.at < first) {
        true => date("2025-10-01"),
        false => date("2025-10-02"),
    };
    let before: Vec<NaiveDate> = date("2025-09-28")
        .iter_days()
        .take_while(|day| *day < begins)
        .collect();
    assert_eq!(skipped, before);
    for day in ["2025-10-02", "2025-10-04", "2025-10-07"] {
        assert_counted(&world, &sent, day).await;
    }
    // Counted long after: recounted, but exact.
    let why = json!({ "kind": "reconstructed" });
    assert_eq!(world.provenance("2025-10-04", "checkouts_24h").await, why);
    assert_eq!(world.provenance("2025-10-04", "success").await, why);
    // Nothing is lacking now, so nothing is counted again.
    world.at("2025-10-08T07:00:00Z");
    let again = world
        .night(Which::Range(date("2025-10-02"), date("2025-10-07")))
        .await;
    assert_eq!(dates(&again.days), []);
}

#[tokio::test]
async fn days_before_the_first_event_are_unknown_and_stay_so() {
    let (mut world, _) = world("2025-10-05T06:00:00Z").await;
    world.night(one("2025-09-30")).await;
    let why = world.provenance("2025-09-30", "checkouts_24h").await;
    assert_eq!(why["kind"], "unavailable");
    let reason = why["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the first `checkout` was recorded on "),
        "{reason}"
    );
    let derived = world.provenance("2025-09-30", "of_orders").await;
    assert_eq!(derived["kind"], "unavailable");
    world.at("2025-10-05T07:00:00Z");
    let again = world.night(one("2025-09-30")).await;
    assert_eq!(dates(&again.days), []);
}

#[tokio::test]
async fn without_a_file_everything_of_it_is_unknown_and_the_rest_is_counted() {
    let (world, _) = world("2025-10-05T00:30:00Z").await;
    std::fs::remove_file(world.path("live.db")).unwrap();
    let night = world.night(one("2025-10-04")).await;
    assert!(night.days[0].failed.is_empty());
    let why = json!({ "kind": "unavailable", "reason": "no `checkout` has been recorded" });
    assert_eq!(world.provenance("2025-10-04", "turnover").await, why);
    assert!(number(&world, "2025-10-04", "orders_24h").await > Some(0.0));
    assert!(!world.path("live.db").exists());
}

#[tokio::test]
async fn a_store_that_cannot_be_read_fails_its_metrics_alone_and_the_next_night_fills_them() {
    let (mut world, sent) = world("2025-10-05T00:30:00Z").await;
    let whole = std::fs::read(world.path("live.db")).unwrap();
    std::fs::write(world.path("live.db"), "no database at all").unwrap();
    let ended = world
        .command(&["collect", "--date", "2025-10-04", "--quiet"])
        .await
        .unwrap();
    assert_eq!(ended, Ended::Incomplete);
    let why = world.provenance("2025-10-04", "checkouts_24h").await;
    assert_eq!(why["kind"], "failed");
    assert!(
        why["reason"]
            .as_str()
            .unwrap()
            .contains("it is not a database"),
        "{why}"
    );
    assert_eq!(
        world.provenance("2025-10-04", "of_orders").await["kind"],
        "failed"
    );
    assert!(number(&world, "2025-10-04", "orders_24h").await > Some(0.0));
    std::fs::write(world.path("live.db"), whole).unwrap();
    world.at("2025-10-05T01:00:00Z");
    let night = world.night(one("2025-10-04")).await;
    assert!(night.days[0].refilled);
    assert_counted(&world, &sent, "2025-10-04").await;
    assert_eq!(world.value("2025-10-04", "of_orders").await, json!(100.0));
}

#[tokio::test]
async fn a_refresh_finds_events_that_came_late_and_says_what_changed() {
    let (mut world, mut sent) = world("2025-10-05T00:30:00Z").await;
    world.night(one("2025-10-04")).await;
    let before = number(&world, "2025-10-04", "checkouts_24h").await.unwrap();
    let late = some(&mut Dice(8), ZONE, instant("2025-10-04T08:00:00Z"), 1, 40);
    let late: Vec<Sent> = late
        .into_iter()
        .filter(|one| one.at < instant("2025-10-04T22:00:00Z"))
        .collect();
    record(&live(&world), &late).await;
    keep(&live(&world), ZONE, instant("2025-10-06T00:00:00Z")).await;
    sent.extend(late.clone());
    world.at("2025-10-06T06:00:00Z");
    let which = Which::Refresh {
        days: 3,
        with: None,
    };
    let night = world.night(which).await;
    let changes = night.days[0].changes.as_ref().unwrap();
    let changed: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    assert!(
        changed.contains(&"checkouts_24h") && changed.contains(&"of_orders"),
        "{changed:?}"
    );
    assert_counted(&world, &sent, "2025-10-04").await;
    let after = number(&world, "2025-10-04", "checkouts_24h").await.unwrap();
    assert!(after > before);
}

#[tokio::test]
async fn one_metric_can_be_filled_forced_and_tried_dry() {
    let (mut world, sent) = world("2025-10-08T06:00:00Z").await;
    let range = || Which::Range(date("2025-10-03"), date("2025-10-06"));
    world
        .ordered(&orders(range(), Some("orders")))
        .await
        .unwrap();
    assert_eq!(world.value("2025-10-04", "checkouts_24h").await, Json::Null);
    let dry = Orders {
        dry_run: true,
        ..orders(range(), Some("turnover"))
    };
    let night: Night = world.ordered(&dry).await.unwrap();
    let would = night.days[1].entry.as_ref().unwrap();
    let turnover = expected(&sent, "sum of amount", &[("shop", "zh")], "2025-10-04", 1);
    assert_eq!(would.number("turnover"), turnover);
    assert_eq!(world.value("2025-10-04", "turnover").await, Json::Null);
    world.ordered(&orders(range(), None)).await.unwrap();
    assert_counted(&world, &sent, "2025-10-04").await;
    // What is forced is counted again, and equal.
    let late = some(&mut Dice(8), ZONE, instant("2025-10-04T08:00:00Z"), 1, 10);
    record(&live(&world), &late).await;
    world.at("2025-10-08T07:00:00Z");
    let forced = Orders {
        force: true,
        ..orders(one("2025-10-04"), Some("checkouts"))
    };
    world.ordered(&forced).await.unwrap();
    let all: Vec<Sent> = sent.iter().chain(&late).cloned().collect();
    let count = expected(&all, "count", &[], "2025-10-04", 1);
    assert_eq!(number(&world, "2025-10-04", "checkouts_24h").await, count);
    let turnover = expected(&sent, "sum of amount", &[("shop", "zh")], "2025-10-04", 1);
    assert_eq!(number(&world, "2025-10-04", "turnover").await, turnover);
}

#[tokio::test]
async fn a_catalog_of_live_metrics_alone_needs_no_database() {
    let metric =
        "[[metrics]]\nkey = \"checkouts\"\nlive = { kind = \"checkout\", value = \"count\" }\n";
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}\n{metric}");
    let world = World::new("2025-10-08T06:00:00Z", &settings);
    let sent = some(&mut Dice(4), ZONE, instant("2025-10-03T08:00:00Z"), 3, 50);
    record(&live(&world), &sent).await;
    let night = world
        .night(Which::Range(date("2025-09-28"), date("2025-10-07")))
        .await;
    let (last, why) = night.skipped.last().unwrap();
    let first = sent
        .iter()
        .map(|one| one.at)
        .min()
        .unwrap()
        .with_timezone(&ZONE)
        .date_naive();
    assert_eq!(*last, first - Days::new(1));
    assert!(
        why.starts_with("before the first event (of `checkout`, "),
        "{why}"
    );
    let count = expected(&sent, "count", &[], "2025-10-04", 1);
    assert_eq!(number(&world, "2025-10-04", "checkouts").await, count);
    assert_eq!(number(&world, "2025-10-07", "checkouts").await, Some(0.0));
}

fn json_of(world: &World, args: &[&str]) -> Json {
    let output = world.binary(args);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn verdicts(world: &World) -> Vec<(String, String)> {
    let told = json_of(world, &["verify", "--date", "2025-10-04", "--json"]);
    let metrics = told["metrics"].as_array().unwrap().iter();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    metrics
        .map(|one| (text(&one["key"]), text(&one["verdict"])))
        .collect()
}

fn verdict(world: &World, key: &str) -> String {
    let all = verdicts(world).into_iter();
    all.into_iter().find(|(known, _)| known == key).unwrap().1
}

#[tokio::test]
async fn verify_counts_events_and_rollups_and_compares_both_with_the_book() {
    let (world, _) = world("2025-10-05T00:30:00Z").await;
    world.night(one("2025-10-04")).await;
    let all_equal = |world: &World| {
        for (key, verdict) in verdicts(world) {
            assert_eq!(verdict, "equal", "{key}");
        }
    };
    all_equal(&world);
    keep(&live(&world), ZONE, instant("2025-10-08T00:00:00Z")).await;
    all_equal(&world);
    let store = App::Sqlite(world.path("live.db"));
    // Only rollups are left.
    let chunks = "CREATE TABLE aside AS SELECT * FROM chunks; INSERT INTO pruned VALUES (1, 3, 9000000000000000); DELETE FROM chunks";
    store.execute(chunks).await;
    assert_eq!(verdict(&world, "checkouts_7d"), "equal");
    assert_eq!(verdict(&world, "turnover"), "equal");
    assert_eq!(verdict(&world, "median"), "moved");
    store
        .execute("DELETE FROM pruned; INSERT INTO chunks SELECT * FROM aside")
        .await;
    all_equal(&world);
    // Points that came since are in both ways of counting, and not in the book.
    let late = some(&mut Dice(8), ZONE, instant("2025-10-04T08:00:00Z"), 1, 10);
    let late: Vec<Sent> = late
        .into_iter()
        .filter(|one| one.at < instant("2025-10-04T22:00:00Z"))
        .collect();
    record(&live(&world), &late).await;
    assert_eq!(verdict(&world, "checkouts_7d"), "differs");
    // A rollup that is not what its points are contradicts them.
    store.execute("DELETE FROM rollups WHERE labels = ''").await;
    assert_eq!(verdict(&world, "checkouts_24h"), "contradicted");
}

#[tokio::test]
async fn what_is_forgotten_contradicts_nothing() {
    let (world, sent) = world("2025-10-05T00:30:00Z").await;
    world.night(one("2025-10-04")).await;
    keep(&live(&world), ZONE, instant("2025-10-08T00:00:00Z")).await;
    let of_day = |one: &&Sent| one.at.with_timezone(&ZONE).date_naive() == date("2025-10-04");
    let order = &sent.iter().find(of_day).unwrap().order;
    let label = format!("order={order}");
    let forgotten = world.binary(&["live", "forget", "checkout", "--label", &label]);
    assert!(forgotten.status.success(), "{forgotten:?}");
    assert_eq!(verdict(&world, "checkouts_24h"), "differs");
}

#[tokio::test]
async fn explain_says_from_what_live_metrics_are_counted() {
    let (world, _) = world("2025-10-05T00:30:00Z").await;
    let asked = |key: &str| json_of(&world, &["explain", key, "--date", "2025-10-04", "--json"]);
    let told = asked("turnover");
    let expected = json!([{
        "metric": "turnover",
        "kind": "checkout",
        "value": "sum of amount",
        "labels": { "shop": "zh" },
        "window": { "days": 1, "start": "2025-10-03T22:00:00Z", "end": "2025-10-04T22:00:00Z" },
        "from": "events",
        "reason": null,
    }]);
    assert_eq!(told["live"], expected);
    let read = &told["live_read"][0];
    assert!(
        read["chunks"].as_i64() > Some(0) && read["events"].as_i64() > Some(0),
        "{read}"
    );
    keep(&live(&world), ZONE, instant("2025-10-30T00:00:00Z")).await;
    let told = asked("checkouts_7d");
    assert_eq!(told["live"][0]["from"], "daily rollups");
    assert_eq!(told["live"][0]["window"]["days"], 7);
    let page = world.binary(&["explain", "turnover", "--date", "2025-10-04"]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(
        page.contains("turnover = live checkout: sum of amount where shop is zh: history `event`"),
        "{page}"
    );
    assert!(page.contains("from daily rollups"), "{page}");
}

/// With 98 checkouts, say, and two orders more on 5 October, counted in time.
async fn reported() -> (World, u64) {
    let (mut world, sent) = world("2025-10-05T00:30:00Z").await;
    world.night(one("2025-10-04")).await;
    world.at("2025-10-06T00:30:00Z");
    world.night(one("2025-10-05")).await;
    let count = expected(&sent, "count", &[], "2025-10-05", 1).unwrap();
    (world, count as u64)
}

fn text_of(world: &World, args: &[&str]) -> String {
    let output = world.binary(args);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.replace(['\u{a0}', '\u{202f}', '\u{2060}'], " ")
        .replace("&#8722;", "−")
}

#[tokio::test]
async fn numbers_that_should_be_the_same_are_told_where_they_differ() {
    let (world, count) = reported().await;
    let twin = |day: &str| {
        let told = json_of(&world, &["show", "--date", day, "--json"]);
        let metrics = told["metrics"].as_array().unwrap().iter();
        let own = metrics
            .into_iter()
            .find(|one| one["key"] == "checkouts_24h");
        own.unwrap()["same_as"].clone()
    };
    let expected = json!({ "key": "orders_24h", "value": count + 2, "difference": -2 });
    assert_eq!(twin("2025-10-05"), expected);
    assert_eq!(twin("2025-10-04")["difference"], 0);
    let (own, other) = (count, count + 2);
    let line = format!("Checkouts sent, 24 h: {own} sent, {other} in the database (Orders, 24 h)");
    for args in [
        &["show", "--date", "2025-10-05"][..],
        &["report", "--date", "2025-10-05", "--format", "text"],
        &["report", "--date", "2025-10-05", "--format", "html"],
    ] {
        let text = text_of(&world, args);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&line), "{args:?}: {text}");
        let before: Vec<&str> = args
            .iter()
            .map(|arg| {
                if *arg == "2025-10-05" {
                    "2025-10-04"
                } else {
                    arg
                }
            })
            .collect();
        assert!(
            !text_of(&world, &before).contains("in the database (Orders, 24 h)"),
            "{args:?}"
        );
    }
    let report = json_of(
        &world,
        &["report", "--date", "2025-10-05", "--format", "json"],
    );
    let schema: Json =
        serde_json::from_str(include_str!("../../../docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let settings = format!("{}\n[report]\nlanguage = \"de\"\n", settings());
    world.write("daybook.toml", &settings);
    let german = text_of(
        &world,
        &["report", "--date", "2025-10-05", "--format", "text"],
    );
    assert!(german.contains("Sollten gleich sein"), "{german}");
    let flat = german.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(&format!(
            "{own} gesendet, {other} in der Datenbank (Orders, 24 h)"
        )),
        "{german}"
    );
}

#[tokio::test]
async fn live_metrics_alert_like_any_other() {
    let (world, count) = reported().await;
    assert!(count > 90);
    let told = json_of(&world, &["show", "--date", "2025-10-05", "--json"]);
    let alerts = told["alerts"].as_array().unwrap();
    let own = alerts
        .iter()
        .find(|alert| alert["key"] == "checkouts_24h")
        .unwrap();
    assert_eq!(own["severity"], "critical");
    // The window of its last day stays silent only where the day itself speaks.
    let changes = &told["metrics"].as_array().unwrap()[2]["changes"]["1"];
    assert!(changes["previous"].is_number(), "{changes}");
}

#[test]
fn reasons_are_told_in_the_reader_s_language() {
    use daybook::locale::{Language, Locale, Numbers};
    use daybook::render::phrases::Speech;
    let german = Speech::new(Locale {
        language: Language::German,
        numbers: Numbers::Swiss,
    });
    for (reason, expected) in [
        (
            "no `checkout` has been recorded",
            "`checkout` wurde noch nie aufgezeichnet",
        ),
        (
            "from rollups, right to within 1 %",
            "aus Zusammenfassungen, auf 1 % genau",
        ),
        (
            "its events are no longer kept, and none are rolled up by method",
            "die Ereignisse sind nicht mehr da, und nach method wurden sie nicht zusammengefasst",
        ),
        (
            "its events are no longer kept, and they were rolled up by whole hours of Europe/Zurich",
            "die Ereignisse sind nicht mehr da; zusammengefasst wurden sie nach ganzen Stunden von Europe/Zurich",
        ),
    ] {
        assert_eq!(german.reason(reason).replace('\u{a0}', " "), expected);
    }
    let first = german.reason("the first `checkout` was recorded on Wed 4 Nov 2026");
    assert!(
        first.starts_with("`checkout` wurde erstmals am Mi 4. Nov"),
        "{first}"
    );
}

#[tokio::test]
async fn counting_while_the_keeper_works_misses_nothing() {
    let (world, sent) = world("2025-10-05T00:30:00Z").await;
    let live = live(&world);
    let day = "2025-10-04";
    for hours in 0..12 {
        let now = instant("2025-10-04T12:00:00Z") + TimeDelta::hours(2 * hours);
        let keeping = keep(&live, ZONE, now);
        let counting = async {
            for _ in 0..5 {
                let orders = Orders {
                    dry_run: true,
                    force: true,
                    ..orders(one(day), None)
                };
                let night = world.ordered(&orders).await.unwrap();
                let entry = night.days[0].entry.as_ref().unwrap();
                assert_eq!(
                    entry.number("checkouts_24h"),
                    expected(&sent, "count", &[], day, 1)
                );
                assert_eq!(
                    entry.number("median"),
                    expected(&sent, "p50 of duration", &[], day, 1)
                );
            }
        };
        tokio::join!(keeping, counting);
    }
}
