//! A clock that is set back or forward between two attempts holds nothing back and sends nothing twice.

use daybook::book::DeliveryState;
use daybook::nightly::Which;

use crate::delivering::with_mail;
use crate::smtp_server::{Accepted, Act, Script, Server, Step};
use crate::world::date;

const BEA: &str = r#""bea@example.org""#;

/// Refuses the first attempts in passing.
fn busy(times: usize) -> Script {
    (1..=times).fold(Script::accepting(), |script, nth| {
        script.on_nth(nth, Step::Rcpt, Act::Say("450 4.2.1 Busy".to_owned()))
    })
}

/// How many reports of 3 October the server took.
fn about_the_day(server: &Server) -> usize {
    let named = |mail: &Accepted| {
        String::from_utf8_lossy(&mail.message).contains("Message-ID: <report.2025-10-03.")
    };
    server.accepted().iter().filter(|mail| named(mail)).count()
}

#[tokio::test]
async fn what_was_refused_is_sent_once_wherever_the_clock_stands_at_the_next_attempts() {
    // From 04:00 on the 4th: hours back, days back, a day forward, and home again.
    let clocks = [
        "2025-10-04T01:00:00Z",
        "2025-10-01T12:00:00Z",
        "2025-10-05T04:00:00Z",
        "2025-10-04T04:30:00Z",
    ];
    for sends_at in 0..clocks.len() {
        let (mut world, _, server) = with_mail(BEA, busy(sends_at + 1)).await;
        world.morning(Which::One(date("2025-10-03")), false).await;
        for (at, clock) in clocks.into_iter().enumerate() {
            // The catch-up knows no day in the future, so it may run under any clock.
            world.at(clock);
            world.morning(Which::CatchUp, false).await;
            let of_the_day = world
                .ledger()
                .await
                .into_iter()
                .filter(|row| row.starts_with("2025-10-03"));
            let wanted = match at < sends_at {
                true => format!("failed in passing {} 450 4.2.1 Busy", at + 2),
                false => format!("accepted {} 250 2.0.0 Ok: queued", sends_at + 2),
            };
            let row = format!("2025-10-03 report email bea@example.org 1 {wanted}");
            assert_eq!(of_the_day.collect::<Vec<_>>(), [row], "{clock}");
        }
        assert_eq!(about_the_day(&server), 1);
    }
}

#[tokio::test]
async fn what_is_in_doubt_stays_held_wherever_the_clock_stands() {
    let script = Script::accepting().on_nth(1, Step::Dot, Act::TakeAndDrop);
    let (mut world, _, server) = with_mail(BEA, script).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    let held = world.ledger().await;
    assert!(held[0].contains(" ambiguous 1 "), "{held:?}");
    for clock in [
        "2025-10-01T12:00:00Z",
        "2025-10-04T23:00:00Z",
        "2025-10-04T04:01:00Z",
    ] {
        world.at(clock);
        world.morning(Which::CatchUp, false).await;
        let ledger = world.ledger().await;
        assert_eq!(ledger[0], held[0], "{clock}");
    }
    assert_eq!(about_the_day(&server), 1);
}

#[tokio::test]
async fn a_clock_far_ahead_gives_up_aloud_and_back_again_sends_nothing_late() {
    let (mut world, _, server) = with_mail(BEA, busy(1)).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    // A day later no night would begin: the newest entry would be too long ago.
    world.at("2025-11-03T04:00:00Z");
    let night = world.morning(Which::CatchUp, false).await;
    let given_up = "failed 1 gave up after 3d: 450 4.2.1 Busy";
    let row = format!("2025-10-03 report email bea@example.org 1 {given_up}");
    assert_eq!(world.ledger().await[0], row);
    let told = night
        .deliveries
        .iter()
        .find(|row| row.date == date("2025-10-03"));
    assert_eq!(told.unwrap().state, DeliveryState::Failed);
    world.at("2025-10-04T05:00:00Z");
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(world.ledger().await[0], row);
    assert_eq!(about_the_day(&server), 0);
}
