//! Scans in the keys of the moderation bot: an event of the stream each, and the sums of its day, guild and content type, of
//! its day in all guilds, and of all time.
//!
//! Beside the original's, the hashes have fields of our own: instants that end in `_us`, so that a late event displaces
//! nothing newer, and sums that end in `_exact` where they are larger than Redis counts to, and how many scans lack a number in what ends in `_missing`.

use std::collections::HashMap;
use std::iter::zip;

use chrono::{DateTime, Datelike, Timelike, Utc};
use percent_encoding::utf8_percent_encode;

use super::super::columns::{ABSENT, Columns, Numbers, Texts};
use super::super::compat::scan_hashes::{COUNTERS, PREFIXES};
use super::UNRESERVED;
use super::changes::{Changes, Count};
use super::keys;
use super::python::{Object, Value};

/// Which of the original's forms is written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub prefix: String,
    pub stream: String,
    pub bound: Option<Bound>,
    /// The form of its newer dashboards, with squares, frames, acceleration and sums of all guilds; what names persons and
    /// files is not in it.
    pub later: bool,
}

/// How long the stream may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub most: u64,
    /// Redis cuts where it costs least.
    pub roughly: bool,
}

const COMPLETE: &str = "scan_complete";
const DAY: i64 = 86_400_000_000;

/// The documented form has the first of them.
const DOCUMENTED: usize = 7;

/// What the documented form says of persons and files.
const NOT_KEPT: [&str; 6] = [
    "scanner",
    "source",
    "channel_id",
    "user_id",
    "message_id",
    "context",
];

/// A point as the kind `scan` has it.
struct Scan<'p> {
    at: i64,
    day: i64,
    moment: String,
    guild: i64,
    content_type: &'p str,
    status: &'p str,
    flagged: bool,
    flags: i64,
    bytes: Option<i64>,
    duration: Option<i64>,
    /// Scanned, wanted, all that the medium has.
    frames: [Option<i64>; 3],
    accelerated: Option<bool>,
    details: Option<&'p str>,
}

/// One hash and the counts of status beside it: by [`PREFIXES`] what it counts, and when and where the last of them stand.
struct Sums<'p> {
    key: String,
    /// The totals have none.
    date: Option<String>,
    counts: [[Option<Count>; 12]; 4],
    statuses: Vec<(&'p str, i128)>,
    last: [Newest; 4],
    last_flagged: [Newest; 4],
    last_details: Newest,
}

/// An instant and the place of its point.
type Newest = Option<(i64, usize)>;

/// Adds these points of the kind `scan`.
pub fn add(changes: &mut Changes, points: &Columns, layout: &Layout, now: DateTime<Utc>) {
    let columns = ScanColumns::of(points);
    let bound = layout.bound.map(Bound::text).unwrap_or_default();
    let index = keys::rollups(&layout.prefix);
    let mut hashes = vec![Sums::new(keys::totals(&layout.prefix), None)];
    let mut places: HashMap<(i64, i64, &str), usize> = HashMap::new();
    let mut scans = Vec::with_capacity(points.len());
    let mut events = Vec::with_capacity(points.len());
    for place in 0..points.len() {
        let scan = columns.scan(place);
        let (details, flags) = details(&scan, layout.later);
        let event = event(&scan, &details, flags, layout.later);
        events.push(event);
        // What the documented form counts by guild, the later form counts also for all of them.
        let all_guilds = (layout.later && scan.guild != 0).then_some(0);
        for guild in [Some(scan.guild), all_guilds].into_iter().flatten() {
            let known = places.entry((scan.day, guild, scan.content_type));
            let own = *known.or_insert_with(|| {
                let key = rollup_key(&layout.prefix, &scan, guild);
                changes.index(&index, &key, keys::EPOCH + scan.day);
                changes.index(
                    &keys::rollups_of(&layout.prefix, &guild.to_string()),
                    &key,
                    keys::EPOCH + scan.day,
                );
                hashes.push(Sums::new(key, Some(&scan)));
                hashes.len() - 1
            });
            hashes[own].see(&scan, place, layout.later);
        }
        hashes[0].see(&scan, place, layout.later);
        scans.push((scan, details));
    }
    if scans.is_empty() {
        return;
    }
    changes.append(&layout.stream, &bound, events);
    let now = isoformat(now);
    for sums in hashes {
        sums.write(changes, &scans, layout.later, &now);
    }
}

