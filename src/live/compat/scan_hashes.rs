//! What the hashes of a moderation bot in Redis say, and which of them an answer is made of. All are texts; what is no number counts as 0.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::scan_sums::{Bucket, Last, LastDetails, LastScan, Measure, ScanSums};

/// Where a counter of the server stays.
const FULL: i128 = i64::MAX as i128;
/// Behind the name of a full counter: its exact sum.
const EXACT: &str = "_exact";
/// Before the fields of each acceleration, in the order of the sums.
const PREFIXES: [&str; 3] = ["accelerated_", "non_accelerated_", "unknown_acceleration_"];
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

pub type Hash = HashMap<String, String>;

/// A rollup, or the totals, as the server answered; a hash that does not exist is empty.
#[derive(Debug, Clone, Default)]
pub struct Hashes {
    pub counters: Hash,
    /// What the counters stood at when they were last reset.
    pub baseline: Hash,
    pub status: Hash,
    pub status_baseline: Hash,
}

/// Which rollup a key is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupKey {
    pub key: String,
    pub date: NaiveDate,
    /// 0: of scans without a guild, or, in the later form, of all scans.
    pub guild: i64,
    pub content_type: String,
}

/// Which rollups are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `None`: those of all guilds together.
    pub guild: Option<i64>,
    pub content_type: Option<String>,
    pub since: Option<NaiveDate>,
}

/// What the rollups of guild 0 count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuildZero {
    /// Scans without a guild: the documented form.
    Guildless,
    /// All scans: the later form.
    Everything,
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRow {
    pub date: NaiveDate,
    /// `None`: of all guilds, or of none.
    pub guild: Option<i64>,
    pub content_type: String,
    pub sums: ScanSums,
}

impl RollupKey {
    /// `None`: the key is none of a rollup.
    pub fn parse(key: &str) -> Option<Self> {
        let mut parts = key.rsplitn(4, ':');
        let (content_type, guild, date) = (parts.next()?, parts.next()?, parts.next()?);
        let is_rollup = parts.next()?.ends_with(":rollup");
        let is_date = date.len() == 10
            && date
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !is_rollup || !is_date {
            return None;
        }
        Some(Self {
            key: key.to_owned(),
            date: NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?,
            guild: guild.parse().ok()?,
            content_type: percent_decode_str(content_type)
                .decode_utf8_lossy()
                .into_owned(),
        })
    }
}

/// The keys of an index that an answer needs, in the order of its rows: the newest day first, within a day the last key first.
/// How many rows are wanted does not matter yet: a key may have no hash.
pub fn wanted_keys<'k>(
    index: impl IntoIterator<Item = &'k str>,
    wanted: &Wanted,
) -> Vec<RollupKey> {
    let is_wanted = |key: &RollupKey| {
        wanted.guild.is_none_or(|guild| key.guild == guild)
            && wanted
                .content_type
                .as_ref()
                .is_none_or(|asked| *asked == key.content_type)
            && wanted.since.is_none_or(|since| key.date >= since)
    };
    let keys = index.into_iter().filter_map(RollupKey::parse);
    let mut keys: Vec<RollupKey> = keys.filter(is_wanted).collect();
    keys.sort_by(|one, other| (other.date, &other.key).cmp(&(one.date, &one.key)));
    keys.dedup();
    keys
}

/// The rows of these rollups, at most `limit`. To stop early, a reader reads whole days, the newest first, until there are enough rows.
pub fn rollups(
    read: &[(RollupKey, Hashes)],
    wanted: &Wanted,
    guild_zero: GuildZero,
    limit: usize,
) -> Result<Vec<ScanRow>, String> {
    if limit == 0 {
        return Err("limit 0: expected at least 1".to_owned());
    }
    let mut rows = match wanted.guild {
        Some(_) => own_rows(read),
        None => rows_of_all_guilds(read, guild_zero),
    };
    sort_rows(&mut rows);
    rows.truncate(limit);
    Ok(rows)
}

/// Adds rows to what all come to by content type.
pub fn add_rows(sums: &mut BTreeMap<String, ScanSums>, rows: Vec<ScanRow>) {
    for row in rows {
        sums.entry(row.content_type).or_default().add(&row.sums);
    }
}

/// The content types with the most scans first.
pub fn by_scans(sums: BTreeMap<String, ScanSums>) -> Vec<(String, ScanSums)> {
    let mut sums: Vec<(String, ScanSums)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.all.scans));
    sums
}

/// The newest day first, and within a day in the order in which the bot's index gives keys backwards.
pub fn sort_rows(rows: &mut [ScanRow]) {
    rows.sort_by_cached_key(|row| {
        let content_type = utf8_percent_encode(&row.content_type, UNRESERVED);
        let key = format!("{}:{content_type}", row.guild.unwrap_or_default());
        std::cmp::Reverse((row.date, key))
    });
}

fn own_rows(read: &[(RollupKey, Hashes)]) -> Vec<ScanRow> {
    let read = read
        .iter()
        .filter(|(_, hashes)| !hashes.counters.is_empty());
    read.map(|(key, hashes)| ScanRow {
        date: key.date,
        guild: Some(key.guild).filter(|guild| *guild != 0),
        content_type: key.content_type.clone(),
        sums: sums(hashes),
    })
    .collect()
}

