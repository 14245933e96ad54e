//! The age of a table's newest row, counted by hand: in every way that a column tells time, night by night and many
//! days at once, over days of 23 and of 25 hours.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;

use chrono_tz::Europe::Zurich;
use daybook::calendar::days_between;
use daybook::catalog::{AlertOn, Good, History, Limit};
use daybook::commands::Ended;
use daybook::engine::Engine;
use daybook::nightly::Which;
use daybook::operate::doctor::{Level, examine};
use daybook::plan::range::range;
use daybook::plan::{Facts, KnownDatabases};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::world::{App, World, date, instant};

/// How a column tells time: what the table is called, the column's type, the catalog's word, and how a moment is
/// written in it.
struct Column {
    table: &'static str,
    declared: &'static str,
    time: &'static str,
    written: Written,
    /// What a row holds that has no time.
    none: &'static str,
}

#[derive(Clone, Copy)]
enum Written {
    Utc,
    Local,
    Seconds,
    Milliseconds,
    Zulu,
}

const fn column(
    table: &'static str,
    declared: &'static str,
    time: &'static str,
    written: Written,
) -> Column {
    Column {
        table,
        declared,
        time,
        written,
        none: "NULL",
    }
}

const SQLITE: [Column; 6] = [
    column("utc", "TEXT", "utc", Written::Utc),
    column("numeric", "DATETIME", "utc", Written::Utc),
    column("zulu", "TEXT", "utc", Written::Zulu),
    column("wall", "TEXT", "local", Written::Local),
    column("seconds", "INTEGER", "epoch_s", Written::Seconds),
    column("millis", "INTEGER", "epoch_ms", Written::Milliseconds),
];

const POSTGRES: [Column; 9] = [
    column("utc", "timestamp", "utc", Written::Utc),
    column("wall", "timestamp", "local", Written::Local),
    // The type is an instant, whatever the table's other times are.
    column("stamp", "timestamptz", "local", Written::Zulu),
    column("named", "timestamptz", "instant", Written::Zulu),
    column("seconds", "integer", "epoch_s", Written::Seconds),
    column("millis", "numeric", "epoch_ms", Written::Milliseconds),
    column("texts", "text", "utc", Written::Utc),
    column("zulu", "varchar(40)", "utc", Written::Zulu),
    column(
        "words",
        "text COLLATE \"en-x-icu\"",
        "local",
        Written::Local,
    ),
];

const MARIADB: [Column; 8] = [
    Column {
        none: "'0000-00-00'",
        ..column("utc", "datetime(6)", "utc", Written::Utc)
    },
    column("wall", "datetime", "local", Written::Local),
    column("stamp", "timestamp(6) NULL", "local", Written::Utc),
    column("seconds", "int unsigned", "epoch_s", Written::Seconds),
    column("millis", "bigint", "epoch_ms", Written::Milliseconds),
    column("texts", "varchar(40)", "utc", Written::Utc),
    column("zulu", "mediumtext", "utc", Written::Zulu),
    column(
        "words",
        "varchar(40) COLLATE utf8mb4_german2_ci",
        "local",
        Written::Local,
    ),
];

/// A moment in UTC, and what the wall clock of Zurich shows then.
type Moment = (&'static str, &'static str);

/// The hour from 2 to 3 comes twice in this night; the first is meant.
const TWICE: Moment = ("2025-10-26 00:30:00", "2025-10-26 02:30:00");

/// Birth, end, when it was last touched, and what it is.
const ROWS: [(Moment, Option<Moment>, Option<Moment>, &str); 5] = [
    (
        ("2025-10-25 03:06:00", "2025-10-25 05:06:00"),
        None,
        Some(("2025-10-26 12:00:00", "2025-10-26 13:00:00")),
        "x",
    ),
    (
        TWICE,
        None,
        Some(("2025-10-28 06:00:00", "2025-10-28 07:00:00")),
        "y",
    ),
    (
        ("2025-10-27 10:00:00", "2025-10-27 11:00:00"),
        Some(("2025-10-28 11:00:00", "2025-10-28 12:00:00")),
        None,
        "y",
    ),
    // With the end of 28 October 29 October has begun.
    (
        ("2025-10-28 23:00:00", "2025-10-29 00:00:00"),
        None,
        None,
        "y",
    ),
    // Just before the clocks go forward.
    (
        ("2026-03-29 00:59:24", "2026-03-29 01:59:24"),
        None,
        None,
        "y",
    ),
];

