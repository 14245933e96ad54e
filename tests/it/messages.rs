//! Every message, read back by a parser that is nobody's friend.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::config::Sender;
use daybook::deliver::message::{Head, dns_label, message};
use daybook::locale::{Language, Locale};
use daybook::render::html::Picture;
use daybook::render::mail::{Mail, mail};
use daybook::text::plain::one_line;
use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};
use url::Url;

use crate::sample_letters;
use crate::world::instant;

const ID: &str = "<report.2025-10-03.0123456789abcdef@example.org>";

#[test]
fn a_report_is_mixed_of_alternatives_with_related_pictures_and_a_table() {
    let bytes = message(&full(), &head(&sender(None))).unwrap();
    let read = parse(&bytes);
    assert_eq!(
        tree(&read, 0),
        "multipart/mixed(multipart/alternative(text/plain multipart/related(text/html image/png image/png)) text/csv)"
    );
    assert_eq!(read.body_text(0).unwrap(), "All is well – 3’141 users.\r\n");
    let html = read.body_html(0).unwrap();
    for part in read
        .attachments()
        .filter(|part| part.content_id().is_some())
    {
        let id = part.content_id().unwrap();
        assert!(html.contains(&format!("src=\"cid:{id}\"")), "{id}");
        assert!(part.contents().starts_with(b"\x89PNG"));
    }
    let csv = read.attachments().last().unwrap();
    assert_eq!(csv.attachment_name(), Some("beryl.csv"));
    assert_eq!(csv.text_contents(), Some("key,value\r\nusers,3141\r\n"));
    let kinds: Vec<&str> = read
        .attachments()
        .map(|part| part.content_disposition().unwrap().ctype())
        .collect();
    assert_eq!(kinds, ["inline", "inline", "attachment"]);
    assert!(String::from_utf8_lossy(&bytes).contains("multipart/related; type=\"text/html\";"));
}

#[test]
fn levels_that_would_hold_nothing_are_left_out() {
    let plain = Mail {
        pictures: Vec::new(),
        csv: None,
        ..full()
    };
    let with_table = Mail {
        pictures: Vec::new(),
        ..full()
    };
    let with_pictures = Mail {
        csv: None,
        ..full()
    };
    for (mail, expected) in [
        (plain, "multipart/alternative(text/plain text/html)"),
        (
            with_table,
            "multipart/mixed(multipart/alternative(text/plain text/html) text/csv)",
        ),
        (
            with_pictures,
            "multipart/alternative(text/plain multipart/related(text/html image/png image/png))",
        ),
    ] {
        let bytes = message(&mail, &head(&sender(None))).unwrap();
        assert_eq!(tree(&parse(&bytes), 0), expected);
    }
}