impl Bound {
    fn text(self) -> String {
        format!("{}{}", if self.roughly { "~" } else { "" }, self.most)
    }
}

fn rollup_key(prefix: &str, scan: &Scan<'_>, guild: i64) -> String {
    let content_type = utf8_percent_encode(scan.content_type, UNRESERVED);
    format!("{prefix}:rollup:{}:{guild}:{content_type}", scan.date())
}

struct ScanColumns<'p> {
    points: &'p Columns,
    labels: [Option<&'p Texts>; 4],
    values: [Option<&'p Numbers>; 7],
}

impl<'p> ScanColumns<'p> {
    fn of(points: &'p Columns) -> Self {
        let labels = ["guild", "content_type", "status", "acceleration"];
        let values = [
            "flagged",
            "flags",
            "bytes",
            "duration",
            "frames",
            "frames_target",
            "frames_media",
        ];
        Self {
            points,
            labels: labels.map(|name| points.label(name)),
            values: values.map(|name| points.value(name)),
        }
    }

    fn scan(&self, place: usize) -> Scan<'p> {
        let text = |texts: &Option<&'p Texts>| texts.and_then(|texts| texts.get(place));
        let [guild, content_type, status, acceleration] = self.labels.each_ref().map(text);
        let number = |numbers: &Option<&Numbers>| numbers.and_then(|numbers| whole(numbers, place));
        let [flagged, flags, bytes, duration, frames @ ..] = self.values.each_ref().map(number);
        let at = self.points.at[place];
        Scan {
            at,
            day: at.div_euclid(DAY),
            moment: isoformat(DateTime::from_timestamp_micros(at).unwrap_or_default()),
            // The original's readers stop at a guild that is no number, such as the one for all that are too many.
            guild: guild.and_then(|guild| guild.parse().ok()).unwrap_or(0),
            content_type: content_type.unwrap_or("unknown"),
            status: status.unwrap_or(COMPLETE),
            flagged: flagged == Some(1),
            flags: flags.unwrap_or(0),
            bytes,
            duration,
            frames,
            accelerated: match acceleration {
                Some("accelerated") => Some(true),
                Some("non_accelerated") => Some(false),
                _ => None,
            },
            details: self.points.details.get(place),
        }
    }
}

fn whole(numbers: &Numbers, place: usize) -> Option<i64> {
    match numbers {
        Numbers::Fixed { decimals: 0, raw } => Some(raw[place]).filter(|raw| *raw != ABSENT),
        numbers => Some(numbers.get(place)? as i64),
    }
}

impl Scan<'_> {
    fn date(&self) -> &str {
        self.moment.split('T').next().unwrap_or_default()
    }

    /// By [`COUNTERS`].
    fn counts(&self) -> [Option<i128>; 12] {
        let positive = |number: i64| (number > 0).then_some(i128::from(number));
        let not_negative = |number: Option<i64>| number.map(|number| i128::from(number.max(0)));
        let squared = |number: Option<i128>| number.map(|number| number * number);
        let bytes = not_negative(self.bytes);
        let duration = not_negative(self.duration);
        let [scanned, target, media] = self.frames.map(not_negative);
        [
            Some(1),
            self.flagged.then_some(1),
            positive(self.flags).filter(|_| self.flagged),
            bytes,
            duration,
            bytes.is_none().then_some(1),
            duration.is_none().then_some(1),
            squared(bytes),
            squared(duration),
            scanned,
            target,
            media,
        ]
    }

    fn bucket(&self) -> usize {
        match self.accelerated {
            Some(true) => 1,
            Some(false) => 2,
            None => 3,
        }
    }
}

