//! From an address alone: settings that are sound, that collect, and that read nobody's data.

mod guesses;
mod known_schemas;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use daybook::catalog::TimeKind;
use daybook::collect::schema::survey::{Column, Relation, Sample, allowed, survey};
use daybook::commands::CommandError;
use daybook::config::{AppDatabase, DatabaseUrl};
use daybook::database::Limits;
use daybook::engine::Engine;
use daybook::operate::init::roles::{born, may_be_sampled};
use daybook::operate::init::times::column_time;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::beryl;
use support::init::{
    FORUM, SHOP, a_default_tells_when_rows_began, bare, collects, fill, forum, forums_numbers,
    is_as_stored, proposed, shop, shops_numbers,
};

#[tokio::test]
async fn beryls_settings_are_proposed_from_its_tables_and_collect() {
    let (world, app) = bare().await;
    beryl::fill(&app).await;
    is_as_stored("beryl.toml", &proposed(&world).await);
    collects(&world).await;
    let users = app
        .number("SELECT count(*) FROM auth_user WHERE date_joined < '2025-10-02 22:00:00'")
        .await;
    let counted = world.value("2025-10-02", "total_users").await;
    assert_eq!(counted.to_string(), users.unwrap().to_string());
}

#[tokio::test]
async fn rows_of_deleted_rows_are_left_out_where_that_is_wanted() {
    let (world, app) = bare().await;
    beryl::fill(&app).await;
    let text = proposed(&world).await;
    let offered = "# belongs_to = [{ table = \"collection_items\", column = \"item_id\"";
    assert!(text.contains(offered), "{text}");
    world.write("daybook.toml", &text.replace("# belongs_to", "belongs_to"));
    world.config();
    collects(&world).await;
    let links = app
        .number(
            "SELECT count(*) FROM web_collectionitemlink AS link
             JOIN web_collectionitem AS item ON item.id = link.item_id
             JOIN web_collection AS collection ON collection.id = item.collection_id
             WHERE NOT (link.is_deleted OR item.is_deleted OR collection.is_deleted)
               AND max(link.created, item.created, collection.created) < '2025-10-02 22:00:00'",
        )
        .await;
    let counted = world
        .value("2025-10-02", "total_collection_item_links")
        .await;
    assert_eq!(counted.to_string(), links.unwrap().to_string());
}

#[tokio::test]
async fn a_shops_settings_are_proposed_from_its_tables_and_collect() {
    let (world, app) = bare().await;
    shop(&app).await;
    is_as_stored("shop.toml", &proposed(&world).await);
    collects(&world).await;
    shops_numbers(&world).await;
}

#[tokio::test]
async fn a_forums_settings_are_proposed_from_its_tables_and_collect() {
    let (world, app) = bare().await;
    forum(&app).await;
    is_as_stored("forum.toml", &proposed(&world).await);
    collects(&world).await;
    forums_numbers(&world).await;
}

#[tokio::test]
async fn a_time_that_the_database_fills_in_is_when_rows_began() {
    let (world, app) = bare().await;
    a_default_tells_when_rows_began(&world, &app).await;
}

/// In SQLite there are many ways to say it, and texts that only look like one.
#[tokio::test]
async fn only_a_default_of_the_present_time_is_one() {
    for (default, is_time) in [
        ("(datetime('now'))", true),
        ("(strftime('%Y-%m-%d %H:%M:%S', 'now'))", true),
        ("CURRENT_DATE", true),
        ("'now'", false),
        ("'current_plan'", false),
    ] {
        let (world, app) = bare().await;
        app.execute(&format!(
            "CREATE TABLE dinge (id int, wann text DEFAULT {default})"
        ))
        .await;
        let text = proposed(&world).await;
        assert_eq!(text.contains("created_at"), is_time, "{default}: {text}");
    }
}

/// The second contract ends at half past midnight in Zurich of the day after; the second customer has gone.
#[tokio::test]
async fn an_end_that_is_told_otherwise_than_the_beginning_or_without_one_counts_right() {
    let (world, app) = bare().await;
    app.execute(
        "CREATE TABLE contracts (id INTEGER PRIMARY KEY, created_on DATE NOT NULL, deleted_at DATETIME);
         INSERT INTO contracts (created_on, deleted_at) VALUES ('2025-09-01', NULL), ('2025-09-01', '2025-10-02 22:30:00');
         CREATE TABLE customers (id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, deleted_at TEXT);
         INSERT INTO customers (created_at, deleted_at) VALUES (1750000000, NULL), (1750000000, '2025-10-01 10:00:00');
         CREATE TABLE members (id INTEGER PRIMARY KEY, deleted_at TEXT, is_deleted BOOLEAN NOT NULL);
         INSERT INTO members (deleted_at, is_deleted) VALUES (NULL, 0), ('2025-10-01 10:00:00', 0), (NULL, 1);",
    )
    .await;
    proposed(&world).await;
    collects(&world).await;
    for (key, by_hand) in [
        ("total_contracts", 2),
        ("total_customers", 1),
        ("total_members", 1),
    ] {
        assert_eq!(
            world.value("2025-10-02", key).await,
            json!(by_hand),
            "{key}"
        );
    }
}

