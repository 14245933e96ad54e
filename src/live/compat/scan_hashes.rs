//! What the hashes of a moderation bot in Redis say, and which of them an answer is made of. All are texts; what is no number counts as 0.

use std::array;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::scan_sums::{Bucket, Last, LastDetails, LastScan, Measure, ScanSums};

/// Where a counter of the server stays.
const FULL: i128 = i64::MAX as i128;
/// Behind the name of a full counter: its exact sum.
const EXACT: &str = "_exact";
/// Before the fields of all scans, and before those of each acceleration.
pub const PREFIXES: [&str; 4] = [
    "",
    "accelerated_",
    "non_accelerated_",
    "unknown_acceleration_",
];
macro_rules! counters {
    ($prefix:literal) => {
        [
            concat!($prefix, "scans_count"),
            concat!($prefix, "flagged_count"),
            concat!($prefix, "flags_sum"),
            concat!($prefix, "total_bytes"),
            concat!($prefix, "total_duration_ms"),
            concat!($prefix, "bytes_missing"),
            concat!($prefix, "duration_missing"),
            concat!($prefix, "total_bytes_sq"),
            concat!($prefix, "total_duration_sq_ms"),
            concat!($prefix, "total_frames_scanned"),
            concat!($prefix, "total_frames_target"),
            concat!($prefix, "total_frames_media"),
        ]
    };
}
/// By [`PREFIXES`].
pub const COUNTERS: [[&str; 12]; 4] = [
    counters!(""),
    counters!("accelerated_"),
    counters!("non_accelerated_"),
    counters!("unknown_acceleration_"),
];
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// The fields of a hash, as the server answered them; none if there is no such hash.
pub type Hash<'t> = Vec<(&'t str, &'t str)>;

/// A rollup, or the totals.
#[derive(Debug, Clone, Default)]
pub struct Hashes<'t> {
    pub counters: Hash<'t>,
    /// What the counters stood at when they were last reset.
    pub baseline: Hash<'t>,
    pub status: Hash<'t>,
    pub status_baseline: Hash<'t>,
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

/// The keys of rollups that an answer needs, in the order of its rows: the newest day first, within a day the last key first.
/// How many rows are wanted does not matter yet: a key may have no hash.
pub fn wanted_keys(keys: impl IntoIterator<Item = RollupKey>, wanted: &Wanted) -> Vec<RollupKey> {
    let is_wanted = |key: &RollupKey| {
        wanted.guild.is_none_or(|guild| key.guild == guild)
            && wanted
                .content_type
                .as_ref()
                .is_none_or(|asked| *asked == key.content_type)
            && wanted.since.is_none_or(|since| key.date >= since)
    };
    let keys = keys.into_iter().filter(is_wanted);
    let mut keys: Vec<RollupKey> = keys.collect();
    keys.sort_by(|one, other| (other.date, &other.key).cmp(&(one.date, &one.key)));
    keys.dedup();
    keys
}

/// The row of one rollup; `None`: its key has no hash.
pub fn row(key: &RollupKey, hashes: &Hashes<'_>) -> Option<ScanRow> {
    (!hashes.counters.is_empty()).then(|| ScanRow {
        date: key.date,
        guild: Some(key.guild).filter(|guild| *guild != 0),
        content_type: key.content_type.clone(),
        sums: sums(hashes),
    })
}

