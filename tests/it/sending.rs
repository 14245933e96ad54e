//! What becomes of a message at every step of the conversation with a mail server.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Write;
use std::time::Duration;

use daybook::config::{MailSettings, Tls};
use daybook::deliver::Attempt;
use daybook::deliver::smtp::{Connection, Refusal, connect};
use futures_util::future::join_all;
use secrecy::SecretString;
use tempfile::NamedTempFile;

use crate::certificates::Authority;
use crate::smtp_server::{Act, Script, Server, Step};

const FROM: &str = "daybook@example.org";
const BEA: &str = "bea@example.org";
const CHRIS: &str = "chris@example.org";
const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nall is well\r\n";

#[tokio::test]
async fn fifty_messages_cost_one_connection_one_handshake_and_one_sign_in() {
    let authority = Authority::new();
    let script = Script::accepting()
        .starttls(authority.identity("localhost"))
        .user("ada", "s3cret", "PLAIN LOGIN");
    let server = Server::start(script).await;
    let trusted = file(authority.pem());
    let mail = signing_in(trusting(&server, &trusted));
    let mut connection = open(&mail).await;
    for reader in 0..50 {
        let to = format!("reader{reader}@example.org");
        let attempt = send(&mut connection, &to, MESSAGE).await;
        assert_eq!(attempt, accepted("250 2.0.0 Ok: queued"));
    }
    connection.close().await;
    assert_eq!((server.connections(), server.handshakes()), (1, 1));
    assert_eq!(server.sign_ins(), ["PLAIN ada:s3cret"]);
    let accepted = server.accepted();
    assert_eq!(accepted.len(), 50);
    assert_eq!(accepted[49].to, "reader49@example.org");
    assert_eq!(accepted[49].from, FROM);
    assert!(accepted.iter().all(|one| one.encrypted && one.signed_in));
    assert!(accepted.iter().all(|one| one.message == MESSAGE));
    assert_eq!(server.commands().last().unwrap(), "QUIT");
}

#[tokio::test]
async fn what_the_server_says_before_a_message_may_pass() {
    let cases = [
        (
            Step::Greeting,
            "554 5.3.2 full",
            "the server refuses the connection: 554 5.3.2 full",
        ),
        (
            Step::Greeting,
            "421 4.3.2 later",
            "the server refuses the connection: 421 4.3.2 later",
        ),
        (
            Step::Ehlo,
            "550 5.7.1 not you",
            "EHLO is refused: 550 5.7.1 not you",
        ),
        (
            Step::StartTls,
            "454 4.7.0 no TLS now",
            "STARTTLS is refused: 454 4.7.0 no TLS now",
        ),
        (
            Step::Auth,
            "454 4.7.0 later",
            "user and password are not accepted: 454 4.7.0 later",
        ),
        (
            Step::Auth,
            "535 5.7.8 no",
            "user and password are not accepted: 535 5.7.8 no",
        ),
    ];
    for (step, reply, expected) in cases {
        let authority = Authority::new();
        let script = Script::accepting()
            .starttls(authority.identity("localhost"))
            .user("ada", "s3cret", "PLAIN")
            .say(step, reply);
        let server = Server::start(script).await;
        let trusted = file(authority.pem());
        let mail = signing_in(trusting(&server, &trusted));
        assert_eq!(refused(&mail).await, passing(expected), "{step:?}");
    }
}

