//! Addresses and secrets of webhooks and pings appear in no reply, whatever the server repeats.

use std::time::Duration;

use daybook::deliver::ping::{Signal, ping as tell};
use daybook::deliver::webhook::post;
use secrecy::SecretString;

use super::{ping, signing, webhook};
use crate::certificates::Authority;
use crate::http_server::{Act, Server};
use crate::world::instant;

const SECRETS: [&str; 9] = [
    "T00-hook-4711",
    "geheim",
    "s@lt-and-pepper",
    "s%40lt-and-pepper",
    "königlich",
    "k%C3%B6niglich",
    "ada-the-user",
    "whsec-0815",
    // `ada-the-user:s@lt-and-pepper`
    "YWRhLXRoZS11c2VyOnNAbHQtYW5kLXBlcHBlcg==",
];

const PATH: &str = "/in/T00-hook-4711/k%C3%B6niglich?key=geheim&v=";

fn repeated() -> String {
    SECRETS.join(" ")
}

#[tokio::test]
async fn what_a_server_repeats_of_the_address_is_hidden_from_every_reply() {
    let all = repeated();
    let answers = [
        format!("HTTP/1.1 404 Cannot POST {PATH}\r\n\r\nCannot POST {PATH} {all}\n"),
        format!("HTTP/1.1 200 {all}\r\n\r\n{all}"),
        format!("HTTP/1.1 301 {all}\r\nLocation: https://x.example.org{PATH}\r\n\r\n{all}"),
        format!("HTTP/1.1 500 Oh\r\n\r\n{}{all}", "x".repeat(4_080)),
        format!("HTTP/1.1 500 Oh\r\n\r\n{}{all}", "x".repeat(190)),
        "HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\nT00-hook-47".to_owned(),
        all.clone(),
        format!("HTTP/1.1 {all}\r\n\r\n"),
    ];
    let acts: Vec<Act> = answers.iter().map(|answer| Act::answer(answer)).collect();
    let server = Server::plain(acts).await;
    let credentials = "ada-the-user:s%40lt-and-pepper";
    let url = format!("http://{credentials}@127.0.0.1:{}{PATH}", server.port);
    let mut hook = webhook(&url);
    hook.format = signing("whsec-0815");
    let mut check = ping(&url);
    for _ in &answers {
        let attempt = post(&hook, "{}", "id", instant("2025-10-04T06:30:00Z")).await;
        hidden(&format!("{attempt:?}"));
    }
    // A ping is not signed, so its server cannot know that secret.
    let again = answers[0].replace("whsec-0815", "");
    let again = Server::plain(vec![Act::answer(&again)]).await;
    let url = format!("http://{credentials}@127.0.0.1:{}{PATH}", again.port);
    check.success = SecretString::from(url);
    hidden(&format!(
        "{:?}",
        tell(&check, Signal::Success, "done").await
    ));
    hidden(&format!("{hook:?} {check:?}"));
}

#[tokio::test]
async fn trouble_on_the_way_names_at_most_the_host() {
    let identity = Authority::new().identity("localhost");
    let untrusted = Server::tls(identity, vec![Act::HangUp]).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().port();
    let credentials = "ada-the-user:s%40lt-and-pepper";
    for (scheme, host) in [
        ("https", format!("localhost:{}", untrusted.port)),
        ("http", format!("127.0.0.1:{silent}")),
        ("https", "nowhere.invalid".to_owned()),
        ("http", "192.0.2.7".to_owned()),
        ("gopher", "example.org".to_owned()),
        ("https", "bad host".to_owned()),
    ] {
        let mut hook = webhook(&format!("{scheme}://{credentials}@{host}{PATH}"));
        hook.format = signing("whsec-0815");
        hook.timeout = Duration::from_secs(2);
        let attempt = post(&hook, "{}", "id", instant("2025-10-04T06:30:00Z")).await;
        hidden(&format!("{attempt:?}"));
    }
}

fn hidden(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!text.contains("T00-hook"), "half a secret in {text}");
}
