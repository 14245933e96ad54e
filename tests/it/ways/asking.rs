//! What webhooks and pings send, and what they make of every answer and of none.

use std::time::Duration;

use daybook::deliver::ping::{Signal, ping as tell};
use daybook::deliver::webhook::{hmac_sha256, post, signature};
use daybook::deliver::{Attempt, http};
use secrecy::SecretString;

use super::{accepted, ping, put_off, refused, signing, webhook};
use crate::certificates::{Authority, Identity};
use crate::http_server::{Act, Server};
use crate::world::instant;

const BODY: &str = r#"{"schema":1,"date":"2025-10-03"}"#;
/// By `openssl dgst -sha256 -hmac whsec-4711-geheim` of `1759559400.` and the body.
const SIGNED: &str = "v1=05211f0d99b4125ec7696053e949d93ddbfa0107e012d00ea3b0695c22dcffc6";

async fn posted(url: &str) -> Attempt {
    post(&webhook(url), BODY, "report.2025-10-03.ops", at()).await
}

/// 1759559400 seconds.
fn at() -> chrono::DateTime<chrono::Utc> {
    instant("2025-10-04T06:30:00Z")
}

async fn answered(answer: &str) -> Attempt {
    let server = Server::plain(vec![Act::answer(answer)]).await;
    posted(&format!("http://127.0.0.1:{}/hook", server.port)).await
}

#[test]
fn the_code_of_a_message_is_that_of_the_standard_s_examples() {
    let cases: [(&[u8], &[u8], &str); 3] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ];
    for (key, message, code) in cases {
        assert_eq!(hmac_sha256(key, message), code);
    }
    let secret = SecretString::from("whsec-4711-geheim");
    assert_eq!(signature(&secret, at(), BODY), SIGNED);
}