#[tokio::test]
async fn a_refused_message_leaves_the_conversation_for_the_next_one() {
    for (step, reply, may_pass) in [
        (Step::Mail, "451 4.3.0 later", true),
        (Step::Mail, "553 5.7.1 not your address", false),
        (Step::Mail, "530 5.7.0 sign in first", true),
        (Step::Mail, "452 4.3.1 disk full", true),
        (Step::Rcpt, "450 4.2.1 greylisted", true),
        (Step::Rcpt, "550 5.1.1 No such user", false),
        (Step::Data, "451 4.3.0 later", true),
        (Step::Data, "554 5.5.1 no", false),
    ] {
        let script = Script::accepting().on_nth(1, step, Act::Say(reply.to_owned()));
        let server = Server::start(script).await;
        let mut connection = open(&server.settings()).await;
        let refusal = connection
            .begin(FROM, BEA, MESSAGE.len())
            .await
            .unwrap_err();
        let reply = reply.to_owned();
        assert_eq!(refusal, Refusal { reply, may_pass }, "{step:?}");
        assert!(connection.is_open(), "{step:?}");
        let next = send(&mut connection, CHRIS, MESSAGE).await;
        assert_eq!(next, accepted("250 2.0.0 Ok: queued"), "{step:?}");
        assert_eq!(server.accepted().len(), 1);
    }
}

#[tokio::test]
async fn after_the_final_dot_the_server_decides() {
    for (reply, may_pass) in [
        ("451 4.3.0 later", true),
        ("552 5.3.4 Message too big", false),
        ("554 5.7.1 spam", false),
    ] {
        let script = Script::accepting().on_nth(1, Step::Dot, Act::Say(reply.to_owned()));
        let server = Server::start(script).await;
        let mut connection = open(&server.settings()).await;
        let attempt = send(&mut connection, BEA, MESSAGE).await;
        let reply = reply.to_owned();
        assert_eq!(attempt, Attempt::Refused { reply, may_pass });
        let next = send(&mut connection, CHRIS, MESSAGE).await;
        assert_eq!(next, accepted("250 2.0.0 Ok: queued"));
        assert_eq!(server.accepted().len(), 1);
    }
}

#[tokio::test]
async fn one_unknown_recipient_does_not_harm_the_others() {
    let script = Script::accepting().rcpt(BEA, "550 5.1.1 No such user");
    let server = Server::start(script).await;
    let mut connection = open(&server.settings()).await;
    let refusal = connection.begin(FROM, BEA, 10).await.unwrap_err();
    assert!(!refusal.may_pass);
    let attempt = send(&mut connection, CHRIS, MESSAGE).await;
    assert_eq!(attempt, accepted("250 2.0.0 Ok: queued"));
    let reached: Vec<String> = server.accepted().into_iter().map(|one| one.to).collect();
    assert_eq!(reached, [CHRIS]);
}

#[tokio::test]
async fn goodbye_at_any_step_ends_the_conversation_and_may_pass() {
    for step in [Step::Mail, Step::Rcpt, Step::Data] {
        let server = Server::start(Script::accepting().say(step, "421 4.3.2 bye")).await;
        let mut connection = open(&server.settings()).await;
        let refusal = connection.begin(FROM, BEA, 10).await.unwrap_err();
        assert_eq!(refusal, passing("421 4.3.2 bye"), "{step:?}");
        assert!(!connection.is_open(), "{step:?}");
    }
    let server = Server::start(Script::accepting().say(Step::Dot, "421 4.3.2 bye")).await;
    let mut connection = open(&server.settings()).await;
    let attempt = send(&mut connection, BEA, MESSAGE).await;
    let reply = "421 4.3.2 bye".to_owned();
    let may_pass = true;
    assert_eq!(attempt, Attempt::Refused { reply, may_pass });
    assert!(!connection.is_open());
}

