//! The view for people who ask in SQL.

use daybook::book::{self, Book, columns};
use daybook::catalog::{Catalog, Document};
use daybook::engine::Engine;
use daybook::entry::merge::Mode;
use daybook::entry::{Part, PartKey, Reading, Value};
use daybook::text::mistake::Source;

use super::{count, date, entry_on, new_book, whole};
use crate::world::App;

fn catalog(metrics: &str) -> Catalog {
    let text =
        format!("[tables.users]\nname = \"auth_user\"\ncreated_at = \"date_joined\"\n\n{metrics}");
    let name = "daybook.toml".to_owned();
    let source = Source { name, text };
    let document = Document::parse(&source).unwrap();
    Catalog::read(&[document], None).unwrap()
}

const FIRST: &str = r#"
[[metrics]]
key = "total_users"
table = "users"
count = "*"

[[metrics]]
key = "seats"
table = "users"
sum = "seats"

[[metrics]]
key = "seats_per_user"
ratio = { of = "seats", per = "total_users" }

[[metrics]]
key = "by_country"
table = "users"
count = "*"
by = { column = "country" }

[[metrics]]
key = "inner_working"
table = "users"
count = "*"
hidden = true
"#;

async fn column_names(book: &Book) -> Vec<String> {
    let text = match book.url().engine() {
        Engine::Sqlite => {
            "SELECT name FROM pragma_table_info('daily_metrics_columns') ORDER BY cid"
        }
        Engine::Postgres => {
            "SELECT attname FROM pg_attribute
             WHERE attrelid = 'daily_metrics_columns'::regclass AND attnum > 0 ORDER BY attnum"
        }
        Engine::Mysql => {
            "SELECT column_name FROM information_schema.columns
             WHERE table_schema = database() AND table_name = 'daily_metrics_columns'
             ORDER BY ordinal_position"
        }
    };
    let rows = App::new(book.url()).rows(text).await;
    rows.into_iter().flatten().flatten().collect()
}

/// The type of each value of the first four metrics, a row for each day.
async fn types(book: &Book) -> Vec<Vec<String>> {
    let text = match book.url().engine() {
        Engine::Sqlite => {
            "SELECT typeof(total_users), typeof(seats), typeof(seats_per_user), typeof(by_country)
             FROM daily_metrics_columns ORDER BY collection_date"
        }
        Engine::Postgres => {
            "SELECT pg_typeof(total_users), pg_typeof(seats), pg_typeof(seats_per_user), pg_typeof(by_country)
             FROM daily_metrics_columns ORDER BY collection_date"
        }
        Engine::Mysql => {
            "SELECT group_concat(CASE WHEN ordinal_position = 3 THEN data_type END),
                 group_concat(CASE WHEN ordinal_position = 4 THEN data_type END),
                 group_concat(CASE WHEN ordinal_position = 5 THEN data_type END),
                 group_concat(CASE WHEN ordinal_position = 6 THEN data_type END)
             FROM information_schema.columns
             WHERE table_schema = database() AND table_name = 'daily_metrics_columns'"
        }
    };
    let rows = App::new(book.url()).rows(text).await;
    rows.into_iter()
        .map(|row| row.into_iter().flatten().collect())
        .collect()
}