#[tokio::test]
async fn tables_of_like_names_have_labels_of_their_own() {
    let (world, app) = bare().await;
    app.execute("CREATE TABLE user (id INTEGER); CREATE TABLE users (id INTEGER)")
        .await;
    proposed(&world).await;
    let config = world.config();
    let labels: BTreeSet<&str> = config
        .catalog
        .metrics
        .iter()
        .map(|one| one.label.as_str())
        .collect();
    assert_eq!(
        labels,
        BTreeSet::from(["Total users", "Total users (users)"])
    );
}

#[tokio::test]
async fn tables_without_a_row_have_settings_that_collect_too() {
    for tables in [SHOP.0, FORUM.0] {
        let (world, app) = bare().await;
        fill(&app, (tables, "SELECT 1")).await;
        proposed(&world).await;
        collects(&world).await;
    }
}

#[tokio::test]
async fn odd_names_and_tables_without_times_do_no_harm() {
    let (world, app) = bare().await;
    app.execute(
        r#"CREATE TABLE "order" ("group" varchar(9), "Is Active" boolean, status text CHECK (status IN ('new', 'it''s', 'a"b')));
           CREATE TABLE "Größe der Dinge" (id integer, created_at datetime);
           CREATE TABLE "metrics]]" (id integer, "type" text);
           CREATE TABLE "a.b" (id integer);
           CREATE TABLE "say ""hi""" (id integer);
           CREATE TABLE "123" (x integer);
           CREATE VIEW seen AS SELECT * FROM "order";
           INSERT INTO "order" VALUES ('a', true, 'new')"#,
    )
    .await;
    let text = proposed(&world).await;
    collects(&world).await;
    assert!(
        text.contains("#   a.b\n") && text.contains("#   seen\n"),
        "{text}"
    );
    assert_eq!(world.value("2025-10-02", "total_orders").await, json!(1));
    assert_eq!(
        world.value("2025-10-02", "orders_status_new").await,
        json!(1)
    );
    assert_eq!(world.value("2025-10-02", "orders_active").await, json!(1));
}

#[tokio::test]
async fn hundreds_of_tables_become_sixty_numbers_and_a_list() {
    let (world, app) = bare().await;
    let all: String = (0..300)
        .map(|at| format!("CREATE TABLE thing{at} (id integer, created_at datetime NOT NULL, is_active boolean NOT NULL);"))
        .collect();
    app.execute(&all).await;
    let text = proposed(&world).await;
    let metrics = world.config().catalog.metrics.len();
    assert!((41..=60).contains(&metrics), "{metrics}");
    assert!(text.contains("#   the table thing99, no rows\n"));
}

#[tokio::test]
async fn without_a_table_nothing_is_written() {
    let (world, _app) = bare().await;
    let error = world.command(&["init"]).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(
        error.to_string().contains("no table this user can see"),
        "{error}"
    );
    assert!(!world.path("daybook.toml").exists());
}

#[tokio::test]
async fn a_file_that_is_there_is_replaced_only_with_force() {
    let (world, app) = bare().await;
    shop(&app).await;
    std::fs::write(world.path("daybook.toml"), "mine").unwrap();
    let error = world.command(&["init"]).await.unwrap_err();
    assert!(error.to_string().contains("--force"), "{error}");
    let kept = std::fs::read_to_string(world.path("daybook.toml")).unwrap();
    assert_eq!(kept, "mine");
    world.command(&["init", "--force"]).await.unwrap();
    world.config();
}

#[tokio::test]
async fn a_password_never_gets_into_the_file_nor_onto_the_command_line() {
    let (world, app) = bare().await;
    shop(&app).await;
    let refused = world.binary(&["init", "postgres://reader:hunter2@127.0.0.1/app"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("hunter2"));
    world.write("url", "sqlite:app.db\n");
    world.command(&["init", "--url-file", "url"]).await.unwrap();
    let text = std::fs::read_to_string(world.path("daybook.toml")).unwrap();
    let named = format!("database_url_file = \"{}\"", world.path("url").display());
    assert!(text.contains(&named), "{text}");
    let error = world
        .command(&["init", "--force", "--url-file", "none"])
        .await;
    assert!(matches!(error, Err(CommandError::Usage(_))));
}

#[tokio::test]
async fn an_address_is_taken_from_standard_input_and_settings_go_to_standard_output() {
    let (world, app) = bare().await;
    shop(&app).await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_daybook"))
        .args(["init", "--stdin", "--output", "-"])
        .current_dir(world.path("."))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"sqlite:app.db\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("[app]\ndatabase_url = \"sqlite:app.db\"\n"),
        "{text}"
    );
    assert!(!world.path("daybook.toml").exists());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("config check") && words.contains("collect --date yesterday"),
        "{words}"
    );
}

