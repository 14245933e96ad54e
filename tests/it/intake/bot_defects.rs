//! What the bot's metrics service got wrong, and its dashboard's levels.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::live::keep::{Rules, prune_all};
use daybook::live::store::Store;
use daybook::web::Limits;
use serde_json::{Value as Json, json};
use support::world::App;

use super::{Intake, LINES, json as parsed, noon, shop};
use crate::world::World;

fn bot() -> World {
    shop("presets = [\"bot\"]")
}

fn timed(session: usize, stage: &str, duration: u32, ok: bool) -> Json {
    json!({ "kind": "stage", "ok": ok, "values": { "duration": duration },
        "labels": { "stage": stage, "session_id": format!("s{session}") } })
}

fn corrected(values: Json) -> Json {
    json!({ "kind": "correction", "values": values,
        "labels": { "correction_type": "rejection", "admin_user_id": "7", "session_id": "s" } })
}

fn filtered(reason: &str) -> Json {
    json!({ "kind": "filter", "values": { "message_length": 60 }, "labels": { "reason": reason, "session_id": "s" } })
}

/// Sends events in one batch; all must be accepted.
async fn record(intake: &Intake, events: Vec<Json>) {
    let lines: Vec<String> = events.iter().map(Json::to_string).collect();
    let browser = intake.browser();
    let answer = browser.post("/api/events", LINES, lines.join("\n")).await;
    assert_eq!(parsed(&answer)["accepted"], events.len(), "{answer:?}");
}

async fn dashboard(intake: &Intake, hours: u32) -> Json {
    let answer = intake
        .get(&format!("/api/bot/dashboard?hours={hours}"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    parsed(&answer)
}

#[tokio::test]
async fn messages_rejected_for_an_unknown_reason_count_as_passed_nowhere() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let spam = json!({ "event_type": "message_filtered", "session_id": "s", "user_id": 1, "chat_id": 1,
        "filtering_reason": "spam", "message": "buy" });
    let lines = vec![spam.to_string(); 10].join("\n");
    let answer = intake
        .browser()
        .post("/api/events?format=bot", LINES, lines)
        .await;
    let reply = parsed(&answer);
    assert_eq!((answer.status, &reply["accepted"]), (400, &json!(0)));
    assert_eq!(reply["rejected"].as_array().unwrap().len(), 10);
    let summary = &dashboard(&intake, 24).await["filtering"]["summary"];
    assert_eq!(
        (&summary["total_passed"], &summary["pass_rate"]),
        (&json!(0), &Json::Null)
    );
    intake.end().await;
}

#[tokio::test]
async fn a_correction_without_a_time_hides_none_of_the_others() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let mut corrections: Vec<Json> = (1..=5)
        .map(|n| corrected(json!({ "processing_time_ms": n * 1000 })))
        .collect();
    corrections.push(corrected(json!({})));
    record(&intake, corrections).await;
    let dashboard = dashboard(&intake, 24).await;
    assert_eq!(dashboard["overview"]["total_corrections"], 6);
    let rejections = &dashboard["corrections"]["by_type"]["rejection"];
    assert_eq!(rejections["total_count"], 6);
    assert_eq!(rejections["avg_processing_time_ms"].as_f64(), Some(3000.0));
    intake.end().await;
}

#[tokio::test]
async fn the_dashboard_alerts_beyond_the_services_levels_and_not_at_them() {
    let requests = |corrections: usize| {
        let requests = (0..10).map(|request| timed(request, "query_received", 1, true));
        requests
            .chain((0..corrections).map(|_| corrected(json!({}))))
            .collect()
    };
    let succeeding = |ok: usize| {
        (0..20)
            .map(|n| timed(n, "final_response", 1, n < ok))
            .collect()
    };
    let filtering = |counts: &[(&str, usize)]| -> Vec<Json> {
        let all = counts
            .iter()
            .flat_map(|(reason, count)| vec![filtered(reason); *count]);
        all.collect()
    };
    let cases: [(Vec<Json>, &[&str]); 14] = [
        (vec![timed(1, "ai_processing", 10_000, true)], &[]),
        (
            vec![timed(1, "ai_processing", 10_001, true)],
            &["slow_processing"],
        ),
        (succeeding(19), &[]),
        (succeeding(18), &["low_success_rate"]),
        (requests(3), &[]),
        (requests(4), &["high_correction_rate"]),
        (filtering(&[("none", 5), ("relevance_check", 5)]), &[]),
        (
            filtering(&[("none", 49), ("relevance_check", 51)]),
            &["moderate_filtering_rejection_rate"],
        ),
        (
            filtering(&[("none", 3), ("relevance_check", 7)]),
            &["moderate_filtering_rejection_rate"],
        ),
        (
            filtering(&[("none", 29), ("relevance_check", 71)]),
            &["high_filtering_rejection_rate"],
        ),
        (filtering(&[("none", 20), ("length_check", 20)]), &[]),
        (
            filtering(&[("none", 21), ("length_check", 21)]),
            &["high_length_check_failures"],
        ),
        (filtering(&[("none", 15), ("work_validation", 15)]), &[]),
        (
            filtering(&[("none", 16), ("work_validation", 16)]),
            &["high_work_validation_failures"],
        ),
    ];
    for (number, (events, expected)) in cases.into_iter().enumerate() {
        let world = bot();
        let intake = Intake::of(&world).await;
        record(&intake, events).await;
        let alerts = dashboard(&intake, 24).await["performance_alerts"].clone();
        let types = alerts
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["type"].as_str().unwrap());
        assert_eq!(types.collect::<Vec<_>>(), expected, "case {number}");
        intake.end().await;
    }
}