#[tokio::test]
async fn a_webhook_gets_the_body_with_its_id_its_time_and_its_signature() {
    let answer = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\ntaken over\r\n";
    let server = Server::plain(vec![Act::answer(answer)]).await;
    let mut hook = webhook(&format!(
        "http://ada:s%40lt@127.0.0.1:{}/in?team=ops",
        server.port
    ));
    hook.format = signing("whsec-4711-geheim");
    let attempt = post(&hook, BODY, "report.2025-10-03.ops", at()).await;
    assert_eq!(attempt, accepted("201 Created: taken over"));
    let asked = server.asked();
    let [asked] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(asked.line, "POST /in?team=ops HTTP/1.1");
    assert_eq!(asked.body, BODY);
    let host = format!("127.0.0.1:{}", server.port);
    let expected = [
        ("Host", host.as_str()),
        ("User-Agent", "daybook/0.1.0"),
        ("Accept", "*/*"),
        ("Connection", "close"),
        // `ada:s@lt`
        ("Authorization", "Basic YWRhOnNAbHQ="),
        ("Content-Type", "application/json"),
        ("Daybook-Delivery", "report.2025-10-03.ops"),
        ("Daybook-Timestamp", "1759559400"),
        ("Daybook-Signature", SIGNED),
        ("Content-Length", "32"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(asked.headers, expected);
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_not_signed_and_a_line_break_begins_no_header() {
    let server = Server::plain(vec![Act::answer("HTTP/1.1 204 No Content\r\n\r\n")]).await;
    let hook = webhook(&format!("http://localhost:{}", server.port));
    let attempt = post(&hook, BODY, "one\r\nEvil: yes", at()).await;
    assert_eq!(attempt, accepted("204 No Content"));
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST / HTTP/1.1");
    assert_eq!(asked.header("Daybook-Delivery"), Some("oneEvil: yes"));
    assert_eq!(asked.header("Daybook-Signature"), None);
    assert_eq!(asked.header("Authorization"), None);
}

#[tokio::test]
async fn every_status_is_accepted_may_pass_or_stays() {
    let cases = [
        ("200 OK", accepted("200 OK")),
        ("202", accepted("202")),
        ("299 Whatever", accepted("299 Whatever")),
        ("400 Bad Request", refused("400 Bad Request")),
        ("401 Unauthorized", refused("401 Unauthorized")),
        ("404 Not Found", refused("404 Not Found")),
        ("408 Request Timeout", put_off("408 Request Timeout")),
        ("410 Gone", refused("410 Gone")),
        ("425 Too Early", put_off("425 Too Early")),
        ("429 Too Many Requests", put_off("429 Too Many Requests")),
        ("500 Oh", put_off("500 Oh")),
        ("503 Later", put_off("503 Later")),
        ("599 Odd", put_off("599 Odd")),
        ("600 Odder", refused("600 Odder")),
    ];
    for (status, expected) in cases {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answered(&answer).await, expected, "{status}");
    }
}

#[tokio::test]
async fn the_first_line_of_the_body_is_kept_however_it_is_sent() {
    let long = "x".repeat(5000);
    let cut = format!("200 OK: {}…", "x".repeat(199));
    let long_line = format!("{}\nmore", "x".repeat(3000));
    let cases = [
        ("Content-Length: 4\r\n\r\nfinebut no more", "200 OK: fine"),
        ("\r\n\n\n  fine  \nsecond\n", "200 OK: fine"),
        (
            "Transfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n3;x=y\r\nne\n\r\n0\r\n\r\n",
            "200 OK: fine",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n4\r\nfine\r\n0\r\n\r\n",
            "200 OK: fine",
        ),
        ("Transfer-Encoding: chunked\r\n\r\nnonsense", "200 OK"),
        (
            "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nline\nhalf",
            "200 OK: line",
        ),
        (
            "\r\n<b>\u{202e}\u{1b}[31mred\u{7}</b>",
            "200 OK: <b> [31mred </b>",
        ),
        (&format!("\r\n{long_line}"), &cut),
        // More than is read, and its line has no end so far.
        (&format!("\r\n{long}"), "200 OK"),
        ("\r\n\u{0}\u{0}", "200 OK"),
        ("no header\r\nX : y\r\n\r\nfine", "200 OK: fine"),
    ];
    for (rest, expected) in cases {
        let answer = format!("HTTP/1.1 200 OK\r\n{rest}");
        assert_eq!(answered(&answer).await, accepted(expected), "{rest:?}");
    }
    let bare = answered("HTTP/1.0 200 OK\nServer: old\n\nfine\n").await;
    assert_eq!(bare, accepted("200 OK: fine"));
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let interim = answered(&format!("{interim}HTTP/1.1 500 Oh\r\n\r\nfine")).await;
    assert_eq!(interim, put_off("500 Oh: fine"));
}

#[tokio::test]
async fn a_redirect_is_a_refusal_that_names_only_the_host() {
    let words = "it points to new.example.org, and redirects are not followed";
    let location = "Location: https://ada:pw@new.example.org/secret?token=1";
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\n{location}\r\n\r\nnew place");
        let expected = refused(&format!("{status}: {words}"));
        assert_eq!(answered(&answer).await, expected);
    }
    let relative = answered("HTTP/1.1 308 Moved\r\nLocation: /secret\r\n\r\n").await;
    let words = "308 Moved: it points to another address, and redirects are not followed";
    assert_eq!(relative, refused(words));
}

#[tokio::test]
async fn wherever_an_answer_breaks_off_its_status_counts_once_the_head_is_there() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine\n";
    let head = answer.find("\r\n\r\n").unwrap() + 4;
    for length in 0..=answer.len() {
        let expected = match length {
            _ if length < head => {
                put_off("127.0.0.1 closed the connection before its answer was complete")
            }
            _ if length < answer.len() => accepted("200 OK"),
            _ => accepted("200 OK: fine"),
        };
        assert_eq!(
            answered(&answer[..length]).await,
            expected,
            "{length} bytes"
        );
    }
    let server = Server::plain(vec![Act::HangUp]).await;
    let attempt = posted(&format!("http://127.0.0.1:{}", server.port)).await;
    let Attempt::Refused {
        reply,
        may_pass: true,
    } = attempt
    else {
        panic!("{attempt:?}")
    };
    let expected = "127.0.0.1 closed the connection before its answer was complete";
    assert_eq!(reply, expected);
}

#[tokio::test]
async fn garbage_and_endless_heads_are_told_as_such() {
    let no_http = put_off("the answer of 127.0.0.1 is not HTTP");
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\u{15}\u{3}\u{3}\0\u{2}\u{2}\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nline\n",
    ] {
        assert_eq!(answered(garbage).await, no_http, "{garbage:?}");
    }
    let unasked = Server::plain(vec![Act::Greet(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())]).await;
    let attempt = posted(&format!("http://127.0.0.1:{}", unasked.port)).await;
    assert_eq!(attempt, no_http);
    let too_long = put_off("127.0.0.1 answered with more than 16 KB or 100 lines of headers");
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
    assert_eq!(answered(&endless).await, too_long);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    assert_eq!(answered(&many).await, too_long);
    let just = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\nfine", "x".repeat(16_000));
    assert_eq!(answered(&just).await, accepted("200 OK: fine"));
}

