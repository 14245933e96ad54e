//! Exports hold every point of what was asked for, once, and other programs read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::process::Output;

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::{Kind, Kinds};
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::export::{Export, Format, Request};
use daybook::live::keep;
use daybook::live::question::Context;
use daybook::live::store::{Known, Store};
use flate2::read::GzDecoder;
use serde_json::{Value as Json, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};
use support::world::{App, World};

use super::archive::rows;
use super::{CHECKOUT, METRICS, kind, kinds, noon, recorder, rules};

const TASKS: &str = r#"
{"kind": "task", "at": "2026-11-20T10:40:00Z", "labels": {"task_id": "task_001", "agent_id": "agent_001"}, "values": {"duration": 1500, "tokens_used": 500}, "ok": true, "details": {"model": "m"}}
{"kind": "task", "at": "2026-11-20T10:41:00.5Z", "labels": {"task_id": "task_002", "agent_id": "agent_001"}, "values": {"duration": 2500, "tokens_used": 700}, "ok": false}
{"kind": "task", "at": "2026-11-20T10:42:00Z", "labels": {"task_id": "task_003", "agent_id": "agent_\"2\\"}, "values": {"duration": 800}, "ok": true}
{"kind": "agent", "at": "2026-11-20T10:40:00Z", "labels": {"agent_id": "agent_001", "metric_type": "throughput"}, "values": {"value": 10.5}}
{"kind": "agent", "at": "2026-11-20T10:50:00Z", "labels": {"agent_id": "agent_001", "metric_type": "throughput"}, "values": {"value": 11}}
{"kind": "swarm", "at": "2026-11-20T10:40:00Z", "labels": {"swarm_id": "swarm_001", "metric_type": "health"}, "values": {"value": 0.95}}
"#;

/// A shop with what spreadsheets, terminals and other formats trip over.
fn hostile() -> [Event<'static>; 3] {
    [
        Event::new("checkout")
            .at(noon() - TimeDelta::microseconds(1))
            .label("shop", "zh")
            .label("method", "a, b=c\\")
            .label("order", "=HYPERLINK(\"x\")\n\u{9b}2J")
            .value("duration", 120.25)
            .value("amount", -19.95)
            .ok(true)
            .details(json!({ "note": "\u{202e}gift" })),
        Event::new("checkout")
            .at(noon() - TimeDelta::seconds(90))
            .label("shop", "be")
            .ok(false),
        Event::new("checkout")
            .at(noon() - TimeDelta::microseconds(1))
            .label("shop", "zh")
            .label("order", "+1;2")
            .value("amount", 3),
    ]
}

async fn shop() -> Store {
    let (recorder, writer) = recorder().await;
    for event in hostile() {
        recorder.record(&event).await.unwrap();
    }
    writer.stop().await.unwrap()
}

async fn agents() -> Store {
    let (recorder, writer) = recorder().await;
    for line in TASKS.trim().lines() {
        let event = Event::from_json(line.as_bytes()).unwrap();
        recorder.record(&event).await.unwrap();
    }
    writer.stop().await.unwrap()
}

fn request(kinds: &Kinds, names: &[&str], pairs: &[(&str, &str)]) -> (Format, Request) {
    let kinds: Vec<&Kind> = names.iter().map(|name| &kinds[*name]).collect();
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let pairs: Vec<(String, String)> = pairs.iter().map(owned).collect();
    let context = Context {
        zone: Tz::Europe__Zurich,
        now: noon(),
    };
    Request::read(&kinds, &pairs, context).unwrap()
}

