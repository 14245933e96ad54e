//! Messages of which nobody knows whether they arrived, and several processes at once.

use daybook::book::{Book, delivery_lock};
use daybook::commands::Ended;
use daybook::deliver::is_sent_again;
use daybook::nightly::{Night, Which};
use tokio_util::sync::CancellationToken;

use super::{mailed, with_mail, world};
use crate::smtp_server::{Act, Script, Step};
use crate::world::{World, date, instant};

const LINE: [&str; 4] = ["collect", "--date", "2025-10-03", "--send-email"];
const BEA: &str = r#""bea@example.org""#;

/// What is in doubt is sent again.
fn resend(world: &World) {
    let report = format!("[report]\nrecipients = [{BEA}]\non_ambiguous = \"resend\"\n");
    world.write("daybook.toml", &format!("{}\n{report}", super::SETTINGS));
}

#[tokio::test]
async fn a_lost_answer_is_held_until_somebody_sends_it_again() {
    let script = Script::accepting().on_nth(1, Step::Dot, Act::TakeAndDrop);
    let (world, _, server) = with_mail(BEA, script).await;
    let ended = world.command(&LINE).await.unwrap();
    assert_eq!(ended, Ended::Undelivered);
    let held = world.ledger().await;
    assert!(
        held[0].starts_with("2025-10-03 report email bea@example.org 1 ambiguous 1 "),
        "{held:?}"
    );
    // It is not due, so nothing is undelivered now.
    assert_eq!(world.command(&LINE).await.unwrap(), Ended::Done);
    assert_eq!(world.ledger().await, held);
    assert_eq!(mailed(&server).len(), 1);

    let line = ["send", "--date", "2025-10-03", "--to", "bea@example.org"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert_eq!(
        world.ledger().await[1],
        "2025-10-03 report email bea@example.org 2 accepted 1 250 2.0.0 Ok: queued"
    );
    assert_eq!(mailed(&server).len(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_sent_again_as_the_same_message_where_the_settings_say_so() {
    let script = Script::accepting().on_nth(1, Step::Dot, Act::TakeAndDrop);
    let (world, _, server) = with_mail(BEA, script).await;
    resend(&world);
    world.morning(Which::One(date("2025-10-03")), true).await;
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report email bea@example.org 1 accepted 2 250 2.0.0 Ok: queued"]
    );
    let sent = server.accepted();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].message, sent[1].message);
}

#[tokio::test]
async fn a_doubt_outlives_a_refusal_in_passing() {
    let script = Script::accepting()
        .on_nth(1, Step::Dot, Act::TakeAndDrop)
        .on_nth(2, Step::Dot, Act::Say("451 4.3.0 Later".to_owned()));
    let (mut world, _, server) = with_mail(BEA, script).await;
    resend(&world);
    let which = Which::One(date("2025-10-03"));
    let first = world.morning(which.clone(), false).await;
    world.at("2025-10-04T16:00:00Z");
    let second = world.morning(which.clone(), false).await;
    let since = |night: &Night| night.deliveries[0].in_doubt_since;
    assert!(since(&first).is_some());
    assert_eq!(since(&first), since(&second));
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report email bea@example.org 1 ambiguous 2 451 4.3.0 Later"]
    );
    // Resend has forgotten the message's key a day after the doubt began, not after the last attempt.
    let row = &second.deliveries[0];
    world.write(
        "daybook.toml",
        &format!("{}\n[report]\nrecipients = [{BEA}]\n", super::SETTINGS),
    );
    world.set("DAYBOOK_SMTP_URL", "smtps://resend:re_key@smtp.resend.com");
    let sent_again = |now: &str| is_sent_again(row, &world.config(), instant(now));
    assert!(sent_again("2025-10-05T04:00:00Z"));
    assert!(!sent_again("2025-10-05T04:01:00Z"));
    assert_eq!(mailed(&server).len(), 1);
}

