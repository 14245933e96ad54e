//! What clients send behind the head of a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use daybook::web::{Limits, connections};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::silence::long;
use super::{Serving, world};
use crate::browsing::{Browser, rest};

/// A server that says how long what it was sent is.
struct Scales {
    browser: Browser,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scales {
    async fn open(limits: Limits) -> Self {
        let weigh = |body: String| async move { body.len().to_string() };
        let router = Router::new().route("/", post(weigh));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let browser = Browser::at(listener.local_addr().unwrap().port());
        let stop = CancellationToken::new();
        let serving = connections::serve(listener, router, limits, Arc::default(), stop.clone());
        let task = tokio::spawn(serving);
        Self {
            browser,
            stop,
            task,
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn request(length: usize, sent: usize) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), vec![b'a'; sent]].concat()
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound() {
    let scales = Scales::open(long()).await;
    let most = 1024 * 1024;
    let answer = scales.browser.send(&request(most, most)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "1048576"));
    let answer = scales.browser.send(&request(most + 1, most + 1)).await;
    assert_eq!(answer.status, 413);
    scales.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_ends_its_connection() {
    let limits = Limits {
        body: Duration::from_millis(500),
        ..long()
    };
    let scales = Scales::open(limits).await;
    for sent in [0, 10] {
        let mut silent = scales.browser.open().await;
        silent.write_all(&request(1000, sent)).await.unwrap();
        let heard = rest(&mut silent).await;
        assert!(!heard.starts_with(b"HTTP/1.1 200"), "{heard:?}");
    }
    let mut punctual = scales.browser.open().await;
    punctual.write_all(&request(1000, 10)).await.unwrap();
    punctual.write_all(&[b'a'; 990]).await.unwrap();
    let heard = rest(&mut punctual).await;
    assert!(heard.starts_with(b"HTTP/1.1 200"), "{heard:?}");
    // A byte now and then is no excuse.
    let mut crawling = scales.browser.open().await;
    crawling.write_all(&request(1_000_000, 0)).await.unwrap();
    while crawling.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scales.browser.send(&request(3, 3)).await.body, "3");
    scales.end().await;
}

#[tokio::test]
async fn bodies_that_never_come_keep_nobody_out() {
    let scales = Scales::open(long()).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        let mut stream = scales.browser.open().await;
        stream.write_all(&request(1000, 10)).await.unwrap();
        held.push(stream);
    }
    assert_eq!(scales.browser.send(&request(3, 3)).await.body, "3");
    drop(held);
    scales.end().await;
}

#[tokio::test]
async fn the_dashboard_waits_for_no_body() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    let answer = serving.browser().send(&request(1000, 10)).await;
    assert_eq!(answer.status, 405);
    let get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    assert_eq!(serving.browser().send(get).await.status, 200);
    serving.end().await;
}
