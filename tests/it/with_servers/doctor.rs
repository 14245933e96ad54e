//! What the doctor finds in a PostgreSQL database: who may read, who may do more, and who may not enter.

use chrono::{DateTime, TimeDelta, Utc};
use daybook::nightly::Which;
use daybook::operate::doctor::{Finding, Level, examine};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::beryl;
use crate::lacking_index::{is_named_until_it_is_there, said_of};
use crate::postgres::{as_role, database};
use crate::with_servers::measured_times::are_named_by_their_type;
use crate::world::{App, World, date, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.orders]
    name = "orders"
    created_at = "at"

    [tables.vault]
    name = "vault.things"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "turnover"
    table = "orders"
    sum = "amount"

    [[metrics]]
    key = "things"
    table = "vault"
    count = "*"
"#;

async fn shop() -> App {
    let app = database().await;
    app.execute(
        "CREATE TABLE users (joined timestamptz); CREATE TABLE orders (at bigint, amount int);
         CREATE SCHEMA vault; CREATE TABLE vault.things (id int)",
    )
    .await;
    app
}

/// What is said of the database, but for how long it took.
async fn told(app: &App) -> Vec<String> {
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    let findings = findings.iter().filter(|one| one.area == "database");
    let lines = findings.map(|one| {
        assert_eq!(one.level == Level::Ok, one.advice.is_empty(), "{one:?}");
        format!("{}: {}", one.level.word(), one.what)
    });
    lines.collect()
}

#[tokio::test]
async fn a_role_that_may_only_read_is_all_well() {
    let app = shop().await;
    app.execute(
        "ALTER TABLE orders ALTER at TYPE timestamptz USING to_timestamp(at);
         CREATE ROLE quiet_reader LOGIN; GRANT USAGE ON SCHEMA vault TO quiet_reader;
         GRANT SELECT ON users, orders, vault.things TO quiet_reader",
    )
    .await;
    let told = told(&as_role(&app, "quiet_reader")).await;
    assert!(
        told[0].starts_with("ok: the app database is PostgreSQL ")
            && told[0].contains(", reached as quiet_reader in "),
        "{told:?}"
    );
    assert_eq!(
        told[1..],
        [
            "ok: the connection to the app database is not encrypted",
            "ok: the app database has everything that 3 metrics need: 3 tables, 3 columns",
            "ok: quiet_reader may only read the app database",
        ]
    );
}

#[tokio::test]
async fn what_a_role_may_not_read_is_named_and_so_is_a_column_that_tells_no_time() {
    let app = shop().await;
    app.execute("CREATE ROLE blind_reader LOGIN; GRANT SELECT (at) ON orders TO blind_reader")
        .await;
    let told = told(&as_role(&app, "blind_reader")).await;
    assert_eq!(
        told[2..],
        [
            "error: the app database: this user may not read the column `amount` of the table `orders`",
            "error: the app database: this user may not read the table `users`",
            "error: the app database: this user may not use the schema of the table `vault.things`",
            "error: the app database: orders.at holds numbers (bigint), while `time` is utc: set it to epoch_s or epoch_ms",
            "ok: blind_reader may only read the app database",
        ]
    );
}