#[tokio::test]
async fn by_resend_a_message_in_doubt_is_said_to_be_held_only_after_a_day() {
    let script = Script::accepting().on_nth(1, Step::Dot, Act::TakeAndDrop);
    let (mut world, _, _server) = with_mail(BEA, script).await;
    let night = world.morning(Which::One(date("2025-10-03")), false).await;
    let row = &night.deliveries[0];
    let sent_again = |world: &World, now: &str| is_sent_again(row, &world.config(), instant(now));
    assert!(!sent_again(&world, "2025-10-04T04:10:00Z"), "held");
    world.set("DAYBOOK_SMTP_URL", "smtps://resend:re_key@smtp.resend.com");
    assert!(sent_again(&world, "2025-10-05T04:00:00Z"));
    assert!(!sent_again(&world, "2025-10-05T04:01:00Z"));
}

#[tokio::test]
async fn a_server_that_never_answers_gets_a_message_in_doubt_only_twice_a_run() {
    let script = Script::accepting().on(Step::Dot, Act::TakeAndDrop);
    let (world, _, server) = with_mail(BEA, script).await;
    resend(&world);
    world.morning(Which::One(date("2025-10-03")), true).await;
    assert_eq!(mailed(&server).len(), 2);
    let ledger = world.ledger().await;
    assert!(
        ledger[0].starts_with("2025-10-03 report email bea@example.org 1 ambiguous 2 "),
        "{ledger:?}"
    );
}

#[tokio::test]
async fn what_a_dead_process_was_sending_is_in_doubt() {
    let script = Script::accepting().on_nth(1, Step::Rcpt, Act::Say("450 4.2.1 Busy".to_owned()));
    let (world, _, server) = with_mail(BEA, script).await;
    let which = Which::One(date("2025-10-03"));
    world.morning(which.clone(), false).await;
    world
        .meddle("UPDATE deliveries SET state = 'sending', retry_at = NULL, claimed_at = planned_at")
        .await;
    let night = world.morning(which, true).await;
    assert_eq!(night.deliveries.len(), 1);
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report email bea@example.org 1 ambiguous 1 the process ended while the message was on its way"
        ]
    );
    assert!(mailed(&server).is_empty());
}

#[tokio::test]
async fn while_another_collects_what_is_due_goes_out_all_the_same() {
    let script = Script::accepting().on_nth(1, Step::Rcpt, Act::Say("450 4.2.1 Busy".to_owned()));
    let (world, _, server) = with_mail(BEA, script).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    let lock = Book::lock(&world.book_url()).await.unwrap();
    let night = world.morning(Which::One(date("2025-10-03")), false).await;
    drop(lock);
    assert!(night.elsewhere);
    assert_eq!(mailed(&server), ["bea@example.org"]);
    assert_eq!(night.deliveries.len(), 1);
}

#[tokio::test]
async fn two_at_once_share_the_work_and_nobody_gets_two() {
    let readers: Vec<String> = (0..8)
        .map(|n| format!(r#""reader{n}@example.org""#))
        .collect();
    let script =
        Script::accepting().on_nth(1, Step::Greeting, Act::Say("421 4.3.2 Not yet".to_owned()));
    let (world, _, server) = with_mail(&readers.join(", "), script).await;
    let which = Which::One(date("2025-10-03"));
    world.morning(which.clone(), false).await;
    assert!(mailed(&server).is_empty());
    tokio::join!(
        world.morning(which.clone(), false),
        world.morning(which, false)
    );
    let mut got = mailed(&server);
    got.sort();
    let all: Vec<String> = (0..8).map(|n| format!("reader{n}@example.org")).collect();
    assert_eq!(got, all);
}

#[tokio::test]
async fn somebody_who_asks_to_stop_leaves_the_rest_due() {
    let (world, _) = world("").await;
    world.night(Which::One(date("2025-10-03"))).await;
    let book = Book::open(&world.book_url(), std::time::Duration::ZERO)
        .await
        .unwrap();
    let held = delivery_lock(&book, std::time::Duration::ZERO)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let ((), night) = tokio::join!(
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            asked.cancel();
        },
        world.stoppable(Which::One(date("2025-10-03")), stop)
    );
    drop(held);
    assert_eq!(night.deliveries.len(), 1);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 planned 0"]
    );
}
