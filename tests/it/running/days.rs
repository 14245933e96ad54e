//! Which days are counted, counted again, filled in and let go.

use std::time::Duration;

use chrono::NaiveDate;
use daybook::commands::Ended;
use daybook::locale::{Language, Locale, Numbers};
use daybook::nightly::{Night, Orders, Which};
use daybook::prune;
use daybook::render::phrases::Speech;
use serde_json::{Value as Json, json};

use super::{SETTINGS, shop};
use crate::world::{App, World, date};

async fn collect(world: &World, args: &[&str]) -> Ended {
    let args: Vec<&str> = ["collect", "--quiet"].iter().chain(args).copied().collect();
    world
        .command(&args)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn one(world: &World, sql: &str) -> Option<String> {
    world.book(sql).await[0][0].clone()
}

fn range(from: &str, to: &str) -> Which {
    Which::Range(date(from), date(to))
}

fn orders(which: Which) -> Orders {
    Orders {
        which,
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    }
}

fn dates(night: &Night) -> Vec<NaiveDate> {
    night.days.iter().map(|day| day.date).collect()
}

async fn join(app: &App, at: &str) {
    app.execute(&format!("INSERT INTO users VALUES ('{at}')"))
        .await;
}

#[tokio::test]
async fn without_a_date_today_is_counted_as_of_now_and_replaced_until_it_is_over() {
    let mut world = World::new("2025-10-03T09:00:00Z", SETTINGS);
    let app = shop(&world).await;
    assert_eq!(collect(&world, &[]).await, Ended::Done);
    // The user of 3 October comes at 10:00.
    assert_eq!(world.value("2025-10-03", "users").await, json!(499));
    assert_eq!(world.value("2025-10-03", "joined_24h").await, json!(1));
    let partial = "SELECT partial, as_of FROM daily_metrics";
    let told = |partial: &str, as_of: &str| [[partial, as_of].map(|text| Some(text.to_owned()))];
    assert_eq!(
        world.book(partial).await,
        told("1", "2025-10-03T09:00:00.000000Z")
    );

    collect(world.at("2025-10-03T11:00:00Z"), &["--date", "today"]).await;
    assert_eq!(world.value("2025-10-03", "users").await, json!(500));
    assert_eq!(
        world.book(partial).await,
        told("1", "2025-10-03T11:00:00.000000Z")
    );

    join(&app, "2025-10-03 21:59:59").await;
    join(&app, "2025-10-03 22:00:00").await;
    collect(world.at("2025-10-03T22:15:00Z"), &["--date", "yesterday"]).await;
    assert_eq!(world.value("2025-10-03", "users").await, json!(501));
    assert_eq!(
        world.book(partial).await,
        told("0", "2025-10-03T22:00:00.000000Z")
    );
    // Counted a quarter of an hour late, and said so.
    let stock = world.provenance("2025-10-03", "stock").await;
    assert_eq!(
        stock,
        json!({"kind": "observed", "observed_at": "2025-10-03T22:15:00Z"})
    );
}

#[tokio::test]
async fn a_complete_day_is_counted_again_only_by_force() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = shop(&world).await;
    collect(&world, &["--date", "yesterday"]).await;
    join(&app, "2025-10-03 12:00:00").await;
    assert_eq!(
        collect(&world, &["--date", "2025-10-03"]).await,
        Ended::Done
    );
    assert_eq!(world.value("2025-10-03", "users").await, json!(500));
    collect(&world, &["--date", "2025-10-03", "--force"]).await;
    assert_eq!(world.value("2025-10-03", "users").await, json!(501));
}

#[tokio::test]
async fn what_a_mutable_column_said_is_known_within_its_grace_only() {
    let mut world = World::new("2025-10-04T21:59:00Z", SETTINGS);
    shop(&world).await;
    collect(&world, &["--date", "2025-10-03"]).await;
    assert_eq!(world.value("2025-10-03", "stock").await, json!(42));
    collect(
        world.at("2025-10-04T22:00:01Z"),
        &["--date", "2025-10-03", "--force"],
    )
    .await;
    assert_eq!(
        world.value("2025-10-03", "stock").await,
        json!(42),
        "what was known stays"
    );
    collect(&world, &["--date", "2025-10-02"]).await;
    assert_eq!(world.value("2025-10-02", "stock").await, Json::Null);
    let why = world.provenance("2025-10-02", "stock").await;
    assert_eq!(why["kind"], "unavailable");
    assert_eq!(
        why["reason"],
        "no column tells when a row was created; past days are unknown"
    );
}

