//! What the scans of a moderation bot came to, and what its dashboards derive from that. Sums are exact, in whatever order they are added.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::super::point::instant;
use super::moderation::without_nan;

/// How a scan was accelerated, as the kind's label and the dashboards name it.
pub const ACCELERATIONS: [&str; 3] = ["accelerated", "non_accelerated", "unknown"];
/// A deviation is given if it is right to within this part of itself.
const TOLERANCE: f64 = 1e-6;

/// All scans of a day, guild and content type, or of all time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanSums {
    pub all: Bucket,
    /// By [`ACCELERATIONS`]; `None`: not known.
    pub acceleration: Option<[Bucket; 3]>,
    /// `None`: not known.
    pub status_counts: Option<BTreeMap<String, i128>>,
}

/// Scans that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bucket {
    pub scans: i128,
    pub flagged: i128,
    pub flags: i128,
    pub bytes: Measure,
    /// In milliseconds.
    pub duration: Measure,
    pub frames: i128,
    pub frames_target: i128,
    pub frames_media: i128,
    pub last: Last,
}

/// A number that scans may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Scans that carried it.
    pub count: i128,
    pub sum: i128,
    pub squares: i128,
    /// The squares are right to within so much.
    pub squares_within: i128,
}

/// The newest of some scans. Instants are in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Last {
    pub scan: Option<LastScan>,
    pub flagged_at: Option<i64>,
    pub details: Option<LastDetails>,
    pub updated_at: Option<i64>,
    /// Of some scans no points are kept: what is missing here is unknown, not absent.
    pub is_partial: bool,
}

/// In the order of time; the rest decides between scans of one instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LastScan {
    /// `None`: not known.
    pub at: Option<i64>,
    pub status: Option<String>,
    /// In milliseconds, 0 if it had none.
    pub duration: i128,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LastDetails {
    /// `None`: not known.
    pub at: Option<i64>,
    pub json: String,
}

impl Default for ScanSums {
    fn default() -> Self {
        Self {
            all: Bucket::default(),
            acceleration: Some(Default::default()),
            status_counts: Some(BTreeMap::new()),
        }
    }
}

impl ScanSums {
    pub fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        match (&mut self.acceleration, &other.acceleration) {
            (Some(own), Some(other)) => own
                .iter_mut()
                .zip(other)
                .for_each(|(own, other)| own.add(other)),
            (own, _) => *own = None,
        }
        match (&mut self.status_counts, &other.status_counts) {
            (Some(own), Some(other)) => {
                for (status, count) in other {
                    add(own.entry(status.clone()).or_default(), *count);
                }
            }
            (own, _) => *own = None,
        }
    }
}

impl Bucket {
    pub fn add(&mut self, other: &Self) {
        for (own, other) in [
            (&mut self.scans, other.scans),
            (&mut self.flagged, other.flagged),
            (&mut self.flags, other.flags),
            (&mut self.frames, other.frames),
            (&mut self.frames_target, other.frames_target),
            (&mut self.frames_media, other.frames_media),
        ] {
            add(own, other);
        }
        self.bytes.add(&other.bytes);
        self.duration.add(&other.duration);
        self.last.add(&other.last);
    }

    fn latency_per_frame(&self) -> f64 {
        let frames = Some(self.frames).filter(|frames| *frames > 0);
        ratio(self.duration.sum, frames.unwrap_or(self.duration.count))
    }

    /// The part of the frames that were scanned, at most 1.
    fn coverage(&self) -> f64 {
        let all = match self.frames_media > 0 {
            true => self.frames_media,
            false => self.frames_target,
        };
        ratio(self.frames, all.max(self.frames))
    }

