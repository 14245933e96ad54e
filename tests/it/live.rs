//! Events between two nights: declared, checked, recorded once, kept and found again.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod archive;
mod checking;
mod codec;
mod declared;
mod disk;
mod exports;
mod faults;
mod keeping;
mod killed;
mod log;
mod metrics;
mod moving;
mod night;
mod originals;
mod power_cuts;
mod program;
mod questions;
mod recording;
mod redis_layouts;
mod redis_wire;
pub(crate) mod scan_hashes;
mod scans;
mod sorting;
mod spans;
mod tailed;
pub(crate) mod three_scans;
mod told;
mod topped;
mod watched;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::{Kind, Kinds, presets, written};
use daybook::live::keep::Rules;
use daybook::live::question::{self, Filter, Order, Points};
use daybook::live::record::{Recorder, Settings, Writer};
use daybook::live::store::Store;

/// A shop's checkouts, as the guide declares them.
const CHECKOUT: &str = r#"
    shape = "span"
    labels = { shop = { values = ["zh", "be"], required = true }, method = { most = 3 }, order = { find = true } }
    values = { duration = { unit = "ms", min = 0 }, amount = { unit = "CHF", decimals = 2 } }
    by = [["shop"], ["shop", "method"]]
    cluster = "shop"
    details = { bytes = 64 }
"#;

/// A configuration needs something to measure; these tests never count it.
pub(crate) const METRICS: &str = r#"
[tables.users]
name = "users"
created_at = "joined"

[[metrics]]
key = "users"
table = "users"
count = "*"
"#;

fn kind(name: &str, toml: &str) -> Kind {
    let written: written::Kind = toml::from_str(toml).unwrap();
    daybook::kinds::check(name, &written, &mut |place, message| {
        panic!("{place:?}: {message}")
    })
}

fn kinds() -> Kinds {
    let checkout = kind("checkout", CHECKOUT);
    let presets = presets::PRESETS
        .iter()
        .flat_map(|(_, toml)| presets::kinds(toml));
    let all = presets.chain([checkout]);
    all.map(|kind| (kind.name.clone(), kind)).collect()
}

fn rules(kinds: &Kinds, zone: Tz) -> Rules {
    Rules {
        kinds: kinds.clone(),
        zone,
        archive: None,
        backlog: None,
    }
}

/// Friday noon in Zurich.
fn noon() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

async fn recorder() -> (Recorder, Writer) {
    Recorder::for_tests(kinds(), noon).await.unwrap()
}

async fn recorder_in(path: &std::path::Path, settings: Settings) -> (Recorder, Writer) {
    let store = Store::open(path, Durable::Commit).await.unwrap();
    Recorder::start(store, kinds(), settings, noon)
}

pub(crate) fn everything() -> Points {
    Points {
        window: i64::MIN..i64::MAX,
        filter: Filter::default(),
        order: Order::NewestFirst,
        most: usize::MAX,
        after: None,
    }
}

/// All points of a kind as they were sent, the newest first.
async fn points(store: &mut Store, kind: &str) -> Vec<serde_json::Value> {
    let found = question::points(store, &kinds()[kind], &everything())
        .await
        .unwrap();
    assert_eq!(found.broken, []);
    daybook::live::point::points(&found.points, kind)
        .map(|point| serde_json::json!(point))
        .collect()
}
