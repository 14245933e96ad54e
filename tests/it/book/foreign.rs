//! Another program's SQLite file in the book's place: refused in words, and left as it lies there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use daybook::book::{Book, BookError, Watch};
use daybook::config::DatabaseUrl;
use daybook::operate::doctor;
use sqlx::sqlite::SqliteJournalMode;

use super::{connect, new_book};
use crate::running::SETTINGS;
use crate::running::program::{code, shop, today, words, world};
use crate::world::{App, in_a_file};

/// A table whose name no book uses, and one that a book has too.
const TABLES: [&str; 2] = ["songs", "runs"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// Closed well, without a write-ahead log.
    Plain,
    /// Closed well, with a write-ahead log.
    Log,
    /// Its program died: the log was not folded back.
    Died,
    /// A former daybook has noted its migrations in it.
    Noted,
}

async fn make(path: &Path, table: &str, left: Left) {
    use sqlx::{ConnectOptions, Connection, Executor};
    let mode = match left {
        Left::Plain => SqliteJournalMode::Delete,
        _ => SqliteJournalMode::Wal,
    };
    let origin = path.with_extension("origin");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&origin)
        .create_if_missing(true)
        .journal_mode(mode);
    let mut line = options.connect().await.unwrap();
    let mut text = format!("CREATE TABLE {table} (name TEXT); INSERT INTO {table} VALUES ('one');");
    if left == Left::Noted {
        text += "CREATE TABLE _daybook_migrations (version BIGINT PRIMARY KEY, description TEXT, success BOOLEAN);";
    }
    if left == Left::Died {
        text += &format!("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO {table} VALUES ('two');");
    }
    let text = sqlx::AssertSqlSafe(text);
    line.execute(sqlx::raw_sql(text)).await.unwrap();
    if left != Left::Died {
        line.close().await.unwrap();
        return std::fs::rename(&origin, path).unwrap();
    }
    for end in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(&origin), name(path)).unwrap();
    }
    line.close().await.unwrap();
    std::fs::remove_file(origin).unwrap();
}

/// Every file of the folder with its bytes, but for the shared memory, whose locks readers note in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let bytes = match name.ends_with("-shm") {
            true => Vec::new(),
            false => std::fs::read(file.path()).unwrap(),
        };
        (name, bytes)
    });
    files.collect()
}

#[tokio::test]
async fn another_programs_file_is_refused_in_words_and_stays_as_it_was() {
    if !in_a_file() {
        return;
    }
    for left in [Left::Plain, Left::Log, Left::Died, Left::Noted] {
        for table in TABLES {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("music.db");
            make(&path, table, left).await;
            let before = files(folder.path());
            let url = DatabaseUrl::sqlite(&path);
            let refused = [
                Book::open(&url, Duration::ZERO).await.unwrap_err(),
                Book::open_to_read(&url).await.unwrap_err(),
                Book::lock(&url).await.unwrap_err(),
                Watch::open(&url).await.unwrap_err(),
            ];
            for error in refused {
                assert!(matches!(error, BookError::NotABook { .. }), "{error:?}");
                assert!(error.is_unavailable());
                let expected = format!(
                    "{} is another program's database, with a table `{table}`: nothing was changed; set `database_url` under [book] to a file of its own",
                    path.display()
                );
                assert_eq!(error.to_string(), expected);
            }
            assert_eq!(files(folder.path()), before, "{left:?} {table}");
        }
    }
}

#[tokio::test]
async fn no_command_touches_another_programs_file() {
    if !in_a_file() {
        return;
    }
    let mut world = world(SETTINGS);
    shop(&world).await;
    std::fs::create_dir(world.path("other")).unwrap();
    let other = world.path("other/music.db");
    make(&other, "runs", Left::Plain).await;
    let before = files(&world.path("other"));
    let url = DatabaseUrl::sqlite(&other);
    world.set("DAYBOOK_BOOK_DATABASE_URL", url.expose());
    let day = today() - chrono::Days::new(9);
    let days = format!(
        "date,key,value
{day},users,1
"
    );
    std::fs::write(world.path("days.csv"), days).unwrap();
    for args in [
        &["collect", "--date", "yesterday"][..],
        &["collect", "--dry-run"],
        &["show"],
        &["runs"],
        &["deliveries"],
        &["prune"],
        &["report"],
        &["export", "--format", "csv"],
        &["top", "--once"],
        &["import", "days.csv"],
    ] {
        let output = world.binary(args);
        let said = words(&output);
        assert_eq!(code(&output), 69, "{args:?} {said}");
        assert!(
            said.contains("music.db is another program's database"),
            "{args:?} {said}"
        );
        assert!(!said.contains("already exists"), "{args:?} {said}");
    }
    let config = world.config();
    let findings = doctor::examine(
        &config,
        "2025-10-04T06:00:00Z".parse().unwrap(),
        &CancellationToken::new(),
    )
    .await;
    let told = findings
        .iter()
        .find(|one| one.what.contains("music.db is another program's database"));
    assert_eq!(told.unwrap().level, doctor::Level::Error);
    assert_eq!(files(&world.path("other")), before);
}

#[tokio::test]
async fn a_book_whose_tables_are_only_in_the_log_is_a_book() {
    if !in_a_file() {
        return;
    }
    let (folder, book) = new_book().await;
    // Held open, so that nothing is folded back.
    let path = super::file_of(&book);
    let mut held = connect(&path).await;
    sqlx::query("SELECT count(*) FROM runs")
        .execute(&mut held)
        .await
        .unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let url = DatabaseUrl::sqlite(&copy);
    assert!(Book::open_to_read(&url).await.is_ok());
    assert!(Book::open(&url, Duration::ZERO).await.is_ok());
}

#[tokio::test]
async fn a_book_is_made_in_an_empty_file_whatever_was_deleted_from_it() {
    if !in_a_file() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("daybook.db");
    let app = App::Sqlite(path.clone());
    app.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE songs")
        .await;
    let book = Book::open(&DatabaseUrl::sqlite(&path), Duration::ZERO).await;
    assert!(book.is_ok());
}
