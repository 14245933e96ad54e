//! Numbers that were sent and have changed are told once, to those who had them.

use daybook::book::{self, Book, BookError, Channel, Corrected, Subject};
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Part, PartKey, Reading, Value};

use super::super::{date, entry_on, execute, new_book};
use super::{accept, mail, message, plan_of};

fn day_with(day: &str, values: &[(&str, Option<Value>)]) -> Entry {
    let mut entry = entry_on(date(day));
    entry.readings = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Reading::observed(value.clone())))
        .collect();
    entry
}

fn decimal(text: &str) -> Option<Value> {
    Some(Value::Decimal(text.parse().unwrap()))
}

fn parts(count: i64) -> Option<Value> {
    let part = Part {
        key: PartKey::Value("1".into()),
        label: "Books".into(),
        count: count.into(),
    };
    Some(Value::Parts(vec![part]))
}

fn corrected(day: &str, key: &str, mailed: f64, now: f64) -> Corrected {
    Corrected {
        date: date(day),
        key: key.into(),
        mailed,
        now,
    }
}

async fn store(book: &Book, entry: Entry) {
    book::store(book, entry, Mode::Replace).await.unwrap();
}

async fn store_and_plan(book: &Book, entry: Entry) {
    let day = entry.date.to_string();
    let plan = plan_of(&day, Subject::Report, vec![mail("ada@example.org")]);
    let stored = book::store_and_plan(book, vec![entry], Mode::Replace, Some(&plan)).await;
    stored.unwrap();
}

async fn corrections_in(book: &Book, day: &str) -> Vec<Corrected> {
    let report = book::planned(book, date(day), Subject::Report).await;
    report.unwrap().unwrap().corrections
}

#[tokio::test]
async fn only_numbers_that_were_known_and_differ_are_corrected_and_each_once() {
    let (_folder, book) = new_book().await;
    let whole = |number| Some(Value::Whole(number));
    let sent = [
        ("grew", whole(44)),
        ("same", whole(7)),
        ("share", decimal("61.25")),
        ("spelt", decimal("5.0")),
        ("unknown", None),
        ("parts", parts(3)),
    ];
    store_and_plan(&book, day_with("2025-10-01", &sent)).await;
    accept(&book, 1).await;
    let now = [
        ("grew", whole(47)),
        ("same", whole(7)),
        ("share", decimal("60.5")),
        ("spelt", whole(5)),
        ("unknown", whole(9)),
        ("parts", parts(4)),
        ("new", whole(1)),
    ];
    store(&book, day_with("2025-10-01", &now)).await;
    store_and_plan(&book, day_with("2025-10-02", &[])).await;
    let expected = [
        corrected("2025-10-01", "grew", 44.0, 47.0),
        corrected("2025-10-01", "share", 61.25, 60.5),
    ];
    assert_eq!(corrections_in(&book, "2025-10-02").await, expected);

    // Told once; a number changed anew is compared with what was told last, an untold one still with nothing.
    let again = [("grew", whole(48)), ("unknown", whole(10))];
    store(&book, day_with("2025-10-01", &again)).await;
    store_and_plan(&book, day_with("2025-10-03", &[])).await;
    let expected = [corrected("2025-10-01", "grew", 47.0, 48.0)];
    assert_eq!(corrections_in(&book, "2025-10-03").await, expected);
    store_and_plan(&book, day_with("2025-10-04", &[])).await;
    assert_eq!(corrections_in(&book, "2025-10-04").await, []);
}

#[tokio::test]
async fn corrections_of_the_same_run_are_found_and_planning_again_keeps_them() {
    let (_folder, book) = new_book().await;
    let with = |number| [("users", Some(Value::Whole(number)))];
    store_and_plan(&book, day_with("2025-10-01", &with(44))).await;
    accept(&book, 1).await;
    let entries = vec![
        day_with("2025-10-02", &with(50)),
        day_with("2025-10-01", &with(47)),
    ];
    let plan = plan_of("2025-10-02", Subject::Report, vec![mail("ada@example.org")]);
    let stored = book::store_and_plan(&book, entries, Mode::Replace, Some(&plan)).await;
    stored.unwrap();
    let expected = [corrected("2025-10-01", "users", 44.0, 47.0)];
    assert_eq!(corrections_in(&book, "2025-10-02").await, expected);
    assert_eq!(book::plan(&book, &plan).await.unwrap(), 0);
    assert_eq!(corrections_in(&book, "2025-10-02").await, expected);
}

#[tokio::test]
async fn only_reports_of_the_31_days_before_that_somebody_has_are_corrected() {
    let (_folder, book) = new_book().await;
    let with = |number| [("users", Some(Value::Whole(number)))];
    let days = ["2025-08-31", "2025-09-01", "2025-10-01", "2025-10-03"];
    for day in days {
        store_and_plan(&book, day_with(day, &with(1))).await;
    }
    for id in [1, 2, 4] {
        accept(&book, id).await;
    }
    // The 1st of October has only its ping: nobody was told any number.
    let ping = plan_of(
        "2025-10-01",
        Subject::Report,
        vec![message(Channel::Ping, "ping")],
    );
    book::plan(&book, &ping).await.unwrap();
    accept(&book, 5).await;
    for day in days {
        store(&book, day_with(day, &with(2))).await;
    }
    store_and_plan(&book, day_with("2025-10-02", &with(1))).await;
    let expected = [corrected("2025-09-01", "users", 1.0, 2.0)];
    assert_eq!(corrections_in(&book, "2025-10-02").await, expected);
}

#[tokio::test]
async fn a_report_that_waited_tells_the_numbers_of_the_moment_it_left() {
    let (_folder, book) = new_book().await;
    let with = |number| [("users", Some(Value::Whole(number)))];
    store_and_plan(&book, day_with("2025-10-01", &with(44))).await;
    store(&book, day_with("2025-10-01", &with(47))).await;
    accept(&book, 1).await;
    store_and_plan(&book, day_with("2025-10-02", &with(50))).await;
    assert_eq!(corrections_in(&book, "2025-10-02").await, []);
    store(&book, day_with("2025-10-01", &with(48))).await;
    store_and_plan(&book, day_with("2025-10-03", &with(50))).await;
    let expected = [corrected("2025-10-01", "users", 47.0, 48.0)];
    assert_eq!(corrections_in(&book, "2025-10-03").await, expected);
}

#[tokio::test]
async fn open_and_failed_days_correct_nothing_and_unreadable_numbers_are_named() {
    let (_folder, book) = new_book().await;
    let with = |number| [("users", Some(Value::Whole(number)))];
    store_and_plan(&book, day_with("2025-10-01", &with(44))).await;
    accept(&book, 1).await;
    store(&book, day_with("2025-10-01", &with(47))).await;
    for subject in [Subject::Open, Subject::Failure] {
        let plan = plan_of("2025-10-02", subject, Vec::new());
        book::plan(&book, &plan).await.unwrap();
        let planned = book::planned(&book, date("2025-10-02"), subject).await;
        assert_eq!(planned.unwrap().unwrap().corrections, []);
    }
    execute(
        book.url(),
        "UPDATE reports SET told = '{\"users\":\"many\"}' WHERE subject = 'report'",
    )
    .await;
    let plan = plan_of("2025-10-02", Subject::Report, Vec::new());
    let error = book::plan(&book, &plan).await.unwrap_err();
    assert!(
        matches!(error, BookError::BadRow { column: "told", .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("report of 2025-10-01"));
}
