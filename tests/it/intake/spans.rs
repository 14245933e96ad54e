//! Spans that begin with one request and end with another.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::web::Limits;
use serde_json::json;

use super::{Intake, JSON, json, noon, shop};

const BEGIN: &str =
    r#"{"kind": "checkout", "id": "s-1", "labels": {"shop": "zh"}, "details": {"a": 1}}"#;

#[tokio::test]
async fn a_span_is_recorded_when_it_ends_with_the_time_it_took() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let begun = intake.post("/api/spans", BEGIN).await;
    assert_eq!(begun.status, 201);
    assert_eq!(
        json(&begun),
        json!({"id": "s-1", "kind": "checkout", "begun_at": "2026-11-20T11:00:00Z",
               "expires_at": "2026-11-20T12:00:00Z", "duplicate": false})
    );
    tokio::time::sleep(Duration::from_millis(30)).await;
    let more = r#"{"labels": {"order": 7}, "values": {"amount": 19.95}, "details": {"b": 2}}"#;
    let ended = intake.post("/api/spans/s-1/end", more).await;
    assert_eq!(ended.status, 200);
    let duration = json(&ended)["duration"].as_f64().unwrap();
    assert!((30.0..60_000.0).contains(&duration), "{duration}");
    let points = intake.end().await.points("checkout").await;
    assert_eq!(
        points,
        [
            json!({"at": "2026-11-20T11:00:00Z", "kind": "checkout", "labels": {"shop": "zh", "order": "7"},
                "values": {"duration": duration, "amount": 19.95}, "ok": true, "details": {"a": 1, "b": 2}})
        ]
    );
}