    fn derived(&self) -> [(&'static str, Option<f64>); 10] {
        let frames_per_second = ratio(self.frames.saturating_mul(1000), self.duration.sum);
        [
            ("average_bytes", Some(self.bytes.average())),
            ("bytes_std_dev", self.bytes.deviation()),
            ("average_latency_ms", Some(self.duration.average())),
            ("latency_std_dev_ms", self.duration.deviation()),
            (
                "average_frames_per_scan",
                Some(ratio(self.frames, self.scans)),
            ),
            (
                "average_latency_per_frame_ms",
                Some(self.latency_per_frame()),
            ),
            ("frames_per_second", Some(frames_per_second)),
            ("frame_coverage_rate", Some(self.coverage())),
            ("flagged_rate", Some(ratio(self.flagged, self.scans))),
            (
                "average_flags_per_scan",
                Some(ratio(self.flags, self.scans)),
            ),
        ]
    }
}

impl Measure {
    /// Counts one number.
    pub fn see(&mut self, number: i128) {
        self.add(&Self {
            count: 1,
            sum: number,
            squares: number.saturating_mul(number),
            squares_within: 0,
        });
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.count, other.count);
        add(&mut self.sum, other.sum);
        add(&mut self.squares, other.squares);
        add(&mut self.squares_within, other.squares_within);
    }

    /// Of the scans that carried it.
    fn average(&self) -> f64 {
        ratio(self.sum, self.count)
    }

    /// The population's, from whole numbers: floats would cancel. `None`: the squares do not tell.
    fn deviation(&self) -> Option<f64> {
        let Self { count, sum, .. } = *self;
        if count <= 1 {
            return Some(0.0);
        }
        // With sum = count * mean + rest: distances to the mean are smaller than those to 0.
        let (mean, rest) = (sum.div_euclid(count), sum.rem_euclid(count));
        let shift = mean.checked_mul(sum.checked_add(rest)?)?;
        let distances = self.squares.checked_sub(shift)?;
        let whole = || {
            let all = count
                .checked_mul(distances)?
                .checked_sub(rest.checked_mul(rest)?)?;
            Some(all as f64 / count.checked_mul(count)? as f64)
        };
        let n = count as f64;
        let variance = whole().unwrap_or_else(|| distances as f64 / n - (rest as f64 / n).powi(2));
        // Below 0 some squares were never counted, as in an import without them.
        let is_known = variance >= 0.0
            && self.squares < i128::MAX
            && self.squares_within as f64 / n <= variance * TOLERANCE;
        is_known.then(|| variance.sqrt())
    }

    fn squares(&self) -> Json {
        match self.squares_within {
            0 => number(self.squares),
            _ => Json::Null,
        }
    }
}

impl Last {
    pub fn add(&mut self, other: &Self) {
        if other.scan > self.scan {
            self.scan.clone_from(&other.scan);
        }
        if other.details > self.details {
            self.details.clone_from(&other.details);
        }
        self.flagged_at = self.flagged_at.max(other.flagged_at);
        self.updated_at = self.updated_at.max(other.updated_at);
        self.is_partial |= other.is_partial;
    }

    fn status(&self) -> Option<&str> {
        self.scan.as_ref()?.status.as_deref()
    }

    fn details(&self) -> Json {
        match &self.details {
            Some(details) => object(&details.json),
            None if self.is_partial => Json::Null,
            None => json!({}),
        }
    }
}

