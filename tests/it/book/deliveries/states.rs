//! Claims, answers, deaths and giving up.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use daybook::book::{
    self, Book, BookError, Channel, DeliveryEnding, DeliveryState, Subject, Terms,
};
use daybook::config::DatabaseUrl;

use super::super::new_book;
use super::super::open::{book_to_serve, on_this_thread, second_process};
use super::{
    accept, accepted, at, due_ids, holding, message, night_after, one, plan_mails, plan_of, refused,
};
use crate::world::in_a_file;

const DAY: &str = "2025-10-03";
const DIED: &str = "the process ended while the message was on its way";

#[tokio::test]
async fn a_delivery_is_claimed_then_accepted_with_its_times_and_the_answer() {
    let (_folder, book) = new_book().await;
    let planned = plan_mails(&book, DAY, &["ada@example.org"]).await.remove(0);
    assert_eq!(planned.state, DeliveryState::Planned);
    assert_eq!((planned.attempts, planned.claimed_at), (0, None));

    let claimed_at = at("2025-10-03T22:15:01.000001Z");
    assert!(book::claim(&book, planned.id, claimed_at).await.unwrap());
    let sending = one(&book, planned.id).await;
    assert_eq!(sending.state, DeliveryState::Sending);
    assert_eq!(
        (sending.attempts, sending.claimed_at),
        (1, Some(claimed_at))
    );
    assert!(due_ids(&book, &holding()).await.is_empty());

    let accepted_at = at("2025-10-03T22:15:02.5Z");
    let noted = book::note(&book, planned.id, &accepted(), accepted_at).await;
    noted.unwrap();
    let mut expected = planned;
    expected.state = DeliveryState::Accepted;
    expected.attempts = 1;
    expected.claimed_at = Some(claimed_at);
    expected.accepted_at = Some(accepted_at);
    expected.reply = Some("250 2.0.0 Ok: queued as 4XyZ".into());
    assert_eq!(one(&book, expected.id).await, expected);
}

#[tokio::test]
async fn an_ended_delivery_takes_no_further_step() {
    let (_folder, book) = new_book().await;
    let rows = plan_mails(&book, DAY, &["ada@example.org", "bea@example.org"]).await;
    let now = night_after(DAY);
    accept(&book, rows[0].id).await;
    let final_refusal = refused("550 5.1.1 No such user", None);
    let noted = book::note(&book, rows[1].id, &final_refusal, now).await;
    noted.unwrap();
    for row in &rows {
        let before = one(&book, row.id).await;
        assert!(!book::claim(&book, row.id, now).await.unwrap());
        let doubt = DeliveryEnding::Ambiguous { reply: "?".into() };
        for ending in [accepted(), refused("451 later", Some(now)), doubt] {
            let error = book::note(&book, row.id, &ending, now).await.unwrap_err();
            assert!(matches!(error, BookError::NotWritten { changed: 0, .. }));
        }
        assert_eq!(one(&book, row.id).await, before);
    }
    assert!(due_ids(&book, &holding()).await.is_empty());
    assert!(!book::claim(&book, 4711, now).await.unwrap());
}

#[tokio::test]
async fn a_passing_refusal_is_due_again_and_every_attempt_is_counted_once() {
    let (_folder, book) = new_book().await;
    let id = plan_mails(&book, DAY, &["ada@example.org"]).await[0].id;
    let (now, later) = (night_after(DAY), at("2099-01-01T00:00:00Z"));
    let ending = refused("451 4.3.0 Try later", Some(later));

    book::note(&book, id, &ending, now).await.unwrap();
    let unclaimed = one(&book, id).await;
    assert_eq!(unclaimed.state, DeliveryState::Failed);
    assert_eq!((unclaimed.attempts, unclaimed.retry_at), (1, Some(later)));
    assert_eq!(due_ids(&book, &holding()).await, [id]);

    assert!(book::claim(&book, id, now).await.unwrap());
    assert_eq!(one(&book, id).await.retry_at, None);
    book::note(&book, id, &ending, now).await.unwrap();
    assert_eq!(one(&book, id).await.attempts, 2);
    accept(&book, id).await;
    let done = one(&book, id).await;
    assert_eq!((done.attempts, done.retry_at), (3, None));
}

