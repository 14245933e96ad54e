//! Scans of a moderation bot become events of the kind `scan`, with what its own metrics count and nothing that names anybody.

use std::io::Write;
use std::process::Stdio;

use chrono::{DateTime, Utc};
use daybook::live::batch::Batch;
use daybook::live::compat::moderation;
use daybook::live::record::Recorder;
use serde_json::{Value as Json, json};
use support::world::World;

use super::{METRICS, kinds, points};

fn clock() -> DateTime<Utc> {
    "2024-01-03T00:00:00Z".parse().unwrap()
}

/// What is kept of scans, the oldest first.
async fn kept(scans: &[Json]) -> Vec<Json> {
    let (recorder, writer) = Recorder::for_tests(kinds(), clock).await.unwrap();
    let mut batch = Batch::default();
    for (at, scan) in scans.iter().enumerate() {
        batch.add_read(
            at,
            moderation::event(scan.to_string().as_bytes()),
            &kinds(),
            clock(),
        );
    }
    assert!(!batch.has_refused(), "{:?}", batch.reply());
    recorder.send(batch).await.unwrap();
    let mut kept = points(&mut writer.stop().await.unwrap(), "scan").await;
    kept.reverse();
    kept
}

/// One scan, changed in some fields.
async fn kept_with(changes: Json) -> Json {
    let mut scan =
        json!({ "guild_id": 123, "content_type": "image", "scan_result": { "is_nsfw": false } });
    for (name, value) in changes.as_object().unwrap() {
        scan[name] = value.clone();
    }
    kept(&[scan]).await.remove(0)
}

#[tokio::test]
async fn three_scans_of_a_guild_count_as_in_the_bots_own_metrics() {
    let of_file = |name: &str, at: &str| {
        json!({
            "occurred_at": at, "guild_id": 123, "channel_id": 456, "user_id": 789, "message_id": 1011,
            "filename": name, "detected_mime": "image/png", "reference": "flagged_ref",
            "scanner": "nsfw_scanner", "source": "attachment", "extra_context": { "reason": "mime_unsupported" },
        })
    };
    let mut flagged = of_file("bad.png", "2024-01-01T12:00:00+00:00");
    flagged["content_type"] = json!("image");
    flagged["scan_result"] = json!({ "is_nsfw": true, "summary_categories": { "violence": 0.65, "adult": 0.9 }, "secret": "x" });
    flagged["status"] = json!("scan_complete");
    flagged["file_size"] = json!(1500);
    flagged["scan_duration_ms"] = json!(120);
    flagged["accelerated"] = json!(true);
    let mut safe = of_file("good.png", "2024-01-01T13:00:00+00:00");
    safe["content_type"] = json!("image");
    safe["scan_result"] = json!({ "is_nsfw": false, "summary_categories": { "adult": 0.2 } });
    safe["file_size"] = json!(1500);
    safe["scan_duration_ms"] = json!(80);
    safe["accelerated"] = json!(true);
    let mut video = of_file("clip.mp4", "2024-01-02T12:00:00+00:00");
    video["content_type"] = json!("video");
    video["status"] = json!("unsupported_type");
    video["scan_result"] = json!({ "video_frames_scanned": 15, "video_frames_target": 30, "video_frames_media_total": 40 });
    video["file_size"] = json!(500);
    video["scan_duration_ms"] = json!(60);
    video["accelerated"] = json!(false);
    let expected = json!([
        {
            "at": "2024-01-01T12:00:00Z", "kind": "scan",
            "labels": { "guild": "123", "content_type": "image", "status": "scan_complete", "acceleration": "accelerated" },
            "values": { "flagged": 1, "flags": 2, "bytes": 1500, "duration": 120 },
            "details": {
                "scanner": "nsfw_scanner", "source": "attachment", "accelerated": true, "flags_count": 2,
                "scan": {
                    "is_nsfw": true, "summary_categories": { "violence": 0.65, "adult": 0.9 },
                    "top_summary_categories": [
                        { "category": "adult", "score": 0.9 }, { "category": "violence", "score": 0.65 },
                    ],
                },
            },
        },
        {
            "at": "2024-01-01T13:00:00Z", "kind": "scan",
            "labels": { "guild": "123", "content_type": "image", "status": "scan_complete", "acceleration": "accelerated" },
            "values": { "flagged": 0, "flags": 0, "bytes": 1500, "duration": 80 },
            "details": {
                "scanner": "nsfw_scanner", "source": "attachment", "accelerated": true, "flags_count": 0,
                "scan": {
                    "is_nsfw": false, "summary_categories": { "adult": 0.2 },
                    "top_summary_categories": [{ "category": "adult", "score": 0.2 }],
                },
            },
        },
        {
            "at": "2024-01-02T12:00:00Z", "kind": "scan",
            "labels": { "guild": "123", "content_type": "video", "status": "unsupported_type", "acceleration": "non_accelerated" },
            "values": {
                "flagged": 0, "flags": 0, "bytes": 500, "duration": 60,
                "frames": 15, "frames_target": 30, "frames_media": 40,
            },
            "details": {
                "scanner": "nsfw_scanner", "source": "attachment", "accelerated": false, "flags_count": 0,
                "scan": { "video_frames_scanned": 15, "video_frames_target": 30, "video_frames_media_total": 40 },
            },
        },
    ]);
    assert_eq!(json!(kept(&[flagged, safe, video]).await), expected);
}