async fn text(store: &mut Store, names: &[&str], pairs: &[(&str, &str)]) -> String {
    let (format, request) = request(&kinds(), names, pairs);
    let mut export = Export::new(store, format, request).await.unwrap();
    let mut text = Vec::new();
    while export.next(store, &mut text).await.unwrap() {}
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn each_text_is_as_it_was_written_by_hand() {
    let mut store = shop().await;
    for (format, expected) in [
        (
            "jsonl",
            r#"{"at":"2026-11-20T10:58:30Z","kind":"checkout","labels":{"shop":"be"},"values":{},"ok":false}
{"at":"2026-11-20T10:59:59.999999Z","kind":"checkout","labels":{"method":"a, b=c\\","order":"=HYPERLINK(\"x\")\n\u009b2J","shop":"zh"},"values":{"amount":-19.95,"duration":120.25},"ok":true,"details":{"note":"\u202egift"}}
{"at":"2026-11-20T10:59:59.999999Z","kind":"checkout","labels":{"order":"+1;2","shop":"zh"},"values":{"amount":3.0}}
"#,
        ),
        (
            "json",
            r#"{"checkout":[
{"at":"2026-11-20T10:58:30Z","kind":"checkout","labels":{"shop":"be"},"values":{},"ok":false},
{"at":"2026-11-20T10:59:59.999999Z","kind":"checkout","labels":{"method":"a, b=c\\","order":"=HYPERLINK(\"x\")\n\u009b2J","shop":"zh"},"values":{"amount":-19.95,"duration":120.25},"ok":true,"details":{"note":"\u202egift"}},
{"at":"2026-11-20T10:59:59.999999Z","kind":"checkout","labels":{"order":"+1;2","shop":"zh"},"values":{"amount":3.0}}],
"export_info":{"format":"json","exported_at":"2026-11-20T11:00:00Z","time_range":{"start":null,"end":null},"record_counts":{"checkout":3},"complete":true}}
"#,
        ),
        (
            "csv",
            "at,method,order,shop,amount,duration,ok,details\r\n\
             2026-11-20T10:58:30Z,,,be,,,false,\r\n\
             2026-11-20T10:59:59.999999Z,\"a, b=c\\\",\"'=HYPERLINK(\"\"x\"\")\n\\u009b2J\",zh,-19.95,120.25,true,\"{\"\"note\"\":\"\"\\u202egift\"\"}\"\r\n\
             2026-11-20T10:59:59.999999Z,,\"'+1;2\",zh,3.0,,,\r\n",
        ),
        (
            "influx",
            r#"checkout,shop=be ok=false 1795172310000000000
checkout,method=a\,\ b\=c\u005c,shop=zh amount=-19.95,duration=120.25,ok=true,order="=HYPERLINK(\"x\")\\u000a\\u009b2J",details="{\"note\":\"\\u202egift\"}" 1795172399999999000
checkout,shop=zh amount=3,order="+1;2" 1795172399999999001
"#,
        ),
        (
            "grafana",
            r#"[{"target":"a, b=c\\.zh.amount","datapoints":[[-19.95,1795172399999]]},
{"target":"a, b=c\\.zh.duration","datapoints":[[120.25,1795172399999]]},
{"target":"zh.amount","datapoints":[[3,1795172399999]]}]
"#,
        ),
        (
            "prometheus",
            r#"# HELP daybook_checkout_amount The newest amount of checkout
# TYPE daybook_checkout_amount gauge
daybook_checkout_amount{method="a, b=c\\",shop="zh",ok="true"} -19.95 1795172399999
daybook_checkout_amount{shop="zh"} 3 1795172399999
# HELP daybook_checkout_duration_seconds The newest duration of checkout
# TYPE daybook_checkout_duration_seconds gauge
daybook_checkout_duration_seconds{method="a, b=c\\",shop="zh",ok="true"} 0.12025 1795172399999
"#,
        ),
    ] {
        let written = text(&mut store, &["checkout"], &[("format", format)]).await;
        assert_eq!(written, expected, "{format}");
    }
}

