//! The routes of a host monitor: what its agents send and its dashboards read.

mod reading;
mod tenancy;

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::live::Durable;
use daybook::live::question::Context;
use daybook::live::store::Store;
use daybook::live::watch::round;
use daybook::threshold::Severity;
use daybook::web::Limits;
use serde_json::{Value as Json, json};

use super::described::promised;
use super::{Intake, JSON, LINES, json as parsed, noon, shop};
use crate::browsing::{Answer, Browser};
use crate::world::World;

const TOKENS: &str = r#"
presets = ["hosts"]
[live.tokens.agent]
token = "the token of acme's agents"
organisation = "acme"
[live.tokens.looker]
token = "the token of acme's dashboard"
may = "read"
organisation = "acme"
[live.tokens.acme]
token = "the token of acme's chief"
may = "admin"
organisation = "acme"
[live.tokens.umbrella]
token = "the token of umbrella's chief"
may = "admin"
organisation = "umbrella"
[live.tokens.gateway]
token = "the token of the gateway"
may = "admin"
"#;

/// Noon in milliseconds.
const NOON: i64 = 1_795_172_400_000;

fn hosts() -> World {
    shop("presets = [\"hosts\"]")
}

fn with_token(intake: &Intake, name: &str) -> Browser {
    let header = format!("Bearer the token of {name}");
    intake.browser().saying("Authorization", &header)
}

async fn guarded(world: &World) -> Intake {
    Intake::with(world.config(), crate::serving::hurried(), noon).await
}

/// The metrics of a heartbeat in the form of samples.
fn metrics(cpu: f64) -> Json {
    json!({
        "cpu": {"usage": cpu, "cores": 8, "loadAvg": [0.5, 1.25, 2]},
        "memory": {"total": 16_000_000_000_i64, "used": 4_000_000_000_i64, "free": 12_000_000_000_i64, "usagePercent": 25},
        "disk": {"total": 500, "used": 400, "free": 100, "usagePercent": 80.04},
        "network": {"bytesIn": 1, "bytesOut": 2, "packetsIn": 3, "packetsOut": 4},
    })
}

/// What that becomes at noon.
fn sample(host: &str, cpu: &str) -> String {
    format!(
        concat!(
            r#"{{"hostId":"{}","timestamp":1795172400000,"cpu":{{"usage":{},"cores":8,"loadAvg":[0.5,1.25,2]}},"#,
            r#""memory":{{"total":16000000000,"used":4000000000,"free":12000000000,"usagePercent":25}},"#,
            r#""disk":{{"total":500,"used":400,"free":100,"usagePercent":80}},"#,
            r#""network":{{"bytesIn":1,"bytesOut":2,"packetsIn":3,"packetsOut":4}}}}"#
        ),
        host, cpu
    )
}

fn beat(host: &str, cpu: f64) -> String {
    let info = json!({"hostname": host, "os": "linux"});
    json!({"hostId": host, "agentVersion": "1.4.0", "agentStatus": "running", "metrics": metrics(cpu), "hostInfo": info})
        .to_string()
}

async fn beat_for(browser: &Browser, organisation: &str, body: &str) -> Answer {
    let browser = browser.clone().saying("X-Organization-Id", organisation);
    browser.post("/api/agent/heartbeat", JSON, body).await
}

/// Samples of web-1 of acme, one a second up to noon; the cpu of the last one is `count` - 1.
async fn series(intake: &Intake, count: i64) {
    let event = |number: i64| {
        json!({
            "kind": "host", "at": noon() - TimeDelta::seconds(count - 1 - number),
            "labels": {"host": "web-1", "organisation": "acme"}, "values": {"cpu": number},
        })
    };
    let lines: Vec<String> = (0..count).map(|number| event(number).to_string()).collect();
    let browser = intake.browser();
    let answer = browser.post("/api/events", LINES, lines.join("\n")).await;
    assert_eq!(parsed(&answer)["accepted"], count, "{answer:?}");
}

fn error(answer: &Answer) -> (u16, String) {
    let text = parsed(answer)["error"].as_str().unwrap().to_owned();
    (answer.status, text)
}

fn cpu(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = parsed(answer);
    let metrics = answer["metrics"].as_array().unwrap();
    assert_eq!(answer["count"], metrics.len());
    let usage = |sample: &Json| sample["cpu"]["usage"].as_i64().unwrap();
    metrics.iter().map(usage).collect()
}

