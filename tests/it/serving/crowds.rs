//! Crowds that hold connections for nothing: they lose them to whoever comes next.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use daybook::web::{Limits, connections};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::silence::long;
use super::{Serving, world};
use crate::browsing::{Browser, rest};

const PAGE: &str = "/sys/metrics";

/// Among the proxies by default, so many callers may be behind it.
const PROXY: &str = "127.0.0.1";
const STRANGER: &str = "127.0.0.2";
const VISITOR: &str = "127.0.0.3";

async fn silent(serving: &Serving, from: &str, count: usize) -> Vec<TcpStream> {
    let browser = serving.browser().from(from);
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(browser.open().await);
    }
    all
}

/// Asks for pages without end and takes next to nothing of them.
async fn slow_reader(serving: &Serving, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let from: std::net::IpAddr = from.parse().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let server = ([127, 0, 0, 1], serving.port).into();
    let mut stream = socket.connect(server).await.unwrap();
    let requests = b"GET /sys/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20);
    stream.write_all(&requests).await.unwrap();
    stream
}

/// The server has nothing to say and has not hung up.
fn is_open(stream: &TcpStream) -> bool {
    let heard = stream.try_read(&mut [0]);
    heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

async fn gets_the_page(serving: &Serving, from: &str) {
    let browser = serving.browser().from(from);
    assert_eq!(browser.get(PAGE).await.status, 200, "{from}");
}

#[tokio::test]
async fn silent_connections_of_one_address_keep_nobody_out() {
    for crowd in [STRANGER, PROXY] {
        let world = world("").await;
        let serving = Serving::with(&world, long()).await;
        let mut held = silent(&serving, crowd, 300).await;
        gets_the_page(&serving, VISITOR).await;
        gets_the_page(&serving, crowd).await;
        // Those that said nothing for longest made room.
        assert_eq!(rest(&mut held[0]).await, b"");
        assert_eq!(rest(&mut held[30]).await, b"");
        assert!(is_open(&held[299]));
        drop(held);
        serving.end().await;
    }
}

#[tokio::test]
async fn silent_connections_of_many_addresses_keep_nobody_out() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    let mut held = Vec::new();
    for at in 1..=150 {
        held.extend(silent(&serving, &format!("127.0.1.{at}"), 2).await);
    }
    gets_the_page(&serving, VISITOR).await;
    gets_the_page(&serving, "127.0.1.7").await;
    drop(held);
    serving.end().await;
}

#[tokio::test]
async fn readers_who_take_next_to_nothing_keep_nobody_out() {
    for crowd in [STRANGER, PROXY] {
        let world = world("").await;
        let serving = Serving::with(&world, long()).await;
        let mut held = Vec::new();
        for _ in 0..300 {
            held.push(slow_reader(&serving, crowd).await);
        }
        gets_the_page(&serving, VISITOR).await;
        gets_the_page(&serving, crowd).await;
        drop(held);
        serving.end().await;
    }
}

#[tokio::test]
async fn an_address_has_a_share_of_the_connections_and_proxies_have_all() {
    let world = world("").await;
    let serving = Serving::with(&world, long()).await;
    let open = |held: &[TcpStream]| held.iter().filter(|stream| is_open(stream)).count();
    let strangers = silent(&serving, STRANGER, 100).await;
    let behind_proxy = silent(&serving, PROXY, 150).await;
    // Connections are taken in the order they come, so those before have been.
    gets_the_page(&serving, VISITOR).await;
    let mut closed = strangers;
    let kept = closed.split_off(100 - 64);
    for stream in &mut closed {
        assert_eq!(rest(stream).await, b"");
    }
    assert_eq!((open(&kept), open(&behind_proxy)), (64, 150));
    drop((kept, behind_proxy));
    serving.end().await;
}

#[tokio::test]
async fn whoever_has_the_most_connections_gives_one_up_first() {
    let world = world("").await;
    let limits = Limits {
        connections: 8,
        connections_per_address: 6,
        ..long()
    };
    let serving = Serving::with(&world, limits).await;
    // It waits for longest, and is all that this visitor has.
    let visitor = silent(&serving, VISITOR, 1).await;
    let strangers = silent(&serving, STRANGER, 50).await;
    let others = silent(&serving, "127.0.0.4", 50).await;
    gets_the_page(&serving, "127.0.0.5").await;
    assert!(is_open(&visitor[0]));
    drop((visitor, strangers, others));
    serving.end().await;
}

