//! Clients that flood, crawl or say nothing: each gets its end, the others their pages.

use std::time::Duration;

use daybook::web::Limits;
use tokio::io::AsyncWriteExt;

use super::{Serving, world};
use crate::browsing::rest;

/// Patient enough for a busy machine, short enough for a test.
fn short() -> Limits {
    let soon = Duration::from_millis(500);
    Limits {
        head: soon,
        idle: soon,
        stall: soon,
        last_words: Duration::from_secs(60),
        ..Limits::default()
    }
}

/// Never over while a test runs.
pub(super) fn long() -> Limits {
    let never = Duration::from_secs(3600);
    Limits {
        head: never,
        body: never,
        idle: never,
        stall: never,
        body_bytes: 1024 * 1024,
        last_words: Duration::from_secs(60),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused_once_it_is_too_long() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    let mut head = b"GET /sys/metrics HTTP/1.1\r\nX: ".to_vec();
    head.resize(16 * 1024, b'a');
    assert_eq!(serving.browser().send(&head).await.status, 431);
    let many = "X: y\r\n".repeat(150);
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    assert_eq!(serving.browser().send(many.as_bytes()).await.status, 431);
    let mut stream = serving.browser().open().await;
    let flood = b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000);
    drop(stream.write_all(b"GET / HTTP/1.1\r\n").await);
    // It would go on for ever if the server listened.
    while stream.write_all(&flood).await.is_ok() {}
    assert_eq!(serving.browser().get("/healthz").await.status, 200);
    serving.end().await;
}

#[tokio::test]
async fn what_is_not_http_is_answered_with_nothing_from_inside() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    for nonsense in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET /sys/metrics\0 HTTP/1.1\r\n\r\n",
        b"GET /sys/metrics HTTP/1.1\r\nA\0B: c\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ] {
        let answer = serving.browser().send(nonsense).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, ""),
            "{nonsense:?}"
        );
    }
    serving.end().await;
}

#[tokio::test]
async fn who_says_nothing_or_too_slowly_is_hung_up_on() {
    let world = world("").await;
    let serving = Serving::with(&world, short()).await;
    let mut silent = serving.browser().open().await;
    assert_eq!(rest(&mut silent).await, b"");
    let mut crawling = serving.browser().open().await;
    drop(crawling.write_all(b"GET /sys/metrics HTTP/1.1\r\n").await);
    // A byte now and then is no excuse.
    while crawling.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut done = serving.browser().open().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    done.write_all(request).await.unwrap();
    // The answer, and then the end although nobody asked to close.
    let heard = rest(&mut done).await;
    assert!(
        heard.ends_with(b"ok\n"),
        "{}",
        String::from_utf8_lossy(&heard)
    );
    serving.end().await;
}

#[tokio::test]
async fn who_asks_and_does_not_listen_is_hung_up_on() {
    let world = world("").await;
    let serving = Serving::with(&world, short()).await;
    let mut deaf = serving.browser().open().await;
    let requests = b"GET /sys/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    while deaf.write_all(&requests).await.is_ok() {}
    assert_eq!(serving.browser().get("/sys/metrics").await.status, 200);
    serving.end().await;
}

#[tokio::test]
async fn many_requests_on_one_connection_are_answered_in_order() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    let mut stream = serving.browser().open().await;
    let asked: String = (0..200)
        .map(|at| ["/healthz", "/nothing"][at % 2])
        .map(|address| format!("GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .collect();
    let (mut reading, mut writing) = stream.split();
    let last =
        format!("{asked}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut heard = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut heard);
    let (wrote, read) = tokio::join!(writing.write_all(last.as_bytes()), read);
    wrote.unwrap();
    read.unwrap();
    let heard = String::from_utf8(heard).unwrap();
    let answers: Vec<&str> = heard
        .matches("HTTP/1.1 200")
        .chain(heard.matches("HTTP/1.1 404"))
        .collect();
    assert_eq!(answers.len(), 201);
    serving.end().await;
}