#[tokio::test]
async fn a_heartbeat_is_answered_once_it_is_kept_and_read_back_as_it_was_sent() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let answer = beat_for(&intake.browser(), "acme", &beat("web-1", 42.0)).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"success":true,"hostId":"web-1"}"#)
    );
    // At once, although no page has been asked for before.
    let recent = intake
        .get("/api/hosts/web-1/metrics/recent?orgId=acme")
        .await;
    let expected = format!(r#"{{"metrics":[{}],"count":1}}"#, sample("web-1", "42"));
    assert_eq!(recent.body, expected);
    let range = format!("/api/hosts/web-1/metrics/range?orgId=acme&startTime={NOON}");
    assert_eq!(intake.get(&range).await.body, expected);
    assert_eq!(intake.get("/api/dashboard?orgId=acme").await.body, expected);
    let shown = intake.get("/api/hosts/web-1?orgId=acme").await;
    let about = r#""id":"web-1","organizationId":"acme","agentVersion":"1.4.0","agentStatus":"running","hostname":"web-1","os":"linux","lastSeen":"2026-11-20T11:00:00Z""#;
    let sample = sample("web-1", "42");
    let expected =
        format!(r#"{{"host":{{{about}}},"metrics":[{sample}],"currentMetrics":{sample}}}"#);
    assert_eq!(shown.body, expected);
    let listed = intake.get("/api/hosts?orgId=acme").await;
    let expected = format!(r#"{{"hosts":[{{{about},"currentMetrics":{sample}}}],"count":1}}"#);
    assert_eq!(listed.body, expected);
    let points = intake.end().await.points("host").await;
    assert_eq!(
        points[0]["labels"],
        json!({"host": "web-1", "organisation": "acme"})
    );
}

#[tokio::test]
async fn a_go_agent_says_what_is_free_and_what_it_leaves_out_is_0_or_one_core() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let whole = json!({"organizationSlug": "acme", "hostId": "db-1", "heartbeat": {
        "hostname": "db-1.example", "agentVersion": "2.0", "agentStatus": "running",
        "network": {"primary_ip": "10.0.0.7", "primary_mac": "02:00:00:00:00:07", "interfaces": [{"bytesIn": 9}], "bytesIn": 9},
        "metrics": {"cpu": {"usage": 12.34, "cores": 4, "loadAvg1": 0.1, "loadAvg5": 0.2, "loadAvg15": 0.3},
            "memory": {"total": 8, "used": 2, "available": 6, "usagePercent": 25.55}, "disk": {"total": 10, "used": 9, "available": 1, "usagePercent": 90}},
    }});
    let bare = json!({"organizationSlug": "acme", "hostId": "db-2", "heartbeat": {}});
    for body in [whole, bare] {
        let answer = intake.post("/api/v2/heartbeat", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let answer = parsed(&intake.get("/api/dashboard?orgId=acme").await);
    let expected = json!([
        {"hostId": "db-1", "timestamp": NOON, "cpu": {"usage": 12.3, "cores": 4, "loadAvg": [0.1, 0.2, 0.3]},
            "memory": {"total": 8, "used": 2, "free": 6, "usagePercent": 25.6}, "disk": {"total": 10, "used": 9, "free": 1, "usagePercent": 90},
            "network": {"bytesIn": 0, "bytesOut": 0, "packetsIn": 0, "packetsOut": 0}},
        {"hostId": "db-2", "timestamp": NOON, "cpu": {"usage": 0, "cores": 1, "loadAvg": [0, 0, 0]},
            "memory": {"total": 0, "used": 0, "free": 0, "usagePercent": 0}, "disk": {"total": 0, "used": 0, "free": 0, "usagePercent": 0},
            "network": {"bytesIn": 0, "bytesOut": 0, "packetsIn": 0, "packetsOut": 0}},
    ]);
    assert_eq!(answer["metrics"], expected);
    let shown = parsed(&intake.get("/api/hosts/db-1?orgId=acme").await);
    assert_eq!(
        shown["host"],
        json!({"id": "db-1", "organizationId": "acme", "hostname": "db-1.example", "agentVersion": "2.0", "agentStatus": "running",
            "primaryIp": "10.0.0.7", "primaryMac": "02:00:00:00:00:07", "lastSeen": "2026-11-20T11:00:00Z"})
    );
    intake.end().await;
}

#[tokio::test]
async fn what_is_no_number_is_refused_by_its_name_and_harms_no_other_host() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let first = |path: &str, value: Json| {
        let mut body: Json = serde_json::from_str(&beat("bad", 1.0)).unwrap();
        *body.pointer_mut(path).unwrap() = value;
        ("/api/agent/heartbeat", body)
    };
    let go = |metrics: Json| {
        let body =
            json!({"organizationSlug": "acme", "hostId": "bad", "heartbeat": {"metrics": metrics}});
        ("/api/v2/heartbeat", body)
    };
    for ((address, body), field) in [
        (
            first("/metrics/cpu/usage", json!("high")),
            "metrics.cpu.usage",
        ),
        (
            first("/metrics/cpu/loadAvg/1", json!([])),
            "metrics.cpu.loadAvg[1]",
        ),
        (
            first("/metrics/cpu/loadAvg", json!([1, 2, 3, 4])),
            "metrics.cpu.loadAvg",
        ),
        (
            first("/metrics/memory/free", json!(-1)),
            "metrics.memory.free",
        ),
        (
            first("/metrics/disk/usagePercent", json!(true)),
            "metrics.disk.usagePercent",
        ),
        (
            first("/metrics/network/packetsOut", json!(1e30)),
            "metrics.network.packetsOut",
        ),
        (first("/metrics/network", json!(7)), "metrics.network"),
        (first("/metrics", json!(null)), "metrics"),
        (first("/metrics", json!("all")), "metrics"),
        (first("/hostId", json!("x".repeat(257))), "hostId"),
        (first("/hostId", json!("other")), "hostId"),
        (first("/hostId", json!([])), "hostId"),
        (first("/hostInfo", json!("linux")), "hostInfo"),
        (
            go(json!({"cpu": {"loadAvg5": "1"}})),
            "heartbeat.metrics.cpu.loadAvg5",
        ),
        (
            go(json!({"disk": {"available": "1"}})),
            "heartbeat.metrics.disk.available",
        ),
        (go(json!([])), "heartbeat.metrics"),
    ] {
        let browser = intake.browser().saying("X-Organization-Id", "acme");
        let answer = browser.post(address, JSON, body.to_string()).await;
        let said = parsed(&answer);
        assert_eq!(
            (answer.status, said["field"].as_str()),
            (400, Some(field)),
            "{said}"
        );
    }
    // Neither time nor host come from the metrics.
    let mut body: Json = serde_json::from_str(&beat("web-1", 5.0)).unwrap();
    body["metrics"]["timestamp"] = json!("not-a-number");
    body["metrics"]["hostId"] = json!("web-2");
    let answer = beat_for(&intake.browser(), "acme", &body.to_string()).await;
    assert_eq!(answer.status, 200);
    let all = intake.get("/api/dashboard?orgId=acme").await.body;
    assert_eq!(
        all,
        format!(r#"{{"metrics":[{}],"count":1}}"#, sample("web-1", "5"))
    );
    // What was refused has made no host of it.
    let bad = intake.get("/api/hosts/bad?orgId=acme").await;
    assert_eq!(error(&bad), (404, "Host not found".to_owned()));
    assert_eq!(intake.end().await.points("host").await.len(), 1);
}

#[tokio::test]
async fn heartbeats_without_what_they_need_are_refused_in_the_documented_order() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let first = "/api/agent/heartbeat";
    let go = "/api/v2/heartbeat";
    let (wrong, header) = ("{", "X-Organization-Id header required");
    assert_eq!(
        error(&intake.post(first, wrong).await),
        (400, header.to_owned())
    );
    assert_eq!(
        error(&intake.post(first, &beat("a", 1.0)).await),
        (400, header.to_owned())
    );
    let unknown = "Host not found and no hostInfo provided";
    for (body, expected) in [
        ("{}", "hostId is required"),
        (r#"{"hostId": ""}"#, "hostId is required"),
        (r#"{"hostId": "new"}"#, unknown),
        (r#"{"hostId": "new", "metrics": 1}"#, unknown),
        (r#"{"hostId": "new", "hostInfo": {}}"#, "missing"),
    ] {
        let answer = beat_for(&intake.browser(), "acme", body).await;
        assert_eq!(error(&answer), (400, expected.to_owned()), "{body}");
    }
    for (body, expected) in [
        ("{}", "organizationSlug is required"),
        (
            r#"{"organizationSlug": "", "hostId": "h"}"#,
            "organizationSlug is required",
        ),
        (r#"{"organizationSlug": "acme"}"#, "hostId is required"),
        (
            r#"{"organizationSlug": "acme", "hostId": "h"}"#,
            "expected an object",
        ),
        (r#"{"organizationSlug": 1.5}"#, "expected text"),
        (
            r#"{"organizationSlug": "other", "hostId": "h"}"#,
            "`other` stands for values that are too many",
        ),
    ] {
        let answer = intake.post(go, body).await;
        assert_eq!(error(&answer), (400, expected.to_owned()), "{body}");
    }
    // Its name makes a host known, and from then on it needs none.
    let named = json!({"hostInfo": {"hostname": "web-7"}, "metrics": metrics(1.0)}).to_string();
    let answer = beat_for(&intake.browser(), "acme", &named).await;
    assert_eq!(parsed(&answer)["hostId"], "web-7");
    let bare = json!({"hostId": "web-7", "metrics": metrics(2.0)}).to_string();
    let answer = beat_for(&intake.browser(), "acme", &bare).await;
    assert_eq!(answer.status, 200);
    let shown = parsed(&intake.get("/api/hosts/web-7?orgId=acme").await);
    assert_eq!(shown["host"]["hostname"], "web-7");
    assert_eq!(intake.end().await.points("host").await.len(), 2);
}

#[tokio::test]
async fn a_server_without_hosts_says_how_to_have_them() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let expected = "there is no kind `host` with its labels: add the preset `hosts` under [live]";
    for answer in [
        intake.get("/api/hosts").await,
        intake.get("/api/hosts/web-1/metrics/recent").await,
        intake.post("/api/agent/heartbeat", "{}").await,
        intake.post("/api/v2/heartbeat", "{}").await,
    ] {
        assert_eq!(error(&answer), (404, expected.to_owned()));
    }
    intake.end().await;
}

#[tokio::test]
async fn what_is_told_of_a_host_is_plain_and_small() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let body = json!({
        "hostId": "web-1", "agentPid": 4711, "agentStatus": "running", "metrics": metrics(1.0),
        "hostInfo": {"hostname": "web-1", "id": "mine", "tags": ["a"], "long": "x".repeat(1000), "cloud": true},
    });
    beat_for(&intake.browser(), "acme", &body.to_string()).await;
    let told = json!({"id": "web-1", "organizationId": "acme", "agentStatus": "running", "agentPid": 4711, "hostname": "web-1", "cloud": true,
        "lastSeen": "2026-11-20T11:00:00Z"});
    let shown = parsed(&intake.get("/api/hosts/web-1?orgId=acme").await);
    assert_eq!(shown["host"], told);
    // What changes takes the place of what was known.
    let stopped = json!({"hostId": "web-1", "agentStatus": "stopping", "metrics": metrics(1.0)});
    beat_for(&intake.browser(), "acme", &stopped.to_string()).await;
    let shown = parsed(&intake.get("/api/hosts/web-1?orgId=acme").await);
    assert_eq!(
        (&shown["host"]["agentStatus"], &shown["host"]["hostname"]),
        (&json!("stopping"), &json!("web-1"))
    );
    intake.end().await;
}

#[tokio::test]
async fn a_stopping_server_takes_no_heartbeats() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    intake.told.cancel();
    let answer = beat_for(&intake.browser(), "acme", &beat("web-1", 1.0)).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    intake.end().await;
}

#[tokio::test]
async fn every_answer_about_hosts_is_as_the_document_says() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let document = parsed(&intake.get("/api/openapi.json").await);
    let [acme, umbrella, agent] =
        ["acme's chief", "umbrella's chief", "acme's agents"].map(|name| with_token(&intake, name));
    let (first, go) = ("/api/agent/heartbeat", "/api/v2/heartbeat");
    let go_body = json!({"hostId": "db-1", "heartbeat": {"hostname": "db-1"}}).to_string();
    for (browser, path, body, status) in [
        (&acme, first, beat("web-1", 1.0), 200),
        (&acme, first, "{}".to_owned(), 400),
        (&umbrella, first, beat("web-1", 1.0), 403),
        (&acme, go, go_body.clone(), 200),
        (&acme, go, "{}".to_owned(), 400),
        (&umbrella, go, go_body, 403),
        (&intake.browser(), go, "{}".to_owned(), 401),
    ] {
        let answer = browser.post(path, JSON, body).await;
        assert_eq!(answer.status, status, "{path} {answer:?}");
        promised(&document, path, "post", &answer);
    }
    let one = "/api/hosts/{id}";
    let (range, recent) = (
        "/api/hosts/{id}/metrics/range",
        "/api/hosts/{id}/metrics/recent",
    );
    let count = "/api/hosts/{id}/metrics/count";
    for (path, parameters, status) in [
        ("/api/hosts", "", 200),
        ("/api/hosts", "?x=1", 400),
        ("/api/hosts", "?orgId=umbrella", 403),
        ("/api/dashboard", "", 200),
        ("/api/dashboard", "?orgId=umbrella", 403),
        (one, "", 200),
        (one, "?x=1", 400),
        (range, "", 400),
        (range, "?startTime=1795172400000", 200),
        (recent, "?count=x", 400),
        (recent, "?count=1", 200),
        (count, "", 200),
    ] {
        let address = path.replace("{id}", "web-1") + parameters;
        let answer = acme.get(&address).await;
        assert_eq!(answer.status, status, "{address} {answer:?}");
        promised(&document, path, "get", &answer);
        if path.contains("{id}") {
            let time = "?startTime=1795172400000";
            let parameters = if path == range { time } else { "" };
            for (browser, id, status) in [(&umbrella, "web-1", 403), (&acme, "none", 404)] {
                let answer = browser.get(&(path.replace("{id}", id) + parameters)).await;
                assert_eq!(answer.status, status, "{path} {id} {answer:?}");
                promised(&document, path, "get", &answer);
            }
        }
    }
    let path = "/api/hosts/{id}/metrics";
    for (browser, id, status) in [
        (&agent, "web-1", 403),
        (&acme, "none", 404),
        (&acme, "web-1", 200),
    ] {
        let answer = browser.ask("DELETE", &path.replace("{id}", id)).await;
        assert_eq!(answer.status, status);
        promised(&document, path, "delete", &answer);
    }
    intake.end().await;
}

#[tokio::test]
async fn heartbeats_raise_the_alerts_of_the_preset() {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> DateTime<Utc> {
        noon() + TimeDelta::seconds(SECONDS.load(Ordering::Relaxed))
    }
    let world = hosts();
    let intake = Intake::with(world.config(), Limits::default(), clock).await;
    for (host, cpu) in [("web-1", 96.0), ("web-2", 81.0), ("web-3", 79.0)] {
        for second in [0, 10, 20] {
            SECONDS.store(second, Ordering::Relaxed);
            beat_for(&intake.browser(), "acme", &beat(host, cpu)).await;
        }
    }
    let mut reader = Store::open_reading(&intake.live.database)
        .await
        .unwrap()
        .unwrap();
    let mut writer = Store::open(&intake.live.database, Durable::Commit)
        .await
        .unwrap();
    let context = Context {
        zone: chrono_tz::Tz::Europe__Zurich,
        now: clock() + TimeDelta::seconds(1),
    };
    let listening = DateTime::UNIX_EPOCH;
    let happened = round(&mut reader, &mut writer, &intake.live, context, listening)
        .await
        .unwrap();
    let raised: Vec<(&str, &str, Severity)> = happened
        .iter()
        .map(|one| (one.alert.as_str(), one.words[0].as_str(), one.severity))
        .collect();
    assert_eq!(
        raised,
        [
            ("host_cpu", "web-1", Severity::Critical),
            ("host_cpu", "web-2", Severity::Warning)
        ]
    );
    for store in [reader, writer] {
        store.close().await.unwrap();
    }
    intake.end().await;
}

#[tokio::test]
async fn the_documentation_s_example_answers_what_it_says() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    let text = include_str!("../../../docs/live.md");
    let section = text.split("## Host monitors\n").nth(1).unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with("```"));
    let commands = lines.filter_map(|line| line.strip_prefix("    "));
    let commands = commands.map(|line| line.replace("curl ", "curl -sS "));
    let commands = commands.collect::<Vec<String>>().join("\n");
    let commands = commands.replace("127.0.0.1:8321", &format!("127.0.0.1:{}", intake.port));
    let expected = section.split("```json\n").nth(1).unwrap();
    let expected = expected.split("```").next().unwrap();
    let commands = commands.replace("\ncurl", "\necho\ncurl");
    let run = move || {
        std::process::Command::new("sh")
            .args(["-ec", &commands])
            .output()
    };
    let ended = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(said, expected.trim_end(), "{:?}", ended.stderr);
    intake.end().await;
}
