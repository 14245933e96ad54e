//! Sessions of the bot service.

use serde_json::json;

use super::{Intake, JSON, json, shop};

#[tokio::test]
async fn a_session_is_opened_listed_and_counted() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let opened = intake
        .post("/api/sessions", r#"{"user_id": 12345, "chat_id": "-7"}"#)
        .await;
    assert_eq!(opened.status, 201);
    let id = json(&opened)["session_id"].as_str().unwrap().to_owned();
    assert!(id.len() == 12 && id.as_bytes()[8] == b'-', "{id}");
    assert!(
        id.bytes()
            .all(|letter| letter == b'-' || letter.is_ascii_hexdigit()),
        "{id}"
    );
    let named = r#"{"session_id": "mine", "at": "2026-11-20T09:30:00Z"}"#;
    assert_eq!(intake.post("/api/sessions", named).await.status, 201);
    let again = intake.post("/api/sessions", named).await;
    assert_eq!(
        (again.status, json(&again)),
        (200, json!({"session_id": "mine", "duplicate": true}))
    );
    let keyed = intake.browser().saying("Idempotency-Key", "k");
    let one = json(&keyed.post("/api/sessions", JSON, "").await);
    let other = json(&keyed.post("/api/sessions", JSON, "").await);
    assert_eq!(
        (&one["session_id"], &other["duplicate"]),
        (&other["session_id"], &json!(true))
    );
    let old = r#"{"session_id": "old", "at": "2026-11-17T09:30:00Z"}"#;
    intake.post("/api/sessions", old).await;
    let listed = json(&intake.get("/api/sessions?limit=2").await);
    assert_eq!(
        (
            &listed["count"],
            listed["sessions"].as_array().unwrap().len()
        ),
        (&json!(3), 2)
    );
    let week = json(&intake.get("/api/sessions?hours=168").await);
    assert_eq!(week["count"], 4);
    let sessions = week["sessions"].as_array().unwrap();
    let own = sessions
        .iter()
        .find(|session| session["session_id"] == *id)
        .unwrap();
    assert_eq!(
        *own,
        json!({"session_id": id, "user_id": "12345", "chat_id": "-7", "created_at": "2026-11-20T11:00:00Z"})
    );
    assert_eq!(sessions[3]["session_id"], "old");
    intake.end().await;
}

#[tokio::test]
async fn a_server_without_sessions_says_how_to_have_them() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    for answer in [
        intake.post("/api/sessions", "").await,
        intake.get("/api/sessions").await,
    ] {
        assert_eq!(answer.status, 404);
        assert_eq!(
            json(&answer)["error"],
            "there is no kind `session`: add the preset `bot` under [live]"
        );
    }
    let odd = intake.get("/api/sessions?limit=all").await;
    assert_eq!(odd.status, 400);
    intake.end().await;
}
