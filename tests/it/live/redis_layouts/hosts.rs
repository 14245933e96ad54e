//! Samples of hosts as JSON and in their compact history.

use daybook::config::live_redis::History;
use daybook::live::columns::Columns;
use daybook::live::event::Event;
use daybook::live::redis::changes::Changes;
use daybook::live::redis::compact::{self, Chains, DAY, FIELDS, Sample};
use daybook::live::redis::hosts;
use proptest::prelude::*;
use serde_json::json;

use super::{call, changed, kept, sent, texts};

fn samples() -> Columns {
    let first = json!({
        "kind": "host", "at": "2024-01-12T23:59:59.5Z", "labels": { "host": "ü\"1" },
        "values": {
            "cpu": 45.2, "cores": 4, "load1": 0.5, "load5": 0.25, "load15": 1,
            "memory": 50, "memory_total": 8589934592_u64, "memory_used": 4294967296_u64, "memory_free": 4294967296_u64,
            "disk": 12.5, "disk_total": 9007199254740993_u64, "disk_used": 1, "disk_free": 2,
            "bytes_in": 1, "bytes_out": 0, "packets_in": 3, "packets_out": 4,
        },
    });
    let second = json!({
        "kind": "host", "at": "2024-01-13T00:00:01Z", "labels": { "host": "ü\"1" },
        "values": { "cpu": 45.2, "load5": 2 },
    });
    let lines = [first, second];
    kept(
        "host",
        lines.map(|line| Event::from_json(line.to_string().as_bytes()).unwrap()),
    )
}

#[test]
fn a_sample_is_written_as_javascript_writes_it_without_what_it_does_not_have() {
    let layout = hosts::Layout {
        retention_days: 3,
        history: History::Documented,
    };
    let call = call(|changes| hosts::add(changes, &samples(), layout, &mut Chains::new(1)));
    let first = r#"{"hostId":"ü\"1","timestamp":1705103999500,"cpu":{"usage":45.2,"cores":4,"loadAvg":[0.5,0.25,1]},"memory":{"total":8589934592,"used":4294967296,"free":4294967296,"usagePercent":50},"disk":{"total":9007199254740992,"used":1,"free":2,"usagePercent":12.5},"network":{"bytesIn":1,"bytesOut":0,"packetsIn":3,"packetsOut":4}}"#;
    let second = r#"{"hostId":"ü\"1","timestamp":1705104001000,"cpu":{"usage":45.2,"loadAvg":[null,2,null]}}"#;
    let expected = [
        "3600",
        "259200",
        "ü\"1",
        "3",
        "4",
        "1705103999500",
        first,
        "1705104001000",
        second,
    ];
    assert_eq!(changed(&call, "o", "metrics:newest"), expected);
    assert_eq!(changed(&call, "s", "metrics:hosts"), ["ü\"1"]);
    let keys = [
        "metrics:current:ü\"1",
        "metrics:history:ü\"1",
        "metrics:newest",
        "metrics:hosts",
    ];
    assert_eq!(texts(&call.keys)[2..], keys);
}

#[test]
fn compact_histories_expire_with_their_day_and_need_no_other() {
    let layout = hosts::Layout {
        retention_days: 3,
        history: History::Compact,
    };
    let mut changes = Changes::new("p");
    hosts::add(&mut changes, &samples(), layout, &mut Chains::new(1));
    let call = sent(changes);
    let at = |text: &[u8]| call.arguments.iter().position(|part| part == text);
    let lives = at(b"3600").unwrap() + 1;
    assert_eq!(call.arguments[lives], b"");
    // The first second of 2024-01-16 and of 2024-01-17.
    for (day, expires) in [("19734", "1705363200"), ("19735", "1705449600")] {
        let place = at(expires.as_bytes()).unwrap();
        let number: usize = texts(&call.arguments[place - 2..=place])[0]
            .parse()
            .unwrap();
        let key = format!("metrics:compact:ü\"1:{day}");
        assert_eq!(call.keys[number - 1], key.as_bytes());
    }
}

fn sample(at: i64, numbers: &[(&str, i64)]) -> Sample {
    let number = |field: &str| {
        let found = numbers.iter().find(|(name, _)| *name == field);
        found.map(|(_, number)| *number)
    };
    Sample {
        at,
        numbers: FIELDS.map(number),
    }
}

#[test]
fn a_compact_sample_is_its_difference_to_the_one_before() {
    let mut chains = Chains::new(3);
    let mut bytes = Vec::new();
    let memory = |used| [("cpu", 452), ("memory_used", used), ("memory_total", 1000)];
    let mut write = |at, numbers: &[(&str, i64)]| {
        bytes.clear();
        chains.write("h", &sample(at, numbers), &mut bytes);
        bytes.clone()
    };
    // Chain 3 begins; 1,000 ms; cpu, used, total; 452, 500, 1000.
    let first = write(DAY + 1000, &memory(500));
    let expected = [
        7, 0xd0, 0x0f, 0x85, 0x80, 0x02, 0x88, 0x07, 0xe8, 0x07, 0xd0, 0x0f,
    ];
    assert_eq!(first, expected);
    // 5,000 ms later used is one less.
    assert_eq!(write(DAY + 6000, &memory(499)), [6, 0x90, 0x4e, 4, 1]);
    // With other fields, and on another day, it begins anew.
    assert_eq!(write(DAY + 6001, &[("cpu", 1)]), [7, 0xe2, 0x5d, 1, 2]);
    assert_eq!(write(2 * DAY, &[("cpu", 1)]), [7, 0, 1, 2]);
    assert_eq!(write(2 * DAY + 1, &[("cpu", 1)]), [6, 2, 0]);
}

prop_compose! {
    fn any_sample()(
        at in 0..DAY,
        numbers in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![0..2000_i64, any::<i64>()]), 17),
    ) -> Sample {
        Sample { at: 20_000 * DAY + at, numbers: std::array::from_fn(|at| numbers[at]) }
    }
}

proptest! {
    #[test]
    fn what_two_connections_wrote_in_turn_is_read_back(
        samples in prop::collection::vec((any::<bool>(), any_sample()), 0..40),
    ) {
        let mut chains = [Chains::new(4), Chains::new(u64::MAX / 2)];
        let mut bytes = Vec::new();
        for (is_second, sample) in &samples {
            chains[usize::from(*is_second)].write("h", sample, &mut bytes);
        }
        let mut expected: Vec<Sample> = samples.into_iter().map(|(_, sample)| sample).collect();
        expected.sort_by_key(|sample| sample.at);
        prop_assert_eq!(compact::read(20_000 * DAY, &bytes), Ok(expected));
    }

    #[test]
    fn bytes_that_are_no_compact_history_are_an_error_or_samples(
        samples in prop::collection::vec(any_sample(), 0..5),
        noise in prop::collection::vec(any::<u8>(), 0..60),
        place in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        let mut chains = Chains::new(1);
        samples.iter().for_each(|sample| chains.write("h", sample, &mut bytes));
        let place = place.index(bytes.len() + 1);
        bytes.splice(place..place, noise.iter().copied());
        // A sample has three bytes at least.
        let found = compact::read(0, &bytes).map_or(0, |samples| samples.len());
        prop_assert!(3 * found <= bytes.len());
        prop_assert!(compact::read(0, &noise).map_or(0, |samples| samples.len()) <= noise.len());
    }
}
