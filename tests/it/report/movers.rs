//! Which part of a metric moved most, as far as it is known.

use daybook::catalog::Catalog;
use daybook::entry::{Entry, Part, PartKey, Reading, Value};
use daybook::report::Mover;
use proptest::prelude::*;

use super::{only, told};
use crate::stored_days::{catalog, day, number, with};

const LOGINS: &str = r#"
    [tables.logins]
    name = "logins"

    [[metrics]]
    key = "logins"
    table = "logins"
    count = "*"
    within = { column = "at", days = [1, 7] }

    [[metrics]]
    key = "by_client"
    table = "logins"
    count = "*"
    within = { column = "at", days = [1] }
    by = { column = "client" }
    "#;

fn parts(parts: &[(&str, i64)]) -> Reading {
    let part = |(key, count): &(&str, i64)| Part {
        key: match *key {
            "other" => PartKey::Other,
            "none" => PartKey::None,
            value => PartKey::Value(value.to_owned()),
        },
        label: if *key == "other" {
            String::new()
        } else {
            format!("The {key}")
        },
        count: (*count).into(),
    };
    Reading::observed(Some(Value::Parts(parts.iter().map(part).collect())))
}

/// A day with a number under one key and parts under another.
fn both(on: &str, (key, value): (&str, i64), (by, reading): (&str, Reading)) -> Entry {
    let entry = with(day(on), key, number(&value.to_string()));
    with(entry, by, reading)
}

fn mover(entries: &[Entry], catalog: &Catalog) -> Option<Mover> {
    only(&told(entries, catalog)).mover.clone()
}

/// What moved most from a day to the next, of `logins_24h`, by `by_client_24h`.
fn moved(then: (i64, &[(&str, i64)]), now: (i64, &[(&str, i64)])) -> Option<Mover> {
    let at = |on, (value, of): (i64, &[(&str, i64)])| {
        both(on, ("logins_24h", value), ("by_client_24h", parts(of)))
    };
    mover(
        &[at("2025-10-02", then), at("2025-10-03", now)],
        &catalog(LOGINS),
    )
}

fn most(part: &str, change: f64, of: f64) -> Option<Mover> {
    Some(Mover {
        part: Some(part.to_owned()),
        change,
        of,
    })
}

#[test]
fn the_part_that_moved_most_with_the_whole_is_named() {
    let fell = moved(
        (4808, &[("mobile", 3000), ("desktop", 1508), ("app", 300)]),
        (2214, &[("desktop", 1300), ("mobile", 688), ("app", 226)]),
    );
    assert_eq!(fell, most("The mobile", -2312.0, -2594.0));
    let rose = moved(
        (100, &[("mobile", 60), ("desktop", 40)]),
        (150, &[("desktop", 130), ("mobile", 20)]),
    );
    assert_eq!(rose, most("The desktop", 90.0, 50.0));
}

#[test]
fn a_part_that_is_new_or_gone_moved_by_all_of_it() {
    let gone = moved((100, &[("mobile", 60), ("app", 40)]), (40, &[("app", 40)]));
    assert_eq!(gone, most("The mobile", -60.0, -60.0));
    let new = moved((40, &[("app", 40)]), (100, &[("mobile", 60), ("app", 40)]));
    assert_eq!(new, most("The mobile", 60.0, 60.0));
}

#[test]
fn parts_are_the_same_by_key_and_called_as_they_are_today() {
    let catalog = catalog(LOGINS);
    let at = |on: &str, value: i64, label: &str| {
        let part = Part {
            key: PartKey::Value("7".to_owned()),
            label: label.to_owned(),
            count: value.into(),
        };
        let reading = Reading::observed(Some(Value::Parts(vec![part])));
        both(on, ("logins_24h", value), ("by_client_24h", reading))
    };
    let entries = [
        at("2025-10-02", 100, "Old name"),
        at("2025-10-03", 50, "New name"),
    ];
    assert_eq!(mover(&entries, &catalog), most("New name", -50.0, -50.0));
}

#[test]
fn rows_without_a_value_move_as_a_part_and_a_day_from_before_they_were_one_is_made_up_for() {
    let of_none = Some(Mover {
        part: None,
        change: -90.0,
        of: -100.0,
    });
    let now = (100, [("app", 90), ("none", 10)].as_slice());
    assert_eq!(moved((200, &[("app", 100), ("none", 100)]), now), of_none);
    assert_eq!(moved((200, &[("app", 100)]), now), of_none);
    assert_eq!(
        moved((300, &[("app", 100)]), (200, &[("app", 5), ("none", 195)])),
        most("The app", -95.0, -100.0)
    );
}

#[test]
fn all_others_together_are_no_mover() {
    let of = |then: i64, now: i64| {
        moved(
            (200, &[("app", 100), ("other", then)]),
            (100, &[("app", 90), ("other", now)]),
        )
    };
    // One of the others may have fallen from 100 to nothing.
    assert_eq!(of(100, 10), None);
    assert_eq!(of(5, 5), most("The app", -10.0, -100.0));
}

