//! What the moderation bot's own test expects of three scans: two images on one day, a video on the next.

use serde_json::Value as Json;

/// The moments of the three, and their days.
pub(crate) const AT: [&str; 3] = [
    "2026-11-18T12:00:00Z",
    "2026-11-18T13:00:00Z",
    "2026-11-19T12:00:00Z",
];
const DAYS: [&str; 2] = ["2026-11-18", "2026-11-19"];
const NOTHING: [(&str, f64); 6] = [
    ("average_bytes", 0.0),
    ("bytes_std_dev", 0.0),
    ("average_latency_ms", 0.0),
    ("latency_std_dev_ms", 0.0),
    ("frames_per_second", 0.0),
    ("frame_coverage_rate", 0.0),
];

pub(crate) fn near(row: &Json, expected: &[(&str, f64)]) {
    for (name, expected) in expected {
        let found = row[*name].as_f64();
        let found = found.unwrap_or_else(|| panic!("{name} is no number: {row}"));
        assert!(
            (found - expected).abs() < 1e-9,
            "{name}: {found}, expected {expected}: {row}"
        );
    }
}

/// The image's numbers under the names of rollups.
const IMAGE: [(&str, f64); 20] = [
    ("scans_count", 2.0),
    ("flagged_count", 1.0),
    ("flags_sum", 2.0),
    ("total_bytes", 3000.0),
    ("total_bytes_sq", 4_500_000.0),
    ("total_duration_ms", 200.0),
    ("total_duration_sq_ms", 20_800.0),
    ("last_latency_ms", 80.0),
    ("average_latency_ms", 100.0),
    ("latency_std_dev_ms", 20.0),
    ("average_bytes", 1500.0),
    ("bytes_std_dev", 0.0),
    ("flagged_rate", 0.5),
    ("average_flags_per_scan", 1.0),
    ("total_frames_scanned", 0.0),
    ("total_frames_target", 0.0),
    ("average_frames_per_scan", 0.0),
    ("average_latency_per_frame_ms", 100.0),
    ("frames_per_second", 0.0),
    ("frame_coverage_rate", 0.0),
];

const VIDEO: [(&str, f64); 18] = [
    ("scans_count", 1.0),
    ("flagged_count", 0.0),
    ("flags_sum", 0.0),
    ("total_bytes", 500.0),
    ("average_bytes", 500.0),
    ("bytes_std_dev", 0.0),
    ("last_latency_ms", 60.0),
    ("average_latency_ms", 60.0),
    ("latency_std_dev_ms", 0.0),
    ("total_duration_sq_ms", 3600.0),
    ("flagged_rate", 0.0),
    ("average_flags_per_scan", 0.0),
    ("total_frames_scanned", 15.0),
    ("total_frames_target", 30.0),
    ("total_frames_media", 40.0),
    ("average_frames_per_scan", 15.0),
    ("average_latency_per_frame_ms", 4.0),
    ("frames_per_second", 250.0),
];

pub(crate) fn expect_rollups(rows: &[Json], guild: &Json) {
    let [video, image] = rows else {
        panic!("two rows, the newest day first: {rows:?}")
    };
    for (row, day, content_type) in [(video, DAYS[1], "video"), (image, DAYS[0], "image")] {
        assert_eq!(
            (&row["metric_date"], &row["content_type"]),
            (&day.into(), &content_type.into())
        );
        assert_eq!(row["guild_id"], *guild);
        assert_eq!(row["last_reference"], Json::Null);
        assert!(row["updated_at"].is_string(), "{row}");
    }
    near(video, &VIDEO);
    near(video, &[("frame_coverage_rate", 0.375)]);
    near(&video["acceleration"]["non_accelerated"], &VIDEO);
    near(&video["acceleration"]["accelerated"], &NOTHING);
    near(&video["acceleration"]["unknown"], &NOTHING);
    assert_eq!(
        video["status_counts"],
        serde_json::json!({ "unsupported_type": 1 })
    );
    assert_eq!(video["last_status"], "unsupported_type");
    assert_eq!(video["last_flagged_at"], Json::Null);
    expect_details(&video["last_details"]);
    near(image, &IMAGE);
    near(&image["acceleration"]["accelerated"], &IMAGE);
    near(&image["acceleration"]["non_accelerated"], &NOTHING);
    assert_eq!(image["acceleration"]["accelerated"]["last_at"], AT[1]);
    assert_eq!(
        image["status_counts"],
        serde_json::json!({ "scan_complete": 2 })
    );
    assert_eq!(image["last_flagged_at"], AT[0]);
    assert_eq!(image["last_details"]["flags_count"], 2);
    assert_eq!(
        image["acceleration"]["accelerated"]["last_details"]["flags_count"],
        0
    );
}

