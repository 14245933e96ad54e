//! Any kind in keys of our own, there and back.

use chrono::DateTime;
use daybook::kinds::Kind;
use daybook::live::chunk::Chunk;
use daybook::live::columns::{ABSENT, Columns, Numbers};
use daybook::live::grain::Grain;
use daybook::live::redis::changes::Changes;
use daybook::live::redis::generic;
use daybook::live::rollup::{Rolled, rollups};

use super::super::kind;
use super::{call, changed, sent, texts};

/// Two sales of one shop and hour, in a zone whose hours begin at a quarter past.
fn sales() -> (Kind, Columns) {
    let kind = kind(
        "sale",
        r#"
            shape = "sample"
            labels = { shop = { most = 9 } }
            values = { amount = { unit = "CHF", decimals = 2 }, ratio = {} }
            by = [["shop"]]
            keep = { points = "7d", hourly = "30d", daily = "90d", monthly = "forever" }
        "#,
    );
    let mut points = Columns::new(&kind);
    // 2026-11-20 16:00 and 16:59:59.999999 in Kathmandu.
    points.at = vec![1_795_169_700_000_000, 1_795_173_299_999_999];
    points.ok = vec![ABSENT; 2];
    for _ in 0..2 {
        points.details.push("");
        points.labels[0].cells.push("b:e,");
    }
    points.values[0].cells = Numbers::Fixed {
        decimals: 2,
        raw: vec![-1999, 50],
    };
    points.values[1].cells = Numbers::Float(vec![0.1, 0.2]);
    (kind, points)
}

#[test]
fn rollups_of_any_kind_lie_under_their_hour_day_and_month() {
    let (kind, points) = sales();
    let zone = chrono_tz::Asia::Kathmandu;
    let hours = rollups(&points, &kind, zone);
    let call = call(|changes| generic::add_rollups(changes, &Rolled { zone, hours }, &kind));
    let fields = [
        (
            "a",
            vec!["count", "2", "amount:count", "2", "ratio:count", "2"],
        ),
        ("g", vec!["amount:sum", "-1949"]),
        (
            "f",
            vec![
                "amount:squares",
                "399.85009999999994",
                "ratio:sum",
                "0.30000000000000004",
                "ratio:squares",
                "0.05000000000000001",
            ],
        ),
        (
            "e",
            vec![
                "amount:min",
                "-19.99",
                "amount:max",
                "0.5",
                "ratio:min",
                "0.1",
                "ratio:max",
                "0.2",
            ],
        ),
        (
            "v",
            vec![
                "amount:last_us",
                "1795173299999999",
                "amount:last",
                "0.5",
                "ratio:last_us",
                "1795173299999999",
                "ratio:last",
                "0.2",
            ],
        ),
    ];
    for (grain, name, start, expires) in [
        (
            Grain::Hour,
            "hour",
            1_795_169_700_i64,
            Some(1_795_173_300_i64 + 30 * 86_400),
        ),
        (
            Grain::Day,
            "day",
            1_795_112_100,
            Some(1_795_198_500 + 90 * 86_400),
        ),
        (Grain::Month, "month", 1_793_470_500, None),
    ] {
        for (labels, words, decoded) in [("", "", None), ("shop", "b%3Ae%2C", Some("b:e,"))] {
            let key = format!("daybook:live:sale:{name}:{start}:{labels}:{words}");
            for (letter, expected) in &fields {
                assert_eq!(&changed(&call, letter, &key), expected, "{key}");
            }
            let expires: Vec<String> = expires.iter().map(i64::to_string).collect();
            assert_eq!(changed(&call, "k", &key), expires);
            let index = format!("daybook:live:sale:index:{name}:{labels}");
            assert_eq!(
                changed(&call, "z", &index),
                [start.to_string(), key.clone()]
            );
            let read = generic::read_key("sale", &key).unwrap();
            assert_eq!((read.grain, read.start), (grain, start));
            assert_eq!(
                read.words,
                decoded.map(str::to_owned).into_iter().collect::<Vec<_>>()
            );
        }
    }
    // Samples have no sketches.
    assert!(texts(&call.keys).iter().all(|key| !key.contains("sketch")));
}