#[test]
fn a_part_that_is_among_the_others_on_one_day_leaves_it_open_unless_another_moved_more() {
    let of = |desktop: i64| {
        moved(
            (1350, &[("desktop", 1000), ("app", 300), ("other", 50)]),
            (700, &[("desktop", desktop), ("other", 60)]),
        )
    };
    assert_eq!(of(990), None);
    assert_eq!(of(400), most("The desktop", -600.0, -650.0));
}

#[test]
fn nothing_is_named_when_no_part_moved_that_way_or_the_parts_are_not_known() {
    let stayed = [("app", 40), ("mobile", 10)];
    assert_eq!(moved((100, &stayed), (50, &stayed)), None);
    let known = || parts(&[("app", 100)]);
    for (then, now) in [
        (known(), Reading::failed("no such table")),
        (Reading::unavailable("only today"), known()),
    ] {
        let entries = [
            both("2025-10-02", ("logins_24h", 100), ("by_client_24h", then)),
            both("2025-10-03", ("logins_24h", 50), ("by_client_24h", now)),
        ];
        assert_eq!(mover(&entries, &catalog(LOGINS)), None);
    }
}

#[test]
fn a_distribution_over_another_window_or_other_rows_tells_nothing() {
    let entry = |on, value, app| {
        both(
            on,
            ("logins_7d", value),
            ("by_client_24h", parts(&[("app", app)])),
        )
    };
    let entries = [entry("2025-10-02", 100, 100), entry("2025-10-03", 50, 50)];
    assert_eq!(mover(&entries, &catalog(LOGINS)), None);
    let other_rows = LOGINS.replace("by = {", "where = \"ok\"\nby = {");
    let entry = |on, value| {
        both(
            on,
            ("logins_24h", value),
            ("by_client_24h", parts(&[("app", value)])),
        )
    };
    let entries = [entry("2025-10-02", 100), entry("2025-10-03", 50)];
    assert_eq!(mover(&entries, &catalog(&other_rows)), None);
    let same_rows = mover(&entries, &catalog(LOGINS));
    assert_eq!(same_rows, most("The app", -50.0, -50.0));
}

#[test]
fn a_change_is_explained_by_the_day_it_is_against() {
    let entry = |on, value, of: &[(&str, i64)]| {
        both(on, ("logins_24h", value), ("by_client_24h", parts(of)))
    };
    let entries = [
        entry("2025-09-26", 100, &[("app", 80), ("mobile", 20)]),
        entry("2025-10-02", 101, &[("app", 51), ("mobile", 50)]),
        entry("2025-10-03", 50, &[("app", 40), ("mobile", 10)]),
    ];
    let told_by_week = mover(&entries, &catalog(LOGINS));
    assert_eq!(told_by_week, most("The app", -40.0, -50.0));
}

#[test]
fn a_limit_is_explained_by_the_day_before() {
    let rules = "count = \"*\"\nalert = { critical = \"> 10\", percent = { on = \"off\" } }";
    let catalog = catalog(&LOGINS.replacen("count = \"*\"", rules, 1));
    let entry = |on, value, of: &[(&str, i64)]| {
        both(on, ("logins_24h", value), ("by_client_24h", parts(of)))
    };
    let before = entry("2025-10-02", 12, &[("app", 12)]);
    let today = entry("2025-10-03", 15, &[("app", 11), ("mobile", 4)]);
    let entries = [before.clone(), today.clone()];
    assert_eq!(mover(&entries, &catalog), most("The mobile", 4.0, 3.0));
    assert_eq!(mover(&[today], &catalog), None, "no day before");
    let same = entry("2025-10-03", 12, &[("app", 8), ("mobile", 4)]);
    assert_eq!(mover(&[before, same], &catalog), None, "nothing moved");
}

const SPLIT: &str = r#"
    [tables.logins]
    name = "logins"

    [[metrics]]
    key = "logins"
    table = "logins"
    count = "*"

    [[metrics]]
    key = "devices"
    table = "logins"
    count = "*"
    split = { column = "client", into = { ios = "phones", android = "phones", web = "browsers" }, labels = { browsers = "In browsers" } }
    alert = { percent = { on = "off" } }
    "#;

fn split_day(on: &str, numbers: [&str; 3]) -> Entry {
    let keys = ["logins", "phones", "browsers"];
    keys.iter()
        .zip(numbers)
        .filter(|(_, text)| *text != "-")
        .fold(day(on), |entry, (key, text)| with(entry, key, number(text)))
}

#[test]
fn a_family_tells_what_moved_where_there_is_no_distribution() {
    let catalog = catalog(SPLIT);
    let of = |then, now| {
        let entries = [split_day("2025-10-02", then), split_day("2025-10-03", now)];
        mover(&entries, &catalog)
    };
    let fell = of(["100", "50", "50"], ["60", "45", "15"]);
    assert_eq!(fell, most("In browsers", -35.0, -40.0));
    let one_unknown = of(["100", "50", "50"], ["60", "-", "15"]);
    assert_eq!(one_unknown, None);
    // 60 of no member's client have become 30: one client may have made all of it.
    let unlisted = of(["120", "40", "20"], ["60", "20", "10"]);
    assert_eq!(unlisted, None);
}