#[tokio::test]
async fn what_was_proposed_is_told_as_json() {
    let (world, app) = bare().await;
    shop(&app).await;
    let told: serde_json::Value =
        serde_json::from_slice(&world.binary(&["init", "--json"]).stdout).unwrap();
    assert_eq!(told["schema"], 1);
    let orders = told["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["table"] == "orders");
    assert_eq!(orders.unwrap()["created_at"], "date_added");
    let left_out = told["left_out"].as_array().unwrap();
    assert!(left_out.iter().any(|one| one["name"] == "oc_session"));
}

#[tokio::test]
async fn a_value_is_read_only_of_columns_that_are_named_like_times() {
    let (_world, app) = bare().await;
    app.execute(
        "CREATE TABLE users (
            id integer, created_at text NOT NULL, user_regdate integer, name text, email text, date_of_birth text,
            birthday datetime, status text, phone integer, address text, last_login datetime
         );
         INSERT INTO users VALUES (1, '2025-10-02T10:00:00Z', 1759399200, 'Ada', 'ada@example.org', '1815-12-10',
            '1815-12-10', 'well', 41, 'Bern', '2025-10-02T11:00:00Z')",
    )
    .await;
    let database = AppDatabase {
        url: DatabaseUrl::parse(&app.url(), Path::new("/")).unwrap(),
        connections: 1,
    };
    let limits = Limits {
        statement_timeout: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(60),
        stop: CancellationToken::new(),
    };
    let found = survey(&database, may_be_sampled, &limits).await.unwrap();
    let columns = found.relations[0].columns.iter();
    let read: Vec<&str> = columns
        .filter(|column| column.sample.is_some())
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(read, ["created_at", "user_regdate", "last_login"]);
}

/// Tables as their makers published them, and others as people name theirs.
const BORN: [(&str, &[&str], Option<&str>); 26] = [
    (
        "customer",
        &[
            "active char(1)",
            "last_update timestamp",
            "create_date timestamp",
        ],
        Some("create_date"),
    ),
    (
        "rental",
        &["return_date timestamp", "rental_date timestamp"],
        Some("rental_date"),
    ),
    (
        "Orders",
        &["RequiredDate date", "OrderDate date", "ShippedDate date"],
        Some("OrderDate"),
    ),
    (
        "invoices",
        &["due_date date", "invoicedate timestamp"],
        Some("invoicedate"),
    ),
    (
        "wp_posts",
        &[
            "post_date datetime",
            "post_date_gmt datetime",
            "post_modified datetime",
        ],
        Some("post_date_gmt"),
    ),
    (
        "wp_users",
        &["user_registered datetime"],
        Some("user_registered"),
    ),
    ("tt_content", &["tstamp int", "crdate int"], Some("crdate")),
    (
        "orders",
        &[
            "paid_at timestamp",
            "placed_at timestamp",
            "shipped_at timestamp",
        ],
        Some("placed_at"),
    ),
    (
        "orders",
        &["created_at timestamp", "placed_at timestamp"],
        Some("created_at"),
    ),
    (
        "orders",
        &["orderPlacedAt timestamp"],
        Some("orderPlacedAt"),
    ),
    ("bookings", &["bookedat timestamp"], Some("bookedat")),
    (
        "bestellungen",
        &["geliefert_am date", "bestelldatum date"],
        Some("bestelldatum"),
    ),
    (
        "kunden",
        &["geändert_am timestamp", "erstellt_am timestamp"],
        Some("erstellt_am"),
    ),
    ("visits", &["date timestamp", "page text"], Some("date")),
    ("dinge", &["wann timestamp=now"], Some("wann")),
    ("film", &["last_update timestamp=now"], None),
    (
        "users",
        &["date_of_birth date", "birthday date", "birth_date date"],
        None,
    ),
    ("births", &["birth_date date"], None),
    ("events", &["event_date date"], None),
    (
        "tasks",
        &[
            "due_at timestamp",
            "starts_on date",
            "valid_from timestamp",
            "expires_at timestamp",
        ],
        None,
    ),
    (
        "customers",
        &["last_order_date timestamp", "next_order_date timestamp"],
        None,
    ),
    ("mails", &["sent int", "received int"], None),
    (
        "people",
        &["candidate date", "format text", "seat int", "person text"],
        None,
    ),
    ("sessions", &["last_activity int"], None),
    (
        "cars",
        &["updated_at timestamp", "sold_at timestamp"],
        Some("sold_at"),
    ),
    (
        "entries",
        &["deleted timestamp", "created int"],
        Some("created"),
    ),
];

