//! What goes wrong on a PostgreSQL server: gone, dropped, slow, locked, forbidden.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::commands::Ended;
use daybook::nightly::{Orders, Which};
use serde_json::{Value as Json, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::postgres::{as_role, database};
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

async fn shop(more: &str) -> (World, App) {
    let app = database().await;
    app.execute(
        "CREATE TABLE users (id bigserial PRIMARY KEY, joined timestamptz NOT NULL);
         CREATE TABLE stock (pieces int, counted text NOT NULL);
         INSERT INTO stock VALUES (30, '2025-09-01 00:00:00'), (12, '2025-09-01 00:00:00');
         INSERT INTO users (joined) SELECT timestamptz '2025-10-03 10:00Z' - n * interval '1 day' FROM generate_series(0, 499) AS n",
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

/// Holds what it took until it is dropped.
async fn holding(app: &App, sql: &'static str) -> PgConnection {
    let mut connection = PgConnection::connect(&app.url()).await.unwrap();
    connection.execute("BEGIN").await.unwrap();
    connection.execute(sql).await.unwrap();
    connection
}

/// A database that lets nobody in but its owner, who may enter whatever the limit.
struct Closed {
    administrator: App,
    name: String,
}

impl Closed {
    /// Of this world's database, which it enters as somebody else from now on.
    async fn prepare(world: &mut World, app: &App) -> Self {
        let url = app.url();
        let (rest, name) = url.rsplit_once('/').unwrap();
        let visitor = format!("visitor_of_{name}");
        app.execute(&format!(
            "CREATE ROLE {visitor} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {visitor}"
        ))
        .await;
        world.set("DAYBOOK_APP_DATABASE_URL", &as_role(app, &visitor).url());
        Self {
            administrator: App::Postgres(format!("{rest}/postgres")),
            name: name.to_owned(),
        }
    }

    async fn limit(&self, connections: i32) {
        let alter = format!(
            "ALTER DATABASE {} CONNECTION LIMIT {connections}",
            self.name
        );
        self.administrator.execute(&alter).await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_at_first_is_tried_again() {
    let (mut world, app) = shop("").await;
    let door = Closed::prepare(&mut world, &app).await;
    door.limit(0).await;
    let error = world.ordered(&orders(Duration::ZERO)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("too many connections for database"),
        "{error}"
    );
    assert_eq!(
        world.book("SELECT count(*) FROM daily_metrics").await[0][0].as_deref(),
        Some("0")
    );
    let opened = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        door.limit(-1).await;
    };
    let patient = orders(Duration::from_secs(60));
    let (night, ()) = tokio::join!(world.ordered(&patient), opened);
    assert!(night.unwrap().unreachable.is_empty());
    users_are_known(&world).await;
}

const SLOW: &str =
    "[[metrics]]\nkey = \"slow\"\nsql = \"SELECT 7 FROM (SELECT pg_sleep(2)) AS nap\"";

/// Ends the connection on which the slow metric is asked for, as soon as it is, once.
async fn drop_the_slow_one(app: &App, first: impl Future<Output = ()>) {
    let sleeping =
        "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(2)%'
        AND state = 'active' AND pid <> pg_backend_pid()";
    while app.number(&format!("SELECT count(*) {sleeping}")).await == Some(0.into()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.await;
    app.number(&format!(
        "SELECT count(pg_terminate_backend(pid)) {sleeping}"
    ))
    .await;
}

#[tokio::test]
async fn a_connection_that_is_dropped_in_the_middle_is_made_again_at_once_with_patience_or_without()
{
    for retry_for in [Duration::ZERO, Duration::from_secs(60)] {
        let (world, app) = shop(SLOW).await;
        let dropped = drop_the_slow_one(&app, async {});
        let orders = orders(retry_for);
        let (night, ()) = tokio::join!(world.ordered(&orders), dropped);
        assert!(night.unwrap().unreachable.is_empty());
        assert_eq!(world.value(DAY, "slow").await, json!(7));
        users_are_known(&world).await;
    }
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_is_not_waited_for_without_patience() {
    let (mut world, app) = shop(SLOW).await;
    let door = Closed::prepare(&mut world, &app).await;
    let gone = drop_the_slow_one(&app, door.limit(0));
    let hasty = orders(Duration::ZERO);
    let (night, ()) = tokio::join!(world.ordered(&hasty), gone);
    let error = night.unwrap_err().to_string();
    assert!(
        error.contains("too many connections for database"),
        "{error}"
    );
    assert_eq!(
        world.book("SELECT count(*) FROM daily_metrics").await[0][0].as_deref(),
        Some("0")
    );
}

#[tokio::test]
async fn without_patience_too_a_metric_that_ends_its_connection_fails_alone() {
    let ending = "[[metrics]]\nkey = \"ending\"\nsql = \"SELECT pg_terminate_backend(pg_backend_pid())::int\"";
    let (world, _) = shop(ending).await;
    let night = world.ordered(&orders(Duration::ZERO)).await.unwrap();
    assert!(night.unreachable.is_empty());
    assert_eq!(
        failure(&world, "ending").await,
        "the connection was lost twice while it ran: terminating connection due to administrator command"
    );
    users_are_known(&world).await;
}

#[tokio::test]
async fn a_statement_beyond_its_time_fails_alone() {
    let slow = "[[metrics]]\nkey = \"slow\"\nsql = \"SELECT 7 FROM (SELECT pg_sleep(600)) AS nap\"\n[collect]\nstatement_timeout = \"1s\"";
    let (world, _) = shop(slow).await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "slow").await,
        "canceling statement due to statement timeout; the limits are `statement_timeout` 1 s and `lock_timeout` 10 s under [collect]"
    );
    users_are_known(&world).await;
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

#[tokio::test]
async fn a_table_that_somebody_locks_fails_alone() {
    let (world, app) = shop("[collect]\nlock_timeout = \"1s\"").await;
    for (table, guilty, well) in [
        (
            "LOCK TABLE stock IN ACCESS EXCLUSIVE MODE",
            "stock",
            "users",
        ),
        (
            "LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
            "users",
            "stock",
        ),
    ] {
        drop(std::fs::remove_file(world.path("daybook.db")));
        let holder = holding(&app, table).await;
        assert_eq!(collect(&world).await, Ended::Incomplete);
        assert_eq!(
            failure(&world, guilty).await,
            "canceling statement due to lock timeout; the limits are `statement_timeout` 600 s and `lock_timeout` 1 s under [collect]"
        );
        assert!(world.value(DAY, well).await.is_number());
        holder.close().await.unwrap();
        assert_eq!(collect(&world).await, Ended::Done);
        users_are_known(&world).await;
    }
}

#[tokio::test]
async fn a_missing_table_fails_its_own_metrics() {
    let (world, app) = shop("").await;
    app.execute("DROP TABLE stock").await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "stock").await,
        "relation \"stock\" does not exist"
    );
    users_are_known(&world).await;
}

#[tokio::test]
async fn a_missing_column_fails_only_who_needs_it_though_they_share_a_statement() {
    let admins = "[[metrics]]\nkey = \"admins\"\ntable = \"users\"\ncount = \"*\"\nwhere = \"this.is_admin\"";
    let (world, _) = shop(admins).await;
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "admins").await,
        "column this.is_admin does not exist"
    );
    users_are_known(&world).await;
    let night = world
        .night(Which::Range(date("2025-09-01"), date("2025-09-30")))
        .await;
    let entries: Vec<_> = night
        .days
        .iter()
        .filter_map(|day| day.entry.as_ref())
        .collect();
    assert_eq!(entries.len(), 30);
    assert!(
        entries
            .iter()
            .all(|entry| entry.number("joined_7d") == Some(7.0))
    );
}

#[tokio::test]
async fn a_table_without_rights_fails_alone() {
    let (mut world, app) = shop("").await;
    app.execute("CREATE ROLE clerk LOGIN; GRANT SELECT ON users TO clerk")
        .await;
    world.set("DAYBOOK_APP_DATABASE_URL", &as_role(&app, "clerk").url());
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "stock").await,
        "permission denied for table stock"
    );
    users_are_known(&world).await;
}