#[tokio::test]
async fn the_agents_readers_find_their_own_document_and_names() {
    let mut store = agents().await;
    let all = ["task", "agent", "swarm"];
    let document = text(&mut store, &all, &[("format", "json"), ("last", "24h")]).await;
    let document: Json = serde_json::from_str(&document).unwrap();
    let task = |number: u32, agent: &str, second: i64, at: &str| json!({ "task_id": format!("task_00{number}"), "agent_id": agent, "timestamp": second, "timestamp_dt": at });
    let mut tasks = [
        task(1, "agent_001", 1_795_171_200, "2026-11-20T10:40:00Z"),
        task(2, "agent_001", 1_795_171_260, "2026-11-20T10:41:00.500Z"),
        task(3, "agent_\"2\\", 1_795_171_320, "2026-11-20T10:42:00Z"),
    ];
    for (task, [duration, tokens, success]) in
        tasks
            .iter_mut()
            .zip([[1500, 500, 1], [2500, 700, 0], [800, 0, 1]])
    {
        task["duration_ms"] = json!(duration);
        task["tokens_used"] = json!(tokens);
        task["success"] = json!(success);
        task["metadata"] = json!({});
    }
    tasks[0]["metadata"] = json!({ "model": "m" });
    assert_eq!(document["task_metrics"], json!(tasks));
    assert_eq!(
        document["agent_metrics"][0],
        json!({ "agent_id": "agent_001", "timestamp": 1_795_171_200, "metric_type": "throughput", "value": 10.5,
            "metadata": {}, "timestamp_dt": "2026-11-20T10:40:00Z" })
    );
    assert_eq!(document["agent_metrics"].as_array().unwrap().len(), 2);
    assert_eq!(document["swarm_metrics"][0]["swarm_id"], "swarm_001");
    assert_eq!(
        document["summary"],
        json!({ "total_tasks": 3, "successful_tasks": 2, "success_rate": 2.0 / 3.0, "avg_duration_ms": 1600.0,
            "p95_duration_ms": 2500.0, "p99_duration_ms": 2500.0, "avg_tokens_per_task": 400.0,
            "total_tokens_used": 1200, "unique_agents": 2 })
    );
    assert_eq!(
        document["nested"],
        json!({
            "agents": {
                "agent_001": {
                    "tasks": { "count": 2, "successful": 1, "avg_duration_ms": 2000.0, "tokens_used": 1200 },
                    "metrics": { "throughput": 11.0 },
                },
                "agent_\"2\\": {
                    "tasks": { "count": 1, "successful": 1, "avg_duration_ms": 800.0, "tokens_used": 0 },
                    "metrics": {},
                },
            },
            "swarms": { "swarm_001": { "metrics": { "health": 0.95 } } },
        })
    );
    assert_eq!(
        document["export_info"],
        json!({ "format": "json", "exported_at": "2026-11-20T11:00:00Z",
            "time_range": { "start": "2026-11-19T11:00:00Z", "end": "2026-11-20T11:05:00Z" },
            "record_counts": { "task_metrics": 3, "agent_metrics": 2, "swarm_metrics": 1 }, "complete": true })
    );
    let bare = text(
        &mut store,
        &all,
        &[("format", "json"), ("details", "false")],
    )
    .await;
    assert!(
        !bare.contains("metadata") && !bare.contains("\"model\""),
        "{bare}"
    );
    let series = text(
        &mut store,
        &all,
        &[("format", "prometheus"), ("prefix", "moai")],
    )
    .await;
    assert_eq!(
        series,
        r#"# HELP moai_agent_metric The newest value of agent
# TYPE moai_agent_metric gauge
moai_agent_metric{agent_id="agent_001",metric_type="throughput"} 11 1795171800000
# HELP moai_swarm_metric The newest value of swarm
# TYPE moai_swarm_metric gauge
moai_swarm_metric{metric_type="health",swarm_id="swarm_001"} 0.95 1795171200000
# HELP moai_task_duration_ms The newest duration of task
# TYPE moai_task_duration_ms gauge
moai_task_duration_ms{agent_id="agent_001",success="0"} 2500 1795171260500
moai_task_duration_ms{agent_id="agent_001",success="1"} 1500 1795171200000
moai_task_duration_ms{agent_id="agent_\"2\\",success="1"} 800 1795171320000
# HELP moai_task_tokens_used The newest tokens_used of task
# TYPE moai_task_tokens_used gauge
moai_task_tokens_used{agent_id="agent_001",success="0"} 700 1795171260500
moai_task_tokens_used{agent_id="agent_001",success="1"} 500 1795171200000
moai_task_tokens_used{agent_id="agent_\"2\\",success="1"} 0 1795171320000
"#
    );
    let grafana = text(&mut store, &["task"], &[("format", "grafana")]).await;
    let grafana: Json = serde_json::from_str(&grafana).unwrap();
    assert_eq!(
        grafana[3],
        json!({ "target": "agent_001.tokens_used", "datapoints": [[500, 1_795_171_200_000_i64], [700, 1_795_171_260_500_i64]] })
    );
    let table = text(&mut store, &["agent", "task"], &[("format", "csv")]).await;
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("at,kind,agent_id,metric_type,task_id,duration,tokens_used,value,ok,details")
    );
    assert_eq!(
        lines.next(),
        Some("2026-11-20T10:40:00Z,agent,agent_001,throughput,,,,10.5,,")
    );
    assert_eq!(
        lines.nth(1),
        Some(
            "2026-11-20T10:40:00Z,task,agent_001,,task_001,1500,500,,true,\"{\"\"model\"\":\"\"m\"\"}\""
        )
    );
}

