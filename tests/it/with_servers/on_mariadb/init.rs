//! Settings proposed from MariaDB's own catalog.

use serde_json::json;

use crate::beryl;
use crate::mariadb::{as_user, database, grant};
use crate::world::{App, World};
use support::init::known_schemas::{CHINOOK, LOBSTERS, PAGILA, counts_right, fill_with};
use support::init::{
    a_default_tells_when_rows_began, bare, collects, forum, forums_numbers, proposed, shop,
    shops_numbers,
};

async fn world_of(app: &App) -> World {
    let (mut world, _) = bare().await;
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world
}

#[tokio::test]
async fn beryl_a_shop_and_a_forum_on_mariadb_have_settings_that_collect() {
    let app = database().await;
    beryl::fill(&app).await;
    let world = world_of(&app).await;
    proposed(&world).await;
    collects(&world).await;

    let app = database().await;
    shop(&app).await;
    let world = world_of(&app).await;
    proposed(&world).await;
    collects(&world).await;
    shops_numbers(&world).await;

    let app = database().await;
    forum(&app).await;
    let world = world_of(&app).await;
    proposed(&world).await;
    collects(&world).await;
    forums_numbers(&world).await;
}

#[tokio::test]
async fn schemas_that_many_know_count_right_on_mariadb() {
    for known in [&PAGILA, &CHINOOK, &LOBSTERS] {
        let app = database().await;
        fill_with(&app, known).await;
        counts_right(&world_of(&app).await, &app, known).await;
    }
}

#[tokio::test]
async fn a_time_that_mariadb_fills_in_is_when_rows_began_unless_updates_do_so_too() {
    let app = database().await;
    a_default_tells_when_rows_began(&world_of(&app).await, &app).await;
}

const ODD: &str = r#"
    CREATE TABLE visits (id bigint unsigned PRIMARY KEY, created_at timestamp NOT NULL, mood enum('good', 'so so', 'it''s'));
    INSERT INTO visits VALUES (1, '2025-10-02 10:00:00', 'good'), (2, '2025-10-02 11:00:00', 'it''s');
    CREATE TABLE `key` (`order` int PRIMARY KEY, `group` varchar(9), date_added datetime NOT NULL, removed_at datetime NOT NULL);
    INSERT INTO `key` VALUES (1, 'a', '2025-10-02 10:00:00', '0000-00-00 00:00:00');
    CREATE VIEW lately AS SELECT * FROM visits;
"#;

#[tokio::test]
async fn enumerated_values_reserved_words_and_dates_of_zeros_are_taken_as_they_are() {
    let app = database().await;
    app.execute(ODD).await;
    let world = world_of(&app).await;
    let text = proposed(&world).await;
    assert!(text.contains("its type has a time zone"), "{text}");
    assert!(
        text.contains("a view, whose rows stand in tables already"),
        "{text}"
    );
    collects(&world).await;
    for (key, expected) in [
        ("total_visits", json!(2)),
        ("visits_mood_good", json!(1)),
        ("visits_mood_so_so", json!(0)),
        ("visits_mood_it_s", json!(1)),
        ("total_keys", json!(1)),
    ] {
        assert_eq!(world.value("2025-10-02", key).await, expected, "{key}");
    }
}

#[tokio::test]
async fn what_an_account_may_not_read_is_left_alone() {
    let app = database().await;
    shop(&app).await;
    grant(&app, "shop_clerk", "SELECT ON HERE.oc_order").await;
    grant(&app, "shop_clerk", "INSERT ON HERE.oc_user").await;
    let (mut world, _) = bare().await;
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        &as_user(&app, "shop_clerk").url(),
    );
    let text = proposed(&world).await;
    assert!(
        text.contains("# this user may not read it:\n#   oc_user\n"),
        "{text}"
    );
    collects(&world).await;
}