#[tokio::test]
async fn a_schema_without_rights_fails_alone() {
    let secret = "[tables.salaries]\nname = \"hr.salaries\"\n[[metrics]]\nkey = \"salaries\"\ntable = \"salaries\"\ncount = \"*\"";
    let (mut world, app) = shop(secret).await;
    app.execute("CREATE ROLE trainee LOGIN; GRANT SELECT ON users, stock TO trainee; CREATE SCHEMA hr; CREATE TABLE hr.salaries (pay int)")
        .await;
    world.set("DAYBOOK_APP_DATABASE_URL", &as_role(&app, "trainee").url());
    assert_eq!(collect(&world).await, Ended::Incomplete);
    assert_eq!(
        failure(&world, "salaries").await,
        "permission denied for schema hr"
    );
    users_are_known(&world).await;
    assert_eq!(world.value(DAY, "stock").await, json!(42));
}

/// A way to the server that one day carries nothing any more and closes nothing either.
async fn way_that_goes_silent(server: String, listener: TcpListener) {
    let (mut inward, _) = listener.accept().await.unwrap();
    let mut outward = TcpStream::connect(server).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            length = inward.read(&mut asked) => {
                let said = &asked[..length.unwrap()];
                if String::from_utf8_lossy(said).contains("pg_sleep(0)") {
                    break;
                }
                outward.write_all(said).await.unwrap();
            }
            length = outward.read(&mut answered) => {
                inward.write_all(&answered[..length.unwrap()]).await.unwrap();
            }
        }
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_middle_is_given_up() {
    let nap = "[[metrics]]\nkey = \"nap\"\nsql = \"SELECT 7 FROM (SELECT pg_sleep(0)) AS nap\"\n[collect]\nstatement_timeout = \"1s\"\n[app]\nconnections = 1";
    let (mut world, app) = shop(nap).await;
    let server = app
        .url()
        .split('@')
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let url = app.url().replace(&server, &here);
    world.set("DAYBOOK_APP_DATABASE_URL", &url);
    let orders = orders(Duration::ZERO);
    let night = tokio::select! {
        night = world.ordered(&orders) => night,
        () = way_that_goes_silent(server, listener) => unreachable!("it never ends"),
    };
    let error = night.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("the app database is unavailable: {url}: the server did not answer within 10 s")
    );
}

