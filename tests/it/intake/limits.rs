//! What is too large, too slow, too much or half there is turned away, and nothing of it is kept.

use std::io::Write;
use std::time::{Duration, Instant};

use daybook::web::Limits;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::io::AsyncWriteExt;

use super::{Intake, JSON, LINES, checkout, json as parsed, noon, shop};
use crate::browsing::rest;

fn request(more: &str) -> String {
    format!(
        "POST /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {JSON}\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_however_they_come() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let large = 8 * 1024 * 1024 + 1;
    let announced = request(&format!("Content-Length: {large}\r\n"));
    let answer = intake.browser().send(announced.as_bytes()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        parsed(&answer)["error"],
        "a body may send at most 8 MB: send smaller batches"
    );
    // In pieces, nobody says before how much there will be.
    let mut pieces = request("Transfer-Encoding: chunked\r\n").into_bytes();
    for _ in 0..9 {
        pieces.extend(b"100000\r\n");
        pieces.resize(pieces.len() + 0x10_0000, b' ');
        pieces.extend(b"\r\n");
    }
    pieces.extend(b"0\r\n\r\n");
    assert_eq!(intake.browser().send(&pieces).await.status, 413);
    assert_eq!(intake.end().await.points("checkout").await.len(), 0);
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_gigabyte_is_refused_early() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        packed.write_all(&blanks).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2 << 20);
    let browser = intake.browser().saying("Content-Encoding", "gzip");
    let answer = browser.post("/api/events", LINES, packed).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        parsed(&answer)["error"],
        "a body may unpack to at most 16 MB: send smaller batches"
    );
    intake.end().await;
}

#[tokio::test]
async fn types_that_a_foreign_page_could_send_are_refused() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let answer = intake
            .browser()
            .post("/api/events", kind, checkout(1))
            .await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    // A page that asks first is told no.
    let asked = intake.browser().saying("Origin", "http://evil.example");
    let asked = asked.ask("OPTIONS", "/api/events").await;
    assert_eq!(
        (asked.status, asked.header("access-control-allow-origin")),
        (405, None)
    );
    let foreign = intake.browser().saying("Content-Encoding", "br");
    assert_eq!(foreign.post("/api/events", JSON, "x").await.status, 415);
    assert_eq!(intake.end().await.points("checkout").await.len(), 0);
}

