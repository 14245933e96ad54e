//! Distributions with very many parts, with rows that have no value, and with very long names.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Europe::Zurich;
use daybook::calendar::days_between;
use daybook::collect::{self, Request, Work};
use daybook::engine::Engine;
use daybook::entry::value::agree;
use daybook::entry::{Part, PartKey, Value};
use daybook::nightly::Which;
use daybook::plan::range::range;
use daybook::plan::{
    Cell, Facts, Folding, KnownDatabases, Life, Recipe, Scale, Statement, Take, Tally,
};
use daybook::render::view;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use support::parts::{
    BILLED, nothing_beyond_the_largest_parts_is_lost, rows_without_a_value_are_a_part,
};

use crate::world::{App, World, date, instant};

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.items]
    name = "items"
    created_at = "created"

    [[metrics]]
    key = "by_place"
    table = "items"
    count = "*"
    by = { column = "place", top = 3 }

    [[metrics]]
    key = "worth_by_place"
    table = "items"
    sum = "worth"
    by = { column = "place", top = 3 }
    "#;

const LONG_NAMES: &str = r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.items]
        name = "items"
        created_at = "created"

        [[metrics]]
        key = "by_place"
        table = "items"
        count = "*"
        history = "event"
        by = { column = "place", top = 20 }

        [[metrics]]
        key = "by_kind"
        table = "items"
        count = "*"
        history = "event"
        by = { column = "kind", top = 20, label = { table = "kinds", key = "id", column = "name" } }

        [[metrics]]
        key = "by_kind_name"
        table = "items"
        count = "*"
        history = "event"
        by = { column = "kind", top = 20, label = { table = "kinds", key = "id", column = "name", merge = true } }
    "#;

#[test]
fn distributions_that_share_a_scan_too_wide_for_all_days_are_counted_day_by_day() {
    let config = World::new("2025-10-04T06:00:00Z", SETTINGS).config();
    let days = days_between(date("2025-09-01"), date("2025-09-30"), Zurich);
    let keys = ["by_place", "worth_by_place"].map(str::to_owned);
    let request = Request {
        catalog: &config.catalog,
        keys: keys.to_vec(),
        work: Work::Range(days.clone()),
        now: instant("2025-10-04T06:00:00Z"),
        grace: TimeDelta::hours(24),
        retry_for: Duration::ZERO,
        follower_timeout: Duration::ZERO,
        limits: collect::limits(&config, CancellationToken::new()),
        recipients: None,
        progress: &|_, _| {},
        retrying: &|_, _| {},
    };
    let (engines, facts) = (
        BTreeMap::from([(String::new(), Engine::Sqlite)]),
        Facts::default(),
    );
    let known = KnownDatabases {
        engines: &engines,
        facts: &facts,
    };
    let plan = range(&config.catalog, &keys, &days, known);
    let [scan] = plan.statements.as_slice() else {
        panic!("one scan, not {:?}", plan.statements);
    };
    let apart = collect::apart(&request, scan, known, true);
    assert_eq!(apart.len(), 2 * 30);
    assert!(apart.iter().all(|statement| statement.days.len() == 1));
}

#[tokio::test]
async fn rows_without_a_value_are_a_part_so_that_all_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::Sqlite(folder.path().join("app.db"));
    rows_without_a_value_are_a_part(&app).await;
    app.execute("CREATE INDEX states_of_invoices ON invoices (state)")
        .await;
    let mut world = World::new("2025-10-04T06:00:00Z", BILLED);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-03"))).await;
    let parts = world.value("2025-10-03", "by_state").await;
    assert_eq!(
        parts[0],
        json!({ "none": true, "count": 4 }),
        "by its index"
    );
}

#[tokio::test]
async fn nothing_beyond_the_largest_thousand_parts_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    nothing_beyond_the_largest_parts_is_lost(&App::Sqlite(folder.path().join("app.db"))).await;
}