#[tokio::test]
async fn an_empty_export_is_whole_and_says_what_it_would_hold() {
    let mut store = Store::in_memory().await.unwrap();
    let all = ["task", "agent", "swarm"];
    for (format, expected) in [("jsonl", ""), ("influx", ""), ("grafana", "[]\n")] {
        let written = text(&mut store, &all, &[("format", format)]).await;
        assert_eq!(written, expected, "{format}");
    }
    let document = text(&mut store, &all, &[("format", "json")]).await;
    let document: Json = serde_json::from_str(&document).unwrap();
    assert_eq!(document["task_metrics"], json!([]));
    assert_eq!(document["summary"]["total_tasks"], 0);
    assert_eq!(document["summary"]["p95_duration_ms"], 0.0);
    let series = text(
        &mut store,
        &all,
        &[("format", "prometheus"), ("prefix", "moai")],
    )
    .await;
    for name in [
        "task_duration_ms",
        "task_tokens_used",
        "agent_metric",
        "swarm_metric",
    ] {
        assert!(
            series.contains(&format!("# TYPE moai_{name} gauge\n")),
            "{series}"
        );
    }
    let table = text(&mut store, &["task"], &[("format", "csv")]).await;
    assert_eq!(
        table,
        "at,agent_id,task_id,duration,tokens_used,ok,details\r\n"
    );
    // Nothing lies in the last zero hours.
    let mut store = agents().await;
    for last in ["0h", "0"] {
        let written = text(&mut store, &all, &[("format", "jsonl"), ("last", last)]).await;
        assert_eq!(written, "");
    }
    let all_time = text(&mut store, &all, &[("format", "jsonl"), ("last", "1000h")]).await;
    assert_eq!(all_time.lines().count(), 6);
}

#[tokio::test]
async fn only_what_is_asked_for_is_exported() {
    let mut store = agents().await;
    for (pairs, expected) in [
        (&[("label.agent_id", "agent_001")][..], vec![1, 2]),
        (&[("ok", "true")], vec![1, 3]),
        (&[("ok", "true"), ("label.agent_id", "agent_001")], vec![1]),
        (&[("label.task_id", "task_003")], vec![3]),
        (&[("from", "2026-11-20T10:41:00.5Z")], vec![2, 3]),
        (&[("to", "2026-11-20T10:41:00.5Z")], vec![1]),
        (&[("label.agent_id", "agent_9")], vec![]),
    ] {
        let pairs = [pairs, &[("format", "jsonl")]].concat();
        let written = text(&mut store, &["task"], &pairs).await;
        let ids = written.lines().map(|line| {
            let line: Json = serde_json::from_str(line).unwrap();
            line["labels"]["task_id"].as_str().unwrap().to_owned()
        });
        let expected = expected.iter().map(|number| format!("task_00{number}"));
        assert_eq!(
            ids.collect::<Vec<_>>(),
            expected.collect::<Vec<_>>(),
            "{pairs:?}"
        );
    }
}

/// Notes of 30 KB: few of them fill a slice.
const NOTE: &str = r#"
    shape = "event"
    labels = { desk = { most = 5 }, number = { find = true } }
    by = [["desk"]]
    details = { bytes = 65536 }
"#;

