//! Whose a host is, and what becomes of one that is deleted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::live::Durable;
use daybook::live::keep;
use daybook::live::store::Store;
use daybook::web::Limits;
use serde_json::json;

use super::super::{Intake, JSON, json as parsed, noon, shop};
use super::{TOKENS, beat, beat_for, cpu, error, guarded, hosts, with_token};

#[tokio::test]
async fn a_token_writes_and_reads_the_hosts_of_its_organisation_only() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let [agent, looker, umbrella, gateway] = [
        "acme's agents",
        "acme's dashboard",
        "umbrella's chief",
        "the gateway",
    ]
    .map(|name| with_token(&intake, name));
    let first = "/api/agent/heartbeat";
    // The host is of the token's organisation, which need not be named.
    let answer = agent.post(first, JSON, beat("web-1", 1.0)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        beat_for(&agent, "acme", &beat("web-1", 2.0)).await.status,
        200
    );
    let denied = (403, "Access denied".to_owned());
    // Neither its own word nor a mistake in the body counts for more.
    assert_eq!(error(&beat_for(&agent, "umbrella", "{").await), denied);
    let go = json!({"organizationSlug": "umbrella"}).to_string();
    let answer = agent.post("/api/v2/heartbeat", JSON, go).await;
    assert_eq!(error(&answer), denied);
    for body in [beat("web-1", 99.0), json!({"hostId": "web-1"}).to_string()] {
        let answer = umbrella.post(first, JSON, body).await;
        assert_eq!(error(&answer), denied);
        assert_eq!(error(&umbrella.get("/api/hosts/web-1").await), denied);
    }
    for address in [
        "/api/hosts?orgId=umbrella",
        "/api/dashboard?orgId=umbrella",
        "/api/hosts/web-1?orgId=umbrella",
        "/api/hosts/none/metrics/range?orgId=umbrella",
        "/api/hosts/none/metrics/recent?orgId=umbrella",
    ] {
        assert_eq!(error(&looker.get(address).await), denied, "{address}");
    }
    assert_eq!(cpu(&looker.get("/api/dashboard").await), [2]);
    assert_eq!(cpu(&umbrella.get("/api/dashboard").await), [0; 0]);
    // A token without an organisation speaks for the one that is named, and must name it.
    assert_eq!(cpu(&gateway.get("/api/dashboard?orgId=acme").await), [2]);
    let nameless = gateway.post(first, JSON, beat("web-1", 3.0)).await;
    assert_eq!(nameless.status, 400);
    let answer = beat_for(&gateway, "umbrella", &beat("web-1", 3.0)).await;
    assert_eq!(error(&answer), denied);
    assert_eq!(
        beat_for(&gateway, "acme", &beat("web-1", 3.0)).await.status,
        200
    );
    // 401 and 403 come before anything that may be wrong with the request.
    assert_eq!(intake.get("/api/hosts/none").await.status, 401);
    assert_eq!(intake.post(first, "{").await.status, 401);
    assert_eq!(looker.post(first, JSON, "{").await.status, 403);
    assert_eq!(agent.get("/api/hosts/none").await.status, 403);
    for browser in [&agent, &looker] {
        let answer = browser.ask("DELETE", "/api/hosts/web-1/metrics").await;
        assert_eq!(answer.status, 403);
    }
    let answer = umbrella.ask("DELETE", "/api/hosts/web-1/metrics").await;
    assert_eq!(error(&answer), denied);
    assert_eq!(intake.end().await.points("host").await.len(), 3);
}

#[tokio::test]
async fn samples_that_others_call_by_the_same_name_stay_theirs() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let [acme, umbrella] =
        ["acme's chief", "umbrella's chief"].map(|name| with_token(&intake, name));
    acme.post("/api/agent/heartbeat", JSON, beat("web-1", 1.0))
        .await;
    let event = json!({"kind": "host", "labels": {"host": "web-1"}, "values": {"cpu": 99}});
    let answer = umbrella.post("/api/events", JSON, event.to_string()).await;
    assert_eq!(answer.status, 200);
    let recent = "/api/hosts/web-1/metrics/recent";
    assert_eq!(cpu(&acme.get(recent).await), [1]);
    let deleted = acme.ask("DELETE", "/api/hosts/web-1/metrics").await;
    assert_eq!(parsed(&deleted)["points"], 1);
    let points = intake.end().await.points("host").await;
    assert_eq!(
        (points.len(), &points[0]["labels"]["organisation"]),
        (1, &json!("umbrella"))
    );
}

#[tokio::test]
async fn of_two_organisations_that_begin_at_once_one_has_the_host() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    for round in 0..20 {
        let host = format!("web-{round}");
        let [acme, umbrella] =
            ["acme's chief", "umbrella's chief"].map(|name| with_token(&intake, name));
        let body = beat(&host, 1.0);
        let (one, other) = tokio::join!(
            acme.post("/api/agent/heartbeat", JSON, &body),
            umbrella.post("/api/agent/heartbeat", JSON, &body)
        );
        let statuses = BTreeSet::from([one.status, other.status]);
        assert_eq!(statuses, BTreeSet::from([200, 403]), "{one:?} {other:?}");
    }
    assert_eq!(intake.end().await.points("host").await.len(), 20);
}