#[test]
fn no_value_and_a_value_called_none_are_told_apart_wherever_parts_are_named() {
    let part = |key, count: i64| Part {
        label: if let PartKey::Value(text) = &key {
            String::clone(text)
        } else {
            String::new()
        },
        key,
        count: count.into(),
    };
    let parts = Value::Parts(vec![
        part(PartKey::None, 4),
        part(PartKey::Value("(none)".to_owned()), 3),
        part(PartKey::Value("none".to_owned()), 2),
        part(PartKey::Other, 1),
    ]);
    let text = parts.to_json().to_string();
    assert!(
        text.starts_with(r#"[{"none":true,"count":4},{"key":"(none)""#),
        "{text}"
    );
    assert_eq!(Value::from_text(&text), Some(parts.clone()));
    assert_eq!(Value::from_json(&parts.to_json()), Some(parts.clone()));
    assert!(!agree(
        Some(&parts),
        Value::from_text(&text.replace("\"none\":true", "\"key\":\"x\"")).as_ref()
    ));
    let Value::Parts(parts) = parts else {
        panic!("parts")
    };
    let told = |none: &str| -> Vec<String> {
        let named = parts.iter().take(3);
        named.map(|one| view::part(one, none)).collect()
    };
    assert_eq!(told("(none)"), ["(none)", "\"(none)\"", "none"]);
    assert_eq!(told("(ohne Angabe)"), ["(ohne Angabe)", "(none)", "none"]);
}

#[test]
fn thirty_thousand_days_of_forty_parts_are_folded_in_one_running_sum() {
    const DAYS: usize = 30_000;
    const PARTS: i64 = 40;
    let days = days_between(date("1970-01-01"), date("2052-02-19"), chrono_tz::UTC);
    assert_eq!(days.len(), DAYS);
    let recipe = Recipe {
        parts: Some(1),
        life: Some(Life {
            birth: 0,
            death: None,
            happened: None,
            window: None,
            scale: Scale::Position,
        }),
        ..Recipe::new("kinds", Take::Count(2))
    };
    let statement = Statement {
        database: String::new(),
        table: "items".to_owned(),
        sql: String::new(),
        binds: Vec::new(),
        recipes: vec![recipe],
        guard: None,
        days,
        quarters: Vec::new(),
        weight: 0,
    };
    let mut folding = Folding::new(&statement);
    for part in 0..PARTS {
        for born in [1, 20_000] {
            folding
                .row(&[Cell::Integer(born), Cell::Integer(part), Cell::Integer(7)])
                .unwrap();
        }
    }
    // Summing each day from zero would be 20 billion additions.
    let finished = folding.finish().unwrap();
    let counts = [0, 19_998, 19_999, DAYS - 1].map(|day| match &finished[0].1[day] {
        Tally::Parts { parts, .. } => (parts.len(), parts["3"]),
        Tally::Value { .. } | Tally::Newest(_) => panic!("parts"),
    });
    assert_eq!(
        counts,
        [
            (40, 7.into()),
            (40, 7.into()),
            (40, 14.into()),
            (40, 14.into())
        ]
    );
}

#[tokio::test]
async fn endless_names_of_parts_are_cut_and_their_parts_stay_apart() {
    let world = World::new("2025-10-04T06:00:00Z", LONG_NAMES);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE kinds (id INTEGER, name TEXT)")
        .await;
    app.execute("CREATE TABLE items (created TEXT, place TEXT, kind INTEGER)")
        .await;
    // A million letters which differ only in the last; the third is as long as a name may be.
    let endless = |last: &str| format!("replace(hex(zeroblob(500000)), '0', 'é') || '{last}'");
    let longest = "é".repeat(200);
    for (at, (name, count)) in [
        (endless("1"), 3),
        (endless("2"), 2),
        (format!("'{longest}'"), 1),
    ]
    .iter()
    .enumerate()
    {
        app.execute(&format!("INSERT INTO kinds VALUES ({at}, {name})"))
            .await;
        for _ in 0..*count {
            app.execute(&format!(
                "INSERT INTO items VALUES ('2025-09-30 10:00:00', {name}, {at})"
            ))
            .await;
        }
    }
    let days = Which::Range(date("2025-10-01"), date("2025-10-03"));
    world.night(days).await;
    for day in ["2025-10-01", "2025-10-03"] {
        for (key, named) in [
            ("by_place", "key"),
            ("by_place", "label"),
            ("by_kind", "label"),
            ("by_kind_name", "key"),
        ] {
            let parts = world.value(day, key).await;
            let parts = parts.as_array().unwrap();
            let counts: Vec<i64> = parts.iter().map(|p| p["count"].as_i64().unwrap()).collect();
            assert_eq!(counts, [3, 2, 1], "{key} on {day}");
            let names: Vec<&str> = parts.iter().map(|p| p[named].as_str().unwrap()).collect();
            assert_ne!(names[0], names[1], "{key} on {day}");
            for name in &names[..2] {
                assert_eq!(name.chars().count(), 200, "{name}");
                assert!(name.starts_with(&"é".repeat(180)), "{name}");
                assert!(name.contains("…#"), "{name}");
            }
            assert_eq!(names[2], longest);
        }
        let stored = world
            .book(&format!(
                "SELECT length(metrics) FROM daily_metrics WHERE collection_date = '{day}'"
            ))
            .await;
        let letters: usize = stored[0][0].as_ref().unwrap().parse().unwrap();
        assert!(letters < 10_000, "{letters}");
    }
}