#[tokio::test]
async fn what_a_keeper_moves_during_an_export_is_exported_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let note = kind("note", NOTE);
    let kinds = Kinds::from([("note".to_owned(), note)]);
    let mut store = Store::open(&path, Durable::Memory).await.unwrap();
    let known = &mut Known::new(1000, false);
    let body = "x".repeat(30_000);
    let mut commit = async |store: &mut Store, numbers: std::ops::Range<i64>| {
        let mut batch = Batch::default();
        for number in numbers {
            // Every fifth comes a day late.
            let late = if number % 5 == 0 { 86_400 } else { 0 };
            let event = Event::new("note")
                .at(noon() - TimeDelta::seconds((800 - number) * 240 + late))
                .label("desk", format!("desk-{}", number % 4))
                .label("number", number.to_string())
                .details(json!({ "body": body }));
            batch.add(number as usize, &event, &kinds, noon());
        }
        store
            .commit(&mut [batch], &kinds, noon(), known)
            .await
            .unwrap();
    };
    for number in (0..780).step_by(20) {
        commit(&mut store, number..number + 20).await;
    }
    let rules = rules(&kinds, Tz::Europe__Zurich);
    let mut reading = Store::open_reading(&path).await.unwrap().unwrap();
    let (format, request) = request(&kinds, &["note"], &[("format", "jsonl")]);
    let mut export = Export::new(&mut reading, format, request).await.unwrap();
    let (mut written, mut pieces) = (Vec::new(), 0);
    while export.next(&mut reading, &mut written).await.unwrap() {
        match pieces {
            0 => commit(&mut store, 780..790).await,
            // All is sealed, then sorted as of a day that is over.
            count => {
                let now = noon() + TimeDelta::hours(count * 20);
                assert_eq!(keep::round(&mut store, &rules, now).await.unwrap(), 0);
            }
        }
        pieces += 1;
    }
    assert!(pieces > 3, "{pieces} pieces");
    let lines = String::from_utf8(written).unwrap();
    let points = lines.lines().map(|line| {
        let line: Json = serde_json::from_str(line).unwrap();
        let at = line["at"]
            .as_str()
            .unwrap()
            .parse::<DateTime<chrono::Utc>>();
        let number = line["labels"]["number"].as_str().unwrap().parse().unwrap();
        (at.unwrap(), number)
    });
    let points: Vec<(_, i64)> = points.collect();
    assert!(points.is_sorted_by_key(|(at, _)| *at));
    let numbers: BTreeSet<i64> = points.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers.len(), points.len(), "none twice");
    assert!(
        (0..780).all(|number| numbers.contains(&number)),
        "none lost"
    );
    // Sorted by desk, all chunks of a day reach over it.
    let (format, again) = self::request(&kinds, &["note"], &[("format", "jsonl")]);
    let mut export = Export::new(&mut reading, format, again).await.unwrap();
    let mut written = Vec::new();
    while export.next(&mut reading, &mut written).await.unwrap() {}
    let lines = String::from_utf8(written).unwrap();
    assert_eq!(lines.lines().count(), 790);
    let at = |line: &str| line[7..33].to_owned();
    assert!(lines.lines().map(at).is_sorted());
}

