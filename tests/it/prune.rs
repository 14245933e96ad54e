//! Retention: what is old enough to go, and what stays.

use std::time::Duration;

use chrono::NaiveDate;

use daybook::book::{self, Book};
use daybook::entry::merge::Mode;
use daybook::prune::{self, Pruned};

use super::book::{count, date, entry_on, execute};
use crate::world::book_url;

#[test]
fn a_row_exactly_as_old_as_the_retention_stays_and_the_day_before_goes() {
    let dates = [date("2024-10-02"), date("2024-10-03"), date("2024-10-04")];
    let planned = prune::plan(&dates, date("2025-10-03"), 365, None);
    assert_eq!(planned, [date("2024-10-02")]);
    assert_eq!(
        prune::oldest_kept(date("2025-10-03"), 365),
        date("2024-10-03")
    );
}

#[test]
fn retention_over_a_leap_day_counts_it() {
    assert_eq!(
        prune::oldest_kept(date("2024-03-01"), 1),
        date("2024-02-29")
    );
    assert_eq!(
        prune::oldest_kept(date("2025-02-28"), 365),
        date("2024-02-29")
    );
}

#[test]
fn seven_days_go_without_asking_and_eight_do_not() {
    let dates: Vec<NaiveDate> = date("2024-09-25").iter_days().take(400).collect();
    let doubted = |today: &str| {
        let planned = prune::plan(&dates, date(today), 365, None);
        (
            planned.len(),
            prune::doubt(&planned, &dates, date(today), 365),
        )
    };
    assert_eq!(doubted("2025-10-02"), (7, None));
    let eight = prune::Doubt::Many {
        days: 8,
        first: date("2024-09-25"),
        retention: 365,
        needed: 373,
    };
    assert_eq!(doubted("2025-10-03"), (8, Some(eight)));
}

#[test]
fn after_a_month_without_a_new_day_not_even_one_goes() {
    let dates = [date("2024-10-01"), date("2025-09-02")];
    let one = [date("2024-10-01")];
    assert_eq!(prune::doubt(&one, &dates, date("2025-10-03"), 365), None);
    let silence = prune::Doubt::Silence {
        days: 1,
        newest: date("2025-09-02"),
        today: date("2025-10-04"),
    };
    let doubt = prune::doubt(&one, &dates, date("2025-10-04"), 365);
    assert_eq!(
        silence.to_string(),
        "1 day is older than the retention, but the newest stored day is Tue 2 Sep 2025, 32 days ago by this machine's \
         clock: if the clock is right, run `daybook prune --yes`"
    );
    assert_eq!(doubt, Some(silence));
}

#[test]
fn the_row_just_written_is_never_planned() {
    let dates = [date("2020-01-01"), date("2020-01-02")];
    let planned = prune::plan(&dates, date("2025-10-03"), 30, Some(date("2020-01-02")));
    assert_eq!(planned, [date("2020-01-01")]);
}

#[test]
fn a_retention_without_end_keeps_everything() {
    assert_eq!(
        prune::oldest_kept(date("2025-10-03"), u32::MAX),
        NaiveDate::MIN
    );
    assert!(prune::plan(&[date("0001-01-01")], date("2025-10-03"), u32::MAX, None).is_empty());
}

#[tokio::test]
async fn pruning_deletes_what_was_planned_over_several_batches_and_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    let days: Vec<NaiveDate> = date("2024-01-01").iter_days().take(250).collect();
    let entries = days.iter().map(|day| entry_on(*day)).collect();
    book::store_many(&book, entries, Mode::Replace)
        .await
        .unwrap();

    // 2024-09-06 is the 250th day; 10 days before it is 2024-08-27, the 240th.
    let today = date("2024-09-06");
    let planned = prune::plan(&book::all_dates(&book).await.unwrap(), today, 10, None);
    assert_eq!(planned.len(), 239);
    let oldest = prune::oldest_kept(today, 10);
    let pruned = prune::prune(&book, &planned, oldest).await.unwrap();
    assert_eq!(pruned.entries, 239);
    assert_eq!(
        book::first_date(&book).await.unwrap(),
        Some(date("2024-08-27"))
    );
    let again = prune::prune(&book, &planned, oldest).await.unwrap();
    assert_eq!(again, Pruned::default());
}

#[tokio::test]
async fn old_runs_go_with_their_statements_old_deliveries_with_their_entries_and_mutes_that_are_over()
 {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    for (day, hour) in [("2024-10-02", "23:59"), ("2024-10-03", "00:00")] {
        let began = format!("{day}T{hour}:00Z").parse().unwrap();
        let run = book::begin_run(&book, "collect", began).await.unwrap();
        let statement = book::Statement {
            database: String::new(),
            what: "total_users".into(),
            duration_ms: 3,
            rows: 1,
            error: None,
        };
        book::record_statements(&book, run, &[statement])
            .await
            .unwrap();
    }
    // The entry of 31 August was just written, so its delivery is still due.
    book::store(&book, entry_on(date("2024-08-31")), Mode::Replace)
        .await
        .unwrap();
    execute(
        &url,
        "INSERT INTO deliveries (collection_date, subject, channel, recipient, message_id, planned_at) VALUES
            ('2024-09-01', 'report', 'smtp', 'ada@example.org', 'a', '2024-09-01T22:00:00.000000Z'),
            ('2024-09-01', 'open', 'smtp', 'ada@example.org', 'b', '2024-09-02T00:00:00.000000Z'),
            ('2024-08-31', 'report', 'smtp', 'ada@example.org', 'c', '2024-08-31T22:00:00.000000Z'),
            ('2024-09-02', 'report', 'smtp', 'ada@example.org', 'd', '2024-09-01T22:00:00.000000Z')",
    )
    .await;

    execute(
        &url,
        "INSERT INTO mutes (\"key\", muted_at, until_date, because) VALUES
            ('total_users', '2024-09-30T06:00:00.000000Z', '2024-10-02', 'over before'),
            ('total_users', '2024-09-30T06:00:00.000000Z', '2024-10-03', 'just kept')",
    )
    .await;

    // 2 September is 31 days before 3 October.
    let pruned = prune::prune(&book, &[], date("2024-10-03")).await.unwrap();
    assert_eq!(
        pruned,
        Pruned {
            entries: 0,
            runs: 1,
            deliveries: 1,
            mutes: 1
        }
    );
    assert_eq!(count(&url, "SELECT count(*) FROM runs").await, 1);
    assert_eq!(count(&url, "SELECT count(*) FROM run_statements").await, 1);
    assert_eq!(count(&url, "SELECT count(*) FROM deliveries").await, 3);
    assert_eq!(count(&url, "SELECT count(*) FROM mutes").await, 1);
}