/// Under which names counters are answered.
struct Names {
    scans: &'static str,
    flagged: &'static str,
    bytes: [&'static str; 2],
    duration: [&'static str; 2],
    frames: [&'static str; 3],
}

const OF_ROLLUPS: Names = Names {
    scans: "scans_count",
    flagged: "flagged_count",
    bytes: ["total_bytes", "total_bytes_sq"],
    duration: ["total_duration_ms", "total_duration_sq_ms"],
    frames: [
        "total_frames_scanned",
        "total_frames_target",
        "total_frames_media",
    ],
};

const OF_SUMMARIES: Names = Names {
    scans: "scans",
    flagged: "flagged",
    bytes: ["bytes_total", "bytes_total_sq"],
    duration: ["duration_total_ms", "duration_total_sq_ms"],
    frames: [
        "frames_total_scanned",
        "frames_total_target",
        "frames_total_media",
    ],
};

impl ScanSums {
    /// As `get_media_metrics_totals` answers; a rollup has these fields too.
    pub fn totals(&self) -> Map<String, Json> {
        let mut row = counted(&self.all, &OF_ROLLUPS);
        let last = &self.all.last;
        row.extend(last_values(last));
        row.insert("status_counts".to_owned(), self.statuses());
        row.insert("last_reference".to_owned(), Json::Null);
        row.insert("updated_at".to_owned(), at(last.updated_at));
        let bucket = |bucket: &Bucket| {
            let mut row = counted(bucket, &OF_ROLLUPS);
            let scan = bucket.last.scan.as_ref();
            row.extend(last_values(&bucket.last));
            row.insert("last_at".to_owned(), at(scan.and_then(|scan| scan.at)));
            row
        };
        row.insert("acceleration".to_owned(), self.accelerations(bucket));
        row
    }

    /// As a row of `get_media_metrics_summary`.
    pub fn summary(&self, content_type: &str) -> Map<String, Json> {
        let mut row = Map::from_iter([("content_type".to_owned(), json!(content_type))]);
        row.extend(counted(&self.all, &OF_SUMMARIES));
        let accelerations = self.accelerations(|bucket| counted(bucket, &OF_SUMMARIES));
        row.insert("acceleration".to_owned(), accelerations);
        row
    }

    fn statuses(&self) -> Json {
        let Some(counts) = &self.status_counts else {
            return Json::Null;
        };
        let counts = counts.iter();
        Json::Object(
            counts
                .map(|(status, count)| (status.clone(), number(*count)))
                .collect(),
        )
    }

    fn accelerations(&self, row: impl Fn(&Bucket) -> Map<String, Json>) -> Json {
        let Some(buckets) = &self.acceleration else {
            return Json::Null;
        };
        let named = ACCELERATIONS.iter().zip(buckets);
        Json::Object(
            named
                .map(|(name, bucket)| ((*name).to_owned(), row(bucket).into()))
                .collect(),
        )
    }
}

fn counted(bucket: &Bucket, names: &Names) -> Map<String, Json> {
    let [bytes, bytes_squares] = names.bytes;
    let [duration, duration_squares] = names.duration;
    let [scanned, target, media] = names.frames;
    let counters = [
        (names.scans, number(bucket.scans)),
        (names.flagged, number(bucket.flagged)),
        ("flags_sum", number(bucket.flags)),
        (bytes, number(bucket.bytes.sum)),
        (bytes_squares, bucket.bytes.squares()),
        (duration, number(bucket.duration.sum)),
        (duration_squares, bucket.duration.squares()),
        (scanned, number(bucket.frames)),
        (target, number(bucket.frames_target)),
        (media, number(bucket.frames_media)),
    ];
    let derived = bucket.derived().map(|(name, number)| (name, json!(number)));
    let fields = counters.into_iter().chain(derived);
    fields.map(|(name, json)| (name.to_owned(), json)).collect()
}

fn last_values(last: &Last) -> Map<String, Json> {
    let duration = last.scan.as_ref().map_or(0, |scan| scan.duration);
    let fields = [
        ("last_latency_ms", number(duration)),
        ("last_status", json!(last.status())),
        ("last_flagged_at", at(last.flagged_at)),
        ("last_details", last.details()),
    ];
    fields
        .map(|(name, json)| (name.to_owned(), json))
        .into_iter()
        .collect()
}

/// Details that are no JSON object are as good as none.
fn object(text: &str) -> Json {
    let read = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).ok();
    let json = read(text.as_bytes()).or_else(|| read(&without_nan(text.as_bytes())));
    json.filter(Json::is_object).unwrap_or_else(|| json!({}))
}

fn at(micros: Option<i64>) -> Json {
    json!(micros.map(instant))
}

fn add(own: &mut i128, other: i128) {
    *own = own.saturating_add(other);
}

/// 0 where there is nothing to divide by.
fn ratio(sum: i128, of: i128) -> f64 {
    match of > 0 {
        true => sum as f64 / of as f64,
        false => 0.0,
    }
}

/// Whole as far as JSON's readers know whole numbers; beyond 64 bits the nearest float.
fn number(whole: i128) -> Json {
    let unsigned = u64::try_from(whole).map(Json::from);
    let signed = || i64::try_from(whole).map(Json::from);
    unsigned
        .or_else(|_| signed())
        .unwrap_or_else(|_| json!(whole as f64))
}
