//! What goes wrong on a MariaDB server: full, dropped, slow, locked, forbidden.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::commands::Ended;
use daybook::nightly::{Orders, Which};
use serde_json::{Value as Json, json};
use sqlx::{Connection, Executor, MySqlConnection};

use crate::mariadb::{as_user, database, grant, mysql};
use crate::world::{App, World, date};

const NOW: &str = "2025-10-04T06:00:00Z";
const DAY: &str = "2025-10-03";

const SETTINGS: &str = r#"
    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.stock]
    name = "stock"
    created_at = "counted"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "joined"
    table = "users"
    count = "*"
    within = { column = "joined", days = [1, 7] }

    [[metrics]]
    key = "stock"
    table = "stock"
    sum = "pieces"
    history = "survivors"
"#;

/// Ends by itself only after many minutes.
const SLOW: &str = "[[metrics]]\nkey = \"slow\"\nsql = \"SELECT count(*) FROM users AS a, users AS b, users AS c, users AS d WHERE a.id + b.id + c.id + d.id = 1\"\n";

async fn shop(more: &str) -> (World, App) {
    let app = database().await;
    app.execute(
        "CREATE TABLE users (id bigint AUTO_INCREMENT PRIMARY KEY, joined datetime NOT NULL);
         CREATE TABLE stock (pieces int, counted varchar(30) NOT NULL);
         INSERT INTO stock VALUES (30, '2025-09-01 00:00:00'), (12, '2025-09-01 00:00:00');
         INSERT INTO users (joined) SELECT '2025-10-03 10:00' - INTERVAL seq DAY
             FROM (WITH RECURSIVE each_day AS (SELECT 0 AS seq UNION ALL SELECT seq + 1 FROM each_day WHERE seq < 499)
                   SELECT seq FROM each_day) AS numbers",
    )
    .await;
    let mut world = World::new(NOW, &format!("{SETTINGS}\n{more}"));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    (world, app)
}

fn orders(retry_for: Duration) -> Orders {
    Orders {
        which: Which::One(date(DAY)),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for,
    }
}

async fn collect(world: &World) -> Ended {
    let done = world.command(&["collect", "--quiet", "--date", DAY]).await;
    done.unwrap_or_else(|error| panic!("{error}"))
}

async fn failure(world: &World, key: &str) -> String {
    assert_eq!(world.value(DAY, key).await, Json::Null);
    let why = world.provenance(DAY, key).await;
    assert_eq!(why["kind"], "failed", "{key}: {why}");
    why["reason"].as_str().unwrap().to_owned()
}

async fn users_are_known(world: &World) {
    assert_eq!(world.value(DAY, "users").await, json!(500));
    assert_eq!(world.value(DAY, "joined_24h").await, json!(1));
    assert_eq!(world.value(DAY, "joined_7d").await, json!(7));
}

async fn stored(world: &World) -> Option<String> {
    let rows = world.book("SELECT count(*) FROM daily_metrics").await;
    rows[0][0].clone()
}

