//! What the doctor finds: here on the way to a mail server, and the test message that goes it to the end.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod alerts;
mod databases;
mod indexes;
mod ledger;
mod places;
mod whole;

use std::io::Write;

use chrono::{DateTime, Utc};
use daybook::commands::{self, CommandError, Ended, send};
use daybook::config::{Config, MailSettings, Recipient, When};
use daybook::locale::{Language, Locale};
use daybook::nightly::Which;
use daybook::operate::doctor::certificate::not_after;
use daybook::operate::doctor::{Finding, Level, examine, mail};
use mail_parser::MessageParser;
use secrecy::SecretString;
use serde_json::Value as Json;
use tempfile::NamedTempFile;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_util::sync::CancellationToken;

use crate::certificates::Authority;
use crate::smtp_server::{Act, Script, Server, Step};
use crate::world::{App, SETTINGS, World, date, instant};

const NOW: &str = "2025-10-04T06:00:00Z";
const BEA: &str = "bea@example.org";

type Scripted<'a> = &'a dyn Fn(&Authority) -> Script;

#[tokio::test]
async fn a_sound_way_is_walked_to_the_sender_and_nothing_is_sent() {
    let authority = Authority::new();
    let script = Script::accepting()
        .starttls(authority.identity("localhost"))
        .user("ada", "s3cret", "PLAIN")
        .announce("SIZE 10240000");
    let server = Server::start(script).await;
    let (config, _files) = sending(&server, Some(&authority));
    let findings = of_mail(&config, NOW).await;
    let place = place(&server);
    let expected = [
        format!("reports go out over {place} (STARTTLS), from daybook@example.org"),
        findings[1].what.clone(),
        format!("{place} can be reached"),
        "the connection is encrypted with TLS 1.3".to_owned(),
        "the certificate of localhost is trusted, and valid until 2090-12-31 (23828 days)"
            .to_owned(),
        "signed in as ada (PLAIN)".to_owned(),
        "daybook@example.org may send: 250 2.1.0 Ok".to_owned(),
        "the server accepts messages of up to 10240000 bytes".to_owned(),
    ];
    let found: Vec<String> = findings.iter().map(|one| one.what.clone()).collect();
    assert_eq!(found, expected);
    assert!(findings[1].what.starts_with("localhost has the address "));
    assert!(findings[1].what.contains("127.0.0.1"));
    assert!(
        findings
            .iter()
            .all(|one| one.level == Level::Ok && one.advice.is_empty())
    );
    assert_eq!(
        server.commands(),
        ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RSET", "QUIT"]
    );
    assert_eq!(server.accepted().len(), 0);
    assert!(!format!("{findings:?}").contains("s3cret"));
}

#[tokio::test]
async fn the_first_broken_step_is_told_with_what_to_do() {
    let certificate_expired =
        |authority: &Authority| Script::accepting().starttls(authority.until("localhost", 2001));
    let cases: [(Scripted, &str, &str); 5] = [
        (
            &|_| Script::accepting().say(Step::Greeting, "554 5.7.1 go away"),
            "the server refuses the connection: 554 5.7.1 go away",
            "Check port and scheme",
        ),
        (
            &certificate_expired,
            "has expired: renew it",
            "Check port and scheme",
        ),
        (
            &|authority| {
                let script = Script::accepting().starttls(authority.identity("localhost"));
                script.stripped_of("STARTTLS")
            },
            "does not offer STARTTLS",
            "Check port and scheme",
        ),
        (
            &|_| Script::accepting().user("ada", "other", "PLAIN"),
            "user and password are not accepted: 535 5.7.8 authentication failed",
            "Check user and password",
        ),
        (
            &|_| {
                let script = Script::accepting().user("ada", "s3cret", "PLAIN");
                script.say(Step::Mail, "553 5.7.1 not your address")
            },
            "the server does not accept daybook@example.org as sender: 553 5.7.1 not your address",
            "Set `from` under [mail]",
        ),
    ];
    for (script, what, advice) in cases {
        let authority = Authority::new();
        let server = Server::start(script(&authority)).await;
        let (config, _files) = sending(&server, Some(&authority));
        let findings = of_mail(&config, NOW).await;
        let last = findings.last().unwrap();
        assert_eq!(last.level, Level::Error, "{what}");
        assert!(last.what.contains(what), "{}", last.what);
        assert!(last.advice.starts_with(advice), "{}", last.advice);
        assert!(!last.means.is_empty());
        let sound = &findings[..findings.len() - 1];
        assert!(sound.iter().all(|one| one.level == Level::Ok));
        assert_eq!(server.accepted().len(), 0);
    }
}

