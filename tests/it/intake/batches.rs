//! Batches in every form are kept whole, once, and answered as the contract says.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{Intake, JSON, LINES, checkout, json, shop};

#[tokio::test]
async fn one_event_an_array_and_lines_are_all_kept() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let one = intake.post("/api/events", &checkout(1)).await;
    assert_eq!(
        (one.status, one.body.as_str()),
        (200, r#"{"accepted":1,"rejected":[],"duplicate":false}"#)
    );
    let array = format!(" [{}, {}]", checkout(2), checkout(3));
    assert_eq!(
        json(&intake.post("/api/events", &array).await)["accepted"],
        2
    );
    let lines = format!("{}\n\n{}\r\n", checkout(4), checkout(5));
    let lines = intake.browser().post("/api/events", LINES, lines).await;
    assert_eq!(json(&lines)["accepted"], 2);
    let points = intake.end().await.points("checkout").await;
    let mut orders: Vec<&str> = points
        .iter()
        .map(|point| point["labels"]["order"].as_str().unwrap())
        .collect();
    orders.sort_unstable();
    assert_eq!(orders, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let lines: String = (0..2000).map(|number| checkout(number) + "\n").collect();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let browser = intake.browser().saying("Content-Encoding", "gzip");
    let answer = browser.post("/api/events", LINES, &packed).await;
    assert_eq!(json(&answer)["accepted"], 2000);
    // Half of it is none of it.
    let half = browser
        .post("/api/events", LINES, &packed[..packed.len() / 2])
        .await;
    assert_eq!(half.status, 400);
    assert!(half.body.contains("not valid gzip"), "{}", half.body);
    assert_eq!(intake.end().await.points("checkout").await.len(), 2000);
}

#[tokio::test]
async fn a_rejected_event_is_named_and_harms_no_neighbour() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let lines = format!(
        "{}\nnonsense\n{}\n{}\n",
        checkout(1),
        r#"{"kind": "checkout", "labels": {"shop": "bern"}}"#,
        checkout(2)
    );
    let answer = intake.browser().post("/api/events", LINES, lines).await;
    assert_eq!(answer.status, 200);
    let answer = json(&answer);
    assert_eq!(answer["accepted"], 2);
    assert_eq!(answer["rejected"][0]["line"], 2);
    assert_eq!(
        answer["rejected"][1],
        json!({"line": 3, "field": "labels.shop", "error": "`bern` is not one of its values: expected one of zh, be"})
    );
    let none = intake.post("/api/events", r#"[{"kind": "chekout"}]"#).await;
    assert_eq!(none.status, 400);
    assert_eq!(
        json(&none),
        json!({"accepted": 0, "duplicate": false, "rejected": [
            {"line": 1, "field": "kind", "error": "no kind `chekout`; did you mean `checkout`?"}
        ]})
    );
    for (empty, error) in [
        ("", "the body holds no event"),
        ("[]", "the body holds no event"),
        ("[1", "not valid JSON: "),
        ("[] []", "not valid JSON: "),
    ] {
        let answer = intake.post("/api/events", empty).await;
        assert_eq!(answer.status, 400, "{empty}");
        let said = json(&answer)["error"].as_str().unwrap().to_owned();
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!(intake.end().await.points("checkout").await.len(), 2);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_with_its_key_is_kept_once() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let batch = format!("[{}, {}]", checkout(1), checkout(2));
    let keyed = intake.browser().saying("Idempotency-Key", "a-1");
    let first = keyed.post("/api/events", JSON, &batch).await;
    assert_eq!(json(&first)["duplicate"], false);
    let again = keyed.post("/api/events", JSON, &batch).await;
    assert_eq!(
        (again.status, &json(&again)["duplicate"]),
        (200, &json!(true))
    );
    let other = intake.browser().saying("Idempotency-Key", "a-2");
    let other = other.post("/api/events", JSON, &batch).await;
    assert_eq!(json(&other)["duplicate"], false);
    let empty = intake.browser().saying("Idempotency-Key", "");
    let empty = empty.post("/api/events", JSON, &batch).await;
    assert_eq!(empty.status, 400);
    assert_eq!(intake.end().await.points("checkout").await.len(), 4);
}

#[tokio::test]
async fn an_event_that_is_sent_again_with_its_id_is_kept_once() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let event = r#"{"kind": "checkout", "id": "order-1", "labels": {"shop": "zh"}}"#;
    assert_eq!(
        json(&intake.post("/api/events", event).await).get("known"),
        None
    );
    let again = intake.post("/api/events", event).await;
    assert_eq!((again.status, &json(&again)["known"]), (200, &json!(1)));
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn ten_thousand_values_of_a_label_are_kept_as_fifty_and_other() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let event = |number: usize| {
        format!(
            "{{\"kind\": \"checkout\", \"labels\": {{\"shop\": \"zh\", \"till\": \"t{number}\"}}}}\n"
        )
    };
    let lines: String = (0..10_000).map(event).collect();
    let answer = intake.browser().post("/api/events", LINES, lines).await;
    assert_eq!(json(&answer)["accepted"], 10_000);
    let points = intake.end().await.points("checkout").await;
    let tills = points
        .iter()
        .map(|point| point["labels"]["till"].as_str().unwrap());
    let other = tills.clone().filter(|till| *till == "other").count();
    let tills: std::collections::BTreeSet<&str> = tills.collect();
    assert_eq!((points.len(), tills.len(), other), (10_000, 51, 9950));
}

#[tokio::test]
async fn without_recording_events_are_checked_and_not_kept() {
    let world = shop("on = false");
    let intake = Intake::of(&world).await;
    assert_eq!(
        json(&intake.post("/api/events", &checkout(1)).await)["accepted"],
        1
    );
    let wrong = intake.post("/api/events", r#"{"kind": "checkout"}"#).await;
    assert_eq!(wrong.status, 400);
    let span = r#"{"kind": "checkout", "id": "s", "labels": {"shop": "zh"}}"#;
    assert_eq!(intake.post("/api/spans", span).await.status, 201);
    assert_eq!(intake.post("/api/spans/s/end", "{}").await.status, 200);
    let file = intake.live.database.clone();
    intake.end().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn a_server_that_takes_no_events_says_so() {
    let world = crate::world::World::new("2026-11-20T11:00:00Z", super::METRICS);
    let serving = crate::serving::Serving::of(&world).await;
    let answer = serving
        .browser()
        .post("/api/events", JSON, checkout(1))
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            404,
            r#"{"error":"this server takes no events: set `accept = true` under [live]"}"#
        )
    );
    serving.end().await;
}
