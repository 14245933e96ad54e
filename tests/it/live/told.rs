//! What is watched between two nights reaches webhooks and mailboxes, each message once, and is seen by who asks.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::config::{Config, LiveSettings};
use daybook::live::question::Context;
use daybook::live::store::Store;
use daybook::live::watch::{Happened, round};
use daybook::live_alerts::{deliver, raised_between, words};
use daybook::report::{LiveAlert, Severity};
use daybook::threshold::State;
use serde_json::{Value as Json, json};
use support::world::{App, World};
use tokio_util::sync::CancellationToken;

use super::{CHECKOUT, METRICS};
use crate::http_server::{Act, Server};
use crate::smtp_server::{self, Script, Step};
use support::checkouts::{Sent, record};

const ALERT: &str = r#"
[[live.alerts]]
key = "slow"
label = "Slow checkout"
warning = "> 1000"
critical = "> 2000"
watch = { kind = "checkout", value = "avg of duration", by = ["shop"], over = "5m", least = 2 }
"#;

fn world(notify: &str, more: &str) -> World {
    let settings = format!(
        "{more}\n[live]\nnotify = [{notify}]\n[live.kinds.checkout]\n{CHECKOUT}\n{ALERT}\n{METRICS}"
    );
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn told_to(server: &Server) -> World {
    let port = server.port;
    let hook = format!("[[webhooks]]\nname = \"ops\"\nurl = \"http://127.0.0.1:{port}/x\"");
    world("\"ops\"", &hook)
}

fn start() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn two_minutes_later() -> DateTime<Utc> {
    start() + TimeDelta::minutes(2)
}

fn an_hour_later() -> DateTime<Utc> {
    start() + TimeDelta::hours(1)
}

fn two_hours_later() -> DateTime<Utc> {
    start() + TimeDelta::hours(2)
}

/// Two checkouts of one shop, just before an instant.
async fn checkouts(live: &LiveSettings, shop: &'static str, duration: i64, before: DateTime<Utc>) {
    let one = |second| Sent {
        at: before - TimeDelta::seconds(second),
        shop,
        method: None,
        order: format!("{shop}-{second}"),
        duration: duration * 1000,
        amount: None,
        ok: Some(true),
    };
    record(live, &[one(1), one(2)]).await;
}

async fn looked(config: &Config, clock: fn() -> DateTime<Utc>) -> Vec<State> {
    let live = config.live.as_ref().unwrap();
    let mut reader = Store::open_reading(&live.database).await.unwrap().unwrap();
    let mut writer = Store::open(&live.database, Durable::Commit).await.unwrap();
    let context = Context {
        zone: Tz::Europe__Zurich,
        now: clock(),
    };
    let happened = round(
        &mut reader,
        &mut writer,
        live,
        context,
        DateTime::UNIX_EPOCH,
    )
    .await
    .unwrap();
    let stop = CancellationToken::new();
    deliver(config, live, &mut writer, clock, &stop)
        .await
        .unwrap();
    reader.close().await.unwrap();
    writer.close().await.unwrap();
    happened.iter().map(|one| one.state).collect()
}

async fn judged(
    live: &LiveSettings,
    now: DateTime<Utc>,
    listening: DateTime<Utc>,
) -> Vec<Happened> {
    let mut reader = Store::open_reading(&live.database).await.unwrap().unwrap();
    let mut writer = Store::open(&live.database, Durable::Commit).await.unwrap();
    let zone = Tz::Europe__Zurich;
    let context = Context { zone, now };
    let happened = round(&mut reader, &mut writer, live, context, listening).await;
    reader.close().await.unwrap();
    writer.close().await.unwrap();
    happened.unwrap()
}

/// How many deliveries are in which state.
async fn counts(live: &LiveSettings) -> Vec<(String, i64)> {
    let mut store = Store::open_reading(&live.database).await.unwrap().unwrap();
    let counts = store.alert_delivery_counts(DateTime::UNIX_EPOCH).await;
    store.close().await.unwrap();
    counts.unwrap()
}

fn owned(counts: &[(&str, i64)]) -> Vec<(String, i64)> {
    counts
        .iter()
        .map(|(state, count)| ((*state).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn an_alert_reaches_a_webhook_once_and_says_when_it_is_over() {
    let server = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let world = told_to(&server);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 1500, start()).await;
    checkouts(live, "be", 900, start()).await;
    assert_eq!(looked(&config, start).await, [State::New]);
    assert_eq!(looked(&config, start).await, []);
    checkouts(live, "zh", 1, two_minutes_later()).await;
    assert_eq!(looked(&config, two_minutes_later).await, [State::Recovered]);
    let asked = server.asked();
    let bodies: Vec<Json> = asked
        .iter()
        .map(|one| serde_json::from_str(&one.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(
        bodies[0],
        json!({
            "schema": 1,
            "type": "live_alert",
            "app": config.name,
            "alert": "slow",
            "label": "Slow checkout",
            "kind": "checkout",
            "figure": "avg of duration",
            "labels": { "shop": "zh" },
            "state": "new",
            "severity": "warning",
            "value": 1500.0,
            "unit": "ms",
            "limit": "> 1000",
            "over": "5m",
            "at": "2026-11-20T11:00:00Z",
            "since": "2026-11-20T11:00:00Z",
            "complete": true,
            "text": "Slow checkout, zh: 1'500\u{a0}ms (>\u{a0}1'000\u{a0}ms)",
        })
    );
    assert_eq!(
        (&bodies[1]["state"], &bodies[1]["value"]),
        (&json!("recovered"), &json!(750.5))
    );
    let ids: Vec<Option<&str>> = asked
        .iter()
        .map(|one| one.header("Daybook-Delivery"))
        .collect();
    assert!(ids[0].is_some() && ids[0] != ids[1], "{ids:?}");
    assert_eq!(counts(live).await, owned(&[("accepted", 2)]));
}

#[tokio::test]
async fn a_webhook_that_is_away_is_tried_again_and_a_wrong_one_is_not() {
    let acts = vec![
        Act::answer("HTTP/1.1 503 Away\r\n\r\n"),
        Act::answer("HTTP/1.1 200 OK\r\n\r\n"),
    ];
    let away = Server::plain(acts).await;
    let wrong = Server::plain(vec![Act::answer("HTTP/1.1 404 Gone\r\n\r\n")]).await;
    let hook = |name: &str, port: u16| {
        format!(
            "[[webhooks]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/x\"\nformat = \"slack\"\n"
        )
    };
    let hooks = hook("away", away.port) + &hook("wrong", wrong.port);
    let world = world("\"away\", \"wrong\"", &hooks);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 3000, start()).await;
    looked(&config, start).await;
    assert_eq!((away.asked().len(), wrong.asked().len()), (1, 1));
    assert_eq!(counts(live).await, owned(&[("failed", 2)]));
    looked(&config, start).await;
    assert_eq!(away.asked().len(), 1, "it is too early");
    checkouts(live, "zh", 3000, two_minutes_later()).await;
    looked(&config, two_minutes_later).await;
    assert_eq!((away.asked().len(), wrong.asked().len()), (2, 1));
    assert_eq!(counts(live).await, owned(&[("accepted", 1), ("failed", 1)]));
    assert!(away.asked()[1].body.contains("Slow checkout, zh: 3'000"));
    let stop = CancellationToken::new();
    let findings = daybook::operate::doctor::examine(&config, two_minutes_later(), &stop).await;
    let said: Vec<String> = findings.into_iter().map(|finding| finding.what).collect();
    let expected = "of the last day's messages about alerts 1 failed and 0 are in doubt";
    assert!(said.iter().any(|what| what == expected), "{said:?}");
}

#[tokio::test]
async fn a_mail_says_it_in_subject_text_and_html_and_one_in_doubt_is_not_sent_again() {
    let script = Script::accepting().on_nth(2, Step::Dot, smtp_server::Act::TakeAndDrop);
    let server = smtp_server::Server::start(script).await;
    let mut world = world("\"ada@example.org\"", "");
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 3000, start()).await;
    looked(&config, start).await;
    let accepted = server.accepted();
    assert_eq!(
        (accepted.len(), accepted[0].to.as_str()),
        (1, "ada@example.org")
    );
    let message = String::from_utf8_lossy(&accepted[0].message).into_owned();
    let parsed = mail_parser::MessageParser::default()
        .parse(message.as_bytes())
        .unwrap();
    let subject = parsed.subject().unwrap();
    assert!(
        subject.starts_with("[critical] ") && subject.ends_with(": Slow checkout, zh: 3'000 ms"),
        "{subject}"
    );
    let text = parsed.body_text(0).unwrap();
    assert!(
        text.contains("limit >\u{a0}2'000\u{a0}ms") && text.contains("shop: zh"),
        "{text}"
    );
    assert!(parsed.body_html(0).unwrap().contains("Slow checkout, zh"));
    checkouts(live, "zh", 1, an_hour_later()).await;
    assert_eq!(looked(&config, an_hour_later).await, [State::Recovered]);
    assert_eq!(
        counts(live).await,
        owned(&[("accepted", 1), ("ambiguous", 1)])
    );
    looked(&config, an_hour_later).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_process_that_died_while_sending_leaves_a_mail_in_doubt_and_a_webhook_due() {
    let world = world("\"ada@example.org\", \"bea@example.org\"", "");
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 3000, start()).await;
    let mut reader = Store::open_reading(&live.database).await.unwrap().unwrap();
    let mut writer = Store::open(&live.database, Durable::Commit).await.unwrap();
    let context = Context {
        zone: Tz::Europe__Zurich,
        now: start(),
    };
    let happened = round(
        &mut reader,
        &mut writer,
        live,
        context,
        DateTime::UNIX_EPOCH,
    )
    .await
    .unwrap();
    assert!(words::english(&live.alerts[0], live, &happened[0]).contains("3'000"));
    let due = writer.due_alerts(start()).await.unwrap();
    assert!(writer.claim_alert(due[0].id).await.unwrap());
    assert!(
        !writer.claim_alert(due[0].id).await.unwrap(),
        "nobody else has it"
    );
    writer.release_claimed_alerts(start()).await.unwrap();
    reader.close().await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(
        counts(live).await,
        owned(&[("ambiguous", 1), ("planned", 1)])
    );
}

#[tokio::test]
async fn what_began_before_anybody_was_to_be_told_is_told_once_somebody_is() {
    let server = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let world = told_to(&server);
    let config = world.config();
    let mut silent = config.clone();
    silent.live.as_mut().unwrap().alerts[0].notify.clear();
    checkouts(config.live.as_ref().unwrap(), "zh", 1500, start()).await;
    assert_eq!(looked(&silent, start).await, [State::New]);
    assert_eq!(looked(&silent, start).await, []);
    assert_eq!(server.asked().len(), 0);
    assert_eq!(looked(&config, start).await, [State::New]);
    assert_eq!(looked(&config, start).await, []);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn silence_is_believed_once_it_was_listened_for_as_long_as_is_looked_at() {
    let silence = r#"
        [[live.alerts]]
        key = "silence"
        critical = "< 1"
        watch = { kind = "checkout", value = "count", over = "5m" }
    "#;
    let world = world("", silence);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    let store = Store::open(&live.database, Durable::Commit).await.unwrap();
    store.close().await.unwrap();
    let just_begun = start() - TimeDelta::seconds(299);
    assert_eq!(judged(live, start(), just_begun).await, []);
    let happened = judged(live, start(), start() - TimeDelta::minutes(5)).await;
    assert_eq!(happened.len(), 1);
    assert_eq!(
        (happened[0].alert.as_str(), happened[0].state),
        ("silence", State::New)
    );
}

#[tokio::test]
async fn corrections_are_a_part_of_requests_and_not_of_their_stages() {
    let settings = format!("[live]\npresets = [\"bot\"]\n{METRICS}");
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    let mut batch = daybook::live::batch::Batch::default();
    let event = |kind: &'static str| {
        daybook::live::event::Event::new(kind).at(start() - TimeDelta::minutes(1))
    };
    for request in 0..20 {
        let session = format!("s{request}");
        for stage in [
            "query_received",
            "ai_processing",
            "final_response",
            "user_delivery",
        ] {
            let stage = event("stage")
                .label("stage", stage)
                .label("session_id", &session)
                .value("duration", 5)
                .ok(true);
            batch.add(0, &stage, &live.kinds, start());
        }
        let correction = event("correction")
            .label("correction_type", "rejection")
            .label("admin_user_id", "1")
            .label("session_id", &session);
        batch.add(0, &correction, &live.kinds, start());
    }
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    let known = &mut daybook::live::store::Known::new(1000, false);
    store
        .commit(&mut [batch], &live.kinds, start(), known)
        .await
        .unwrap();
    store.close().await.unwrap();
    let happened = judged(live, start(), DateTime::UNIX_EPOCH).await;
    let happened: Vec<(&str, Option<f64>)> = happened
        .iter()
        .map(|one| (one.alert.as_str(), one.value))
        .collect();
    assert_eq!(happened, [("high_correction_rate", Some(100.0))]);
}

#[tokio::test]
async fn people_get_one_message_about_all_groups_and_programs_one_each() {
    let chat = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let program = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let hooks = format!(
        "[[webhooks]]\nname = \"chat\"\nurl = \"http://127.0.0.1:{}/x\"\nformat = \"discord\"\n
         [[webhooks]]\nname = \"program\"\nurl = \"http://127.0.0.1:{}/x\"\n",
        chat.port, program.port
    );
    let world = world("\"chat\", \"program\"", &hooks);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 3000, start()).await;
    checkouts(live, "be", 1500, start()).await;
    assert_eq!(looked(&config, start).await, [State::New, State::New]);
    assert_eq!((chat.asked().len(), program.asked().len()), (1, 2));
    let body = &chat.asked()[0].body;
    for text in [
        "Slow checkout: 2 groups",
        "Slow checkout, be: 1'500",
        "Slow checkout, zh: 3'000",
    ] {
        assert!(body.contains(text), "{text}: {body}");
    }
    assert_eq!(counts(live).await, owned(&[("accepted", 4)]));
}

#[tokio::test]
async fn of_many_groups_that_begin_at_once_programs_are_told_twenty_and_how_many_more() {
    let program = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let pager = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let settings = format!(
        "[[webhooks]]\nname = \"program\"\nurl = \"http://127.0.0.1:{}/x\"\n
         [[webhooks]]\nname = \"pager\"\nurl = \"http://127.0.0.1:{}/x\"\nformat = \"pagerduty\"\nsecret = \"key\"\n
         [live]\nnotify = [\"program\", \"pager\"]\n[live.kinds.checkout]\n{}\n{}\n{METRICS}",
        program.port,
        pager.port,
        CHECKOUT.replace("most = 3", "most = 50"),
        ALERT.replace("by = [\"shop\"]", "by = [\"method\"]").replace("least = 2", "least = 1"),
    );
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    let sent = async |duration: i64, before: DateTime<Utc>| {
        let one = |number: i64| Sent {
            at: before - TimeDelta::seconds(1),
            shop: "zh",
            method: Some(format!("m{number:02}").leak()),
            order: format!("{before} {number}"),
            duration: duration * 1000 + number,
            amount: None,
            ok: Some(true),
        };
        record(live, &(0..25).map(one).collect::<Vec<_>>()).await;
    };
    sent(1500, start()).await;
    assert_eq!(looked(&config, start).await.len(), 25);
    sent(1, an_hour_later()).await;
    assert_eq!(looked(&config, an_hour_later).await.len(), 25);
    assert_eq!((program.asked().len(), pager.asked().len()), (42, 42));
    let body = |server: &Server, at: usize| -> Json {
        serde_json::from_str(&server.asked()[at].body).unwrap()
    };
    let one = body(&program, 19);
    assert_eq!(
        (&one["labels"]["method"], one.get("groups")),
        (&json!("m19"), None)
    );
    for (at, state) in [(20, "new"), (41, "recovered")] {
        let others = body(&program, at);
        assert_eq!(
            (&others["state"], &others["groups"], &others["labels"]),
            (&json!(state), &json!(5), &json!({ "method": "m24" }))
        );
        let text = others["text"].as_str().unwrap();
        assert!(text.ends_with(", the worst of 5 groups"), "{text}");
    }
    let (raised, resolved) = (body(&pager, 20), body(&pager, 41));
    assert_eq!(raised["dedup_key"], resolved["dedup_key"]);
    assert_eq!(
        (&raised["event_action"], &resolved["event_action"]),
        (&json!("trigger"), &json!("resolve"))
    );
    assert_ne!(raised["dedup_key"], body(&pager, 19)["dedup_key"]);
    assert!(counts(live).await == owned(&[("accepted", 100)]));
}

#[tokio::test]
async fn an_alert_over_events_that_cannot_be_read_says_that_some_are_missing() {
    let program = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let world = told_to(&program);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "be", 10, start()).await;
    checkouts(live, "zh", 3000, start()).await;
    let file = App::Sqlite(live.database.clone());
    file.execute("UPDATE chunks SET data = x'00' WHERE id = 1")
        .await;
    assert_eq!(looked(&config, start).await, [State::New]);
    let body: Json = serde_json::from_str(&program.asked()[0].body).unwrap();
    assert_eq!(body["complete"], json!(false));
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("events missing"), "{text}");
}

#[test]
fn the_doctor_warns_of_an_address_that_no_mail_server_reaches() {
    let world = world("\"ada@example.org\"", "");
    let said = world.binary(&["doctor"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("alerts are to be told to ada@example.org, and there is no mail server"),
        "{said}"
    );
}

#[tokio::test]
async fn whoever_is_away_is_asked_once_a_round() {
    let away = Server::plain(vec![Act::answer("HTTP/1.1 503 Away\r\n\r\n")]).await;
    let world = told_to(&away);
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    checkouts(live, "zh", 3000, start()).await;
    checkouts(live, "be", 3000, start()).await;
    looked(&config, start).await;
    assert_eq!(away.asked().len(), 1);
    assert_eq!(counts(live).await, owned(&[("failed", 1), ("planned", 1)]));
}

/// What the letter of the day says that begins so many days after the first.
async fn of_day(config: &Config, days: i64) -> Vec<LiveAlert> {
    let midnight: DateTime<Utc> = "2026-11-19T23:00:00Z".parse().unwrap();
    let day = |days| midnight + TimeDelta::days(days);
    let live = config.live.as_ref().unwrap();
    raised_between(live, day(days), day(days + 1))
        .await
        .unwrap()
}

#[tokio::test]
async fn the_letter_of_a_day_tells_each_group_that_was_raised_with_its_worst_number() {
    let world = world("", "");
    let config = world.config();
    let live = config.live.as_ref().unwrap();
    assert_eq!(of_day(&config, 0).await, [], "there is no file");
    checkouts(live, "zh", 1500, start()).await;
    looked(&config, start).await;
    checkouts(live, "zh", 10_500, two_minutes_later()).await;
    checkouts(live, "be", 1250, two_minutes_later()).await;
    assert_eq!(
        looked(&config, two_minutes_later).await,
        [State::New, State::Worse]
    );
    checkouts(live, "zh", 1, an_hour_later()).await;
    looked(&config, an_hour_later).await;
    checkouts(live, "zh", 1100, two_hours_later()).await;
    looked(&config, two_hours_later).await;
    let told = of_day(&config, 0).await;
    let [zh, be] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((&*zh.label, &*zh.unit), ("Slow checkout, zh", "ms"));
    // 1,500 and 10,500 ms of two events each.
    assert_eq!((zh.severity, zh.value), (Severity::Critical, Some(6000.0)));
    assert_eq!(zh.limit.map(|limit| limit.bound), Some(2000.0));
    assert_eq!((zh.times, zh.since, zh.until), (2, start(), None));
    assert_eq!((be.severity, be.value), (Severity::Warning, Some(1250.0)));
    assert_eq!((be.times, be.until), (1, Some(two_hours_later())));
    assert_eq!(of_day(&config, -1).await, []);
    let later = of_day(&config, 1).await;
    let later: Vec<_> = later
        .iter()
        .map(|alert| (&*alert.label, alert.times))
        .collect();
    assert_eq!(later, [("Slow checkout, zh", 1)], "it is not over");
}