#[tokio::test]
async fn what_will_be_trouble_soon_is_a_warning() {
    let authority = Authority::new();
    let script = Script::accepting()
        .implicit_tls(authority.identity("localhost"))
        .announce("SIZE 100000")
        .on(Step::Mail, Act::Say("450 4.7.1 later".to_owned()));
    let server = Server::start(script).await;
    let (mut config, _files) = sending(&server, Some(&authority));
    config.mail.as_mut().unwrap().server.user = None;
    config.report.recipients.clear();
    let findings = of_mail(&config, "2090-12-20T00:00:00Z").await;
    let warnings: Vec<&str> = findings
        .iter()
        .filter(|one| one.level == Level::Warning)
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "no recipients are set",
            "the certificate of localhost is trusted, and valid until 2090-12-31 (11 days)",
            "the server does not accept daybook@example.org as sender: 450 4.7.1 later",
        ]
    );
    assert!(findings.iter().all(|one| one.level != Level::Error));
}

#[tokio::test]
async fn a_small_limit_of_the_server_is_a_warning() {
    let server = Server::start(Script::accepting().announce("SIZE 100000")).await;
    let (mut config, _files) = sending(&server, None);
    config.mail.as_mut().unwrap().server.user = None;
    let findings = of_mail(&config, NOW).await;
    let found: Vec<(Level, &str)> = findings
        .iter()
        .skip(3)
        .map(|one| (one.level, one.what.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Level::Ok, "the connection is not encrypted"),
            (Level::Ok, "no user is set; no sign-in"),
            (Level::Ok, "daybook@example.org may send: 250 2.1.0 Ok"),
            (
                Level::Warning,
                "the server accepts messages of up to 100000 bytes"
            ),
        ]
    );
}

#[tokio::test]
async fn the_program_tells_each_finding_on_a_line_and_what_to_do_beneath() {
    let server = Server::start(Script::accepting().user("ada", "other", "LOGIN")).await;
    let mail = "\n[mail]\nfrom = \"Daybook <daybook@example.org>\"\n[report]\nrecipients = [\"bea@example.org\"]\n";
    let mut world = World::new(NOW, &format!("{SETTINGS}{mail}"));
    let url = server.url().replace("//", "//ada:s3cret@");
    world.set("DAYBOOK_SMTP_URL", &url);
    let examined = world.binary(&["doctor"]);
    assert_eq!(examined.status.code(), Some(1));
    let text = String::from_utf8(examined.stdout).unwrap();
    let of_mail: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("the connection is not encrypted"))
        .take(4)
        .collect();
    assert_eq!(
        of_mail,
        [
            "ok       mail       the connection is not encrypted",
            "error    mail       user and password are not accepted: 535 5.7.8 authentication failed",
            "                    Until this is fixed, no report can be sent by mail; it is kept and retried.",
            "                    Check user and password (`smtp_url`, DAYBOOK_SMTP_URL or the password file); with Resend the user is `resend` and the password an API key.",
        ]
    );
    assert_eq!(text.lines().last(), Some("2 errors"));
    let examined = world.binary(&["doctor", "--json"]);
    assert_eq!(examined.status.code(), Some(1));
    let json: Json = serde_json::from_slice(&examined.stdout).unwrap();
    let levels = json["findings"].as_array().unwrap().iter();
    let errors = levels.filter(|one| one["level"] == "error").count();
    assert_eq!((&json["errors"], errors), (&2.into(), 2));
    let sent = world.binary(&["send", "--test", "--to", BEA]);
    assert_eq!(sent.status.code(), Some(75));
    let place = place(&server);
    assert_eq!(
        String::from_utf8_lossy(&sent.stderr),
        format!(
            "daybook: the message for bea@example.org was not sent: user and password are not accepted: 535 5.7.8 authentication failed\n`daybook doctor` checks the connection to {place} step by step\n"
        )
    );
    assert!(!text.contains("s3cret"));
}

#[tokio::test]
async fn a_test_message_is_accepted_and_can_be_read_in_both_languages() {
    let server = Server::start(Script::accepting()).await;
    let (mut config, _files) = sending(&server, None);
    config.mail.as_mut().unwrap().server.user = None;
    config.name = "Beryl & <Söhne>".to_owned();
    for (language, subject, word) in [
        (
            Language::English,
            "Beryl & <Söhne>: test message",
            "This is a test",
        ),
        (
            Language::German,
            "Beryl & <Söhne>: Testnachricht",
            "Dies ist eine Test",
        ),
    ] {
        config.report.locale = Locale {
            language,
            ..Locale::default()
        };
        let ended = send::test(&config, BEA, &outside(NOW)).await.unwrap();
        assert_eq!(ended, Ended::Done);
        let taken = server.accepted().pop().unwrap();
        assert_eq!(
            (taken.from.as_str(), taken.to.as_str()),
            ("daybook@example.org", BEA)
        );
        let read = MessageParser::default().parse(&taken.message).unwrap();
        assert_eq!(read.subject(), Some(subject));
        let text = read.body_text(0).unwrap();
        assert!(
            text.starts_with(word) && text.contains("2025-10-04 08:00 CEST"),
            "{text}"
        );
        let html = read.body_html(0).unwrap();
        assert!(html.contains("Beryl &#38; &#60;S&#246;hne&#62;"), "{html}");
    }
}

