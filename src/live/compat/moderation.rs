//! Scans as a moderation bot hands them to its metrics. What identifies a person or a file is left out: ids, names and types
//! of files, references, texts around.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Number, Value as Json, json};

use super::super::event::{self, Event, Refused};
use super::super::json;

/// The kind that a scan becomes.
pub const KIND: &str = "scan";
pub(super) const STATUS: &str = "scan_complete";
/// Characters of a status.
const LONGEST_STATUS: usize = 32;
/// A category with this score is a flag.
const FLAG: f64 = 0.5;
/// Bytes of details that the kind keeps.
const MOST_DETAILS: usize = 8192;

/// What is kept of a scan's result beside the counted numbers.
const SCAN: [&str; 15] = [
    "is_nsfw",
    "category",
    "score",
    "reason",
    "threshold",
    "summary_categories",
    "flagged_any",
    "max_similarity",
    "max_category",
    "high_accuracy",
    "clip_threshold",
    "similarity",
    "video_frames_scanned",
    "video_frames_target",
    "video_frames_media_total",
];

/// Reads a line of JSON with what the bot knows of a scan. A number that is none, negative or text costs itself, never the
/// scan.
pub fn event(line: &[u8]) -> Result<Event<'static>, Refused> {
    let json = json::read(line)
        .or_else(|error| json::read(&without_nan(line)).map_err(|_| refused("", error)))?;
    let Json::Object(fields) = json else {
        let expected = "expected an object, such as {\"guild_id\": …, \"scan_result\": …}";
        return Err(refused("", expected));
    };
    let field = |name: &str| fields.get(name).unwrap_or(&Json::Null);
    let scan = field("scan_result").as_object();
    let in_scan = |name: &str| scan.and_then(|scan| scan.get(name)).unwrap_or(&Json::Null);
    let is_flagged = is_truthy(in_scan("is_nsfw"));
    let flags = flags(in_scan("summary_categories"), is_flagged);
    let accelerated = field("accelerated").as_bool();
    let acceleration = match accelerated {
        Some(true) => "accelerated",
        Some(false) => "non_accelerated",
        None => "unknown",
    };
    let content_type = field("content_type")
        .as_str()
        .filter(|text| !text.is_empty());
    let mut event = Event::new(KIND)
        .label("guild", guild(field("guild_id"))?)
        .label("content_type", content_type.unwrap_or("unknown").to_owned())
        .label("status", status(field("status")))
        .label("acceleration", acceleration)
        .value("flagged", i64::from(is_flagged))
        // Of a scan that is not flagged, what stands out does not count.
        .value("flags", if is_flagged { flags } else { 0 });
    event.at = moment(field("occurred_at"))?;
    event.id = field("id").as_str().map(|id| id.to_owned().into());
    let not_negative = |number: &i64| *number >= 0;
    let numbers = [
        (
            "bytes",
            whole(field("file_size"))
                .filter(|bytes| *bytes != 0)
                .map(|bytes| bytes.max(0)),
        ),
        (
            "duration",
            whole(field("scan_duration_ms")).map(|duration| duration.max(0)),
        ),
        (
            "frames",
            whole(in_scan("video_frames_scanned")).filter(not_negative),
        ),
        (
            "frames_target",
            whole(in_scan("video_frames_target")).filter(not_negative),
        ),
        (
            "frames_media",
            whole(in_scan("video_frames_media_total")).filter(not_negative),
        ),
    ];
    for (name, number) in numbers {
        event
            .values
            .extend(number.map(|number| (name.into(), number.into())));
    }
    let mut details = Map::new();
    for name in ["scanner", "source"] {
        let text = field(name).as_str().filter(|text| !text.is_empty());
        details.extend(text.map(|text| (name.to_owned(), json!(text))));
    }
    details.extend(accelerated.map(|yes| ("accelerated".to_owned(), json!(yes))));
    details.insert("flags_count".to_owned(), json!(flags));
    Ok(event.details(with_scan(details, scan)))
}

/// Adds what is kept of the result, as far as there is room.
fn with_scan(mut details: Map<String, Json>, scan: Option<&Map<String, Json>>) -> Json {
    let all = scan.map(kept).unwrap_or_default();
    let mut short = all.clone();
    short.remove("summary_categories");
    for kept in [all, short] {
        if kept.is_empty() {
            continue;
        }
        details.insert("scan".to_owned(), Json::Object(kept));
        let json = json!(details);
        if json.to_string().len() <= MOST_DETAILS {
            return json;
        }
        details.remove("scan");
    }
    json!(details)
}

