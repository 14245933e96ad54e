//! The latency breakdown of the moderation bot's dashboards, made of its totals and its summary.

use serde_json::{Map, Value as Json, json};

use super::scan_sums::ACCELERATIONS;

/// Names of a field: those of totals and rollups, and those of summaries.
type Names = [&'static str; 2];
const SCANS: Names = ["scans", "scans_count"];
const DURATION: Names = ["duration_total_ms", "total_duration_ms"];
const FRAMES: Names = ["frames_total_scanned", "total_frames_scanned"];
const AVERAGE: &str = "average_latency_ms";
const PER_FRAME: &str = "average_latency_per_frame_ms";
const COVERAGE: &str = "frame_coverage_rate";

/// As `compute_latency_breakdown` answers. A number may be a text; one that cannot be computed is null.
pub fn latency_breakdown(totals: &Json, summary: &[Json]) -> Json {
    let content_type = |row: &Json| match row["content_type"].as_str() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "unknown".to_owned(),
    };
    let rows = summary.iter().map(|row| (content_type(row), row));
    let by_type: Map<String, Json> = rows
        .map(|(name, row)| (name.clone(), with_buckets(&name, row)))
        .collect();
    let of_type = |name: &str| {
        by_type
            .get(name)
            .cloned()
            .unwrap_or_else(|| with_buckets(name, &Json::Null))
    };
    json!({
        "overall": with_buckets("overall", totals),
        "video": of_type("video"),
        "image": of_type("image"),
        "by_type": by_type,
    })
}

fn with_buckets(label: &str, row: &Json) -> Json {
    let bucket = |name: &str| (name.to_owned(), latency(name, &row["acceleration"][name]));
    let mut latency = latency(label, row);
    // Who does not count by acceleration says null.
    let is_unknown = row.get("acceleration").is_some_and(Json::is_null);
    latency["acceleration"] = match is_unknown {
        true => Json::Null,
        false => Json::Object(ACCELERATIONS.into_iter().map(bucket).collect()),
    };
    latency
}

fn latency(label: &str, row: &Json) -> Json {
    let field = |names: Names| names.into_iter().find_map(|name| number(&row[name]));
    let (scans, duration, frames) = (field(SCANS), field(DURATION), field(FRAMES));
    let computed = part(duration, scans);
    // An average over the scans that carried a duration is better than one over all, but never stands without its sum.
    let average = computed.and_then(|computed| number(&row[AVERAGE]).or(Some(computed)));
    let per_frame = number(&row[PER_FRAME]).or_else(|| part(duration, frames));
    json!({
        "label": label,
        "scans": whole(scans.or(Some(0.0))),
        "total_duration_ms": whole(duration),
        "average_latency_ms": average,
        "frames_scanned": whole(frames),
        "average_latency_per_frame_ms": per_frame,
        "frame_coverage_rate": number(&row[COVERAGE]),
    })
}

fn part(sum: Option<f64>, of: Option<f64>) -> Option<f64> {
    let of = of.filter(|of| *of > 0.0)?;
    sum.map(|sum| sum / of).filter(|part| part.is_finite())
}

fn number(json: &Json) -> Option<f64> {
    let number = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Counts are whole numbers.
fn whole(number: Option<f64>) -> Json {
    match number {
        Some(number) if number.fract() == 0.0 && number.abs() < 9e15 => json!(number as i64),
        number => json!(number),
    }
}
