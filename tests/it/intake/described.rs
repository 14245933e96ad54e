//! The OpenAPI document says what the server answers.

use daybook::web::Limits;
use serde_json::{Value as Json, json};

use super::{Intake, JSON, checkout, noon, shop};
use crate::browsing::Answer;

/// Whether the answer is one that the document promises for this operation.
pub(super) fn promised(document: &Json, path: &str, method: &str, answer: &Answer) {
    let responses = &document["paths"][path][method]["responses"];
    let mut response = &responses[answer.status.to_string()];
    assert!(!response.is_null(), "{method} {path}: {}", answer.status);
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    for (name, _) in response["headers"].as_object().into_iter().flatten() {
        assert!(
            answer.header(&name.to_ascii_lowercase()).is_some(),
            "{answer:?}"
        );
    }
    assert_eq!(answer.header("content-type"), Some(JSON));
    let schema = json!({
        "allOf": [response["content"][JSON]["schema"]],
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let body: Json = serde_json::from_str(&answer.body).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{method} {path} {}: {body}", answer.status);
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let served = intake.get("/api/openapi.json").await;
    assert_eq!(
        (served.status, served.header("content-type")),
        (200, Some(JSON))
    );
    let document: Json = serde_json::from_str(&served.body).unwrap();
    let wrong = r#"[{"kind": "checkout", "at": "no"}, {"kind": "x"}]"#;
    let known = r#"{"kind": "checkout", "id": "1", "labels": {"shop": "zh"}}"#;
    let begin = r#"{"kind": "checkout", "id": "s", "labels": {"shop": "zh"}}"#;
    let named = r#"{"session_id": "mine", "user_id": 1}"#;
    let events = "/api/events";
    let end = "/api/spans/{id}/end";
    for (path, address, body, status) in [
        (events, events, checkout(1).as_str(), 200),
        (events, events, wrong, 400),
        (events, events, "", 400),
        (events, events, known, 200),
        (events, events, known, 200),
        ("/api/spans", "/api/spans", begin, 201),
        ("/api/spans", "/api/spans", begin, 200),
        ("/api/spans", "/api/spans", "[]", 400),
        (end, "/api/spans/s/end", r#"{"values": {"x": 1}}"#, 400),
        (end, "/api/spans/s/end", "", 200),
        (end, "/api/spans/s/end", "", 200),
        (end, "/api/spans/none/end", "", 404),
        ("/api/sessions", "/api/sessions", named, 201),
        ("/api/sessions", "/api/sessions", named, 200),
        ("/api/sessions", "/api/sessions", "", 201),
        ("/api/sessions", "/api/sessions", r#"{"chat": 1}"#, 400),
    ] {
        let answer = intake.post(address, body).await;
        assert_eq!(answer.status, status, "{address} {body}: {}", answer.body);
        promised(&document, path, "post", &answer);
    }
    let time = r#""range": {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T12:00:00Z"}"#;
    let panel = |kind: &str| format!(r#"{{{time}, "targets": [{{"target": "{kind}"}}]}}"#);
    for (address, body, status) in [
        ("/api/grafana/metrics", "{}", 200),
        ("/api/grafana/search", "{}", 200),
        ("/api/grafana/query", panel("checkout").as_str(), 200),
        ("/api/grafana/query", panel("x").as_str(), 404),
        ("/api/grafana/query", "{}", 400),
    ] {
        let answer = intake.post(address, body).await;
        assert_eq!(answer.status, status, "{address} {body}: {}", answer.body);
        promised(&document, address, "post", &answer);
    }
    let many: String = vec![r#"{"kind": "x"}"#; 150].join(",");
    promised(
        &document,
        events,
        "post",
        &intake.post(events, &format!("[{many}]")).await,
    );
    promised(
        &document,
        events,
        "post",
        &intake.browser().post(events, "text/plain", "x").await,
    );
    intake
        .post("/api/spans", begin.replace("\"s\"", "\"t\"").as_str())
        .await;
    let export = "/api/live/{kind}/export";
    for (path, address, status) in [
        ("/api/grafana", "/api/grafana", 200),
        (export, "/api/live/checkout/export?format=x", 400),
        (export, "/api/live/x/export?format=json", 404),
        ("/api/spans", "/api/spans", 200),
        ("/api/spans", "/api/spans?limit=-1", 400),
        ("/api/spans", "/api/spans?limit=1001", 400),
        ("/api/sessions", "/api/sessions", 200),
        ("/api/sessions", "/api/sessions?hours=x", 400),
        ("/api/sessions", "/api/sessions?limit=1001", 400),
    ] {
        let answer = intake.get(address).await;
        assert_eq!(answer.status, status);
        promised(&document, path, "get", &answer);
    }
    let foreign = intake.browser().saying("Origin", "http://evil.example");
    promised(
        &document,
        events,
        "post",
        &foreign.post(events, JSON, "{}").await,
    );
    intake.told.cancel();
    for path in ["/api/events", "/api/spans", "/api/sessions"] {
        promised(&document, path, "post", &intake.post(path, "{}").await);
    }
    intake.end().await;
}

#[tokio::test]
async fn refusals_of_access_are_as_the_document_says() {
    let token = "[live.tokens.reader]\ntoken = \"the token of a reader\"\nmay = \"read\"";
    let world = shop(token);
    let intake = Intake::with(world.config(), crate::serving::hurried(), noon).await;
    let document: Json = serde_json::from_str(&intake.get("/api/openapi.json").await.body).unwrap();
    let reader = intake
        .browser()
        .saying("Authorization", "Bearer the token of a reader");
    let stranger = intake
        .browser()
        .saying("Authorization", "Bearer who knows what");
    for _ in 0..11 {
        promised(
            &document,
            "/api/spans",
            "get",
            &stranger.get("/api/spans").await,
        );
    }
    promised(
        &document,
        "/api/events",
        "post",
        &reader.post("/api/events", JSON, "{}").await,
    );
    promised(
        &document,
        "/api/events",
        "post",
        &stranger.post("/api/events", JSON, "{}").await,
    );
    intake.end().await;
}

#[tokio::test]
async fn requests_that_the_document_shows_are_understood() {
    // Each schema of a body names exactly the fields that the server takes.
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::with(world.config(), Limits::default(), noon).await;
    let document: Json = serde_json::from_str(&intake.get("/api/openapi.json").await.body).unwrap();
    for (schema, address) in [
        ("Event", "/api/events"),
        ("SpanBegin", "/api/spans"),
        ("SpanEnd", "/api/spans/s/end"),
    ] {
        intake
            .post(
                "/api/spans",
                r#"{"kind": "checkout", "id": "s", "labels": {"shop": "zh"}}"#,
            )
            .await;
        let fields = document["components"]["schemas"][schema]["properties"]
            .as_object()
            .unwrap();
        for (field, of) in fields {
            let value = match of["type"].as_str() {
                Some("object") => json!({}),
                Some("string") => json!("f"),
                _ if field == "at" => json!("2026-11-20T11:00:00Z"),
                _ if field == "error" => json!("e"),
                _ => json!(true),
            };
            let answer = intake
                .post(address, &json!({ field: value }).to_string())
                .await;
            assert!(
                !answer.body.contains("unknown field"),
                "{schema}.{field}: {}",
                answer.body
            );
        }
        let answer = intake.post(address, r#"{"nonsense": 1}"#).await;
        assert!(answer.body.contains("unknown field"), "{}", answer.body);
    }
    intake.end().await;
}
