//! What queries give is kept with all its digits, or fails.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::nightly::Which;
use serde_json::Value as Json;

use crate::world::{App, World, date};

pub const DAY: &str = "2025-10-03";

/// What each query gives, stored or failed.
pub async fn are_kept_or_fail(app: &App, kept: &[(&str, &str)], failed: &[(&str, &str)]) {
    let queries = kept.iter().chain(failed).enumerate();
    let settings: String = queries
        .map(|(at, (query, _))| {
            format!("[[metrics]]\nkey = \"n{at}\"\nsql = \'\'\'{query}\'\'\'\n")
        })
        .collect();
    let mut world = World::new("2025-10-04T06:00:00Z", &settings);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date(DAY))).await;
    let shown = world.binary(&["show", "--json", "--date", DAY]);
    let shown: Json = serde_json::from_slice(&shown.stdout).unwrap();
    let shown = shown.to_string();
    for (at, (query, expected)) in kept.iter().enumerate() {
        let key = format!("n{at}");
        let found = world.value(DAY, &key).await;
        let why = world.provenance(DAY, &key).await;
        assert_eq!(found.to_string(), *expected, "{query}: {why}");
        assert!(
            shown.contains(&format!("\"value\":{expected}")),
            "{query}: {shown}"
        );
    }
    for (at, (query, expected)) in failed.iter().enumerate() {
        let key = format!("n{}", kept.len() + at);
        assert_eq!(world.value(DAY, &key).await, Json::Null, "{query}");
        let why = world.provenance(DAY, &key).await;
        assert_eq!(why["kind"], "failed", "{query}: {why}");
        let reason = why["reason"].as_str().unwrap();
        assert!(reason.contains(expected), "{query}: {why}");
    }
}