#[tokio::test]
async fn only_what_was_on_its_way_can_be_in_doubt() {
    let (_folder, book) = new_book().await;
    let id = plan_mails(&book, DAY, &["ada@example.org"]).await[0].id;
    let now = night_after(DAY);
    let reply = "connection lost".to_owned();
    let doubt = DeliveryEnding::Ambiguous { reply };
    let error = book::note(&book, id, &doubt, now).await.unwrap_err();
    assert!(matches!(error, BookError::NotWritten { changed: 0, .. }));

    book::claim(&book, id, now).await.unwrap();
    book::note(&book, id, &doubt, now).await.unwrap();
    let row = one(&book, id).await;
    assert_eq!(row.state, DeliveryState::Ambiguous);
    assert_eq!(row.reply.as_deref(), Some("connection lost"));

    // An attempt that did not begin says nothing about the one that perhaps arrived.
    let later = refused("connection refused", Some(now));
    book::note(&book, id, &later, now).await.unwrap();
    let row = one(&book, id).await;
    assert_eq!(row.state, DeliveryState::Ambiguous);
    assert_eq!((row.attempts, row.retry_at), (2, None));
    assert!(due_ids(&book, &holding()).await.is_empty());
}

#[tokio::test]
async fn doubt_is_due_again_only_from_the_given_claim_on() {
    let (_folder, book) = new_book().await;
    let rows = plan_mails(&book, DAY, &["ada@example.org", "bea@example.org"]).await;
    let claims = ["2025-10-03T22:15:01Z", "2025-10-03T22:15:02Z"].map(at);
    for (row, claimed_at) in rows.iter().zip(claims) {
        book::claim(&book, row.id, claimed_at).await.unwrap();
    }
    let lock = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
    let buried = book::mark_abandoned_claims(&book, &lock.unwrap())
        .await
        .unwrap();
    assert_eq!(buried, [rows[0].id, rows[1].id]);
    assert!(due_ids(&book, &holding()).await.is_empty());
    let resending = Terms {
        ambiguous_after: Some(claims[1]),
        ..holding()
    };
    assert_eq!(due_ids(&book, &resending).await, [rows[1].id]);
    let still = |id| book::still_due(&book, id, &resending);
    assert_eq!(still(rows[0].id).await.unwrap(), None);
    let found = still(rows[1].id).await.unwrap().unwrap();
    assert_eq!((found.id, found.claimed_at), (rows[1].id, Some(claims[1])));
    accept(&book, found.id).await;
}

#[test]
fn of_eight_who_claim_at_once_exactly_one_wins() {
    let ((_folder, url), id) = on_this_thread(async {
        let (folder, book) = new_book().await;
        let id = plan_mails(&book, DAY, &["ada@example.org"]).await[0].id;
        let url = book.url().clone();
        book.close().await;
        ((folder, url), id)
    });
    let claim = || {
        on_this_thread(async {
            let book = Book::open(&url, Duration::ZERO).await.unwrap();
            book::claim(&book, id, night_after(DAY)).await.unwrap()
        })
    };
    let wins = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
        let won = all.into_iter().filter_map(|one| one.join().ok());
        won.filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
    on_this_thread(async {
        let book = Book::open_to_read(&url).await.unwrap();
        assert_eq!(one(&book, id).await.attempts, 1);
    });
}

#[tokio::test]
async fn one_holds_the_delivery_lock_and_neither_readers_nor_collectors_need_it() {
    let (folder, book) = new_book().await;
    let lock = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
    assert!(lock.is_some());
    let file = folder.path().join("daybook.db.delivery.lock");
    assert_eq!(file.exists(), in_a_file());
    let second = book::delivery_lock(&book, Duration::from_millis(60)).await;
    assert!(second.unwrap().is_none());
    assert!(Book::lock(book.url()).await.unwrap().is_some());
    let reader = Book::open_to_read(book.url()).await.unwrap();
    assert!(due_ids(&reader, &holding()).await.is_empty());
    // A server needs a moment to see that its client is gone.
    drop(lock);
    let patience = Duration::from_secs(20);
    let again = book::delivery_lock(&book, patience).await.unwrap();
    assert!(again.is_some());
}

