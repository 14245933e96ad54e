//! The moderation bot's hashes, written as its own commands write them, are read as its dashboards expect.

mod latency;
mod properties;
pub(crate) mod redis;

use std::collections::HashMap;

use daybook::live::compat::latency::latency_breakdown;
use daybook::live::compat::scan_hashes::{
    GuildZero, Hash, RollupKey, Wanted, rollups, wanted_keys,
};
use serde_json::{Value as Json, json};

use super::three_scans::{AT, expect_rollups, expect_summary, expect_totals, near};
use redis::{FULL, PREFIX, Redis, Scan, day, image, of_guild, three_scans};

fn as_answered(hash: &HashMap<String, String>) -> Hash<'_> {
    let fields = hash.iter();
    fields
        .map(|(field, text)| (field.as_str(), text.as_str()))
        .collect()
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
    let refused = rollups(redis.read(&wanted), &wanted, GuildZero::Everything, 0);
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
    let rows = rollups(read, &Wanted::default(), GuildZero::Guildless, 10).unwrap();
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
    let wanted = wanted_keys(
        keys.into_iter().filter_map(RollupKey::parse),
        &Wanted::default(),
    );
    let found: Vec<&str> = wanted.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(found, [keys[2], keys[3], keys[0], keys[4]]);
}
