//! Every address has its answer, and every answer its headers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::{Serving, world};
use crate::browsing::Answer;

const PAGES: [&str; 7] = [
    "/sys/metrics",
    "/sys/metrics?date=2025-10-03",
    "/sys/metrics/metric/errors_24h",
    "/sys/metrics/metric/errors_24h?days=365&date=2025-10-03",
    "/sys/metrics/alerts",
    "/sys/metrics/alerts?date=2025-10-03",
    "/sys/metrics/runs",
];

#[tokio::test]
async fn pages_series_and_words_stand_under_their_addresses() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    let browser = serving.browser();
    for address in PAGES {
        let answer = browser.get(address).await;
        assert_eq!(answer.status, 200, "{address}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(
            answer.body.contains("<!DOCTYPE html>"),
            "{address}: {answer:?}"
        );
    }
    for address in ["/metrics", "/sys/metrics/prometheus"] {
        let answer = browser.get(address).await;
        let kind = Some("text/plain; version=0.0.4; charset=utf-8");
        assert_eq!((answer.status, answer.header("content-type")), (200, kind));
        assert!(answer.body.starts_with("# "), "{answer:?}");
    }
    for address in ["/healthz", "/readyz", "/reportz"] {
        let answer = browser.get(address).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "ok\n"),
            "{address}"
        );
    }
    serving.end().await;
}

#[tokio::test]
async fn the_root_and_addresses_with_a_slash_too_many_lead_to_a_page() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    let leads = [
        ("/", "/sys/metrics"),
        ("/sys/metrics/", "/sys/metrics"),
        (
            "/sys/metrics/?date=2025-10-03",
            "/sys/metrics?date=2025-10-03",
        ),
        ("/sys/metrics/alerts/", "/sys/metrics/alerts"),
        (
            "/sys/metrics/metric/errors_24h/",
            "/sys/metrics/metric/errors_24h",
        ),
        ("/metrics/", "/metrics"),
    ];
    for (from, to) in leads {
        let answer = serving.browser().get(from).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (307, Some(to)),
            "{from}"
        );
    }
    // Never to another host.
    for address in [
        "//example.org/",
        "//example.org/sys/metrics/",
        "/%2F/example.org/",
    ] {
        let answer = serving.browser().get(address).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (404, None),
            "{address}"
        );
    }
    serving.end().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_page_and_nothing_from_inside() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    let long = format!("/sys/metrics?x={}", "a".repeat(5000));
    let key = format!("/sys/metrics/metric/{}", "a".repeat(101));
    let cases = [
        (404, "/nothing"),
        (404, "/sys"),
        (404, "/sys/metrics/metric"),
        (404, "/sys/metrics/metric/"),
        (404, "/sys/metrics/metric/Errors"),
        (404, "/sys/metrics/metric/unheard_of"),
        (404, "/sys/metrics?date=1999-01-01"),
        (404, "/sys/metrics/metric/errors%00"),
        (404, "/sys/metrics/metric/..%2f..%2fetc%2fpasswd"),
        (404, "/sys/metrics/../../../etc/passwd"),
        (404, "/sys%2Fmetrics"),
        (404, "/sys/metrics/metric/%F0%9F%92%A9"),
        (404, key.as_str()),
        (400, "/sys/metrics?date=yesterday"),
        (400, "/sys/metrics?date=2025-02-30"),
        (400, "/sys/metrics?date=2025-1-3"),
        (400, "/sys/metrics?date=0000-01-01"),
        (400, "/sys/metrics?date=%2B12025-01-01"),
        (400, "/sys/metrics?date=-001-01-01"),
        (400, "/sys/metrics?date=2025-10-03%00"),
        (400, "/sys/metrics?date=%FF%FE"),
        (400, "/sys/metrics?date=2025-10-03&date=2025-10-03"),
        (400, "/sys/metrics/alerts?date=tomorrow"),
        (400, "/sys/metrics/metric/errors_24h?days=31"),
        (400, "/sys/metrics/metric/errors_24h?days=-30"),
        (
            400,
            "/sys/metrics/metric/errors_24h?days=99999999999999999999",
        ),
        (414, long.as_str()),
    ];
    for (status, address) in cases {
        let answer = serving.browser().get(address).await;
        assert_eq!(answer.status, status, "{address}: {answer:?}");
        assert!(
            answer.body.contains("<!DOCTYPE html>"),
            "{address}: {answer:?}"
        );
        for inside in ["daybook.db", "src/", "sqlite", "SELECT", "panicked"] {
            assert!(!answer.body.contains(inside), "{address}: {answer:?}");
        }
    }
    // An empty field of a form, and parameters of somebody else.
    for address in [
        "/sys/metrics?date=",
        "/sys/metrics?utm_source=mail&x=1&x=2&&=",
    ] {
        assert_eq!(
            serving.browser().get(address).await.status,
            200,
            "{address}"
        );
    }
    serving.end().await;
}