#[tokio::test]
async fn who_hangs_up_within_a_body_leaves_nothing() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let event = checkout(1);
    for sent in [0, 1, event.len() - 1] {
        let mut stream = intake.browser().open().await;
        let head = request(&format!("Content-Length: {}\r\n", event.len()));
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&event.as_bytes()[..sent]).await.unwrap();
        drop(stream);
    }
    assert_eq!(intake.post("/api/events", &checkout(2)).await.status, 200);
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_ends_its_connection() {
    let limits = Limits {
        body: Duration::from_millis(300),
        ..Limits::default()
    };
    let world = shop("");
    let intake = Intake::with(world.config(), limits, noon).await;
    let mut slow = intake.browser().open().await;
    let head = request("Content-Length: 100\r\n");
    slow.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut slow).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    assert_eq!(intake.post("/api/events", &checkout(1)).await.status, 200);
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn a_full_queue_keeps_nothing_of_a_batch_and_says_when_to_come_again() {
    let world = shop("queue = 10");
    let intake = Intake::of(&world).await;
    // Somebody else writes, so that what is sent waits.
    let url = format!("sqlite://{}", intake.live.database.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let batch = |first: usize, count: usize| {
        let events: Vec<String> = (first..first + count).map(checkout).collect();
        format!("[{}]", events.join(","))
    };
    let browser = intake.browser();
    let body = batch(0, 6);
    let waiting = tokio::spawn(async move { browser.post("/api/events", JSON, body).await });
    super::until(async || intake.api.series("d").contains("d_live_queue_points 6\n")).await;
    let refused = intake.post("/api/events", &batch(6, 5)).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(
        parsed(&refused)["error"],
        "the queue is full: try again in a second"
    );
    let browser = intake.browser();
    let body = batch(6, 4);
    let fits = tokio::spawn(async move { browser.post("/api/events", JSON, body).await });
    super::until(async || intake.api.series("d").contains("d_live_queue_points 10\n")).await;
    assert!(!intake.api.is_ready());
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    assert_eq!(fits.await.unwrap().status, 200);
    super::until(async || intake.api.is_ready()).await;
    other.close().await.unwrap();
    assert_eq!(intake.end().await.points("checkout").await.len(), 10);
}

#[tokio::test]
async fn a_heartbeat_that_finds_the_queue_full_is_told_when_to_come_again() {
    let world = shop("queue = 2\npresets = [\"hosts\"]");
    let intake = Intake::of(&world).await;
    let url = format!("sqlite://{}", intake.live.database.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let browser = intake.browser();
    let body = format!("[{},{}]", checkout(1), checkout(2));
    let waiting = tokio::spawn(async move { browser.post("/api/events", JSON, body).await });
    super::until(async || intake.api.series("d").contains("d_live_queue_points 2\n")).await;
    let first = json!({"hostId": "web-1", "metrics": {"cpu": {"usage": 1}}, "hostInfo": {"hostname": "web-1"}});
    let go = json!({"organizationSlug": "acme", "hostId": "web-1", "heartbeat": {}});
    for (address, body) in [("/api/agent/heartbeat", first), ("/api/v2/heartbeat", go)] {
        let browser = intake.browser().saying("X-Organization-Id", "acme");
        let answer = browser.post(address, JSON, body.to_string()).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (429, Some("1")),
            "{address}"
        );
        assert_eq!(
            parsed(&answer)["error"],
            "the queue is full: try again in a second"
        );
    }
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    other.close().await.unwrap();
    assert_eq!(intake.end().await.points("host").await.len(), 0);
}

#[tokio::test]
async fn a_stopping_server_takes_no_more() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.told.cancel();
    let answer = intake.post("/api/events", &checkout(1)).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(parsed(&answer)["error"], "the server is stopping");
    assert_eq!(intake.end().await.points("checkout").await.len(), 0);
}

