//! What monitoring systems are told: which series, which numbers, and what is left out.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod backfill;
mod reader;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use daybook::book::{self, Book, Channel, DeliveryEnding, Message, Plan, Planned, Subject};
use daybook::calendar::Day;
use daybook::config::{Config, Request, load};
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Part, PartKey, Reading, Value};
use daybook::locale::Locale;
use daybook::look::edition::Edition;
use daybook::look::export::prometheus::exposition;
use daybook::nightly::Which;
use proptest::prelude::*;

use crate::monitored::{self, HOSTILE, MORNING, Monitored};
use crate::world::{World, book_url, date, instant};
use reader::Exposed;

/// As Beryl's own exporter had them, in its order.
const BERYL: [&str; 25] = [
    "beryl_users_total",
    "beryl_users_active_24h",
    "beryl_users_active_7d",
    "beryl_users_active_30d",
    "beryl_users_new_24h",
    "beryl_collections_total",
    "beryl_collections_private",
    "beryl_collections_public",
    "beryl_collections_unlisted",
    "beryl_items_total",
    "beryl_items_in_collection",
    "beryl_items_wanted",
    "beryl_items_reserved",
    "beryl_storage_files_total",
    "beryl_storage_bytes_total",
    "beryl_storage_uploads_24h",
    "beryl_storage_orphaned_files",
    "beryl_moderation_flagged",
    "beryl_moderation_pending",
    "beryl_moderation_violations",
    "beryl_moderation_banned_users",
    "beryl_engagement_favorites",
    "beryl_engagement_items_with_images_pct",
    "beryl_engagement_avg_attributes_per_item",
    "beryl_metrics_collection_duration_seconds",
];

