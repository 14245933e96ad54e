//! The doctor as a whole: all well where it is, the order of its findings, nothing changed, nothing given away.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use daybook::operate::doctor::{Level, examine};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::{NOW, SETTINGS, after_a_night, complaints};
use crate::http_server::{Act, Server as Receiver};
use crate::smtp_server::{Script, Server};
use crate::world::{World, instant};

/// Every file below, with its bytes and mode.
fn everything(folder: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if path.is_dir() {
            all.extend(everything(&path));
            continue;
        }
        let mode = entry.metadata().unwrap().permissions().mode();
        let bytes = std::fs::read(&path).unwrap();
        all.insert(path.display().to_string(), (bytes, mode));
    }
    all
}

#[tokio::test]
async fn everything_is_examined_in_the_order_of_a_night_and_nothing_is_changed_or_sent() {
    let mail = Server::start(Script::accepting()).await;
    let receiver = Receiver::plain(vec![Act::answer(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    )])
    .await;
    let ways = format!(
        "[[webhooks]]\nname = \"ops\"\nurl = \"http://127.0.0.1:{port}/secret-path-of-ops\"\n[ping]\nurl = \"http://127.0.0.1:{port}/secret-path-of-ping\"\n[report]\nrecipients = [\"bea@example.org\"]\n[outbox]\ndirectory = \"outbox\"\n",
        port = receiver.port
    );
    let (mut world, _app) = after_a_night(&format!("{SETTINGS}{ways}")).await;
    world.set("DAYBOOK_SMTP_URL", &mail.url());
    world.set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    let before = everything(&world.path(""));
    let findings = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    assert_eq!(everything(&world.path("")), before);
    let mut areas: Vec<&str> = findings.iter().map(|one| one.area).collect();
    areas.dedup();
    assert_eq!(
        areas,
        [
            "settings",
            "time",
            "database",
            "book",
            "days",
            "deliveries",
            "mail",
            "outbox",
            "webhooks",
            "ping",
            "secrets",
            "disk",
            "serve"
        ]
    );
    for finding in &findings {
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
        assert!(finding.advice.is_empty() && !finding.means.is_empty());
    }
    assert_eq!(mail.commands(), ["EHLO", "MAIL", "RSET", "QUIT"]);
    assert_eq!((mail.accepted().len(), receiver.asked().len()), (0, 0));
    assert!(!world.path("outbox").exists());
    assert!(!format!("{findings:?}").contains("secret-path"));
}

#[tokio::test]
async fn what_a_crash_left_beside_the_book_is_read_and_stays() {
    let (world, _app) = after_a_night(SETTINGS).await;
    let path = world.path("daybook.db");
    let writer = daybook::book::Book::open(
        &daybook::config::DatabaseUrl::sqlite(&path),
        std::time::Duration::ZERO,
    )
    .await
    .unwrap();
    daybook::book::begin_run(&writer, "collect", instant(NOW))
        .await
        .unwrap();
    let copy = World::new(NOW, SETTINGS);
    for name in ["daybook.db", "daybook.db-wal", "app.db"] {
        std::fs::copy(world.path(name), copy.path(name)).unwrap();
    }
    writer.close().await;
    let log = std::fs::read(copy.path("daybook.db-wal")).unwrap();
    assert!(!log.is_empty());
    let found = complaints(&copy, NOW).await;
    assert_eq!(
        found,
        ["warning days: the last run, at 2025-10-04 08:00, was interrupted"]
    );
    assert_eq!(std::fs::read(copy.path("daybook.db-wal")).unwrap(), log);
}