#[tokio::test]
async fn catching_up_takes_the_missing_days_of_the_last_month_newest_first() {
    let mut world = World::new("2025-08-02T06:00:00Z", SETTINGS);
    shop(&world).await;
    assert!(
        world.night(Which::CatchUp).await.days.is_empty(),
        "nothing came before"
    );
    collect(&world, &["--date", "yesterday"]).await;
    world.at("2025-10-01T06:00:00Z");
    collect(&world, &["--date", "2025-09-20"]).await;
    world.at("2025-10-04T06:00:00Z");
    let night = world.night(Which::CatchUp).await;
    let counted: Vec<NaiveDate> = night
        .days
        .iter()
        .filter(|day| day.entry.is_some())
        .map(|day| day.date)
        .collect();
    assert_eq!(counted[0], date("2025-10-03"));
    assert_eq!(counted.len(), 30);
    let first = one(
        &world,
        "SELECT min(collection_date) FROM daily_metrics WHERE collection_date > '2025-08-01'",
    );
    assert_eq!(first.await.unwrap(), "2025-09-03");
    assert!(
        world
            .night(Which::CatchUp)
            .await
            .days
            .iter()
            .all(|day| day.entry.is_none())
    );
}

#[tokio::test]
async fn days_before_the_catalogs_beginning_are_skipped_with_a_note() {
    let world = World::new(
        "2025-10-04T06:00:00Z",
        &format!("since = \"2025-10-01\"\n{SETTINGS}"),
    );
    shop(&world).await;
    let night = world.night(range("2025-09-28", "2025-10-02")).await;
    assert_eq!(dates(&night), [date("2025-10-01"), date("2025-10-02")]);
    let skipped: Vec<NaiveDate> = night.skipped.iter().map(|(date, _)| *date).collect();
    assert_eq!(
        skipped,
        [date("2025-09-28"), date("2025-09-29"), date("2025-09-30")]
    );
    assert_eq!(
        night.skipped[0].1,
        "before `since = \"2025-10-01\"` of the catalog"
    );
}

#[tokio::test]
async fn a_named_metric_is_filled_in_and_overwrites_nothing() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = shop(&world).await;
    collect(&world, &["--date", "2025-10-02", "--metric", "joined"]).await;
    assert_eq!(world.value("2025-10-02", "users").await, Json::Null);
    assert_eq!(world.value("2025-10-02", "joined_7d").await, json!(7));
    join(&app, "2025-10-02 12:00:00").await;
    let range = [
        "--from",
        "2025-10-01",
        "--to",
        "2025-10-02",
        "--metric",
        "users",
    ];
    collect(&world, &range).await;
    assert_eq!(world.value("2025-10-01", "users").await, json!(498));
    assert_eq!(world.value("2025-10-02", "users").await, json!(500));
    assert_eq!(world.value("2025-10-02", "joined_7d").await, json!(7));
    // The rest comes with the next collection of the day.
    collect(&world, &["--date", "2025-10-01"]).await;
    assert_eq!(world.value("2025-10-01", "joined_24h").await, json!(1));
}

#[tokio::test]
async fn a_dry_run_makes_no_book_and_changes_none() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    shop(&world).await;
    assert_eq!(
        collect(&world, &["--date", "yesterday", "--dry-run"]).await,
        Ended::Done
    );
    let left: Vec<_> = std::fs::read_dir(world.path("")).unwrap().collect();
    let mut names: Vec<String> = left
        .into_iter()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("app.db"))
        .collect();
    names.sort();
    assert_eq!(names, ["daybook.toml"]);

    collect(&world, &["--date", "2025-10-02"]).await;
    let everything = "SELECT * FROM daily_metrics, runs";
    let before = world.book(everything).await;
    let rehearsal = Orders {
        dry_run: true,
        force: true,
        ..orders(range("2025-10-01", "2025-10-03"))
    };
    let night = world.ordered(&rehearsal).await.unwrap();
    assert_eq!(night.days.len(), 3);
    assert_eq!(world.book(everything).await, before);
}

#[tokio::test]
async fn failed_values_are_filled_in_by_the_next_collection_of_the_day() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = shop(&world).await;
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    assert_eq!(
        collect(&world, &["--date", "yesterday"]).await,
        Ended::Incomplete
    );
    let why = world.provenance("2025-10-03", "stock").await;
    assert_eq!(
        why,
        json!({"kind": "failed", "reason": "no such table: stock"})
    );
    app.execute("ALTER TABLE lost RENAME TO stock").await;
    join(&app, "2025-10-03 12:00:00").await;
    assert_eq!(collect(&world, &["--date", "yesterday"]).await, Ended::Done);
    assert_eq!(world.value("2025-10-03", "stock").await, json!(42));
    assert_eq!(
        world.value("2025-10-03", "users").await,
        json!(500),
        "what was known is not counted again"
    );
}