#[tokio::test]
async fn beryls_series_keep_every_name_of_its_own_exporter() {
    let config = beryl();
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let day = Day::new(date("2025-10-03"), config.time_zone).unwrap();
    let mut entry = Entry::empty(&day.close(), day.end, "hash");
    entry.duration_ms = 1840;
    for metric in &config.catalog.metrics {
        let value = match metric.is_distribution() {
            true => Value::Parts(Vec::from([part("1", "Books", 3)])),
            false => Value::Whole(3),
        };
        let reading = Reading::observed(Some(value));
        entry.readings.insert(metric.key.clone(), reading);
    }
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    book::store(&book, entry, Mode::Replace).await.unwrap();
    let edition = Edition::read(1, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    let told = exposition(&edition, &config, instant(MORNING)).await;
    let told = Exposed::read(&told.unwrap());

    let names: BTreeSet<&str> = told.names.iter().map(String::as_str).collect();
    for name in &BERYL {
        assert!(names.contains(name), "{name}");
        let kind = if name.ends_with("_total") {
            "untyped"
        } else {
            "gauge"
        };
        assert_eq!(told.families[*name].1, kind, "{name}");
    }
    let own = |name: &&&str| name.starts_with("beryl_metrics_");
    assert_eq!(names.len() - names.iter().filter(own).count(), 59);
    let took = told.value("beryl_metrics_collection_duration_seconds", &[]);
    assert_eq!(took, Some("1.84"));
}

#[tokio::test]
async fn messages_count_as_undelivered_as_long_as_the_next_report_names_them() {
    let config = beryl();
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    let last = date("2025-10-03");
    let days = config.report.give_up.as_secs().div_ceil(86_400) + 1;
    for (id, day) in (1..).zip([last - Days::new(days), last - Days::new(days - 1), last]) {
        let close = Day::new(day, config.time_zone).unwrap().close();
        let entry = Entry::empty(&close, close.instant, "hash");
        book::store(&book, entry, Mode::Replace).await.unwrap();
        let plan = Plan {
            report: Planned {
                date: day,
                subject: Subject::Report,
                planned_at: close.instant,
                also: Vec::new(),
                corrections: Vec::new(),
                recipients: Vec::new(),
                stale_recipients: None,
                bad_addresses: Vec::new(),
                reason: None,
            },
            messages: vec![Message {
                channel: Channel::Email,
                recipient: "ada@example.org".to_owned(),
                name: None,
                locale: Locale::default(),
                message_id: format!("{day}@daybook.invalid"),
            }],
        };
        book::plan(&book, &plan).await.unwrap();
        let refused = DeliveryEnding::Refused {
            reply: "550 No such user".to_owned(),
            retry_at: None,
        };
        book::note(&book, id, &refused, close.instant)
            .await
            .unwrap();
    }
    let edition = Edition::read(1, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    let told = exposition(&edition, &config, instant(MORNING)).await;
    let told = Exposed::read(&told.unwrap());
    assert_eq!(
        told.value("beryl_metrics_undelivered_messages", &[]),
        Some("2")
    );
}

#[tokio::test]
async fn the_newest_day_is_told_exactly_and_what_is_unknown_is_left_out() {
    let told = Exposed::read(&monitored::quiet().await.exposition().await);
    let numbers = [
        ("shop_orders", "1500"),
        ("shop_revenue", "15000.05"),
        ("shop_visits_total", "9007199254742492"),
        ("shop_entry_timestamp_seconds", "1759528800"),
        ("shop_entry_age_seconds", "21600"),
        ("shop_entry_partial", "0"),
        ("shop_collection_duration_seconds", "1.84"),
        ("shop_undelivered_messages", "0"),
    ];
    for (name, value) in numbers {
        assert_eq!(told.value(name, &[]), Some(value), "{name}");
    }
    let kinds = |key, label| told.value("shop_kinds", &[("key", key), ("label", label)]);
    assert_eq!(
        (kinds("1", "Books"), kinds("2", "other")),
        (Some("1470"), Some("20"))
    );
    let rest = [("label", "other"), ("rest", "true")];
    assert_eq!(told.value("shop_kinds", &rest), Some("10"));
    assert_eq!(told.of("shop_kinds").len(), 3);

    for absent in [
        "shop_gone",
        "shop_broken",
        "shop_helper",
        "shop_last_run_success",
    ] {
        assert!(!told.families.contains_key(absent), "{absent}");
    }
    let available = |key| told.value("shop_metric_available", &[("metric", key)]);
    assert_eq!(
        (available("orders"), available("gone")),
        (Some("1"), Some("0"))
    );
    assert_eq!(
        (available("broken"), available("helper")),
        (Some("0"), None)
    );

    let (help, kind) = &told.families["shop_revenue"];
    assert_eq!(help, "Money in, \"net\"; C:\\new\nper day.");
    assert_eq!(kind, "gauge");
    assert_eq!(told.families["shop_visits_total"].1, "untyped");
    assert_eq!(told.families["shop_orders"].0, "Orders");
}

#[tokio::test]
async fn severity_and_usual_range_are_those_of_the_newest_complete_day() {
    for book in [monitored::quiet().await, monitored::open().await] {
        let told = Exposed::read(&book.exposition().await);
        let severity = |key| told.value("shop_metric_severity", &[("metric", key)]);
        assert_eq!(severity("orders"), Some("1"), "over the warning's limit");
        assert_eq!(severity("revenue"), Some("2"), "fourteen times as much");
        assert_eq!(severity("visits"), Some("0"));
        assert_eq!(
            (severity("gone"), severity("kinds")),
            (None, None),
            "not judged"
        );

        // Eight Fridays of 100 and 101 in turn; as the last two weeks ran, 100 is expected. Its root is more than they
        // ever moved.
        let usual = |name| {
            let bound = told.value(name, &[("metric", "orders")]).unwrap();
            bound.parse::<f64>().unwrap()
        };
        assert_eq!(usual("shop_metric_usual_low"), 90.0);
        assert_eq!(usual("shop_metric_usual_high"), 110.0);
    }
}

#[tokio::test]
async fn an_open_day_is_told_as_open_with_the_instant_of_its_numbers() {
    let told = Exposed::read(&monitored::open().await.exposition().await);
    assert_eq!(told.value("shop_entry_partial", &[]), Some("1"));
    assert_eq!(told.value("shop_orders", &[]), Some("5000"));
    assert_eq!(
        told.value("shop_entry_timestamp_seconds", &[]),
        Some("1759564800")
    );
}

#[tokio::test]
async fn an_empty_book_says_what_is_known() {
    let told = Exposed::read(&monitored::empty().await.exposition().await);
    assert_eq!(told.names, ["shop_build_info", "shop_undelivered_messages"]);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(told.value("shop_build_info", &version), Some("1"));
}

#[tokio::test]
async fn terrible_names_have_series_of_their_own_and_no_letter_that_a_terminal_obeys_or_hides() {
    let text = monitored::hostile().await.exposition().await;
    let hidden = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{2028}' | '\u{202e}' | '\u{feff}')
    };
    assert!(!text.contains(hidden));
    let told = Exposed::read(&text);
    for (name, count) in HOSTILE.iter().zip(1..) {
        let name = monitored::spelled_out(name);
        let number = told.value("shop_kinds", &[("key", name), ("label", name)]);
        assert_eq!(number, Some(format!("{count}").as_str()), "{name:?}");
    }
    let rest = [("label", "other"), ("rest", "true")];
    assert_eq!(told.value("shop_kinds", &rest), Some("99"));
    assert_eq!(told.of("shop_kinds").len(), HOSTILE.len() + 1);
}

#[tokio::test]
async fn parts_told_in_the_same_words_are_one_series() {
    let book = monitored::quiet().await;
    let mut entry = book.entries.last().unwrap().clone();
    let twice = vec![part("1", "Books", 3), part("1", "Books", 4)];
    let reading = Reading::observed(Some(Value::Parts(twice)));
    entry.readings.insert("kinds".to_owned(), reading);
    let told = Exposed::read(&Monitored::new(vec![entry]).await.exposition().await);
    let labels = [("key", "1"), ("label", "Books")];
    assert_eq!(told.value("shop_kinds", &labels), Some("7"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_key_and_label_without_control_characters_come_back_as_they_were(names in prop::collection::btree_map(any::<String>(), any::<String>(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let day = Day::new(date("2025-10-03"), chrono_tz::Europe::Zurich).unwrap();
            let mut entry = Entry::empty(&day.close(), day.end, "hash");
            let parts = names.iter().zip(1..).map(|((key, label), count)| part(key, label, count));
            let reading = Reading::observed(Some(Value::Parts(parts.collect())));
            entry.readings.insert("kinds".to_owned(), reading);
            let told = Exposed::read(&Monitored::new(vec![entry]).await.exposition().await);
            for ((key, label), count) in names.iter().zip(1..) {
                let spelled = |name: &str| {
                    name.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
                };
                let (key, label) = (&spelled(key), &spelled(label));
                let number = told.value("shop_kinds", &[("key", key), ("label", label)]);
                assert_eq!(number, Some(format!("{count}").as_str()));
            }
            assert_eq!(told.of("shop_kinds").len(), names.len());
        });
    }
}

#[tokio::test]
async fn a_night_tells_when_it_ended_and_how_long_its_stages_took() {
    let settings = r#"
        [app]
        database_url = "sqlite:app.db"
        [collect]
        retry_for = "0s"
        [tables.users]
        name = "users"
        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
    "#;
    let mut world = World::new("2025-10-03T06:00:00Z", settings);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (id INTEGER)").await;
    world.night(Which::One(date("2025-10-02"))).await;
    let told = told_by(&world).await;
    let stage = |told: &Exposed, stage| {
        let took = told.value("daybook_last_run_duration_seconds", &[("stage", stage)]);
        took.map(|took| took.parse::<f64>().unwrap())
    };
    let stages = ["collect", "store", "prune"].map(|name| stage(&told, name).unwrap());
    assert!(stage(&told, "total").unwrap() >= stages.iter().sum::<f64>());
    assert_eq!(stage(&told, "deliver"), None, "nothing was to be sent");
    assert_eq!(told.value("daybook_last_run_success", &[]), Some("1"));
    let first = number(&told, "daybook_last_success_timestamp_seconds");
    let begun = instant("2025-10-03T06:00:00Z").timestamp() as f64;
    assert!(first >= begun, "{first}");
    assert_eq!(number(&told, "daybook_last_run_timestamp_seconds"), first);

    world.at("2025-10-04T06:00:00Z");
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:/nowhere/app.db");
    let failed = world.command(&["collect", "--date", "yesterday"]).await;
    assert!(failed.is_err());
    let told = told_by(&world).await;
    assert_eq!(told.value("daybook_last_run_success", &[]), Some("0"));
    assert_eq!(
        number(&told, "daybook_last_success_timestamp_seconds"),
        first
    );
    assert!(number(&told, "daybook_last_run_timestamp_seconds") >= begun + 86_400.0);
    assert_eq!(stage(&told, "store"), None, "that far it did not come");
    assert!(stage(&told, "collect").is_some());
}

#[tokio::test]
async fn an_edition_that_is_asked_again_grows_older_and_notices_a_killed_night() {
    let book = monitored::quiet().await;
    let url = book.edition.book.url().clone();
    let lock = Book::lock(&url).await.unwrap().unwrap();
    let writing = Book::open(&url, Duration::ZERO).await.unwrap();
    let began = instant("2025-10-04T03:00:00Z");
    book::begin_run(&writing, "collect", began).await.unwrap();
    let told = Exposed::read(&book.exposition().await);
    assert!(told.of("shop_last_run_success").is_empty(), "it goes on");

    lock.release().await;
    let later = exposition(
        &book.edition,
        &book.config,
        instant("2025-10-04T04:00:01.5Z"),
    )
    .await;
    let told = Exposed::read(&later.unwrap());
    assert_eq!(told.value("shop_entry_age_seconds", &[]), Some("21601.5"));
    assert_eq!(told.value("shop_last_run_success", &[]), Some("0"));
    let at = told.value("shop_last_run_timestamp_seconds", &[]);
    assert_eq!(
        at,
        Some("1759546800"),
        "of an interrupted night the beginning is known"
    );
}

async fn told_by(world: &World) -> Exposed {
    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let edition = Edition::read(1, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    let told = exposition(&edition, &config, instant(MORNING)).await;
    Exposed::read(&told.unwrap())
}

fn number(told: &Exposed, name: &str) -> f64 {
    let value = told.value(name, &[]).unwrap_or_else(|| panic!("no {name}"));
    value.parse().unwrap()
}

fn part(key: &str, label: &str, count: i64) -> Part {
    Part {
        key: PartKey::Value(key.to_owned()),
        label: label.to_owned(),
        count: count.into(),
    }
}

fn beryl() -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/beryl/daybook.toml");
    let request = Request {
        path: Some(file),
        environment: std::collections::BTreeMap::new(),
        cwd: std::env::temp_dir(),
    };
    load(&request).unwrap_or_else(|error| panic!("{error}"))
}
