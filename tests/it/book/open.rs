//! Opening: at once, by many, the wrong thing, the wrong version; and the collect lock.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use daybook::book::{self, Book, BookError, Fault};
use daybook::config::DatabaseUrl;
use daybook::entry::merge::Mode;

use super::{count, date, entry_on, execute, file_of, new_book};
use crate::world::{book_url, in_a_file};

const PATIENCE: Duration = Duration::from_secs(60);

/// Names the book to a second process that runs one test of this binary.
const BOOK: &str = "DAYBOOK_TEST_BOOK";

/// The book that this process was started for, in the second process only.
pub(super) fn book_to_serve() -> Option<DatabaseUrl> {
    let url = std::env::var_os(BOOK)?.into_string().unwrap();
    Some(DatabaseUrl::parse(&url, Path::new("/")).unwrap())
}

pub(super) fn second_process(test: &str, book: &DatabaseUrl) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(BOOK, book.expose())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_new_book_is_one_file_in_wal_mode_and_leaves_no_other_when_closed() {
    if !in_a_file() {
        return;
    }
    let (folder, book) = new_book().await;
    let path = file_of(&book);
    book.close().await;
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["daybook.db", "daybook.db.lock"]);
    let wal = "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'";
    assert_eq!(count(&DatabaseUrl::sqlite(&path), wal).await, 1);
}

#[test]
fn eight_threads_open_a_new_book_at_once_and_all_write() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let url = book_url(&folder.path().join("daybook.db"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| on_this_thread(open_and_store(&url)));
            }
        });
        let runs = on_this_thread(count(&url, "SELECT count(*) FROM runs"));
        assert_eq!(runs, 8);
    }
}

#[test]
fn eight_processes_open_a_new_book_at_once_and_all_write() {
    if let Some(url) = book_to_serve() {
        return on_this_thread(open_and_store(&url));
    }
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let test = "book::open::eight_processes_open_a_new_book_at_once_and_all_write";
    let processes: Vec<Child> = (0..8).map(|_| second_process(test, &url)).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
    }
    let runs = on_this_thread(count(&url, "SELECT count(*) FROM runs"));
    assert_eq!(runs, 8);
}

async fn open_and_store(url: &DatabaseUrl) {
    let book = Book::open(url, PATIENCE).await.unwrap();
    let began = "2025-10-03T22:15:00Z".parse().unwrap();
    book::begin_run(&book, "collect", began).await.unwrap();
    book::store(&book, entry_on(date("2025-10-03")), Mode::Refill)
        .await
        .unwrap();
    book.close().await;
}

pub(super) fn on_this_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

#[tokio::test]
async fn one_holds_the_collect_lock_until_it_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let lock = Book::lock(&url).await.unwrap();
    assert!(lock.is_some());
    assert!(Book::lock(&url).await.unwrap().is_none());
    let refused = Book::wait_for_lock(&url, Duration::ZERO).await.unwrap_err();
    assert!(matches!(refused, BookError::Held { .. }));
    assert!(refused.is_unavailable());
    let name = match url.sqlite_path() {
        Some(_) => "daybook.db.lock".to_owned(),
        None => format!("the collect lock of {url}"),
    };
    assert!(refused.to_string().contains(&name), "{refused}");
    // A server needs a moment to see that its client is gone.
    drop(lock);
    let again = Book::wait_for_lock(&url, Duration::from_secs(20)).await;
    assert!(again.is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn a_book_reached_over_a_link_has_the_same_lock() {
    if !in_a_file() {
        return;
    }
    let (folder, book) = new_book().await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(file_of(&book), &link).unwrap();
    let _lock = Book::lock(book.url()).await.unwrap().unwrap();
    assert!(
        Book::lock(&DatabaseUrl::sqlite(&link))
            .await
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_killed_process_gives_the_lock_back_and_its_run_is_interrupted() {
    if let Some(url) = book_to_serve() {
        return on_this_thread(collect_until_killed(&url));
    }
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let test = "book::open::a_killed_process_gives_the_lock_back_and_its_run_is_interrupted";
    let mut process = second_process(test, &url);
    let told = BufReader::new(process.stdout.take().unwrap());
    let begun = told
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("the run began"));
    assert!(begun);
    on_this_thread(async {
        assert!(Book::lock(&url).await.unwrap().is_none());
        let book = Book::open_to_read(&url).await.unwrap();
        let run = book::runs(&book, 1).await.unwrap().remove(0);
        assert_eq!(run.outcome, book::Outcome::Running);

        process.kill().unwrap();
        process.wait().unwrap();
        // A server needs an instant to see that somebody is gone.
        let begun = Instant::now();
        let outcome = async || book::runs(&book, 1).await.unwrap().remove(0).outcome;
        while outcome().await != book::Outcome::Interrupted {
            assert!(begun.elapsed() < Duration::from_secs(2) && !in_a_file());
        }
        assert!(Book::lock(&url).await.unwrap().is_some());
    });
}

async fn collect_until_killed(url: &DatabaseUrl) {
    let lock = Book::lock(url).await.unwrap().unwrap();
    let book = Book::open_under(&lock).await.unwrap();
    let began = "2025-10-03T22:15:00Z".parse().unwrap();
    book::begin_run(&book, "collect", began).await.unwrap();
    std::io::stdout().write_all(b"the run began\n").unwrap();
    // Until killed; should the test fail before that, its end closes this.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_current_book_is_opened_to_write_while_another_collects() {
    let (_folder, book) = new_book().await;
    let _lock = Book::lock(book.url()).await.unwrap().unwrap();
    assert!(Book::open(book.url(), Duration::ZERO).await.is_ok());
}

#[tokio::test]
async fn a_book_that_must_be_migrated_waits_for_the_lock_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let _lock = Book::lock(&url).await.unwrap().unwrap();
    let refused = Book::open(&url, Duration::ZERO).await.unwrap_err();
    assert!(matches!(refused, BookError::Held { .. }));
    assert!(url.sqlite_path().is_none_or(|path| !path.exists()));
}

#[tokio::test]
async fn reading_where_no_book_is_says_how_to_begin_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("daybook.db");
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    for url in [&missing, &empty].map(|path| book_url(path)) {
        let path = url.sqlite_path();
        let name = path.map_or(url.to_string(), |path| path.display().to_string());
        let error = Book::open_to_read(&url).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no book yet at {name}: run `daybook collect`")
        );
        assert!(error.is_unavailable());
    }
    assert!(!missing.exists());
}