#[tokio::test]
async fn only_reading_is_possible() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for address in ["/sys/metrics", "/healthz", "/nothing"] {
            let answer = serving.browser().ask(method, address).await;
            assert_eq!(answer.status, 405, "{method} {address}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
    }
    // A body is neither waited for nor read.
    let posted =
        b"POST /sys/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    assert_eq!(serving.browser().send(posted).await.status, 405);
    for address in PAGES.iter().chain(&["/metrics", "/healthz", "/nothing"]) {
        let browser = serving.browser();
        let (head, got) = (browser.head(address).await, browser.get(address).await);
        assert_eq!(
            (head.status, head.body.as_str()),
            (got.status, ""),
            "{address}"
        );
        let length = got.body.len().to_string();
        assert_eq!(
            head.header("content-length"),
            Some(length.as_str()),
            "{address}"
        );
        assert_eq!(head.header("etag"), got.header("etag"), "{address}");
    }
    serving.end().await;
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    let first = serving.browser().get("/sys/metrics").await;
    let tag = first.header("etag").unwrap();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(first.header("cache-control"), Some("no-cache, private"));
    for known in [
        tag.to_owned(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".to_owned(),
    ] {
        let again = serving.browser().saying("If-None-Match", &known);
        for answer in [
            again.get("/sys/metrics").await,
            again.head("/sys/metrics").await,
        ] {
            assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{known}");
            assert_eq!(answer.header("etag"), Some(tag));
            assert_guarded(&answer, "/sys/metrics");
        }
    }
    let other = serving.browser().saying("If-None-Match", "\"other\"");
    let answer = other.get("/sys/metrics").await;
    assert_eq!((answer.status, answer.body), (200, first.body.clone()));
    let runs = serving.browser().saying("If-None-Match", tag);
    assert_eq!(runs.get("/sys/metrics/runs").await.status, 200);
    serving.end().await;
}

#[tokio::test]
async fn every_answer_forbids_whatever_a_page_does_not_need() {
    let world = world("").await;
    let serving = Serving::of(&world).await;
    let browser = serving.browser();
    let others = [
        "/",
        "/metrics",
        "/healthz",
        "/reportz",
        "/nothing",
        "/sys/metrics?date=x",
    ];
    for address in PAGES.iter().chain(&others) {
        assert_guarded(&browser.get(address).await, address);
    }
    assert_guarded(&browser.ask("POST", "/sys/metrics").await, "POST");
    let stranger = serving.browser().saying("Host", "example.org");
    assert_guarded(&stranger.get("/sys/metrics").await, "another host");
    serving.end().await;
}

fn assert_guarded(answer: &Answer, address: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{address}");
    }
    assert!(answer.header("permissions-policy").is_some(), "{address}");
    assert!(answer.header("cache-control").is_some(), "{address}");
    assert_eq!(answer.header("server"), None, "{address}");
    let policy = answer.header("content-security-policy").unwrap();
    let allowed: Vec<&str> = policy.split("; ").collect();
    assert!(
        allowed.contains(&"default-src 'none'"),
        "{address}: {policy}"
    );
    assert!(
        allowed.contains(&"frame-ancestors 'none'"),
        "{address}: {policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{address}: {policy}"
    );
    for element in ["style", "script"] {
        let begin = answer.body.find(&format!("<{element}>"));
        let Some(begin) = begin.map(|at| at + element.len() + 2) else {
            continue;
        };
        let end = begin + answer.body[begin..].find(&format!("</{element}>")).unwrap();
        let digest = BASE64_STANDARD.encode(Sha256::digest(&answer.body[begin..end]));
        let source = format!("{element}-src 'sha256-{digest}'");
        assert!(allowed.contains(&source.as_str()), "{address}: {policy}");
    }
}