#[tokio::test]
async fn an_answer_with_any_byte_changed_is_one_harmless_line() {
    let answer = b"HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\nLocation: https://a.b/c\r\n\r\n5\r\nwords\r\n0\r\n\r\n";
    let mut acts = Vec::new();
    for at in 0..answer.len() {
        for byte in [0, b'\n', b' ', b':', b'3', 0x1b, 0xff] {
            let mut changed = answer.to_vec();
            changed[at] = byte;
            acts.push(Act::Answer(changed));
        }
    }
    let count = acts.len();
    let server = Server::plain(acts).await;
    let url = format!("http://127.0.0.1:{}/hook", server.port);
    for _ in 0..count {
        let attempt = posted(&url).await;
        let (Attempt::Accepted { reply } | Attempt::Refused { reply, .. }) = attempt else {
            panic!("{attempt:?}")
        };
        assert!(!reply.contains(char::is_control), "{reply:?}");
        assert!((1..=500).contains(&reply.chars().count()), "{reply:?}");
    }
    assert_eq!(server.asked().len(), count);
}

#[tokio::test]
async fn a_server_that_stalls_is_waited_for_as_long_as_is_set() {
    let stalled = |act: Act| async move {
        let server = Server::plain(vec![act]).await;
        let mut hook = webhook(&format!("http://127.0.0.1:{}/hook", server.port));
        hook.timeout = Duration::from_millis(300);
        post(&hook, BODY, "id", at()).await
    };
    let late = put_off("127.0.0.1 was too slow: 300ms passed while waiting for its answer");
    assert_eq!(stalled(Act::stall("")).await, late);
    assert_eq!(stalled(Act::stall("HTTP/1.1 200 OK\r\n")).await, late);
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
    assert_eq!(stalled(Act::stall(&interim)).await, late);
    // It has answered; only its words are missing.
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nfirst\nsec";
    assert_eq!(stalled(Act::stall(answer)).await, accepted("200 OK: first"));
    // Nothing more is to be expected, so nothing is waited for.
    let server = Server::plain(vec![Act::stall("HTTP/1.1 204 Done\r\n\r\n")]).await;
    let attempt = posted(&format!("http://127.0.0.1:{}", server.port)).await;
    assert_eq!(attempt, accepted("204 Done"));
}

#[tokio::test]
async fn a_handshake_that_stalls_is_ended_too() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut hook = webhook(&format!("https://127.0.0.1:{port}/hook"));
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), Authority::new().pem()).unwrap();
    hook.ca_file = Some(authority.path().to_owned());
    hook.timeout = Duration::from_millis(300);
    let attempt = post(&hook, BODY, "id", at()).await;
    let words = "127.0.0.1 was too slow: 300ms passed while agreeing on TLS";
    assert_eq!(attempt, put_off(words));
}

#[tokio::test]
async fn an_answer_before_the_whole_body_was_read_counts() {
    let early =
        Act::AnswerEarly(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n".to_vec());
    let server = Server::plain(vec![early]).await;
    let hook = webhook(&format!("http://127.0.0.1:{}", server.port));
    let body = "x".repeat(30_000_000);
    let attempt = post(&hook, &body, "id", at()).await;
    // The system may drop an answer that comes with the end of the connection.
    let lost = put_off("127.0.0.1 closed the connection before its answer was complete");
    assert!(
        attempt == refused("413 Content Too Large") || attempt == lost,
        "{attempt:?}"
    );
}

#[tokio::test]
async fn nobody_there_is_trouble_that_may_pass() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let attempt = posted(&format!("http://127.0.0.1:{port}/hook")).await;
    let words = format!("cannot connect to 127.0.0.1:{port}: Connection refused (os error 111)");
    assert_eq!(attempt, put_off(&words));
    let attempt = posted("https://nowhere.invalid/hook").await;
    let Attempt::Refused {
        reply,
        may_pass: true,
    } = attempt
    else {
        panic!("{attempt:?}")
    };
    assert!(
        reply.starts_with("no address is known for nowhere.invalid: "),
        "{reply}"
    );
}

#[tokio::test]
async fn without_tls_only_this_machine_is_told_anything() {
    for host in ["192.0.2.7", "[2001:db8::7]", "0.0.0.0"] {
        let attempt = posted(&format!("http://{host}:9/hook")).await;
        let words = format!("{host} is not this machine: its address must begin with https://");
        assert_eq!(attempt, refused(&words));
    }
    let words = "its address must begin with https:// or, on this machine only, http://";
    for address in [
        "",
        "hooks.example.org/x",
        "ftp://example.org",
        "https://",
        "mailto:a@b.ch",
    ] {
        assert_eq!(posted(address).await, refused(words), "{address}");
    }
}

