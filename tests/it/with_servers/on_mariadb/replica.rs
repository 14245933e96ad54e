//! Numbers from a replica: in step, late, and standing still.

#![expect(clippy::disallowed_methods, reason = "a replica tells the real time")]

use chrono::{TimeDelta, Utc};
use chrono_tz::Europe::Zurich;
use daybook::commands::Ended;
use serde_json::json;

use crate::mariadb::Pair;
use crate::world::World;

const SETTINGS: &str = r#"
    [collect]
    grace = "3d"

    [tables.users]
    name = "users"
    created_at = "joined"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

#[tokio::test]
async fn a_replica_is_read_where_it_has_come_to_and_refused_where_it_stands_still() {
    let pair = Pair::start().await;
    let (primary, replica) = pair.shop();
    primary
        .execute("CREATE TABLE users (joined datetime NOT NULL); INSERT INTO users VALUES ('2025-01-01'), ('2025-01-01'), ('2025-01-01'), ('2025-01-01'), ('2025-01-01'), ('2025-01-01'), ('2025-01-01')")
        .await;
    pair.caught_up().await;
    let now = Utc::now();
    let today = now.with_timezone(&Zurich).date_naive();
    let yesterday = today.pred_opt().expect("a day before").to_string();
    let today = today.to_string();
    let mut world = World::new(&now.to_rfc3339(), SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &replica.url());
    world.set("DAYBOOK_RETRY_FOR", "0");
    let collect = async |world: &World, day: &str| {
        world
            .command(&["collect", "--date", day, "--force", "--quiet"])
            .await
    };
    assert_eq!(
        collect(&world, &yesterday).await.expect("stored"),
        Ended::Done
    );
    assert_eq!(world.value(&yesterday, "users").await, json!(7));

    // A program that believes it is tomorrow takes today for a day that is over.
    world.at(&(now + TimeDelta::hours(24)).to_rfc3339());
    assert_eq!(
        collect(&world, &today).await.expect("stored"),
        Ended::Unavailable
    );
    let stored = world
        .book("SELECT partial FROM daily_metrics ORDER BY collection_date")
        .await;
    assert_eq!(stored, [[Some("0".to_owned())], [Some("1".to_owned())]]);
    assert_eq!(world.value(&today, "users").await, json!(7));

    replica.execute("STOP REPLICA SQL_THREAD").await;
    let refused = collect(&world, &today)
        .await
        .expect_err("nobody knows how far it is");
    assert_eq!(refused.exit_code(), 69);
    assert!(
        refused
            .to_string()
            .contains("does not say how far it has replayed"),
        "{refused}"
    );
}
