//! Callers behind a proxy: told apart by what the proxy says, never by what they say themselves.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Serving, world};
use crate::browsing::Browser;

const TOKEN: &str = "a-token-of-some-length";
const PAGE: &str = "/sys/metrics";

/// A proxy on a port of its own, which appends the caller's address to what the caller sent.
struct Proxy {
    port: u16,
    task: JoinHandle<()>,
}

/// How a proxy appends an address.
#[derive(Clone, Copy)]
enum Style {
    /// `X-Forwarded-For: sent, 127.0.0.2`, in the header that the caller began.
    List,
    /// `Forwarded: sent, for="127.0.0.2:4711"`.
    Rfc7239,
}

impl Proxy {
    async fn start(server: u16, style: Style) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            loop {
                let (stream, caller) = listener.accept().await.unwrap();
                let caller = caller.ip().to_string();
                tokio::spawn(async move { drop(relay(stream, &caller, server, style).await) });
            }
        });
        Self { port, task }
    }

    fn browser(&self) -> Browser {
        Browser::at(self.port).saying("Host", "localhost")
    }

    fn end(self) {
        self.task.abort();
    }
}

async fn relay(
    mut caller: TcpStream,
    address: &str,
    server: u16,
    style: Style,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(caller.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let (name, own) = match style {
        Style::List => ("X-Forwarded-For", address.to_owned()),
        Style::Rfc7239 => ("Forwarded", format!("for=\"{address}:4711\"")),
    };
    let (kept, sent): (Vec<&str>, Vec<&str>) = head
        .trim_end()
        .split("\r\n")
        .partition(|line| !line.starts_with(&format!("{name}:")));
    let sent = sent.first().and_then(|line| line.split_once(": "));
    let all = sent.map_or(own.clone(), |(_, sent)| format!("{sent}, {own}"));
    let request = format!("{}\r\n{name}: {all}\r\n\r\n", kept.join("\r\n"));
    let mut behind = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
    behind.write_all(request.as_bytes()).await?;
    tokio::io::copy(&mut behind, &mut caller).await?;
    caller.shutdown().await
}

/// The statuses of so many wrong guesses.
async fn guesses(browser: &Browser, count: usize) -> Vec<u16> {
    let wrong = browser.clone().saying("Authorization", "Bearer guessed");
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(wrong.get(PAGE).await.status);
    }
    statuses
}

/// Ten wrong guesses are 401 each, so this says how many were counted before.
async fn has_guessed(browser: &Browser) -> bool {
    guesses(browser, 1).await == [429]
}

async fn serving(header: &str) -> Serving {
    let world = world(&format!(
        "[serve]\ntoken = \"{TOKEN}\"\naddress_header = \"{header}\"\nproxies = [\"127.0.0.1\", \"192.0.2.0/24\"]"
    ))
    .await;
    Serving::with(&world, super::hurried()).await
}

#[tokio::test]
async fn callers_behind_a_proxy_are_told_apart_by_what_it_appends() {
    for (header, style) in [
        ("X-Forwarded-For", Style::List),
        ("Forwarded", Style::Rfc7239),
    ] {
        let serving = serving(header).await;
        let proxy = Proxy::start(serving.port, style).await;
        let stranger = proxy.browser().from("127.0.0.2");
        assert_eq!(guesses(&stranger, 10).await, [401; 10], "{header}");
        assert!(has_guessed(&stranger).await, "{header}");
        let neighbour = proxy.browser().from("127.0.0.3");
        assert!(!has_guessed(&neighbour).await, "{header}");
        proxy.end();
        serving.end().await;
    }
}