fn kept(scan: &Map<String, Json>) -> Map<String, Json> {
    let known = SCAN
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), scan.get(*name)?.clone())));
    let mut kept: Map<String, Json> = known.collect();
    let categories = scan.get("summary_categories").and_then(Json::as_object);
    let mut scores: Vec<(&String, f64)> = categories
        .into_iter()
        .flatten()
        .filter_map(|(category, json)| Some((category, score(json)?)))
        .collect();
    scores.sort_by(|one, other| other.1.total_cmp(&one.1));
    let top: Vec<Json> = scores
        .iter()
        .take(5)
        .map(|(category, score)| json!({ "category": category, "score": score }))
        .collect();
    if !top.is_empty() {
        kept.insert("top_summary_categories".to_owned(), json!(top));
    }
    kept
}

/// So many categories stand out; without categories the verdict counts.
fn flags(categories: &Json, is_flagged: bool) -> i64 {
    match categories.as_object() {
        Some(categories) => {
            let scores = categories.values().filter_map(score);
            scores.filter(|score| *score >= FLAG).count() as i64
        }
        None => i64::from(is_flagged),
    }
}

/// Yes and no are numbers to the bot.
fn score(json: &Json) -> Option<f64> {
    match json {
        Json::Bool(yes) => Some(f64::from(*yes)),
        json => json.as_f64(),
    }
}

/// No guild is guild 0.
fn guild(json: &Json) -> Result<String, Refused> {
    match (json, whole(json)) {
        (Json::Null, _) => Ok("0".to_owned()),
        (_, Some(guild)) => Ok(guild.to_string()),
        (_, None) => Err(refused("guild_id", "expected a whole number")),
    }
}

fn status(json: &Json) -> String {
    let text = match json {
        Json::String(text) => text.trim(),
        _ => "",
    };
    match text {
        "" => STATUS.to_owned(),
        text => text.chars().take(LONGEST_STATUS).collect(),
    }
}

/// A moment without a zone is one in UTC.
fn moment(json: &Json) -> Result<Option<DateTime<Utc>>, Refused> {
    let naive = |text: &str| {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        let parsed = |format| NaiveDateTime::parse_from_str(text, format).ok();
        formats.into_iter().find_map(parsed).map(|at| at.and_utc())
    };
    match (json, json.as_str().and_then(naive)) {
        (Json::Null, _) => Ok(None),
        (_, Some(at)) => Ok(Some(at)),
        _ => event::moment(json)
            .map(Some)
            .map_err(|wrong| refused("occurred_at", wrong.error)),
    }
}

/// The whole number that this is to the bot: fractions are cut off, digits in a text count.
fn whole(json: &Json) -> Option<i64> {
    match json {
        Json::Bool(yes) => Some(i64::from(*yes)),
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.as_i64().or_else(|| cut_off(number)),
        _ => None,
    }
}

fn cut_off(number: &Number) -> Option<i64> {
    let float = number.as_f64()?.trunc();
    (float.abs() < 9.2e18).then_some(float as i64)
}

/// As in the bot's own language.
fn is_truthy(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(yes) => *yes,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
    }
}

/// The bot's JSON may have words for numbers that are none.
pub(super) fn without_nan(line: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(line.len());
    let (mut rest, mut is_in_text) = (line, false);
    while let Some((first, after)) = rest.split_first() {
        let words = [&b"NaN"[..], b"-Infinity", b"Infinity"];
        let word = words.into_iter().find(|word| rest.starts_with(word));
        if let Some(word) = word.filter(|_| !is_in_text) {
            mended.extend(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        mended.push(*first);
        rest = after;
        match (first, rest.split_first()) {
            (b'"', _) => is_in_text = !is_in_text,
            (b'\\', Some((escaped, after))) => {
                mended.push(*escaped);
                rest = after;
            }
            _ => {}
        }
    }
    mended
}

fn refused(field: &str, error: impl Into<String>) -> Refused {
    Refused {
        field: field.to_owned(),
        error: error.into(),
    }
}
