//! What forwarded events leave in Redis is what the original systems write, key by key, and what a recount finds.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod generic;
mod hosts;
mod whole;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use daybook::kinds::{Kind, presets};
use daybook::live::columns::Columns;
use daybook::live::compat::moderation as bot;
use daybook::live::event::{self, Event};
use daybook::live::redis::changes::Changes;
use daybook::live::redis::moderation;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::redis::{Client, Holds, Reply, Sent, Server, Value};

const APPLY: &str = include_str!("../../../src/live/redis/apply.lua");
const PREFIX: &str = "moderator:metrics";

/// The instant that the literal writer takes for its own.
fn now() -> DateTime<Utc> {
    "2024-06-01T00:00:00Z".parse().unwrap()
}

fn preset(name: &str) -> Kind {
    let all = presets::PRESETS.iter();
    let mut kinds = all.flat_map(|(_, toml)| presets::kinds(toml));
    kinds.find(|kind| kind.name == name).unwrap()
}

/// Points as Daybook keeps these events.
fn kept(kind: &Kind, events: impl IntoIterator<Item = Event<'static>>) -> Columns {
    let mut points = Columns::new(kind);
    for event in events {
        event::add_old(&event, kind, now(), &mut points).unwrap();
    }
    points
}

/// Cuts points into batches of random sizes.
fn batches(points: &Columns, dice: &mut Dice) -> Vec<Columns> {
    let mut all: Vec<u32> = (0..points.len() as u32).collect();
    let mut batches = Vec::new();
    while !all.is_empty() {
        let size = [1, 1, 3, 20, 100][dice.below(5) as usize].min(all.len());
        batches.push(points.pick(&all.drain(..size).collect::<Vec<u32>>()));
    }
    batches
}

/// Applies batches in order, some of them too early, some twice: both change nothing.
fn apply(
    client: &mut Client,
    dice: &mut Dice,
    replica: &str,
    batches: &[Columns],
    mut fill: impl FnMut(&mut Changes, &Columns),
) {
    let reply = |applied: i64, mark: &str| {
        Reply::List(vec![
            Reply::Number(applied),
            Reply::Bytes(mark.as_bytes().to_vec()),
        ])
    };
    let mut mark = String::new();
    for (number, batch) in (1..).zip(batches) {
        let behind = format!("{number}.0");
        let mut changes = Changes::new(PREFIX);
        fill(&mut changes, batch);
        let call = changes.call(replica, &mark, &behind, 0);
        let call = Sent::of(call.keys.bytes(), call.arguments.bytes());
        if dice.one_in(5) {
            let mut early = call.arguments.clone();
            early[1] = b"0.0".to_vec();
            assert_eq!(client.script(APPLY, &call.keys, &early), reply(0, &mark));
        }
        let applied = client.script(APPLY, &call.keys, &call.arguments);
        assert_eq!(applied, reply(1, &behind));
        while dice.one_in(3) {
            let repeated = client.script(APPLY, &call.keys, &call.arguments);
            assert_eq!(repeated, reply(0, &behind));
        }
        mark = behind;
    }
}

