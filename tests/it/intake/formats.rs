//! What other systems' senders have at hand is understood as it is.

use serde_json::json;

use super::{Intake, LINES, json, shop};

#[tokio::test]
async fn a_scan_is_taken_as_the_moderation_bot_has_it() {
    let world = shop("presets = [\"moderation\"]");
    let intake = Intake::of(&world).await;
    let scan = r#"{"occurred_at": "2026-11-20T10:00:00Z", "guild_id": 123, "content_type": "image", "filename": "secret.png",
        "scan_result": {"is_nsfw": true, "summary_categories": {"adult": 0.9, "violence": 0.65}}, "file_size": 1500, "accelerated": true}"#;
    let answer = intake.post("/api/events?format=scans", scan).await;
    assert_eq!(
        (answer.status, &json(&answer)["accepted"]),
        (200, &json!(1))
    );
    let unknown = intake.post("/api/events?format=scan", scan).await;
    assert_eq!(unknown.status, 400);
    let said = json(&unknown)["error"].as_str().unwrap().to_owned();
    assert!(
        said.contains("no format `scan`; did you mean `scans`?"),
        "{said}"
    );
    let points = intake.end().await.points("scan").await;
    assert_eq!(
        points[0]["labels"],
        json!({"guild": "123", "content_type": "image", "status": "scan_complete", "acceleration": "accelerated"})
    );
    assert_eq!(
        points[0]["values"],
        json!({"flagged": 1, "flags": 2, "bytes": 1500})
    );
    assert!(!points[0].to_string().contains("secret"));
}

#[tokio::test]
async fn texts_of_the_bot_are_measured_in_characters_and_not_kept() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let lines = [
        json!({"event_type": "correction_recorded", "session_id": "f9309ddf-a1a", "admin_user_id": 99999, "message_id": "m-1",
            "correction_type": "text_correction", "original_text": "Grüezi mitenand 👋", "corrected_text": "Grüezi",
            "processing_time_ms": 1200, "admin_satisfaction": 5, "model": "small"}),
        json!({"event_type": "message_filtered", "session_id": "f9309ddf-a1a", "user_id": 12345, "chat_id": 1, "message": "zu kurz",
            "filtering_reason": "length_check", "stage_failed": "precheck"}),
        json!({"event_type": "message_filtered", "session_id": "f9309ddf-a1a", "user_id": 12345, "chat_id": 1, "message": "hm",
            "reason": "spam"}),
        json!({"event_type": "system_metric", "metric_type": "queue", "value": "many"}),
        json!({"event_type": "mistake"}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answer = intake
        .browser()
        .post("/api/events?format=bot", LINES, lines)
        .await;
    let answer = json(&answer);
    assert_eq!(answer["accepted"], 2);
    let fields: Vec<(&str, &str)> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rejected| {
            (
                rejected["field"].as_str().unwrap(),
                rejected["error"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            (
                "labels.reason",
                "`spam` is not one of its values: expected one of length_check, work_validation, relevance_check, none"
            ),
            (
                "values.value",
                "expected a number, found text: a text belongs into a label"
            ),
            (
                "event_type",
                "expected one of session_created, timing_completed, correction_recorded, message_filtered, system_metric"
            ),
        ]
    );
    let kept = intake.end().await;
    let correction = &kept.points("correction").await[0];
    assert_eq!(
        correction["values"],
        json!({"admin_satisfaction": 5, "corrected_length": 6, "original_length": 17, "processing_time_ms": 1200, "retry_count": 0})
    );
    assert_eq!(correction["details"], json!({"model": "small"}));
    let filter = &kept.points("filter").await[0];
    assert_eq!(
        filter["values"],
        json!({"message_length": 7, "processing_time_ms": 0})
    );
    let all = format!("{correction}{filter}");
    assert!(!all.contains("Gr") && !all.contains("kurz"), "{all}");
}

#[tokio::test]
async fn the_bots_own_log_is_taken_line_by_line_and_once() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    // Without a zone, as that service writes them: 11:41 in Zurich.
    let log = r#"{"timestamp": "2026-11-20T11:41:42.281433", "level": "info", "event_type": "session_created", "message": "Session created", "session_id": "f9309ddf-a1a", "user_id": 12345, "chat_id": 67890}
{"timestamp": "2026-11-20T11:41:42.281500", "level": "metric", "event_type": "timing_started", "message": "Started timing ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "eb3e1a6f", "stage": "ai_processing"}
{"timestamp": "2026-11-20T11:41:42.481433", "level": "metric", "event_type": "timing_completed", "message": "Completed timing ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "eb3e1a6f", "stage": "ai_processing", "duration_ms": 200, "success": false, "error_message": "timeout"}
{"timestamp": "2026-11-20T11:41:43", "level": "metric", "event_type": "message_filtered", "message": "Message filtered: none", "session_id": "f9309ddf-a1a", "user_id": 12345, "filtering_id": "0a1b2c3d", "message_length": 40, "filtering_reason": "none", "stage_failed": null, "message_preview": "my words"}
"#;
    for known in [json!(null), json!(2)] {
        let answer = intake
            .browser()
            .post("/api/events?format=bot", LINES, log)
            .await;
        let answer = json(&answer);
        assert_eq!(
            (&answer["accepted"], &answer["rejected"]),
            (&json!(3), &json!([]))
        );
        assert_eq!(answer["known"], known);
    }
    let started = log.lines().nth(1).unwrap();
    let started = intake.post("/api/events?format=bot", started).await;
    assert_eq!(
        (started.status, &json(&started)["accepted"]),
        (200, &json!(0))
    );
    let kept = intake.end().await;
    assert_eq!(
        kept.points("stage").await,
        [json!({"at": "2026-11-20T10:41:42.481433Z", "kind": "stage",
                "labels": {"stage": "ai_processing", "session_id": "f9309ddf-a1a", "user_id": "12345"},
                "values": {"duration": 200}, "ok": false, "details": {"error_message": "timeout"}})]
    );
    let filter = kept.points("filter").await;
    assert_eq!(
        (filter.len(), &filter[0]["values"]["message_length"]),
        (1, &json!(40))
    );
    assert!(!filter[0].to_string().contains("my words"));
}