/// Hours at the day's end: since the newest row that was still there, since the newest `x`, and since one was touched.
fn by_hand() -> [(&'static str, [Json; 3]); 7] {
    let none = Json::Null;
    [
        ("2025-10-24", [none.clone(), none.clone(), none.clone()]),
        // From 03:06 to 22:00.
        ("2025-10-25", [json!(18.9), json!(18.9), none]),
        // The day ends at 23:00 and has 25 hours.
        ("2025-10-26", [json!(22.5), json!(43.9), json!(11.0)]),
        ("2025-10-27", [json!(13.0), json!(67.9), json!(35.0)]),
        // The newest row was deleted at noon.
        ("2025-10-28", [json!(70.5), json!(91.9), json!(17.0)]),
        ("2025-10-29", [json!(24.0), json!(115.9), json!(41.0)]),
        // The day ends at 22:00 and has 23 hours: 21 h 36 s; 155 days and 18.9 h; 152 days and 16 h.
        ("2026-03-29", [json!(21.0), json!(3738.9), json!(3664.0)]),
    ]
}

fn written(column: &Column, moment: Option<Moment>) -> String {
    let Some((utc, local)) = moment else {
        return column.none.to_owned();
    };
    let at = instant(&format!("{}Z", utc.replace(' ', "T")));
    match column.written {
        Written::Utc => format!("'{utc}'"),
        Written::Local => format!("'{local}'"),
        Written::Zulu => format!("'{}Z'", utc.replace(' ', "T")),
        Written::Seconds => at.timestamp().to_string(),
        Written::Milliseconds => at.timestamp_millis().to_string(),
    }
}

fn table(column: &Column) -> String {
    let (table, declared) = (column.table, column.declared);
    let rows = ROWS.map(|(born, gone, touched, kind)| {
        let [born, gone, touched] = [Some(born), gone, touched].map(|at| written(column, at));
        format!("({born}, {gone}, {touched}, '{kind}')")
    });
    // A row without a birth was always there, but has no age.
    let none = column.none;
    format!(
        "CREATE TABLE {table} (born {declared}, gone {declared}, touched {declared}, kind varchar(1));
         INSERT INTO {table} VALUES ({none}, {none}, {none}, 'x'), {};",
        rows.join(", ")
    )
}

fn settings(columns: &[Column]) -> String {
    let one = |column: &Column| {
        let Column { table, time, .. } = column;
        format!(
            "[tables.{table}]\nname = \"{table}\"\ncreated_at = \"born\"\ndeleted_at = \"gone\"\ntime = \"{time}\"\n\
             [[metrics]]\nkey = \"{table}\"\ntable = \"{table}\"\nnewest = \"born\"\n\
             [[metrics]]\nkey = \"{table}_x\"\ntable = \"{table}\"\nnewest = \"born\"\n\
             where = \"this.kind = 'x'\"\nhistory = \"interval\"\n\
             [[metrics]]\nkey = \"{table}_touched\"\ntable = \"{table}\"\nnewest = \"touched\"\nhistory = \"interval\"\n\
             [[metrics]]\nkey = \"{table}_rows\"\ntable = \"{table}\"\ncount = \"*\"\n"
        )
    };
    columns.iter().map(one).collect()
}

pub(crate) async fn rows_have_their_age_at_the_days_end(app: &App) {
    let columns = match app {
        App::Sqlite(_) => &SQLITE[..],
        App::Postgres(_) => &POSTGRES[..],
        App::Mysql(_) => &MARIADB[..],
    };
    for column in columns {
        app.execute(&table(column)).await;
    }
    for one_by_one in [true, false] {
        let mut world = World::new("2026-03-30T06:00:00Z", &settings(columns));
        world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
        match one_by_one {
            true => {
                for (day, _) in by_hand() {
                    world.night(Which::One(date(day))).await;
                }
            }
            false => {
                for (from, to) in [("2025-10-24", "2025-10-29"), ("2026-03-29", "2026-03-29")] {
                    world.night(Which::Range(date(from), date(to))).await;
                }
            }
        }
        let mut wrong = Vec::new();
        for (day, expected) in by_hand() {
            for Column { table, .. } in columns {
                for (what, expected) in ["", "_x", "_touched"].iter().zip(&expected) {
                    let key = format!("{table}{what}");
                    let found = world.value(day, &key).await;
                    if found != *expected {
                        let why = world.provenance(day, &key).await;
                        wrong.push(format!("{key} on {day}: {found}, not {expected}; {why}"));
                    }
                }
            }
        }
        let told = wrong.join("\n");
        assert!(wrong.is_empty(), "one by one: {one_by_one}\n{told}");
        let verified = world.command(&["verify", "--date", "2025-10-28"]).await;
        assert_eq!(verified.unwrap(), Ended::Done);
    }
    an_open_day_has_the_age_as_of_now(app, columns).await;
}

/// At noon in UTC the last row is one of the future, and the one before it was deleted an hour ago.
async fn an_open_day_has_the_age_as_of_now(app: &App, columns: &[Column]) {
    let mut world = World::new("2025-10-28T12:00:00Z", &settings(columns));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-28"))).await;
    for Column { table, .. } in columns {
        let value = world.value("2025-10-28", table).await;
        assert_eq!(value, json!(59.5), "{table}");
    }
}

#[tokio::test]
async fn in_sqlite_rows_have_their_age_at_the_days_end() {
    let folder = tempfile::tempdir().unwrap();
    rows_have_their_age_at_the_days_end(&App::Sqlite(folder.path().join("app.db"))).await;
}

const ORDERS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.orders]
    name = "orders"
    created_at = "placed"

    [[metrics]]
    key = "newest_order"
    table = "orders"
    newest = "placed"
    alert = { warning = "> 6 h", critical = ">26h" }

    [[metrics]]
    key = "newest_change"
    table = "orders"
    newest = "changed"
    unit = "hours"
    decimals = 3
    good = "neutral"
    alert = { critical = "> 2 hours", percent = { warning = 50 } }
