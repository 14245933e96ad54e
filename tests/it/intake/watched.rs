//! The pages for monitoring and the doctor know how intake is doing.

use std::collections::BTreeMap;
use std::time::Duration;

use daybook::nightly::Which;

use super::{Intake, checkout, shop};
use crate::world::{World, date};

async fn collected(more: &str) -> World {
    let mut world = shop(&format!("{more}\n[app]\ndatabase_url = \"sqlite:app.db\""));
    world
        .sqlite("app.db")
        .await
        .execute("CREATE TABLE users (id INTEGER, joined TEXT)")
        .await;
    world.at("2026-11-20T11:00:00Z");
    world.night(Which::One(date("2026-11-19"))).await;
    world
}

#[tokio::test]
async fn the_series_count_what_came_in_and_what_waits() {
    let world = collected("[prometheus]\nprefix = \"shop\"").await;
    let intake = Intake::of(&world).await;
    assert_eq!(intake.get("/readyz").await.status, 200);
    intake
        .post("/api/events", &format!("[{},{{}}]", checkout(1)))
        .await;
    intake.post("/api/events", "nonsense").await;
    intake
        .browser()
        .post("/api/events", "text/plain", "x")
        .await;
    intake
        .post(
            "/api/spans",
            r#"{"kind": "checkout", "labels": {"shop": "zh"}}"#,
        )
        .await;
    let api = intake.api.clone();
    let watching = tokio::spawn(async move { api.watch().await });
    // The page is built at most once a second, and here the clock stands still.
    let is_seen = async || {
        intake
            .api
            .series("shop")
            .contains("shop_live_open_spans 1\n")
    };
    super::until(is_seen).await;
    let series = intake.get("/metrics").await.body;
    for line in [
        "# TYPE shop_live_events_accepted_total counter",
        "shop_live_events_accepted_total 1",
        "shop_live_events_rejected_total 2",
        "shop_live_requests_refused_total{reason=\"invalid\"} 1",
        "shop_live_requests_refused_total{reason=\"queue_full\"} 0",
        "shop_live_queue_points 0",
        "shop_live_queue_limit 100000",
        "shop_live_unsealed_points 1",
        "shop_live_oldest_unsealed_seconds 0",
    ] {
        assert!(
            series.lines().any(|known| known == line),
            "{line}: {series}"
        );
    }
    intake.told.cancel();
    assert_eq!(intake.get("/readyz").await.status, 503);
    watching.await.unwrap();
    intake.end().await;
}

#[tokio::test]
async fn the_server_records_how_it_is_and_tells_prometheus() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    intake
        .post("/api/sessions", r#"{"user_id": "7", "chat_id": "9"}"#)
        .await;
    let api = intake.api.clone();
    let watching = tokio::spawn(async move { api.watch().await });
    let latest = "/api/live/system/latest";
    super::until(async || intake.get(latest).await.body.contains("daybook_uptime")).await;
    let told = super::json(&intake.get(latest).await);
    let gauges: BTreeMap<&str, f64> = told["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            let name = point["labels"]["metric_type"].as_str().unwrap();
            (name, point["values"]["value"].as_f64().unwrap())
        })
        .collect();
    let names: Vec<&str> = gauges.keys().copied().collect();
    assert_eq!(
        names,
        [
            "daybook_active_sessions",
            "daybook_cpu_percent",
            "daybook_memory_bytes",
            "daybook_queue_length",
            "daybook_uptime_seconds"
        ]
    );
    assert_eq!(gauges["daybook_active_sessions"], 1.0);
    assert_eq!(gauges["daybook_queue_length"], 0.0);
    assert!(gauges["daybook_memory_bytes"] > 1e6, "{gauges:?}");
    let series = intake.api.series("daybook");
    let read = |name: &str| -> f64 {
        let line = series.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    assert!(read("process_resident_memory_bytes ") > 1e6);
    assert!(read("process_cpu_seconds_total ") > 0.0);
    intake.told.cancel();
    watching.await.unwrap();
    intake.end().await;
}

#[tokio::test]
async fn the_doctor_counts_open_spans() {
    let world = collected("").await;
    let intake = Intake::of(&world).await;
    let begin = r#"{"kind": "checkout", "labels": {"shop": "zh"}}"#;
    intake.post("/api/spans", begin).await;
    intake.post("/api/spans", begin).await;
    intake.end().await;
    let said = world.binary(&["doctor"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("2 spans are open"), "{said}");
}

#[tokio::test]
async fn pages_are_answered_while_batches_come() {
    let world = collected("").await;
    let intake = Intake::of(&world).await;
    let events: Vec<String> = (0..2000).map(checkout).collect();
    let batch = format!("[{}]", events.join(","));
    let sending = async {
        for _ in 0..10 {
            assert_eq!(intake.post("/api/events", &batch).await.status, 200);
        }
    };
    let looking = async {
        for _ in 0..10 {
            assert_eq!(intake.get("/sys/metrics").await.status, 200);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(sending, looking);
    assert_eq!(intake.end().await.points("checkout").await.len(), 20_000);
}
