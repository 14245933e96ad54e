//! Samples of hosts, beside the monitor's own rules and both readers of the compact history.

use chrono::DateTime;
use daybook::config::live_redis::History;
use daybook::live::columns::{ABSENT, Columns, Numbers};
use daybook::live::event::Event;
use daybook::live::redis::compact::{self, Chains, FIELDS};
use daybook::live::redis::hosts;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::redis::{Holds, Reply, Server};

use super::{apply, assert_same, batches, kept, preset, python, theirs};

fn sample(dice: &mut Dice) -> Json {
    let total = 8_u64 << 30;
    let (memory, disk) = (dice.below(1 << 30) * 8, dice.below(1 << 30));
    // Now and then a percentage that the others do not tell.
    let percent = |dice: &mut Dice, used: u64| match dice.below(3) {
        0 => dice.below(1001),
        _ => (used * 1000 + total / 2) / total,
    };
    let tenths = |raw: u64| raw as f64 / 10.0;
    let mut values = json!({
        "cpu": tenths(dice.below(1001)), "cores": 4,
        "load1": dice.below(500) as f64 / 100.0, "load5": 0.25, "load15": 1,
        "memory": tenths(percent(dice, memory)), "memory_total": total, "memory_used": memory,
        "memory_free": if dice.one_in(3) { 1 } else { total - memory },
        "disk": tenths(percent(dice, disk)), "disk_total": total, "disk_used": disk, "disk_free": total - disk,
    });
    if dice.one_in(2) {
        for (name, most) in [
            ("bytes_in", 1 << 50),
            ("bytes_out", 9),
            ("packets_in", 1),
            ("packets_out", 5),
        ] {
            values[name] = json!(dice.below(most));
        }
    }
    // Around a midnight.
    let at = 1_705_017_600_000 + dice.below(100) as i64 * 1000 - 50_000 + dice.below(2) as i64;
    let at = DateTime::from_timestamp_millis(at).unwrap();
    json!({ "kind": "host", "at": at.to_rfc3339(), "labels": { "host": dice.pick(&["host-1", "ü:host", "c{x}d"]) }, "values": values })
}

#[test]
fn samples_leave_the_keys_that_the_monitors_own_rules_write_and_a_compact_history_of_the_same() {
    let (server, kind) = (Server::start(&[]), preset("host"));
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let (mut ours, mut literal) = (server.client(1), server.client(2));
        ours.run(["FLUSHALL"]);
        let lines: Vec<Json> = (0..[1, 20, 200][seed as usize % 3])
            .map(|_| sample(&mut dice))
            .collect();
        let read = |line: &Json| Event::from_json(line.to_string().as_bytes()).unwrap();
        let points = kept(&kind, lines.iter().map(read));
        let layout = hosts::Layout {
            // Long enough that the test's days of 2024 are kept.
            retention_days: 30,
            history: History::Both,
        };
        let forever = hosts::Layout {
            retention_days: 30_000,
            history: History::Compact,
        };
        let parts = batches(&points, &mut dice);
        // Two connections in turn.
        for (replica, chain, parts) in [
            ("web1", 1, &parts[..parts.len() / 2]),
            ("web2", 2, &parts[parts.len() / 2..]),
        ] {
            let mut chains = [Chains::new(chain), Chains::new(chain)];
            let [of_both, of_compact] = &mut chains;
            apply(&mut ours, &mut dice, replica, parts, |changes, points| {
                hosts::add(changes, points, layout, of_both);
            });
            let mut alone = server.client(3);
            apply(&mut alone, &mut dice, replica, parts, |changes, points| {
                hosts::add(changes, points, forever, of_compact);
            });
        }
        python(&server, 2, "hosts", &lines);
        assert_same(&theirs(ours.dump()), &theirs(literal.dump()), seed);
        assert_compact(&server, &points, seed);
    }
}

/// Both readers of the compact history find the samples.
fn assert_compact(server: &Server, points: &Columns, seed: u64) {
    let raw = |place: usize| {
        let number = |name: &&str| match points.value(name) {
            Some(Numbers::Fixed { raw, .. }) => Some(raw[place]).filter(|raw| *raw != ABSENT),
            _ => None,
        };
        FIELDS.iter().map(number).collect::<Vec<Option<i64>>>()
    };
    let host = |place| points.label("host").unwrap().text(place).to_owned();
    let samples = (0..points.len()).map(|at| (host(at), points.at[at] / 1000, raw(at)));
    let mut samples: Vec<(String, i64, Vec<Option<i64>>)> = samples.collect();
    samples.sort();
    let mut ours = Vec::new();
    let mut client = server.client(3);
    for (key, value) in client.dump() {
        let Some((host, day)) = key
            .strip_prefix("metrics:compact:")
            .and_then(|rest| rest.rsplit_once(':'))
        else {
            continue;
        };
        let day: i64 = day.parse().unwrap();
        assert_eq!(value.expires, Some((day + 1 + 30_000) * 86_400));
        let Holds::List(items) = value.holds else {
            panic!("{key} is no list")
        };
        let bytes: Vec<u8> = items.into_iter().flat_map(Reply::bytes).collect();
        for sample in compact::read(day * compact::DAY, &bytes).unwrap() {
            ours.push((host.to_owned(), sample.at, sample.numbers.to_vec()));
        }
    }
    ours.sort();
    assert_eq!(ours, samples, "seed {seed}");
    let read = python(server, 3, "compact", &[]);
    let mut read: Vec<(String, i64, Vec<Option<i64>>)> = { read.as_array().unwrap().iter() }
        .map(|sample| {
            let number = |name: &&str| sample[2].get(*name).and_then(Json::as_i64);
            let (host, at) = (sample[0].as_str().unwrap(), sample[1].as_i64().unwrap());
            (host.to_owned(), at, FIELDS.iter().map(number).collect())
        })
        .collect();
    read.sort();
    assert_eq!(read, samples, "seed {seed}, by the literal reader");
}