/// The rows of an answer made of those of rollups, at most `limit`. To stop early, a reader reads whole days, the newest first,
/// until there are enough rows.
pub fn rollups(
    read: Vec<ScanRow>,
    wanted: &Wanted,
    guild_zero: GuildZero,
    limit: usize,
) -> Result<Vec<ScanRow>, String> {
    if limit == 0 {
        return Err("limit 0: expected at least 1".to_owned());
    }
    let mut rows = match wanted.guild {
        Some(_) => read,
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

/// A day on which guild 0 has fewer scans than the guilds was imported, or begun, without it: their sum is nearer then.
fn rows_of_all_guilds(read: Vec<ScanRow>, guild_zero: GuildZero) -> Vec<ScanRow> {
    // They are large: a tree would move them about.
    type OfBoth = [Option<Box<ScanSums>>; 2];
    let mut rows: BTreeMap<(NaiveDate, String), OfBoth> = BTreeMap::new();
    for row in read {
        let [zero, guilds] = rows.entry((row.date, row.content_type)).or_default();
        let sums = match row.guild {
            None => zero,
            Some(_) => guilds,
        };
        match sums {
            Some(sums) => sums.add(&row.sums),
            None => *sums = Some(Box::new(row.sums)),
        }
    }
    let row = |((date, content_type), sums): ((NaiveDate, String), OfBoth)| ScanRow {
        date,
        guild: None,
        content_type,
        sums: *match (sums, guild_zero) {
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
pub fn sums(hashes: &Hashes<'_>) -> ScanSums {
    let (now, lasts) = read(&hashes.counters);
    let (before, _) = read(&hashes.baseline);
    let bucket = |at: usize, last: Last| {
        let counts = array::from_fn(|counter| now[at][counter].since(before[at][counter]));
        Bucket {
            last,
            ..bucket(counts)
        }
    };
    ScanSums {
        all: bucket(0, lasts[0].of_all()),
        acceleration: Some([1, 2, 3].map(|at| bucket(at, lasts[at].of_bucket()))),
        status_counts: Some(statuses(hashes)),
    }
}

/// All of a hash, by [`PREFIXES`].
fn read<'t>(hash: &Hash<'t>) -> ([[Counter; 12]; 4], [LastFields<'t>; 4]) {
    let mut counters = [[Counter::default(); 12]; 4];
    let mut lasts = [LastFields::default(); 4];
    for (field, text) in hash {
        let prefixed = (1..4).find_map(|at| Some((at, field.strip_prefix(PREFIXES[at])?)));
        let (at, name) = prefixed.unwrap_or((0, field));
        let counter = name.strip_suffix(EXACT);
        let wanted = counter.unwrap_or(name);
        match COUNTERS[0].iter().position(|name| *name == wanted) {
            Some(place) if counter.is_some() => counters[at][place].exact = number(text),
            Some(place) => counters[at][place].count = Some(whole(text)),
            None => lasts[at].set(name, text),
        }
    }
    (counters, lasts)
}

fn statuses(hashes: &Hashes<'_>) -> BTreeMap<String, i128> {
    let now: BTreeMap<&str, &str> = hashes.status.iter().copied().collect();
    let before = hashes.status_baseline.iter().copied().collect();
    let counter = |hash: &BTreeMap<&str, &str>, name: &str| Counter {
        count: hash.get(name).map(|text| whole(text)),
        exact: hash
            .get(&*format!("{name}{EXACT}"))
            .and_then(|text| number(text)),
    };
    // A full count has its exact sum beside it, which is no status.
    let is_exact = |name: &str| {
        let counter = name
            .strip_suffix(EXACT)
            .and_then(|counter| now.get(counter));
        counter.is_some_and(|text| whole(text) == FULL)
    };
    let names = now.keys().filter(|name| !is_exact(name));
    let counts = names.map(|name| {
        let count = counter(&now, name).since(counter(&before, name));
        ((*name).to_owned(), count)
    });
    counts.filter(|(_, count)| *count != 0).collect()
}

/// By [`COUNTERS`].
fn bucket(counts: [i128; 12]) -> Bucket {
    let [
        scans,
        flagged,
        flags,
        bytes,
        duration,
        no_bytes,
        no_duration,
        bytes_squares,
        duration_squares,
        frames,
        frames_target,
        frames_media,
    ] = counts;
    // Only we write how many scans lacked a number; of what the bot wrote all count, as it counts them.
    let measure = |missing: i128, sum: i128, squares: i128| Measure {
        count: scans.saturating_sub(missing),
        sum,
        squares,
        squares_within: 0,
    };
    Bucket {
        scans,
        flagged,
        flags,
        bytes: measure(no_bytes, bytes, bytes_squares),
        duration: measure(no_duration, duration, duration_squares),
        frames,
        frames_target,
        frames_media,
        last: Last::default(),
    }
}

/// A counter, and its sum beside it, which holds while it is full.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    count: Option<i128>,
    exact: Option<i128>,
}

impl Counter {
    fn value(self) -> i128 {
        match self.count {
            Some(FULL) => self.exact.unwrap_or(FULL),
            count => count.unwrap_or(0),
        }
    }

    /// A counter below its baseline was set to 0 after the baseline was taken.
    fn since(self, before: Self) -> i128 {
        let now = self.value();
        let since = now.saturating_sub(before.value());
        match before.count {
            Some(_) if since >= 0 => since,
            _ => now,
        }
    }
}

/// What a hash says of its newest scans.
#[derive(Debug, Clone, Copy, Default)]
struct LastFields<'t> {
    us: Option<&'t str>,
    at: Option<&'t str>,
    status: Option<&'t str>,
    duration: Option<&'t str>,
    flagged_at: Option<&'t str>,
    details: Option<&'t str>,
    details_us: Option<&'t str>,
    updated_at: Option<&'t str>,
}

impl<'t> LastFields<'t> {
    fn set(&mut self, name: &str, text: &'t str) {
        let field = match name {
            "last_us" => &mut self.us,
            "last_at" => &mut self.at,
            "last_status" => &mut self.status,
            "last_duration_ms" => &mut self.duration,
            "last_flagged_at" => &mut self.flagged_at,
            "last_details" => &mut self.details,
            "last_details_us" => &mut self.details_us,
            "updated_at" => &mut self.updated_at,
            _ => return,
        };
        *field = Some(text);
    }

    fn of_all(&self) -> Last {
        let is_there = self.status().is_some() || self.duration.is_some();
        let at = self.us.and_then(micros);
        Last {
            scan: is_there.then(|| self.scan(at)),
            flagged_at: self.flagged_at.and_then(moment),
            details: self.details(self.details_us.and_then(micros)),
            updated_at: self.updated_at.and_then(moment),
            is_partial: false,
        }
    }

    fn of_bucket(&self) -> Last {
        let at = self.us.and_then(micros);
        let at = at.or_else(|| self.at.and_then(moment));
        let is_there = self.status().is_some() || at.is_some();
        Last {
            scan: is_there.then(|| self.scan(at)),
            flagged_at: self.flagged_at.and_then(moment),
            details: self.details(at),
            updated_at: None,
            is_partial: false,
        }
    }

    fn scan(&self, at: Option<i64>) -> LastScan {
        LastScan {
            at,
            status: self.status(),
            duration: self.duration.map_or(0, whole),
        }
    }

    fn status(&self) -> Option<String> {
        let status = self.status.filter(|text| !text.is_empty());
        status.map(str::to_owned)
    }

    fn details(&self, at: Option<i64>) -> Option<LastDetails> {
        let json = self.details.filter(|text| !text.is_empty())?.to_owned();
        Some(LastDetails { at, json })
    }
}

fn whole(text: &str) -> i128 {
    number(text).unwrap_or(0)
}

fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    // Hardly any is longer.
    let short = text.parse::<i64>().map(i128::from);
    short.or_else(|_| text.parse()).ok()
}

fn micros(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn moment(text: &str) -> Option<i64> {
    let at = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    Some(at.timestamp_micros())
}
