//! Any kind in keys of our own, recounted from its points.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use daybook::kinds::{Kind, written};
use daybook::live::chunk::Chunk;
use daybook::live::columns::{ABSENT, Column, Columns, Numbers, Texts};
use daybook::live::grain::Grain;
use daybook::live::point::points;
use daybook::live::redis::generic::{self, Fields};
use daybook::live::rollup::bucket;
use serde_json::json;
use support::dice::Dice;
use support::redis::{Holds, Server, Value};

use super::{apply, batches, now};

/// In a zone whose hours begin at a quarter past, sums fall, and some are larger than Redis counts to.
const CHECKOUT: &str = r#"
    shape = "span"
    labels = { shop = { most = 9 }, method = { values = ["card"] }, order = { find = true } }
    values = { amount = { unit = "CHF", decimals = 2 }, duration = { unit = "ms", min = 0, decimals = 0 }, ratio = {} }
    by = [["shop"], ["shop", "method"]]
    keep = { points = "30000d", hourly = "31000d", daily = "32000d", monthly = "forever" }
    details = { bytes = 64 }
"#;
const ZONE: Tz = chrono_tz::Asia::Kathmandu;
const OFFSET: i64 = 20_700;

fn checkout() -> Kind {
    let written: written::Kind = toml::from_str(CHECKOUT).unwrap();
    daybook::kinds::check("checkout", &written, &mut |place, message| {
        panic!("{place:?}: {message}")
    })
}

fn checkouts(dice: &mut Dice, count: usize) -> Columns {
    let mut points = Columns::new(&checkout());
    for _ in 0..count {
        // Around the end of a month.
        let second = 1_769_800_000 + dice.below(3 * 86_400) as i64;
        let micros = [0, 0, dice.below(1_000_000) as i64][dice.below(3) as usize];
        points.at.push((second / 1000 * 1000) * 1_000_000 + micros);
        points.ok.push([ABSENT, 0, 1][dice.below(3) as usize]);
        points.details.push(dice.pick(&["", "{\"a\":\"ü\"}"]));
        for Column { name, cells } in &mut points.labels {
            cells.push(match name.as_str() {
                "shop" => dice.pick(&["zh", "b:e,", "ü", "", "%2C"]),
                "method" => dice.pick(&["", "card"]),
                _ => dice.pick(&["o-1", "o-2"]),
            });
        }
        for Column { name, cells } in &mut points.values {
            match cells {
                Numbers::Fixed { raw, .. } if name == "amount" => raw.push(
                    [-i64::MAX, i64::MAX, i64::MAX / 2, -5, 1999, ABSENT][dice.below(6) as usize],
                ),
                Numbers::Fixed { raw, .. } => {
                    raw.push([0, 7, 1 << 62, ABSENT][dice.below(4) as usize]);
                }
                Numbers::Float(floats) => {
                    floats.push([0.1, -1e-20, 1e300, f64::NAN][dice.below(4) as usize]);
                }
            }
        }
    }
    points
}

/// What is known of a value if it is counted one by one.
#[derive(Default)]
struct Recount {
    numbers: Vec<f64>,
    units: i128,
    last: Option<(i64, f64)>,
    buckets: BTreeMap<i32, u64>,
}

/// The start of the hour, day or month in Kathmandu.
fn start(grain: Grain, micros: i64) -> i64 {
    let local = micros.div_euclid(1_000_000) + OFFSET;
    let first = match grain {
        Grain::Hour => local - local.rem_euclid(3600),
        Grain::Day => local - local.rem_euclid(86_400),
        Grain::Month => {
            let date = DateTime::from_timestamp(local, 0)
                .unwrap()
                .format("%Y-%m-01T00:00:00Z");
            date.to_string()
                .parse::<DateTime<Utc>>()
                .unwrap()
                .timestamp()
        }
    };
    first - OFFSET
}