#[tokio::test]
async fn a_bad_first_night_is_made_up_for_by_the_catch_up() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = shop(&world).await;
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    assert_eq!(
        collect(&world, &["--date", "yesterday"]).await,
        Ended::Incomplete
    );
    app.execute("ALTER TABLE lost RENAME TO stock").await;
    assert_eq!(collect(&world, &["--catch-up"]).await, Ended::Done);
    assert_eq!(world.value("2025-10-03", "stock").await, json!(42));
}

#[tokio::test]
async fn a_failure_is_told_even_where_the_day_keeps_an_older_value() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = shop(&world).await;
    assert_eq!(collect(&world, &["--date", "yesterday"]).await, Ended::Done);
    app.execute("ALTER TABLE stock RENAME TO lost").await;
    assert_eq!(
        collect(&world, &["--date", "yesterday", "--force"]).await,
        Ended::Incomplete
    );
    assert_eq!(world.value("2025-10-03", "stock").await, json!(42));
}

#[tokio::test]
async fn a_night_ends_with_forgetting_what_is_too_old() {
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    shop(&world).await;
    world.night(range("2024-10-04", "2024-10-20")).await;
    world.night(Which::One(date("2025-10-03"))).await;
    world.at("2025-10-11T06:00:00Z");
    let night = world.night(Which::One(date("2025-10-10"))).await;
    assert_eq!((night.pruned, night.unpruned), (7, None));
    let first = one(&world, "SELECT min(collection_date) FROM daily_metrics").await;
    assert_eq!(first.unwrap(), "2024-10-11");
}

#[tokio::test]
async fn a_backfill_kept_by_a_variable_of_one_command_is_not_deleted_by_the_next_night() {
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    shop(&world).await;
    world.night(Which::One(date("2025-10-03"))).await;
    world.set("METRICS_RETENTION_DAYS", "500");
    world.night(range("2024-09-01", "2024-09-20")).await;
    world.set("METRICS_RETENTION_DAYS", "365");
    let night = world.night(Which::One(date("2025-10-03"))).await;
    // A year and the 33 days from 1 September to 4 October.
    let many = prune::Doubt::Many {
        days: 20,
        first: date("2024-09-01"),
        retention: 365,
        needed: 398,
    };
    assert_eq!((night.pruned, night.unpruned), (0, Some(many)));
    let stored = one(&world, "SELECT count(*) FROM daily_metrics").await;
    assert_eq!(stored.unwrap(), "21");
}

/// Users who joined before 2025, as a condition of which nobody has said yet that it never changes.
const EARLY: &str = r#"
    [[metrics]]
    key = "early"
    table = "users"
    count = "*"
    where = "joined < '2025-01-01'"
    HISTORY

    [[metrics]]
    key = "early_share"
    percent = { of = "early", in = "users" }
"#;

#[tokio::test]
async fn what_can_be_known_since_the_catalog_says_so_is_filled_in_and_nothing_else_counted() {
    let settings = |history: &str| format!("{SETTINGS}{}", EARLY.replace("HISTORY", history));
    let world = World::new("2025-10-04T06:00:00Z", &settings(""));
    let app = shop(&world).await;
    let days = || range("2025-09-01", "2025-09-03");
    world.night(days()).await;
    let why = world.provenance("2025-09-02", "early").await;
    assert_eq!(why["kind"], "unavailable");
    let again = world.night(days()).await;
    assert!(
        again.days.iter().all(|day| day.entry.is_none()),
        "{again:?}"
    );

    world.write("daybook.toml", &settings("history = \"event\""));
    join(&app, "2024-12-31 12:00:00").await;
    let early = Orders {
        metric: Some("early".into()),
        ..orders(days())
    };
    let night = world.ordered(&early).await.unwrap();
    assert!(night.days.iter().all(|day| day.refilled), "{night:?}");
    // The 224 of 22 May to 31 December 2024, and the one of just now.
    assert_eq!(world.value("2025-09-02", "early").await, json!(225));
    let users = world.value("2025-09-02", "users").await;
    assert_eq!(users, json!(469), "it was known and is not counted again");
    // 225 of 469.
    assert_eq!(world.value("2025-09-02", "early_share").await, json!(47.97));
    let stock = world.provenance("2025-09-02", "stock").await;
    assert_eq!(stock["kind"], "unavailable");
    let done = world.night(days()).await;
    assert!(done.days.iter().all(|day| day.entry.is_none()), "{done:?}");
}

