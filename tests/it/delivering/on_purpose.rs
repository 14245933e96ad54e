//! `send` and `deliveries`: what an operator asks for, and proves.

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::{Value as Json, json};

use super::{mailed, with_mail, world};
use crate::smtp_server::{Script, Server};
use crate::world::date;

const TWO: &str =
    r#""ada@example.org", { address = "bea@example.org", when = "alerts", language = "de" }"#;

#[tokio::test]
async fn a_report_is_sent_again_to_everybody_who_was_to_get_it() {
    let (world, _, server) = with_mail(TWO, Script::accepting()).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(world.command(&["send"]).await.unwrap(), Ended::Done);
    let both = ["ada@example.org", "bea@example.org"];
    assert_eq!(mailed(&server), [both, both].concat());
    let line = |to: &str, copy: u32| {
        format!("2025-10-03 report email {to} {copy} accepted 1 250 2.0.0 Ok: queued")
    };
    assert_eq!(
        world.ledger().await,
        [
            line(both[0], 1),
            line(both[1], 1),
            line(both[0], 2),
            line(both[1], 2)
        ]
    );
    // Another copy is another message, or mail servers would take it for the first.
    let ids = world
        .book("SELECT count(DISTINCT message_id) FROM deliveries")
        .await;
    assert_eq!(ids, [[Some("4".to_owned())]]);
}

#[tokio::test]
async fn a_new_address_gets_the_report_and_the_night_still_tells_all_others() {
    let (world, _, server) = with_mail(TWO, Script::accepting()).await;
    world.night(Which::One(date("2025-10-03"))).await;
    let line = ["send", "--to", "Zoe <zoe@example.org>"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report email zoe@example.org 1 accepted 1 250 2.0.0 Ok: queued"]
    );
    world.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(
        mailed(&server),
        ["zoe@example.org", "ada@example.org", "bea@example.org"]
    );
}

