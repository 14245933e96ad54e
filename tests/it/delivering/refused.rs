//! What becomes of messages that the server does not take.

use std::collections::BTreeSet;

use daybook::book::{Book, Subject};
use daybook::commands::Ended;
use daybook::nightly::{About, Which, letters};

use super::{mailed, with_mail};
use crate::http_server;
use crate::smtp_server::{Act, Script, Step};
use crate::world::{date, instant};

const TWO: &str = r#""ada@example.org", "bea@example.org""#;

fn yesterday() -> Which {
    Which::One(date("2025-10-03"))
}

#[tokio::test]
async fn what_is_refused_in_passing_is_tried_again_in_the_same_run() {
    let busy = Act::Say("450 4.2.1 Busy".to_owned());
    let script = Script::accepting().on_nth(1, Step::Rcpt, busy);
    let (world, _, server) = with_mail(TWO, script).await;
    world.morning(yesterday(), true).await;
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report email ada@example.org 1 accepted 2 250 2.0.0 Ok: queued",
            "2025-10-03 report email bea@example.org 1 accepted 1 250 2.0.0 Ok: queued",
        ]
    );
    assert_eq!(mailed(&server), ["bea@example.org", "ada@example.org"]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_stays_refused_is_left_to_the_next_run() {
    let script = Script::accepting().rcpt("bea@example.org", "450 4.2.1 Busy");
    let (mut world, _, server) = with_mail(TWO, script).await;
    world.set("DAYBOOK_RETRY_FOR", "0");
    let line = ["collect", "--date", "2025-10-03", "--send-email"];
    for attempts in 1..=2 {
        let ended = world.command(&line).await.unwrap();
        assert_eq!(ended, Ended::Undelivered);
        assert_eq!(
            world.ledger().await,
            [
                "2025-10-03 report email ada@example.org 1 accepted 1 250 2.0.0 Ok: queued"
                    .to_owned(),
                format!(
                    "2025-10-03 report email bea@example.org 1 failed in passing {attempts} 450 4.2.1 Busy"
                ),
            ]
        );
    }
    assert_eq!(mailed(&server), ["ada@example.org"]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_and_told_in_the_next_report() {
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 No such user");
    let (mut world, _, server) = with_mail(TWO, script).await;
    let night = world.morning(yesterday(), true).await;
    assert_eq!(night.deliveries.len(), 2);
    let again = world.morning(yesterday(), true).await;
    assert!(again.deliveries.is_empty());
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report email ada@example.org 1 accepted 1 250 2.0.0 Ok: queued",
            "2025-10-03 report email bea@example.org 1 failed 1 550 5.1.1 No such user",
        ]
    );
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), true).await;
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let about = About {
        date: date("2025-10-04"),
        subject: Subject::Report,
    };
    let now = instant("2025-10-05T04:00:00Z");
    let letter = letters::letter(&world.config(), &book, about, now).await;
    let lost = letter.unwrap().unwrap().around.undelivered;
    let lost: Vec<_> = lost
        .iter()
        .map(|one| (one.date.to_string(), one.recipient.as_str(), one.in_doubt))
        .collect();
    assert_eq!(lost, [("2025-10-03".to_owned(), "bea@example.org", false)]);
    assert_eq!(mailed(&server), ["ada@example.org"; 2]);
}

#[tokio::test]
async fn after_three_days_it_is_given_up() {
    let script = Script::accepting().say(Step::Greeting, "421 4.3.2 Closed");
    let (mut world, _, server) = with_mail(r#""ada@example.org""#, script).await;
    world.morning(yesterday(), false).await;
    let reply = world.ledger().await.remove(0);
    assert!(reply.contains(" failed in passing 1 "), "{reply}");
    let words = reply.split_once(" failed in passing 1 ").unwrap().1;
    world.at("2025-10-07T04:00:01Z");
    let night = world.morning(Which::One(date("2025-10-06")), false).await;
    assert_eq!(night.deliveries.len(), 2);
    assert_eq!(
        world.ledger().await[0],
        format!("2025-10-03 report email ada@example.org 1 failed 1 gave up after 3d: {words}")
    );
    assert!(server.accepted().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_once_for_all_readers() {
    let script = Script::accepting().say(Step::Greeting, "421 4.3.2 Closed");
    let readers: Vec<String> = (0..20)
        .map(|n| format!(r#""reader{n}@example.org""#))
        .collect();
    let (world, _, server) = with_mail(&readers.join(", "), script).await;
    world.morning(yesterday(), false).await;
    assert_eq!(server.connections(), 1);
    let lines: BTreeSet<String> = world
        .ledger()
        .await
        .iter()
        .map(|line| {
            line.split_once(" 1 failed in passing 1 ")
                .unwrap()
                .1
                .to_owned()
        })
        .collect();
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn a_broken_conversation_is_begun_anew_and_the_others_get_theirs() {
    let script = Script::accepting().on_nth(1, Step::Data, Act::Drop);
    let (world, _, server) = with_mail(TWO, script).await;
    world.morning(yesterday(), true).await;
    assert_eq!(mailed(&server), ["bea@example.org", "ada@example.org"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_server_that_takes_one_message_a_conversation_gets_them_all_in_one_round() {
    let mut script = Script::accepting();
    // Every second question for a message comes too much; the one after it is a conversation's first.
    for nth in [2, 4, 6, 8] {
        script = script.on_nth(nth, Step::Mail, Act::Say("421 4.7.0 Enough".to_owned()));
    }
    let readers: Vec<String> = (0..5)
        .map(|n| format!(r#""reader{n}@example.org""#))
        .collect();
    let (world, _, server) = with_mail(&readers.join(", "), script).await;
    world.morning(yesterday(), false).await;
    let got: Vec<String> = (0..5).map(|n| format!("reader{n}@example.org")).collect();
    assert_eq!(mailed(&server), got);
    assert_eq!(server.connections(), 5);
    for line in world.ledger().await {
        assert!(line.contains(" accepted 1 "), "{line}");
    }
}

#[tokio::test]
async fn a_way_that_is_closed_harms_no_other_and_success_is_not_told() {
    let fine = || http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let checks = http_server::Server::plain(vec![fine(), fine()]).await;
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 No such user");
    let (mut world, _, _server) = with_mail(TWO, script).await;
    world.write(
        "daybook.toml",
        &format!(
            "{}\n[report]\nrecipients = [{TWO}]\n[outbox]\ndirectory = \"app.db/outbox\"\n",
            super::SETTINGS
        ),
    );
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping", checks.port),
    );
    world.morning(yesterday(), false).await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.len(), 4);
    assert!(ledger[0].starts_with("2025-10-03 report email ada@example.org 1 accepted 1 "));
    assert!(ledger[1].starts_with("2025-10-03 report email bea@example.org 1 failed 1 550 "));
    assert!(ledger[2].starts_with("2025-10-03 report outbox outbox 1 failed in passing 1 cannot "));
    assert_eq!(ledger[3], "2025-10-03 report ping success 1 planned 0");
    let asked = checks.asked();
    let paths: Vec<&str> = asked.iter().map(|one| one.line.as_str()).collect();
    assert_eq!(
        paths,
        ["POST /ping/start HTTP/1.1", "POST /ping/fail HTTP/1.1"]
    );
    let words = &asked[1].body;
    assert!(
        words.starts_with(
            "report of 2025-10-03: 2 of 3 not delivered: bea@example.org: 550 5.1.1 No such user"
        ),
        "{words}"
    );
}
