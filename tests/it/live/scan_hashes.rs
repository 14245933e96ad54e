//! The moderation bot's hashes, written as its own commands write them, are read as its dashboards expect.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use daybook::live::compat::latency::latency_breakdown;
use daybook::live::compat::scan_hashes::{
    GuildZero, Hashes, RollupKey, ScanRow, Wanted, rollups, summary, sums, wanted_keys,
};
use daybook::live::compat::scan_questions::{rollup, summary_rows};
use daybook::live::compat::scan_sums::{Measure, ScanSums};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::three_scans::{AT, expect_rollups, expect_summary, expect_totals, near};

const PREFIX: &str = "moderator:metrics";
const FULL: i128 = 9_223_372_036_854_775_807;

/// Redis as far as the bot uses it: one command after another, in its later form.
#[derive(Default)]
struct Redis {
    hashes: BTreeMap<String, HashMap<String, String>>,
    index: BTreeMap<String, i64>,
}

#[derive(Clone)]
struct Scan {
    at: &'static str,
    guild: i64,
    content_type: &'static str,
    status: &'static str,
    /// `None`: it is not flagged.
    flags: Option<i64>,
    size: Option<i128>,
    duration: Option<i128>,
    frames: [Option<i64>; 3],
    accelerated: Option<bool>,
}

impl Redis {
    fn set(&mut self, key: &str, field: String, text: impl ToString) {
        self.hashes
            .entry(key.to_owned())
            .or_default()
            .insert(field, text.to_string());
    }

    /// A counter that is full stays so, with the exact sum beside it.
    fn add(&mut self, key: &str, field: &str, count: i128) {
        let hash = self.hashes.entry(key.to_owned()).or_default();
        let number = |field: &str| {
            hash.get(field)
                .map_or(0, |text| text.parse::<i128>().unwrap())
        };
        let beside = format!("{field}_exact");
        let sum = count
            + match number(field) {
                FULL => number(&beside),
                other => other,
            };
        if sum >= FULL {
            hash.insert(beside, sum.to_string());
        }
        hash.insert(field.to_owned(), sum.min(FULL).to_string());
    }