#[test]
fn the_head_says_who_when_and_that_nobody_needs_to_answer() {
    let from = sender(Some("Beryl Daybook"));
    let reply_to = Sender {
        address: "team@example.org".to_owned(),
        name: None,
    };
    let unsubscribe = Url::parse("mailto:admin@example.org?subject=take me off").unwrap();
    let head = Head {
        reply_to: Some(&reply_to),
        to: ("bea@example.com", Some("Bea Ärger")),
        unsubscribe: Some(&unsubscribe),
        idempotency_key: Some("report/2025-10-03/0123456789abcdef"),
        language: "de",
        ..head(&from)
    };
    let bytes = message(&full(), &head).unwrap();
    let read = parse(&bytes);
    assert_eq!(
        addresses(read.from()),
        [("Beryl Daybook", "daybook@mail.example.org")]
    );
    assert_eq!(addresses(read.to()), [("Bea Ärger", "bea@example.com")]);
    assert_eq!(addresses(read.reply_to()), [("", "team@example.org")]);
    assert_eq!(
        read.subject(),
        Some("[ok] Beryl, Fri 3 Oct 2025: ünchanged")
    );
    assert_eq!(
        read.message_id(),
        Some("report.2025-10-03.0123456789abcdef@example.org")
    );
    assert_eq!(read.date().unwrap().to_rfc3339(), "2025-10-04T04:15:07Z");
    let text = String::from_utf8(bytes.clone()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    for line in [
        "Message-ID: <report.2025-10-03.0123456789abcdef@example.org>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "List-Id: <daily.beryl.mail.example.org>",
        "List-Unsubscribe: <mailto:admin@example.org?subject=take%20me%20off>",
        "Content-Language: de",
        "Resend-Idempotency-Key: report/2025-10-03/0123456789abcdef",
        "MIME-Version: 1.0",
    ] {
        assert!(head.split("\r\n").any(|one| one == line), "{line}\n{head}");
    }
    assert!(!text.contains("List-Unsubscribe-Post"));
    assert!(!text.contains("Bcc"));
}

#[test]
fn what_is_not_configured_is_not_claimed() {
    let bytes = message(&full(), &head(&sender(None))).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for absent in ["List-Unsubscribe", "Reply-To", "Resend-Idempotency-Key"] {
        assert!(!text.contains(absent), "{absent}");
    }
}

#[test]
fn the_same_mail_gives_the_same_bytes_and_another_one_other_boundaries() {
    let from = sender(None);
    let first = message(&full(), &head(&from)).unwrap();
    assert_eq!(first, message(&full(), &head(&from)).unwrap());
    let other = Head {
        message_id: "<report.2025-10-03.fedcba9876543210@example.org>",
        ..head(&from)
    };
    let other = message(&full(), &other).unwrap();
    assert_ne!(boundary(&first), boundary(&other));
}

#[test]
fn html_of_ascii_travels_as_it_is() {
    let html = format!(
        "<html><body>{}</body></html>\n",
        "<p>a.b</p>\n".repeat(2000)
    );
    let mail = Mail {
        html: html.clone(),
        ..full()
    };
    let bytes = message(&mail, &head(&sender(None))).unwrap();
    let read = parse(&bytes);
    let part = read.html_part(0).unwrap();
    assert_eq!(part.content_transfer_encoding(), Some("7bit"));
    assert_eq!(read.body_html(0).unwrap(), html.replace('\n', "\r\n"));
}

#[test]
fn names_from_anywhere_are_harmless_in_every_header() {
    let ten_kilobytes = "Bea ".repeat(2560);
    let one_word = "x".repeat(10_240);
    let emoji = "👩‍👩‍👧‍👦".repeat(400);
    for hostile in [
        "Bea\r\nBcc: eve@example.org",
        "Bea\nX-Evil: 1\n\nbody",
        "\"Bea\" <eve@example.org>, Chris",
        "Bea\\\" \\ ; , : ( ) [ ]",
        "Bea\0\u{7}\u{1b}[31m",
        "\u{202e}aeB \u{200f}",
        "=?utf-8?B?Qg==?=",
        "<script>alert(1)</script>",
        "   \r\n ",
        "",
        "Ünïcödé 测试 עברית",
        emoji.as_str(),
        ten_kilobytes.as_str(),
        one_word.as_str(),
    ] {
        let from = sender(Some(hostile));
        let head = Head {
            reply_to: Some(&from),
            to: ("bea@example.com", Some(hostile)),
            app: hostile,
            ..head(&from)
        };
        let mail = Mail {
            subject: format!("[ok] {hostile}: unchanged"),
            ..full()
        };
        let bytes = message(&mail, &head).unwrap();
        let read = parse(&bytes);
        assert_eq!(addresses(read.to()).len(), 1, "{hostile:?}");
        assert_eq!(addresses(read.to())[0].1, "bea@example.com");
        assert_eq!(addresses(read.from())[0].1, "daybook@mail.example.org");
        assert!(read.header("Bcc").is_none() && read.header("X-Evil").is_none());
        assert_eq!(read.headers().len(), 12, "{hostile:?}");
        let subject = read.subject().unwrap();
        assert!(subject.starts_with("[ok] "), "{subject}");
        assert!(!subject.contains(char::is_control), "{subject:?}");
        assert!(subject.chars().count() <= 401);
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len);
        assert!(lines.max().unwrap() <= 999, "{hostile:?}");
        assert!(bytes.is_ascii());
        assert_eq!(tree(&read, 0).matches("text/csv").count(), 1);
    }
}

