//! Exported events, as monitoring systems read them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::kinds::{Kind, presets};
use daybook::live::event::Event;
use daybook::live::export::{Export, Request};
use daybook::live::question::Context;
use daybook::live::record::Recorder;
use serde_json::Value as Json;

use super::monitor::{self, Monitor};

fn noon() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

async fn exported(format: &str, events: impl Iterator<Item = Event<'static>>) -> String {
    let presets = presets::PRESETS.iter();
    let kinds: Vec<Kind> = presets.flat_map(|(_, toml)| presets::kinds(toml)).collect();
    let all = kinds.iter().map(|kind| (kind.name.clone(), kind.clone()));
    let (recorder, writer) = Recorder::for_tests(all.collect(), noon).await.unwrap();
    for event in events {
        assert_eq!(recorder.record(&event).await.unwrap().accepted, 1);
    }
    let mut store = writer.stop().await.unwrap();
    let kinds: Vec<&Kind> = kinds.iter().collect();
    let context = Context {
        zone: chrono_tz::Tz::UTC,
        now: noon(),
    };
    let pairs = [("format".to_owned(), format.to_owned())];
    let (format, request) = Request::read(&kinds, &pairs, context).unwrap();
    let mut export = Export::new(&mut store, format, request).await.unwrap();
    let mut text = Vec::new();
    while export.next(&mut store, &mut text).await.unwrap() {}
    String::from_utf8(text).unwrap()
}

fn task(agent: &'static str, number: i64) -> Event<'static> {
    Event::new("task")
        .at(noon() - TimeDelta::milliseconds(1250 * number))
        .label("task_id", format!("t {number}"))
        .label("agent_id", agent)
        .value("duration", number)
        .ok(number % 3 != 0)
}

const HOSTILE: &str = "a \"b\\\n{c},=é";

#[tokio::test]
async fn promtool_finds_nothing_to_say_about_exported_events() {
    let tasks = [task(HOSTILE, 1), task("a", 3), task("a", 3)];
    let text = exported("prometheus", tasks.into_iter()).await;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(samples.count(), 4, "{text}");
    let said = monitor::check_metrics(&text);
    let words = [said.stdout, said.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&words), "", "{text}");
    assert!(said.status.success());
}

/// Of each agent, how many numbers of a series VictoriaMetrics has, and what they come to.
fn sums(victoria: &Monitor, name: &str) -> BTreeMap<String, (usize, f64)> {
    let mut sums = BTreeMap::new();
    for line in victoria
        .get(&format!("/api/v1/export?match%5B%5D={name}&start=0"))
        .lines()
    {
        let line: Json = serde_json::from_str(line).unwrap();
        let agent = line["metric"]["agent_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let sum: &mut (usize, f64) = sums.entry(agent).or_default();
        for value in line["values"].as_array().unwrap() {
            sum.0 += 1;
            sum.1 += value.as_f64().unwrap();
        }
    }
    sums
}

#[tokio::test]
async fn victoria_metrics_reads_line_protocol_and_sums_it_exactly() {
    let text = exported("influx", (1..=1000).map(|number| task("a b,c=d", number))).await;
    let victoria = Monitor::victoria();
    victoria.post("/write", &text);
    monitor::wait(|| {
        sums(&victoria, "task_duration")
            .values()
            .map(|(count, _)| count)
            .sum::<usize>()
            == 1000
    });
    // 1 + 2 + … + 1000.
    let all = BTreeMap::from([("a b,c=d".to_owned(), (1000, 500_500.0))]);
    assert_eq!(sums(&victoria, "task_duration"), all);
    let succeeded = BTreeMap::from([("a b,c=d".to_owned(), (1000, 667.0))]);
    assert_eq!(sums(&victoria, "task_ok"), succeeded);
    let query = "/api/v1/query?query=sum(sum_over_time(task_duration%5B1h%5D))&time=1795172400";
    victoria.wait_for(query, |answer| {
        answer["data"]["result"][0]["value"][1] == "500500"
    });
}

#[tokio::test]
async fn victoria_metrics_reads_the_newest_number_of_each_series() {
    let tasks = (1..=9).map(|number| task(if number < 4 { HOSTILE } else { "a" }, number));
    let text = exported("prometheus", tasks).await;
    let victoria = Monitor::victoria();
    victoria.post("/api/v1/import/prometheus", &text);
    let name = "daybook_task_duration_seconds";
    monitor::wait(|| sums(&victoria, name).len() == 2);
    // Of each agent the newest that went well and the newest that did not.
    let of = |one: f64, other: f64| (2, (one + other) / 1000.0);
    let expected = [
        (HOSTILE.to_owned(), of(1.0, 3.0)),
        ("a".to_owned(), of(4.0, 6.0)),
    ];
    assert_eq!(sums(&victoria, name), BTreeMap::from(expected));
}
