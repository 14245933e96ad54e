//! Who gets a message on which day.

use daybook::commands::Ended;
use daybook::nightly::Which;

use super::{errors, mailed, with_mail, world};
use crate::http_server;
use crate::smtp_server::{Script, Server};
use crate::world::{World, date, in_a_file};

const THREE: &str = r#"
    "ada@example.org",
    { address = "bea@example.org", when = "alerts" },
    { address = "chris@example.org", when = "changes" },
"#;

/// Reports these days, each in the morning after it.
async fn mornings(world: &mut World, days: std::ops::RangeInclusive<u32>) {
    for day in days {
        world.at(&format!("2025-10-{:02}T04:00:00Z", day + 1));
        let date = date(&format!("2025-10-{day:02}"));
        world.morning(Which::One(date), false).await;
    }
}

async fn readers_of(world: &World, date: &str) -> Vec<String> {
    let rows = world
        .book(&format!(
            "SELECT recipient FROM deliveries WHERE collection_date = '{date}' AND channel = 'email' ORDER BY id"
        ))
        .await;
    let rows = rows.into_iter();
    rows.map(|row| row[0].clone().unwrap()).collect()
}

#[tokio::test]
async fn every_day_only_with_alerts_or_only_on_change() {
    let (mut world, app, server) = with_mail(THREE, Script::accepting()).await;
    errors(&app, "2025-10-05", 9).await;
    errors(&app, "2025-10-06", 9).await;
    mornings(&mut world, 3..=7).await;
    // A first message shows everybody that it works.
    let all = ["ada@example.org", "bea@example.org", "chris@example.org"];
    assert_eq!(readers_of(&world, "2025-10-03").await, all);
    assert_eq!(readers_of(&world, "2025-10-04").await, all[..1]);
    // New on the 5th, the same on the 6th, over on the 7th.
    assert_eq!(readers_of(&world, "2025-10-05").await, all);
    assert_eq!(readers_of(&world, "2025-10-06").await, all[..2]);
    assert_eq!(readers_of(&world, "2025-10-07").await, [all[0], all[2]]);
    assert_eq!(server.accepted().len(), 11);
    // One conversation a morning, however many readers.
    assert_eq!(server.connections(), 5);
}

#[tokio::test]
async fn who_is_written_to_only_on_alerts_or_changes_hears_nothing_of_what_is_muted() {
    let (mut world, app, server) = with_mail(THREE, Script::accepting()).await;
    errors(&app, "2025-10-05", 9).await;
    mornings(&mut world, 3..=4).await;
    let line = "alerts mute errors --until 2025-10-05 --because tests";
    let line: Vec<&str> = line.split(' ').collect();
    world.command(&line).await.unwrap();
    mornings(&mut world, 5..=5).await;
    assert_eq!(readers_of(&world, "2025-10-05").await, ["ada@example.org"]);
    let mail = String::from_utf8(server.accepted().pop().unwrap().message).unwrap();
    assert!(mail.contains("Subject: [ok] Beryl, Sun 5 Oct 2025"));
    assert!(mail.contains("Muted until Sun 5 Oct: tests"));
}

#[tokio::test]
async fn after_seven_quiet_days_everybody_hears_that_all_goes_on() {
    let readers = r#"{ address = "bea@example.org", when = "alerts" }"#;
    let (mut world, app, server) = with_mail(readers, Script::accepting()).await;
    for day in 4..=17 {
        errors(&app, &format!("2025-10-{day:02}"), 1).await;
    }
    mornings(&mut world, 3..=17).await;
    let days = world
        .book("SELECT collection_date FROM deliveries ORDER BY id")
        .await;
    let days: Vec<_> = days.into_iter().flatten().flatten().collect();
    assert_eq!(days, ["2025-10-03", "2025-10-10", "2025-10-17"]);
    assert_eq!(mailed(&server), ["bea@example.org"; 3]);
}

#[tokio::test]
async fn a_failed_metric_is_told_to_everybody() {
    let (mut world, app, _server) = with_mail(THREE, Script::accepting()).await;
    mornings(&mut world, 3..=3).await;
    app.execute("ALTER TABLE errors RENAME TO mistakes; CREATE TABLE errors (other TEXT)")
        .await;
    mornings(&mut world, 4..=4).await;
    assert_eq!(readers_of(&world, "2025-10-04").await.len(), 3);
}

