//! The latency breakdown: its names, its texts, and what cannot be computed.

use daybook::live::compat::latency::latency_breakdown;
use serde_json::{Value as Json, json};

use super::super::three_scans::near;

fn entry(scans: Json, duration: Json, more: Json) -> Json {
    let mut row = json!({ "scans": scans, "duration_total_ms": duration });
    row.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn latency_breakdown_uses_totals_and_summary() {
    let bucket =
        |scans: i64, duration: i64| json!({ "scans_count": scans, "total_duration_ms": duration });
    let totals = json!({
        "scans_count": 10, "total_duration_ms": 1000, "total_frames_scanned": 500, "average_latency_per_frame_ms": 2.5,
        "acceleration": { "accelerated": bucket(6, 600), "non_accelerated": bucket(4, 400) },
    });
    let summary = [
        entry(
            json!(6),
            json!(600),
            json!({ "content_type": "video", "frames_total_scanned": 300, "frame_coverage_rate": 0.5 }),
        ),
        entry(
            json!(4),
            json!(100),
            json!({ "content_type": "image",
            "acceleration": { "non_accelerated": { "scans": 4, "duration_total_ms": 600 } } }),
        ),
    ];
    let breakdown = latency_breakdown(&totals, &summary);
    let overall = &breakdown["overall"];
    near(
        overall,
        &[
            ("scans", 10.0),
            ("average_latency_ms", 100.0),
            ("average_latency_per_frame_ms", 2.5),
        ],
    );
    near(
        &overall["acceleration"]["accelerated"],
        &[("average_latency_ms", 100.0)],
    );
    near(
        &overall["acceleration"]["non_accelerated"],
        &[("average_latency_ms", 100.0)],
    );
    assert_eq!(
        overall["acceleration"]["unknown"]["average_latency_ms"],
        Json::Null
    );
    near(
        &breakdown["video"],
        &[
            ("scans", 6.0),
            ("average_latency_per_frame_ms", 2.0),
            ("frame_coverage_rate", 0.5),
        ],
    );
    near(&breakdown["image"], &[("average_latency_ms", 25.0)]);
    near(
        &breakdown["image"]["acceleration"]["non_accelerated"],
        &[("scans", 4.0), ("average_latency_ms", 150.0)],
    );
    assert_eq!(breakdown["by_type"]["video"], breakdown["video"]);
}

#[test]
fn latency_breakdown_handles_missing_frames_and_partial_resets() {
    let missing = latency_breakdown(&entry(json!(0), Json::Null, json!({})), &[]);
    assert_eq!(
        missing["overall"]["average_latency_per_frame_ms"],
        Json::Null
    );
    assert_eq!(missing["image"]["average_latency_ms"], Json::Null);
    assert_eq!(missing["by_type"], json!({}));
    let partly = entry(json!(10), Json::Null, json!({ "average_latency_ms": 70.0 }));
    let video = entry(
        json!(5),
        json!(0),
        json!({ "content_type": "video", "frames_total_scanned": 100 }),
    );
    let partly = latency_breakdown(&partly, &[video]);
    assert_eq!(partly["overall"]["average_latency_ms"], Json::Null);
    near(
        &partly["video"],
        &[
            ("average_latency_ms", 0.0),
            ("average_latency_per_frame_ms", 0.0),
        ],
    );
    assert_eq!(partly["image"]["average_latency_ms"], Json::Null);
}

#[test]
fn latency_breakdown_keeps_all_types() {
    let types = (0..10).map(|at| {
        entry(
            json!(at + 1),
            json!(10),
            json!({ "content_type": format!("type {at}") }),
        )
    });
    let types: Vec<Json> = types.collect();
    let breakdown = latency_breakdown(&entry(json!(5), json!(100), json!({})), &types);
    near(&breakdown["overall"], &[("average_latency_ms", 20.0)]);
    assert_eq!(breakdown["by_type"].as_object().unwrap().len(), 10);
    near(
        &breakdown["by_type"]["type 4"],
        &[("average_latency_ms", 2.0)],
    );
}

#[test]
fn latency_breakdown_takes_other_names_and_numbers_in_texts() {
    let bucket = json!({ "scans": 1, "duration_total_ms": 200 });
    let totals = json!({ "scans": 2, "duration_total_ms": 400, "frames_total_scanned": 100,
        "acceleration": { "accelerated": bucket, "non_accelerated": bucket } });
    let overall = &latency_breakdown(&totals, &[])["overall"];
    near(
        overall,
        &[
            ("average_latency_ms", 200.0),
            ("average_latency_per_frame_ms", 4.0),
        ],
    );
    for name in ["accelerated", "non_accelerated"] {
        near(
            &overall["acceleration"][name],
            &[("average_latency_ms", 200.0)],
        );
    }
    let texts = json!({ "content_type": "video", "scans": "5", "duration_total_ms": "1000",
        "frames_total_scanned": "500", "frame_coverage_rate": "0.95" });
    let negative = json!({ "content_type": "image", "scans": 0, "duration_total_ms": -50 });
    let mixed = latency_breakdown(&json!({}), &[texts, negative]);
    near(
        &mixed["video"],
        &[
            ("scans", 5.0),
            ("average_latency_ms", 200.0),
            ("average_latency_per_frame_ms", 2.0),
        ],
    );
    near(&mixed["video"], &[("frame_coverage_rate", 0.95)]);
    assert_eq!(mixed["image"]["average_latency_ms"], Json::Null);
    assert_eq!(mixed["image"]["average_latency_per_frame_ms"], Json::Null);
}