#[test]
fn what_says_when_a_row_began_is_known_by_its_name_or_by_its_default() {
    for (table, columns, expected) in BORN {
        let column = |text: &&str| {
            let (name, kind) = text.split_once(' ').unwrap();
            Column {
                name: name.to_owned(),
                kind: kind.replace("=now", ""),
                is_readable: true,
                is_filled: kind.ends_with("=now"),
                ..Column::default()
            }
        };
        let relation = Relation {
            name: table.to_owned(),
            columns: columns.iter().map(column).collect(),
            ..Relation::default()
        };
        let found = born(&relation, Engine::Postgres).map(|time| time.column);
        assert_eq!(found.as_deref(), expected, "{table}: {columns:?}");
    }
}

#[test]
fn a_value_tells_how_its_column_tells_time() {
    let column = |name: &str, kind: &str, sample: Option<Sample>| Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_readable: true,
        sample,
        ..Column::default()
    };
    for (name, kind, sample, engine, expected) in cases() {
        let time = column_time(&column(name, kind, sample.clone()), engine);
        assert_eq!(
            time.map(|time| time.kind),
            expected,
            "{name} {kind} {sample:?}"
        );
    }
}

#[test]
fn allowed_values_are_read_off_each_engines_check() {
    for check in [
        "CREATE TABLE a (b text, status text CHECK (status IN ('new', 'paid')), c int)",
        "CREATE TABLE a (\"status\" text NOT NULL CHECK(\"status\" in('new','paid')), kind text CHECK (kind IN ('x')))",
        "CHECK (((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[])))",
        "CHECK ((status = ANY (ARRAY['new'::text, 'paid'::text])))",
    ] {
        assert_eq!(allowed(check, "status"), ["new", "paid"], "{check}");
    }
    for other in [
        "CHECK (status <> 'gone')",
        "CHECK (status NOT IN ('gone'))",
        "CREATE TABLE a (status text, kind text CHECK (kind IN ('x', 'y')))",
    ] {
        assert_eq!(allowed(other, "status"), [] as [&str; 0], "{other}");
    }
}

type Case = (
    &'static str,
    &'static str,
    Option<Sample>,
    Engine,
    Option<TimeKind>,
);

fn cases() -> Vec<Case> {
    [by_type(), by_number(), by_text()].concat()
}

fn by_type() -> Vec<Case> {
    vec![
        (
            "created_at",
            "timestamp with time zone",
            None,
            Engine::Postgres,
            Some(TimeKind::Instant),
        ),
        (
            "created_at",
            "timestamp without time zone",
            None,
            Engine::Postgres,
            Some(TimeKind::Utc),
        ),
        (
            "date_added",
            "datetime",
            None,
            Engine::Postgres,
            Some(TimeKind::Local),
        ),
        (
            "created",
            "int(11)",
            None,
            Engine::Postgres,
            Some(TimeKind::EpochS),
        ),
        ("created", "text", None, Engine::Postgres, None),
        (
            "created",
            "date",
            None,
            Engine::Mysql,
            Some(TimeKind::Local),
        ),
    ]
}

fn by_number() -> Vec<Case> {
    vec![
        (
            "created",
            "bigint",
            Some(Sample::Whole(1_759_399_200)),
            Engine::Postgres,
            Some(TimeKind::EpochS),
        ),
        (
            "created",
            "bigint",
            Some(Sample::Whole(1_759_399_200_123)),
            Engine::Postgres,
            Some(TimeKind::EpochMs),
        ),
        (
            "created",
            "bigint",
            Some(Sample::Whole(20_251_003)),
            Engine::Postgres,
            None,
        ),
    ]
}

fn by_text() -> Vec<Case> {
    let text = |text: &str| Some(Sample::Text(text.to_owned()));
    vec![
        (
            "date_added",
            "datetime",
            text("2025-10-03 12:00:00"),
            Engine::Sqlite,
            Some(TimeKind::Local),
        ),
        (
            "date_added",
            "text",
            text("2025-10-03T12:00:00.123Z"),
            Engine::Sqlite,
            Some(TimeKind::Utc),
        ),
        (
            "created",
            "text",
            text("2025-10-03"),
            Engine::Sqlite,
            Some(TimeKind::Local),
        ),
        ("created", "text", text("3 Oct 2025"), Engine::Sqlite, None),
        (
            "created",
            "text",
            text("2025-10-03 12:00:00+02:00"),
            Engine::Sqlite,
            None,
        ),
        (
            "created",
            "text",
            text("ä025-10-03 12:00:00ä"),
            Engine::Sqlite,
            None,
        ),
    ]
}
