//! What the runs say of themselves, and what is said of those that could not.

use chrono::{DateTime, Utc};
use daybook::book::{self, Book, BookError, Ending, Outcome, Stages, Statement};

use super::{date, execute, new_book};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ending(outcome: Outcome) -> Ending {
    Ending {
        ended_at: at("2025-10-03T22:15:02Z"),
        outcome,
        dates: Some(date("2025-10-01")..=date("2025-10-03")),
        days: 3,
        error: Some("`items`: timeout".into()),
        duration_ms: 2000,
        stages: Stages {
            collect: Some(1500),
            store: Some(30),
            deliver: Some(420),
            prune: None,
        },
    }
}

async fn outcomes(book: &Book) -> Vec<Outcome> {
    let runs = book::runs(book, 10).await.unwrap();
    runs.iter().map(|run| run.outcome).collect()
}

#[tokio::test]
async fn a_run_and_its_statements_are_told_as_they_were_noted() {
    let (_folder, book) = new_book().await;
    let began = at("2025-10-03T22:15:00.5Z");
    let run = book::begin_run(&book, "collect", began).await.unwrap();
    let statement = |what: &str, error: Option<&str>| Statement {
        database: "shop".into(),
        what: what.into(),
        duration_ms: 12,
        rows: 4,
        error: error.map(str::to_owned),
    };
    let first = [statement("orders, returns", None)];
    let second = [statement("items", Some("timeout"))];
    for statements in [&first, &second] {
        book::record_statements(&book, run, statements)
            .await
            .unwrap();
    }
    book::end_run(&book, run, &ending(Outcome::Stored))
        .await
        .unwrap();

    let told = book::runs(&book, 10).await.unwrap().remove(0);
    assert_eq!(told.started_at, began);
    assert_eq!(told.ended_at, Some(at("2025-10-03T22:15:02Z")));
    assert_eq!(told.command, "collect");
    assert_eq!(told.outcome, Outcome::Stored);
    assert_eq!(told.dates, Some(date("2025-10-01")..=date("2025-10-03")));
    assert_eq!((told.days, told.duration_ms), (3, Some(2000)));
    assert_eq!(told.stages, ending(Outcome::Stored).stages);
    assert_eq!(told.error.as_deref(), Some("`items`: timeout"));
    assert_eq!(
        book::statements(&book, run).await.unwrap(),
        [first, second].concat()
    );
}

#[tokio::test]
async fn runs_are_told_newest_first_and_no_more_than_asked() {
    let (_folder, book) = new_book().await;
    for minute in 10..15 {
        let began = at(&format!("2025-10-03T22:{minute}:00Z"));
        book::begin_run(&book, "collect", began).await.unwrap();
    }
    let runs = book::runs(&book, 2).await.unwrap();
    let began: Vec<_> = runs.iter().map(|run| run.started_at).collect();
    assert_eq!(
        began,
        [at("2025-10-03T22:14:00Z"), at("2025-10-03T22:13:00Z")]
    );
}

#[tokio::test]
async fn a_run_is_running_while_the_lock_is_held_and_interrupted_once_it_is_free() {
    let (_folder, book) = new_book().await;
    let lock = Book::lock(book.url()).await.unwrap().unwrap();
    let began = at("2025-10-03T22:15:00Z");
    book::begin_run(&book, "collect", began).await.unwrap();
    assert_eq!(outcomes(&book).await, [Outcome::Running]);
    lock.release().await;
    assert_eq!(outcomes(&book).await, [Outcome::Interrupted]);
}

#[tokio::test]
async fn only_the_newest_unended_run_can_be_the_one_that_holds_the_lock() {
    let (_folder, book) = new_book().await;
    let began = at("2025-10-03T22:15:00Z");
    book::begin_run(&book, "collect", began).await.unwrap();
    let _lock = Book::lock(book.url()).await.unwrap().unwrap();
    let ended = book::begin_run(&book, "collect", began).await.unwrap();
    book::end_run(&book, ended, &ending(Outcome::Nothing))
        .await
        .unwrap();
    book::begin_run(&book, "collect", began).await.unwrap();
    assert_eq!(
        outcomes(&book).await,
        [Outcome::Running, Outcome::Nothing, Outcome::Interrupted]
    );
}

#[tokio::test]
async fn ending_a_run_that_is_not_there_is_an_error() {
    let (_folder, book) = new_book().await;
    let error = book::end_run(&book, 7, &ending(Outcome::Stored)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, BookError::NotWritten { changed: 0, .. }));
    assert!(error.to_string().contains("end of run 7"));
}

#[tokio::test]
async fn a_run_with_an_unknown_outcome_is_named() {
    let (_folder, book) = new_book().await;
    let began = at("2025-10-03T22:15:00Z");
    book::begin_run(&book, "collect", began).await.unwrap();
    execute(book.url(), "UPDATE runs SET outcome = 'splendid'").await;
    let error = book::runs(&book, 1).await.unwrap_err().to_string();
    assert!(error.contains("run 1"), "{error}");
    assert!(error.contains("unknown value `splendid`"), "{error}");
}

#[tokio::test]
async fn a_night_that_goes_on_is_not_the_last_one_and_a_failed_one_not_the_last_success() {
    let (_folder, book) = new_book().await;
    let began = at("2025-10-03T22:15:00Z");
    for outcome in [Outcome::Stored, Outcome::Nothing, Outcome::Failed] {
        let run = book::begin_run(&book, "collect", began).await.unwrap();
        book::end_run(&book, run, &ending(outcome)).await.unwrap();
    }
    let other = book::begin_run(&book, "import", began).await.unwrap();
    book::end_run(&book, other, &ending(Outcome::Stored))
        .await
        .unwrap();
    let lock = Book::lock(book.url()).await.unwrap().unwrap();
    book::begin_run(&book, "collect", began).await.unwrap();

    let nights = book::nights(&book).await.unwrap();
    assert!(nights.one_goes_on);
    assert_eq!(nights.last.unwrap().outcome, Outcome::Failed);
    assert_eq!(nights.last_success.unwrap().outcome, Outcome::Nothing);
    lock.release().await;
    let nights = book::nights(&book).await.unwrap();
    assert!(!nights.one_goes_on);
    assert_eq!(nights.last.unwrap().outcome, Outcome::Interrupted);
}
