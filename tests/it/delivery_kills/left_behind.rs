//! What a killed program leaves in doubt is told by whoever finds it, and by the reports that follow.

use daybook::book::DeliveryState;
use daybook::nightly::Which;
use mail_parser::MessageParser;

use crate::delivering::{mailed, with_mail};
use crate::smtp_server::Script;
use crate::smtp_server::gate::Point;
use crate::world::date;

const TWO: &str = r#""ada@example.org", "bea@example.org""#;

#[tokio::test]
async fn what_a_third_program_left_behind_is_told_by_whoever_finds_it() {
    let (world, _, server) = with_mail(TWO, Script::accepting()).await;
    let pause = server.pause(Point::Rcpt, 1);
    // While the first message is under way, a row appears as another program leaves it that is killed later.
    let left_behind = async {
        pause.reached().await;
        world
            .meddle(
                "INSERT INTO reports (collection_date, subject, planned_at)
                     VALUES ('2025-10-02', 'report', '2025-10-04T04:00:00.000000Z');
                 INSERT INTO deliveries (collection_date, subject, channel, recipient, message_id, planned_at,
                         state, attempts, claimed_at)
                     SELECT '2025-10-02', subject, channel, recipient, '<other@example.org>', planned_at,
                         'sending', 1, planned_at
                     FROM deliveries WHERE recipient = 'bea@example.org';",
            )
            .await;
        drop(pause);
    };
    let ((), night) = tokio::join!(
        left_behind,
        world.morning(Which::One(date("2025-10-03")), false)
    );
    assert_eq!(mailed(&server), ["ada@example.org", "bea@example.org"]);
    let told: Vec<_> = night
        .deliveries
        .iter()
        .map(|row| (row.date, row.recipient.as_str(), row.state))
        .collect();
    assert_eq!(
        told,
        [
            (
                date("2025-10-02"),
                "bea@example.org",
                DeliveryState::Ambiguous
            ),
            (
                date("2025-10-03"),
                "ada@example.org",
                DeliveryState::Accepted
            ),
            (
                date("2025-10-03"),
                "bea@example.org",
                DeliveryState::Accepted
            ),
        ]
    );
}

#[tokio::test]
async fn doubt_whose_finder_was_killed_before_a_word_is_told_by_the_next_report() {
    let (mut world, _, server) = with_mail(TWO, Script::accepting()).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    // As it stands after one program died with the message on its way, and another right after noting that.
    world
        .meddle(
            "UPDATE deliveries SET state = 'ambiguous', accepted_at = NULL,
                 reply = 'the process ended while the message was on its way'
             WHERE recipient = 'bea@example.org'",
        )
        .await;
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    let accepted = server.accepted();
    assert_eq!(accepted.len(), 4);
    for mail in &accepted[2..] {
        let parsed = MessageParser::default().parse(&mail.message).unwrap();
        let text = parsed.body_text(0).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ");
        assert!(
            words.contains("bea@example.org")
                && words.contains("the process ended while the message was on its way"),
            "{words}"
        );
    }
}