#[tokio::test]
async fn what_is_missing_has_the_bots_defaults() {
    let bare = kept(&[json!({})]).await.remove(0);
    assert_eq!(
        bare,
        json!({
            "at": "2024-01-03T00:00:00Z", "kind": "scan",
            "labels": { "guild": "0", "content_type": "unknown", "status": "scan_complete", "acceleration": "unknown" },
            "values": { "flagged": 0, "flags": 0 },
            "details": { "flags_count": 0 },
        })
    );
    for (field, value, label, expected) in [
        ("guild_id", json!(0), "guild", "0"),
        ("guild_id", json!(null), "guild", "0"),
        ("guild_id", json!("12"), "guild", "12"),
        ("guild_id", json!(-5), "guild", "-5"),
        (
            "guild_id",
            json!(1_234_567_890_123_456_789_i64),
            "guild",
            "1234567890123456789",
        ),
        ("content_type", json!(""), "content_type", "unknown"),
        (
            "content_type",
            json!("video/x y"),
            "content_type",
            "video/x y",
        ),
        ("status", json!("  "), "status", "scan_complete"),
        ("status", json!(null), "status", "scan_complete"),
        ("status", json!(" no_scan "), "status", "no_scan"),
        ("status", json!("ä".repeat(40)), "status", &"ä".repeat(32)),
        ("accelerated", json!("true"), "acceleration", "unknown"),
        ("accelerated", json!(1), "acceleration", "unknown"),
    ] {
        let kept = kept_with(json!({ field: value })).await;
        assert_eq!(kept["labels"][label], expected, "{field} {value}");
    }
    // A moment without a zone is one in UTC.
    for at in [
        "2024-01-02T03:04:05.678",
        "2024-01-02 03:04:05.678",
        "2024-01-02T04:04:05.678+01:00",
    ] {
        let kept = kept_with(json!({ "occurred_at": at })).await;
        assert_eq!(kept["at"], "2024-01-02T03:04:05.678Z", "{at}");
    }
}

