//! The live events that the application would have sent: how sign-ups and uploads went, told from its rows.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::chance::Chance;
use super::world::World;
use crate::calendar::{AsOf, Day};
use crate::config::LiveSettings;
use crate::config::live::Durable;
use crate::live::batch::Batch;
use crate::live::event::Event;
use crate::live::keep::{self, Rules};
use crate::live::number::Number;
use crate::live::store::{Known, Store};

/// The kinds, and the metrics over them.
pub(super) const KINDS: &str = r#"# Sign-ups and uploads are also sent as live events; `daybook live record` would add to live.db.
[live]
accept = true                         # `daybook serve` takes more of them
database = "live.db"

[live.kinds.sign_up]
shape = "span"
keep = { points = "40d" }

[live.kinds.upload]
shape = "span"
by = [["type"]]
labels = { type = { values = ["AVATAR", "COLLECTION_HEADER", "COLLECTION_ITEM", "OTHER"] } }
values = { duration = { unit = "ms", decimals = 0, min = 0 }, size = { unit = "bytes", decimals = 0 } }
keep = { points = "40d" }

"#;
pub(super) const METRICS: &str = r#"

# ==== Live events ====

[[metrics]]
key = "sign_ups"
label = "Sign-ups"
section = "Live events"
description = "Sign-ups that the web server saw through."
live = { kind = "sign_up", value = "succeeded" }
within = { days = [1, 7, 30] }
same_as = "new_users"
good = "up"

[[metrics]]
key = "uploads"
label = "Upload attempts"
section = "Live events"
live = { kind = "upload", value = "count" }
within = { days = [1, 7] }
good = "up"

[[metrics]]
key = "upload_success"
label = "Uploads that succeeded"
section = "Live events"
live = { kind = "upload", value = "success_pct" }
decimals = 1
good = "up"

[[metrics]]
key = "upload_time_p95"
label = "Upload time, p95"
section = "Live events"
live = { kind = "upload", value = "p95 of duration" }
good = "down"
"#;

/// The longest window, and some time before it.
const RECORDED: TimeDelta = TimeDelta::days(33);
/// Of a hundred, so many are followed by one that fails.
const FAILING: usize = 2;
const FAILS_LATER: TimeDelta = TimeDelta::seconds(40);
/// On the last complete day the first sign-up after this hour was lost: the web server was restarted.
const LOST_HOUR: i64 = 13;

struct Sent {
    at: DateTime<Utc>,
    kind: &'static str,
    /// Of an upload.
    file: Option<(&'static str, Option<i64>)>,
    duration: i64,
    ok: bool,
}

/// What is sent from one instant on to before another.
fn sent(world: &World, last_day: Day, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Sent> {
    let since = from - FAILS_LATER;
    let (users, files) = (&world.users, &world.media);
    let lost = last_day.start + TimeDelta::hours(LOST_HOUR);
    let lost = users.partition_point(|user| user.joined < lost);
    let joined = users.partition_point(|user| user.joined < since)..users.len();
    let joined = joined.filter(|number| *number != lost || users[lost].joined >= last_day.end);
    let sign_ups = joined.map(|number| (users[number].joined, number, "sign_up", None));
    let stored = files.partition_point(|file| file.created < since)..files.len();
    let uploads = stored.map(|number| {
        let file = &files[number];
        let told = Some((file.kind.word(), file.size));
        (file.created, number, "upload", told)
    });
    let mut all = Vec::new();
    for (at, number, kind, file) in sign_ups.chain(uploads) {
        let mut chance = Chance::seeded(number as i64);
        let mut happened = |at, ok| {
            all.push(Sent {
                at,
                kind,
                file,
                duration: duration(&mut chance),
                ok,
            });
            chance.percent(FAILING)
        };
        if happened(at, true) {
            happened(at + FAILS_LATER, false);
        }
    }
    all.retain(|one| from <= one.at && one.at < to);
    all
}

/// Most take less than half a second.
fn duration(chance: &mut Chance) -> i64 {
    150 + chance.favouring_low(1_500) as i64
}

/// What the live metrics of a night are.
pub(super) fn count(world: &World, last_day: Day, as_of: &AsOf) -> BTreeMap<&'static str, Number> {
    let begin = |days: u32| as_of.window_start(days).instant;
    let all = sent(world, last_day, begin(30), as_of.instant);
    let within = |kind: &'static str, days: u32| {
        let begin = begin(days);
        all.iter()
            .filter(move |one| one.kind == kind && begin <= one.at)
    };
    let signed_up = |days: u32| within("sign_up", days).filter(|one| one.ok).count();
    let uploads = |days: u32| within("upload", days).count();
    let succeeded = within("upload", 1).filter(|one| one.ok).count();
    let success =
        Decimal::from(succeeded) * Decimal::ONE_HUNDRED / Decimal::from(uploads(1).max(1));
    let mut durations: Vec<i64> = within("upload", 1).map(|one| one.duration).collect();
    durations.sort_unstable();
    let p95 = durations.get((durations.len() as f64 * 0.95) as usize);
    let mut counted = BTreeMap::from([("upload_success", Number::Exact(success))]);
    counted.extend(p95.map(|p95| ("upload_time_p95", Number::Binary(*p95 as f64))));
    for (key, count) in [
        ("sign_ups_24h", signed_up(1)),
        ("sign_ups_7d", signed_up(7)),
        ("sign_ups_30d", signed_up(30)),
        ("uploads_24h", uploads(1)),
        ("uploads_7d", uploads(7)),
    ] {
        counted.insert(key, Number::Exact(count.into()));
    }
    counted
}

/// Records what was sent until then, since an earlier instant or as far back as a window reaches.
pub(super) async fn record(
    world: &World,
    last_day: Day,
    live: &LiveSettings,
    since: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
) -> Result<()> {
    let file = &live.database;
    if since.is_none() {
        refuse_existing(file)?;
    }
    let mut batch = Batch::default();
    let all = sent(world, last_day, since.unwrap_or(until - RECORDED), until);
    for (line, one) in all.iter().enumerate() {
        let mut event = Event::new(one.kind)
            .at(one.at)
            .value("duration", one.duration)
            .ok(one.ok);
        if let Some((kind, size)) = one.file {
            event = event.label("type", kind);
            if let Some(size) = size {
                event = event.value("size", size);
            }
        }
        batch.add(line, &event, &live.kinds, one.at);
    }
    let recorded = async {
        let mut store = Store::open(file, Durable::Memory).await?;
        let mut known = Known::new(0, false);
        store
            .commit(&mut [batch], &live.kinds, until, &mut known)
            .await?;
        // As a keeper would have left it.
        keep::round(&mut store, &Rules::of(live, last_day.zone), until).await?;
        store.close().await
    };
    recorded
        .await
        .with_context(|| format!("cannot write {}", file.display()))
}

fn refuse_existing(path: &Path) -> Result<()> {
    if path.exists() {
        bail!(
            "{} already exists, and the demo overwrites nothing: move it away or choose another folder with --dir",
            path.display()
        );
    }
    Ok(())
}