#[tokio::test]
async fn readers_come_from_the_query_too_each_address_once() {
    let (mut world, app) = world(
        r#"[report]
        recipients = ["Ada <Ada@example.org>"]
        recipients_sql = "SELECT email FROM admins ORDER BY email""#,
    )
    .await;
    app.execute(
        "CREATE TABLE admins (email TEXT);
         INSERT INTO admins VALUES ('ada@example.org'), ('bea@example.org'), ('nonsense')",
    )
    .await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(mailed(&server), ["Ada@example.org", "bea@example.org"]);
    let bad = world.book("SELECT bad_addresses FROM reports").await;
    assert_eq!(
        bad[0][0].as_deref(),
        Some(r#"[["nonsense","the address has no `@`"]]"#)
    );
    // With the database away, those last known are told.
    world.at("2025-10-05T04:00:00Z");
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    world.morning(Which::One(date("2025-10-04")), false).await;
    assert_eq!(mailed(&server).len(), 4);
    let stale = world
        .book("SELECT stale_recipients IS NOT NULL FROM reports ORDER BY collection_date")
        .await;
    let stale: Vec<_> = stale.into_iter().flatten().flatten().collect();
    assert_eq!(stale, ["0", "1"]);
}

#[tokio::test]
async fn who_has_left_the_settings_gets_nothing_while_the_query_fails_either() {
    const QUERY: &str = r#"recipients_sql = "SELECT email FROM admins""#;
    let both =
        format!("[report]\nrecipients = [\"ada@example.org\", \"old@example.org\"]\n{QUERY}");
    let (mut world, app) = world(&both).await;
    app.execute("CREATE TABLE admins (email TEXT); INSERT INTO admins VALUES ('bea@example.org')")
        .await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "daybook@example.org");
    world.morning(Which::One(date("2025-10-03")), false).await;
    let one = format!("[report]\nrecipients = [\"ada@example.org\"]\n{QUERY}");
    world.write("daybook.toml", &format!("{}\n{one}", super::SETTINGS));
    app.execute("DROP TABLE admins").await;
    // The last known ones are remembered over several nights.
    mornings(&mut world, 4..=5).await;
    let left = ["ada@example.org", "bea@example.org"];
    assert_eq!(readers_of(&world, "2025-10-04").await, left);
    assert_eq!(readers_of(&world, "2025-10-05").await, left);
}

#[tokio::test]
async fn a_query_for_readers_that_fails_is_told_and_ends_with_1() {
    let (world, _) = world(
        r#"[report]
        recipients_sql = "SELECT email FROM nowhere""#,
    )
    .await;
    let night = world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(
        night.remarks,
        [
            "cannot read the recipients, so the report goes to the last known ones: `recipients_sql` failed: no such table: nowhere"
        ]
    );
    let line = ["collect", "--date", "2025-10-02", "--send-email"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Incomplete);
}

#[tokio::test]
async fn a_reader_with_an_unusable_address_is_told_at_once() {
    let (world, app) = world(
        r#"[report]
        recipients_sql = "SELECT email FROM admins""#,
    )
    .await;
    app.execute("CREATE TABLE admins (email TEXT); INSERT INTO admins VALUES ('nonsense')")
        .await;
    let night = world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(
        night.remarks,
        ["skipping recipient `nonsense`: the address has no `@`"]
    );
}

#[tokio::test]
async fn the_health_check_hears_of_the_beginning_and_of_success() {
    let fine = || http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    let checks = http_server::Server::plain(vec![fine(), fine()]).await;
    let (mut world, _) = world("").await;
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping/7", checks.port),
    );
    let line = ["collect", "--date", "yesterday", "--send-email"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    let asked: Vec<String> = checks.asked().iter().map(|one| one.line.clone()).collect();
    assert_eq!(
        asked,
        ["POST /ping/7/start HTTP/1.1", "POST /ping/7 HTTP/1.1"]
    );
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html",
            "2025-10-03 report ping success 1 accepted 1 200 OK: OK",
        ]
    );
}