#[tokio::test]
async fn answers_beside_the_point_are_not_trusted_with_a_message() {
    for (step, reply, expected) in [
        (
            Step::Mail,
            "354 go on",
            "MAIL FROM is answered with 354 go on",
        ),
        (Step::Data, "250 fine", "DATA is answered with 250 fine"),
    ] {
        let server = Server::start(Script::accepting().say(step, reply)).await;
        let mut connection = open(&server.settings()).await;
        let refusal = connection.begin(FROM, BEA, 10).await.unwrap_err();
        assert_eq!(refusal, passing(expected));
        assert!(!connection.is_open());
    }
    let server = Server::start(Script::accepting().say(Step::Dot, "354 more")).await;
    let mut connection = open(&server.settings()).await;
    let reply = "354 more".to_owned();
    let attempt = send(&mut connection, BEA, MESSAGE).await;
    assert_eq!(attempt, Attempt::InDoubt { reply });
    assert!(!connection.is_open());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let steps = [
        (Step::Greeting, "the connection"),
        (Step::Ehlo, "EHLO"),
        (Step::Mail, "MAIL FROM"),
        (Step::Rcpt, "RCPT TO"),
        (Step::Data, "DATA"),
    ];
    let cases = steps.map(|case| [(case, Act::Stall), (case, Act::Dribble)]);
    let waiting = cases.into_iter().flatten().map(async |case| {
        let ((step, words), act) = case;
        let server = Server::start(Script::accepting().on(step, act.clone())).await;
        let refusal = begin(&brief(&server), BEA).await.unwrap_err();
        let expected = format!("{} did not answer {words} within 2s", place(&server));
        assert_eq!(refusal, passing(&expected), "{act:?}");
    });
    join_all(waiting).await;
}

