//! Planning: once, with the day, over what was planned before.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use daybook::book::{self, BookError, Channel, DeliveryState, Filter, Subject};
use daybook::entry::Entry;
use daybook::entry::merge::Mode;

use super::super::{count, date, entry_on, execute, new_book};
use super::{
    GERMAN, accept, at, due_ids, holding, known, mail, message, night_after, one, plan_mails,
    plan_of, refused,
};
use crate::world::in_a_file;

const DAY: &str = "2025-10-03";

#[tokio::test]
async fn a_report_is_read_as_it_was_planned() {
    let (_folder, book) = new_book().await;
    let mut plan = plan_of(DAY, Subject::Failure, vec![mail("ada@example.org")]);
    plan.report.also = ["2025-10-01", "2025-10-02"].map(date).into();
    plan.report.recipients = vec![known("ada@example.org"), known("bea@example.org")];
    plan.report.stale_recipients = Some("no such table: users".into());
    plan.report.bad_addresses = vec![("ada@\r\n\"x\"".into(), "no domain".into())];
    plan.report.reason = Some("unreachable \u{202e}".into());
    plan.messages[0].name = Some("Ada \"L\"".into());
    plan.messages[0].locale = GERMAN;
    assert_eq!(book::plan(&book, &plan).await.unwrap(), 1);

    let read = book::planned(&book, date(DAY), Subject::Failure).await;
    assert_eq!(read.unwrap().as_ref(), Some(&plan.report));
    let other = book::planned(&book, date(DAY), Subject::Report).await;
    assert_eq!(other.unwrap(), None);
    let row = one(&book, 1).await;
    assert_eq!(
        (row.name.as_deref(), row.locale),
        (Some("Ada \"L\""), GERMAN)
    );
    assert_eq!(row.planned_at, night_after(DAY));
    assert_eq!(row.message_id, "ada@example.org@daybook.invalid");
    assert_eq!((row.copy, row.state), (1, DeliveryState::Planned));
}

#[tokio::test]
async fn planning_again_adds_only_who_was_not_planned() {
    let (_folder, book) = new_book().await;
    let mut plan = plan_of(DAY, Subject::Report, vec![mail("ada@example.org")]);
    assert_eq!(book::plan(&book, &plan).await.unwrap(), 1);
    accept(&book, 1).await;
    let before = one(&book, 1).await;
    assert_eq!(book::plan(&book, &plan).await.unwrap(), 0);

    plan.report.reason = Some("another".into());
    plan.messages = vec![
        mail("ADA@Example.org"),
        message(Channel::Webhook, "team"),
        message(Channel::Webhook, "Team"),
    ];
    assert_eq!(book::plan(&book, &plan).await.unwrap(), 2);
    assert_eq!(one(&book, 1).await, before);
    let report = book::planned(&book, date(DAY), Subject::Report).await;
    assert_eq!(report.unwrap().unwrap().reason, None);
}