"#;

async fn orders(world: &World) -> App {
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE orders (placed TEXT, changed TEXT)")
        .await;
    app
}

#[tokio::test]
async fn an_age_is_in_hours_falls_for_the_better_and_is_judged_by_limits_alone() {
    let world = World::new("2025-10-04T06:00:00Z", ORDERS);
    let catalog = world.config().catalog;
    let order = catalog.metric("newest_order").unwrap();
    assert_eq!(
        (order.unit.as_str(), order.decimals, order.good),
        ("h", Some(1), Good::Down)
    );
    assert_eq!(order.alert.percent.on, AlertOn::Off);
    let over = |bound| {
        Some(Limit {
            over: true,
            inclusive: false,
            bound,
        })
    };
    assert_eq!(
        (order.alert.warning, order.alert.critical),
        (over(6.0), over(26.0))
    );
    assert_eq!(order.history, History::Event);

    let change = catalog.metric("newest_change").unwrap();
    assert_eq!(
        (change.unit.as_str(), change.decimals, change.good),
        ("hours", Some(3), Good::Neutral)
    );
    assert_eq!(change.alert.percent.on, AlertOn::Both);
    assert_eq!(change.alert.critical, over(2.0));
    // Nothing says that the column never changes.
    assert_eq!(change.history, History::Now);
}

#[test]
fn ages_of_many_days_need_one_scan() {
    let world = World::new("2025-10-04T06:00:00Z", ORDERS);
    let catalog = world.config().catalog;
    let keys = ["newest_order", "newest_change"].map(str::to_owned);
    let days = days_between(date("2024-10-04"), date("2025-10-03"), Zurich);
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let known = KnownDatabases {
            engines: &BTreeMap::from([(String::new(), engine)]),
            facts: &Facts::default(),
        };
        let plan = range(&catalog, &keys, &days, known);
        assert_eq!(plan.statements.len(), 1, "{engine:?}");
        assert_eq!(plan.day_by_day, Vec::<String>::new(), "{engine:?}");
    }
}

