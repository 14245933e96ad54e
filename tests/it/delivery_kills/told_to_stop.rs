//! Told to stop at each step of a delivery: the program ends although the server says nothing any more, and
//! what had not left stays due.

use std::process::Command;
use std::time::Duration;

use daybook::nightly::Which;
use tokio_util::sync::CancellationToken;

use super::run::conversations_end;
use super::scene::{YESTERDAY, readers, settings, world};
use crate::kills::{ended, terminate};
use crate::running::program::{code, shop, words, zone_of_noon};
use crate::smtp_server::gate::Point;
use crate::smtp_server::{Script, Server};
use crate::world::{World, date};
use crate::{delivering, http_server};

async fn states(world: &World) -> Vec<String> {
    let states = "SELECT state || CASE WHEN retry_at IS NULL THEN '' ELSE ' in passing' END FROM deliveries ORDER BY id";
    let rows = world.book(states).await.into_iter();
    rows.map(|row| row[0].clone().unwrap()).collect()
}

/// With two readers, at the first time that a conversation gets there.
async fn stops_at(point: Point) {
    let server = Server::start(Script::accepting()).await;
    let world = world(&zone_of_noon(), &settings(2, false), &server.url());
    shop(&world).await;
    let pause = server.pause(point, 1);
    let mut program = world.start(&YESTERDAY);
    let reached = pause.wait(|| program.try_wait().unwrap().is_none());
    assert!(reached, "{point:?}: {:?}", ended(program));
    terminate(&program);
    // The server says nothing before the program has ended.
    let output = ended(program);
    drop(pause);
    conversations_end(&server, &format!("{point:?}"));

    let left = states(&world).await;
    let told = format!("{point:?}: {left:?} {output:?}");
    assert_eq!(
        code(&output),
        if point == Point::Quit { 0 } else { 75 },
        "{told}"
    );
    match point {
        Point::Quit => assert_eq!(left, ["accepted", "accepted"], "{told}"),
        Point::Answered => assert_eq!(left, ["accepted", "planned"], "{told}"),
        Point::HalfRead | Point::DotRead | Point::Taken => {
            assert_eq!(left, ["ambiguous", "planned"], "{told}");
            let doubt = "interrupted before the server had answered the whole message; held";
            assert!(words(&output).contains(doubt), "{told}");
        }
        // The message may be on its way already, or not yet.
        Point::DataGranted if left[0] == "ambiguous" => assert_eq!(left[1], "planned", "{told}"),
        _ => assert_eq!(left, ["planned", "planned"], "{told}"),
    }
    if left[0] == "planned" {
        assert!(server.accepted().is_empty(), "{told}");
    }

    let output = ended(world.start(&YESTERDAY));
    assert_eq!(code(&output), 0, "{told}: {output:?}");
    let doubtful = left[0] == "ambiguous";
    let last = if doubtful { "ambiguous" } else { "accepted" };
    assert_eq!(states(&world).await, [last, "accepted"], "{told}");
    for (at, reader) in readers(2).iter().enumerate() {
        let accepted = server.accepted();
        let got = accepted.iter().filter(|mail| mail.to == *reader).count();
        assert!(
            got == 1 || got == 0 && doubtful && at == 0,
            "{told}: {got} for {reader}"
        );
    }
}

#[tokio::test]
async fn whoever_is_told_to_stop_while_the_server_says_nothing_ends_and_leaves_the_rest_due() {
    std::thread::scope(|scope| {
        for point in Point::ALL {
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.unwrap().block_on(stops_at(point));
            });
        }
    });
}

#[tokio::test]
async fn a_webhook_that_says_nothing_is_left_due() {
    let hooks = http_server::Server::plain(vec![http_server::Act::stall("")]).await;
    let (mut world, _) = delivering::world("[[webhooks]]\nname = \"ops\"").await;
    let url = format!("http://127.0.0.1:{}/hook", hooks.port);
    world.set("DAYBOOK_WEBHOOK_OPS_URL", &url);
    let stop = CancellationToken::new();
    let asks = async {
        while hooks.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    };
    let yesterday = Which::One(date("2025-10-03"));
    tokio::join!(asks, world.stoppable(yesterday, stop.clone()));
    let ledger = world.ledger().await;
    assert!(
        ledger.contains(&"2025-10-03 report webhook ops 1 planned 0".to_owned()),
        "{ledger:?}"
    );
}

#[tokio::test]
async fn the_second_signal_ends_a_command_that_still_puts_things_in_order() {
    let server = Server::start(Script::accepting()).await;
    let world = world(&zone_of_noon(), &settings(1, false), &server.url());
    shop(&world).await;
    let pause = server.pause(Point::DotRead, 1);
    let mut program = world.start(&YESTERDAY);
    assert!(pause.wait(|| program.try_wait().unwrap().is_none()));
    // One alone would wait for the server's answer, and note that the message may have arrived.
    for signal in ["-INT", "-TERM"] {
        let id = program.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.unwrap().success());
    }
    let output = ended(program);
    drop(pause);
    assert_eq!((code(&output), words(&output).as_str()), (1, ""));
    let left = world.book("SELECT state, recipient FROM deliveries").await;
    let reader = readers(1).remove(0);
    assert_eq!(left, [[Some("sending".to_owned()), Some(reader)]]);
}