#[test]
fn a_fresh_demo_is_all_well() {
    let world = World::new(NOW, SETTINGS);
    assert!(world.binary(&["demo", "--dir", "demo"]).status.success());
    std::fs::set_permissions(world.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    // Reading a closed app.db or live.db makes SQLite's files beside it anew, and a reader may not remove them.
    let lasting = || {
        let mut all = everything(&world.path("demo"));
        all.retain(|name, _| !name.contains("app.db-") && !name.contains("live.db-"));
        all
    };
    let before = lasting();
    let examined = world.binary(&["--config", "demo/daybook.toml", "doctor"]);
    let text = String::from_utf8(examined.stdout).unwrap();
    assert_eq!(examined.status.code(), Some(0), "{text}");
    assert_eq!(text.lines().last(), Some("all well"));
    let findings = || text.lines().take_while(|line| !line.is_empty());
    assert!(findings().all(|line| line.starts_with("ok ")), "{text}");
    let expected = format!(
        "ok       mail       no mail server is set: reports are written to {}",
        world.path("demo/outbox").display()
    );
    assert!(findings().any(|line| line == expected), "{text}");
    let examined = world.binary(&["--config", "demo/daybook.toml", "doctor", "--json"]);
    let json: Json = serde_json::from_slice(&examined.stdout).unwrap();
    let count = json["findings"].as_array().unwrap().len();
    assert_eq!(count, findings().count());
    assert_eq!(
        (
            &json["schema"],
            &json["ok"],
            &json["warnings"],
            &json["errors"]
        ),
        (&1.into(), &count.into(), &0.into(), &0.into())
    );
    assert_eq!(lasting(), before);
}

#[test]
fn mistakes_in_the_settings_are_listed_as_everywhere() {
    let world = World::new(NOW, &SETTINGS.replace("created_at", "createdat"));
    let examined = world.binary(&["doctor"]);
    assert_eq!(examined.status.code(), Some(78));
    let words = String::from_utf8(examined.stderr).unwrap();
    assert!(words.contains("did you mean `created_at`?"), "{words}");
    assert!(examined.stdout.is_empty());
}

#[tokio::test]
async fn what_was_noticed_in_the_settings_is_a_warning() {
    let (world, _app) = after_a_night(&format!("{SETTINGS}[[webhooks]]\nname = \"ops\"\n")).await;
    let found = complaints(&world, NOW).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("warning settings: ")
            && found[0].contains("the webhook `ops` has no address"),
        "{found:?}"
    );
}

/// Nothing that is secret comes out, whatever it is and whoever repeats it.
#[test]
fn no_secret_of_the_environment_is_in_any_output() {
    const MORE: &str = "[mail]\nfrom = \"daybook@example.org\"\n[report]\nrecipients = [\"bea@example.org\"]\n[[webhooks]]\nname = \"ops\"\n";
    let mut runner = TestRunner::new(Cases::with_cases(6));
    let secrets = proptest::array::uniform6("[a-zA-Z0-9]{16,24}");
    let done = runner.run(&secrets, |secrets| {
        let [app, mail, hook, sign, ping, token] = &secrets;
        let mut world = World::new(NOW, &format!("{SETTINGS}{MORE}"));
        world
            .set(
                "DAYBOOK_APP_DATABASE_URL",
                &format!("postgres://ada:{app}@127.0.0.1:1/app"),
            )
            .set(
                "DAYBOOK_SMTP_URL",
                &format!("smtp://ada:{mail}@127.0.0.1:1?tls=none"),
            )
            .set(
                "DAYBOOK_WEBHOOK_OPS_URL",
                &format!("https://127.0.0.1:1/{hook}"),
            )
            .set("DAYBOOK_WEBHOOK_OPS_SECRET", sign)
            .set("DAYBOOK_PING_URL", &format!("https://127.0.0.1:1/{ping}"));
        world.write("token", token);
        world.set("DAYBOOK_SERVE_TOKEN_FILE", "token");
        for args in [&["doctor"][..], &["doctor", "--json"]] {
            let examined = world.binary(args);
            prop_assert_eq!(examined.status.code(), Some(1));
            let all = format!("{examined:?}");
            for secret in &secrets {
                prop_assert!(!all.contains(secret.as_str()), "{} in {}", secret, all);
            }
        }
        Ok(())
    });
    done.unwrap();
}