/// A stage of three days ago and one of now, of which the older cannot be read.
async fn half_broken(world: &World) -> Intake {
    let intake = Intake::of(world).await;
    let mut old = timed(1, "query_received", 50, true);
    old["at"] = json!(noon() - TimeDelta::days(3));
    record(&intake, vec![old]).await;
    record(&intake, vec![timed(2, "query_received", 70, true)]).await;
    let app = App::Sqlite(world.path("live.db"));
    let day = (noon() - TimeDelta::days(1)).timestamp_micros();
    app.execute(&format!(
        "UPDATE chunks SET data = x'00' WHERE high < {day}"
    ))
    .await;
    intake
}

#[tokio::test]
async fn a_dashboard_that_lacks_what_cannot_be_read_says_so() {
    let world = bot();
    let intake = half_broken(&world).await;
    let lacking = dashboard(&intake, 100).await;
    assert_eq!(lacking["complete"], false);
    let broken = lacking["broken"].as_array().unwrap();
    assert!(
        broken.len() == 1
            && broken[0]
                .as_str()
                .unwrap()
                .contains("its events are missing"),
        "{broken:?}"
    );
    assert_eq!(lacking["overview"]["total_requests"], 1);
    intake.end().await;
}

#[tokio::test]
async fn a_dashboard_of_a_day_reads_nothing_older() {
    let world = bot();
    let intake = half_broken(&world).await;
    let day = dashboard(&intake, 24).await;
    assert_eq!((&day["complete"], day.get("broken")), (&json!(true), None));
    assert_eq!(day["overview"]["total_requests"], 1);
    intake.end().await;
}

#[tokio::test]
async fn the_page_of_what_happens_now_says_what_it_cannot_read() {
    let world = bot();
    let intake = Intake::of(&world).await;
    record(&intake, vec![timed(2, "query_received", 70, true)]).await;
    let app = App::Sqlite(world.path("live.db"));
    app.execute("UPDATE chunks SET data = x'00'").await;
    let page = intake.get("/sys/metrics/live").await.body;
    assert!(
        page.contains(">Incomplete</span>") && page.contains("its events are missing"),
        "{page}"
    );
    intake.end().await;
}

fn nine_days_later() -> DateTime<Utc> {
    noon() + TimeDelta::days(9)
}

#[tokio::test]
async fn a_dashboard_of_more_days_than_are_kept_says_what_is_gone() {
    let world = bot();
    let intake = Intake::of(&world).await;
    record(
        &intake,
        vec![
            timed(1, "query_received", 50, true),
            filtered("length_check"),
        ],
    )
    .await;
    let live = intake.end().await.live;
    let rules = Rules {
        kinds: live.kinds.clone(),
        zone: Tz::Europe__Zurich,
        archive: None,
        backlog: None,
    };
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    prune_all(&mut store, &rules, nine_days_later(), false)
        .await
        .unwrap();
    store.close().await.unwrap();
    let intake = Intake::with(world.config(), Limits::default(), nine_days_later).await;
    let recent = dashboard(&intake, 24).await;
    assert_eq!(
        (&recent["complete"], &recent["overview"]["total_requests"]),
        (&json!(true), &json!(0))
    );
    let all = dashboard(&intake, 300).await;
    assert_eq!(all["complete"], false);
    let kinds: Vec<&str> = all["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| gap["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"stage") && kinds.contains(&"filter"),
        "{all}"
    );
    intake.end().await;
}

#[tokio::test]
async fn system_metrics_are_numbers_and_are_read_again() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let system = |value: Json| json!({ "kind": "system", "labels": { "metric_type": "queue" }, "values": { "value": value } });
    record(&intake, vec![system(json!(2.5)), system(json!(4))]).await;
    let average = intake
        .get("/api/live/system/average?value=value&label.metric_type=queue")
        .await;
    assert_eq!(parsed(&average)["value"].as_f64(), Some(3.25));
    for wrong in [
        system(json!("many")).to_string(),
        system(json!(1)).to_string().replace(":1}", ":NaN}"),
    ] {
        let answer = intake.post("/api/events", &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
    }
    intake.end().await;
}

#[tokio::test]
async fn the_file_and_the_log_have_the_same_events_and_details() {
    let world = shop("presets = [\"bot\"]\nlog_file = \"metrics.jsonl\"");
    let intake = Intake::of(&world).await;
    let mut kept = timed(1, "ai_processing", 9, true);
    kept["details"] = json!({ "model": "m" });
    let refused = timed(2, "no_such_stage", 9, true);
    let answer = intake
        .post("/api/events", &json!([kept, refused]).to_string())
        .await;
    assert_eq!(parsed(&answer)["accepted"], 1);
    let kept = intake.end().await;
    let points = kept.points("stage").await;
    assert_eq!(
        (points.len(), &points[0]["details"]),
        (1, &json!({ "model": "m" }))
    );
    let log = fs::read_to_string(world.path("metrics.jsonl")).unwrap();
    let lines: Vec<Json> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (lines.len(), &lines[0]["session_id"], &lines[0]["model"]),
        (1, &json!("s1"), &json!("m"))
    );
}