    fn scan(&mut self, scan: &Scan) {
        let at: DateTime<Utc> = scan.at.parse().unwrap();
        let date = at.format("%Y-%m-%d").to_string();
        let content_type = scan.content_type.replace('/', "%2F").replace(' ', "%20");
        let guilds = if scan.guild == 0 {
            vec![0]
        } else {
            vec![scan.guild, 0]
        };
        let days = at
            .date_naive()
            .signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap())
            .num_days();
        for guild in guilds {
            let key = format!("{PREFIX}:rollup:{date}:{guild}:{content_type}");
            self.set(&key, "metric_date".to_owned(), &date);
            self.hash(&key, scan);
            self.index.insert(key, 719_163 + days);
        }
        self.hash(&format!("{PREFIX}:totals"), scan);
    }

    fn hash(&mut self, key: &str, scan: &Scan) {
        let bucket = match scan.accelerated {
            Some(true) => "accelerated_",
            Some(false) => "non_accelerated_",
            None => "unknown_acceleration_",
        };
        let details = json!({
            "scanner": "nsfw_scanner", "source": "attachment", "flags_count": scan.flags.unwrap_or(0), "status": scan.status,
            "scan": { "video_frames_scanned": scan.frames[0], "video_frames_target": scan.frames[1], "video_frames_media_total": scan.frames[2] },
            "workload": { "bytes": scan.size.map(|size| size as i64), "duration_ms": scan.duration.map(|duration| duration as i64),
                "frames_scanned": scan.frames[0], "frames_target": scan.frames[1], "frames_media_total": scan.frames[2] },
        });
        for prefix in ["", bucket] {
            self.counters(key, prefix, scan);
        }
        let at = scan.at.replace('Z', "+00:00");
        self.set(key, "last_status".to_owned(), scan.status);
        self.set(key, "updated_at".to_owned(), &at);
        if scan.flags.is_some() || scan.status != "scan_complete" {
            self.set(key, "last_details".to_owned(), &details);
        }
        self.set(key, format!("{bucket}last_at"), &at);
        self.set(key, format!("{bucket}last_status"), scan.status);
        self.set(key, format!("{bucket}last_details"), &details);
        if scan.flags.is_some() {
            self.set(key, "last_flagged_at".to_owned(), &at);
            self.set(key, format!("{bucket}last_flagged_at"), &at);
        }
        self.add(&format!("{key}:status"), scan.status, 1);
    }

    fn counters(&mut self, key: &str, prefix: &str, scan: &Scan) {
        let name = |name: &str| format!("{prefix}{name}");
        self.add(key, &name("scans_count"), 1);
        if let Some(flags) = scan.flags {
            self.add(key, &name("flagged_count"), 1);
            self.add(key, &name("flags_sum"), flags.into());
        }
        match scan.size {
            Some(size) => {
                self.add(key, &name("total_bytes"), size);
                self.add(key, &name("total_bytes_sq"), size * size);
            }
            None => self.add(key, &name("bytes_missing"), 1),
        }
        self.set(key, name("last_duration_ms"), scan.duration.unwrap_or(0));
        match scan.duration {
            Some(duration) => {
                self.add(key, &name("total_duration_ms"), duration);
                self.add(key, &name("total_duration_sq_ms"), duration * duration);
            }
            None => self.add(key, &name("duration_missing"), 1),
        }
        for (frames, kind) in scan.frames.iter().zip(["scanned", "target", "media"]) {
            if let Some(frames) = frames {
                self.add(
                    key,
                    &name(&format!("total_frames_{kind}")),
                    (*frames).into(),
                );
            }
        }
    }

    /// Baselines of all counters; nothing is set to 0.
    fn reset(&mut self) {
        let is_counter =
            |name: &str| !name.contains("last_") && name != "metric_date" && name != "updated_at";
        let baselines = self.hashes.iter().map(|(key, hash)| {
            let counters = hash.iter().filter(|(name, _)| is_counter(name));
            let counters = counters.map(|(name, count)| (name.clone(), count.clone()));
            (format!("{key}:baseline"), counters.collect())
        });
        let baselines: Vec<_> = baselines.collect();
        self.hashes.extend(baselines);
    }

    fn hashes(&self, key: &str) -> Hashes {
        let hash = |behind: &str| {
            self.hashes
                .get(&format!("{key}{behind}"))
                .cloned()
                .unwrap_or_default()
        };
        Hashes {
            counters: hash(""),
            baseline: hash(":baseline"),
            status: hash(":status"),
            status_baseline: hash(":status:baseline"),
        }
    }

    fn read(&self, wanted: &Wanted) -> Vec<(RollupKey, Hashes)> {
        let keys = wanted_keys(self.index.keys().map(String::as_str), wanted);
        keys.into_iter()
            .map(|key| (key.clone(), self.hashes(&key.key)))
            .collect()
    }

    fn rows(&self, wanted: &Wanted, limit: usize) -> Vec<ScanRow> {
        rollups(&self.read(wanted), wanted, GuildZero::Everything, limit).unwrap()
    }

    fn rollups(&self, wanted: &Wanted) -> Vec<Json> {
        self.rows(wanted, 10).into_iter().map(rollup).collect()
    }

    fn summary(&self, wanted: &Wanted) -> Vec<Json> {
        summary_rows(&summary(&self.read(wanted), wanted, GuildZero::Everything))
    }

    fn totals(&self) -> Json {
        Json::Object(sums(&self.hashes(&format!("{PREFIX}:totals"))).totals())
    }
}

fn of_guild(guild: i64) -> Wanted {
    Wanted {
        guild: Some(guild),
        ..Wanted::default()
    }
}

fn image(at: &'static str, duration: i128) -> Scan {
    Scan {
        at,
        guild: 123,
        content_type: "image",
        status: "scan_complete",
        flags: None,
        size: Some(1500),
        duration: Some(duration),
        frames: [None; 3],
        accelerated: Some(true),
    }
}

