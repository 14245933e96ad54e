//! What names and rows are taken for, one guess at a time.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;

use daybook::collect::schema::survey::rows::Rows;
use daybook::collect::schema::survey::{Column, Relation, Survey};
use daybook::engine::Engine;
use daybook::nightly::Which;
use daybook::operate::init::machinery::is_machinery;
use daybook::operate::init::names::plural;
use daybook::operate::init::propose;
use daybook::operate::init::roles::state_since;
use serde_json::json;

use super::{bare, collects, proposed};
use crate::world::date;

fn relation(name: &str, columns: &[&str]) -> Relation {
    let column = |text: &&str| {
        let (name, kind) = text.split_once(' ').unwrap_or((text, "text"));
        Column {
            name: name.to_owned(),
            kind: kind.replace(" not null", ""),
            not_null: kind.ends_with(" not null"),
            is_readable: true,
            ..Column::default()
        }
    };
    Relation {
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        ..Relation::default()
    }
}

#[test]
fn words_have_the_plural_that_people_use() {
    for (word, expected) in [
        ("staff", "staff"),
        ("media", "media"),
        ("news", "news"),
        ("series", "series"),
        ("people", "people"),
        ("person", "people"),
        ("data", "data"),
        ("child", "children"),
        ("inventory", "inventory"),
        ("category", "categories"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("analysis", "analyses"),
        ("branch", "branches"),
        ("dish", "dishes"),
        ("tax", "taxes"),
        ("day", "days"),
        ("users", "users"),
    ] {
        assert_eq!(plural(word), expected, "{word}");
    }
}

#[test]
fn only_what_frameworks_keep_for_themselves_is_machinery() {
    for (name, columns, expected) in [
        ("schema_migrations", &["version"][..], true),
        ("public.django_migrations", &["id", "app", "applied"], true),
        ("solid_queue_ready_executions", &["id", "job_id"], true),
        ("phpbb_acl_users", &["user_id"], true),
        ("sessions", &["id", "user_id", "payload"], true),
        ("jobs", &["id", "queue", "payload", "attempts"], true),
        ("phpbb_config", &["config_name", "config_value"], true),
        ("language", &["language_id", "name"], false),
        ("phpbb_language", &["lang_id", "name"], false),
        ("version", &["id", "number"], false),
        ("category", &["id", "name"], false),
        ("sessions", &["id", "course_id", "starts_at"], false),
        ("jobs", &["id", "title", "salary"], false),
        ("event", &["id", "title", "venue"], false),
        ("settings", &["id", "user_id", "is_dark"], false),
    ] {
        let found = is_machinery(&relation(name, columns), "phpbb");
        assert_eq!(found, expected, "{name}: {columns:?}");
    }
}

#[test]
fn a_time_that_only_some_rows_have_is_a_state() {
    for (table, column, expected) in [
        ("users", "banned_at timestamp", Some("banned")),
        (
            "users",
            "email_verified_at timestamp",
            Some("email verified"),
        ),
        ("orders", "ShippedDate date", Some("shipped")),
        ("orders", "order_paid_at timestamp", Some("paid")),
        ("messages", "read_at bigint", Some("read")),
        ("users", "banned_at timestamp not null", None),
        ("users", "banned boolean", None),
        ("users", "updated_at timestamp", None),
        ("users", "last_posted_at timestamp", None),
        ("users", "deleted_at timestamp", None),
        ("users", "expires_at timestamp", None),
        ("users", "remember_created_at timestamp", None),
        ("orders", "RequiredDate date", None),
        ("rental", "return_date timestamp", None),
    ] {
        let relation = relation(table, &[column]);
        let state = state_since(&relation, &relation.columns[0]);
        let state = state.map(|words| words.join(" "));
        assert_eq!(state.as_deref(), expected, "{table}: {column}");
    }
}

/// Of the first two a past day can be recounted; the third and fourth do not say when rows began, or end otherwise.
#[tokio::test]
async fn rows_are_open_until_they_are_returned_or_closed() {
    let (world, app) = bare().await;
    app.execute(
        "CREATE TABLE rental (rental_id integer, rental_date timestamp NOT NULL, return_date timestamp);
         INSERT INTO rental VALUES (1, '2025-09-01 10:00:00', '2025-09-20 10:00:00'), (2, '2025-09-01 10:00:00', NULL),
             (3, '2025-10-02 10:00:00', NULL);
         CREATE TABLE tickets (id integer, created_at text NOT NULL, closed_at text);
         INSERT INTO tickets VALUES (1, '2025-09-01T10:00:00Z', '2025-10-02T23:00:00Z'), (2, '2025-09-01T10:00:00Z', NULL);
         CREATE TABLE issues (id integer, resolved_at timestamp);
         INSERT INTO issues VALUES (1, NULL), (2, '2025-09-01 10:00:00'), (3, NULL);
         CREATE TABLE claims (id integer, created_at timestamp NOT NULL, deleted_at timestamp, closed_at timestamp);
         INSERT INTO claims VALUES (1, '2025-09-01 10:00:00', NULL, NULL), (2, '2025-09-01 10:00:00', '2025-09-02 10:00:00', NULL);
         CREATE TABLE loans (id integer, loan_date timestamp NOT NULL, return_date timestamp NOT NULL);
         CREATE TABLE returns (id integer, return_date timestamp);",
    )
    .await;
    let text = proposed(&world).await;
    assert!(
        !text.contains("loans_open") && !text.contains("returns_open"),
        "{text}"
    );
    collects(&world).await;
    for (key, open) in [
        ("rentals_open", 2),
        ("tickets_open", 2),
        ("issues_open", 2),
        ("claims_open", 1),
    ] {
        assert_eq!(world.value("2025-10-02", key).await, json!(open), "{key}");
    }
    world.night(Which::One(date("2025-09-10"))).await;
    for (key, open) in [
        ("rentals_open", json!(2)),
        ("tickets_open", json!(2)),
        ("issues_open", json!(null)),
    ] {
        assert_eq!(world.value("2025-09-10", key).await, open, "{key}");
    }
}

/// So many tables with rows, the first with the most, and as many without.
fn survey(with_rows: i64) -> Survey {
    let columns = [
        "created_at timestamp not null",
        "is_active boolean",
        "status text",
        "size bigint",
    ];
    let table = |name: String, rows: Rows| Relation {
        rows,
        ..relation(&name, &columns)
    };
    let full =
        (0..with_rows).map(|at| table(format!("w{at:02}_full_words"), Rows::About(90_000 - at)));
    let empty = (0..with_rows).map(|at| table(format!("w{at:02}_empty_users"), Rows::Exactly(0)));
    Survey {
        engine: Engine::Postgres,
        relations: empty.chain(full).collect(),
    }
}

fn numbers_of_each(survey: &Survey) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for metric in propose(survey).unwrap().metrics {
        *numbers.entry(metric.table.clone()).or_default() += metric.numbers();
    }
    numbers
}