/// The statement that takes so long, once it runs.
async fn slow_one(app: &App) -> String {
    let running = "SELECT ID FROM information_schema.PROCESSLIST
        WHERE DB = database() AND INFO LIKE '/* daybook %users AS d%'";
    loop {
        if let [found] = app.rows(running).await.as_slice() {
            return found[0].clone().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_without_a_free_place_is_tried_again() {
    let (mut world, app) = shop("").await;
    app.execute("CREATE USER crowded WITH MAX_USER_CONNECTIONS 1; GRANT SELECT ON *.* TO crowded")
        .await;
    let crowded = as_user(&app, "crowded");
    world.set("DAYBOOK_APP_DATABASE_URL", &crowded.url());
    let other = MySqlConnection::connect(&crowded.url()).await.unwrap();
    let error = world.ordered(&orders(Duration::ZERO)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has exceeded the 'max_user_connections' resource"),
        "{error}"
    );
    assert_eq!(stored(&world).await.as_deref(), Some("0"));
    let left = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        other.close().await.unwrap();
    };
    let patient = orders(Duration::from_secs(60));
    let (night, ()) = tokio::join!(world.ordered(&patient), left);
    assert!(night.unwrap().unreachable.is_empty());
    users_are_known(&world).await;
}

/// Kills the connection on which the slow metric is asked for, so many times in all.
async fn kill_the_slow_one(app: &App, times: usize) {
    let mut killed = String::new();
    for _ in 0..times {
        let next = loop {
            match slow_one(app).await {
                same if same == killed => tokio::time::sleep(Duration::from_millis(20)).await,
                next => break next,
            }
        };
        app.execute(&format!("KILL {next}")).await;
        killed = next;
    }
}

#[tokio::test]
async fn a_connection_that_is_killed_in_the_middle_is_made_again_at_once_with_patience_or_without()
{
    for retry_for in [Duration::ZERO, Duration::from_secs(60)] {
        let (world, app) = shop(&format!("{SLOW}[collect]\nstatement_timeout = \"5s\"")).await;
        let orders = orders(retry_for);
        let killed = kill_the_slow_one(&app, 1);
        let (night, ()) = tokio::join!(world.ordered(&orders), killed);
        assert!(night.unwrap().unreachable.is_empty());
        users_are_known(&world).await;
        let why = failure(&world, "slow").await;
        assert!(why.contains("`statement_timeout` 5 s"), "{why}");
    }
}

#[tokio::test]
async fn without_patience_too_a_metric_that_loses_its_connection_twice_fails_alone() {
    let (world, app) = shop(SLOW).await;
    let orders = orders(Duration::ZERO);
    let killed = kill_the_slow_one(&app, 2);
    let (night, ()) = tokio::join!(world.ordered(&orders), killed);
    assert!(night.unwrap().unreachable.is_empty());
    users_are_known(&world).await;
    let why = failure(&world, "slow").await;
    let expected = "the connection was lost twice while it ran: ";
    assert!(why.starts_with(expected), "{why}");
}

#[tokio::test]
async fn a_statement_beyond_its_time_fails_alone() {
    let (world, _) = shop(&format!("{SLOW}[collect]\nstatement_timeout = \"1s\"")).await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    let why = failure(&world, "slow").await;
    let (interrupted, limits) = why.split_once("; ").unwrap();
    let words = match mysql() {
        Some(_) => ", maximum statement execution time exceeded",
        None => " (max_statement_time exceeded)",
    };
    assert_eq!(
        interrupted,
        format!("Query execution was interrupted{words}")
    );
    assert_eq!(
        limits,
        "the limits are `statement_timeout` 1 s and `lock_timeout` 10 s under [collect]"
    );
    users_are_known(&world).await;
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

#[tokio::test]
async fn a_table_that_somebody_locks_fails_alone() {
    let (world, app) = shop("[collect]\nlock_timeout = \"1s\"").await;
    let mut holder = MySqlConnection::connect(&app.url()).await.unwrap();
    holder.execute("LOCK TABLES stock WRITE").await.unwrap();
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "stock").await,
        "Lock wait timeout exceeded; try restarting transaction; the limits are `statement_timeout` 600 s and `lock_timeout` 1 s under [collect]"
    );
    users_are_known(&world).await;
    holder.close().await.unwrap();
    assert_eq!(collect(&world).await, Ended::Done);
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

#[tokio::test]
async fn what_is_missing_or_forbidden_fails_only_who_needs_it() {
    let admins = "[[metrics]]\nkey = \"admins\"\ntable = \"users\"\ncount = \"*\"\nwhere = \"this.is_admin\"";
    let (mut world, app) = shop(admins).await;
    app.execute("DROP TABLE stock").await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    let why = failure(&world, "stock").await;
    assert!(why.ends_with(".stock' doesn't exist"), "{why}");
    let why = failure(&world, "admins").await;
    assert!(
        why.starts_with("Unknown column 'this.is_admin' in '"),
        "{why}"
    );
    users_are_known(&world).await;
    let range = Which::Range(date("2025-09-01"), date("2025-09-30"));
    let night = world.night(range).await;
    let entries = night.days.iter().filter_map(|day| day.entry.as_ref());
    assert_eq!(
        entries
            .filter(|entry| entry.number("joined_7d") == Some(7.0))
            .count(),
        30
    );

    let (_, shop) = shop("").await;
    grant(&shop, "clerk", "SELECT ON HERE.users").await;
    world.set("DAYBOOK_APP_DATABASE_URL", &as_user(&shop, "clerk").url());
    assert_eq!(collect(&world).await, Ended::Incomplete);
    let why = failure(&world, "stock").await;
    assert!(
        why.starts_with("SELECT command denied to user 'clerk'@"),
        "{why}"
    );
    users_are_known(&world).await;
}

#[tokio::test]
async fn a_wrong_password_name_or_database_is_told_at_once_and_the_password_stays_hidden() {
    let (mut world, app) = shop("").await;
    app.execute("CREATE USER keeper IDENTIFIED BY 'sesame'")
        .await;
    world.set("DAYBOOK_RETRY_FOR", "1h");
    let refused = |user: &str| as_user(&app, &format!("{user}:hunter2")).url();
    for (url, told) in [
        (refused("keeper"), "Access denied for user 'keeper'@"),
        (refused("nobody"), "Access denied for user 'nobody'@"),
        (
            app.url().replace("//root@", "//keeper:sesame@"),
            "Access denied for user 'keeper'@",
        ),
        (app.url() + "_lost", "Unknown database 'app_"),
        (
            app.url().rsplit_once('/').unwrap().0.to_owned(),
            " names no database: write `mysql://USER@HOST:PORT/DATABASE`",
        ),
    ] {
        world.set("DAYBOOK_APP_DATABASE_URL", &url);
        let output = world.binary(&["collect"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains(told), "{said}");
        assert!(
            !said.contains("hunter2") && !said.contains("sesame") && output.stdout.is_empty(),
            "{said}"
        );
    }
    assert_eq!(stored(&world).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn told_to_stop_the_program_ends_the_servers_work_too() {
    let (world, app) = shop(SLOW).await;
    let child = world.start(&["collect"]);
    slow_one(&app).await;
    let told = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "daybook: interrupted; days already stored were kept\n"
    );
    let running = "SELECT count(*) FROM information_schema.PROCESSLIST
        WHERE DB = database() AND INFO LIKE '/* daybook %'";
    while app.number(running).await != Some(0.into()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