fn three_scans() -> Redis {
    let mut redis = Redis::default();
    redis.scan(&Scan {
        flags: Some(2),
        ..image(AT[0], 120)
    });
    redis.scan(&image(AT[1], 80));
    redis.scan(&Scan {
        content_type: "video",
        status: "unsupported_type",
        size: Some(500),
        frames: [Some(15), Some(30), Some(40)],
        accelerated: Some(false),
        ..image(AT[2], 60)
    });
    redis
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

#[test]
fn media_scan_metrics_flow() {
    let redis = three_scans();
    expect_rollups(&redis.rollups(&of_guild(123)), &json!(123));
    expect_rollups(&redis.rollups(&Wanted::default()), &Json::Null);
    expect_summary(&redis.summary(&of_guild(123)));
    expect_summary(&redis.summary(&Wanted::default()));
    expect_totals(&redis.totals());
    let since = Wanted {
        since: day("2026-11-19"),
        ..Wanted::default()
    };
    let recent = redis.rollups(&since);
    assert_eq!(
        (recent.len(), &recent[0]["content_type"]),
        (1, &json!("video"))
    );
}

#[test]
fn resetting_raw_sums_clears_what_is_derived_from_them() {
    let mut redis = three_scans();
    let sums = [
        "total_bytes",
        "total_bytes_sq",
        "total_duration_ms",
        "total_duration_sq_ms",
        "total_frames_scanned",
    ];
    for hash in redis.hashes.values_mut() {
        for field in sums
            .iter()
            .filter(|field| hash.contains_key(**field))
            .collect::<Vec<_>>()
        {
            hash.insert((*field).to_string(), "0".to_owned());
        }
    }
    let cleared = [
        ("average_latency_ms", 0.0),
        ("latency_std_dev_ms", 0.0),
        ("average_bytes", 0.0),
        ("bytes_std_dev", 0.0),
        ("average_latency_per_frame_ms", 0.0),
        ("frames_per_second", 0.0),
        ("frame_coverage_rate", 0.0),
    ];
    near(&redis.totals(), &cleared);
    near(&redis.totals(), &[("scans_count", 3.0)]);
    redis
        .summary(&of_guild(123))
        .iter()
        .for_each(|row| near(row, &cleared));
    redis
        .rollups(&of_guild(123))
        .iter()
        .for_each(|row| near(row, &cleared));
}

#[test]
fn a9_baselines_of_all_counters_make_averages_those_since_the_reset() {
    let mut redis = Redis::default();
    for duration in [100, 200] {
        redis.scan(&Scan {
            flags: Some(3),
            size: Some(1000),
            ..image(AT[0], duration)
        });
    }
    redis.reset();
    redis.scan(&Scan {
        size: Some(4000),
        ..image(AT[0], 400)
    });
    redis.scan(&Scan {
        size: Some(8000),
        accelerated: Some(false),
        ..image(AT[0], 600)
    });
    let expected = [
        ("average_latency_ms", 500.0),
        ("latency_std_dev_ms", 100.0),
        ("average_bytes", 6000.0),
        ("bytes_std_dev", 2000.0),
        ("average_flags_per_scan", 0.0),
        ("flagged_rate", 0.0),
    ];
    let (totals, summary) = (redis.totals(), redis.summary(&of_guild(123)));
    near(&totals, &expected);
    near(&totals, &[("scans_count", 2.0)]);
    near(
        &totals["acceleration"]["accelerated"],
        &[("scans_count", 1.0), ("average_latency_ms", 400.0)],
    );
    near(
        &totals["acceleration"]["non_accelerated"],
        &[("scans_count", 1.0), ("average_latency_ms", 600.0)],
    );
    assert_eq!(totals["status_counts"], json!({ "scan_complete": 2 }));
    near(&summary[0], &expected);
    let breakdown = latency_breakdown(&totals, &summary);
    near(
        &breakdown["overall"],
        &[("scans", 2.0), ("average_latency_ms", 500.0)],
    );
    near(
        &breakdown["image"],
        &[("scans", 2.0), ("average_latency_ms", 500.0)],
    );
    // A counter that somebody set to 0 behind the baseline counts from there.
    let totals = redis.hashes.get_mut(&format!("{PREFIX}:totals")).unwrap();
    totals.insert("total_bytes".to_owned(), "7".to_owned());
    near(&redis.totals(), &[("total_bytes", 7.0)]);
}

#[test]
fn a_reset_covers_totals_of_frames_of_every_acceleration() {
    let mut redis = Redis::default();
    for accelerated in [Some(true), Some(false), None] {
        redis.scan(&Scan {
            accelerated,
            frames: [Some(5), Some(6), Some(7)],
            ..image(AT[0], 1)
        });
    }
    redis.reset();
    let totals = redis.totals();
    let buckets = totals["acceleration"].as_object().unwrap().values();
    for bucket in buckets.chain([&totals]) {
        for field in ["scanned", "target", "media"] {
            near(bucket, &[(format!("total_frames_{field}").as_str(), 0.0)]);
        }
        near(bucket, &[("total_bytes", 0.0), ("scans_count", 0.0)]);
    }
}

#[test]
fn a1_full_counters_are_read_from_the_exact_sum_beside_them() {
    let mut redis = Redis::default();
    // Their squares alone are larger than 64 bits.
    for size in [4_000_000_000_i128, 4_000_000_001] {
        redis.scan(&Scan {
            size: Some(size),
            ..image(AT[0], 10)
        });
    }
    let counters = &redis.hashes[&format!("{PREFIX}:totals")];
    assert_eq!(counters["total_bytes_sq"], FULL.to_string());
    near(
        &redis.totals(),
        &[("average_bytes", 4_000_000_000.5), ("bytes_std_dev", 0.5)],
    );
    redis.reset();
    redis.scan(&Scan {
        size: Some(5_000_000_000),
        ..image(AT[0], 10)
    });
    redis.scan(&Scan {
        size: Some(5_000_000_004),
        ..image(AT[0], 10)
    });
    near(
        &redis.totals(),
        &[("average_bytes", 5_000_000_002.0), ("bytes_std_dev", 2.0)],
    );
}

#[test]
fn a7_filters_come_before_the_limit() {
    let mut redis = Redis::default();
    for hour in 0..60 {
        let at = Box::leak(format!("2026-11-19T00:{hour:02}:00Z").into_boxed_str());
        let content_type = Box::leak(format!("type/{hour}").into_boxed_str());
        redis.scan(&Scan {
            content_type,
            ..image(at, 1)
        });
    }
    redis.scan(&Scan {
        content_type: "rare",
        ..image("2026-01-01T00:00:00Z", 1)
    });
    let wanted = Wanted {
        content_type: Some("rare".to_owned()),
        ..of_guild(123)
    };
    let rows = redis.rows(&wanted, 1);
    assert_eq!((rows.len(), rows[0].content_type.as_str()), (1, "rare"));
    assert_eq!(
        redis
            .rows(
                &Wanted {
                    content_type: Some("type/7".to_owned()),
                    ..Wanted::default()
                },
                5
            )
            .len(),
        1
    );
    assert_eq!(redis.rows(&of_guild(123), 7).len(), 7);
    let refused = rollups(&redis.read(&wanted), &wanted, GuildZero::Everything, 0);
    assert_eq!(refused.unwrap_err(), "limit 0: expected at least 1");
}

#[test]
fn a8_imported_days_stay_in_views_of_all_guilds() {
    let mut redis = Redis::default();
    // As an import leaves it: no rollup of guild 0, no squares.
    let key = format!("{PREFIX}:rollup:2026-11-17:123:image");
    redis.add(&key, "scans_count", 300);
    redis.add(&key, "total_duration_ms", 3000);
    redis.index.insert(key, 739_937);
    redis.scan(&image("2026-11-17T10:00:00Z", 40));
    redis.scan(&image(AT[0], 50));
    let counts = |redis: &Redis| -> Vec<i128> {
        let rows = redis.rows(&Wanted::default(), 10).into_iter();
        rows.map(|row| row.sums.all.scans).collect()
    };
    assert_eq!(counts(&redis), [1, 301]);
    near(
        &redis.summary(&Wanted::default())[0],
        &[("scans", 302.0), ("duration_total_ms", 3090.0)],
    );
    // Scans without a guild are in guild 0's row only, which then has the most.
    redis.scan(&Scan {
        guild: 0,
        ..image(AT[0], 50)
    });
    assert_eq!(counts(&redis), [2, 301]);
    // In the documented form guild 0 counts nothing else, so both are added.
    let read = redis.read(&Wanted::default());
    let rows = rollups(&read, &Wanted::default(), GuildZero::Guildless, 10).unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| row.sums.all.scans)
            .collect::<Vec<_>>(),
        [3, 302]
    );
    // Squares that an import never had make a deviation unknown, not 0.
    let imported = redis.rollups(&of_guild(123)).remove(1);
    assert_eq!(imported["latency_std_dev_ms"], Json::Null);
}

