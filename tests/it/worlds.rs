//! The worlds that the other tests tell their stories in.

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::Value as Json;

use crate::world::{App, SETTINGS, World, date};

#[tokio::test]
async fn a_world_runs_nights_commands_and_the_program_and_shows_what_they_stored() {
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT); INSERT INTO users VALUES ('2025-10-02 12:00:00')",
    )
    .await;
    assert_eq!(
        app.number("SELECT count(*) FROM users").await,
        Some(1.into())
    );
    let night = world.night(Which::One(date("2025-10-02"))).await;
    assert_eq!(night.days.len(), 1);
    assert_eq!(world.value("2025-10-02", "users").await, Json::from(1));
    assert_eq!(world.provenance("2025-10-02", "users").await, Json::Null);

    world.at("2025-10-04T06:00:00Z");
    let ended = world.command(&["collect", "--date", "yesterday"]).await;
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(
        world.book("SELECT count(*) FROM daily_metrics").await,
        [[Some("2".to_owned())]]
    );
    for elsewhere in [
        App::Postgres("postgres://127.0.0.1/nowhere".to_owned()),
        App::Mysql("mysql://127.0.0.1/nowhere".to_owned()),
    ] {
        world.set("DAYBOOK_APP_DATABASE_URL", &elsewhere.url());
        assert_eq!(world.config().apps.len(), 1);
    }
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let shown = world.binary(&["show", "--date", "2025-10-03"]);
    assert!(shown.status.success(), "{shown:?}");
}