/// What the original's own rules write of these lines, or find.
fn python(server: &Server, database: u32, what: &str, lines: &[Json]) -> Json {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redis/write.py");
    let mut child = Command::new("python3")
        .arg(script)
        .args([
            server.port.to_string(),
            database.to_string(),
            what.to_owned(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("python3: {error}; `make test` installs it"));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Without what no reader of the originals looks at.
fn theirs(mut dump: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let own = |key: &str| {
        key.contains(":applied") || key == "metrics:newest" || key.starts_with("metrics:compact:")
    };
    dump.retain(|key, _| !own(key));
    for value in dump.values_mut() {
        match &mut value.holds {
            Holds::Hash(fields) => {
                fields.retain(|field, _| {
                    !["_us", "_exact", "_missing"]
                        .iter()
                        .any(|own| field.ends_with(own))
                });
            }
            // Events came in another order than the literal writer got them.
            Holds::Stream(events) => events.sort(),
            _ => {}
        }
    }
    dump
}

#[track_caller]
fn assert_same(ours: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>, seed: u64) {
    let keys = |dump: &BTreeMap<String, Value>| dump.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(ours), keys(expected), "seed {seed}");
    for (key, value) in ours {
        let expected = &expected[key];
        assert_eq!(value.holds, expected.holds, "seed {seed}, {key}");
        // One was written after the other.
        let apart = value.expires.zip(expected.expires);
        let apart = apart.map(|(one, other)| one.abs_diff(other));
        let is_near = apart.is_none_or(|apart| apart < 120);
        let both = value.expires.is_some() == expected.expires.is_some();
        assert!(is_near && both, "seed {seed}, {key}: {apart:?}");
    }
}

fn scan(dice: &mut Dice) -> Json {
    let second = match dice.below(3) {
        // Several at one instant.
        0 => dice.below(3),
        _ => dice.below(4 * 86_400),
    };
    let at = DateTime::from_timestamp(1_704_067_200 + second as i64, 0).unwrap();
    let at = at.format("%Y-%m-%dT%H:%M:%S");
    let zone = dice.pick(&["", "Z", "+00:00", ".000001+00:00", ".250+05:45"]);
    let one_of =
        |dice: &mut Dice, from: &[Json]| from[dice.below(from.len() as u64) as usize].clone();
    let frames = [json!(null), json!(0), json!(15), json!("40"), json!(-3)];
    let sizes = [
        json!(null),
        json!(0),
        json!(1),
        json!(1500),
        json!(25_000_000),
        json!(3_037_000_500_u64),
        json!(1_u64 << 62),
        json!(i64::MAX),
    ];
    let times = [
        json!(null),
        json!(0),
        json!(-3),
        json!(80),
        json!(1_000_000),
        json!(i64::MAX),
    ];
    let scores = [
        json!(0.9),
        json!(0.5),
        json!(1e-7),
        json!(0.000_012_5),
        json!(1),
        json!(true),
        json!("x"),
        json!(1e22),
    ];
    let mut result = json!({ "is_nsfw": dice.one_in(3), "secret": "x", "reason": "naïve \u{2028} \"☃\" \n\u{1}\\ a,b:c" });
    if dice.one_in(2) {
        let names = ["adult", "violence", "ü:,", "a", "b", "c", "d"];
        let scores = names.map(|name| (name.to_owned(), one_of(dice, &scores)));
        result["summary_categories"] = Json::Object(scores.into_iter().collect());
    }
    for name in ["scanned", "target", "media_total"] {
        result[format!("video_frames_{name}")] = one_of(dice, &frames);
    }
    let types = [
        "image",
        "video",
        "",
        "video/x y",
        "a:b",
        "ünïcode ☃",
        "%41",
        "tilde~._-",
        "'\"\\",
        "nul\tx",
    ];
    let statuses = [
        "",
        "scan_complete",
        " unsupported_type ",
        "läuft",
        "x".repeat(40).leak(),
    ];
    json!({
        "occurred_at": format!("{at}{zone}"),
        "guild_id": one_of(dice, &[json!(null), json!(0), json!("12"), json!(123), json!(-7), json!(10_i64.pow(18))]),
        "content_type": dice.pick(&types), "status": dice.pick(&statuses),
        "file_size": one_of(dice, &sizes), "scan_duration_ms": one_of(dice, &times),
        "accelerated": one_of(dice, &[json!(true), json!(false), json!(null), json!("yes")]),
        "scanner": "nsfw_scanner", "source": dice.pick(&["", "attachment"]),
        "scan_result": if dice.one_in(5) { json!(null) } else { result },
    })
}

#[test]
fn scans_leave_the_keys_that_the_bots_own_rules_write() {
    let (server, kind) = (Server::start(&[]), preset("scan"));
    for seed in 0..24 {
        let mut dice = Dice(seed);
        let later = seed % 2 == 0;
        let (mut ours, mut literal) = (server.client(1), server.client(2));
        ours.run(["FLUSHALL"]);
        let lines: Vec<Json> = (0..[1, 10, 120][seed as usize / 2 % 3])
            .map(|_| scan(&mut dice))
            .collect();
        let read = |line: &Json| bot::event(line.to_string().as_bytes()).unwrap();
        let points = kept(&kind, lines.iter().map(read));
        let layout = moderation::Layout {
            prefix: PREFIX.to_owned(),
            stream: PREFIX.to_owned(),
            bound: None,
            later,
        };
        let parts = batches(&points, &mut dice);
        apply(&mut ours, &mut dice, "web1", &parts, |changes, points| {
            moderation::add(changes, points, &layout, now());
        });
        let form = if later { "later" } else { "documented" };
        let sums = python(&server, 2, form, &lines);
        let dump = ours.dump();
        let totals = dump["moderator:metrics:totals"].hash();
        for (field, exact) in sums.as_object().unwrap() {
            // What is larger than Redis counts to stands beside it.
            let found = totals.get(&format!("{field}_exact"));
            let found = found.or(totals.get(field)).map_or("0", |text| text);
            assert_eq!(found, exact, "seed {seed}, {field}");
        }
        assert_same(&theirs(dump), &theirs(literal.dump()), seed);
    }
}

#[test]
fn the_stream_is_cut_to_its_bound() {
    let (server, kind) = (Server::start(&[]), preset("scan"));
    let mut client = server.client(0);
    let lines: Vec<Json> = (0..50)
        .map(|at| json!({ "guild_id": at, "occurred_at": "2024-01-01T00:00:00Z" }))
        .collect();
    let read = |line: &Json| bot::event(line.to_string().as_bytes()).unwrap();
    let points = kept(&kind, lines.iter().map(read));
    let layout = moderation::Layout {
        prefix: PREFIX.to_owned(),
        stream: "scans".to_owned(),
        bound: Some(moderation::Bound {
            most: 7,
            roughly: false,
        }),
        later: true,
    };
    apply(
        &mut client,
        &mut Dice(1),
        "web1",
        &[points],
        |changes, points| {
            moderation::add(changes, points, &layout, now());
        },
    );
    assert_eq!(client.run(["XLEN", "scans"]), Reply::Number(7));
}