#[tokio::test]
async fn the_health_check_hears_at_once_that_there_are_no_numbers() {
    let fine = http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let checks = http_server::Server::plain(vec![fine]).await;
    let (mut world, _) = world("").await;
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping", checks.port),
    );
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    let line = ["collect", "--date", "yesterday", "--send-email"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Unavailable);
    let asked: Vec<String> = checks.asked().iter().map(|one| one.line.clone()).collect();
    assert_eq!(
        asked,
        ["POST /ping/start HTTP/1.1", "POST /ping/fail HTTP/1.1"]
    );
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 failure outbox outbox 1 accepted 1 outbox/2025-10-03.failure.html",
            "2025-10-03 failure ping failure 1 accepted 1 200 OK",
        ]
    );
    let again = ["report", "--date", "yesterday", "--format", "json"];
    let line: Vec<&str> = again.into_iter().chain(["--output", "told.json"]).collect();
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    let told = std::fs::read_to_string(world.path("told.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["verdict"], "no_numbers");
    assert_eq!(told["date"], "2025-10-03");
}

#[tokio::test]
async fn a_night_that_is_done_does_not_begin_again_for_the_health_check() {
    let fine = || http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let checks = http_server::Server::plain(vec![fine(), fine(), fine()]).await;
    let (mut world, _) = world("").await;
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping", checks.port),
    );
    let nightly = ["collect", "--date", "yesterday", "--send-email"];
    let hourly = ["collect", "--catch-up", "--send-email"];
    assert_eq!(world.command(&nightly).await.unwrap(), Ended::Done);
    assert_eq!(world.command(&nightly).await.unwrap(), Ended::Done);
    assert_eq!(world.command(&hourly).await.unwrap(), Ended::Done);
    assert_eq!(checks.asked().len(), 2);
}

#[tokio::test]
async fn the_health_check_hears_once_of_a_reader_who_will_not_be_reached() {
    let fine = || http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let checks = http_server::Server::plain(vec![fine(), fine(), fine()]).await;
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 No such user");
    let (mut world, _, _server) =
        with_mail(r#""ada@example.org", "bea@example.org""#, script).await;
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping", checks.port),
    );
    let line = ["collect", "--date", "yesterday", "--send-email"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Undelivered);
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    let asked = checks.asked();
    let lines: Vec<&str> = asked.iter().map(|one| one.line.as_str()).collect();
    assert_eq!(
        lines,
        ["POST /ping/start HTTP/1.1", "POST /ping/fail HTTP/1.1"]
    );
    let words =
        "report of 2025-10-03: 1 of 2 not delivered: bea@example.org: 550 5.1.1 No such user";
    assert_eq!(asked[1].body, words);
    assert_eq!(
        world.ledger().await[2],
        format!("2025-10-03 report ping success 1 failed 1 {words}")
    );
}

#[tokio::test]
async fn an_open_day_with_numbers_is_not_said_to_have_none() {
    let (mut world, _) = world("").await;
    let today = ["collect", "--send-email"];
    assert_eq!(world.command(&today).await.unwrap(), Ended::Done);
    world.at("2025-10-04T10:00:00Z");
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    assert_eq!(world.command(&today).await.unwrap(), Ended::Unavailable);
    assert_eq!(
        world.ledger().await,
        ["2025-10-04 open outbox outbox 1 accepted 1 outbox/2025-10-04.open.html"]
    );
}

#[tokio::test]
async fn the_health_check_hears_that_the_book_cannot_be_opened() {
    if !in_a_file() {
        return;
    }
    let fine = http_server::Act::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let checks = http_server::Server::plain(vec![fine]).await;
    let (mut world, _) = world("").await;
    world.set(
        "DAYBOOK_PING_URL",
        &format!("http://127.0.0.1:{}/ping", checks.port),
    );
    world.write(
        "daybook.db",
        "this is no database, it is a text that somebody put in its place",
    );
    let line = ["collect", "--date", "yesterday", "--send-email"];
    let error = world.command(&line).await.unwrap_err();
    let asked = checks.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /ping/fail HTTP/1.1");
    assert_eq!(asked[0].body, error.to_string());
}

#[tokio::test]
async fn a_webhook_gets_the_letter_under_one_id_for_every_attempt() {
    let away = http_server::Act::answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let fine = http_server::Act::answer("HTTP/1.1 204 No Content\r\n\r\n");
    let hooks = http_server::Server::plain(vec![away, fine]).await;
    let (mut world, _) = world("[[webhooks]]\nname = \"ops\"").await;
    world.set(
        "DAYBOOK_WEBHOOK_OPS_URL",
        &format!("http://127.0.0.1:{}/hook", hooks.port),
    );
    world.morning(Which::One(date("2025-10-03")), true).await;
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html",
            "2025-10-03 report webhook ops 1 accepted 2 204 No Content",
        ]
    );
    let asked = hooks.asked();
    assert_eq!(asked.len(), 2);
    let id = |at: usize| asked[at].header("Daybook-Delivery").unwrap().to_owned();
    assert_eq!(id(0), id(1));
    assert_eq!(asked[0].body, asked[1].body);
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(body["date"], "2025-10-03");
    assert_eq!(body["metrics"][0]["value"], 1);
}