#[tokio::test]
async fn a_day_and_its_plan_are_stored_together_or_not_at_all() {
    if !in_a_file() {
        return;
    }
    let (_folder, book) = new_book().await;
    execute(
        book.url(),
        "CREATE TRIGGER full BEFORE INSERT ON deliveries WHEN new.recipient = 'bea@example.org'
         BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .await;
    let mails = vec![mail("ada@example.org"), mail("bea@example.org")];
    let plan = plan_of(DAY, Subject::Report, mails);
    let entries = vec![entry_on(date(DAY))];
    let failed = book::store_and_plan(&book, entries.clone(), Mode::Replace, Some(&plan)).await;
    assert!(matches!(failed, Err(BookError::Failed { .. })));
    for table in [
        "SELECT count(*) FROM daily_metrics",
        "SELECT count(*) FROM reports",
        "SELECT count(*) FROM deliveries",
    ] {
        assert_eq!(count(book.url(), table).await, 0, "{table}");
    }

    execute(book.url(), "DROP TRIGGER full").await;
    let stored = book::store_and_plan(&book, entries, Mode::Replace, Some(&plan)).await;
    assert_eq!(stored.unwrap().len(), 1);
    assert_eq!(due_ids(&book, &holding()).await.len(), 2);
    let told = "SELECT count(*) FROM reports WHERE told = '{\"total_users\":5012}'";
    assert_eq!(count(book.url(), told).await, 1);
}

#[tokio::test]
async fn a_plan_goes_with_its_day_wherever_that_stands_in_a_long_range() {
    let (_folder, book) = new_book().await;
    let days: Vec<_> = date("2025-08-01").iter_days().take(64).collect();
    let newest_first: Vec<Entry> = days.iter().rev().map(|day| entry_on(*day)).collect();
    let plan = plan_of(DAY, Subject::Report, vec![mail("ada@example.org")]);
    assert_eq!(days[63], date(DAY));
    let stored = book::store_and_plan(&book, newest_first, Mode::Refill, Some(&plan)).await;
    let in_order: Vec<_> = stored.unwrap().iter().map(|day| day.after.date).collect();
    assert!(in_order.iter().eq(days.iter().rev()));
    assert_eq!(due_ids(&book, &holding()).await, [1]);

    let later = plan_of(
        "2025-10-04",
        Subject::Failure,
        vec![mail("ada@example.org")],
    );
    let alone = book::store_and_plan(&book, Vec::new(), Mode::Refill, Some(&later)).await;
    assert_eq!(alone.unwrap(), []);
    assert_eq!(due_ids(&book, &holding()).await, [1, 2]);
}

#[tokio::test]
async fn the_report_of_the_complete_day_supersedes_what_was_not_sent_about_it() {
    let (_folder, book) = new_book().await;
    let all = ["ada", "bea", "cem", "dan"].map(|name| mail(&format!("{name}@example.org")));
    let open = plan_of(DAY, Subject::Open, all.to_vec());
    book::plan(&book, &open).await.unwrap();
    let other_day = plan_of("2025-10-02", Subject::Failure, all[..1].to_vec());
    book::plan(&book, &other_day).await.unwrap();
    let now = night_after(DAY);
    accept(&book, 1).await;
    let later = refused("451 later", Some(now));
    book::note(&book, 2, &later, now).await.unwrap();
    book::claim(&book, 3, now).await.unwrap();

    plan_mails(&book, DAY, &["ada@example.org"]).await;
    let words = Some("superseded by the report of the complete day");
    for id in [2, 4] {
        let row = one(&book, id).await;
        assert_eq!((row.state, row.retry_at), (DeliveryState::Failed, None));
        assert_eq!(row.reply.as_deref(), words);
    }
    assert_eq!(one(&book, 1).await.state, DeliveryState::Accepted);
    assert_eq!(due_ids(&book, &holding()).await, [5, 6]);

    // What was on its way meanwhile is not tried again either.
    book::note(&book, 3, &later, now).await.unwrap();
    assert_eq!(due_ids(&book, &holding()).await, [5, 6]);
    let missed = book::undelivered(&book, date("2025-10-01"), date("2025-10-05")).await;
    assert_eq!(missed.unwrap(), []);

    // On purpose it is.
    let copies = book::add_copies(&book, date(DAY), Subject::Open, &all[3..], now).await;
    assert_eq!(copies.unwrap(), [7]);
    assert_eq!(due_ids(&book, &holding()).await, [5, 6, 7]);
}

#[tokio::test]
async fn copies_on_purpose_are_numbered_for_each_recipient() {
    let (_folder, book) = new_book().await;
    plan_mails(&book, DAY, &["ada@example.org", "bea@example.org"]).await;
    accept(&book, 1).await;
    let before = one(&book, 1).await;
    let again = at("2025-10-05T08:00:00Z");
    let copy = async |messages: &[_]| {
        let ids = book::add_copies(&book, date(DAY), Subject::Report, messages, again).await;
        ids.unwrap()
    };
    assert_eq!(
        copy(&[mail("Ada@example.org"), mail("new@example.org")]).await,
        [3, 4]
    );
    assert_eq!(copy(&[mail("ada@example.org")]).await, [5]);
    let copies = [
        one(&book, 3).await,
        one(&book, 4).await,
        one(&book, 5).await,
    ];
    assert_eq!(copies.each_ref().map(|row| row.copy), [2, 1, 3]);
    assert!(copies.iter().all(|row| row.planned_at == again));
    assert_eq!(one(&book, 1).await, before);
    // The second copy was still due when the third was asked for: one of them is enough.
    assert_eq!(due_ids(&book, &holding()).await, [2, 4, 5]);
    assert_eq!(copies[0].state, DeliveryState::Failed);
    let reply = copies[0].reply.as_deref();
    assert_eq!(reply, Some("superseded by a further copy"));
}

#[tokio::test]
async fn a_copy_of_what_was_never_planned_is_refused_whole() {
    let (_folder, book) = new_book().await;
    let messages = [mail("ada@example.org")];
    let now = night_after(DAY);
    let refused = book::add_copies(&book, date(DAY), Subject::Report, &messages, now).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, BookError::NotWritten { changed: 0, .. }));
    assert!(error.to_string().contains("which was never planned"));
    let all = book::deliveries(&book, &Filter::default()).await.unwrap();
    assert_eq!(all, []);
}

#[tokio::test]
async fn the_known_recipients_are_those_of_the_newest_report_that_had_any() {
    let (_folder, book) = new_book().await;
    assert_eq!(
        book::known_recipients(&book, NaiveDate::MAX).await.unwrap(),
        []
    );
    for (day, addresses) in [
        ("2025-10-02", &["ada@example.org", "bea@example.org"][..]),
        ("2025-10-01", &["old@example.org"]),
        ("2025-10-03", &[]),
    ] {
        let mut plan = plan_of(day, Subject::Report, Vec::new());
        plan.report.recipients = addresses.iter().map(|address| known(address)).collect();
        book::plan(&book, &plan).await.unwrap();
    }
    let read = book::known_recipients(&book, NaiveDate::MAX).await.unwrap();
    assert_eq!(read, [known("ada@example.org"), known("bea@example.org")]);
}

#[tokio::test]
async fn two_who_plan_the_same_day_at_once_plan_each_message_once() {
    let (_folder, book) = new_book().await;
    let other = book::Book::open(book.url(), std::time::Duration::ZERO)
        .await
        .unwrap();
    let mails = vec![mail("ada@example.org"), mail("bea@example.org")];
    let plan = plan_of(DAY, Subject::Report, mails);
    let (one, two) = tokio::join!(book::plan(&book, &plan), book::plan(&other, &plan));
    let new = BTreeSet::from([one.unwrap(), two.unwrap()]);
    assert_eq!(new, BTreeSet::from([0, 2]));
}