#[tokio::test]
async fn a_host_that_is_deleted_is_gone_with_its_rollups_and_may_begin_anew() {
    static HOURS: AtomicI64 = AtomicI64::new(0);
    fn clock() -> DateTime<Utc> {
        noon() + TimeDelta::hours(HOURS.load(Ordering::Relaxed))
    }
    let world = hosts();
    let config = world.config();
    let rules = keep::Rules::of(config.live.as_ref().unwrap(), config.time_zone);
    let intake = Intake::with(config, Limits::default(), clock).await;
    for host in ["web-1", "web-2"] {
        for cpu in [1.0, 2.0] {
            beat_for(&intake.browser(), "acme", &beat(host, cpu)).await;
        }
    }
    HOURS.store(3, Ordering::Relaxed);
    let mut store = Store::open(&intake.live.database, Durable::Commit)
        .await
        .unwrap();
    keep::round(&mut store, &rules, clock()).await.unwrap();
    let delete = async |host: &str| {
        let address = format!("/api/hosts/{host}/metrics?orgId=acme");
        intake.browser().ask("DELETE", &address).await
    };
    let unknown = delete("web-3").await;
    assert_eq!(error(&unknown), (404, "Host not found".to_owned()));
    let gone = delete("web-1").await;
    assert_eq!(gone.status, 200, "{gone:?}");
    let gone = parsed(&gone);
    // An hour, a day and a month.
    assert_eq!(
        (&gone["success"], &gone["points"], &gone["rollups"]),
        (&json!(true), &json!(2), &json!(3))
    );
    assert_eq!(delete("web-1").await.status, 404);
    assert_eq!(
        parsed(&intake.get("/api/hosts?orgId=acme").await)["count"],
        1
    );
    assert_eq!(cpu(&intake.get("/api/dashboard?orgId=acme").await), [2]);
    let other = beat_for(&intake.browser(), "umbrella", &beat("web-1", 7.0)).await;
    assert_eq!(other.status, 200);
    assert_eq!(cpu(&intake.get("/api/dashboard?orgId=umbrella").await), [7]);
    store.close().await.unwrap();
    intake.end().await;
}

#[tokio::test]
async fn what_was_forgotten_elsewhere_is_listed_no_longer() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    for host in ["web-1", "web-2"] {
        beat_for(&intake.browser(), "acme", &beat(host, 1.0)).await;
    }
    let listed = async || parsed(&intake.get("/api/hosts?orgId=acme").await)["count"].clone();
    assert_eq!(listed().await, 2);
    let ended = world.binary(&["live", "forget", "host", "--label", "host=web-1"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(listed().await, 1);
    // Heard of again, it is listed again, also by a server that begins later.
    beat_for(&intake.browser(), "acme", &beat("web-1", 2.0)).await;
    assert_eq!(listed().await, 2);
    intake.end().await;
    let intake = Intake::of(&world).await;
    let shown = intake.get("/api/hosts/web-1?orgId=acme").await;
    assert_eq!(parsed(&shown)["metrics"].as_array().unwrap().len(), 1);
    intake.end().await;
}

#[tokio::test]
async fn one_host_too_many_is_refused_and_not_mixed_with_others() {
    let kind = r#"
        [live.kinds.host]
        shape = "sample"
        labels = { host = { most = 2, required = true }, organisation = {} }
        values = { cpu = { min = 0, decimals = 1 }, cores = {}, load1 = {}, load5 = {}, load15 = {}, memory = {}, memory_total = {},
            memory_used = {}, memory_free = {}, disk = {}, disk_total = {}, disk_used = {}, disk_free = {}, bytes_in = {}, bytes_out = {},
            packets_in = {}, packets_out = {} }
        by = [["host"]]
        cluster = "host"
        "#;
    let world = shop(kind);
    let intake = Intake::of(&world).await;
    for (host, status) in [("a", 200), ("b", 200), ("c", 400), ("a", 200)] {
        let answer = beat_for(&intake.browser(), "acme", &beat(host, 41.26)).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 400 {
            let said = parsed(&answer);
            assert_eq!(
                said["error"],
                "there are 2 hosts already: give the label `host` a larger `most`, or delete hosts"
            );
        }
    }
    // A kind without room for details keeps none; numbers without decimals stay as they came.
    let shown = parsed(&intake.get("/api/hosts/a?orgId=acme").await);
    assert_eq!(shown["currentMetrics"]["disk"]["usagePercent"], 80.04);
    assert_eq!(shown["currentMetrics"]["cpu"]["usage"], 41.3);
    assert_eq!(intake.end().await.points("host").await.len(), 3);
}
