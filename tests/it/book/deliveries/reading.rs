//! The ledger as commands and reports read it.

use std::time::Duration;

use daybook::book::{self, BookError, Channel, Filter, Subject, Terms};
use daybook::prune;

use super::super::{count, date, execute, new_book};
use super::{
    accept, at, due_ids, holding, mail, message, night_after, one, plan_mails, plan_of, refused,
};
use crate::world::in_a_file;

#[tokio::test]
async fn the_newest_day_is_read_first_and_filters_hold() {
    let (_folder, book) = new_book().await;
    plan_mails(&book, "2025-10-02", &["ada@example.org", "bea@example.org"]).await;
    plan_mails(&book, "2025-10-03", &["ada@example.org"]).await;
    plan_mails(&book, "2025-10-01", &["ada@example.org"]).await;
    let read = async |filter: Filter| -> Vec<i64> {
        let rows = book::deliveries(&book, &filter).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(read(Filter::default()).await, [3, 1, 2, 4]);
    let limit = Some(2);
    assert_eq!(
        read(Filter {
            limit,
            ..Filter::default()
        })
        .await,
        [3, 1]
    );
    let day = Some(date("2025-10-02"));
    assert_eq!(
        read(Filter {
            date: day,
            ..Filter::default()
        })
        .await,
        [1, 2]
    );
    let ids = Some(vec![4, 2, 99]);
    assert_eq!(
        read(Filter {
            ids,
            ..Filter::default()
        })
        .await,
        [2, 4]
    );
    let ids = Some(Vec::new());
    assert!(
        read(Filter {
            ids,
            ..Filter::default()
        })
        .await
        .is_empty()
    );
    let ids = Some(vec![1, 2, 3]);
    assert_eq!(
        read(Filter {
            date: day,
            limit: Some(1),
            ids
        })
        .await,
        [1]
    );
}

#[tokio::test]
async fn what_is_due_comes_oldest_day_first_with_its_ping_last() {
    let (_folder, book) = new_book().await;
    for day in ["2025-10-03", "2025-10-02"] {
        let all = vec![
            message(Channel::Ping, "ping"),
            message(Channel::Webhook, "team"),
            mail("ada@example.org"),
            message(Channel::Outbox, "outbox"),
        ];
        let plan = plan_of(day, Subject::Report, all);
        book::plan(&book, &plan).await.unwrap();
    }
    assert_eq!(due_ids(&book, &holding()).await, [6, 7, 8, 5, 2, 3, 4, 1]);
    let newer = Terms {
        planned_after: night_after("2025-10-03"),
        ..holding()
    };
    assert_eq!(due_ids(&book, &newer).await, [2, 3, 4, 1]);
}

#[tokio::test]
async fn the_last_day_planned_to_somebody_leaves_out_what_failed_for_good() {
    let (_folder, book) = new_book().await;
    let days = ["2025-10-01", "2025-10-02", "2025-10-03"];
    for day in days {
        plan_mails(&book, day, &["ada@example.org"]).await;
    }
    let last = async |channel, recipient| {
        let last = book::last_planned_to(&book, channel, recipient, date(days[2])).await;
        last.unwrap()
    };
    let now = night_after("2025-10-03");
    assert_eq!(
        last(Channel::Email, "ADA@example.org").await,
        Some(date(days[2]))
    );
    let passing = refused("451 later", Some(now));
    book::note(&book, 3, &passing, now).await.unwrap();
    assert_eq!(
        last(Channel::Email, "ada@example.org").await,
        Some(date(days[2]))
    );
    let lasting = refused("550 No such user", None);
    book::note(&book, 3, &lasting, now).await.unwrap();
    assert_eq!(
        last(Channel::Email, "ada@example.org").await,
        Some(date(days[1]))
    );
    accept(&book, 2).await;
    assert_eq!(
        last(Channel::Email, "ada@example.org").await,
        Some(date(days[1]))
    );
    assert_eq!(last(Channel::Email, "bea@example.org").await, None);
    assert_eq!(last(Channel::Webhook, "ada@example.org").await, None);
}

#[tokio::test]
async fn undelivered_is_what_nobody_got_by_a_later_copy_either() {
    let (_folder, book) = new_book().await;
    let all = ["ada@example.org", "bea@example.org", "cem@example.org"];
    plan_mails(&book, "2025-10-01", &all).await;
    plan_mails(&book, "2025-10-02", &all[..1]).await;
    let now = night_after("2025-10-01");
    let lasting = refused("550 No such user", None);
    for id in [1, 2, 4] {
        book::note(&book, id, &lasting, now).await.unwrap();
    }
    book::claim(&book, 3, now).await.unwrap();
    let doubt = book::DeliveryEnding::Ambiguous {
        reply: "lost".into(),
    };
    book::note(&book, 3, &doubt, now).await.unwrap();
    let missed = async |since: &str, before: &str| -> Vec<i64> {
        let rows = book::undelivered(&book, date(since), date(before)).await;
        rows.unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!(missed("2025-10-01", "2025-10-02").await, [1, 2, 3]);
    assert_eq!(missed("2025-10-02", "2025-10-03").await, [4]);
    assert_eq!(missed("2025-10-01", "2025-10-03").await, [1, 2, 3, 4]);

    let again = at("2025-10-05T08:00:00Z");
    let copies = [mail("Ada@example.org")];
    let id = book::add_copies(&book, date("2025-10-01"), Subject::Report, &copies, again).await;
    assert_eq!(id.unwrap(), [5]);
    assert_eq!(missed("2025-10-01", "2025-10-02").await, [2, 3]);
    book::note(&book, 5, &lasting, again).await.unwrap();
    assert_eq!(missed("2025-10-01", "2025-10-02").await, [2, 3, 5]);
}

#[tokio::test]
async fn a_report_names_what_may_have_failed_for_good_since_the_last_one() {
    let (_folder, book) = new_book().await;
    let days = ["2025-09-29", "2025-09-30", "2025-10-03"];
    let lasting = refused("550 No such user", None);
    for (day, ids) in days.into_iter().zip([[1, 2], [3, 4], [5, 6]]) {
        let messages = vec![mail("ada@example.org"), message(Channel::Ping, "success")];
        let plan = plan_of(day, Subject::Report, messages);
        book::plan(&book, &plan).await.unwrap();
        for id in ids {
            book::note(&book, id, &lasting, night_after(day))
                .await
                .unwrap();
        }
    }
    // Tried again for up to three days, so for four days each report names it.
    let give_up = Duration::from_secs(3 * 86_400);
    for (report, before, expected) in [
        ("2025-10-03", "2025-10-03", &[1, 3][..]),
        ("2025-10-04", "2025-10-04", &[3, 5]),
        ("2025-10-03", "2025-10-04", &[1, 3, 5]),
    ] {
        let lost = book::lost_to_readers(&book, date(report), date(before), give_up).await;
        let ids: Vec<i64> = lost.unwrap().iter().map(|row| row.id).collect();
        assert_eq!(ids, expected, "{report} {before}");
    }
}

#[tokio::test]
async fn an_unreadable_row_is_named_with_its_column() {
    if !in_a_file() {
        return;
    }
    let cases = [
        ("UPDATE deliveries SET channel = 'smtp'", "channel"),
        ("UPDATE deliveries SET language = 'tlh'", "language"),
        ("UPDATE deliveries SET numbers = 'roman'", "numbers"),
        ("UPDATE deliveries SET planned_at = 'today'", "planned_at"),
        ("UPDATE deliveries SET attempts = -1", "attempts"),
        (
            "UPDATE deliveries SET collection_date = 'today'",
            "collection_date",
        ),
    ];
    for (damage, expected) in cases {
        let (_folder, book) = new_book().await;
        plan_mails(&book, "2025-10-03", &["ada@example.org"]).await;
        execute(book.url(), damage).await;
        let error = book::deliveries(&book, &Filter::default())
            .await
            .unwrap_err();
        let told = error.to_string();
        assert!(told.contains("unreadable delivery 1"), "{told}");
        assert!(
            matches!(error, BookError::BadRow { column, .. } if column == expected),
            "{told}"
        );
    }
    let cases = [
        ("UPDATE reports SET also_dates = '[7]'", "also_dates"),
        ("UPDATE reports SET corrections = '{}'", "corrections"),
        (
            "UPDATE reports SET recipients = '[{\"address\":1}]'",
            "recipients",
        ),
        (
            "UPDATE reports SET bad_addresses = '[[\"a\"]]'",
            "bad_addresses",
        ),
        ("UPDATE reports SET planned_at = ''", "planned_at"),
    ];
    for (damage, expected) in cases {
        let (_folder, book) = new_book().await;
        plan_mails(&book, "2025-10-03", &[]).await;
        execute(book.url(), damage).await;
        let read = book::planned(&book, date("2025-10-03"), Subject::Report).await;
        let error = read.unwrap_err();
        assert!(
            matches!(error, BookError::BadRow { column, .. } if column == expected),
            "{error}"
        );
    }
}

#[tokio::test]
async fn old_reports_go_with_their_deliveries() {
    let (_folder, book) = new_book().await;
    for day in ["2024-10-01", "2024-10-02", "2024-10-03"] {
        plan_mails(&book, day, &["ada@example.org", "bea@example.org"]).await;
    }
    // 31 days after the third of these days its reports are kept still.
    let pruned = prune::prune(&book, &[], date("2024-11-03")).await.unwrap();
    assert_eq!(pruned.deliveries, 4);
    assert_eq!(count(book.url(), "SELECT count(*) FROM reports").await, 1);
    assert_eq!(one(&book, 5).await.date, date("2024-10-03"));
}

#[tokio::test]
async fn the_newest_copy_counts_for_each_address_in_any_case_and_each_webhook_by_its_letters() {
    const DAY: &str = "2025-10-03";
    let (_folder, book) = new_book().await;
    let webhook = |name| message(Channel::Webhook, name);
    let messages = vec![
        mail("Ada@Example.org"),
        webhook("ops"),
        webhook("Ops"),
        message(Channel::Ping, "success"),
    ];
    let plan = plan_of(DAY, Subject::Report, messages);
    book::plan(&book, &plan).await.unwrap();
    let again = [mail("ada@example.org"), webhook("Ops")];
    let now = at("2025-10-04T08:00:00Z");
    let added = book::add_copies(&book, date(DAY), Subject::Report, &again, now).await;
    assert_eq!(added.unwrap(), [5, 6]);
    let all = book::deliveries(&book, &Filter::default()).await.unwrap();
    for (subject, expected) in [(Subject::Report, &[2, 5, 6][..]), (Subject::Open, &[])] {
        let newest = book::newest_copies(&book, date(DAY), subject).await;
        let ids: Vec<i64> = newest.unwrap().iter().map(|one| one.id).collect();
        assert_eq!(ids, expected);
    }
    assert!(all[0].is_to(Channel::Email, "ADA@EXAMPLE.ORG"));
    assert!(!all[1].is_to(Channel::Webhook, "Ops"));
    assert!(!all[0].is_to(Channel::Outbox, "Ada@Example.org"));
}
