//! A real mail server: signed in over TLS, and what arrives in the mailboxes read back.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::config::{MailSettings, Sender, SmtpServer, Tls};
use daybook::deliver::Attempt;
use daybook::deliver::message::{Head, message};
use daybook::deliver::smtp::connect;
use daybook::render::html::Picture;
use daybook::render::mail::Mail;
use mail_parser::{MessageParser, MimeHeaders};
use secrecy::SecretString;

use crate::postfix::Postfix;
use crate::world::{World, instant};

const FROM: &str = "daybook@example.org";

#[tokio::test]
async fn postfix_takes_reports_over_both_kinds_of_tls_and_they_arrive_whole() {
    let postfix = Postfix::start();
    for (count, tls) in [(1, Tls::StartTls), (2, Tls::Implicit)] {
        let mail = settings(&postfix, tls);
        let mut connection = connect(&mail).await.ok().unwrap();
        for to in ["bea@example.org", "chris@example.org"] {
            let bytes = report(&mail.from, to);
            connection.begin(FROM, to, bytes.len()).await.unwrap();
            let attempt = connection.hand_over(&bytes).await;
            let Attempt::Accepted { reply } = attempt else {
                panic!("{attempt:?}: {}", postfix.log())
            };
            assert!(reply.starts_with("250 2.0.0 Ok: queued as "), "{reply}");
        }
        connection.close().await;
        for name in ["bea", "chris"] {
            let arrived = postfix.mailbox(name, count);
            assert_eq!(arrived.len(), count);
            for bytes in arrived {
                whole(&bytes, name);
            }
        }
    }
    let log = postfix.log();
    assert_eq!(
        log.matches("sasl_method=PLAIN, sasl_username=ada").count(),
        4,
        "{log}"
    );
    assert_eq!(log.matches("improper command pipelining").count(), 0);
    // Only the one who looked whether it is up yet hung up without a word.
    let lost = log.matches("lost connection").count();
    assert_eq!(lost, log.matches("lost connection after CONNECT").count());
}

#[tokio::test]
async fn postfix_refuses_and_its_words_are_handed_on() {
    let postfix = Postfix::start();
    let mail = settings(&postfix, Tls::StartTls);
    let mut connection = connect(&mail).await.ok().unwrap();
    assert_eq!(connection.size_limit(), Some(300_000));
    let refusal = connection
        .begin(FROM, "eve@example.org", 10)
        .await
        .unwrap_err();
    assert!(!refusal.may_pass);
    assert_eq!(
        refusal.reply,
        "550 5.1.1 <eve@example.org>: Recipient address rejected: User unknown in virtual mailbox table"
    );
    let refusal = connection
        .begin("eve@example.org", "bea@example.org", 10)
        .await;
    assert_eq!(
        refusal.unwrap_err().reply,
        "553 5.7.1 <eve@example.org>: Sender address rejected: not owned by user ada"
    );
    let refusal = connection.begin(FROM, "bea@example.org", 300_001).await;
    assert!(!refusal.unwrap_err().may_pass);
    let bytes = report(&mail.from, "bea@example.org");
    connection
        .begin(FROM, "bea@example.org", bytes.len())
        .await
        .unwrap();
    let attempt = connection.hand_over(&bytes).await;
    assert!(matches!(attempt, Attempt::Accepted { .. }), "{attempt:?}");
    connection.close().await;
    assert_eq!(postfix.mailbox("bea", 1).len(), 1);

    let mut wrong = settings(&postfix, Tls::Implicit);
    wrong.server.password = Some(SecretString::from("wr0ng"));
    let refusal = connect(&wrong).await.err().unwrap();
    assert!(refusal.may_pass);
    assert!(
        refusal.reply.starts_with(
            "user and password are not accepted: 535 5.7.8 Error: authentication failed"
        ),
        "{}",
        refusal.reply
    );
}