#[test]
fn a13_averages_are_those_of_scans_that_carried_the_number() {
    let mut redis = Redis::default();
    redis.scan(&Scan {
        size: Some(1000),
        ..image(AT[0], 100)
    });
    redis.scan(&Scan {
        size: None,
        duration: None,
        ..image(AT[1], 0)
    });
    let expected = [
        ("scans_count", 2.0),
        ("average_bytes", 1000.0),
        ("average_latency_ms", 100.0),
        ("bytes_std_dev", 0.0),
        ("last_latency_ms", 0.0),
        ("average_latency_per_frame_ms", 100.0),
    ];
    near(&redis.totals(), &expected);
    // Hashes that the bot wrote do not tell which scans did: all count, as it counts them.
    let totals = redis.hashes.get_mut(&format!("{PREFIX}:totals")).unwrap();
    totals.retain(|name, _| !name.ends_with("_missing"));
    near(
        &redis.totals(),
        &[
            ("average_bytes", 500.0),
            ("average_latency_ms", 50.0),
            ("bytes_std_dev", 500.0),
        ],
    );
}

#[test]
fn a16_deviations_of_huge_tight_numbers_do_not_cancel() {
    for base in [
        100_000_000_i128,
        1 << 40,
        1 << 50,
        3_000_000_000_000_000_000,
    ] {
        let mut redis = Redis::default();
        for scan in 0..10 {
            redis.scan(&Scan {
                size: Some(base + scan % 2),
                ..image(AT[0], 1)
            });
        }
        near(&redis.totals(), &[("bytes_std_dev", 0.5)]);
    }
}