#[tokio::test]
async fn what_a_caller_says_of_itself_before_the_proxy_does_is_not_believed() {
    for (header, style, claims) in [
        (
            "X-Forwarded-For",
            Style::List,
            &[
                "198.51.100.",
                "192.0.2.",
                "nonsense, ",
                "127.0.0.3, 127.0.0.",
            ][..],
        ),
        (
            "Forwarded",
            Style::Rfc7239,
            &[
                "for=198.51.100.",
                "for=127.0.0.3, for=192.0.2.",
                "for=198.51.100.7;x=\"",
                "for=198.51.100.7;x=\"\\",
                "for=198.51.100.7, for=\"",
            ],
        ),
    ] {
        let serving = serving(header).await;
        let proxy = Proxy::start(serving.port, style).await;
        for claim in claims {
            let stranger = proxy.browser().from("127.0.0.2");
            for guess in 0..12 {
                let claim = format!("{claim}{guess}");
                let claiming = stranger.clone().saying(header, &claim);
                guesses(&claiming, 1).await;
            }
        }
        let stranger = proxy.browser().from("127.0.0.2");
        assert!(has_guessed(&stranger).await, "{header}");
        let claimed = proxy.browser().from("127.0.0.3");
        assert!(!has_guessed(&claimed).await, "{header}");
        proxy.end();
        serving.end().await;
    }
}

#[tokio::test]
async fn who_is_no_proxy_is_believed_nothing_and_only_the_named_header_is_read() {
    let serving = serving("X-Forwarded-For").await;
    let direct = serving.browser().from("127.0.0.2");
    for guess in 0..10 {
        let address = format!("198.51.100.{guess}");
        let claiming = direct.clone().saying("X-Forwarded-For", &address);
        assert_eq!(guesses(&claiming, 1).await, [401]);
    }
    assert!(has_guessed(&direct).await);
    let proxy = Proxy::start(serving.port, Style::List).await;
    let stranger = proxy.browser().from("127.0.0.4");
    for guess in 0..10 {
        let address = format!("for=198.51.100.{guess}");
        let claiming = stranger.clone().saying("Forwarded", &address);
        assert_eq!(guesses(&claiming, 1).await, [401]);
    }
    assert!(has_guessed(&stranger).await);
    proxy.end();
    serving.end().await;
}

#[tokio::test]
async fn without_a_named_header_no_address_is_taken_from_one() {
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let serving = Serving::with(&world, super::hurried()).await;
    for guess in 0..10 {
        let address = format!("198.51.100.{guess}");
        let claiming = serving
            .browser()
            .saying("X-Forwarded-For", &address)
            .saying("Forwarded", &format!("for={address}"));
        assert_eq!(guesses(&claiming, 1).await, [401]);
    }
    assert!(has_guessed(&serving.browser()).await);
    serving.end().await;
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_count_as_one_caller() {
    let serving = serving("X-Forwarded-For").await;
    let from = |address: &str| serving.browser().saying("X-Forwarded-For", address);
    for guess in 0..10 {
        let address = format!("[2001:db8:1:2:{guess}::7]:4711");
        assert_eq!(guesses(&from(&address), 1).await, [401]);
    }
    assert!(has_guessed(&from("2001:db8:1:2:ffff::")).await);
    assert!(!has_guessed(&from("2001:db8:1:3::7")).await);
    // An IPv4 address is itself, however it is written.
    assert_eq!(guesses(&from("::ffff:198.51.100.1"), 10).await, [401; 10]);
    assert!(has_guessed(&from("198.51.100.1")).await);
    assert!(!has_guessed(&from("198.51.100.2")).await);
    serving.end().await;
}

#[tokio::test]
async fn a_chain_of_proxies_leads_to_the_first_who_is_none() {
    let serving = serving("X-Forwarded-For").await;
    let from = |chain: &str| serving.browser().saying("X-Forwarded-For", chain);
    assert_eq!(
        guesses(&from("198.51.100.9, 203.0.113.1, 192.0.2.8"), 10).await,
        [401; 10]
    );
    assert!(has_guessed(&from("203.0.113.1")).await);
    assert!(!has_guessed(&from("198.51.100.9")).await);
    // In two lines it is one list.
    let twice = from("203.0.113.1").saying("X-Forwarded-For", "192.0.2.9");
    assert!(has_guessed(&twice).await);
    // What cannot be read is of the proxy that passed it on, not of anybody before.
    assert_eq!(
        guesses(&from("203.0.113.7, unknown, 192.0.2.8"), 10).await,
        [401; 10]
    );
    assert!(has_guessed(&from("192.0.2.8")).await);
    assert!(!has_guessed(&from("203.0.113.7")).await);
    serving.end().await;
}