#[tokio::test]
async fn a_server_on_an_ipv6_address_is_reached() {
    let listener = tokio::net::TcpListener::bind("[::1]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        String::from_utf8(head[..length].to_vec()).unwrap()
    });
    let url = SecretString::from(format!("http://[::1]:{port}/x"));
    let request = http::Request {
        url: &url,
        headers: &[],
        body: &[],
        secrets: &[],
        timeout: Duration::from_secs(60),
        ca_file: None,
    };
    let answer = http::send(&request).await.unwrap();
    assert_eq!((answer.status, answer.reason.as_str()), (200, "OK"));
    let asked = server.await.unwrap();
    let expected = format!(
        "POST /x HTTP/1.1\r\nHost: [::1]:{port}\r\nUser-Agent: daybook/0.1.0\r\nAccept: */*\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn only_a_trusted_certificate_of_the_right_name_gets_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let ask = async |identity: Identity, trusted: &str, host: &str| {
        let answer = Act::answer("HTTP/1.1 200 OK\r\n\r\nfine");
        let server = Server::tls(identity, vec![answer]).await;
        let mut hook = webhook(&format!("https://{host}:{}/hook", server.port));
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, trusted).unwrap();
        hook.ca_file = Some(path);
        let attempt = post(&hook, BODY, "id", at()).await;
        (attempt, server.asked().len())
    };
    let ours = Authority::new();
    for host in ["localhost", "127.0.0.1"] {
        let done = ask(ours.identity(host), ours.pem(), host).await;
        assert_eq!(done, (accepted("200 OK: fine"), 1));
    }
    let no = |host: &str, reason: &str| {
        let words = format!("no safe connection to {host}: {reason}");
        (put_off(&words), 0)
    };
    let unknown = "its certificate is signed by no authority that this machine trusts: set `ca_file` to the authority's certificate";
    let stranger = Authority::new();
    let untrusted = ask(ours.identity("localhost"), stranger.pem(), "localhost").await;
    assert_eq!(untrusted, no("localhost", unknown));
    let other = ask(ours.identity("localhost"), ours.pem(), "127.0.0.1").await;
    let words = "its certificate is for another name: use the name in the certificate";
    assert_eq!(other, no("127.0.0.1", words));
    let expired = ask(ours.until("localhost", 2001), ours.pem(), "localhost").await;
    assert_eq!(
        expired,
        no("localhost", "its certificate has expired: renew it")
    );

    let path = folder.path().join("ca.pem");
    let none = ask(ours.identity("localhost"), "nothing", "localhost").await;
    let words = "it holds no certificate (PEM)";
    let expected = format!("cannot use {} as `ca_file`: {words}", path.display());
    assert_eq!(none, (put_off(&expected), 0));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_gets_nothing() {
    let server = Server::plain(vec![Act::Greet(b"220 mail.example.org\r\n".to_vec())]).await;
    let mut hook = webhook(&format!("https://127.0.0.1:{}/hook", server.port));
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), Authority::new().pem()).unwrap();
    hook.ca_file = Some(authority.path().to_owned());
    let attempt = post(&hook, BODY, "id", at()).await;
    let words = "no safe connection to 127.0.0.1: it does not speak TLS there";
    assert_eq!(attempt, put_off(words));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn each_signal_goes_to_its_own_address_with_harmless_words() {
    let server = Server::plain(vec![Act::answer("HTTP/1.1 200 OK\r\n\r\nOK")]).await;
    let mut check = ping(&format!("http://127.0.0.1:{}/check", server.port));
    for signal in [Signal::Start, Signal::Success, Signal::Failure] {
        let attempt = tell(&check, signal, "2 of 5\u{1b}[31m\nnot\u{202e} delivered").await;
        assert_eq!(attempt, accepted("200 OK: OK"));
    }
    let long = format!("x{}", "é".repeat(9_000));
    assert_eq!(
        tell(&check, Signal::Success, &long).await,
        accepted("200 OK: OK")
    );
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    let expected = [
        "POST /check/start HTTP/1.1",
        "POST /check HTTP/1.1",
        "POST /check/fail HTTP/1.1",
        "POST /check HTTP/1.1",
    ];
    assert_eq!(lines, expected);
    assert_eq!(asked[0].body, "2 of 5\u{fffd}[31m\nnot\u{fffd} delivered");
    assert_eq!(asked[3].body.len(), 9_999);
    let plain = "text/plain; charset=utf-8";
    assert_eq!(asked[0].header("Content-Type"), Some(plain));

    check.start = None;
    let unsent = tell(&check, Signal::Start, "").await;
    assert_eq!(
        unsent,
        accepted("not sent: no address is set for this signal")
    );
    assert_eq!(server.asked().len(), 4);
    let broken = Server::plain(vec![Act::answer("HTTP/1.1 500 Oh\r\n\r\n")]).await;
    let check = ping(&format!("http://127.0.0.1:{}", broken.port));
    assert_eq!(tell(&check, Signal::Success, "").await, put_off("500 Oh"));
}