/// A server whose answers wait until somebody lets them go.
struct Workshop {
    browser: Browser,
    done: Arc<Semaphore>,
    begun: Arc<Semaphore>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Workshop {
    async fn open(limits: Limits) -> Self {
        let done = Arc::new(Semaphore::new(0));
        let begun = Arc::new(Semaphore::new(0));
        let (waits, tells) = (done.clone(), begun.clone());
        let work = move || async move {
            tells.add_permits(1);
            waits.acquire().await.unwrap().forget();
            "done"
        };
        let router = Router::new().route("/", get(work));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let browser = Browser::at(listener.local_addr().unwrap().port());
        let stop = CancellationToken::new();
        let serving = connections::serve(listener, router, limits, Arc::default(), stop.clone());
        Self {
            browser,
            done,
            begun,
            stop,
            task: tokio::spawn(serving),
        }
    }

    async fn ask(&self) -> TcpStream {
        let mut stream = self.browser.open().await;
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream
    }
}

#[tokio::test]
async fn a_connection_that_the_server_works_for_never_makes_room() {
    let limits = Limits {
        connections: 4,
        connections_per_address: 4,
        ..long()
    };
    let workshop = Workshop::open(limits).await;
    let mut working = workshop.ask().await;
    workshop.begun.acquire().await.unwrap().forget();
    let mut crowd = Vec::new();
    for _ in 0..50 {
        crowd.push(workshop.browser.open().await);
    }
    let mut last = workshop.ask().await;
    workshop.begun.acquire().await.unwrap().forget();
    workshop.done.add_permits(2);
    assert!(rest(&mut working).await.ends_with(b"done"));
    assert!(rest(&mut last).await.ends_with(b"done"));
    drop(crowd);
    workshop.stop.cancel();
    workshop.task.await.unwrap();
}

#[tokio::test]
async fn while_the_server_works_for_all_connections_the_next_waits() {
    let limits = Limits {
        connections: 2,
        connections_per_address: 10,
        ..long()
    };
    let workshop = Workshop::open(limits).await;
    let mut all = vec![workshop.ask().await, workshop.ask().await];
    for _ in 0..2 {
        workshop.begun.acquire().await.unwrap().forget();
    }
    all.push(workshop.ask().await);
    // Others are asked after it, and have answered.
    let neighbour = Workshop::open(long()).await;
    neighbour.done.add_permits(10);
    for _ in 0..10 {
        let mut stream = neighbour.ask().await;
        assert!(rest(&mut stream).await.ends_with(b"done"));
    }
    assert_eq!(workshop.begun.available_permits(), 0, "it did not wait");
    workshop.done.add_permits(1);
    workshop.begun.acquire().await.unwrap().forget();
    workshop.done.add_permits(2);
    for mut stream in all {
        assert!(rest(&mut stream).await.ends_with(b"done"));
    }
    for opened in [workshop, neighbour] {
        opened.stop.cancel();
        opened.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_slower_than_the_least_rate_is_hung_up_on_and_a_faster_one_is_not() {
    let world = world("").await;
    // The client takes 64 KB every ten milliseconds, without a stop and for longer than it may lag behind.
    for (least_rate, stall, ends) in [(1_000_000_000, 500, true), (1000, 2000, false)] {
        let limits = Limits {
            stall: Duration::from_millis(stall),
            least_rate,
            ..long()
        };
        let serving = Serving::with(&world, limits).await;
        let mut stream = serving.browser().open().await;
        let page = serving.browser().get(PAGE).await.body.len();
        let requests = 40_000_000 / page;
        let (mut reading, mut writing) = stream.split();
        let ask = async {
            let request = b"GET /sys/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
            for _ in 0..requests {
                if writing.write_all(request).await.is_err() {
                    break;
                }
            }
        };
        let read = async {
            let mut taken = 0;
            let mut some = vec![0; 64 * 1024];
            while taken < requests * page {
                match reading.read(&mut some).await {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => taken += bytes,
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            taken
        };
        let (_, taken) = tokio::join!(ask, read);
        assert_eq!(taken < requests * page, ends, "{taken} at {least_rate}");
        drop(stream);
        serving.end().await;
    }
}