#[test]
fn any_kind_is_read_back_as_a_recount_finds_it() {
    let (server, kind) = (Server::start(&[]), checkout());
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let mut client = server.client(0);
        client.run(["FLUSHALL"]);
        let points = checkouts(&mut dice, [1, 30, 300][seed as usize % 3]);
        let parts = batches(&points, &mut dice);
        let (first, second) = parts.split_at(parts.len() / 2);
        for (replica, parts) in [("web1", first), ("web2", second)] {
            let fresh = generic::fresh_key("checkout", replica);
            // A replica adds to its fresh points, and rolls all of them up from time to time.
            for (number, parts) in parts.chunks(4).enumerate() {
                let [fresh_mark, mark] =
                    ["", ":rollups"].map(|of| format!("{replica}.{number}{of}"));
                apply(
                    &mut client,
                    &mut dice,
                    &fresh_mark,
                    parts,
                    |changes, points| {
                        generic::add_fresh(changes, points, &kind, replica).unwrap();
                    },
                );
                let mut together = Columns::new(&kind);
                parts.iter().for_each(|part| together.append(part));
                let dump = client.dump();
                let found = chunks_of(&dump[&fresh]);
                assert_eq!(sorted_json(&found), sorted_json(&together), "seed {seed}");
                apply(
                    &mut client,
                    &mut dice,
                    &mark,
                    &[together],
                    |changes, points| {
                        generic::add_rolled(changes, points, &kind, ZONE, now()).unwrap();
                        changes.forget(&generic::fresh_key(&kind.name, replica));
                    },
                );
                assert!(!client.dump().contains_key(&fresh));
            }
        }
        let dump = client.dump();
        assert_described(&dump, &points);
        assert_points(&dump, &points, seed);
        for by in [&[][..], &["shop"], &["shop", "method"]] {
            for grain in Grain::ALL {
                assert_rollups(&dump, &points, &kind, grain, by, seed);
            }
        }
    }
}

fn assert_described(dump: &BTreeMap<String, Value>, points: &Columns) {
    let first = points.at.iter().min().unwrap().to_string();
    let last = points.at.iter().max().unwrap().to_string();
    let now = now().timestamp_micros().to_string();
    let expected = [
        ("at:min", first.as_str()),
        ("at:max", &last),
        ("zone:Asia/Kathmandu:min", &first),
        ("zone:Asia/Kathmandu:max", &last),
        ("by::min", &now),
        ("by::max", &now),
        ("by:shop:min", &now),
        ("by:shop:max", &now),
        ("by:shop,method:min", &now),
        ("by:shop,method:max", &now),
        ("amount:decimals", "2"),
        ("amount:unit", "CHF"),
        ("duration:decimals", "0"),
        ("duration:unit", "ms"),
        ("ratio:decimals", ""),
        ("ratio:unit", ""),
        ("zone", "Asia/Kathmandu"),
    ];
    let expected = expected.map(|(field, text)| (field.to_owned(), text.to_owned()));
    let mut described = dump["daybook:live:checkout"].hash().clone();
    let all = described.len();
    described.retain(|field, _| !field.starts_with("replica:web"));
    assert!(all > described.len());
    assert_eq!(described, BTreeMap::from(expected));
}

fn sorted_json(of: &Columns) -> Vec<String> {
    let mut all: Vec<String> = points(of, "checkout")
        .map(|point| json!(point).to_string())
        .collect();
    all.sort();
    all
}

/// All points of a list of chunks.
fn chunks_of(value: &Value) -> Columns {
    let Holds::List(items) = &value.holds else {
        panic!("it is no list")
    };
    let mut found = Columns::new(&checkout());
    for item in items {
        let bytes = item.clone().bytes();
        let chunk = Chunk::open(&bytes).unwrap();
        found.append(&chunk.decode(chunk.all()).unwrap());
    }
    found
}

fn assert_points(dump: &BTreeMap<String, Value>, points: &Columns, seed: u64) {
    let mut found = Columns::new(&checkout());
    for (key, value) in dump {
        let Some(hour) = key.strip_prefix("daybook:live:checkout:points:") else {
            continue;
        };
        let hour: i64 = hour.parse().unwrap();
        assert_eq!(value.expires, Some(hour + 3600 + 30_000 * 86_400));
        let inside = chunks_of(value);
        assert!(inside.at.iter().all(|at| start(Grain::Hour, *at) == hour));
        found.append(&inside);
    }
    assert_eq!(sorted_json(&found), sorted_json(points), "seed {seed}");
    let latest = dump["daybook:live:checkout:latest:shop"].hash();
    let shops = points.label("shop").unwrap();
    for place in 0..points.len() {
        let shop = shops.text(place);
        let newest = places_of(shops, shop)
            .map(|at| points.at[at])
            .max()
            .unwrap();
        assert_eq!(latest[&format!("{shop}\0us")], newest.to_string());
        let of_newest = places_of(shops, shop).filter(|at| points.at[*at] == newest);
        let of_newest = points.pick(&of_newest.map(|at| at as u32).collect::<Vec<u32>>());
        assert!(
            sorted_json(&of_newest).contains(&latest[shop]),
            "seed {seed}"
        );
    }
}

fn places_of(texts: &Texts, wanted: &str) -> impl Iterator<Item = usize> {
    (0..texts.len()).filter(move |at| texts.text(*at) == wanted)
}