#[test]
fn names_are_read_back_as_they_were_given() {
    for name in [
        "Bea",
        "Bea Müller",
        "Bea \"the boss\" O'Neil",
        "Müller, Bea",
        "Bea (Zürich) <x>",
        "测试",
        "👩 Bea",
        "back\\slash",
    ] {
        let from = sender(Some(name));
        let head = Head {
            to: ("bea@example.com", Some(name)),
            ..head(&from)
        };
        let bytes = message(&full(), &head).unwrap();
        let read = parse(&bytes);
        assert_eq!(addresses(read.to()), [(name, "bea@example.com")]);
        assert_eq!(addresses(read.from()), [(name, "daybook@mail.example.org")]);
    }
}

#[test]
fn texts_with_long_lines_and_every_letter_come_back_whole() {
    let long = "word ".repeat(2000) + "\n" + &"y".repeat(5000) + "\n.\n..\nFrom here\n";
    let letters = "äöü ’ − 测试 👩‍👩‍👧‍👦 \t=3D =\n".repeat(50);
    for text in [long, letters, String::new(), "no line end".to_owned()] {
        let mail = Mail {
            text: text.clone(),
            html: format!("<p>{}</p>", "z".repeat(3000)),
            ..full()
        };
        let bytes = message(&mail, &head(&sender(None))).unwrap();
        let read = parse(&bytes);
        let expected = text.replace('\n', "\r\n");
        assert_eq!(read.body_text(0).unwrap(), expected);
        assert_eq!(read.body_html(0).unwrap(), mail.html);
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len);
        assert!(lines.max().unwrap() <= 999);
    }
}

#[test]
fn line_ends_of_any_kind_and_nul_become_what_mail_knows() {
    let mail = Mail {
        text: "a\r\nb\nc\rd\0e".to_owned(),
        ..full()
    };
    let bytes = message(&mail, &head(&sender(None))).unwrap();
    assert_eq!(parse(&bytes).body_text(0).unwrap(), "a\r\nb\r\nc\r\nde");
    assert!(!bytes.contains(&0));
}

/// Hostile names, two hundred metrics, failed nights: whatever there is to tell.
#[test]
fn every_kind_of_letter_becomes_a_message_that_is_read_back_whole() {
    let from = sender(Some("Daybook"));
    for (name, letter) in sample_letters::all() {
        for language in Language::ALL {
            let locale = Locale {
                language,
                ..Locale::default()
            };
            let mail = mail(&letter, locale);
            let head = Head {
                app: &letter.name,
                to: ("bea@example.com", Some(&letter.name)),
                language: language.code(),
                ..head(&from)
            };
            let bytes = message(&mail, &head).unwrap_or_else(|error| panic!("{name}: {error}"));
            read_back(name, &mail, &bytes);
        }
    }
}

fn read_back(name: &str, mail: &Mail, bytes: &[u8]) {
    let read = parse(bytes);
    assert_eq!(
        read.subject().unwrap(),
        one_line(&mail.subject, 400),
        "{name}"
    );
    let crlf = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(read.body_text(0).unwrap(), crlf(&mail.text), "{name}");
    assert_eq!(read.body_html(0).unwrap(), crlf(&mail.html), "{name}");
    let part = read.html_part(0).unwrap();
    assert!(
        !mail.html.is_ascii() || part.content_transfer_encoding() == Some("7bit"),
        "{name}"
    );
    let pictures = read.attachments().filter_map(|part| part.content_id());
    let pictures: Vec<&str> = pictures.collect();
    let expected: Vec<&str> = mail.pictures.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(pictures, expected, "{name}");
    for id in pictures {
        assert!(mail.html.contains(&format!("cid:{id}")), "{name}: {id}");
    }
    assert_eq!(addresses(read.to()).len(), 1, "{name}");
    assert!(bytes.is_ascii() && !bytes.contains(&0), "{name}");
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len);
    assert!(lines.max().unwrap() <= 999, "{name}");
}