#[tokio::test]
async fn a_role_that_could_do_more_than_read_is_a_warning() {
    let app = shop().await;
    app.execute(
        "CREATE ROLE scribe LOGIN; GRANT USAGE, CREATE ON SCHEMA vault TO scribe;
         GRANT SELECT ON ALL TABLES IN SCHEMA public, vault TO scribe; GRANT UPDATE ON users TO scribe; GRANT DELETE ON orders TO scribe",
    )
    .await;
    let of_scribe = told(&as_role(&app, "scribe")).await;
    let expected = "warning: scribe may change orders, users and make tables in the app database";
    assert!(
        of_scribe.iter().any(|line| line == expected),
        "{of_scribe:?}"
    );
    let of_owner = told(&app).await;
    let expected = "warning: owner may do everything, as a superuser in the app database";
    assert!(of_owner.iter().any(|line| line == expected), "{of_owner:?}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_without_the_password() {
    let app = shop().await;
    let stranger = as_role(&app, "stranger:s3cretly");
    let told = told(&stranger).await;
    let [only] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(
        only.starts_with("error: the app database cannot be read: postgres://stranger:***@"),
        "{only}"
    );
    assert!(only.ends_with("role \"stranger\" does not exist"), "{only}");
}

/// The server's clock is this machine's own, so a program that believes it is another year finds it far ahead.
#[tokio::test]
async fn a_server_whose_clock_differs_from_this_machines_is_named() {
    let app = shop().await;
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let present = app.rows("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").await;
    let present = instant(present[0][0].as_deref().unwrap_or_default());
    let clock = async |now: DateTime<Utc>| {
        let findings = examine(&world.config(), now, &CancellationToken::new()).await;
        let about = |one: &&Finding| one.area == "time" && one.what.contains("server");
        let found = findings.iter().find(about);
        found.map(|one| (one.level, one.what.clone()))
    };
    for (shift, expected, words) in [
        (0, Level::Ok, "shows the same time as this machine's"),
        (-1, Level::Warning, " s ahead of this machine's"),
        (1, Level::Warning, " s behind this machine's"),
    ] {
        let found = clock(present + TimeDelta::hours(shift)).await;
        let Some((level, what)) = found else {
            panic!("nothing is said of the clock");
        };
        assert_eq!(level, expected, "{what}");
        assert!(what.contains(words), "{what}");
    }
}

#[tokio::test]
async fn an_index_for_windows_is_named_until_it_is_there() {
    is_named_until_it_is_there(&database().await).await;
}

#[tokio::test]
async fn djangos_own_indexes_are_enough_for_beryl() {
    let app = database().await;
    beryl::fill(&app).await;
    let mut world = World::new(NOW, beryl::SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    assert_eq!(said_of(&world).await, []);
}

#[tokio::test]
async fn times_without_end_are_taken_as_they_are() {
    let app = shop().await;
    app.execute(
        "DROP TABLE orders; CREATE TABLE orders (at date, amount int);
         INSERT INTO orders VALUES ('infinity', 1), ('2025-10-01', 20), ('-infinity', 300), ('290000-01-01', 4000);
         INSERT INTO users VALUES ('infinity'), ('-infinity'), ('2025-10-01 10:00:00+00'), ('290000-01-01 00:00:00+00');",
    )
    .await;
    let told = told(&app).await;
    assert!(!told.iter().any(|one| one.contains("newest")), "{told:?}");
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(world.value("2025-10-03", "users").await, json!(2));
    assert_eq!(world.value("2025-10-03", "turnover").await, json!(320));
}

#[tokio::test]
async fn a_measured_column_of_times_is_named_by_its_type() {
    are_named_by_their_type(&database().await, "timestamptz", "timestamp with time zone").await;
}

/// The schema `public` is open like this where it was made before PostgreSQL 15.
#[tokio::test]
async fn the_advice_on_a_schema_open_to_everybody_closes_it() {
    let app = shop().await;
    app.execute(
        "ALTER TABLE orders ALTER at TYPE timestamptz USING to_timestamp(at);
         CREATE ROLE passer_by LOGIN; GRANT USAGE ON SCHEMA vault TO passer_by;
         GRANT SELECT ON users, orders, vault.things TO passer_by;
         CREATE SCHEMA \"Old Things\"; GRANT CREATE ON SCHEMA public, \"Old Things\" TO PUBLIC",
    )
    .await;
    let mut world = World::new(NOW, SETTINGS);
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        &as_role(&app, "passer_by").url(),
    );
    let powers = async || {
        let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
        let mut powers = findings
            .into_iter()
            .filter(|one| one.what.starts_with("passer_by may "));
        powers.next().expect("a finding about the role")
    };
    let open = powers().await;
    assert_eq!(open.what, "passer_by may make tables in the app database");
    assert_eq!(
        open.advice,
        "Everybody can create tables in \"Old Things\", public: \
         `REVOKE CREATE ON SCHEMA \"Old Things\", public FROM PUBLIC`, then grant CREATE to the roles that need it."
    );
    let statement = open.advice.split('`').nth(1).expect("a statement");
    app.execute(statement).await;
    assert_eq!(
        powers().await.what,
        "passer_by may only read the app database"
    );
    // A grant of its own is another matter.
    app.execute("GRANT CREATE ON SCHEMA public TO passer_by")
        .await;
    let own = powers().await;
    assert!(
        own.advice.starts_with("Give Daybook a user of its own"),
        "{}",
        own.advice
    );
    assert!(!own.advice.contains("PUBLIC"), "{}", own.advice);
}