fn expect_details(details: &Json) {
    assert_eq!(
        (&details["scanner"], &details["source"]),
        (&"nsfw_scanner".into(), &"attachment".into())
    );
    let workload = &details["workload"];
    near(workload, &[("bytes", 500.0), ("duration_ms", 60.0)]);
    near(
        workload,
        &[
            ("frames_scanned", 15.0),
            ("frames_target", 30.0),
            ("frames_media_total", 40.0),
        ],
    );
    let scan = &details["scan"];
    near(
        scan,
        &[
            ("video_frames_scanned", 15.0),
            ("video_frames_target", 30.0),
            ("video_frames_media_total", 40.0),
        ],
    );
    assert_eq!(
        (&details["context"], &details["file"]),
        (&Json::Null, &Json::Null)
    );
}

pub(crate) fn expect_summary(rows: &[Json]) {
    let [image, video] = rows else {
        panic!("two rows, the most scans first: {rows:?}")
    };
    assert_eq!(
        (&image["content_type"], &video["content_type"]),
        (&"image".into(), &"video".into())
    );
    near(
        image,
        &[
            ("scans", 2.0),
            ("flagged", 1.0),
            ("flags_sum", 2.0),
            ("bytes_total", 3000.0),
        ],
    );
    near(
        image,
        &[
            ("duration_total_ms", 200.0),
            ("duration_total_sq_ms", 20_800.0),
            ("bytes_total_sq", 4_500_000.0),
        ],
    );
    near(
        image,
        &[
            ("average_latency_ms", 100.0),
            ("latency_std_dev_ms", 20.0),
            ("flagged_rate", 0.5),
        ],
    );
    near(
        &image["acceleration"]["accelerated"],
        &[("scans", 2.0), ("average_latency_ms", 100.0)],
    );
    near(
        video,
        &[
            ("scans", 1.0),
            ("bytes_total", 500.0),
            ("average_latency_ms", 60.0),
        ],
    );
    near(
        video,
        &[
            ("frames_total_scanned", 15.0),
            ("frames_total_target", 30.0),
            ("frames_total_media", 40.0),
        ],
    );
    near(
        video,
        &[
            ("average_frames_per_scan", 15.0),
            ("average_latency_per_frame_ms", 4.0),
        ],
    );
    near(
        video,
        &[("frames_per_second", 250.0), ("frame_coverage_rate", 0.375)],
    );
    near(
        &video["acceleration"]["non_accelerated"],
        &[("scans", 1.0), ("frames_per_second", 250.0)],
    );
    near(&video["acceleration"]["accelerated"], &[("scans", 0.0)]);
}

pub(crate) fn expect_totals(totals: &Json) {
    near(
        totals,
        &[
            ("scans_count", 3.0),
            ("flagged_count", 1.0),
            ("flags_sum", 2.0),
            ("total_bytes", 3500.0),
        ],
    );
    near(
        totals,
        &[
            ("total_duration_ms", 260.0),
            ("total_duration_sq_ms", 24_400.0),
            ("last_latency_ms", 60.0),
        ],
    );
    near(
        totals,
        &[
            ("total_frames_scanned", 15.0),
            ("total_frames_target", 30.0),
            ("total_frames_media", 40.0),
        ],
    );
    // By hand: n * sum of squares - sum^2 = 3 * 24400 - 260^2 = 5600, and 3 * 4750000 - 3500^2 = 2000000.
    near(
        totals,
        &[
            ("average_latency_ms", 260.0 / 3.0),
            ("latency_std_dev_ms", 5600_f64.sqrt() / 3.0),
        ],
    );
    near(
        totals,
        &[
            ("average_bytes", 3500.0 / 3.0),
            ("bytes_std_dev", 2_000_000_f64.sqrt() / 3.0),
        ],
    );
    near(
        totals,
        &[
            ("flagged_rate", 1.0 / 3.0),
            ("average_flags_per_scan", 2.0 / 3.0),
        ],
    );
    near(
        totals,
        &[
            ("average_frames_per_scan", 5.0),
            ("average_latency_per_frame_ms", 260.0 / 15.0),
        ],
    );
    near(
        totals,
        &[
            ("frames_per_second", 15_000.0 / 260.0),
            ("frame_coverage_rate", 0.375),
        ],
    );
    assert_eq!(
        totals["status_counts"],
        serde_json::json!({ "scan_complete": 2, "unsupported_type": 1 })
    );
    assert_eq!(
        (&totals["last_status"], &totals["last_flagged_at"]),
        (&"unsupported_type".into(), &AT[0].into())
    );
    assert_eq!(totals["last_reference"], Json::Null);
    expect_details(&totals["last_details"]);
    let acceleration = &totals["acceleration"];
    near(
        &acceleration["accelerated"],
        &[
            ("scans_count", 2.0),
            ("total_duration_ms", 200.0),
            ("latency_std_dev_ms", 20.0),
        ],
    );
    near(
        &acceleration["accelerated"],
        &[
            ("total_frames_scanned", 0.0),
            ("average_latency_per_frame_ms", 100.0),
        ],
    );
    near(&acceleration["non_accelerated"], &VIDEO);
    near(&acceleration["unknown"], &NOTHING);
}
