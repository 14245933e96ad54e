//! What a refresh corrects is told by the next mail, once.

use daybook::commands::Ended;
use daybook::nightly::Which;
use mail_parser::MessageParser;

use super::refresh;
use crate::delivering::with_mail;
use crate::smtp_server::{Script, Server};
use crate::world::{App, date};

const REFRESHED_NIGHT: [&str; 6] = [
    "collect",
    "--date",
    "yesterday",
    "--refresh",
    "7",
    "--send-email",
];

async fn errors(app: &App, date: &str, count: u32) {
    app.execute(&format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO errors SELECT '{date} 10:00:00' FROM n;"
    ))
    .await;
}

/// The text of every mail, its blanks evened out.
fn texts(server: &Server) -> Vec<String> {
    let text = |message: &[u8]| {
        let parsed = MessageParser::default().parse(message).unwrap();
        let text = parsed.body_text(0).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ")
    };
    server
        .accepted()
        .iter()
        .map(|mail| text(&mail.message))
        .collect()
}

#[tokio::test]
async fn the_next_mail_says_mailed_431_now_447() {
    let (mut world, app, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    errors(&app, "2025-10-03", 430).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    errors(&app, "2025-10-03", 16).await;
    for (day, ended) in [("2025-10-05", Ended::Done), ("2025-10-06", Ended::Done)] {
        world.at(&format!("{day}T04:00:00Z"));
        assert_eq!(world.command(&REFRESHED_NIGHT).await.unwrap(), ended);
    }
    let texts = texts(&server);
    let told = "Errors, 24 h on Fri 3 Oct: mailed 431, now 447";
    let tell: Vec<bool> = texts.iter().map(|text| text.contains(told)).collect();
    assert_eq!(tell, [false, true, false], "{texts:#?}");
    // The refreshed days are not counted among those that the report names besides its own.
    let also = world.book("SELECT also_dates FROM reports").await;
    assert!(
        also.iter()
            .flatten()
            .all(|also| also.as_deref() == Some("[]"))
    );
}

#[tokio::test]
async fn a_refresh_alone_plans_no_report_and_the_next_night_tells_what_it_found() {
    let (mut world, app, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    app.execute("DELETE FROM errors WHERE at = '2025-10-03 10:00:00'")
        .await;
    world.at("2025-10-04T12:00:00Z");
    let night = world.morning(refresh(7), false).await;
    assert_eq!(night.days.len(), 1);
    assert_eq!(server.accepted().len(), 1);
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    let texts = texts(&server);
    assert!(
        texts[1].contains("Errors, 24 h on Fri 3 Oct: mailed 1, now 0"),
        "{texts:#?}"
    );
}

/// The refresh fails, and so would the day: the readers hear that there are no numbers, as on any such night.
#[tokio::test]
async fn a_database_that_is_away_is_reported_as_on_any_night() {
    let (mut world, _, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    std::fs::remove_file(world.path("app.db")).unwrap();
    world.at("2025-10-05T04:00:00Z");
    world.set("DAYBOOK_RETRY_FOR", "0s");
    assert_eq!(
        world.command(&REFRESHED_NIGHT).await.unwrap(),
        Ended::Unavailable
    );
    assert_eq!(
        world.ledger().await.last().unwrap().split(" 1 ").next(),
        Some("2025-10-04 failure email ada@example.org")
    );
    assert_eq!(server.accepted().len(), 2);
}
