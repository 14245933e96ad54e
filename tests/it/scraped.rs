//! Prometheus and VictoriaMetrics themselves read what they are told, and have the book's numbers.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod events;
mod monitor;

use std::collections::BTreeMap;
use std::fs;

use chrono::NaiveDate;
use daybook::entry::{Entry, Part, PartKey, Value};
use daybook::look::export::backfill;
use daybook::text::exposition::Form;
use serde_json::Value as Json;

use crate::monitored::{self, HOSTILE, LAST, Monitored};
use crate::world::date;
use monitor::{Monitor, Page};

/// The name and the labels that we gave, without those that Prometheus adds.
type Series = BTreeMap<String, String>;
/// Numbers by series and by the instant in milliseconds.
type Numbers = BTreeMap<(Series, i64), f64>;

#[tokio::test]
async fn promtool_finds_nothing_to_say_about_any_book() {
    let books = [
        ("quiet", monitored::quiet().await),
        ("empty", monitored::empty().await),
        ("open", monitored::open().await),
        ("hostile", monitored::hostile().await),
    ];
    for (name, book) in books {
        let said = monitor::check_metrics(&book.exposition().await);
        assert!(said.status.success(), "{name}: {said:?}");
        let words = [said.stdout, said.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&words), "", "{name}");
    }
}

#[tokio::test]
async fn prometheus_scrapes_a_hostile_book_and_has_its_numbers() {
    let book = monitored::hostile().await;
    let page = Page::serve(book.exposition().await);
    let prometheus = Monitor::prometheus(None, Some(page.port));
    prometheus.wait_for("/api/v1/query?query=up", |answer| {
        answer["data"]["result"][0]["value"][1] == "1"
    });
    let query = "/api/v1/query?query=%7Bjob%3D%22daybook%22%2C__name__%3D~%22shop_.*%22%7D";
    let answer = prometheus.json(query);
    let scraped: BTreeMap<Series, f64> = results(&answer)
        .map(|result| (series(&result["metric"]), float(&result["value"][1])))
        .collect();
    let last = numbers(&book.entries[book.entries.len() - 1..]);
    assert_eq!(last.len(), 3 + HOSTILE.len() + 1);
    for ((series, _), number) in last {
        assert_eq!(scraped.get(&series), Some(&number), "{series:?}");
    }
    for (name, number) in [
        ("shop_entry_partial", 0.0),
        ("shop_entry_age_seconds", 21_600.0),
    ] {
        let series = Series::from([("__name__".to_owned(), name.to_owned())]);
        assert_eq!(scraped.get(&series), Some(&number), "{name}");
    }
}

#[tokio::test]
async fn prometheus_serves_the_book_from_blocks_that_promtool_made() {
    let book = monitored::hostile().await;
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("days.om");
    fs::write(&text, past(&book, Form::OpenMetrics).await).unwrap();
    let blocks = folder.path().join("data");
    monitor::create_blocks(&text, &blocks);
    let prometheus = Monitor::prometheus(Some(&blocks), None);
    // A range reaches back from its instant, which is half a day after the last number.
    let query = "/api/v1/query?query=%7B__name__%3D~%22shop_.*%22%7D%5B100d%5D&time=1759572000";
    let answer = prometheus.json(query);
    let mut served = Numbers::new();
    for result in results(&answer) {
        for value in result["values"].as_array().unwrap() {
            let at = (value[0].as_f64().unwrap() * 1000.0).round() as i64;
            served.insert((series(&result["metric"]), at), float(&value[1]));
        }
    }
    assert_eq!(served, numbers(&book.entries));
}

#[tokio::test]
async fn victoria_metrics_imports_the_book_and_gives_it_back() {
    let book = monitored::hostile().await;
    let victoria = Monitor::victoria();
    let text = past(&book, Form::Prometheus).await;
    victoria.post("/api/v1/import/prometheus", &text);
    let export = "/api/v1/export?match%5B%5D=%7B__name__%3D~%22shop_.*%22%7D&start=0";
    let expected = numbers(&book.entries);
    let exported = || {
        let mut given = Numbers::new();
        for line in victoria.get(export).lines() {
            let line: Json = serde_json::from_str(line).unwrap();
            let values = line["values"].as_array().unwrap();
            let times = line["timestamps"].as_array().unwrap();
            for (value, at) in values.iter().zip(times) {
                let key = (series(&line["metric"]), at.as_i64().unwrap());
                given.insert(key, value.as_f64().unwrap());
            }
        }
        given
    };
    monitor::wait(|| exported().len() == expected.len());
    assert_eq!(exported(), expected);
}

async fn past(book: &Monitored, form: Form) -> String {
    let days = NaiveDate::MIN..=date(LAST);
    let mut text = Vec::new();
    let written = backfill::write(&book.edition.book, &book.config, days, form, &mut text).await;
    assert_eq!(written.unwrap(), book.entries.len());
    String::from_utf8(text).unwrap()
}

/// What the entries hold, told as series without the code that tells it.
fn numbers(entries: &[Entry]) -> Numbers {
    const NAMES: [(&str, &str); 4] = [
        ("orders", "shop_orders"),
        ("revenue", "shop_revenue"),
        ("visits", "shop_visits_total"),
        ("kinds", "shop_kinds"),
    ];
    let mut all = Numbers::new();
    for entry in entries {
        let at = entry.as_of.timestamp_millis();
        for (key, name) in NAMES {
            let mut add = |labels: &[(&str, &str)], text: String| {
                let named = [("__name__", name)];
                let labels = named.iter().chain(labels);
                let series = labels.filter(|(_, value)| !value.is_empty());
                let series = series.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                all.insert((series.collect(), at), text.parse().unwrap());
            };
            match entry.readings[key].value.as_ref().unwrap() {
                Value::Whole(whole) => add(&[], whole.to_string()),
                Value::Decimal(decimal) => add(&[], decimal.to_string()),
                Value::Parts(parts) => {
                    for Part { key, label, count } in parts {
                        let label = monitored::spelled_out(label);
                        match key {
                            PartKey::Value(key) => {
                                let key = monitored::spelled_out(key);
                                add(&[("key", key), ("label", label)], count.to_string());
                            }
                            PartKey::None => {
                                add(&[("label", "(none)"), ("none", "true")], count.to_string());
                            }
                            PartKey::Other => {
                                add(&[("label", "other"), ("rest", "true")], count.to_string());
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

fn results(answer: &Json) -> impl Iterator<Item = &Json> {
    let results = answer["data"]["result"].as_array();
    results.unwrap_or_else(|| panic!("{answer}")).iter()
}

/// An empty label is none, to every reader.
fn series(metric: &Json) -> Series {
    let labels: Series = serde_json::from_value(metric.clone()).unwrap();
    let ours = |name: &str| !["job", "instance"].contains(&name);
    labels
        .into_iter()
        .filter(|(name, value)| ours(name) && !value.is_empty())
        .collect()
}

fn float(text: &Json) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}