#[tokio::test]
async fn a_day_never_planned_is_sent_to_the_configured_readers() {
    let (world, _) = world("").await;
    world.night(Which::One(date("2025-10-03"))).await;
    let line = ["send", "--date", "2025-10-03"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
}

#[tokio::test]
async fn word_that_a_day_has_no_numbers_can_be_sent_again_too() {
    let (mut world, _, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    world.morning(Which::One(date("2025-10-03")), false).await;
    let line = ["send", "--date", "2025-10-03", "--to", "ada@example.org"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert_eq!(mailed(&server), ["ada@example.org"; 2]);
    assert_eq!(
        world.ledger().await[1],
        "2025-10-03 failure email ada@example.org 2 accepted 1 250 2.0.0 Ok: queued"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_what_to_do() {
    let (world, _) = world("").await;
    let refused = async |args: &[&str]| {
        let error = world.command(args).await.unwrap_err();
        (error.exit_code(), error.to_string())
    };
    let (code, _) = refused(&["send"]).await;
    assert_eq!(code, 69, "no book is there");
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(
        refused(&["send", "--date", "2025-10-02"]).await,
        (
            2,
            "no row for Thu 2 Oct 2025: run `daybook collect --date 2025-10-02`".to_owned()
        )
    );
    assert_eq!(
        refused(&["send", "--to", "zoe"]).await,
        (2, "--to zoe: the address has no `@`".to_owned())
    );
    let (code, words) = refused(&["send", "--to", "zoe@example.org"]).await;
    assert_eq!(code, 78);
    assert!(words.contains("no mail server is set"), "{words}");
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn not_everything_accepted_ends_with_75() {
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 No such user");
    let (mut world, _, _server) = with_mail(TWO, script).await;
    world.set("DAYBOOK_RETRY_FOR", "0");
    world.night(Which::One(date("2025-10-03"))).await;
    let ended = world.command(&["send"]).await.unwrap();
    assert_eq!((ended, ended.exit_code()), (Ended::Undelivered, 75));
}

#[tokio::test]
async fn a_report_is_sent_again_by_the_ways_that_the_settings_still_have() {
    let server = Server::start(Script::accepting()).await;
    let readers = format!("[report]\nrecipients = [{TWO}]\n");
    let url = server.url();
    let mail = format!("[mail]\nsmtp_url = \"{url}\"\nfrom = \"daybook@example.org\"\n");
    let (world, _) = world(&format!("{readers}{mail}")).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    world.write("daybook.toml", &format!("{}\n{readers}", super::SETTINGS));
    assert_eq!(world.command(&["send"]).await.unwrap(), Ended::Done);
    assert_eq!(mailed(&server).len(), 2);
    assert_eq!(
        world.ledger().await[2],
        "2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"
    );
}

#[tokio::test]
async fn the_ledger_is_shown_to_people_and_programs() {
    let script = Script::accepting().rcpt("bea@example.org", "550 5.1.1 <b>\u{1b}[31mNo</b>");
    let (world, _, _server) = with_mail(TWO, script).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    let shown = world.binary(&["deliveries", "--date", "2025-10-03"]);
    assert!(shown.status.success());
    let text = String::from_utf8(shown.stdout).unwrap();
    for word in ["ada@example.org", "accepted", "failed for", "550 5.1.1"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");

    let told = world.binary(&["deliveries", "--limit", "1", "--json"]);
    let told: Json = serde_json::from_slice(&told.stdout).unwrap();
    let rows = told["deliveries"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    let expected = json!({
        "id": 1, "date": "2025-10-03", "subject": "report", "channel": "email",
        "recipient": "ada@example.org", "copy": 1, "name": null, "language": "en", "numbers": "ch",
        "message_id": rows[0]["message_id"], "state": "accepted", "means": "accepted", "attempts": 1,
        "planned_at": "2025-10-04T06:00:00.000+02:00", "claimed_at": rows[0]["claimed_at"],
        "in_doubt_since": null,
        "retry_at": null, "accepted_at": rows[0]["accepted_at"], "reply": "250 2.0.0 Ok: queued",
    });
    assert_eq!(rows[0], expected);
    let id = rows[0]["message_id"].as_str().unwrap();
    assert!(
        id.starts_with("<report.2025-10-03.") && id.ends_with("@example.org>"),
        "{id}"
    );

    let sent = world.binary(&[
        "send",
        "--date",
        "2025-10-03",
        "--to",
        "ada@example.org",
        "--json",
    ]);
    let sent: Json = serde_json::from_slice(&sent.stdout).unwrap();
    let expected = json!({
        "schema": 1,
        "deliveries": [{
            "date": "2025-10-03", "subject": "report", "channel": "email", "recipient": "ada@example.org",
            "state": "accepted", "attempts": 1, "reply": "250 2.0.0 Ok: queued",
        }],
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn standard_error_says_who_did_not_get_what_and_what_happens_next() {
    let script = Script::accepting()
        .rcpt("ada@example.org", "450 4.2.1 Busy")
        .rcpt("bea@example.org", "550 5.1.1 No such user");
    let readers = r#""ada@example.org", "bea@example.org", "chris@example.org""#;
    let (mut world, _, _server) = with_mail(readers, script).await;
    world.set("DAYBOOK_RETRY_FOR", "0");
    world.night(Which::One(date("2025-10-03"))).await;
    let line = ["collect", "--date", "2025-10-03", "--send-email"];
    // The program's clock is the machine's, and the day is within the retention for it.
    world.set("METRICS_RETENTION_DAYS", "36500");
    let ended = world.binary(&line);
    assert_eq!(ended.status.code(), Some(75));
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(
        words,
        "Fri 3 Oct 2025 is already complete; recount it with --force\n\
         report of Fri 3 Oct 2025: 1 mail accepted\n\
         report of Fri 3 Oct 2025 to ada@example.org: 450 4.2.1 Busy; tried again by the next run\n\
         report of Fri 3 Oct 2025 to bea@example.org: 550 5.1.1 No such user; failed for good\n"
    );
    let again = world.binary(&[&line[..], &["--json"]].concat());
    let told: Json = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        told["deliveries"],
        json!([{
            "date": "2025-10-03", "subject": "report", "channel": "email", "recipient": "ada@example.org",
            "state": "failed", "attempts": 2, "reply": "450 4.2.1 Busy",
        }])
    );
}