#[test]
fn each_table_with_rows_has_its_total_before_one_without_has_anything() {
    for with_rows in [1, 5, 13, 25, 40] {
        let survey = survey(with_rows);
        let numbers = numbers_of_each(&survey);
        let full = numbers.keys().filter(|name| name.contains("full"));
        assert_eq!(full.count() as i64, with_rows);
        assert!(numbers.values().sum::<usize>() <= 60, "{numbers:?}");
        // All that there is to count of the first table has its place before the others' last numbers.
        assert!(numbers["w00_full_words"] >= 4, "{numbers:?}");
        if with_rows > 12 {
            assert!(
                numbers.keys().all(|name| name.contains("full")),
                "{numbers:?}"
            );
        }
    }
}

#[test]
fn no_table_has_ten_numbers_while_another_one_with_rows_has_none() {
    let mut survey = survey(50);
    let column = |at: usize| Column {
        values: (0..8).map(|value| value.to_string()).collect(),
        ..relation("x", &[&format!("column_{at} text")])
            .columns
            .remove(0)
    };
    for relation in &mut survey.relations {
        relation.columns = (0..3).map(column).collect();
    }
    let proposal = propose(&survey).unwrap();
    assert!(
        proposal
            .unused
            .contains(&"the table w49_full_words, about 89951 rows".to_owned())
    );
    let numbers = numbers_of_each(&survey);
    assert_eq!(numbers.len(), 40, "{numbers:?}");
    assert!(numbers.values().all(|count| *count < 10), "{numbers:?}");
}

#[tokio::test]
async fn parts_are_labelled_by_their_values_where_keys_cannot_say_them() {
    let (world, app) = bare().await;
    app.execute(
        "CREATE TABLE film (id integer, rating text CHECK (rating IN ('G', 'PG-13', 'not rated')));
         CREATE TABLE orders (id integer, status text CHECK (status IN ('new', 'paid')))",
    )
    .await;
    proposed(&world).await;
    let catalog = world.config().catalog;
    let label = |key: &str| {
        let mut metrics = catalog.metrics.iter();
        metrics.find(|one| one.key == key).unwrap().label.clone()
    };
    assert_eq!(label("films_rating_g"), "Films: rating G");
    assert_eq!(label("films_rating_pg_13"), "Films: rating PG-13");
    assert_eq!(label("films_rating_not_rated"), "Films: rating not rated");
    assert_eq!(label("orders_status_paid"), "Orders status paid");
}

#[tokio::test]
async fn tables_in_which_sqlite_keeps_a_search_index_are_none_of_the_applications() {
    let (world, app) = bare().await;
    app.execute(
        "CREATE VIRTUAL TABLE story_texts USING fts5(title, body);
         INSERT INTO story_texts VALUES ('a', 'b'), ('c', 'd')",
    )
    .await;
    let text = proposed(&world).await;
    assert!(!text.contains("story_texts_"), "{text}");
    collects(&world).await;
    assert_eq!(
        world.value("2025-10-02", "total_story_texts").await,
        json!(2)
    );
}
