//! Whatever days a book holds, they come back as they left.

use std::collections::BTreeMap;

use chrono::Days;
use daybook::entry::{Entry, Kind, Part, PartKey, Provenance, Reading, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{days, import};
use crate::exports::{SETTINGS, entry, keep, printed};
use crate::world::{World, date, instant};

#[test]
fn any_days_leave_and_come_back_through_any_format() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    let case = (prop::collection::vec(any_readings(), 1..6), 0..3usize);
    TestRunner::new(config)
        .run(&case, |(readings, format)| {
            runtime.block_on(there_and_back(readings, ["json", "jsonl", "csv"][format]));
            Ok(())
        })
        .unwrap();
}

async fn there_and_back(readings: Vec<BTreeMap<String, Reading>>, format: &str) {
    let (from, into) = (
        World::new("2025-11-01T06:00:00Z", SETTINGS),
        World::new("2025-11-01T06:00:00Z", SETTINGS),
    );
    let first = date("2025-03-28");
    let entries = readings
        .into_iter()
        .zip(0u64..)
        .map(|(readings, at)| Entry {
            readings,
            ..entry(first + Days::new(at), &[])
        });
    keep(&from, entries.collect()).await;
    let file = into.path("days");
    let file = file.to_str().unwrap();
    printed(&from, &["export", "--format", format, "--output", file]);
    import(&into, &[file], 0);
    let lines = |world: &World| days(&printed(world, &["export", "--format", "jsonl"]));
    assert_eq!(lines(&into), lines(&from), "{format}");
}

fn any_readings() -> impl Strategy<Value = BTreeMap<String, Reading>> {
    let one = |key: &'static str, value: BoxedStrategy<Value>| {
        prop::option::of(any_reading(value)).prop_map(move |reading| (key.to_owned(), reading))
    };
    let all = (
        one("visits", number().boxed()),
        one("date", number().boxed()),
        one("share", number().boxed()),
        one("kinds", parts().boxed()),
    );
    all.prop_map(|(a, b, c, d)| {
        let all = [a, b, c, d].into_iter();
        all.filter_map(|(key, reading)| Some((key, reading?)))
            .collect()
    })
}

fn any_reading(value: BoxedStrategy<Value>) -> impl Strategy<Value = Reading> {
    let provenance = (
        prop::option::of(hostile()),
        any::<bool>(),
        prop::option::of(0..9i64),
    );
    (prop::option::of(value), 0..5usize, provenance).prop_map(
        |(value, kind, (reason, late, nulls))| {
            let kinds = [
                Kind::Observed,
                Kind::Reconstructed,
                Kind::Unavailable,
                Kind::Failed,
                Kind::Imported,
            ];
            let kind = kinds[kind];
            let unknown = matches!(kind, Kind::Unavailable | Kind::Failed);
            Reading {
                value: value.filter(|_| !unknown),
                provenance: Provenance {
                    kind,
                    reason,
                    observed_at: late.then(|| instant("2025-03-30T00:59:59.123456Z")),
                    nulls,
                },
            }
        },
    )
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Whole),
        Just(Value::Whole(i64::MIN)),
        Just(Value::Whole(i64::MAX)),
        (any::<i32>(), 1..9u32).prop_map(|(digits, scale)| {
            Value::from_decimal(rust_decimal::Decimal::new(digits.into(), scale))
        }),
    ]
}

fn parts() -> impl Strategy<Value = Value> {
    let part = (prop::option::of(hostile()), hostile(), 0..1_000_000i64);
    prop::collection::vec(part, 0..4).prop_map(|parts| {
        let part = |(key, label, count): (Option<String>, String, i64)| Part {
            label: if key.is_some() { label } else { String::new() },
            key: match key {
                Some(key) => PartKey::Value(key),
                None if count % 2 == 0 => PartKey::Other,
                None => PartKey::None,
            },
            count: count.into(),
        };
        Value::Parts(parts.into_iter().map(part).collect())
    })
}

/// Formulas, quotes, line breaks, marks that turn the direction, and anything else.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[=+@'-][\"',;\r\n\t\u{202e}{}:a-z]{0,12}",
        Just("\",\"observed_at\":\"2025-01-01T00:00:00Z\"".to_owned()),
    ]
}