impl<'p> Sums<'p> {
    /// Of a scan's day, guild and type, or of all time.
    fn new(key: String, first: Option<&Scan<'p>>) -> Self {
        Self {
            key,
            date: first.map(|scan| scan.date().to_owned()),
            counts: Default::default(),
            statuses: Vec::new(),
            last: [None; 4],
            last_flagged: [None; 4],
            last_details: None,
        }
    }

    fn see(&mut self, scan: &Scan<'p>, place: usize, later: bool) {
        let (counts, new) = (scan.counts(), (scan.at, place));
        let (counted, buckets) = match later {
            true => (COUNTERS[0].len(), &[0, scan.bucket()][..]),
            false => (DOCUMENTED, &[0][..]),
        };
        for bucket in buckets {
            for (sum, count) in zip(&mut self.counts[*bucket], counts).take(counted) {
                if let Some(count) = count {
                    sum.get_or_insert_default().add(count);
                }
            }
            keep_newest(&mut self.last[*bucket], new);
            if scan.flagged {
                keep_newest(&mut self.last_flagged[*bucket], new);
            }
        }
        if scan.flagged || scan.status != COMPLETE {
            keep_newest(&mut self.last_details, new);
        }
        let known = { &mut self.statuses }.iter_mut();
        match known.into_iter().find(|(known, _)| *known == scan.status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((scan.status, 1)),
        }
    }