#[tokio::test]
async fn the_program_sends_its_test_message_and_the_doctor_finds_nothing_wrong() {
    let postfix = Postfix::start();
    let settings = format!(
        "name = \"Beryl\"\n[app]\ndatabase_url = \"sqlite:app.db\"\n[report]\nrecipients = [\"bea@example.org\"]\n[mail]\nfrom = \"Daybook <{FROM}>\"\nca_file = \"{}\"\n[tables.users]\nname = \"users\"\ncreated_at = \"joined\"\n[[metrics]]\nkey = \"users\"\ntable = \"users\"\ncount = \"*\"\nhistory = \"event\"\n",
        postfix.authority().display()
    );
    let mut world = World::new("2025-10-04T06:00:00Z", &settings);
    let url = format!("smtp://ada:s3cret@localhost:{}", postfix.starttls_port);
    world.set("DAYBOOK_SMTP_URL", &url);
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (joined TEXT NOT NULL)")
        .await;
    let examined = world.binary(&["doctor"]);
    let told = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert_eq!(examined.status.code(), Some(0), "{told}");
    assert!(told.contains("signed in as ada (PLAIN)"), "{told}");
    assert!(
        !told.contains("warning") && !told.contains("s3cret"),
        "{told}"
    );
    let sent = world.binary(&["send", "--test", "--to", "bea@example.org"]);
    let told = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert_eq!(sent.status.code(), Some(0), "{sent:?}");
    let begin = format!(
        "localhost:{} accepted the message for bea@example.org: 250 2.0.0 Ok: queued as ",
        postfix.starttls_port
    );
    assert!(told.starts_with(&begin), "{told}");
    let arrived = postfix.mailbox("bea", 1);
    let read = MessageParser::default().parse(&arrived[0]).unwrap();
    assert_eq!(read.subject(), Some("Beryl: test message"));
}

fn settings(postfix: &Postfix, tls: Tls) -> MailSettings {
    MailSettings {
        server: SmtpServer {
            host: "localhost".to_owned(),
            port: match tls {
                Tls::Implicit => postfix.tls_port,
                Tls::StartTls | Tls::None => postfix.starttls_port,
            },
            tls,
            user: Some("ada".to_owned()),
            password: Some(SecretString::from("s3cret")),
            ca_file: Some(postfix.authority()),
        },
        from: Sender {
            address: FROM.to_owned(),
            name: Some("Daybook".to_owned()),
        },
        reply_to: None,
        unsubscribe: None,
        timeout: Duration::from_secs(60),
    }
}

fn text() -> String {
    "Users 3’141 − up\n.\n..\nFrom here on:\n".to_owned() + &"long ".repeat(400) + "\nend\n"
}

fn html() -> String {
    let rows = ".<p>a row</p>\n".repeat(3000);
    format!("<html><body><img src=\"cid:users\" alt=\"\">\n{rows}</body></html>\n")
}

fn picture() -> Vec<u8> {
    (0..4000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn report(from: &Sender, to: &str) -> Vec<u8> {
    let mail = Mail {
        subject: "[ok] Beryl, Fri 3 Oct 2025: ünchanged".to_owned(),
        html: html(),
        text: text(),
        pictures: vec![Picture {
            name: "users".to_owned(),
            png: picture(),
        }],
        csv: Some("key,value\nusers,3141\n".to_owned()),
    };
    let head = Head {
        from,
        reply_to: None,
        to: (to, Some("Ada \"B\" Ü")),
        message_id: &format!("<report.2025-10-03.{to}>"),
        date: instant("2025-10-04T04:15:07Z"),
        app: "Beryl",
        unsubscribe: None,
        idempotency_key: None,
        language: "en",
    };
    message(&mail, &head).unwrap()
}

fn whole(bytes: &[u8], name: &str) {
    // A mailbox has the line ends of the machine.
    let read = MessageParser::default().parse(bytes).unwrap();
    assert_eq!(
        read.subject(),
        Some("[ok] Beryl, Fri 3 Oct 2025: ünchanged")
    );
    let id = format!("report.2025-10-03.{name}@example.org");
    assert_eq!(read.message_id(), Some(id.as_str()));
    let plain = |text: std::borrow::Cow<'_, str>| text.replace("\r\n", "\n");
    assert_eq!(plain(read.body_text(0).unwrap()), text());
    assert_eq!(plain(read.body_html(0).unwrap()), html());
    let pictures: Vec<_> = read
        .attachments()
        .filter(|part| part.content_id() == Some("users"))
        .collect();
    assert_eq!(pictures.len(), 1);
    assert_eq!(pictures[0].contents(), picture());
    let csv = read.attachments().last().unwrap().text_contents().unwrap();
    assert_eq!(csv.replace("\r\n", "\n"), "key,value\nusers,3141\n");
}