/// A day on which guild 0 has fewer scans than the guilds was imported, or begun, without it: their sum is nearer then.
fn rows_of_all_guilds(read: &[(RollupKey, Hashes)], guild_zero: GuildZero) -> Vec<ScanRow> {
    let mut rows: BTreeMap<(NaiveDate, String), [Option<ScanSums>; 2]> = BTreeMap::new();
    for row in own_rows(read) {
        let [zero, guilds] = rows.entry((row.date, row.content_type)).or_default();
        let sums = match row.guild {
            None => zero,
            Some(_) => guilds,
        };
        sums.get_or_insert_default().add(&row.sums);
    }
    let row =
        |((date, content_type), sums): ((NaiveDate, String), [Option<ScanSums>; 2])| ScanRow {
            date,
            guild: None,
            content_type,
            sums: match (sums, guild_zero) {
                ([Some(mut zero), Some(guilds)], GuildZero::Guildless) => {
                    zero.add(&guilds);
                    zero
                }
                ([Some(zero), Some(guilds)], GuildZero::Everything) => {
                    match zero.all.scans >= guilds.all.scans {
                        true => zero,
                        false => guilds,
                    }
                }
                ([zero, guilds], _) => zero.or(guilds).unwrap_or_default(),
            },
        };
    rows.into_iter().map(row).collect()
}

/// What a rollup's, or the totals', hashes say.
pub fn sums(hashes: &Hashes) -> ScanSums {
    let counters = Counters {
        now: &hashes.counters,
        before: &hashes.baseline,
    };
    let statuses = Counters {
        now: &hashes.status,
        before: &hashes.status_baseline,
    };
    let names = hashes
        .status
        .keys()
        .filter(|name| !is_exact(name, &hashes.status));
    let counts = names.map(|name| (name.clone(), statuses.count(name)));
    let mut all = counters.bucket("");
    all.last = last(&hashes.counters);
    let bucket = |prefix: &str| Bucket {
        last: last_of_bucket(&hashes.counters, prefix),
        ..counters.bucket(prefix)
    };
    ScanSums {
        all,
        acceleration: Some(PREFIXES.map(bucket)),
        status_counts: Some(counts.filter(|(_, count)| *count != 0).collect()),
    }
}

/// A full status count has its exact sum beside it, which is no status.
fn is_exact(name: &str, hash: &Hash) -> bool {
    let counter = name.strip_suffix(EXACT);
    counter.is_some_and(|counter| whole(hash, counter) == FULL)
}

/// Counters, and what they stood at when they were reset.
struct Counters<'a> {
    now: &'a Hash,
    before: &'a Hash,
}

impl Counters<'_> {
    fn count(&self, field: &str) -> i128 {
        let now = exact(self.now, field);
        if !self.before.contains_key(field) {
            return now;
        }
        let since = now.saturating_sub(exact(self.before, field));
        // A counter below its baseline was set to 0 after the baseline was taken.
        if since >= 0 { since } else { now }
    }

    fn bucket(&self, prefix: &str) -> Bucket {
        let count = |name: &str| self.count(&format!("{prefix}{name}"));
        let scans = count("scans_count");
        // Only we write how many scans lacked a number; of what the bot wrote all count, as it counts them.
        let measure = |missing: &str, sum: &str, squares: &str| Measure {
            count: scans.saturating_sub(count(missing)),
            sum: count(sum),
            squares: count(squares),
            squares_within: 0,
        };
        Bucket {
            scans,
            flagged: count("flagged_count"),
            flags: count("flags_sum"),
            bytes: measure("bytes_missing", "total_bytes", "total_bytes_sq"),
            duration: measure(
                "duration_missing",
                "total_duration_ms",
                "total_duration_sq_ms",
            ),
            frames: count("total_frames_scanned"),
            frames_target: count("total_frames_target"),
            frames_media: count("total_frames_media"),
            last: Last::default(),
        }
    }
}

fn last(hash: &Hash) -> Last {
    let status = text(hash, "last_status");
    let duration = hash.get("last_duration_ms");
    let scan = (status.is_some() || duration.is_some()).then(|| LastScan {
        at: micros(hash, "last_us"),
        status,
        duration: whole(hash, "last_duration_ms"),
    });
    Last {
        scan,
        flagged_at: moment(hash, "last_flagged_at"),
        details: text(hash, "last_details").map(|json| LastDetails {
            at: micros(hash, "last_details_us"),
            json,
        }),
        updated_at: moment(hash, "updated_at"),
        is_partial: false,
    }
}

fn last_of_bucket(hash: &Hash, prefix: &str) -> Last {
    let name = |name: &str| format!("{prefix}{name}");
    let at = micros(hash, &name("last_us")).or_else(|| moment(hash, &name("last_at")));
    let status = text(hash, &name("last_status"));
    let scan = (at.is_some() || status.is_some()).then(|| LastScan {
        at,
        status,
        duration: whole(hash, &name("last_duration_ms")),
    });
    Last {
        scan,
        flagged_at: moment(hash, &name("last_flagged_at")),
        details: text(hash, &name("last_details")).map(|json| LastDetails { at, json }),
        updated_at: None,
        is_partial: false,
    }
}

/// A full counter's sum stands beside it.
fn exact(hash: &Hash, field: &str) -> i128 {
    let count = whole(hash, field);
    let beside = || hash.get(&format!("{field}{EXACT}"))?.trim().parse().ok();
    match count == FULL {
        true => beside().unwrap_or(count),
        false => count,
    }
}

fn whole(hash: &Hash, field: &str) -> i128 {
    let number = hash.get(field).and_then(|text| text.trim().parse().ok());
    number.unwrap_or_default()
}

fn micros(hash: &Hash, field: &str) -> Option<i64> {
    hash.get(field)?.trim().parse().ok()
}

fn text(hash: &Hash, field: &str) -> Option<String> {
    hash.get(field).filter(|text| !text.is_empty()).cloned()
}

fn moment(hash: &Hash, field: &str) -> Option<i64> {
    let at = DateTime::parse_from_rfc3339(hash.get(field)?.trim()).ok()?;
    Some(at.timestamp_micros())
}