#[tokio::test]
async fn an_old_newest_row_alerts_and_a_young_one_ends_it() {
    let mut world = World::new("2025-10-04T06:00:00Z", ORDERS);
    let app = orders(&world).await;
    // 27 h 18 min before the end of 2 October in Zurich, 3 h before that of the 3rd.
    app.execute(
        "INSERT INTO orders VALUES ('2025-10-01 18:42:00', NULL), ('2025-10-03 19:00:00', NULL)",
    )
    .await;
    for (day, now) in [
        ("2025-10-02", "2025-10-03T06:00:00Z"),
        ("2025-10-03", "2025-10-04T06:00:00Z"),
    ] {
        world.at(now).night(Which::One(date(day))).await;
    }
    assert_eq!(world.value("2025-10-02", "newest_order").await, json!(27.3));
    assert_eq!(world.value("2025-10-03", "newest_order").await, json!(3.0));
    let output = world.binary(&["alerts", "list", "--date", "2025-10-02", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let alerts = told["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{told}");
    assert_eq!(alerts[0]["key"], "newest_order");
    assert_eq!(alerts[0]["severity"], "critical");
    assert_eq!(
        alerts[0]["text"],
        "Newest order is 27.3 h, the limit is > 26 h"
    );
    let shown = world.binary(&["alerts", "list", "--date", "2025-10-03", "--json"]);
    let told: Json = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(told["alerts"][0]["state"], "recovered", "{told}");
}

#[tokio::test]
async fn a_table_without_rows_has_no_age() {
    let world = World::new("2025-10-04T06:00:00Z", ORDERS);
    orders(&world).await;
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(world.value("2025-10-03", "newest_order").await, Json::Null);
    let provenance = world.provenance("2025-10-03", "newest_order").await;
    assert_eq!(provenance, Json::Null, "it was counted");
    let shown = world.binary(&["show", "--date", "2025-10-03"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let row = shown.lines().find(|line| line.contains("Newest order"));
    assert!(row.unwrap().contains("no value"), "{shown}");
}

#[tokio::test]
async fn explain_names_the_column_and_why_its_past_is_unknown() {
    let world = World::new("2025-10-20T06:00:00Z", ORDERS);
    orders(&world).await;
    let told = |key: &str| {
        let output = world.binary(&["explain", key, "--date", "2025-10-03"]);
        String::from_utf8(output.stdout).unwrap()
    };
    let order = told("newest_order");
    assert!(order.contains("history `event`"), "{order}");
    assert!(order.contains("max(this.\"placed\")"), "{order}");
    let change = told("newest_change");
    assert!(
        change.contains("it depends on a column that changes"),
        "{change}"
    );
}

#[tokio::test]
async fn a_column_that_tells_no_time_fails_by_itself_and_the_doctor_names_it() {
    const NOW: &str = "2025-10-04T06:00:00Z";
    let world = World::new(NOW, ORDERS);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE orders (placed TEXT, changed INTEGER); INSERT INTO orders VALUES ('2025-10-03 19:00:00', 7)",
    )
    .await;
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(world.value("2025-10-03", "newest_order").await, json!(3.0));
    let provenance = world.provenance("2025-10-03", "newest_change").await;
    assert_eq!(provenance["kind"], "failed", "{provenance}");
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    let mut named = findings
        .iter()
        .filter(|one| one.level != Level::Ok && one.what.contains("orders.changed"));
    let what = &named.next().unwrap().what;
    assert!(what.contains("holds numbers (integer)"), "{what}");
}

#[test]
fn handbook_and_grafana_name_the_unit() {
    let world = World::new("2025-10-04T06:00:00Z", ORDERS);
    let printed = |args: &[&str]| String::from_utf8(world.binary(args).stdout).unwrap();
    let handbook = printed(&["config", "metrics"]);
    let row = "| Newest order<br>`newest_order` | From the newest `placed` to the day's end. In hours. | event | critical &gt; 26 h; warning &gt; 6 h |";
    assert!(handbook.contains(row), "{handbook}");
    let dashboard = printed(&["grafana"]);
    assert!(dashboard.contains("\"unit\": \"h\""), "{dashboard}");
}
