//! What the doctor finds in an app database, SQLite's here; PostgreSQL's stand with the other servers.

use super::{NOW, SETTINGS, complaints, told_of};
use crate::world::World;
use tokio_util::sync::CancellationToken;

/// Tables, columns, times and conditions of which some are wrong.
const WRONG: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "usres"
    created_at = "joined"

    [tables.orders]
    name = "orders"
    created_at = "at"
    time = "epoch_s"

    [tables.visits]
    name = "visits"
    created_at = "at"

    [tables.scans]
    name = "scans"
    created_at = "at"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "turnover"
    table = "orders"
    sum = "amuont"

    [[metrics]]
    key = "orders"
    table = "orders"
    count = "*"

    [[metrics]]
    key = "open_orders"
    table = "orders"
    count = "*"
    where = "stauts = 'open'"

    [[metrics]]
    key = "visits"
    table = "visits"
    count = "*"

    [[metrics]]
    key = "scans"
    table = "scans"
    count = "*"

    [[metrics]]
    key = "answer"
    sql = "SELECT fourty_two()"
"#;

#[tokio::test]
async fn each_thing_that_is_not_there_is_named_with_what_was_meant() {
    let world = World::new(NOW, WRONG);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT);
         CREATE TABLE orders (at TEXT, amount INTEGER, status TEXT);
         INSERT INTO orders VALUES ('2025-10-02 12:00:00', 5, 'open');
         CREATE TABLE visits (at INTEGER); INSERT INTO visits VALUES (1759400000);
         CREATE TABLE scans (at TEXT); INSERT INTO scans VALUES ('02/10/2025 12:00');",
    )
    .await;
    assert_eq!(
        complaints(&world, NOW).await,
        [
            "error database: the app database: the table `orders` has no column `amuont`; did you mean `amount`?",
            "error database: the app database: there is no table `usres`; did you mean `users`?",
            "error database: the app database: no such column: stauts",
            "error database: the app database: no such function: fourty_two",
            "error database: the app database: orders.at holds texts, while `time` is epoch_s: set it to utc, local or instant",
            "error database: the app database: scans.at holds texts that do not begin with a date such as 2025-10-03",
            "error database: the app database: visits.at holds numbers (integer), while `time` is utc: set it to epoch_s or epoch_ms",
        ]
    );
    let findings = daybook::operate::doctor::examine(
        &world.config(),
        crate::world::instant(NOW),
        &CancellationToken::new(),
    )
    .await;
    let means = |what: &str| {
        let one = findings.iter().find(|one| one.what.contains(what)).unwrap();
        one.means.as_str()
    };
    assert_eq!(means("amuont"), "These metrics fail each night: turnover.");
    assert_eq!(
        means("stauts"),
        "These metrics fail each night: open_orders."
    );
    assert_eq!(means("usres"), "These metrics fail each night: users.");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_with_where_it_should_be() {
    let mut world = World::new(NOW, SETTINGS);
    let file = world.path("app.db").display().to_string();
    assert_eq!(
        complaints(&world, NOW).await,
        [format!(
            "error database: the app database cannot be read: there is no SQLite database at {file}"
        )]
    );
    world.write(
        "app.db",
        "this is no database, whatever its name says; it only is as long as one",
    );
    let found = complaints(&world, NOW).await;
    assert_eq!(
        found,
        [format!(
            "error database: the app database cannot be read: {file}: file is not a database"
        )]
    );
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        "postgres://ada:s3cretly@127.0.0.1:1/app",
    );
    let found = complaints(&world, NOW).await;
    assert!(
        found[0].starts_with(
            "error database: the app database cannot be read: postgres://ada:***@127.0.0.1:1/app: "
        ) && found[0].contains("refused")
            && found.len() == 1,
        "{found:?}"
    );
    let without = World::new(
        NOW,
        &SETTINGS.replace("database_url = \"sqlite:app.db\"", ""),
    );
    assert_eq!(
        complaints(&without, NOW).await,
        [
            "error database: the app database has no URL: set `database_url` or `database_url_file` under `[app]`, or DAYBOOK_APP_DATABASE_URL in the environment"
        ]
    );
}

#[tokio::test]
async fn readers_of_a_query_are_counted_and_never_named() {
    let query = |sql: &str| format!("{SETTINGS}\n[report]\nrecipients_sql = \"{sql}\"\n");
    let cases = [
        (
            "SELECT address FROM readers WHERE good",
            "ok database: the app database: `recipients_sql` gives 2 readers",
        ),
        (
            "SELECT address FROM readers",
            "warning database: the app database: `recipients_sql` gives 2 readers, and 1 row that cannot be used as they are",
        ),
        (
            "SELECT address FROM readers WHERE false",
            "warning database: the app database: `recipients_sql` returns no recipients",
        ),
        (
            "SELECT adress FROM readers",
            "error database: the app database: `recipients_sql` failed: no such column: adress",
        ),
    ];
    for (sql, expected) in cases {
        let world = World::new(NOW, &query(sql));
        let app = world.sqlite("app.db").await;
        app.execute(
            "CREATE TABLE users (joined TEXT); CREATE TABLE readers (address TEXT, good INTEGER);
             INSERT INTO readers VALUES ('ada@example.org', 1), ('bea@example.org', 1), ('no address', 0)",
        )
        .await;
        let told = told_of("database", &world, NOW).await;
        assert_eq!(told.last().map(String::as_str), Some(expected));
        assert!(!told.join("\n").contains("example.org"));
    }
}