#[test]
fn a17_rows_whose_hash_is_gone_are_left_out() {
    let mut redis = three_scans();
    let deleted = |key: &String| key.contains(":rollup:2026-11-19:123:video");
    redis.hashes.retain(|key, _| !deleted(key));
    let rows = redis.rollups(&of_guild(123));
    assert_eq!((rows.len(), &rows[0]["content_type"]), (1, &json!("image")));
    // It does not count for the limit either.
    assert_eq!(redis.rows(&of_guild(123), 1)[0].content_type, "image");
    assert_eq!(redis.summary(&of_guild(123)).len(), 1);
}

#[test]
fn keys_are_taken_apart_from_the_right() {
    let parsed = |key: &str| {
        RollupKey::parse(key).map(|key| (key.date.to_string(), key.guild, key.content_type))
    };
    let date = || "2025-11-01".to_owned();
    for (key, expected) in [
        (
            "moderator:metrics:rollup:2025-11-01:123:image",
            Some((date(), 123, "image".to_owned())),
        ),
        (
            "a:rollup:b:rollup:2025-11-01:-5:video%2Fx%20y",
            Some((date(), -5, "video/x y".to_owned())),
        ),
        (
            "m:rollup:2025-11-01:1000000000000000000:a%3Ab%C3%A4",
            Some((date(), 1_000_000_000_000_000_000, "a:bä".to_owned())),
        ),
        (
            "m:rollup:2025-11-01:0:%FF%",
            Some((date(), 0, "\u{fffd}%".to_owned())),
        ),
        ("m:rollup:2025-11-01:guild:image", None),
        ("m:rollup:2025-11-1:1:image", None),
        ("m:rollup:2025-02-30:1:image", None),
        ("m:rollups:2025-11-01:1:image", None),
        ("2025-11-01:1:image", None),
        ("", None),
    ] {
        assert_eq!(parsed(key), expected, "{key}");
    }
    // A key of another kind costs itself only.
    let keys = [
        "m:rollup:2025-11-01:2:b",
        "m:rollup:2025-11-01:x:b",
        "m:rollup:2025-11-02:1:a",
        "m:rollup:2025-11-01:2:c",
        "m:rollup:2025-11-01:10:d",
    ];
    let wanted = wanted_keys(keys, &Wanted::default());
    let found: Vec<&str> = wanted.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(found, [keys[2], keys[3], keys[0], keys[4]]);
}

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

