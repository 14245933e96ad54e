//! The same from PostgreSQL's own catalog, where users have rights and tables have parts.

use serde_json::json;

use crate::beryl;
use crate::postgres::{as_role, database};
use crate::world::{App, World};
use support::init::known_schemas::{CHINOOK, LOBSTERS, PAGILA, counts_right, fill_with};
use support::init::{
    a_default_tells_when_rows_began, bare, collects, forum, forums_numbers, is_as_stored, proposed,
    shop, shops_numbers,
};

async fn world_of(app: &App) -> World {
    let (mut world, _) = bare().await;
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world
}

#[tokio::test]
async fn beryl_a_shop_and_a_forum_have_settings_that_collect() {
    let app = database().await;
    beryl::fill(&app).await;
    let world = world_of(&app).await;
    let text = proposed(&world).await;
    assert!(text.contains("its type has a time zone"), "{text}");
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
async fn schemas_that_many_know_count_right() {
    for known in [&PAGILA, &CHINOOK, &LOBSTERS] {
        let app = database().await;
        fill_with(&app, known).await;
        counts_right(&world_of(&app).await, &app, known).await;
    }
}

#[tokio::test]
async fn a_film_rental_with_payments_in_parts_has_settings_of_its_own() {
    let app = database().await;
    fill_with(&app, &PAGILA).await;
    let world = world_of(&app).await;
    let text = proposed(&world).await.replace(&app.url(), "postgres://…");
    is_as_stored("pagila.postgres.toml", &text);
}

/// The server's statistics know nothing of the first two, of the third that it was empty, and half of the fourth.
#[tokio::test]
async fn tables_with_rows_come_first_whatever_the_statistics_say() {
    let app = database().await;
    app.execute(
        "CREATE TABLE aa_empty (id int);
         CREATE TABLE never_analyzed (id int);
         CREATE TABLE filled_later (id int);
         CREATE TABLE estimated (id int);
         CREATE TABLE large (id int);
         INSERT INTO never_analyzed VALUES (1), (2);
         INSERT INTO estimated SELECT generate_series(1, 500);
         INSERT INTO large SELECT generate_series(1, 20000);
         ANALYZE filled_later, estimated;
         INSERT INTO filled_later VALUES (1);",
    )
    .await;
    let world = world_of(&app).await;
    let text = proposed(&world).await;
    let named = text
        .lines()
        .filter_map(|line| line.strip_prefix("name       = "));
    let named: Vec<&str> = named.collect();
    let expected = [
        r#""large" # more than 10000 rows"#,
        r#""estimated" # about 500 rows"#,
        r#""filled_later" # 1 row"#,
        r#""never_analyzed" # 2 rows"#,
        r#""aa_empty" # no rows"#,
    ];
    assert_eq!(named, expected);
}

#[tokio::test]
async fn a_time_that_the_database_fills_in_is_when_rows_began() {
    let app = database().await;
    a_default_tells_when_rows_began(&world_of(&app).await, &app).await;
}

const ODD: &str = r#"
    CREATE TYPE mood AS ENUM ('good', 'so so');
    CREATE TABLE visits (id bigint, "At" timestamptz, created_at timestamptz NOT NULL, mood_state mood) PARTITION BY RANGE (created_at);
    CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO visits VALUES (1, now(), '2025-10-02 10:00:00+00', 'good');
    CREATE SCHEMA "back office";
    CREATE TABLE "back office".bills (id int, status varchar(9) CHECK (status IN ('open', 'paid')), total numeric(9,2));
    INSERT INTO "back office".bills VALUES (1, 'open', 9.90), (2, 'paid', 5);
    CREATE TABLE "a.b" (id int);
    CREATE VIEW lately AS SELECT * FROM visits;
"#;

#[tokio::test]
async fn parts_count_with_their_whole_and_other_schemas_count_too() {
    let app = database().await;
    app.execute(ODD).await;
    let world = world_of(&app).await;
    let text = proposed(&world).await;
    assert!(!text.contains("visits_2025"), "{text}");
    collects(&world).await;
    for (key, expected) in [
        ("total_visits", json!(1)),
        ("visits_mood_state_good", json!(1)),
        ("visits_mood_state_so_so", json!(0)),
        ("bills_status_open", json!(1)),
        ("bills_total", json!(14.9)),
    ] {
        assert_eq!(world.value("2025-10-02", key).await, expected, "{key}");
    }
}

#[tokio::test]
async fn what_a_user_may_not_read_is_left_alone() {
    let app = database().await;
    shop(&app).await;
    app.execute(
        "CREATE ROLE shop_clerk LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_clerk;
         REVOKE SELECT ON oc_customer, oc_user FROM shop_clerk;
         GRANT SELECT (customer_id, status, date_added) ON oc_customer TO shop_clerk",
    )
    .await;
    let (mut world, _) = bare().await;
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        &as_role(&app, "shop_clerk").url(),
    );
    let text = proposed(&world).await;
    assert!(
        text.contains("# this user may not read it:\n#   oc_user\n"),
        "{text}"
    );
    assert!(!text.contains("newsletter"), "{text}");
    collects(&world).await;
    assert_eq!(world.value("2025-10-02", "total_customers").await, json!(3));
}

#[tokio::test]
async fn the_servers_own_log_knows_of_no_question_for_peoples_data() {
    let app = database().await;
    app.execute(
        "CREATE TABLE inhabitants (id int, name text, email text, birthday timestamp, created_at text, last_seen bigint, status text);
         INSERT INTO inhabitants VALUES (1, 'Ada', 'ada@example.org', '1815-12-10', '2025-10-02 10:00:00', 1759399200, 'well')",
    )
    .await;
    let named = app.rows("SELECT current_database()").await;
    let name = named[0][0].clone().unwrap_or_default();
    app.execute(&format!("ALTER DATABASE {name} SET log_statement = 'all'"))
        .await;
    let world = world_of(&app).await;
    proposed(&world).await;
    let log = app
        .rows("SELECT pg_read_file(current_setting('data_directory') || '/../log')")
        .await;
    let log = log[0][0].clone().unwrap_or_default();
    let mut asked: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("FROM \"inhabitants\""))
        .filter_map(|line| line.split_once("SELECT ").map(|(_, rest)| rest))
        .collect();
    asked.dedup();
    let beginnings: Vec<&str> = asked
        .iter()
        .filter_map(|question| question.split_once(" FROM ").map(|(what, _)| what))
        .collect();
    let expected = ["count(*)", "\"created_at\"", "\"last_seen\""];
    assert_eq!(beginnings, expected, "{asked:?}");
}

#[tokio::test]
async fn a_password_stays_where_it_was_given() {
    let app = database().await;
    shop(&app).await;
    let (mut world, _) = bare().await;
    let url = app.url().replace("//owner@", "//owner:hunter2@");
    world.set("DAYBOOK_APP_DATABASE_URL", &url);
    let ended = world.binary(&["init", "--json"]);
    assert!(ended.status.success(), "{ended:?}");
    let text = std::fs::read_to_string(world.path("daybook.toml")).unwrap_or_default();
    let told = format!("{text}{}", String::from_utf8_lossy(&ended.stdout));
    let told = format!("{told}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(!told.contains("hunter2"), "{told}");
    assert!(text.contains("# database_url_file = "), "{text}");
    collects(&world).await;
}