#[test]
fn other_keys_are_no_rollups() {
    for key in [
        "daybook:live:sale",
        "daybook:live:sale:points:0",
        "daybook:live:sale:index:hour:shop",
        "daybook:live:other:hour:0::",
        "daybook:live:sale:week:0::",
        "daybook:live:sale:hour:x::",
        "daybook:live:sale:hour:0:shop:a,b",
        "daybook:live:sale:hour:0:shop:a:sketch:amount",
        "",
    ] {
        assert_eq!(generic::read_key("sale", key), None, "{key}");
    }
}

#[test]
fn points_lie_in_their_local_hour_and_fresh_ones_are_trimmed() {
    let (kind, points) = sales();
    let zone = chrono_tz::Asia::Kathmandu;
    let now = DateTime::from_timestamp(1_795_173_300, 0).unwrap();
    let call = call(|changes| {
        generic::add_rolled(changes, &points, &kind, zone, now).unwrap();
        changes.trim("fresh", 3);
    });
    let fresh = 1 + call.keys.iter().position(|key| key == b"fresh").unwrap();
    let fresh = fresh.to_string();
    let trimmed = ["t", &fresh, "1", "3"].map(|part| part.as_bytes().to_vec());
    assert!(call.arguments.windows(4).any(|parts| *parts == trimmed));
    // A week behind the hour's end.
    let place = call
        .arguments
        .iter()
        .position(|part| part.starts_with(b"DBC1"));
    let place = place.unwrap();
    let expires = (1_795_173_300 + 7 * 86_400).to_string().into_bytes();
    assert_eq!(call.arguments[place - 1], expires);
    let chunk = Chunk::open(&call.arguments[place]).unwrap();
    assert!(chunk.decode(chunk.all()).unwrap().same_as(&points));
}

#[test]
fn fresh_points_lie_with_who_recorded_them_and_the_latest_is_known() {
    let (kind, points) = sales();
    let mut changes = Changes::new("p");
    generic::add_fresh(&mut changes, &points, &kind, "web1").unwrap();
    let call = sent(changes);
    assert_eq!(
        call.keys[2..],
        [
            b"daybook:live:sale".to_vec(),
            b"daybook:live:sale:latest:shop".to_vec(),
            b"daybook:live:sale:fresh:web1".to_vec(),
        ]
    );
    let chunk = Chunk::open(call.arguments.last().unwrap()).unwrap();
    assert!(chunk.decode(chunk.all()).unwrap().same_as(&points));
    let latest = r#"{"at":"2026-11-20T11:14:59.999999Z","kind":"sale","labels":{"shop":"b:e,"},"values":{"amount":0.5,"ratio":0.2}}"#;
    let parts: [&[u8]; 4] = [b"b:e,\0us", b"1795173299999999", b"b:e,", latest.as_bytes()];
    let place = call.arguments.iter().position(|part| part == parts[0]);
    assert_eq!(
        call.arguments[place.unwrap()..][..4],
        parts.map(<[u8]>::to_vec)
    );
}

#[test]
fn a_rollup_that_is_none_is_an_error() {
    let (kind, _) = sales();
    let read = |fields: &[(&str, &str)]| {
        let fields = fields.iter().copied();
        generic::read_rollup(&fields.collect(), &kind)
    };
    let counted = ("amount:count", "2");
    assert!(read(&[("count", "many")]).is_err());
    assert!(read(&[counted, ("amount:sum", "1.5")]).is_err());
    assert!(read(&[counted, ("amount:min", "")]).is_err());
    // What stands beside a sum counts only while that is full.
    let stale = [counted, ("amount:sum", "5"), ("amount:sum_exact", "9")];
    assert_eq!(
        read(&stale).unwrap().values["amount"].exact_sum(),
        Some((5, 2))
    );
    let most = i64::MIN.to_string();
    let full = [
        counted,
        ("amount:sum", most.as_str()),
        ("amount:sum_exact", "-99999999999999999999"),
    ];
    let full = read(&full).unwrap().values["amount"].exact_sum();
    assert_eq!(full, Some((-99_999_999_999_999_999_999, 2)));
}
