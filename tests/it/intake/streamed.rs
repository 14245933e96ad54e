//! Events as server-sent events: each once, also for a client that comes and goes.

use std::collections::BTreeSet;
use std::time::Duration;

use daybook::web::Limits;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{CHECKOUT, Intake, checkout, noon, shop, until};
use crate::browsing::Browser;
use crate::live::METRICS;
use crate::world::World;

const STREAM: &str = "/api/events/stream";
/// How long an event is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of server-sent events.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    /// What came and was not looked at.
    text: String,
    last_id: String,
}

/// An event: its name, and its data.
type Event = (String, Json);

impl Client {
    async fn open(port: u16, address: &str, headers: &[(&str, &str)]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8192).unwrap();
        let server = (std::net::Ipv4Addr::LOCALHOST, port).into();
        let mut stream = socket.connect(server).await.unwrap();
        let mut request = format!("GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        for (name, text) in headers {
            request += &format!("{name}: {text}\r\n");
        }
        stream
            .write_all(format!("{request}\r\n").as_bytes())
            .await
            .unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        Self {
            stream,
            head,
            text: String::new(),
            last_id: String::new(),
        }
    }

    async fn after(port: u16, id: &str) -> Self {
        let mut client = Self::open(port, STREAM, &[("Last-Event-ID", id)]).await;
        client.last_id = id.to_owned();
        client
    }

    /// The next chunk of the answer; `None`: it has ended.
    async fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await.ok()?;
        let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
        let mut bytes = vec![0; size + 2];
        self.stream.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(size);
        (size > 0).then(|| String::from_utf8(bytes).unwrap())
    }

    /// The next block of lines; `None`: the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = timeout(PATIENCE, self.chunk()).await.unwrap()?;
            self.text += &chunk;
        }
    }

    /// The next event, read as the standard says.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let (mut name, mut data) = ("message".to_owned(), String::new());
            for line in self.block().await?.lines() {
                match line.split_once(": ").unwrap() {
                    ("", _) => {}
                    ("id", id) => self.last_id = id.to_owned(),
                    ("event", text) => name = text.to_owned(),
                    ("data", text) => data += text,
                    field => panic!("{field:?}"),
                }
            }
            if !data.is_empty() {
                return Some((name, serde_json::from_str(&data).unwrap()));
            }
        }
    }

    async fn order(&mut self) -> usize {
        let (name, event) = self.event().await.unwrap();
        assert_eq!(name, "message", "{event}");
        event["labels"]["order"].as_str().unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn events_come_as_they_are_committed_and_a_client_that_comes_back_misses_none() {
    let world = shop("");
    let limits = Limits {
        // A stream is not idle, however quiet it is.
        idle: Duration::from_millis(50),
        ..Limits::default()
    };
    let intake = Intake::with(world.config(), limits, noon).await;
    intake.post("/api/events", &checkout(1)).await;
    let mut client = Client::open(intake.port, STREAM, &[]).await;
    assert!(client.head.starts_with("HTTP/1.1 200 "), "{}", client.head);
    let head = client.head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    assert!(head.contains("cache-control: no-store\r\n"), "{head}");
    // Only what is new; the comment says where that begins.
    let begin = client.block().await.unwrap();
    assert_eq!(begin, ": here\nid: 2.0");
    intake
        .post(
            "/api/events",
            &format!("[{},{},{}]", checkout(2), checkout(3), checkout(4)),
        )
        .await;
    let told = json!({
        "at": "2026-11-20T11:00:00Z", "kind": "checkout", "labels": {"shop": "zh", "order": "2"}, "values": {},
    });
    assert_eq!(client.event().await, Some(("message".to_owned(), told)));
    assert_eq!(client.order().await, 3);
    let id = client.last_id.clone();
    drop(client);
    intake.post("/api/events", &checkout(5)).await;
    let mut client = Client::after(intake.port, &id).await;
    assert_eq!(client.order().await, 4);
    assert_eq!(client.order().await, 5);
    tokio::time::sleep(Duration::from_millis(300)).await;
    intake.post("/api/events", &checkout(6)).await;
    assert_eq!(client.order().await, 6);
    // It ends with the server.
    intake.told.cancel();
    assert_eq!(client.event().await, None);
    intake.end().await;
}

#[tokio::test]
async fn a_quiet_stream_says_every_while_where_it_is() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let mut client = Client::open(intake.port, &format!("{STREAM}?label.shop=be"), &[]).await;
    assert_eq!(client.block().await.unwrap(), ": here\nid: 1.0");
    intake.post("/api/events", &checkout(1)).await;
    // Another shop's event is passed over, and need not be read again.
    assert_eq!(client.block().await.unwrap(), ": here\nid: 2.0");
    intake.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_a_keeper_and_a_client_that_comes_and_goes_lose_and_double_nothing() {
    const SENDERS: usize = 4;
    const BATCHES: usize = 30;
    let world = shop("keep_every = \"1s\"");
    let intake = Intake::of(&world).await;
    let mut client = Client::open(intake.port, STREAM, &[]).await;
    client.block().await.unwrap();
    let mut senders = Vec::new();
    for sender in 0..SENDERS {
        let browser = Browser::at(intake.port);
        senders.push(tokio::spawn(async move {
            for batch in 0..BATCHES {
                let first = (sender * BATCHES + batch) * 2;
                // Of an hour that is over: it is sealed at once.
                let at = r#"{"at": "2026-11-20T09:30:00Z", "#;
                let [one, other] =
                    [first, first + 1].map(|number| checkout(number).replacen('{', at, 1));
                let answer = browser
                    .post("/api/events", super::JSON, format!("[{one},{other}]"))
                    .await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }));
    }
    let mut got = Vec::new();
    let mut luck = 23_u64;
    while got.len() < SENDERS * BATCHES * 2 {
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        for _ in 0..(1 + (luck >> 59)).min((SENDERS * BATCHES * 2 - got.len()) as u64) {
            got.push(client.order().await);
        }
        let id = client.last_id.clone();
        drop(client);
        client = Client::after(intake.port, &id).await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let once: BTreeSet<usize> = got.iter().copied().collect();
    assert_eq!(got.len(), once.len());
    assert_eq!(once, (0..SENDERS * BATCHES * 2).collect());
    drop(client);
    let kept = intake.end().await;
    assert_eq!(kept.points("checkout").await.len(), SENDERS * BATCHES * 2);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_and_no_more_streams_are_open_than_there_may_be() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    for (query, status, error) in [
        (
            "?kind=checkuot",
            404,
            "no kind `checkuot`; did you mean `checkout`?",
        ),
        ("?kind=session&label.shop=zh", 400, "no label `shop`"),
        ("?label.shopp=zh", 400, "`shopp`"),
        ("?kind=session&ok=true", 400, "only spans succeed or fail"),
        (
            "?from=1h",
            400,
            "expected `kind`, `ok` or `label.` and a label",
        ),
    ] {
        let answer = intake.get(&format!("{STREAM}{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(error), "{query}: {}", answer.body);
    }
    let wrong = intake
        .browser()
        .saying("Last-Event-ID", "yesterday")
        .get(STREAM)
        .await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.body,
        r#"{"error":"this is no `id` of this stream","field":"Last-Event-ID"}"#
    );
    let mut clients = Vec::new();
    for _ in 0..16 {
        let mut client = Client::open(intake.port, STREAM, &[]).await;
        client.block().await.unwrap();
        clients.push(client);
    }
    let answer = intake.get(STREAM).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("1"))
    );
    clients.pop();
    until(async || {
        Client::open(intake.port, STREAM, &[])
            .await
            .head
            .contains(" 200 ")
    })
    .await;
    intake.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let world = shop("");
    let limits = Limits {
        stall: Duration::from_millis(500),
        ..Limits::default()
    };
    let intake = Intake::with(world.config(), limits, noon).await;
    let mut clients = Vec::new();
    for _ in 0..16 {
        clients.push(Client::open(intake.port, STREAM, &[]).await);
    }
    for first in 0..4 {
        let many: Vec<String> = (first * 4000..(first + 1) * 4000).map(checkout).collect();
        let answer = intake
            .post("/api/events", &format!("[{}]", many.join(",")))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    until(async || {
        Client::open(intake.port, STREAM, &[])
            .await
            .head
            .contains(" 200 ")
    })
    .await;
    drop(clients);
    intake.end().await;
}

#[tokio::test]
async fn a_token_follows_what_it_may_see() {
    let kind = CHECKOUT.replace("shop = {", "organisation = { most = 50 }, shop = {");
    let settings = format!(
        "[live]\naccept = true\n[live.tokens.acme]\ntoken_file = \"acme\"\nmay = \"admin\"\norganisation = \"acme\"\n
         [live.tokens.all]\ntoken_file = \"all\"\nmay = \"admin\"\n[live.tokens.writer]\ntoken_file = \"writer\"\nmay = \"write\"\n
         [live.kinds.note]\nshape = \"event\"\n{kind}{METRICS}"
    );
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    for name in ["acme", "all", "writer"] {
        world.write(name, &format!("{name}-and-some-more-of-its-secret"));
    }
    let intake = Intake::of(&world).await;
    let bearer = |name: &str| format!("Bearer {name}-and-some-more-of-its-secret");
    let status = async |name: &str, query: &str| {
        let browser = intake.browser().saying("Authorization", &bearer(name));
        browser.get(&format!("{STREAM}{query}")).await.status
    };
    assert_eq!(intake.get(STREAM).await.status, 401);
    assert_eq!(status("writer", "").await, 403);
    assert_eq!(status("acme", "?kind=note").await, 403);
    assert_eq!(status("acme", "?label.organisation=other").await, 403);
    let mut own = Client::open(intake.port, STREAM, &[("Authorization", &bearer("acme"))]).await;
    own.block().await.unwrap();
    let all = intake.browser().saying("Authorization", &bearer("all"));
    let of = |organisation: &str, order: usize| {
        checkout(order).replace(
            "\"shop\"",
            &format!("\"organisation\": \"{organisation}\", \"shop\""),
        )
    };
    let events = format!(
        r#"[{},{{"kind": "note"}},{}]"#,
        of("other", 1),
        of("acme", 2)
    );
    assert_eq!(
        all.post("/api/events", super::JSON, events).await.status,
        200
    );
    assert_eq!(own.order().await, 2);
    intake.end().await;
}

#[tokio::test]
async fn an_organisation_leaves_half_of_the_streams_and_one_export_to_others() {
    let kind = CHECKOUT.replace("shop = {", "organisation = { most = 50 }, shop = {");
    let token = |name: &str| {
        format!(
            "[live.tokens.{name}]\ntoken = \"the token of {name}\"\nmay = \"admin\"\norganisation = \"{name}\"\n"
        )
    };
    let tokens = token("acme") + &token("umbrella");
    let settings = format!("[live]\naccept = true\n{tokens}{kind}{METRICS}");
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let intake = Intake::of(&world).await;
    let bearer = |name: &str| format!("Bearer the token of {name}");
    let saying = |name: &str| intake.browser().saying("Authorization", &bearer(name));
    let mut clients = Vec::new();
    for _ in 0..8 {
        let headers = [("Authorization", &*bearer("acme"))];
        let mut client = Client::open(intake.port, STREAM, &headers).await;
        client.block().await.unwrap();
        clients.push(client);
    }
    let refused = saying("acme").get(STREAM).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(
        refused.body,
        r#"{"error":"`acme` may have 8 of 16 streams at a time"}"#
    );
    let headers = [("Authorization", &*bearer("umbrella"))];
    let other = Client::open(intake.port, STREAM, &headers).await;
    assert!(other.head.contains(" 200 "), "{}", other.head);
    drop((clients, other));
    let note = "x".repeat(180);
    for name in ["acme", "umbrella"] {
        let event =
            json!({"kind": "checkout", "labels": {"shop": "zh"}, "details": {"note": note}});
        let lines = format!("{event}\n").repeat(8000);
        let answer = saying(name).post("/api/events", super::LINES, lines).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let export = "/api/live/checkout/export?format=jsonl";
    // It does not read on.
    let headers = [("Authorization", &*bearer("acme"))];
    let slow = Client::open(intake.port, export, &headers).await;
    assert!(slow.head.contains(" 200 "), "{}", slow.head);
    let refused = saying("acme").get(export).await;
    assert_eq!(
        (refused.status, &*refused.body),
        (
            429,
            r#"{"error":"`acme` may have 1 of 2 exports at a time"}"#
        )
    );
    assert_eq!(saying("umbrella").get(export).await.status, 200);
    drop(slow);
    intake.end().await;
}
