//! Redis as far as the moderation bot uses it, in memory.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use daybook::live::compat::scan_hashes::{
    GuildZero, Hashes, RollupKey, ScanRow, Wanted, add_rows, by_scans, rollups, row, sums,
    wanted_keys,
};
use daybook::live::compat::scan_questions::{rollup, summary_rows};
use serde_json::{Value as Json, json};

use super::super::three_scans::AT;
use super::as_answered;

pub(crate) const PREFIX: &str = "moderator:metrics";
pub(crate) const FULL: i128 = 9_223_372_036_854_775_807;

/// Redis as far as the bot uses it: one command after another, in its later form.
#[derive(Default)]
pub(crate) struct Redis {
    pub(crate) hashes: BTreeMap<String, HashMap<String, String>>,
    pub(crate) index: BTreeMap<String, i64>,
}

#[derive(Clone)]
pub(crate) struct Scan {
    pub(crate) at: &'static str,
    pub(crate) guild: i64,
    pub(crate) content_type: &'static str,
    pub(crate) status: &'static str,
    /// `None`: it is not flagged.
    pub(crate) flags: Option<i64>,
    pub(crate) size: Option<i128>,
    pub(crate) duration: Option<i128>,
    pub(crate) frames: [Option<i64>; 3],
    pub(crate) accelerated: Option<bool>,
}

impl Redis {
    fn set(&mut self, key: &str, field: String, text: impl ToString) {
        self.hashes
            .entry(key.to_owned())
            .or_default()
            .insert(field, text.to_string());
    }

    /// A counter that is full stays so, with the exact sum beside it.
    pub(crate) fn add(&mut self, key: &str, field: &str, count: i128) {
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

    pub(crate) fn scan(&mut self, scan: &Scan) {
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
    pub(crate) fn reset(&mut self) {
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

    fn hashes(&self, key: &str) -> Hashes<'_> {
        let hash = |behind: &str| {
            let hash = self.hashes.get(&format!("{key}{behind}"));
            hash.map(as_answered).unwrap_or_default()
        };
        Hashes {
            counters: hash(""),
            baseline: hash(":baseline"),
            status: hash(":status"),
            status_baseline: hash(":status:baseline"),
        }
    }

    pub(crate) fn read(&self, wanted: &Wanted) -> Vec<ScanRow> {
        let keys = self.index.keys().filter_map(|key| RollupKey::parse(key));
        let keys = wanted_keys(keys, wanted);
        keys.iter()
            .filter_map(|key| row(key, &self.hashes(&key.key)))
            .collect()
    }

    pub(crate) fn rows(&self, wanted: &Wanted, limit: usize) -> Vec<ScanRow> {
        rollups(self.read(wanted), wanted, GuildZero::Everything, limit).unwrap()
    }

    pub(crate) fn rollups(&self, wanted: &Wanted) -> Vec<Json> {
        self.rows(wanted, 30).into_iter().map(rollup).collect()
    }

    pub(crate) fn summary(&self, wanted: &Wanted) -> Vec<Json> {
        let (read, form) = (self.read(wanted), GuildZero::Everything);
        let mut sums = BTreeMap::new();
        add_rows(&mut sums, rollups(read, wanted, form, usize::MAX).unwrap());
        summary_rows(&by_scans(sums))
    }

    pub(crate) fn totals(&self) -> Json {
        Json::Object(sums(&self.hashes(&format!("{PREFIX}:totals"))).totals())
    }
}

pub(crate) fn of_guild(guild: i64) -> Wanted {
    Wanted {
        guild: Some(guild),
        ..Wanted::default()
    }
}

pub(crate) fn image(at: &'static str, duration: i128) -> Scan {
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

pub(crate) fn three_scans() -> Redis {
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

pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}