fn absurd() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        Just(FULL.to_string()),
        Just("NaN".to_owned()),
        Just("{\"a\": NaN}".to_owned()),
        Just("99999-99-99T00:00:00Z".to_owned()),
        "\\PC{0,20}",
    ]
}

const FIELDS: [&str; 20] = [
    "scans_count",
    "flagged_count",
    "flags_sum",
    "total_bytes",
    "total_bytes_sq",
    "total_bytes_sq_exact",
    "bytes_missing",
    "total_duration_ms",
    "total_duration_sq_ms",
    "total_frames_scanned",
    "total_frames_target",
    "total_frames_media",
    "last_duration_ms",
    "last_status",
    "last_flagged_at",
    "last_details",
    "last_us",
    "last_details_us",
    "updated_at",
    "accelerated_last_at",
];

fn hash() -> impl Strategy<Value = HashMap<String, String>> {
    let field = prop_oneof![
        proptest::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
        "\\PC{0,9}"
    ];
    proptest::collection::hash_map(field, absurd(), 0..20)
}

proptest! {
    #[test]
    fn absurd_texts_are_read_without_a_panic(counters in hash(), baseline in hash(), status in hash()) {
        let status_baseline = baseline.clone();
        let mut all = sums(&Hashes { counters, baseline, status, status_baseline });
        all.add(&all.clone());
        let totals = Json::Object(all.totals());
        latency_breakdown(&totals, &[Json::Object(all.summary("x"))]);
    }

    #[test]
    fn sums_are_the_same_in_any_order(
        hashes in proptest::collection::vec((hash(), hash()), 1..6),
        order in any::<prop::sample::Index>(),
    ) {
        // Small enough that no sum is full: what is full stays full.
        let small = |hash: &HashMap<String, String>| -> HashMap<String, String> {
            let small = |text: &String| match text.parse::<i128>() {
                Ok(number) => (number % 1_000_000_000_000).to_string(),
                Err(_) => text.clone(),
            };
            hash.iter().map(|(name, text)| (name.clone(), small(text))).collect()
        };
        let one = |(counters, status): &(_, _)| sums(&Hashes { counters: small(counters), status: small(status), ..Hashes::default() });
        let mut all: Vec<ScanSums> = hashes.iter().map(one).collect();
        let added = |all: &[ScanSums]| all.iter().fold(ScanSums::default(), |mut sum, one| { sum.add(one); sum });
        let forwards = added(&all);
        let middle = order.index(all.len());
        all.rotate_left(middle);
        prop_assert_eq!(&added(&all), &forwards);
        all.reverse();
        prop_assert_eq!(&added(&all), &forwards);
        let mut halves = added(&all[..middle]);
        halves.add(&added(&all[middle..]));
        prop_assert_eq!(&halves, &forwards);
    }

    #[test]
    fn deviations_are_those_of_two_passes(base in 0_i64..1_000_000_000_000, distances in proptest::collection::vec(0_i64..1000, 2..40)) {
        let mut measure = Measure::default();
        distances.iter().for_each(|distance| measure.see((base + distance).into()));
        // Distances alone are small, so that floats hold them exactly.
        let n = distances.len() as f64;
        let mean = distances.iter().sum::<i64>() as f64 / n;
        let variance = distances.iter().map(|distance| (*distance as f64 - mean).powi(2)).sum::<f64>() / n;
        let mut sums = ScanSums::default();
        sums.all.scans = distances.len() as i128;
        sums.all.bytes = measure;
        let found = sums.totals()["bytes_std_dev"].as_f64().unwrap();
        prop_assert!((found - variance.sqrt()).abs() < 1e-6, "{found} and {}", variance.sqrt());
    }
}