fn world() -> World {
    let settings =
        format!("[live]\npresets = [\"agents\"]\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

/// With some checkouts and tasks.
async fn recorded() -> World {
    let world = world();
    let path = world.path("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    let kinds = world.config().live.unwrap().kinds;
    let mut batch = Batch::default();
    for (line, event) in hostile().iter().enumerate() {
        batch.add(line, event, &kinds, noon());
    }
    for (line, text) in TASKS.trim().lines().enumerate() {
        let event = Event::from_json(text.as_bytes()).unwrap();
        batch.add(line, &event, &kinds, noon());
    }
    let known = &mut Known::new(1000, false);
    store
        .commit(&mut [batch], &kinds, noon(), known)
        .await
        .unwrap();
    store.close().await.unwrap();
    world
}

fn said(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

/// Whatever the machine's clock shows.
fn export(world: &World, words: &[&str]) -> Output {
    let has_time = words.iter().any(|word| ["--to", "--last"].contains(word));
    let to: &[&str] = if has_time {
        &[]
    } else {
        &["--to", "2026-11-21"]
    };
    world.binary(&[&["live", "export"], words, to].concat())
}

#[tokio::test]
async fn files_are_there_whole_in_folders_of_their_own() {
    let world = recorded().await;
    let plain = export(&world, &["checkout", "--format", "csv"]);
    assert!(plain.status.success(), "{plain:?}");
    let words = [
        "checkout",
        "--format",
        "csv",
        "--gzip",
        "--output",
        "new/deep/checkouts.csv.gz",
    ];
    let ended = export(&world, &words);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!((ended.stdout.len(), said(&ended).as_str()), (0, ""));
    let packed = fs::read(world.path("new/deep/checkouts.csv.gz")).unwrap();
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.stdout);
    let ended = export(
        &world,
        &[
            "checkout",
            "--format",
            "parquet",
            "--output",
            "new/checkout.parquet",
        ],
    );
    assert!(ended.status.success(), "{ended:?}");
    let noon = noon().timestamp_micros();
    let row = |at: i64, shop: &str| {
        BTreeMap::from([
            ("at".to_owned(), json!(at)),
            ("shop".to_owned(), json!(shop)),
        ])
    };
    let mut expected = [
        row(noon - 90_000_000, "be"),
        row(noon - 1, "zh"),
        row(noon - 1, "zh"),
    ];
    let cells = [
        [
            json!(null),
            json!(null),
            json!(null),
            json!(null),
            json!(false),
            json!(null),
        ],
        [
            json!("a, b=c\\"),
            json!("=HYPERLINK(\"x\")\n\u{9b}2J"),
            json!("-1995e-2"),
            json!(120.25),
            json!(true),
            json!("{\"note\":\"\u{202e}gift\"}"),
        ],
        [
            json!(null),
            json!("+1;2"),
            json!("300e-2"),
            json!(null),
            json!(null),
            json!(null),
        ],
    ];
    for (row, cells) in expected.iter_mut().zip(cells) {
        let names = ["method", "order", "amount", "duration", "ok", "details"];
        row.extend(names.map(str::to_owned).into_iter().zip(cells));
    }
    assert_eq!(rows(&world.path("new/checkout.parquet")), expected);
}

#[tokio::test]
async fn a_database_has_a_typed_table_a_kind() {
    let world = recorded().await;
    let words = [
        "checkout",
        "task",
        "swarm",
        "--format",
        "sqlite",
        "--output",
        "out/events.db",
    ];
    let ended = export(&world, &words);
    assert!(ended.status.success(), "{ended:?}");
    let path = world.path("out/events.db");
    let mut database = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    let made: Vec<String> = sqlx::query_scalar("SELECT sql FROM sqlite_master")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(
        made,
        [
            r#"CREATE TABLE "checkout" ("at" INTEGER NOT NULL, "method" TEXT, "order" TEXT, "shop" TEXT, "amount" REAL, "duration" REAL, "ok" INTEGER, "details" TEXT)"#,
            r#"CREATE TABLE "task" ("at" INTEGER NOT NULL, "agent_id" TEXT, "task_id" TEXT, "duration" INTEGER, "tokens_used" INTEGER, "ok" INTEGER, "details" TEXT)"#,
            r#"CREATE TABLE "swarm" ("at" INTEGER NOT NULL, "metric_type" TEXT, "swarm_id" TEXT, "value" REAL, "ok" INTEGER, "details" TEXT)"#,
        ]
    );
    let row = sqlx::query("SELECT * FROM checkout WHERE ok = 1")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>("at"), noon().timestamp_micros() - 1);
    assert_eq!(row.get::<&str, _>("order"), "=HYPERLINK(\"x\")\n\u{9b}2J");
    assert_eq!(
        (row.get::<f64, _>("amount"), row.get::<f64, _>("duration")),
        (-19.95, 120.25)
    );
    let row = sqlx::query("SELECT * FROM checkout WHERE ok IS NULL")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(row.get::<Option<f64>, _>("duration"), None);
    assert_eq!(row.get::<Option<&str>, _>("details"), None);
    let sums = "SELECT count(*), sum(duration), sum(ok), typeof(duration) FROM task";
    let sums: (i64, i64, i64, String) =
        sqlx::query_as(sums).fetch_one(&mut database).await.unwrap();
    assert_eq!(sums, (3, 4800, 2, "integer".to_owned()));
    database.close().await.unwrap();
    let folder = fs::read_dir(world.path("out")).unwrap();
    assert_eq!(folder.count(), 1, "nothing is left beside it");
    // Once more over the file that is there.
    assert!(export(&world, &words).status.success());
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_with_what_can() {
    let world = recorded().await;
    for (words, message) in [
        (
            &["checkout", "--format", "xml"][..],
            "[possible values: json, jsonl, csv, prometheus, influx, grafana, parquet, sqlite]",
        ),
        (&["checkout"], "--format <FORMAT>"),
        (&["--format", "csv"], "<KIND>..."),
        (
            &["chekout", "--format", "csv"],
            "no kind `chekout`; did you mean `checkout`?",
        ),
        (
            &["checkout", "checkout", "--format", "csv"],
            "`checkout` is named twice",
        ),
        (
            &["checkout", "--format", "sqlite"],
            "--format sqlite: name a file with --output",
        ),
        (
            &["checkout", "--format", "parquet", "--output", "-"],
            "--format parquet: name a file with --output",
        ),
        (
            &["checkout", "task", "--format", "parquet", "--output", "x"],
            "a Parquet file holds one kind",
        ),
        (
            &["checkout", "--format", "sqlite", "--gzip", "--output", "x"],
            "--gzip: a database file is not packed",
        ),
        (
            &["checkout", "--format", "csv", "--label", "shop"],
            "--label shop: expected NAME=VALUE",
        ),
        (
            &["checkout", "--format", "csv", "--label", "shopp=zh"],
            "did you mean `shop`?",
        ),
        (
            &["checkout", "--format", "csv", "--last", "soon"],
            "--last: `soon` is not a duration",
        ),
        (
            &[
                "checkout", "--format", "csv", "--last", "1h", "--from", "2h",
            ],
            "--last: not together with `from` or `to`",
        ),
        (
            &["agent", "--format", "csv", "--ok", "true"],
            "--ok: only spans succeed or fail",
        ),
        (
            &["agent", "--format", "prometheus", "--prefix", "node"],
            "[possible values: daybook, moai]",
        ),
    ] {
        let ended = export(&world, words);
        assert_eq!(ended.status.code(), Some(2), "{words:?}: {ended:?}");
        assert!(
            said(&ended).contains(message),
            "{words:?}: {}",
            said(&ended)
        );
        assert_eq!(ended.stdout, b"");
    }
    // Some of a chunk.
    let to = "2026-11-20T10:59:00Z";
    let ended = export(&world, &["checkout", "--format", "jsonl", "--to", to]);
    assert_eq!(
        ended.stdout.split(|byte| *byte == b'\n').count(),
        2,
        "{ended:?}"
    );
    let ended = export(
        &world,
        &["checkout", "--format", "jsonl", "--to", "2026-11-01"],
    );
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(said(&ended), "no events: the export is empty\n");
    assert!(!world.path("x").exists());
}

#[tokio::test]
async fn what_cannot_be_read_or_is_not_kept_any_more_is_said() {
    let world = recorded().await;
    let path = world.path("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    let kinds = world.config().live.unwrap().kinds;
    let rules = rules(&kinds, Tz::Europe__Zurich);
    let later = noon() + TimeDelta::days(9);
    keep::prune_all(&mut store, &rules, later, false)
        .await
        .unwrap();
    store.close().await.unwrap();
    let ended = export(&world, &["task", "swarm", "--format", "json"]);
    assert!(ended.status.success(), "{ended:?}");
    let (from, to) = ("2026-11-20T10:40:00Z", "2026-11-20T10:42:00.000001Z");
    let gone = format!("events of `task` from {from} to {to} are not kept any more\n");
    assert!(said(&ended).starts_with(&gone), "{}", said(&ended));
    let info = serde_json::from_slice::<Json>(&ended.stdout).unwrap()["export_info"].clone();
    assert_eq!(info["complete"], false);
    assert_eq!(
        info["missing"][0],
        json!({ "kind": "task", "from": from, "to": to })
    );

    let world = recorded().await;
    let app = App::Sqlite(world.path("live.db"));
    app.execute(
        "UPDATE chunks SET data = x'00' WHERE kind = (SELECT id FROM kinds WHERE name = 'task')",
    )
    .await;
    let ended = export(
        &world,
        &["task", "swarm", "--format", "json", "--output", "some.json"],
    );
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let document: Json =
        serde_json::from_slice(&fs::read(world.path("some.json")).unwrap()).unwrap();
    let broken = document["export_info"]["broken"][0].as_str().unwrap();
    assert_eq!(said(&ended), format!("{broken}\n"));
    assert!(
        broken.contains("is corrupt: it begins otherwise; its events are missing"),
        "{broken}"
    );
    assert_eq!(document["export_info"]["complete"], false);
    assert_eq!(
        document["export_info"]["record_counts"],
        json!({ "task_metrics": 0, "swarm_metrics": 1 })
    );
}