#[tokio::test]
async fn days_of_a_range_before_the_oldest_row_are_named_instead_of_stored_as_zeros() {
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    world.set("METRICS_RETENTION_DAYS", "800");
    let app = shop(&world).await;
    let night = world.night(range("2024-05-01", "2024-05-25")).await;
    // The first of the 500 users joined on 22 May 2024.
    let stored: Vec<NaiveDate> = date("2024-05-22").iter_days().take(4).collect();
    assert_eq!(dates(&night), stored);
    let skipped: Vec<NaiveDate> = night.skipped.iter().map(|(date, _)| *date).collect();
    let before: Vec<NaiveDate> = date("2024-05-01").iter_days().take(21).collect();
    assert_eq!(skipped, before);
    assert_eq!(
        night.skipped[0].1,
        format!(
            "before the oldest row (in `users`, Wed 22 May 2024); set `since = \"2024-05-22\"` in {}",
            world.path("daybook.toml").display()
        )
    );
    assert_eq!(world.value("2024-05-22", "users").await, json!(1));
    // A user without a time was always there.
    app.execute("CREATE TABLE joined AS SELECT joined FROM users; DROP TABLE users; ALTER TABLE joined RENAME TO users; INSERT INTO users VALUES (NULL)").await;
    let night = world.night(range("2024-05-20", "2024-05-21")).await;
    assert_eq!(night.days.len(), 2);
    assert_eq!(world.value("2024-05-20", "users").await, json!(1));
}

#[tokio::test]
async fn every_run_is_noted_with_what_it_did() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    shop(&world).await;
    world.night(range("2025-10-01", "2025-10-03")).await;
    world.night(Which::One(date("2025-10-03"))).await;
    let runs = "SELECT outcome || ' ' || coalesce(CAST(first_date AS char(10)), '') || ' ' || days FROM runs ORDER BY id";
    let told: Vec<String> = world
        .book(runs)
        .await
        .into_iter()
        .map(|row| row[0].clone().unwrap())
        .collect();
    assert_eq!(told, ["stored 2025-10-01 3", "nothing  0"]);
}

const WITHOUT_A_PAST: &str = r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.users]
        name = "users"
        created_at = "joined"

        [tables.profiles]
        name = "profiles"
        belongs_to = [{ table = "users", column = "user_id" }]

        [[metrics]]
        key = "profiles"
        table = "profiles"
        count = "*"

        [[metrics]]
        key = "active"
        table = "users"
        count = "*"
        within = { column = "seen", days = [1] }

        [[metrics]]
        key = "by_plan"
        table = "users"
        count = "*"
        by = { column = "plan" }

        [[metrics]]
        key = "on_trial"
        table = "users"
        count = "*"
        where = "plan = 'trial'"

        [[metrics]]
        key = "answer"
        sql = "SELECT 42"

        [[metrics]]
        key = "declared"
        table = "users"
        count = "*"
        history = "now"
"#;

/// Metric, reason, and the reason in German.
const REASONS: [(&str, &str, &str); 6] = [
    (
        "profiles",
        "no column tells when a row was created; past days are unknown",
        "keine Spalte hält fest, wann eine Zeile entstand; frühere Tage sind unbekannt",
    ),
    (
        "active_24h",
        "the window's column is overwritten; past days are unknown",
        "die Spalte des Zeitfensters wird überschrieben; frühere Tage sind unbekannt",
    ),
    (
        "by_plan",
        "it depends on a column that changes; past days are unknown",
        "hängt von einer Spalte ab, die sich ändert; frühere Tage sind unbekannt",
    ),
    (
        "on_trial",
        "it depends on a column that changes; past days are unknown",
        "hängt von einer Spalte ab, die sich ändert; frühere Tage sind unbekannt",
    ),
    (
        "answer",
        "the SQL only sees the present; past days are unknown",
        "die SQL-Abfrage kennt nur den heutigen Stand; frühere Tage sind unbekannt",
    ),
    (
        "declared",
        "the catalog declares `history = \"now\"`; past days are unknown",
        "der Katalog legt `history = \"now\"` fest; frühere Tage sind unbekannt",
    ),
];

#[tokio::test]
async fn what_cannot_be_known_says_for_which_reason_in_the_readers_language() {
    let world = World::new("2025-10-20T06:00:00Z", WITHOUT_A_PAST);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, joined TEXT, seen TEXT, plan TEXT);
         CREATE TABLE profiles (user_id INTEGER)",
    )
    .await;
    collect(&world, &["--date", "2025-10-02"]).await;
    let german = Speech::new(Locale {
        language: Language::German,
        numbers: Numbers::German,
    });
    for (key, reason, in_german) in REASONS {
        let stored = world.provenance("2025-10-02", key).await;
        assert_eq!(stored["kind"], "unavailable", "{key}");
        assert_eq!(stored["reason"], reason, "{key}");
        assert_eq!(german.reason(reason), in_german, "{key}");
    }
}
