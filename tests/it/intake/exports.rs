//! Exports and Grafana's questions over HTTP.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value as Json, json};
use support::world::App;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::{Intake, JSON, LINES, json, shop, until};
use crate::browsing::rest;
use crate::world::World;

const TOKENS: &str = r#"
presets = ["hosts"]
[live.tokens.chief]
token = "the token of the chief"
may = "admin"
[live.tokens.shop]
token = "the token of the shop"
[live.tokens.acme]
token = "the token of acme itself"
may = "admin"
organisation = "acme"
"#;

pub(super) struct Exported {
    head: String,
    body: Vec<u8>,
    /// The server ended it; it did not break off.
    is_whole: bool,
}

impl Exported {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

pub(super) async fn export(intake: &Intake, address: &str, token: &str) -> Exported {
    let mut stream = intake.browser().open().await;
    let request = format!(
        "GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n",
        intake.port
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let all = rest(&mut stream).await;
    let split = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(all[..split].to_vec()).unwrap();
    let mut left = &all[split + 4..];
    let mut body = Vec::new();
    if !head.contains("transfer-encoding: chunked") {
        body.extend(left);
        return Exported {
            head,
            body,
            is_whole: true,
        };
    }
    loop {
        let Some(line) = left.windows(2).position(|two| two == b"\r\n") else {
            return Exported {
                head,
                body,
                is_whole: false,
            };
        };
        let size = std::str::from_utf8(&left[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return Exported {
                head,
                body,
                is_whole: true,
            };
        }
        body.extend(&left[line + 2..line + 2 + size]);
        left = &left[line + 2 + size + 2..];
    }
}

fn line(order: usize, at: &str, shop: &str, duration: f64) -> String {
    json!({ "kind": "checkout", "at": at, "labels": { "shop": shop, "order": order.to_string() },
        "values": { "duration": duration }, "ok": true })
    .to_string()
}

async fn filled(world: &World) -> Intake {
    let intake = Intake::of(world).await;
    let lines = [
        line(2, "2026-11-20T10:42:00Z", "zh", 300.0),
        line(0, "2026-11-20T10:40:10Z", "zh", 100.0),
        line(1, "2026-11-20T10:40:50Z", "be", 50.5),
        line(3, "2026-11-20T10:42:59Z", "zh", 500.0),
    ];
    let answer = intake
        .browser()
        .post("/api/events", LINES, lines.join("\n"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    intake
}

/// Without the time at which it was made.
fn timeless(text: &str) -> String {
    let mut parts = text.split("\"exported_at\":\"");
    let first = parts.next().unwrap();
    let rest = parts.map(|part| part.split_once('"').unwrap().1);
    [first].into_iter().chain(rest).collect()
}

#[tokio::test]
async fn an_export_is_sent_as_the_program_writes_it() {
    let world = shop("presets = [\"agents\"]");
    let intake = filled(&world).await;
    for (format, media_type) in [
        ("json", "application/json"),
        ("jsonl", "application/x-ndjson"),
        ("csv", "text/csv; charset=utf-8"),
        ("prometheus", "text/plain; version=0.0.4; charset=utf-8"),
        ("influx", "text/plain; charset=utf-8"),
        ("grafana", "application/json"),
    ] {
        let address =
            format!("/api/live/checkout/export?format={format}&label.shop=zh&to=2026-11-21");
        let sent = export(&intake, &address, "").await;
        assert!(
            sent.is_whole && sent.head.contains(" 200 OK"),
            "{}",
            sent.head
        );
        let expected = format!("content-type: {media_type}\r\n");
        assert!(sent.head.contains(&expected), "{}", sent.head);
        let words = [
            "live",
            "export",
            "checkout",
            "--format",
            format,
            "--label",
            "shop=zh",
            "--to",
            "2026-11-21",
        ];
        let written = String::from_utf8(world.binary(&words).stdout).unwrap();
        assert_eq!(timeless(&sent.text()), timeless(&written), "{format}");
        let packed = export(&intake, &format!("{address}&gzip=true"), "").await;
        assert!(
            packed.head.contains("content-type: application/gzip"),
            "{}",
            packed.head
        );
        let mut unpacked = String::new();
        GzDecoder::new(packed.body.as_slice())
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, sent.text());
    }
    let both = export(&intake, "/api/live/checkout,task/export?format=jsonl", "").await;
    assert_eq!(both.text().lines().count(), 4);
    for (address, status, error) in [
        (
            "/api/live/checkout/export",
            400,
            "say which: json, jsonl, csv, prometheus, parquet, grafana, influx, sqlite",
        ),
        (
            "/api/live/checkout/export?format=cvs",
            400,
            "no format `cvs`; did you mean `csv`?",
        ),
        (
            "/api/live/checkout/export?format=sqlite",
            400,
            "use `daybook live export`",
        ),
        (
            "/api/live/checkout/export?format=csv&limit=3",
            400,
            "takes no such parameter",
        ),
        (
            "/api/live/chekout/export?format=csv",
            404,
            "did you mean `checkout`?",
        ),
        ("/api/live/checkout,/export?format=csv", 404, "no kind ``"),
    ] {
        let answer = intake.get(address).await;
        assert_eq!(answer.status, status, "{address}: {answer:?}");
        assert!(
            json(&answer)["error"].as_str().unwrap().contains(error),
            "{answer:?}"
        );
    }
    intake.end().await;
}

#[tokio::test]
async fn an_export_has_only_what_its_reader_may_see() {
    let world = shop(TOKENS);
    let intake = Intake::with(world.config(), crate::serving::hurried(), super::noon).await;
    let chief = intake
        .browser()
        .saying("Authorization", "Bearer the token of the chief");
    for organisation in ["acme", "umbrella"] {
        let event = json!({ "kind": "host", "labels": { "host": "web-1", "organisation": organisation }, "values": { "cpu": 1.5 } });
        assert_eq!(
            chief
                .post("/api/events", JSON, event.to_string())
                .await
                .status,
            200
        );
    }
    let hosts = "/api/live/host/export?format=jsonl";
    let all = export(&intake, hosts, "the token of the chief").await;
    assert_eq!(all.text().lines().count(), 2);
    let own = export(&intake, hosts, "the token of acme itself")
        .await
        .text();
    assert!(
        own.lines().count() == 1 && own.contains("\"acme\""),
        "{own}"
    );
    for (address, token) in [
        (hosts, "the token of the shop"),
        (
            "/api/live/host/export?format=jsonl&label.organisation=umbrella",
            "the token of acme itself",
        ),
        // Its events name no organisation.
        (
            "/api/live/checkout/export?format=jsonl",
            "the token of acme itself",
        ),
        (
            "/api/live/host,checkout/export?format=jsonl",
            "the token of acme itself",
        ),
        ("/api/grafana", "the token of the shop"),
    ] {
        let refused = export(&intake, address, token).await;
        assert!(
            refused.head.contains(" 403 "),
            "{address}: {}",
            refused.head
        );
    }
    let acme = intake
        .browser()
        .saying("Authorization", "Bearer the token of acme itself");
    let search = acme.post("/api/grafana/search", JSON, "{}").await;
    assert_eq!(json(&search), json!(["host"]));
    let panel = |target: &str| {
        json!({ "range": { "from": "2026-11-20T10:30:00Z", "to": "2026-11-20T11:01:00Z" },
            "targets": [{ "target": target }] })
        .to_string()
    };
    let answer = acme.post("/api/grafana/query", JSON, panel("host")).await;
    assert_eq!(
        json(&answer)[0]["datapoints"],
        json!([[1, 1_795_172_400_000_i64]])
    );
    assert_eq!(
        acme.post("/api/grafana/query", JSON, panel("checkout"))
            .await
            .status,
        403
    );
    intake.end().await;
}

#[tokio::test]
async fn an_export_that_lacks_events_breaks_off_and_has_the_others() {
    let world = shop("");
    let intake = filled(&world).await;
    let second = line(9, "2026-11-20T10:50:00Z", "be", 1.0);
    assert_eq!(intake.post("/api/events", &second).await.status, 200);
    let app = App::Sqlite(world.path("live.db"));
    app.execute("UPDATE chunks SET data = x'00' WHERE id = 1")
        .await;
    let sent = export(&intake, "/api/live/checkout/export?format=json", "").await;
    assert!(!sent.is_whole, "{}", sent.text());
    let document: Json = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(document["export_info"]["complete"], false);
    assert_eq!(document["checkout"].as_array().unwrap().len(), 1);
    intake.end().await;
}

#[tokio::test]
async fn whoever_hangs_up_makes_room_for_others() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let body = "x".repeat(180);
    for first in (0..40_000).step_by(4000) {
        let event = |order: usize| {
            let labels = json!({ "shop": "zh", "order": order.to_string() });
            json!({ "kind": "checkout", "labels": labels, "details": { "body": body } }).to_string()
        };
        let lines: Vec<String> = (first..first + 4000).map(event).collect();
        let answer = intake
            .browser()
            .post("/api/events", LINES, lines.join("\n"))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let address = "/api/live/checkout/export?format=jsonl";
    let request = format!(
        "GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
        intake.port
    );
    let mut readers = Vec::new();
    for _ in 0..2 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let server = ([127, 0, 0, 1], intake.port).into();
        let mut reader = socket.connect(server).await.unwrap();
        reader.write_all(request.as_bytes()).await.unwrap();
        reader.readable().await.unwrap();
        readers.push(reader);
    }
    let refused = intake.get(address).await;
    assert_eq!(refused.status, 429, "{}", refused.body.len());
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Questions are answered meanwhile.
    assert_eq!(intake.get("/api/live/checkout/summary").await.status, 200);
    drop(readers);
    until(async || {
        intake
            .get("/api/live/checkout/export?format=prometheus")
            .await
            .status
            == 200
    })
    .await;
    let sent = export(&intake, address, "").await;
    assert!(sent.is_whole);
    assert_eq!(sent.text().lines().count(), 40_000);
    intake.end().await;
}

#[tokio::test]
async fn grafana_draws_figures_over_time() {
    let world = shop("");
    let intake = filled(&world).await;
    for address in ["/api/grafana", "/api/grafana/"] {
        assert_eq!(intake.get(address).await.status, 200);
    }
    let metrics = intake.post("/api/grafana/metrics", "{}").await;
    let option = |text: &str| json!({ "label": text, "value": text });
    assert_eq!(
        json(&metrics),
        json!([{ "label": "checkout", "value": "checkout", "payloads": [
            { "name": "figure", "type": "input", "placeholder": "p95 of amount" },
            { "name": "by", "type": "select", "options": [option("shop"), option("till")] },
            { "name": "ok", "type": "select", "options": [option("true"), option("false")] },
        ] }])
    );
    let panel = |most: i64, targets: Json| {
        json!({ "app": "dashboard", "range": { "from": "2026-11-20T10:30:00.000Z", "to": "2026-11-20T11:00:00.000Z", "raw": { "from": "now-30m", "to": "now" } },
            "intervalMs": 2000, "maxDataPoints": most, "targets": targets })
        .to_string()
    };
    let asked = async |most: i64, targets: Json| {
        let answer = intake
            .post("/api/grafana/query", &panel(most, targets))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        json(&answer)
    };
    let by_shop = json!([{ "refId": "A", "target": "checkout", "payload": { "figure": "p95 of duration", "by": "shop", "ok": "" } }]);
    let (forty, forty_two) = (1_795_171_200_000_i64, 1_795_171_320_000_i64);
    assert_eq!(
        asked(100, by_shop.clone()).await,
        json!([
            { "target": "be.p95 of duration", "datapoints": [[50.5, forty]] },
            { "target": "zh.p95 of duration", "datapoints": [[100, forty], [500, forty_two]] },
        ])
    );
    // Ten points are too few for thirty minutes.
    assert_eq!(
        asked(10, by_shop).await[1],
        json!({ "target": "zh.p95 of duration", "datapoints": [[500, 1_795_168_800_000_i64]] })
    );
    let counts = json!([
        { "target": "checkout", "payload": { "label.shop": "zh" } },
        { "target": "checkout", "hide": true },
        { "target": null },
        { "target": "checkout", "payload": "" },
    ]);
    assert_eq!(
        asked(100, counts).await,
        json!([
            { "target": "count", "datapoints": [[1, forty], [2, forty_two]] },
            { "target": "count", "datapoints": [[2, forty], [2, forty_two]] },
        ])
    );
    for (body, error) in [
        ("{}".to_owned(), "not a panel: missing field `range`"),
        ("{".to_owned(), "not valid JSON"),
        (
            panel(
                9,
                json!([{ "target": "checkout", "payload": { "figure": "p95" } }]),
            ),
            "`p95`",
        ),
        (
            panel(
                9,
                json!([{ "target": "checkout", "payload": { "by": "shopp" } }]),
            ),
            "did you mean `shop`?",
        ),
        (
            panel(9, json!([{ "target": "checkout", "payload": 3 }])),
            "expected an object",
        ),
        (panel(9, json!([["checkout", {}]])), "not a panel"),
    ] {
        let answer = intake.post("/api/grafana/query", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.body.contains(error), "{body}: {answer:?}");
    }
    let filtered = json!({ "range": { "from": "2026-11-20T10:30:00Z", "to": "2026-11-20T11:00:00Z" }, "targets": [],
        "adhocFilters": [{ "key": "shop", "operator": "!=", "value": "zh" }] });
    let answer = intake
        .post("/api/grafana/query", &filtered.to_string())
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let unknown = panel(9, json!([{ "target": "chekout" }]));
    assert_eq!(
        intake.post("/api/grafana/query", &unknown).await.status,
        404
    );
    intake.end().await;
}