fn fault_of(error: &BookError) -> Option<Fault> {
    match error {
        BookError::Sql { fault, .. } => Some(*fault),
        _ => None,
    }
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (_folder, book) = new_book().await;
    let reader = Book::open_to_read(book.url()).await.unwrap();
    let refused = book::store(&reader, entry_on(date("2025-10-03")), Mode::Replace).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(fault_of(&refused), Some(Fault::ReadOnly | Fault::Standby)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_reader_sees_what_is_written_while_it_is_open() {
    let (_folder, book) = new_book().await;
    let reader = Book::open_to_read(book.url()).await.unwrap();
    let entry = entry_on(date("2025-10-03"));
    book::store(&book, entry.clone(), Mode::Replace)
        .await
        .unwrap();
    assert_eq!(
        book::newest(&reader, NaiveDate::MAX).await.unwrap(),
        Some(entry)
    );
}

#[tokio::test]
async fn a_book_of_a_newer_daybook_is_left_alone_by_readers_and_writers() {
    let (_folder, book) = new_book().await;
    let url = book.url().clone();
    book.close().await;
    execute(
        &url,
        "INSERT INTO _daybook_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'from the future', TRUE, '', 1)",
    )
    .await;
    let lock = Book::lock(&url).await.unwrap().unwrap();
    for refused in [
        Book::open_to_read(&url).await,
        Book::open(&url, Duration::ZERO).await,
        Book::open_under(&lock).await,
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, BookError::Newer { version: 9000, .. }));
        assert!(error.to_string().contains("use the newer daybook"));
    }
}

#[tokio::test]
async fn reading_an_older_book_says_how_to_bring_it_up_to_date() {
    let (_folder, book) = new_book().await;
    let url = book.url().clone();
    book.close().await;
    let older = match in_a_file() {
        true => "DELETE FROM _daybook_migrations WHERE version > 1",
        false => "UPDATE _daybook_migrations SET version = version - 1",
    };
    execute(&url, older).await;
    let error = Book::open_to_read(&url).await.unwrap_err();
    let before = i64::from(in_a_file());
    assert!(matches!(error, BookError::Older { version, .. } if version == before));
    assert!(error.to_string().contains("run `daybook collect`"));
}

#[tokio::test]
async fn what_is_no_database_is_told_apart_from_a_damaged_one() {
    if !in_a_file() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("daybook.db");
    let url = DatabaseUrl::sqlite(&path);
    std::fs::write(&path, "collection_date,total_users\n".repeat(1000)).unwrap();
    for refused in [
        Book::open(&url, Duration::ZERO).await,
        Book::open_to_read(&url).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(fault_of(&error), Some(Fault::NotADatabase), "{error:?}");
        assert!(error.to_string().contains("daybook.db"));
    }

    let (_folder, book) = new_book().await;
    let entries = date("2024-01-01").iter_days().take(100).map(entry_on);
    book::store_many(&book, entries.collect(), Mode::Replace)
        .await
        .unwrap();
    let (path, url) = (file_of(&book), book.url().clone());
    book.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xAA);
    std::fs::write(&path, bytes).unwrap();
    let error = Book::open(&url, Duration::ZERO).await.unwrap_err();
    assert_eq!(fault_of(&error), Some(Fault::Damaged), "{error:?}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_or_no_folder_at_all_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing").join("daybook.db");
    for path in [folder.path(), &nowhere] {
        let error = Book::open(&DatabaseUrl::sqlite(path), Duration::ZERO)
            .await
            .unwrap_err();
        assert_eq!(fault_of(&error), Some(Fault::CannotOpen), "{error:?}");
        assert!(error.is_unavailable());
        assert!(error.to_string().contains(&path.display().to_string()));
    }
    assert!(!nowhere.parent().unwrap().exists());
}