#[tokio::test]
async fn a_test_message_that_is_not_taken_ends_with_75() {
    let scripts = [
        Script::accepting().rcpt(BEA, "550 5.1.1 No such user"),
        Script::accepting().say(Step::Greeting, "421 4.3.2 later"),
        Script::accepting().on(Step::Dot, Act::TakeAndDrop),
    ];
    for script in scripts {
        let server = Server::start(script).await;
        let (mut config, _files) = sending(&server, None);
        config.mail.as_mut().unwrap().server.user = None;
        let ended = send::test(&config, BEA, &outside(NOW)).await.unwrap();
        assert_eq!((ended, ended.exit_code()), (Ended::Undelivered, 75));
    }
}

#[tokio::test]
async fn a_test_message_needs_a_server_and_an_address() {
    let world = World::new(NOW, SETTINGS);
    let error = send::test(&world.config(), BEA, &outside(NOW)).await;
    let error = error.unwrap_err();
    assert_eq!(error.exit_code(), 78);
    let expected = format!(
        "{}: no mail server is set: set `smtp_url` (or DAYBOOK_SMTP_URL in the environment) and `from` under `[mail]`",
        world.path("daybook.toml").display()
    );
    assert_eq!(error.to_string(), expected);
    let server = Server::start(Script::accepting()).await;
    let (config, _files) = sending(&server, None);
    let to = "bea@example.org\r\nRCPT TO:<eve@example.org>";
    let error = send::test(&config, to, &outside(NOW)).await.unwrap_err();
    assert!(matches!(error, CommandError::Usage(_)));
    assert_eq!(
        error.to_string(),
        "--to: `bea@example.org RCPT TO:<eve@example.org>` is not an email address"
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_certificate_tells_until_when_it_is_valid() {
    let authority = Authority::new();
    for (identity, expected) in [
        (
            authority.identity("localhost"),
            Some("2090-12-31T00:00:00Z"),
        ),
        (
            authority.until("localhost", 2001),
            Some("2001-12-31T00:00:00Z"),
        ),
    ] {
        let der = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
        let der = der.as_ref();
        assert_eq!(not_after(der), expected.map(instant));
        for length in 0..der.len() {
            // Whatever is cut off or turned, nothing breaks.
            let _: Option<DateTime<Utc>> = not_after(&der[..length]);
            let mut turned = der.to_vec();
            turned[length] ^= 0xff;
            let _: Option<DateTime<Utc>> = not_after(&turned);
        }
    }
    assert_eq!(not_after(b""), None);
}

/// `error database: …`: whatever is not in order, the level and area before it.
async fn complaints(world: &World, now: &str) -> Vec<String> {
    let findings = examine(&world.config(), instant(now), &CancellationToken::new()).await;
    let wrong = findings.iter().filter(|one| one.level != Level::Ok);
    for one in wrong.clone() {
        assert!(!one.means.is_empty() && !one.advice.is_empty(), "{one:?}");
    }
    wrong.map(line).collect()
}

/// What is said of one area, in order or not.
async fn told_of(area: &str, world: &World, now: &str) -> Vec<String> {
    let findings = examine(&world.config(), instant(now), &CancellationToken::new()).await;
    findings
        .iter()
        .filter(|one| one.area == area)
        .map(line)
        .collect()
}

fn line(finding: &Finding) -> String {
    format!(
        "{} {}: {}",
        finding.level.word(),
        finding.area,
        finding.what
    )
}

/// An application with some users, and a book in which the night of 4 October was stored.
async fn after_a_night(settings: &str) -> (World, App) {
    let world = World::new(NOW, settings);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT); INSERT INTO users VALUES ('2025-10-02 12:00:00')",
    )
    .await;
    world.night(Which::One(date("2025-10-03"))).await;
    (world, app)
}

async fn of_mail(config: &Config, now: &str) -> Vec<Finding> {
    mail::examine(config, instant(now)).await
}

/// Settings that send over this server as `ada`, with one recipient.
fn sending(server: &Server, trusted: Option<&Authority>) -> (Config, (World, NamedTempFile)) {
    let world = World::new(NOW, SETTINGS);
    let mut file = NamedTempFile::new().unwrap();
    let pem = trusted.map_or("", Authority::pem);
    file.write_all(pem.as_bytes()).unwrap();
    let mut config = world.config();
    let mut mail: MailSettings = server.settings();
    mail.server.user = Some("ada".to_owned());
    mail.server.password = Some(SecretString::from("s3cret"));
    mail.server.ca_file = trusted.map(|_| file.path().to_owned());
    config.mail = Some(mail);
    config.report.recipients = vec![Recipient {
        address: BEA.to_owned(),
        name: None,
        locale: Locale::default(),
        when: When::Daily,
    }];
    (config, (world, file))
}

fn outside(now: &str) -> commands::World {
    commands::World {
        now: instant(now),
        clock: || instant(NOW),
        program: "daybook".to_owned(),
        environment: Default::default(),
        directory: std::env::temp_dir(),
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        width: 100,
        stop: CancellationToken::new(),
    }
}

fn place(server: &Server) -> String {
    let server = server.settings().server;
    format!("{}:{}", server.host, server.port)
}