#[test]
fn a_distribution_says_more_than_a_family() {
    let catalog = catalog(&format!(
        "{SPLIT}\n[[metrics]]\nkey = \"by_client\"\ntable = \"logins\"\ncount = \"*\"\nby = {{ column = \"client\" }}\n"
    ));
    let with_parts =
        |on, numbers, of: &[(&str, i64)]| with(split_day(on, numbers), "by_client", parts(of));
    let entries = [
        with_parts(
            "2025-10-02",
            ["100", "60", "40"],
            &[("android", 40), ("web", 40), ("ios", 20)],
        ),
        with_parts(
            "2025-10-03",
            ["60", "40", "20"],
            &[("android", 25), ("web", 20), ("ios", 15)],
        ),
    ];
    assert_eq!(mover(&entries, &catalog), most("The web", -20.0, -40.0));
}

#[test]
fn a_member_of_several_values_is_explained_by_those_only() {
    let loud = SPLIT.replace("on = \"off\"", "on = \"both\"").replacen(
        "count = \"*\"",
        "count = \"*\"\nhidden = true",
        1,
    );
    let catalog = catalog(&format!(
        "{loud}\n[[metrics]]\nkey = \"by_client\"\ntable = \"logins\"\ncount = \"*\"\nby = {{ column = \"client\" }}\n"
    ));
    let entries = [
        with(
            split_day("2025-10-02", ["140", "100", "40"]),
            "by_client",
            parts(&[("android", 70), ("web", 40), ("ios", 30)]),
        ),
        with(
            split_day("2025-10-03", ["60", "55", "5"]),
            "by_client",
            parts(&[("ios", 28), ("android", 27), ("web", 5)]),
        ),
    ];
    let report = told(&entries, &catalog);
    let movers: Vec<Option<Mover>> = report
        .highlights
        .iter()
        .map(|highlight| highlight.mover.clone())
        .collect();
    // Browsers, of one value, first: they fell by more. Their only part would be themselves.
    assert_eq!(movers, [None, most("The android", -43.0, -45.0)]);
}

#[test]
fn averages_are_not_the_sum_of_their_parts() {
    let split = SPLIT.replace("count = \"*\"", "avg = \"seconds\"");
    let entries = [
        split_day("2025-10-02", ["100", "100", "100"]),
        split_day("2025-10-03", ["50", "50", "50"]),
    ];
    assert_eq!(mover(&entries, &catalog(&split)), None);
}

fn amounts() -> impl Strategy<Value = Vec<i64>> {
    let amount = prop_oneof![2 => Just(0_i64), 5 => 0..100_i64, 1 => 0..10_000_i64];
    proptest::collection::vec(amount, 6)
}

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The largest `top` of the parts by name, the others together, as a night stores them.
fn stored(amounts: &[i64], top: usize) -> Vec<(&'static str, i64)> {
    let mut all: Vec<(&str, i64)> = KEYS.into_iter().zip(amounts.iter().copied()).collect();
    all.retain(|(_, amount)| *amount > 0);
    all.sort_by_key(|(key, amount)| (-amount, *key));
    let rest: i64 = all.iter().skip(top).map(|(_, amount)| amount).sum();
    all.truncate(top);
    if rest > 0 {
        all.push(("other", rest));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_part_moved_further_with_the_whole_than_the_one_named(
        then in amounts(),
        now in amounts(),
        top in 1..=6_usize,
    ) {
        let rules = "count = \"*\"\nalert = { warning = \">= 0\", percent = { on = \"off\" } }";
        let catalog = catalog(&LOGINS.replacen("count = \"*\"", rules, 1));
        let at = |on, amounts: &[i64]| {
            let whole = ("logins_24h", amounts.iter().sum());
            both(on, whole, ("by_client_24h", parts(&stored(amounts, top))))
        };
        let found = mover(&[at("2025-10-02", &then), at("2025-10-03", &now)], &catalog);
        let change: i64 = now.iter().sum::<i64>() - then.iter().sum::<i64>();
        let changes: Vec<i64> = now.iter().zip(&then).map(|(now, then)| now - then).collect();
        let furthest = changes.iter().map(|part| part * change.signum()).max().unwrap();
        if let Some(mover) = &found {
            let key = mover.part.as_deref().unwrap().strip_prefix("The ").unwrap();
            let part = KEYS.iter().position(|known| *known == key).unwrap();
            prop_assert_eq!(mover.change, changes[part] as f64);
            prop_assert_eq!(changes[part] * change.signum(), furthest);
            prop_assert_eq!(mover.of, change as f64);
            prop_assert!(mover.change.abs() * 6.0 >= mover.of.abs());
        }
        // With all parts named, the one that moved furthest always is.
        prop_assert!(found.is_some() || top < 6 || change == 0);
    }
}