#[tokio::test]
async fn begun_or_ended_twice_it_is_one_span() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let first = json(&intake.post("/api/spans", BEGIN).await);
    let again = intake.post("/api/spans", BEGIN).await;
    assert_eq!(again.status, 200);
    let mut again = json(&again);
    assert_eq!(again["duplicate"].take(), true);
    assert_eq!(again["begun_at"], first["begun_at"]);
    let first = json(
        &intake
            .post("/api/spans/s-1/end", r#"{"values": {"duration": 12}}"#)
            .await,
    );
    assert_eq!(
        (&first["duration"], &first["duplicate"]),
        (&json!(12.0), &json!(false))
    );
    let again = json(
        &intake
            .post("/api/spans/s-1/end", r#"{"values": {"duration": 99}}"#)
            .await,
    );
    assert_eq!(
        (&again["duration"], &again["duplicate"]),
        (&json!(12.0), &json!(true))
    );
    // Without an id, the key tells that it is the same.
    let keyed = intake.browser().saying("Idempotency-Key", "k");
    let unnamed = r#"{"kind": "checkout", "labels": {"shop": "be"}}"#;
    let one = json(&keyed.post("/api/spans", JSON, unnamed).await);
    let other = json(&keyed.post("/api/spans", JSON, unnamed).await);
    assert_eq!(
        (&one["id"], &other["duplicate"]),
        (&other["id"], &json!(true))
    );
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn many_who_end_it_at_once_end_it_once() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/spans", BEGIN).await;
    let ends = (0..20).map(|_| intake.post("/api/spans/s-1/end", ""));
    let ends = futures_util::future::join_all(ends).await;
    let first = ends
        .iter()
        .filter(|end| json(end)["duplicate"] == false)
        .count();
    assert_eq!((first, ends.iter().all(|end| end.status == 200)), (1, true));
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn a_span_outlives_the_server_that_it_began_with() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/spans", BEGIN).await;
    intake.end().await;
    let config = world.config();
    let later = || noon() + TimeDelta::milliseconds(2500);
    let intake = Intake::with(config, Limits::default(), later).await;
    assert_eq!(json(&intake.get("/api/spans").await)["open"], 1);
    let ended = json(&intake.post("/api/spans/s-1/end", "").await);
    assert_eq!(ended["duration"], 2500.0);
    assert_eq!(
        intake.end().await.points("checkout").await[0]["values"]["duration"],
        2500.0
    );
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_negative_time() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/spans", BEGIN).await;
    intake.end().await;
    let earlier = || noon() - TimeDelta::hours(1);
    let intake = Intake::with(world.config(), Limits::default(), earlier).await;
    let ended = json(&intake.post("/api/spans/s-1/end", "").await);
    assert_eq!(ended["duration"], 0.0);
    intake.end().await;
}

#[tokio::test]
async fn an_error_makes_it_fail_and_is_kept_in_the_details() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/spans", BEGIN).await;
    intake
        .post("/api/spans/s-1/end", r#"{"error": "card refused"}"#)
        .await;
    let points = intake.end().await.points("checkout").await;
    assert_eq!(points[0]["ok"], false);
    assert_eq!(
        points[0]["details"],
        json!({"a": 1, "error": "card refused"})
    );
}

#[tokio::test]
async fn what_cannot_be_a_span_is_refused() {
    let world = shop("presets = [\"hosts\"]");
    let intake = Intake::of(&world).await;
    for (begin, field, error) in [
        (
            r#"{"kind": "host", "labels": {"host": "a"}}"#,
            "kind",
            "`host` is no kind of span",
        ),
        (r#"{"kind": "checkout"}"#, "labels.shop", "missing"),
        (
            r#"{"kind": "checkout", "id": "a/b", "labels": {"shop": "zh"}}"#,
            "id",
            "expected 1 to 128 letters a-z, digits and `-_.~:`, and no `.` first",
        ),
        (
            r#"{"kind": "checkout", "at": "2026-11-01T00:00:00Z", "labels": {"shop": "zh"}}"#,
            "at",
            "more than 7d ago: `checkout` takes no older events",
        ),
    ] {
        let answer = intake.post("/api/spans", begin).await;
        assert_eq!(answer.status, 400, "{begin}");
        assert_eq!(json(&answer), json!({"error": error, "field": field}));
    }
    assert_eq!(intake.post("/api/spans/nobody/end", "").await.status, 404);
    intake.post("/api/spans", BEGIN).await;
    let wrong = intake
        .post("/api/spans/s-1/end", r#"{"values": {"amonut": 1}}"#)
        .await;
    assert_eq!(json(&wrong)["field"], "values.amonut");
    // It is still open, and can be ended rightly.
    assert_eq!(intake.post("/api/spans/s-1/end", "").await.status, 200);
    intake.end().await;
}

/// A clock that a test moves on.
static LATER: Mutex<TimeDelta> = Mutex::new(TimeDelta::zero());

fn moving() -> DateTime<Utc> {
    noon() + *LATER.lock().unwrap()
}

#[tokio::test]
async fn a_span_that_nobody_ends_is_listed_until_it_expires_as_failed() {
    let world = shop("span_timeout = \"10m\"");
    let intake = Intake::with(world.config(), Limits::default(), moving).await;
    let api = intake.api.clone();
    let watching = tokio::spawn(async move { api.watch().await });
    intake.post("/api/spans", BEGIN).await;
    assert_eq!(
        json(&intake.get("/api/spans").await),
        json!({"open": 1, "spans": [{"id": "s-1", "kind": "checkout", "labels": {"shop": "zh"},
               "begun_at": "2026-11-20T11:00:00Z", "expires_at": "2026-11-20T11:10:00Z"}]})
    );
    *LATER.lock().unwrap() = TimeDelta::minutes(11);
    super::until(async || json(&intake.get("/api/spans").await)["open"] == 0).await;
    let late = intake.post("/api/spans/s-1/end", "").await;
    assert_eq!(late.status, 409);
    assert_eq!(
        json(&late)["error"],
        "the span `s-1` expired at 2026-11-20 11:10:00 UTC: it counts as failed"
    );
    let kept = intake.end().await;
    watching.await.unwrap();
    assert_eq!(
        kept.points("checkout").await,
        [
            json!({"at": "2026-11-20T11:10:00Z", "kind": "checkout", "labels": {"shop": "zh"},
                "values": {"duration": 600_000.0}, "ok": false, "details": {"a": 1, "error": "expired: nobody ended it"}})
        ]
    );
}

#[tokio::test]
async fn the_log_tells_when_a_span_begins_and_when_it_ends() {
    let world = shop("presets = [\"bot\"]\nlog_file = \"metrics.jsonl\"");
    let intake = Intake::of(&world).await;
    let labels =
        r#""labels": {"stage": "ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345}"#;
    let begin = format!(r#"{{"kind": "stage", "id": "eb3e1a6f", {labels}}}"#);
    intake.post("/api/spans", &begin).await;
    let end = r#"{"values": {"duration": 1200}, "error": "timeout", "details": {"level": "warning", "model": "small"}}"#;
    intake.post("/api/spans/eb3e1a6f/end", end).await;
    // Neither a second beginning nor a second end is logged.
    intake.post("/api/spans", &begin).await;
    intake.post("/api/spans/eb3e1a6f/end", end).await;
    intake.end().await;
    let head = |level: &str, event: &str, message: &str| {
        format!(
            r#"{{"timestamp":"2026-11-20T12:00:00.000000+01:00","level":"{level}","event_type":"{event}","message":"{message} ai_processing","session_id":"f9309ddf-a1a","user_id":12345,"metric_id":"eb3e1a6f","stage":"ai_processing""#
        )
    };
    let started = head("metric", "timing_started", "Started timing") + "}";
    let completed = head("warning", "timing_completed", "Completed timing")
        + r#","duration_ms":1200,"success":false,"error_message":"timeout","model":"small"}"#;
    let log = std::fs::read_to_string(world.path("metrics.jsonl")).unwrap();
    assert_eq!(log, format!("{started}\n{completed}\n"));
}

#[tokio::test]
async fn a_span_that_ended_long_ago_is_known_for_a_day_all_the_same() {
    let world = shop("keep_every = \"1s\"");
    let intake = Intake::of(&world).await;
    let api = intake.api.clone();
    let watching = tokio::spawn(async move { api.watch().await });
    let begin = BEGIN.replace("\"id\"", "\"at\": \"2026-11-18T11:00:00Z\", \"id\"");
    assert_eq!(intake.post("/api/spans", &begin).await.status, 201);
    super::until(async || json(&intake.get("/api/spans").await)["open"] == 0).await;
    // The keeper has been round since.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(intake.post("/api/spans", &begin).await.status, 200);
    assert_eq!(intake.post("/api/spans/s-1/end", "").await.status, 409);
    let kept = intake.end().await;
    watching.await.unwrap();
    assert_eq!(kept.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn a_span_expires_as_failed_whatever_it_lacks() {
    let world = shop(
        "[live.kinds.job]\nshape = \"span\"\nvalues = { n = { required = true } }\ndetails = { bytes = 20 }
         [live.kinds.quick]\nshape = \"span\"\nvalues = { duration = { unit = \"ms\", max = 1000 } }",
    );
    let intake = Intake::of(&world).await;
    let begin = r#"{"kind": "job", "id": "j", "at": "2026-11-20T08:00:00Z", "details": {"note": "123456"}}"#;
    assert_eq!(intake.post("/api/spans", begin).await.status, 201);
    let quick = r#"{"kind": "quick", "at": "2026-11-20T08:00:00Z"}"#;
    assert_eq!(intake.post("/api/spans", quick).await.status, 201);
    let api = intake.api.clone();
    let watching = tokio::spawn(async move { api.watch().await });
    super::until(async || json(&intake.get("/api/spans").await)["open"] == 0).await;
    let kept = intake.end().await;
    watching.await.unwrap();
    let quick = json!({"at": "2026-11-20T09:00:00Z", "kind": "quick", "labels": {}, "values": {}, "ok": false});
    assert_eq!(kept.points("quick").await, [quick]);
    assert_eq!(
        kept.points("job").await,
        [
            json!({"at": "2026-11-20T09:00:00Z", "kind": "job", "labels": {}, "values": {"duration": 3_600_000.0},
                "ok": false, "details": {"note": "123456"}})
        ]
    );
}

#[tokio::test]
async fn a_span_ends_after_it_began() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/spans", BEGIN).await;
    let before = r#"{"at": "2026-11-20T10:59:59Z"}"#;
    let answer = intake.post("/api/spans/s-1/end", before).await;
    assert_eq!(
        json(&answer),
        json!({"error": "before the span began", "field": "at"})
    );
    let after = r#"{"at": "2026-11-20T11:00:02Z"}"#;
    assert_eq!(
        json(&intake.post("/api/spans/s-1/end", after).await)["duration"],
        2000.0
    );
    intake.end().await;
}