#[tokio::test]
async fn a_server_that_has_stopped_leaves_one_file() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    intake.post("/api/events", &checkout(1)).await;
    assert_eq!(intake.get("/api/spans").await.status, 200);
    let file = intake.live.database.clone();
    assert!(file.with_extension("db-wal").exists());
    intake.end().await;
    assert!(file.exists() && !file.with_extension("db-wal").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_no_secret_and_no_lie() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let url = format!("sqlite://{}", intake.live.database.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other
        .execute("ALTER TABLE chunks RENAME TO gone")
        .await
        .unwrap();
    let answer = intake.post("/api/events", &checkout(1)).await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        parsed(&answer)["error"],
        "the events' file cannot be used; the server's log says why"
    );
    assert!(!intake.api.is_ready());
    assert!(
        intake
            .api
            .series("d")
            .contains("d_live_requests_refused_total{reason=\"store\"} 1\n")
    );
    other
        .execute("ALTER TABLE gone RENAME TO chunks")
        .await
        .unwrap();
    other.close().await.unwrap();
    assert_eq!(intake.post("/api/events", &checkout(1)).await.status, 200);
    assert!(intake.api.is_ready());
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

/// Arrays within one another.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn what_is_nested_too_deeply_or_read_twice_is_refused() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let with = |details: &str| {
        format!(r#"{{"kind": "checkout", "labels": {{"shop": "zh"}}, "details": {details}}}"#)
    };
    for (details, status, error) in [
        (nested(60), 200, ""),
        (nested(64), 400, "nested more than 64 deep"),
        (nested(100_000), 400, "nested more than 64 deep"),
        // The library would read the text, and texts within it, without an end.
        (
            r#"{"$serde_json::private::RawValue": "[1]"}"#.to_owned(),
            400,
            "a reserved name",
        ),
        (
            r#"[{"\u0024serde_json::private::RawValue": "[1]"}]"#.to_owned(),
            400,
            "a reserved name",
        ),
    ] {
        for address in [
            "/api/events",
            "/api/spans",
            "/api/events?format=bot",
            "/api/events?format=scans",
        ] {
            let answer = intake.post(address, &with(&details)).await;
            if address == "/api/events" {
                assert_eq!(answer.status, status, "{details:.80}: {}", answer.body);
            }
            if status == 400 {
                assert!(answer.body.contains(error), "{address}: {}", answer.body);
            }
        }
    }
    let large = with(&format!("\"{}\"", "a".repeat(600_000)));
    for address in ["/api/events", "/api/spans"] {
        let answer = intake.post(address, &large).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("at most 524288"), "{}", answer.body);
    }
    let name = "x".repeat(100_000);
    let answer = intake
        .post("/api/events", &format!("{{\"{name}\": 1}}"))
        .await;
    assert!(answer.body.len() < 500, "{}", answer.body.len());
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn numbers_beyond_all_time_are_no_trouble() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    assert_eq!(
        intake.get("/api/sessions?hours=4294967295").await.status,
        200
    );
    for year in ["-262143", "+262142", "0000", "1969"] {
        let record = format!(
            r#"{{"event_type": "system_metric", "metric_type": "x", "value": 1, "timestamp": "{year}-01-01T00:00:00"}}"#
        );
        let answer = intake.post("/api/events?format=bot", &record).await;
        assert_eq!(answer.status, 400, "{year}");
        assert_eq!(
            parsed(&answer)["rejected"][0]["field"],
            "at",
            "{year}: {}",
            answer.body
        );
    }
    intake.end().await;
}

#[tokio::test]
async fn a_question_ends_soon_after_its_client_has_hung_up() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    for first in (0..20_000).step_by(10_000) {
        let all: Vec<String> = (first..first + 10_000).map(checkout).collect();
        let answer = intake
            .post("/api/events", &format!("[{}]", all.join(",")))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // A hundred questions in one.
    let target = json!({"target": "checkout", "payload": {"figure": "count", "ok": "false"}});
    let range = json!({"from": "2026-11-20T10:30:00Z", "to": "2026-11-20T11:01:00Z"});
    let panel = json!({"range": range, "targets": vec![target; 100]}).to_string();
    let length = panel.len();
    let asked = format!(
        "POST /api/grafana/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{panel}"
    );
    let begun = Instant::now();
    let answer = intake.post("/api/grafana/query", &panel).await;
    let one = begun.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.body);
    for _ in 0..40 {
        let mut client = intake.browser().open().await;
        client.write_all(asked.as_bytes()).await.unwrap();
    }
    let begun = Instant::now();
    let answer = intake.post("/api/grafana/query", &panel).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(
        begun.elapsed() < 4 * one + Duration::from_secs(2),
        "{one:?}"
    );
    // None of them has left a snapshot open, which would keep the log from being emptied.
    let url = format!("sqlite://{}", intake.live.database.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let emptied: (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(emptied, (0, 0, 0));
    other.close().await.unwrap();
    intake.end().await;
}

#[tokio::test]
async fn a_client_that_says_no_more_still_gets_its_answer() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let mut client = intake.browser().open().await;
    let asked = "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client.write_all(asked.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    intake.end().await;
}

#[tokio::test]
async fn a_label_that_is_given_twice_is_refused_by_its_name() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let twice = r#"[{"kind": "checkout", "labels": {"shop": "zh", "shop": "be"}}, {"kind": "checkout", "labels": {"shop": "zh"}}]"#;
    let answer = parsed(&intake.post("/api/events", twice).await);
    assert_eq!(answer["accepted"], 1);
    let error = answer["rejected"][0]["error"].as_str().unwrap();
    assert!(error.contains("`shop` is given twice"), "{error}");
    intake.end().await;
}