#[tokio::test]
async fn every_shown_metric_has_a_typed_column_in_catalog_order() {
    let (_folder, book) = new_book().await;
    columns::update(&book, &catalog(FIRST)).await.unwrap();
    let mut entry = entry_on(date("2025-10-03"));
    let decimal = |text: &str| Reading::observed(Some(Value::Decimal(text.parse().unwrap())));
    let part = Part {
        key: PartKey::Value("ch".into()),
        label: "Schweiz".into(),
        count: 3.into(),
    };
    for (key, reading) in [
        ("seats", decimal("7518.5")),
        ("seats_per_user", whole(2)),
        (
            "by_country",
            Reading::observed(Some(Value::Parts(vec![part]))),
        ),
    ] {
        entry.readings.insert(key.into(), reading);
    }
    book::store(&book, entry, Mode::Replace).await.unwrap();
    book::store(&book, entry_on(date("2025-10-04")), Mode::Replace)
        .await
        .unwrap();

    let names = [
        "collection_date",
        "partial",
        "total_users",
        "seats",
        "seats_per_user",
        "by_country",
    ];
    assert_eq!(column_names(&book).await, names);
    let types = types(&book).await;
    match book.url().engine() {
        // A file has no type for a column, only for each value.
        Engine::Sqlite => {
            assert_eq!(types[0], ["integer", "real", "real", "text"]);
            assert_eq!(types[1], ["integer", "null", "null", "null"]);
        }
        Engine::Postgres => {
            assert_eq!(types[0], ["bigint", "numeric", "double precision", "json"]);
        }
        Engine::Mysql => {
            assert_eq!(types[0][..3], ["bigint", "decimal", "double"]);
            // MariaDB keeps JSON as the text it is.
            assert!(
                ["longtext", "json"].contains(&types[0][3].as_str()),
                "{types:?}"
            );
        }
    }
    let real = "SELECT count(*) FROM daily_metrics_columns
         WHERE seats = 7518.5 AND seats_per_user = 2 OR seats IS NULL AND by_country IS NULL";
    assert_eq!(count(book.url(), real).await, 2);

    let sum = "SELECT sum(total_users) FROM daily_metrics_columns WHERE NOT partial";
    assert_eq!(count(book.url(), sum).await, 10_024);
    let label = match book.url().engine() {
        Engine::Postgres => "by_country -> 0 ->> 'label'",
        Engine::Sqlite | Engine::Mysql => "json_extract(by_country, '$[0].label')",
    };
    let parts =
        format!("SELECT {label} FROM daily_metrics_columns ORDER BY collection_date LIMIT 1");
    let parts = App::new(book.url()).rows(&parts).await.remove(0).remove(0);
    assert_eq!(parts.unwrap().trim_matches('"'), "Schweiz");
}

#[tokio::test]
async fn a_metric_that_left_keeps_its_column_and_new_ones_are_appended() {
    let (_folder, book) = new_book().await;
    columns::update(&book, &catalog(FIRST)).await.unwrap();
    let second = r#"
[[metrics]]
key = "active"
table = "users"
count = "last_login"

[[metrics]]
key = "total_users"
table = "users"
count = "*"
"#;
    columns::update(&book, &catalog(second)).await.unwrap();
    let names = [
        "collection_date",
        "partial",
        "total_users",
        "seats",
        "seats_per_user",
        "by_country",
        "active",
    ];
    assert_eq!(column_names(&book).await, names);
}

#[tokio::test]
async fn a_metric_that_changed_its_shape_loses_no_digits_in_its_column() {
    let (_folder, book) = new_book().await;
    let of = |measure: &str| {
        catalog(&format!(
            "[[metrics]]\nkey = \"seats\"\ntable = \"users\"\n{measure} = \"seats\"\n"
        ))
    };
    columns::update(&book, &of("count")).await.unwrap();
    columns::update(&book, &of("avg")).await.unwrap();
    let mut entry = entry_on(date("2025-10-03"));
    let average = Value::Decimal("2.5".parse().unwrap());
    entry
        .readings
        .insert("seats".into(), Reading::observed(Some(average)));
    book::store(&book, entry, Mode::Replace).await.unwrap();
    let doubled = "SELECT CAST(seats * 2 AS decimal) FROM daily_metrics_columns";
    assert_eq!(count(book.url(), doubled).await, 5);
}

#[tokio::test]
async fn metrics_named_like_the_first_columns_or_like_sql_words_have_columns_too() {
    let (_folder, book) = new_book().await;
    let long = "k".repeat(58);
    let metrics: String = ["partial", "select", "collection_date", &long]
        .map(|key| format!("[[metrics]]\nkey = \"{key}\"\ntable = \"users\"\ncount = \"*\"\n"))
        .concat();
    columns::update(&book, &catalog(&metrics)).await.unwrap();
    let names = [
        "collection_date",
        "partial",
        "_partial",
        "select",
        "_collection_date",
        &long,
    ];
    assert_eq!(column_names(&book).await, names);
}

#[tokio::test]
async fn an_unchanged_catalog_leaves_the_view_alone() {
    let (_folder, book) = new_book().await;
    columns::update(&book, &catalog(FIRST)).await.unwrap();
    let made = match book.url().engine() {
        Engine::Sqlite => "PRAGMA schema_version",
        // Whoever writes counts on.
        Engine::Postgres | Engine::Mysql => "SELECT revision FROM book_state",
    };
    let version = count(book.url(), made).await;
    columns::update(&book, &catalog(FIRST)).await.unwrap();
    assert_eq!(count(book.url(), made).await, version);
}

#[tokio::test]
async fn an_empty_catalog_has_a_view_of_days() {
    let (_folder, book) = new_book().await;
    columns::update(&book, &Catalog::default()).await.unwrap();
    assert_eq!(column_names(&book).await, ["collection_date", "partial"]);
}
