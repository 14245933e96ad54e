//! The age of a table's newest row, counted by hand: in every way that a column tells time, night by night and many
//! days at once, over days of 23 and of 25 hours.

use std::collections::BTreeMap;

use chrono_tz::Europe::Zurich;
use daybook::calendar::days_between;
use daybook::catalog::{AlertOn, Good, History, Limit};
use daybook::engine::Engine;
use daybook::nightly::Which;
use daybook::operate::doctor::{Level, examine};
use daybook::plan::range::range;
use daybook::plan::{Facts, KnownDatabases};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use support::newest::rows_have_their_age_at_the_days_end;

use crate::world::{App, World, date, instant};

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