/// Half an hour into the day in Zurich, which has not begun in UTC.
#[tokio::test]
async fn a_date_of_today_does_not_lie_ahead() {
    let now = "2025-10-03T22:30:00Z";
    let settings = r#"
        [app]
        database_url = "sqlite:app.db"
        [tables.notes]
        name = "notes"
        created_at = "day"
        [[metrics]]
        key = "notes"
        table = "notes"
        count = "*"
    "#;
    let world = World::new(now, settings);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE notes (day date); INSERT INTO notes VALUES ('2025-10-04')")
        .await;
    assert_eq!(complaints(&world, now).await, [""; 0]);
    app.execute("INSERT INTO notes VALUES ('2025-10-05')").await;
    let ahead =
        "warning database: the app database: notes.day has a newest time 23 h 30 min ahead of now";
    assert_eq!(complaints(&world, now).await, [ahead]);
}

#[tokio::test]
async fn rows_without_a_beginning_are_told_unless_they_are_left_out() {
    let table = |name: &str, more: &str| {
        format!(
            "[tables.{name}]\nname = \"{name}\"\ncreated_at = \"at\"\n{more}\n\
             [[metrics]]\nkey = \"{name}\"\ntable = \"{name}\"\ncount = \"*\"\n\n"
        )
    };
    let tables = [
        table("drafts", ""),
        table("left_out", "where = \"at IS NOT NULL\""),
        table("always_there", ""),
    ];
    let settings = format!(
        "[app]\ndatabase_url = \"sqlite:app.db\"\n\n{}",
        tables.concat()
    );
    let world = World::new(NOW, &settings);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE drafts (at TEXT); INSERT INTO drafts VALUES (NULL), ('2025-10-01 10:00:00'), (NULL);
         CREATE TABLE left_out (at TEXT); INSERT INTO left_out VALUES (NULL), ('2025-10-01 10:00:00');
         CREATE TABLE always_there (at TEXT NOT NULL); INSERT INTO always_there VALUES ('2025-10-01 10:00:00');",
    )
    .await;
    assert_eq!(
        complaints(&world, NOW).await,
        ["warning database: the app database: drafts has 2 rows without a creation time"]
    );
}

/// At eight in the morning in Zurich, when it is six in UTC.
#[tokio::test]
async fn a_newest_time_that_lies_ahead_tells_how_the_column_really_tells_time() {
    let table = |name: &str, time: &str| {
        format!(
            "[tables.{name}]\nname = \"{name}\"\ncreated_at = \"at\"\ntime = \"{time}\"\n\n\
             [[metrics]]\nkey = \"{name}\"\ntable = \"{name}\"\ncount = \"*\"\n\n"
        )
    };
    let tables = [
        ("local_all_along", "utc"),
        ("rightly_local", "local"),
        ("from_the_future", "utc"),
        ("milliseconds", "epoch_s"),
        ("seconds", "epoch_ms"),
        ("rightly_seconds", "epoch_s"),
    ];
    let tables: String = tables
        .iter()
        .map(|(name, time)| table(name, time))
        .collect();
    let settings = format!("[app]\ndatabase_url = \"sqlite:app.db\"\n\n{tables}");
    let world = World::new(NOW, &settings);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE local_all_along (at TEXT); INSERT INTO local_all_along VALUES ('2025-10-04 07:55:00');
         CREATE TABLE rightly_local (at TEXT); INSERT INTO rightly_local VALUES ('2025-10-04 07:55:00');
         CREATE TABLE from_the_future (at TEXT); INSERT INTO from_the_future VALUES ('2025-10-07 06:00:00');
         CREATE TABLE milliseconds (at INTEGER); INSERT INTO milliseconds VALUES (1759557600000);
         CREATE TABLE seconds (at INTEGER); INSERT INTO seconds VALUES (1759557600);
         CREATE TABLE rightly_seconds (at INTEGER); INSERT INTO rightly_seconds VALUES (1759557600);",
    )
    .await;
    assert_eq!(
        complaints(&world, NOW).await,
        [
            "warning database: the app database: from_the_future.at has a newest time 3 days ahead of now",
            "warning database: the app database: local_all_along.at has a newest time 1 h 55 min ahead of now, which on the clock of Europe/Zurich would not be ahead: set `time` to local",
            "warning database: the app database: milliseconds.at holds milliseconds (1759557600000), while `time` is epoch_s: set it to epoch_ms",
            "warning database: the app database: seconds.at holds seconds (1759557600), while `time` is epoch_ms: set it to epoch_s",
        ]
    );
}

#[tokio::test]
async fn a_measured_column_that_holds_times_or_texts_gives_no_number() {
    const MEASURED: &str = r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.orders]
        name = "orders"

        [[metrics]]
        key = "newest_payment"
        table = "orders"
        max = "paid_at"

        [[metrics]]
        key = "least_state"
        table = "orders"
        min = "state"

        [[metrics]]
        key = "dearest"
        table = "orders"
        max = "amount"
    "#;
    let world = World::new(NOW, MEASURED);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE orders (paid_at DATETIME, state TEXT, amount DECIMAL);
         INSERT INTO orders VALUES ('2025-10-02 12:00:00', 'open', 5)",
    )
    .await;
    assert_eq!(
        complaints(&world, NOW).await,
        [
            "error database: the app database: orders.paid_at holds times, and a time is not a number: `newest` measures the age of the newest",
            "error database: the app database: orders.state holds texts, and a text is not a number",
        ]
    );
}