#[tokio::test]
async fn a_wrong_password_name_or_database_is_told_at_once_and_the_password_stays_hidden() {
    let (mut world, app) = shop("").await;
    // This one role has to say its password.
    app.execute(
        "CREATE ROLE keeper LOGIN PASSWORD 'sesame';
         CREATE TEMP TABLE rules AS SELECT regexp_split_to_table(pg_read_file(current_setting('hba_file')), '\\n') AS rule;
         DO $$ BEGIN EXECUTE format('COPY (SELECT ''host all keeper 127.0.0.1/32 scram-sha-256''
             UNION ALL SELECT rule FROM rules WHERE rule !~ ''^\\s*(#|$)'') TO %L', current_setting('hba_file')); END $$;
         SELECT pg_reload_conf()",
    )
    .await;
    world.set("DAYBOOK_RETRY_FOR", "1h");
    let refused = |role: &str| app.url().replace("//owner@", &format!("//{role}:hunter2@"));
    for (url, told) in [
        (
            refused("keeper"),
            "password authentication failed for user \"keeper\"",
        ),
        (refused("nobody"), "role \"nobody\" does not exist"),
        (refused("owner") + "_lost", "_lost\" does not exist"),
    ] {
        world.set("DAYBOOK_APP_DATABASE_URL", &url);
        let output = world.binary(&["collect"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains(told) && said.contains(":***@"), "{said}");
        assert!(
            !said.contains("hunter2") && output.stdout.is_empty(),
            "{said}"
        );
    }
    assert_eq!(
        world.book("SELECT count(*) FROM daily_metrics").await[0][0].as_deref(),
        Some("0")
    );
}

#[tokio::test]
async fn told_to_stop_the_program_ends_the_servers_work_too() {
    let slow = "[[metrics]]\nkey = \"slow\"\nsql = \"SELECT 7 FROM (SELECT pg_sleep(601)) AS nap\"";
    let (world, app) = shop(slow).await;
    let child = world.start(&["collect"]);
    let sleeping = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%pg_sleep(601)%' AND state = 'active' AND pid <> pg_backend_pid()";
    while app.number(sleeping).await == Some(0.into()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
    while app.number(sleeping).await != Some(0.into()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
