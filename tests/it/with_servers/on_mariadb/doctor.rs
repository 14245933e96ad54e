//! What the doctor finds in a MariaDB database: who may read, who may do more, and who may not enter.

use daybook::operate::doctor::{Level, examine};
use tokio_util::sync::CancellationToken;

use crate::beryl;
use crate::lacking_index::{is_named_until_it_is_there, said_of};
use crate::mariadb::{as_user, database, grant, mysql};
use crate::with_servers::measured_times::are_named_by_their_type;
use crate::world::{App, World, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.orders]
    name = "orders"
    created_at = "at"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "turnover"
    table = "orders"
    sum = "amount"
"#;

async fn shop() -> App {
    let app = database().await;
    app.execute("CREATE TABLE users (joined datetime); CREATE TABLE orders (at bigint unsigned, amount int)")
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
async fn an_account_that_may_only_read_is_all_well() {
    let app = shop().await;
    app.execute("ALTER TABLE orders MODIFY at datetime").await;
    grant(&app, "quiet", "SELECT ON HERE.*").await;
    let told = told(&as_user(&app, "quiet")).await;
    // MySQL makes itself a certificate, and is reached over TLS wherever it stands.
    let (name, line) = match mysql() {
        Some(_) => ("MySQL", "is encrypted"),
        None => ("MariaDB", "is not encrypted"),
    };
    assert!(
        told[0].starts_with(&format!("ok: the app database is {name} "))
            && told[0].contains(", reached as quiet@% in "),
        "{told:?}"
    );
    let line = format!("ok: the connection to the app database {line}");
    assert_eq!(
        told[1..],
        [
            line.as_str(),
            "ok: the app database has everything that 2 metrics need: 2 tables, 3 columns",
            "ok: quiet@% may only read the app database",
        ]
    );
}

#[tokio::test]
async fn what_an_account_may_not_read_is_named_and_so_is_a_column_that_tells_no_time() {
    let app = shop().await;
    grant(&app, "blind", "SELECT (at), INSERT (amount) ON HERE.orders").await;
    let told = told(&as_user(&app, "blind")).await;
    // MySQL no longer tells how wide a whole number is shown.
    let told: Vec<String> = told.iter().map(|line| line.replace("(20)", "")).collect();
    assert_eq!(
        told[2..],
        [
            "error: the app database: this user may not read the column `amount` of the table `orders`",
            "error: the app database: there is no table `users`, or this user may not see it",
            "error: the app database: orders.at holds numbers (bigint unsigned), while `time` is utc: set it to epoch_s or epoch_ms",
            "warning: blind@% may change orders in the app database",
        ]
    );
}

#[tokio::test]
async fn an_account_that_could_do_more_than_read_is_a_warning() {
    let app = shop().await;
    for what in [
        "SELECT, CREATE ON HERE.*",
        "UPDATE ON HERE.users",
        "FILE ON *.*",
    ] {
        grant(&app, "scribe", what).await;
    }
    let of_scribe = told(&as_user(&app, "scribe")).await;
    let expected = "warning: scribe@% may change users and make tables and write files on the server in the app database";
    assert!(
        of_scribe.iter().any(|line| line == expected),
        "{of_scribe:?}"
    );
    let of_root = told(&app).await;
    let expected = "warning: root@localhost may do everything, as a superuser in the app database";
    assert!(of_root.iter().any(|line| line == expected), "{of_root:?}");
}

#[tokio::test]
async fn the_servers_clock_is_compared_with_this_machines() {
    let app = shop().await;
    let mut world = World::new(NOW, SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    let ahead = findings
        .iter()
        .find(|one| one.area == "time" && one.what.contains("'s server is"));
    assert!(
        ahead.is_some_and(|one| one.what.contains(" s ahead of this machine's")),
        "{findings:?}"
    );
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
async fn dates_of_zeros_are_rows_without_a_beginning() {
    let app = shop().await;
    app.execute(
        "ALTER TABLE orders MODIFY at datetime;
         ALTER TABLE users MODIFY joined datetime NOT NULL;
         INSERT INTO users VALUES ('0000-00-00 00:00:00'), ('2025-10-01 10:00:00'), ('0000-00-00 00:00:00');",
    )
    .await;
    let told = told(&app).await;
    let warning = "warning: the app database: users has 2 rows without a creation time".to_owned();
    assert!(told.contains(&warning), "{told:?}");
}

#[tokio::test]
async fn a_measured_column_of_times_is_named_by_its_type() {
    are_named_by_their_type(&database().await, "datetime", "datetime").await;
}