#[test]
fn what_cannot_stand_in_a_header_is_refused() {
    let from = sender(None);
    let good = head(&from);
    let bad_sender = Sender {
        address: "daybook@example.org\r\nBcc: eve@example.org".to_owned(),
        name: None,
    };
    for (head, expected) in [
        (
            Head {
                to: ("bea@example.org>\r\nX: <b@example.org", None),
                ..good
            },
            "`bea@example.org> X: <b@example.org` is not an email address",
        ),
        (
            Head {
                to: ("bea", None),
                ..good
            },
            "`bea` is not an email address",
        ),
        (
            Head {
                to: ("béa@example.org", None),
                ..good
            },
            "`béa@example.org` is not an email address",
        ),
        (
            Head {
                from: &bad_sender,
                ..good
            },
            "`daybook@example.org Bcc: eve@example.org` is not an email address",
        ),
        (
            Head {
                message_id: "<a b@example.org>",
                ..good
            },
            "the message id cannot stand in a header: `a b@example.org`",
        ),
        (
            Head {
                idempotency_key: Some("a\r\nX: 1"),
                ..good
            },
            "the idempotency key cannot stand in a header: `a X: 1`",
        ),
    ] {
        assert_eq!(message(&full(), &head).unwrap_err(), expected);
    }
    let mail = Mail {
        pictures: vec![picture("a>\r\nX: <b")],
        ..full()
    };
    assert_eq!(
        message(&mail, &good).unwrap_err(),
        "the name of a picture cannot stand in a header: `a> X: <b`"
    );
}

#[test]
fn an_application_becomes_one_label_of_a_domain() {
    for (name, label) in [
        ("Beryl", "beryl"),
        ("Beryl & Söhne  AG", "beryl-s-hne-ag"),
        ("---", "app"),
        ("测试", "app"),
        ("a\r\nb", "a-b"),
    ] {
        assert_eq!(dns_label(name), label);
    }
    assert_eq!(dns_label(&"x".repeat(100)).len(), 63);
    assert_eq!(dns_label(&("x".repeat(62) + " y")), "x".repeat(62));
}

fn full() -> Mail {
    Mail {
        subject: "[ok] Beryl, Fri 3 Oct 2025: ünchanged".to_owned(),
        html: "<p>All is well &ndash; <img src=\"cid:users\"> <img src=\"cid:items.day\"></p>\n"
            .to_owned(),
        text: "All is well – 3’141 users.\n".to_owned(),
        pictures: vec![picture("users"), picture("items.day")],
        csv: Some("key,value\nusers,3141\n".to_owned()),
    }
}

fn picture(name: &str) -> Picture {
    Picture {
        name: name.to_owned(),
        png: [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 300]].concat(),
    }
}

fn sender(name: Option<&str>) -> Sender {
    Sender {
        address: "daybook@mail.example.org".to_owned(),
        name: name.map(str::to_owned),
    }
}

fn head(from: &Sender) -> Head<'_> {
    Head {
        from,
        reply_to: None,
        to: ("bea@example.com", None),
        message_id: ID,
        date: instant("2025-10-04T04:15:07Z"),
        app: "Beryl",
        unsubscribe: None,
        idempotency_key: None,
        language: "en",
    }
}

fn parse(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

fn addresses<'a>(found: Option<&'a Address<'a>>) -> Vec<(&'a str, &'a str)> {
    let all = found.into_iter().flat_map(Address::iter);
    all.map(|one| {
        (
            one.name().unwrap_or_default(),
            one.address().unwrap_or_default(),
        )
    })
    .collect()
}

/// The parts as `type(parts within)`.
fn tree(read: &Message<'_>, at: u32) -> String {
    let part = &read.parts[at as usize];
    let kind = part.content_type().unwrap();
    let name = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
    match &part.body {
        PartType::Multipart(inside) => {
            let inside: Vec<String> = inside.iter().map(|at| tree(read, *at)).collect();
            format!("{name}({})", inside.join(" "))
        }
        _ => name,
    }
}

fn boundary(bytes: &[u8]) -> String {
    let read = parse(bytes);
    let kind = read.content_type().unwrap();
    kind.attribute("boundary").unwrap().to_owned()
}