#[tokio::test]
async fn silence_after_the_final_dot_means_doubt() {
    let waiting = [Act::TakeAndStall, Act::Dribble].map(async |act| {
        let server = Server::start(Script::accepting().on(Step::Dot, act.clone())).await;
        let mut connection = open(&brief(&server)).await;
        let attempt = send(&mut connection, BEA, MESSAGE).await;
        let place = place(&server);
        let reply = format!("{place} did not answer the whole message within 20s");
        assert_eq!(attempt, Attempt::InDoubt { reply }, "{act:?}");
        assert!(!connection.is_open());
    });
    join_all(waiting).await;
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_message_may_pass() {
    for step in [
        Step::Greeting,
        Step::Ehlo,
        Step::Mail,
        Step::Rcpt,
        Step::Data,
    ] {
        let server = Server::start(Script::accepting().on(step, Act::Drop)).await;
        let refusal = begin(&server.settings(), BEA).await.unwrap_err();
        let place = place(&server);
        assert!(refusal.may_pass, "{step:?}");
        assert!(
            refusal.reply.contains(&place),
            "{step:?}: {}",
            refusal.reply
        );
        assert_eq!(server.accepted().len(), 0);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_final_dot_means_doubt() {
    for (act, taken) in [(Act::TakeAndDrop, 1), (Act::Drop, 0)] {
        let server = Server::start(Script::accepting().on(Step::Dot, act)).await;
        let mut connection = open(&server.settings()).await;
        let attempt = send(&mut connection, BEA, MESSAGE).await;
        let place = place(&server);
        let reply = format!("{place} closed the connection instead of answering the whole message");
        assert_eq!(attempt, Attempt::InDoubt { reply });
        assert!(!connection.is_open());
        assert_eq!(server.accepted().len(), taken);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_at_any_byte_of_the_message_never_counts_as_accepted() {
    for bytes in 0..MESSAGE.len() {
        let script = Script::accepting().on(Step::Body, Act::DropAt(bytes));
        let server = Server::start(script).await;
        let mut connection = open(&server.settings()).await;
        let attempt = send(&mut connection, BEA, MESSAGE).await;
        assert!(is_open_question(&attempt), "at byte {bytes}: {attempt:?}");
        assert!(!connection.is_open());
        assert_eq!(server.accepted().len(), 0);
    }
}

/// More than the line holds: it breaks while the message is being written, before any dot.
#[tokio::test]
async fn a_message_that_was_cut_off_half_way_is_known_not_to_have_arrived() {
    let script = Script::accepting().on(Step::Body, Act::DropAt(100_000));
    let server = Server::start(script).await;
    let mut connection = open(&server.settings()).await;
    let large = b"0123456789abcdef0123456789abcdef\r\n".repeat(1_000_000);
    let attempt = send(&mut connection, BEA, &large).await;
    let Attempt::Refused { reply, may_pass } = attempt else {
        panic!("{attempt:?}")
    };
    assert!(may_pass);
    let place = place(&server);
    assert!(reply.starts_with(&format!("the connection to {place} broke at the message: ")));
}

#[tokio::test]
async fn without_tls_nothing_is_sent_where_tls_is_wanted() {
    let authority = Authority::new();
    let script = Script::accepting()
        .starttls(authority.identity("localhost"))
        .user("ada", "s3cret", "PLAIN")
        .stripped_of("STARTTLS");
    let server = Server::start(script).await;
    let trusted = file(authority.pem());
    let mail = signing_in(trusting(&server, &trusted));
    let port = mail.server.port;
    let expected = format!(
        "localhost:{port} does not offer STARTTLS, and nothing is sent unencrypted: use smtps:// if it speaks TLS from the start"
    );
    assert_eq!(refused(&mail).await, passing(&expected));
    assert_eq!(server.sign_ins(), [""; 0]);
    assert_eq!(server.commands(), ["EHLO"]);
}

#[tokio::test]
async fn words_slipped_in_before_tls_are_no_answer_inside_it() {
    let authority = Authority::new();
    let more = Act::AndMore("250-scripted\n250 AUTH PLAIN".to_owned());
    let script = Script::accepting()
        .starttls(authority.identity("localhost"))
        .on(Step::StartTls, more);
    let server = Server::start(script).await;
    let trusted = file(authority.pem());
    let mail = trusting(&server, &trusted);
    let port = mail.server.port;
    let expected = format!(
        "localhost:{port} continues in plain text after STARTTLS: somebody may be tampering with the connection"
    );
    assert_eq!(refused(&mail).await, passing(&expected));
}

#[tokio::test]
async fn tls_from_the_first_byte_works_as_well() {
    let authority = Authority::new();
    let script = Script::accepting().implicit_tls(authority.identity("localhost"));
    let server = Server::start(script).await;
    let trusted = file(authority.pem());
    let mut connection = open(&trusting(&server, &trusted)).await;
    assert_eq!(connection.secured().unwrap().version, "TLS 1.3");
    let attempt = send(&mut connection, BEA, MESSAGE).await;
    assert_eq!(attempt, accepted("250 2.0.0 Ok: queued"));
    assert!(server.accepted()[0].encrypted);
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_refused_in_plain_words() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let cases = [
        (authority.until("localhost", 2001), "has expired: renew it"),
        (
            authority.identity("mail.example.org"),
            "is for another name: use the name in the certificate",
        ),
        (
            stranger.identity("localhost"),
            "is signed by no authority that this machine trusts: set `ca_file` to the authority's certificate",
        ),
    ];
    let trusted = file(authority.pem());
    for (at, (identity, words)) in cases.into_iter().enumerate() {
        let script = match at {
            0 => Script::accepting().starttls(identity),
            _ => Script::accepting().implicit_tls(identity),
        };
        let server = Server::start(script).await;
        let mail = signing_in(trusting(&server, &trusted));
        let port = mail.server.port;
        let expected = format!("the certificate of localhost:{port} {words}");
        assert_eq!(refused(&mail).await, passing(&expected));
        assert_eq!(server.sign_ins(), [""; 0]);
        assert_eq!(server.handshakes(), 0);
    }
}

#[tokio::test]
async fn broken_tls_is_told_apart() {
    let authority = Authority::new();
    let trusted = file(authority.pem());
    for (act, words) in [
        (
            Act::Say("220 hello, this is no TLS".to_owned()),
            "does not speak TLS here: is it the right port?",
        ),
        (Act::Drop, "closed the connection during the TLS handshake"),
        (Act::Stall, "did not finish the TLS handshake within 2s"),
    ] {
        let script = Script::accepting()
            .implicit_tls(authority.identity("localhost"))
            .on(Step::Handshake, act.clone());
        let server = Server::start(script).await;
        let mut mail = trusting(&server, &trusted);
        if matches!(act, Act::Stall) {
            mail.timeout = Duration::from_secs(2);
        }
        let place = format!("localhost:{}", mail.server.port);
        let refusal = refused(&mail).await;
        assert!(refusal.may_pass);
        assert_eq!(refusal.reply, format!("{place} {words}"), "{act:?}");
    }
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    let script = Script::accepting().implicit_tls(authority.identity("localhost"));
    let server = Server::start(script).await;
    let empty = file("nothing here");
    let mail = trusting(&server, &empty);
    let expected = format!(
        "cannot use {} as `ca_file`: it holds no certificate (PEM)",
        empty.path().display()
    );
    assert_eq!(refused(&mail).await, passing(&expected));
}

#[tokio::test]
async fn signing_in_takes_the_way_that_is_offered() {
    for (ways, expected) in [
        ("PLAIN LOGIN", "PLAIN ada:s3cret"),
        ("LOGIN", "LOGIN ada:s3cret"),
        ("CRAM-MD5 LOGIN", "LOGIN ada:s3cret"),
    ] {
        let server = Server::start(Script::accepting().user("ada", "s3cret", ways)).await;
        let mut connection = open(&signing_in(server.settings())).await;
        let attempt = send(&mut connection, BEA, MESSAGE).await;
        assert_eq!(attempt, accepted("250 2.0.0 Ok: queued"), "{ways}");
        assert_eq!(server.sign_ins(), [expected]);
    }
    let server = Server::start(Script::accepting().user("ada", "s3cret", "CRAM-MD5")).await;
    let place = place(&server);
    let expected = format!(
        "{place} offers neither PLAIN nor LOGIN, and a user is set: check the port, or use another server"
    );
    assert_eq!(
        refused(&signing_in(server.settings())).await,
        passing(&expected)
    );
}

#[tokio::test]
async fn no_password_is_in_any_error_even_if_the_server_repeats_it() {
    let echo = "535 5.7.8 AUTH PLAIN AGFkYQBzM2NyZXQ= for s3cret (czNjcmV0) is wrong";
    for ways in ["PLAIN", "LOGIN"] {
        let script = Script::accepting()
            .user("ada", "other", ways)
            .say(Step::Auth, echo);
        let server = Server::start(script).await;
        let refusal = refused(&signing_in(server.settings())).await;
        let expected =
            "user and password are not accepted: 535 5.7.8 AUTH PLAIN *** for *** (***) is wrong";
        assert_eq!(refusal, passing(expected));
    }
    // Cut off in the middle of the second one, whose end is not there to be known by.
    let long = format!("535 5.7.8 {} AGFkYQBzM2NyZXQ=", "x".repeat(478));
    let script = Script::accepting()
        .user("ada", "other", "PLAIN")
        .say(Step::Auth, &long);
    let server = Server::start(script).await;
    let refusal = refused(&signing_in(server.settings())).await;
    assert!(refusal.reply.ends_with("x ***…"), "{refusal:?}");
}

#[tokio::test]
async fn tls_none_is_for_this_machine_only() {
    let server = Server::start(Script::accepting()).await;
    let mut mail = server.settings();
    mail.server.host = "192.0.2.1".to_owned();
    let expected = format!(
        "`tls=none` is only for a server on this machine, and 192.0.2.1:{} is not: remove it",
        mail.server.port
    );
    assert_eq!(refused(&mail).await, passing(&expected));
    assert_eq!(mail.server.tls, Tls::None);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named() {
    let mut mail = {
        let gone = Server::start(Script::accepting()).await;
        gone.settings()
    };
    mail.server.host = "nowhere.invalid".to_owned();
    mail.timeout = Duration::from_secs(5);
    let refusal = refused(&mail).await;
    let begin = "no address for the mail server `nowhere.invalid`";
    assert!(
        refusal.may_pass && refusal.reply.starts_with(begin),
        "{refusal:?}"
    );
    // Nobody listens on port 1.
    mail.server.host = "127.0.0.1".to_owned();
    mail.server.port = 1;
    let expected = "cannot connect to 127.0.0.1:1: Connection refused (os error 111)";
    assert_eq!(refused(&mail).await, passing(expected));
}

#[tokio::test]
async fn a_message_larger_than_announced_is_not_even_begun() {
    let server = Server::start(Script::accepting().announce("SIZE 1000")).await;
    let mut connection = open(&server.settings()).await;
    let refusal = connection.begin(FROM, BEA, 1001).await.unwrap_err();
    let place = place(&server);
    let reply = format!("the message has 1001 bytes, {place} accepts at most 1000");
    let may_pass = false;
    assert_eq!(refusal, Refusal { reply, may_pass });
    assert!(connection.is_open());
    connection.begin(FROM, BEA, 1000).await.unwrap();
    assert_eq!(server.commands(), ["EHLO", "MAIL", "RCPT", "DATA"]);
}

#[tokio::test]
async fn a_server_that_lies_about_its_size_is_believed_when_it_refuses() {
    let script = Script::accepting()
        .announce("SIZE 0")
        .say(Step::Dot, "552 5.3.4 Message size exceeds fixed limit");
    let server = Server::start(script).await;
    let mut connection = open(&server.settings()).await;
    assert_eq!(connection.size_limit(), None);
    let attempt = send(&mut connection, BEA, MESSAGE).await;
    let reply = "552 5.3.4 Message size exceeds fixed limit".to_owned();
    let may_pass = false;
    assert_eq!(attempt, Attempt::Refused { reply, may_pass });
}

#[tokio::test]
async fn replies_become_one_harmless_line() {
    let long = format!("550 {}", "x".repeat(900));
    let cut = format!("550 {}…", "x".repeat(495));
    for (reply, expected) in [
        (
            "550-5.1.1 first\n550-second\n550 third",
            "550 5.1.1 first second third",
        ),
        (
            "550 <script>alert('5')</script> &amp; \"so\"",
            "550 <script>alert('5')</script> &amp; \"so\"",
        ),
        ("550 \u{1b}[31mred\u{7} a\tb\u{202e}c", "550 [31mred a b c"),
        ("550", "550"),
        (long.as_str(), cut.as_str()),
    ] {
        let server = Server::start(Script::accepting().say(Step::Rcpt, reply)).await;
        let refusal = begin(&server.settings(), BEA).await.unwrap_err();
        assert_eq!(refusal.reply, expected);
        assert!(!refusal.may_pass);
    }
}

#[tokio::test]
async fn what_is_no_smtp_is_said_to_be_none() {
    let endless = "220-".to_owned() + &"x".repeat(200_000);
    for (reply, expected) in [
        (
            "HTTP/1.1 400 Bad Request",
            "`HTTP/1.1 400 Bad Request`, which is not SMTP".to_owned(),
        ),
        ("", "``, which is not SMTP".to_owned()),
        (
            endless.as_str(),
            format!("`220-{}`, which is not SMTP", "x".repeat(56)),
        ),
    ] {
        let server = Server::start(Script::accepting().say(Step::Greeting, reply)).await;
        let place = place(&server);
        let expected = format!("{place} answered the connection with {expected}");
        assert_eq!(refused(&server.settings()).await, passing(&expected));
    }
}

#[tokio::test]
async fn every_message_arrives_as_it_is_and_no_dot_in_it_ends_it() {
    let server = Server::start(Script::accepting()).await;
    let mut connection = open(&server.settings()).await;
    for (message, arrived) in [
        (&b".\r\n"[..], &b".\r\n"[..]),
        (
            b"a\r\n.\r\nQUIT\r\n..\r\n.b",
            b"a\r\n.\r\nQUIT\r\n..\r\n.b\r\n",
        ),
        (b"a\n.\nb\r.\rc", b"a\r\n.\r\nb\r\n.\r\nc\r\n"),
        (b"", b""),
    ] {
        let attempt = send(&mut connection, BEA, message).await;
        assert_eq!(attempt, accepted("250 2.0.0 Ok: queued"));
        let last = server.accepted().pop().unwrap();
        assert_eq!(last.message, arrived);
    }
}

#[tokio::test]
async fn no_address_can_carry_a_command() {
    let server = Server::start(Script::accepting()).await;
    let mut connection = open(&server.settings()).await;
    for to in [
        "bea@example.org>\r\nRCPT TO:<eve@example.org",
        "bea",
        "",
        "bea@example.org\0",
        "bé@example.org",
        "bea@exämple.org",
    ] {
        let refusal = connection.begin(FROM, to, 10).await.unwrap_err();
        assert!(!refusal.may_pass, "{to:?}");
        assert!(
            refusal.reply.ends_with("` is not an email address"),
            "{}",
            refusal.reply
        );
        assert!(!refusal.reply.contains(['\r', '\n', '\0']));
    }
    assert_eq!(server.commands(), ["EHLO"]);
}

#[tokio::test]
async fn a_message_that_was_announced_and_never_handed_over_is_not_delivered() {
    let server = Server::start(Script::accepting()).await;
    let mut connection = open(&server.settings()).await;
    connection.begin(FROM, BEA, 10).await.unwrap();
    assert!(!connection.is_open());
    connection.close().await;
    assert_eq!(server.accepted().len(), 0);
    let mut again = open(&server.settings()).await;
    again.begin(FROM, BEA, 10).await.unwrap();
    let refusal = again.begin(FROM, CHRIS, 10).await.unwrap_err();
    let expected = format!("the conversation with {} is over", place(&server));
    assert_eq!(refusal, passing(&expected));
}

async fn open(mail: &MailSettings) -> Connection {
    match connect(mail).await {
        Ok(connection) => connection,
        Err(refusal) => panic!("{refusal:?}"),
    }
}

async fn refused(mail: &MailSettings) -> Refusal {
    connect(mail).await.err().unwrap()
}

async fn begin(mail: &MailSettings, to: &str) -> Result<(), Refusal> {
    connect(mail).await?.begin(FROM, to, 10).await
}

async fn send(connection: &mut Connection, to: &str, message: &[u8]) -> Attempt {
    connection.begin(FROM, to, message.len()).await.unwrap();
    connection.hand_over(message).await
}

fn is_open_question(attempt: &Attempt) -> bool {
    match attempt {
        Attempt::Accepted { .. } => false,
        Attempt::Refused { may_pass, .. } => *may_pass,
        Attempt::InDoubt { .. } => true,
    }
}

fn accepted(reply: &str) -> Attempt {
    Attempt::Accepted {
        reply: reply.to_owned(),
    }
}

fn passing(reply: &str) -> Refusal {
    Refusal {
        reply: reply.to_owned(),
        may_pass: true,
    }
}

fn signing_in(mut mail: MailSettings) -> MailSettings {
    mail.server.user = Some("ada".to_owned());
    mail.server.password = Some(SecretString::from("s3cret"));
    mail
}

fn trusting(server: &Server, trusted: &NamedTempFile) -> MailSettings {
    let mut mail = server.settings();
    mail.server.ca_file = Some(trusted.path().to_owned());
    mail
}

/// Waits two seconds for each answer.
fn brief(server: &Server) -> MailSettings {
    MailSettings {
        timeout: Duration::from_secs(2),
        ..server.settings()
    }
}

fn place(server: &Server) -> String {
    let server = server.settings().server;
    format!("{}:{}", server.host, server.port)
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}
