//! How webhooks of services are posted, what their answers mean, and that no secret comes back from them.

use std::time::Duration;

use daybook::config::{Format, Webhook};
use daybook::deliver::Attempt;
use daybook::deliver::webhook::post;
use daybook::nightly::Which;
use secrecy::SecretString;
use serde_json::Value;

use crate::delivering::world;
use crate::http_server::{Act, Server};
use crate::world::{date, instant};

const SETTINGS: &str = r#"
    [[webhooks]]
    name = "slack"
    format = "slack"
    [[webhooks]]
    name = "teams"
    format = "teams"
    [[webhooks]]
    name = "discord"
    format = "discord"
    [[webhooks]]
    name = "mattermost"
    format = "mattermost"
    [[webhooks]]
    name = "ntfy"
    format = "ntfy"
    secret = "tk_geheim"
    [[webhooks]]
    name = "pagerduty"
    format = "pagerduty"
    secret = "routing-geheim"
"#;

fn body(url: &Server) -> Value {
    serde_json::from_str(&url.asked()[0].body).unwrap()
}

#[tokio::test]
async fn a_night_reaches_every_service_and_repeated_secrets_stay_out_of_the_ledger() {
    let (mut world, _app) = world(SETTINGS).await;
    let names = [
        "slack",
        "teams",
        "discord",
        "mattermost",
        "ntfy",
        "pagerduty",
    ];
    let mut servers = Vec::new();
    for name in names {
        let answer = "HTTP/1.1 200 OK\r\n\r\nhook-geheim tk_geheim routing-geheim of mine";
        let server = Server::plain(vec![Act::answer(answer)]).await;
        let url = format!("http://127.0.0.1:{}/hook-geheim", server.port);
        world.set(
            &format!("DAYBOOK_WEBHOOK_{}_URL", name.to_uppercase()),
            &url,
        );
        servers.push(server);
    }
    world.morning(Which::One(date("2025-10-03")), true).await;
    let ledger = world.ledger().await;
    for name in names {
        let line = format!("2025-10-03 report webhook {name} 1 accepted 1 200 OK: ***");
        assert!(
            ledger.iter().any(|row| row.starts_with(&line)),
            "{ledger:#?}"
        );
    }
    let of = |name: &str| {
        ledger
            .iter()
            .find(|row| row.contains(&format!("webhook {name} ")))
            .unwrap()
    };
    assert!(of("ntfy").ends_with("*** *** routing-geheim of mine"));
    assert!(of("pagerduty").ends_with("*** tk_geheim *** of mine"));
    for (name, server) in names.iter().zip(&servers) {
        let asked = &server.asked()[0];
        let path = if *name == "ntfy" { "/" } else { "/hook-geheim" };
        assert_eq!(asked.line, format!("POST {path} HTTP/1.1"));
        assert_eq!(asked.header("Content-Type"), Some("application/json"));
        assert!(
            asked
                .header("Daybook-Delivery")
                .unwrap()
                .starts_with("report.2025-10-03.")
        );
        assert_eq!(asked.header("Daybook-Signature"), None, "{name}");
        let token = (*name == "ntfy").then_some("Bearer tk_geheim");
        assert_eq!(asked.header("Authorization"), token, "{name}");
    }
    let [slack, teams, discord, mattermost, ntfy, pager_duty] = &servers[..] else {
        panic!("six servers");
    };
    let title = "[ok] Beryl, Fri 3 Oct 2025";
    assert_eq!(body(slack)["text"], title);
    assert_eq!(body(teams)["type"], "message");
    assert_eq!(
        body(discord)["embeds"][0]["title"],
        "\\[ok\\] Beryl, Fri 3 Oct 2025"
    );
    assert_eq!(body(mattermost)["attachments"][0]["fallback"], title);
    assert_eq!(
        (&body(ntfy)["topic"], &body(ntfy)["title"]),
        (&"hook-geheim".into(), &title.into())
    );
    assert_eq!(body(pager_duty)["routing_key"], "routing-geheim");
}

#[tokio::test]
async fn a_service_that_is_asked_too_often_gets_it_in_the_next_round() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let fine = "HTTP/1.1 204 No Content\r\n\r\n";
    let server = Server::plain([busy, fine].map(Act::answer).to_vec()).await;
    let (mut world, _app) = world("[[webhooks]]\nname = \"chat\"\nformat = \"discord\"").await;
    let url = format!("http://127.0.0.1:{}/hook", server.port);
    world.set("DAYBOOK_WEBHOOK_CHAT_URL", &url);
    world.morning(Which::One(date("2025-10-03")), true).await;
    let expected = "2025-10-03 report webhook chat 1 accepted 2 204 No Content";
    assert!(world.ledger().await.contains(&expected.to_owned()));
    let asked = server.asked();
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn what_teams_refuses_is_not_accepted_whatever_the_status_says() {
    let failed = "Webhook message delivery failed with error: ";
    let refused = |code: u16| {
        format!("{failed}Microsoft Teams endpoint returned HTTP error {code} with ContextId tcid=0")
    };
    // Accepted, or else whether it may pass.
    let cases = [
        ("1".to_owned(), None),
        (refused(400), Some(false)),
        (refused(413), Some(false)),
        (refused(429), Some(true)),
        (refused(500), Some(true)),
        (
            format!("{failed}Error while copying content to a stream."),
            Some(true),
        ),
    ];
    for (answer, expected) in cases {
        for (format, expected) in [(Format::Teams, expected), (Format::Slack, None)] {
            let text = format!("HTTP/1.1 200 OK\r\n\r\n{answer}");
            let server = Server::plain(vec![Act::answer(&text)]).await;
            let reply = format!("200 OK: {answer}");
            let expected = match expected {
                None => Attempt::Accepted { reply },
                Some(may_pass) => Attempt::Refused { reply, may_pass },
            };
            assert_eq!(posted(&server, format).await, expected);
        }
    }
}

#[tokio::test]
async fn half_a_secret_at_the_end_of_a_line_does_not_show_either() {
    let key = "0123456789abcdef0123456789abcdef";
    for before in 150..210 {
        let text = format!("HTTP/1.1 400 No\r\n\r\n{}{key}", "x".repeat(before));
        let server = Server::plain(vec![Act::answer(&text)]).await;
        let routing_key = SecretString::from(key);
        let attempt = posted(&server, Format::PagerDuty { routing_key }).await;
        assert!(!format!("{attempt:?}").contains("012"), "{attempt:?}");
    }
}

async fn posted(server: &Server, format: Format) -> Attempt {
    let webhook = Webhook {
        name: "chat".to_owned(),
        url: SecretString::from(format!("http://127.0.0.1:{}/hook", server.port)),
        format,
        timeout: Duration::from_secs(60),
        ca_file: None,
    };
    post(&webhook, "{}", "id", instant("2025-10-04T06:30:00Z")).await
}