#[test]
fn a_process_killed_while_sending_leaves_its_mail_in_doubt_and_the_rest_due() {
    if let Some(url) = book_to_serve() {
        return on_this_thread(send_until_killed(&url));
    }
    let ((_folder, url), ids) = on_this_thread(async {
        let (folder, book) = new_book().await;
        let mut plan = plan_of(DAY, Subject::Report, Vec::new());
        plan.messages = vec![
            message(Channel::Email, "ada@example.org"),
            message(Channel::Webhook, "team"),
            message(Channel::Email, "bea@example.org"),
        ];
        book::plan(&book, &plan).await.unwrap();
        let ids = due_ids(&book, &holding()).await;
        let url = book.url().clone();
        book.close().await;
        ((folder, url), ids)
    });
    let test = "book::deliveries::states::a_process_killed_while_sending_leaves_its_mail_in_doubt_and_the_rest_due";
    let mut process = second_process(test, &url);
    let told = BufReader::new(process.stdout.take().unwrap());
    let mut lines = told.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("both are claimed")));
    on_this_thread(async {
        let book = Book::open(&url, Duration::ZERO).await.unwrap();
        let lock = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
        assert!(lock.is_none());
        process.kill().unwrap();
        process.wait().unwrap();

        let lock = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
        let lock = lock.unwrap();
        assert_eq!(
            book::mark_abandoned_claims(&book, &lock)
                .await
                .unwrap()
                .len(),
            2
        );
        assert!(
            book::mark_abandoned_claims(&book, &lock)
                .await
                .unwrap()
                .is_empty()
        );
        let mail = one(&book, ids[0]).await;
        assert_eq!(mail.state, DeliveryState::Ambiguous);
        assert_eq!(mail.reply.as_deref(), Some(DIED));
        let webhook = one(&book, ids[1]).await;
        assert_eq!(webhook.state, DeliveryState::Failed);
        assert_eq!(webhook.retry_at, webhook.claimed_at);
        assert_eq!(due_ids(&book, &holding()).await, ids[1..]);
    });
}

async fn send_until_killed(url: &DatabaseUrl) {
    let book = Book::open(url, Duration::ZERO).await.unwrap();
    let lock = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
    assert!(lock.is_some());
    for id in &due_ids(&book, &holding()).await[..2] {
        assert!(book::claim(&book, *id, night_after(DAY)).await.unwrap());
    }
    std::io::stdout().write_all(b"both are claimed\n").unwrap();
    // Until killed; should the test fail before that, its end closes this.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn what_is_too_old_is_given_up_with_its_last_answer_unless_it_may_have_arrived() {
    let (_folder, book) = new_book().await;
    let all = ["ada@example.org", "bea@example.org", "cem@example.org"];
    let rows = plan_mails(&book, DAY, &all).await;
    let planned_at = night_after(DAY);
    let later = refused("451 4.3.0 Try later", Some(planned_at));
    book::note(&book, rows[1].id, &later, planned_at)
        .await
        .unwrap();
    book::claim(&book, rows[2].id, planned_at).await.unwrap();

    let words = "gave up after 3d";
    let none = book::give_up(&book, planned_at, words).await.unwrap();
    assert_eq!(none, []);
    assert_eq!(due_ids(&book, &holding()).await, [rows[0].id, rows[1].id]);
    let limit = planned_at + Duration::from_micros(1);
    let given_up = book::give_up(&book, limit, words).await.unwrap();
    let told: Vec<_> = given_up
        .iter()
        .map(|row| (row.id, row.state, row.retry_at, row.reply.as_deref()))
        .collect();
    let failed = DeliveryState::Failed;
    let expected = [
        (rows[0].id, failed, None, Some("gave up after 3d")),
        (
            rows[1].id,
            failed,
            None,
            Some("gave up after 3d: 451 4.3.0 Try later"),
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(one(&book, rows[2].id).await.state, DeliveryState::Sending);
    let again = book::give_up(&book, limit, words).await.unwrap();
    assert_eq!(again, []);
}
