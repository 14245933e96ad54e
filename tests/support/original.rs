//! The table of the system before Daybook, as it was, and what is taken over from it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use serde_json::{Value as Json, json};

use crate::world::{App, World};

pub const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [retention]
    days = 36500

    [tables.items]
    name = "items"

    [[metrics]]
    key = "total_users"
    sql = "SELECT 1"

    [[metrics]]
    key = "new_users_24h"
    sql = "SELECT 1"

    [[metrics]]
    key = "items_lent"
    sql = "SELECT 1"

    [[metrics]]
    key = "total_emails"
    sql = "SELECT 1"

    [[metrics]]
    key = "storage_by_type"
    table = "items"
    count = "*"
    by = { column = "kind" }
"#;

const BERYL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/beryl/import.toml"
);

/// A row each for a midnight, the midnight after the long day, an afternoon, a filled-in and a future day.
const ROWS: &str = r#"
    INSERT INTO web_dailymetrics VALUES
    (1, '2025-10-03 22:00:05+00', '2025-10-04', 3, 400, 7, 0, NULL, '{"OTHER": 5, "AVATAR": 9007199254740993}'),
    (2, '2025-10-26 23:00:05+00', '2025-10-27', 3, 500, 8, 0, NULL, '{}'),
    (3, '2025-10-28 14:00:00+00', '2025-10-28', 3, 600, 9, 0, NULL, '{}'),
    (4, '2025-10-28 15:00:00+00', '2025-09-01', 3, 601, 9, 0, NULL, '{}'),
    (5, '2025-10-28 16:00:00+00', '2931-01-01', 3, 602, 9, 0, NULL, '{}')
"#;

/// The same story on either engine.
pub async fn the_originals_table_is_taken_over_without_what_it_got_wrong(app: App) {
    let (time, json_kind) = match &app {
        App::Sqlite(_) => ("TEXT", "TEXT"),
        App::Postgres(_) => ("timestamptz", "jsonb"),
        App::Mysql(_) => ("datetime(6)", "json"),
    };
    let rows = match &app {
        App::Sqlite(_) | App::Mysql(_) => ROWS.replace("+00'", "'"),
        App::Postgres(_) => ROWS.to_owned(),
    };
    app.execute(&format!(
        "CREATE TABLE web_dailymetrics (id int, collected_at {time}, collection_date date,
             collection_duration_seconds int, total_users int, new_users_24h int, items_lent int,
             total_emails int, storage_by_type {json_kind}); {rows};
         CREATE TABLE \"odd \"\"name\" (total_users int); CREATE TABLE items (day date)"
    ))
    .await;
    let mut world = World::new("2025-11-01T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let output = world.binary(&["import", "--mapping", BERYL, "--json"]);
    assert!(output.status.success(), "{output:?}");
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["days"]["new"], json!(3));
    assert_eq!(
        (&answer["from"], &answer["to"]),
        (&json!("2025-10-03"), &json!("2025-10-28"))
    );
    let left_out = |what: &str| {
        let all = answer["left_out"].as_array().unwrap();
        let found = all.iter().find(|one| one["what"] == what);
        found.unwrap_or_else(|| panic!("{what}: {answer}"))["count"].clone()
    };
    for (what, count) in [
        ("items_lent", 3),
        ("total_emails", 3),
        ("new_users_24h", 1),
        ("rows of other days", 1),
        ("rows of the future", 1),
    ] {
        assert_eq!(left_out(what), json!(count), "{what}");
    }
    assert_eq!(world.value("2025-10-03", "total_users").await, json!(400));
    assert_eq!(world.value("2025-10-03", "new_users_24h").await, json!(7));
    assert_eq!(world.value("2025-10-03", "items_lent").await, Json::Null);
    assert_eq!(
        world.value("2025-10-03", "storage_by_type").await,
        json!([{ "key": "AVATAR", "label": "AVATAR", "count": 9_007_199_254_740_993_i64 },
               { "key": "OTHER", "label": "OTHER", "count": 5 }])
    );
    assert_eq!(
        world.provenance("2025-10-03", "total_users").await,
        json!({ "kind": "imported", "observed_at": "2025-10-03T22:00:05Z" })
    );
    assert_eq!(world.value("2025-10-26", "total_users").await, json!(500));
    assert_eq!(world.value("2025-10-26", "new_users_24h").await, Json::Null);
    let open = "SELECT collection_date, as_of FROM daily_metrics WHERE partial";
    let expected = ["2025-10-28", "2025-10-28T14:00:00.000000Z"].map(|text| Some(text.to_owned()));
    assert_eq!(world.book(open).await, [expected]);
    refusals(&world);
}

fn refusals(world: &World) {
    for (table, date, expected) in [
        ("nowhere", "day", "table nowhere: there is no such table"),
        ("odd \"name", "day", "it has no column `day`"),
        (
            "items",
            "day",
            "none of its columns is called like a metric",
        ),
        (
            "web_dailymetrics",
            "collection_dat",
            "it has no column `collection_dat`; did you mean `collection_date`?",
        ),
        (
            "x\"; DROP TABLE web_dailymetrics; --",
            "day",
            "there is no such table",
        ),
    ] {
        let mapping = format!("table = '{table}'\ndate = '{date}'\n");
        world.write("mapping.toml", &mapping);
        let (code, said) = import(world, "mapping.toml");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let (code, again) = import(world, BERYL);
    assert_eq!(code, Some(0), "{again}");
    assert!(again.contains("nothing to import"), "{again}");
}

pub fn import(world: &World, mapping: &str) -> (Option<i32>, String) {
    let output = world.binary(&["import", "--mapping", mapping]);
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