    fn write(self, changes: &mut Changes, scans: &[(Scan<'_>, String)], later: bool, now: &str) {
        let key = &self.key;
        if let Some(date) = self.date.as_ref().filter(|_| later) {
            changes.set(key, "metric_date", date);
        }
        if later || self.date.is_none() {
            changes.set(key, "updated_at", now);
        }
        for (status, count) in self.statuses {
            changes.count(&keys::status(key), status, count);
        }
        for (counters, counts) in zip(COUNTERS, self.counts) {
            for (counter, count) in zip(counters, counts) {
                if let Some(count) = count {
                    changes.count_all(key, counter, count);
                }
            }
        }
        for (prefix, last) in zip(PREFIXES, self.last) {
            write_last(changes, key, &format!("{prefix}last_us"), last, |place| {
                let (scan, details) = &scans[place];
                let duration = scan.duration.unwrap_or(0).max(0).to_string();
                let all = [
                    ("last_duration_ms", duration.as_str()),
                    ("last_status", scan.status),
                    ("last_at", &scan.moment),
                    ("last_details", details),
                ];
                // Of all together, details have an instant of their own.
                let count = if prefix.is_empty() { 2 } else { 4 };
                let fields = all[..count].iter();
                fields
                    .map(|(name, text)| (format!("{prefix}{name}"), (*text).to_owned()))
                    .collect()
            });
        }
        write_last(
            changes,
            key,
            "last_details_us",
            self.last_details,
            |place| vec![("last_details".to_owned(), scans[place].1.clone())],
        );
        for (prefix, last) in zip(PREFIXES, self.last_flagged) {
            let instant = format!("{prefix}last_flagged_us");
            write_last(changes, key, &instant, last, |place| {
                let moment = scans[place].0.moment.clone();
                let mut fields = vec![(format!("{prefix}last_flagged_at"), moment)];
                if !later {
                    fields.push(("last_reference".to_owned(), String::new()));
                }
                fields
            });
        }
    }
}

/// Of several at one instant the last that came.
fn keep_newest(known: &mut Newest, new: (i64, usize)) {
    if known.is_none_or(|known| new.0 >= known.0) {
        *known = Some(new);
    }
}

fn write_last(
    changes: &mut Changes,
    key: &str,
    instant: &str,
    last: Newest,
    fields: impl FnOnce(usize) -> Vec<(String, String)>,
) {
    if let Some((at, place)) = last {
        changes.last(key, instant, at, || fields(place));
    }
}

/// What is kept of the result and what the original adds to it, and how many flags it says. Members of the documented form
/// that name persons and files are there and hold nothing.
fn details(scan: &Scan<'_>, later: bool) -> (String, i64) {
    let kept = scan.details.filter(|json| json.starts_with('{'));
    let (mut object, known) = Object::copied(kept.unwrap_or("{}"));
    let mut add = |name: &'static str, value: Value<'_>| {
        if known.iter().all(|(known, _)| *known != name) {
            object.add(name, value);
        }
    };
    if later {
        if let Some(workload) = workload(scan) {
            add("workload", Value::Json(&workload));
        }
    } else {
        let mut file = Object::default();
        file.add("name", Value::Null);
        file.add("mime", Value::Null);
        file.add("size_bytes", Value::number(scan.bytes));
        add("file", Value::Json(&file.finish()));
        NOT_KEPT.iter().for_each(|name| add(name, Value::Null));
    }
    add("status", Value::Text(scan.status));
    add("was_flagged", Value::Bool(scan.flagged));
    add("flags_count", Value::Number(scan.flags));
    if scan.accelerated.is_some() || !later {
        add("accelerated", Value::bool(scan.accelerated));
    }
    add("occurred_at", Value::Text(&scan.moment));
    if !later {
        add("reference", Value::Null);
    }
    let said = known.iter().find(|(name, _)| *name == "flags_count");
    let flags = said.and_then(|(_, flags)| flags.parse().ok());
    (object.finish(), flags.unwrap_or(scan.flags))
}

fn workload(scan: &Scan<'_>) -> Option<String> {
    let names = [
        "bytes",
        "duration_ms",
        "frames_scanned",
        "frames_target",
        "frames_media_total",
    ];
    let [scanned, target, media] = scan.frames;
    let numbers = [scan.bytes, scan.duration, scanned, target, media];
    let mut object = Object::default();
    for (name, number) in zip(names, numbers) {
        if let Some(number) = number {
            object.add(name, Value::Number(number));
        }
    }
    (!object.is_empty()).then(|| object.finish())
}

fn event(scan: &Scan<'_>, details: &str, flags: i64, later: bool) -> Vec<u8> {
    let mut event = Object::with_room(details.len() + 512);
    event.add("occurred_at", Value::Text(&scan.moment));
    event.add("metric_date", Value::Text(scan.date()));
    match scan.guild {
        0 if !later => event.add("guild_id", Value::Null),
        guild => event.add("guild_id", Value::Number(guild)),
    }
    event.add("content_type", Value::Text(scan.content_type));
    event.add("status", Value::Text(scan.status));
    event.add("was_flagged", Value::Bool(scan.flagged));
    event.add("flags_count", Value::Number(flags));
    event.add("file_size", Value::number(scan.bytes));
    event.add("scan_duration_ms", Value::number(scan.duration));
    if !later {
        event.add("reference", Value::Null);
    }
    event.add("details", Value::Json(details));
    if later {
        event.add("accelerated", Value::bool(scan.accelerated));
        let [scanned, target, media] = scan.frames.map(Value::number);
        event.add("frames_scanned", scanned);
        event.add("frames_target", target);
        event.add("frames_media_total", media);
    }
    event.finish().into_bytes()
}

/// As Python's `isoformat` writes it: microseconds if there are any.
fn isoformat(at: DateTime<Utc>) -> String {
    let (date, time) = (at.date_naive(), at.time());
    let mut text = String::with_capacity(32);
    digits(date.year().unsigned_abs(), 4, &mut text);
    for (before, number) in [
        ('-', date.month()),
        ('-', date.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ] {
        text.push(before);
        digits(number, 2, &mut text);
    }
    match at.timestamp_subsec_micros() {
        0 => {}
        micros => {
            text.push('.');
            digits(micros, 6, &mut text);
        }
    }
    text.push_str("+00:00");
    text
}

fn digits(number: u32, count: u32, text: &mut String) {
    let digit = |place| char::from(b'0' + (number / 10_u32.pow(place) % 10) as u8);
    text.extend((0..count).rev().map(digit));
}