#[tokio::test]
async fn flags_are_scores_from_one_half_and_count_only_with_the_verdict() {
    let result = |is_nsfw: Json, categories: Json| json!({ "scan_result": { "is_nsfw": is_nsfw, "summary_categories": categories } });
    let mixed =
        json!({ "a": 0.5, "b": 0.49, "c": true, "d": false, "e": "0.9", "f": null, "g": 3 });
    for (is_nsfw, categories, flagged, flags, flags_count) in [
        (json!(true), mixed.clone(), 1, 3, 3),
        (json!(false), mixed, 0, 0, 3),
        (json!(true), json!({}), 1, 0, 0),
        (json!(true), json!(null), 1, 1, 1),
        (json!("yes"), json!([0.9]), 1, 1, 1),
        (json!(0), json!(null), 0, 0, 0),
        (json!({}), json!(null), 0, 0, 0),
    ] {
        let kept = kept_with(result(is_nsfw.clone(), categories.clone())).await;
        let found = (
            &kept["values"]["flagged"],
            &kept["values"]["flags"],
            &kept["details"]["flags_count"],
        );
        assert_eq!(
            found,
            (&json!(flagged), &json!(flags), &json!(flags_count)),
            "{is_nsfw} {categories}"
        );
    }
    let many = json!({ "a": 0.1, "b": 0.6, "c": 0.3, "d": 0.6, "e": 0.2, "f": 1, "g": "high" });
    let kept = kept_with(result(json!(true), many)).await;
    let top: Vec<&Json> = kept["details"]["scan"]["top_summary_categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|top| &top["category"])
        .collect();
    assert_eq!(json!(top), json!(["f", "b", "d", "c", "e"]));
}

#[tokio::test]
async fn a_number_that_is_none_never_loses_the_scan() {
    for (number, bytes, duration, frames) in [
        (json!(12), json!(12), json!(12), json!(12)),
        (json!(12.9), json!(12), json!(12), json!(12)),
        (json!(" 12 "), json!(12), json!(12), json!(12)),
        (json!(0), json!(null), json!(0), json!(0)),
        (json!(-3), json!(0), json!(0), json!(null)),
        (json!("many"), json!(null), json!(null), json!(null)),
        (json!([1]), json!(null), json!(null), json!(null)),
        (json!(1e30), json!(null), json!(null), json!(null)),
    ] {
        let kept = kept_with(json!({
            "file_size": number, "scan_duration_ms": number, "scan_result": { "video_frames_scanned": number },
        }))
        .await;
        let values = &kept["values"];
        let found = (
            values["bytes"].clone(),
            values["duration"].clone(),
            values["frames"].clone(),
        );
        assert_eq!(found, (bytes, duration, frames), "{number}");
    }
    let line = br#"{"guild_id": 7, "file_size": NaN, "scan_result": {"score": -Infinity, "reason": "NaN \"Infinity"}}"#;
    let event = moderation::event(line).unwrap();
    let scan = &event.details.unwrap()["scan"];
    assert_eq!(*scan, json!({ "score": null, "reason": "NaN \"Infinity" }));
    let long = kept_with(json!({ "scan_result": {
        "is_nsfw": true, "category": "adult",
        "summary_categories": (0..500).map(|at| (format!("category {at}"), json!(0.25))).collect::<serde_json::Map<_, _>>(),
    } }))
    .await;
    assert_eq!(long["details"]["scan"]["category"], "adult");
    assert_eq!(
        long["details"]["scan"]["top_summary_categories"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert_eq!(long["details"]["scan"]["summary_categories"], json!(null));
}

#[test]
fn the_program_reads_scans_and_says_what_is_none() {
    let world = World::new(
        "2026-11-20T11:00:00Z",
        &format!("[live]\npresets = [\"moderation\"]\n{METRICS}"),
    );
    let recorded = |world: &World, lines: &str| {
        let mut recorder = world
            .program()
            .args(["live", "record", "--format", "scans"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(recorder.stdin.take().unwrap().write_all(lines.as_bytes()));
        recorder.wait_with_output().unwrap()
    };
    let scan =
        r#"{"id": "scan-1", "guild_id": 7, "user_id": 4711, "filename": "me.png", "file_size": 9}"#;
    let ended = recorded(
        &world,
        &format!("{scan}\n{scan}\n[1]\n{{\"guild_id\": \"x\"}}\n"),
    );
    let answer: Json = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&answer["accepted"], &answer["known"]),
        (&json!(2), &json!(1))
    );
    let rejected = json!([
        { "line": 3, "field": "", "error": "expected an object, such as {\"guild_id\": …, \"scan_result\": …}" },
        { "line": 4, "field": "guild_id", "error": "expected a whole number" },
    ]);
    assert_eq!(answer["rejected"], rejected);
    let found = world.binary(&["live", "query", "points", "scan", "--label", "guild=7"]);
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains("\"bytes\":9"), "{found}");
    assert!(
        !found.contains("4711") && !found.contains("me.png"),
        "{found}"
    );

    let world = World::new(
        "2026-11-20T11:00:00Z",
        &format!("[live]\npresets = [\"hosts\"]\n{METRICS}"),
    );
    let refused = recorded(&world, scan);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("add the preset `moderation`"), "{message}");
}