fn assert_rollups(
    dump: &BTreeMap<String, Value>,
    points: &Columns,
    kind: &Kind,
    grain: Grain,
    by: &[&str],
    seed: u64,
) {
    let mut groups: BTreeMap<(i64, Vec<String>), Vec<usize>> = BTreeMap::new();
    for place in 0..points.len() {
        let word = |label: &&str| points.label(label).unwrap().text(place).to_owned();
        let words = by.iter().map(word).collect();
        let group = groups.entry((start(grain, points.at[place]), words));
        group.or_default().push(place);
    }
    let index = &dump[&generic::index_key("checkout", grain, &by.join(","))];
    let Holds::Sorted(index) = &index.holds else {
        panic!("the index is no sorted set")
    };
    assert_eq!(index.len(), groups.len());
    for (key, score) in index {
        let read = generic::read_key("checkout", key).unwrap();
        assert_eq!(
            (read.grain, &read.by),
            (grain, &by.iter().map(|name| (*name).to_owned()).collect())
        );
        assert_eq!(&read.start.to_string(), score);
        let value = &dump[key];
        let keep = match grain {
            Grain::Hour => Some(3600 + 31_000 * 86_400),
            Grain::Day => Some(86_400 + 32_000 * 86_400),
            Grain::Month => None,
        };
        assert_eq!(value.expires, keep.map(|keep| read.start + keep));
        let places = &groups[&(read.start, read.words)];
        assert_rollup(dump, key, points, places, kind, seed);
    }
}

fn as_answered(fields: &BTreeMap<String, String>) -> Fields<'_> {
    let fields = fields.iter();
    fields
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect()
}

fn assert_rollup(
    dump: &BTreeMap<String, Value>,
    key: &str,
    points: &Columns,
    places: &[usize],
    kind: &Kind,
    seed: u64,
) {
    let rollup = generic::read_rollup(&as_answered(dump[key].hash()), kind).unwrap();
    let went = |ok: i64| places.iter().filter(|at| points.ok[**at] == ok).count() as u64;
    assert_eq!(rollup.points, places.len() as u64, "{key}");
    assert_eq!(
        (rollup.succeeded, rollup.failed),
        (went(1), went(0)),
        "{key}"
    );
    for Column { name, cells } in &points.values {
        let recount = recount(cells, points, places);
        let Some(stats) = rollup.values.get(name) else {
            assert!(recount.numbers.is_empty(), "seed {seed}, {key}, {name}");
            continue;
        };
        let said = format!("seed {seed}, {key}, {name}");
        let near = |found: f64, expected: f64| {
            assert!(
                (found - expected).abs() <= expected.abs() * 1e-9 + 1e-9,
                "{said}: {found}, expected {expected}"
            );
        };
        let numbers = &recount.numbers;
        let squares: f64 = numbers.iter().map(|number| number * number).sum();
        assert_eq!(stats.count, numbers.len() as u64, "{said}");
        match cells {
            Numbers::Fixed { decimals, .. } => {
                let expected = Some((recount.units, *decimals));
                assert_eq!(stats.exact_sum(), expected, "{said}");
            }
            Numbers::Float(_) => near(stats.sum(), numbers.iter().sum()),
        }
        match squares.is_finite() {
            true => near(stats.squares, squares),
            false => assert_eq!(stats.squares, squares, "{said}"),
        }
        assert_eq!(
            stats.min,
            numbers.iter().copied().fold(f64::INFINITY, f64::min),
            "{said}"
        );
        assert_eq!(
            stats.max,
            numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "{said}"
        );
        assert_eq!(Some((stats.last_at, stats.last)), recount.last, "{said}");
        let sketch = as_answered(dump[&generic::sketch_key(key, name)].hash());
        let sketch = generic::read_sketch(&sketch).unwrap();
        assert_eq!(
            sketch.buckets(),
            recount.buckets.into_iter().collect::<Vec<_>>(),
            "{said}"
        );
    }
}

fn recount(cells: &Numbers, points: &Columns, places: &[usize]) -> Recount {
    let mut recount = Recount::default();
    for place in places {
        let number = match cells {
            Numbers::Fixed { raw, .. } if raw[*place] == ABSENT => continue,
            Numbers::Fixed { raw, decimals } => {
                recount.units += i128::from(raw[*place]);
                raw[*place] as f64 / 10_f64.powi(*decimals as i32)
            }
            Numbers::Float(floats) if floats[*place].is_nan() => continue,
            Numbers::Float(floats) => floats[*place],
        };
        recount.numbers.push(number);
        *recount.buckets.entry(bucket(number)).or_default() += 1;
        // Of several at one instant the largest.
        let at = points.at[*place];
        if recount.last.is_none_or(|known| (at, number) > known) {
            recount.last = Some((at, number));
        }
    }
    recount
}
