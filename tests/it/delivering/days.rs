//! Which day is reported: complete, open, one of many, or one without numbers.

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::json;

use super::{errors, mailed, with_mail, world};
use crate::smtp_server::{Act, Script, Step};
use crate::world::date;

const FOR_YESTERDAY: [&str; 4] = ["collect", "--date", "yesterday", "--send-email"];

#[tokio::test]
async fn a_plain_night_without_a_mail_server_leaves_the_report_in_the_outbox() {
    let (world, _) = world("").await;
    assert_eq!(world.command(&FOR_YESTERDAY).await.unwrap(), Ended::Done);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
    for ending in ["html", "txt", "eml"] {
        let file = world.path(&format!("outbox/2025-10-03.{ending}"));
        assert!(file.is_file(), "{ending}");
    }
}

#[tokio::test]
async fn a_report_before_half_past_six_names_the_morning_after_as_the_next() {
    // Six in the morning: what is due by half past six is this report itself.
    let (world, _) = world("").await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    let text = std::fs::read_to_string(world.path("outbox/2025-10-03.txt")).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    assert!(
        text.ends_with("Next report: Sunday 5 October, 06:30."),
        "{text}"
    );
}

#[tokio::test]
async fn without_send_email_nothing_is_planned() {
    let (world, _) = world("").await;
    let line = ["collect", "--date", "yesterday"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert!(world.ledger().await.is_empty());
    assert!(!world.path("outbox").exists());
}

#[tokio::test]
async fn one_metric_filled_in_is_no_report() {
    let (world, _) = world("").await;
    let line = [
        "collect",
        "--date",
        "yesterday",
        "--metric",
        "errors",
        "--send-email",
    ];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert!(world.ledger().await.is_empty());
    assert_eq!(world.command(&FOR_YESTERDAY).await.unwrap(), Ended::Done);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
}

#[tokio::test]
async fn a_day_that_is_complete_already_is_reported_once() {
    let (world, _, server) = with_mail(r#""ada@example.org""#, Script::accepting()).await;
    world.night(Which::One(date("2025-10-03"))).await;
    assert!(world.ledger().await.is_empty());
    for _ in 0..3 {
        assert_eq!(world.command(&FOR_YESTERDAY).await.unwrap(), Ended::Done);
    }
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report email ada@example.org 1 accepted 1 250 2.0.0 Ok: queued"]
    );
    assert_eq!(mailed(&server), ["ada@example.org"]);
}

#[tokio::test]
async fn a_range_reports_its_newest_day_and_names_the_others() {
    let (world, _) = world("").await;
    let night = world
        .morning(Which::Range(date("2025-10-01"), date("2025-10-03")), false)
        .await;
    assert_eq!(night.days.len(), 3);
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
    assert_eq!(
        world.book("SELECT also_dates FROM reports").await,
        [[Some(r#"["2025-10-01","2025-10-02"]"#.to_owned())]]
    );
}

#[tokio::test]
async fn a_range_up_to_today_reports_the_newest_complete_day() {
    let (world, _) = world("").await;
    world
        .morning(Which::Range(date("2025-10-02"), date("2025-10-04")), false)
        .await;
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
}

#[tokio::test]
async fn catching_up_reports_yesterday() {
    let (mut world, _) = world("").await;
    world.at("2025-10-02T04:00:00Z");
    world.night(Which::One(date("2025-10-01"))).await;
    world.at("2025-10-04T04:00:00Z");
    world.morning(Which::CatchUp, false).await;
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 report outbox outbox 1 accepted 1 outbox/2025-10-03.html"]
    );
    assert_eq!(
        world.book("SELECT also_dates FROM reports").await,
        [[Some(r#"["2025-10-02"]"#.to_owned())]]
    );
}

#[tokio::test]
async fn an_open_day_has_a_report_of_its_own_before_the_complete_one() {
    let (mut world, _) = world("").await;
    world.morning(Which::One(date("2025-10-04")), false).await;
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-04 open outbox outbox 1 accepted 1 outbox/2025-10-04.open.html",
            "2025-10-04 report outbox outbox 1 accepted 1 outbox/2025-10-04.html",
        ]
    );
}

#[tokio::test]
async fn the_complete_day_supersedes_what_was_still_to_be_said_of_the_open_one() {
    let script = Script::accepting().rcpt("ada@example.org", "451 4.3.0 Later");
    let (mut world, _, _server) = with_mail(r#""ada@example.org""#, script).await;
    world.morning(Which::One(date("2025-10-04")), false).await;
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-04 open email ada@example.org 1 failed 1 superseded by the report of the complete day",
            "2025-10-04 report email ada@example.org 1 failed in passing 1 451 4.3.0 Later",
        ]
    );
}

#[tokio::test]
async fn a_night_without_numbers_is_told_once_and_the_report_follows() {
    let readers = r#""ada@example.org", { address = "bea@example.org", when = "alerts" }"#;
    let (mut world, _, server) = with_mail(readers, Script::accepting()).await;
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    for _ in 0..2 {
        let ended = world.command(&FOR_YESTERDAY).await;
        assert_eq!(ended.unwrap(), Ended::Unavailable);
    }
    let told = "accepted 1 250 2.0.0 Ok: queued";
    let both = [
        format!("2025-10-03 failure email ada@example.org 1 {told}"),
        format!("2025-10-03 failure email bea@example.org 1 {told}"),
    ];
    assert_eq!(world.ledger().await, both);
    let runs = world.book("SELECT outcome FROM runs").await;
    assert_eq!(runs, vec![vec![Some("failed".to_owned())]; 2]);

    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:app.db");
    assert_eq!(world.command(&FOR_YESTERDAY).await.unwrap(), Ended::Done);
    // Bea heard of this day already, and it has no alert.
    let report = format!("2025-10-03 report email ada@example.org 1 {told}");
    assert_eq!(world.ledger().await, [&both[..], &[report]].concat());
    assert_eq!(server.accepted().len(), 3);
}

#[tokio::test]
async fn a_failed_recount_of_a_complete_day_does_not_say_that_it_has_no_numbers() {
    let (mut world, _) = world("").await;
    world.night(Which::One(date("2025-10-03"))).await;
    world.set("DAYBOOK_APP_DATABASE_URL", "sqlite:gone.db");
    let line = [&FOR_YESTERDAY[..], &["--force"]].concat();
    assert_eq!(world.command(&line).await.unwrap(), Ended::Unavailable);
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn a_rehearsal_names_the_readers_and_writes_nothing() {
    let readers = r#""ada@example.org", "bea@example.org""#;
    let (world, _, server) = with_mail(readers, Script::accepting()).await;
    let line = [&FOR_YESTERDAY[..], &["--dry-run"]].concat();
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    assert!(!world.path("daybook.db").exists());
    assert!(!world.path("outbox").exists());
    assert_eq!(server.connections(), 0);
    let told = world.binary(&[&line[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let would: Vec<_> = told["would_send"].as_array().unwrap().iter().collect();
    let named: Vec<_> = would.iter().map(|one| &one["recipient"]).collect();
    assert_eq!(
        named,
        [&json!("ada@example.org"), &json!("bea@example.org")]
    );
}

#[tokio::test]
async fn a_number_that_changed_after_it_was_sent_is_corrected_in_the_next_report() {
    let (mut world, app) = world("").await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    errors(&app, "2025-10-03", 2).await;
    let line = ["collect", "--date", "2025-10-03", "--force"];
    assert_eq!(world.command(&line).await.unwrap(), Ended::Done);
    world.at("2025-10-05T04:00:00Z");
    world.morning(Which::One(date("2025-10-04")), false).await;
    let corrected = world
        .book("SELECT corrections FROM reports WHERE collection_date = '2025-10-04'")
        .await;
    let corrected: serde_json::Value =
        serde_json::from_str(corrected[0][0].as_ref().unwrap()).unwrap();
    assert_eq!(
        corrected,
        json!([{ "date": "2025-10-03", "key": "errors_24h", "mailed": 1.0, "now": 3.0 }])
    );
}

#[tokio::test]
async fn what_is_due_of_earlier_days_goes_out_with_the_next_night() {
    let script = Script::accepting().on_nth(1, Step::Rcpt, Act::Say("451 4.3.0 Later".to_owned()));
    let (mut world, _, server) = with_mail(r#""ada@example.org""#, script).await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    world.at("2025-10-05T04:00:00Z");
    assert_eq!(world.command(&FOR_YESTERDAY).await.unwrap(), Ended::Done);
    assert_eq!(mailed(&server).len(), 2);
    assert_eq!(
        world.ledger().await,
        [
            "2025-10-03 report email ada@example.org 1 accepted 2 250 2.0.0 Ok: queued",
            "2025-10-04 report email ada@example.org 1 accepted 1 250 2.0.0 Ok: queued",
        ]
    );
}
