//! Every migration is applied to a book that holds rows from all versions before it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use daybook::book::{
    self, Book, Channel, Delivery, DeliveryState, Filter, Stages, Subject, schema,
};
use daybook::config::DatabaseUrl;
use daybook::engine::Engine;
use daybook::entry::{Kind, Value};
use daybook::locale::Locale;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

#[tokio::test]
async fn every_migration_applies_over_the_sample_rows_of_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("daybook.db");
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let migrator = schema::migrator(Engine::Sqlite);
    for migration in migrator.iter() {
        migrator
            .run_to(migration.version, &mut connection)
            .await
            .unwrap();
        let name = format!("{:04}_{}.sql", migration.version, migration.description);
        let sample = std::fs::read_to_string(here("tests/it/migrations").join(&name))
            .unwrap_or_else(|error| panic!("sample rows for migration {name}: {error}"));
        connection.execute(AssertSqlSafe(sample)).await.unwrap();
    }
    connection.close().await.unwrap();

    let book = Book::open(&DatabaseUrl::sqlite(&path), Duration::ZERO)
        .await
        .unwrap();
    let entries = book::entries(&book, NaiveDate::MIN..=NaiveDate::MAX)
        .await
        .unwrap();
    assert_eq!(entries.len(), 2);
    let first = &entries[0].readings;
    assert_eq!(first["total_users"].value, Some(Value::Whole(5012)));
    assert_eq!(first["active_users_24h"].provenance.kind, Kind::Unavailable);
    assert!(entries[1].partial);
    let runs = book::runs(&book, 10).await.unwrap();
    assert_eq!((runs[1].days, runs[1].stages), (1, Stages::default()));
    let stages = Stages {
        collect: Some(1500),
        store: Some(30),
        deliver: Some(420),
        prune: None,
    };
    assert_eq!(runs[0].stages, stages);
    assert_eq!(
        book::statements(&book, 1).await.unwrap()[1].database,
        "shop"
    );
    the_ledger_kept_its_rows(&book).await;
}

async fn the_ledger_kept_its_rows(book: &Book) {
    let rows = book::deliveries(book, &Filter::default()).await.unwrap();
    assert_eq!(rows.len(), 2);
    let at = |text: &str| text.parse().ok();
    let first = Delivery {
        id: 1,
        date: "2025-10-03".parse().unwrap(),
        subject: Subject::Report,
        channel: Channel::Email,
        recipient: "ada@example.org".into(),
        copy: 1,
        name: None,
        locale: Locale::default(),
        message_id: "2025-10-03.report.1@example.org".into(),
        state: DeliveryState::Accepted,
        attempts: 1,
        planned_at: at("2025-10-03T22:15:02Z").unwrap(),
        claimed_at: at("2025-10-03T22:15:02Z"),
        in_doubt_since: None,
        retry_at: None,
        accepted_at: at("2025-10-03T22:15:03Z"),
        reply: Some("250 2.0.0 Ok: queued".into()),
    };
    assert_eq!(rows[1], first);
    assert_eq!(rows[0].state, DeliveryState::Ambiguous);
    assert_eq!((rows[0].id, rows[0].copy), (2, 2));

    let old = book::planned(book, first.date, Subject::Report).await;
    let old = old.unwrap().unwrap();
    assert_eq!(old.planned_at, first.planned_at);
    assert_eq!((old.also, old.recipients), (vec![], vec![]));
    let open = book::planned(book, rows[0].date, Subject::Open).await;
    let open = open.unwrap().unwrap();
    assert_eq!(open.corrections[0].mailed, 5012.0);
    assert_eq!(open.recipients[0].name.as_deref(), Some("Ada"));
    assert_eq!(
        open.bad_addresses,
        [("ada@".to_owned(), "no domain".to_owned())]
    );
}

#[test]
fn every_migration_file_is_embedded_unchanged_and_numbered_without_gaps() {
    let embedded: BTreeSet<String> = schema::migrator(Engine::Sqlite)
        .iter()
        .map(|migration| format!("{:04}_{}.sql", migration.version, migration.description))
        .collect();
    assert_eq!(embedded, file_names(&here("migrations/sqlite")));
    assert_eq!(embedded, file_names(&here("tests/it/migrations")));
    let versions: Vec<i64> = schema::migrator(Engine::Sqlite)
        .iter()
        .map(|one| one.version)
        .collect();
    let counted: Vec<i64> = (1..).take(versions.len()).collect();
    assert_eq!(versions, counted);
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn file_names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}
