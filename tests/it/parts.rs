//! Distributions with very many parts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Europe::Zurich;
use daybook::calendar::days_between;
use daybook::catalog::Engine;
use daybook::collect::{self, Request, Work};
use daybook::plan::Facts;
use daybook::plan::range::range;
use tokio_util::sync::CancellationToken;

use crate::world::{World, date, instant};

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
        follower_patience: Duration::ZERO,
        limits: collect::limits(&config, CancellationToken::new()),
        recipients: None,
        progress: &|_, _| {},
    };
    let (engines, facts) = (
        BTreeMap::from([(String::new(), Engine::Sqlite)]),
        Facts::default(),
    );
    let plan = range(&config.catalog, &keys, &days, (&engines, &facts));
    let [scan] = plan.statements.as_slice() else {
        panic!("one scan, not {:?}", plan.statements);
    };
    let apart = collect::apart(&request, scan, (&engines, &facts), true);
    assert_eq!(apart.len(), 2 * 30);
    assert!(apart.iter().all(|statement| statement.days.len() == 1));
}
