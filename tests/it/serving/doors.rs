//! Who is let in.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use daybook::web::Limits;
use tokio::io::AsyncWriteExt;

use super::{Serving, hurried, world};

const TOKEN: &str = "a-token-of-some-length";
const PASSWORD: &str = "a-password-of-some-length";
const PAGE: &str = "/sys/metrics";

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

/// Asks with this `Authorization`.
async fn with(serving: &Serving, authorization: &str) -> u16 {
    let browser = serving.browser().saying("Authorization", authorization);
    browser.get(PAGE).await.status
}

#[tokio::test]
async fn without_a_secret_only_this_machines_own_names_are_answered() {
    let more = "[serve]\nhosts = [\"metrics.example.org\"]\n[report]\npublic_url = \"https://public.example.org/x\"";
    let world = world(more).await;
    let serving = Serving::of(&world).await;
    let port = serving.port;
    for host in [
        "localhost",
        "LOCALHOST.",
        "127.0.0.1",
        "[::1]",
        &format!("localhost:{port}"),
        &format!("[::1]:{port}"),
        "metrics.example.org",
        "public.example.org:443",
    ] {
        let browser = serving.browser().saying("Host", host);
        assert_eq!(browser.get(PAGE).await.status, 200, "{host}");
    }
    for host in [
        "example.org",
        &format!("evil.example.org:{port}"),
        "localhost.evil.example",
        "",
        "10.0.0.1",
        "127.0.0.1.evil.example",
    ] {
        let browser = serving.browser().saying("Host", host);
        for address in [PAGE, "/metrics", "/", "/nothing"] {
            assert_eq!(browser.get(address).await.status, 421, "{host} {address}");
        }
        // They say one word to everybody.
        assert_eq!(browser.get("/healthz").await.status, 200);
    }
    for more in [
        "localhost:1@example.org",
        "localhost:@example.org",
        "localhost:http",
    ] {
        let answer = serving.browser().saying("Host", more).get(PAGE).await;
        assert_eq!(answer.status, 400, "{more}");
    }
    let address = "http://localhost:1@example.org/sys/metrics";
    assert_eq!(serving.browser().get(address).await.status, 400);
    let hostless = b"GET /sys/metrics HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(serving.browser().send(hostless).await.status, 400);
    let twice = serving
        .browser()
        .saying("Host", "localhost")
        .saying("Host", "example.org");
    assert_eq!(twice.get(PAGE).await.status, 400);
    // The address of the request counts before what `Host` says.
    assert_eq!(
        serving
            .browser()
            .get("http://example.org/sys/metrics")
            .await
            .status,
        421
    );
    serving.end().await;
}

#[tokio::test]
async fn a_token_is_demanded_everywhere_once_it_is_set() {
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let serving = Serving::of(&world).await;
    for address in [
        PAGE,
        "/",
        "/metrics",
        "/sys/metrics/prometheus",
        "/sys/metrics/runs",
        "/nothing",
    ] {
        let answer = serving.browser().get(address).await;
        assert_eq!(answer.status, 401, "{address}");
        let challenges: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .map(|(_, value)| value.split(' ').next().unwrap())
            .collect();
        assert_eq!(challenges, ["Basic", "Bearer"]);
        assert!(!answer.body.contains("Errors"), "{}", answer.body);
    }
    for address in ["/healthz", "/readyz", "/reportz"] {
        assert_eq!(
            serving.browser().get(address).await.status,
            200,
            "{address}"
        );
    }
    for right in [
        format!("Bearer {TOKEN}"),
        format!("bearer {TOKEN}"),
        basic("whoever", TOKEN),
    ] {
        assert_eq!(with(&serving, &right).await, 200, "{right}");
    }
    for wrong in [
        format!("Bearer {TOKEN}x"),
        format!("Bearer {}", &TOKEN[1..]),
        format!("Token {TOKEN}"),
        TOKEN.to_owned(),
        "Basic !!!".to_owned(),
        basic(TOKEN, ""),
        "Bearer ".to_owned(),
    ] {
        assert_eq!(with(&serving, &wrong).await, 401, "{wrong}");
    }
    // Who knows the token may come under any name.
    let right = format!("Bearer {TOKEN}");
    let abroad = serving
        .browser()
        .saying("Authorization", &right)
        .saying("Host", "example.org");
    assert_eq!(abroad.get(PAGE).await.status, 200);
    let twice = serving
        .browser()
        .saying("Authorization", &right)
        .saying("Authorization", &right);
    assert_eq!(twice.get(PAGE).await.status, 401);
    serving.end().await;
}

#[tokio::test]
async fn a_password_goes_with_its_user() {
    let world = world(&format!(
        "[serve]\nuser = \"ada\"\npassword = \"{PASSWORD}\""
    ))
    .await;
    let serving = Serving::of(&world).await;
    assert_eq!(with(&serving, &basic("ada", PASSWORD)).await, 200);
    for wrong in [
        basic("bea", PASSWORD),
        basic("ada", "guessed"),
        basic("", ""),
        format!("Bearer {PASSWORD}"),
    ] {
        assert_eq!(with(&serving, &wrong).await, 401, "{wrong}");
    }
    serving.end().await;
}

#[tokio::test]
async fn wrong_guesses_are_counted_by_address_and_said_to_be_too_many() {
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let serving = Serving::with(&world, hurried()).await;
    for guess in 0..10 {
        assert_eq!(
            with(&serving, &format!("Bearer {guess}")).await,
            401,
            "{guess}"
        );
    }
    let wrong = serving.browser().saying("Authorization", "Bearer 11");
    let answer = wrong.get(PAGE).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("connection"), Some("close"));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    // Guessing on does not make it longer.
    for _ in 0..100 {
        wrong.get(PAGE).await;
    }
    let answer = wrong.get(PAGE).await;
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    assert_eq!(wrong.from("127.0.0.2").get(PAGE).await.status, 401);
    // Who shows nothing is told what to show.
    assert_eq!(serving.browser().get(PAGE).await.status, 401);
    serving.end().await;
}

#[tokio::test]
async fn a_right_secret_is_let_in_however_many_wrong_ones_came_from_its_address() {
    let world = world(&format!(
        "[serve]\ntoken = \"{TOKEN}\"\npassword = \"{PASSWORD}\""
    ))
    .await;
    let serving = Serving::with(&world, hurried()).await;
    for guess in 0..200 {
        let wrong = with(&serving, &format!("Bearer {guess}")).await;
        assert_eq!(wrong, if guess < 10 { 401 } else { 429 }, "{guess}");
        let right = match guess % 2 {
            0 => format!("Bearer {TOKEN}"),
            _ => basic("admin", PASSWORD),
        };
        assert_eq!(with(&serving, &right).await, 200, "{guess}");
    }
    serving.end().await;
}

const GUESS: &[u8] =
    b"GET /sys/metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guessed\r\n\r\n";

#[tokio::test]
async fn wrong_guesses_are_counted_although_their_clients_hang_up_at_once() {
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let serving = Serving::with(&world, hurried()).await;
    for _ in 0..10 {
        let mut stream = serving.browser().open().await;
        stream.write_all(GUESS).await.unwrap();
    }
    let mut waited = Vec::new();
    for _ in 0..5 {
        waited.push(with(&serving, "Bearer guessed").await);
    }
    assert_eq!(waited, [429; 5], "{waited:?}");
    assert_eq!(with(&serving, &format!("Bearer {TOKEN}")).await, 200);
    serving.end().await;
}

#[tokio::test]
async fn one_wrong_guess_too_many_is_answered_late_and_delays_nobody_else() {
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let never = Duration::from_secs(3600);
    let late = Limits {
        too_many_guesses: never,
        ..Limits::default()
    };
    let serving = Serving::with(&world, late).await;
    for guess in 0..10 {
        assert_eq!(with(&serving, &format!("Bearer {guess}")).await, 401);
    }
    // More than there may be connections, each waiting for its answer.
    let mut waiting = Vec::new();
    for _ in 0..300 {
        let mut stream = serving.browser().open().await;
        stream.write_all(GUESS).await.unwrap();
        waiting.push(stream);
    }
    assert_eq!(with(&serving, &format!("Bearer {TOKEN}")).await, 200);
    let mut byte = [0];
    let last = waiting.last_mut().unwrap().try_read(&mut byte);
    let last = last.unwrap_err().kind();
    assert_eq!(last, std::io::ErrorKind::WouldBlock, "it was answered");
    drop(waiting);
    serving.end().await;
}

#[tokio::test]
async fn a_proxy_says_who_somebody_is_and_nobody_passes_by_it() {
    let more = "[serve]\nproxy_header = \"X-Forwarded-User\"\nproxies = [\"127.0.0.2\"]";
    let world = world(more).await;
    let serving = Serving::of(&world).await;
    let proxy = serving.browser().from("127.0.0.2");
    let named = proxy.clone().saying("x-forwarded-user", "ada");
    assert_eq!(named.get(PAGE).await.status, 200);
    assert_eq!(proxy.get(PAGE).await.status, 403);
    assert_eq!(
        proxy
            .clone()
            .saying("X-Forwarded-User", " ")
            .get(PAGE)
            .await
            .status,
        403
    );
    let twice = named.clone().saying("X-Forwarded-User", "root");
    assert_eq!(twice.get(PAGE).await.status, 403);
    let forged = serving.browser().saying("X-Forwarded-User", "ada");
    assert_eq!(forged.get(PAGE).await.status, 403);
    let rebound = named.clone().saying("Host", "example.org");
    assert_eq!(rebound.get(PAGE).await.status, 421);
    serving.end().await;
}

#[tokio::test]
async fn beside_a_proxy_a_token_lets_machines_in() {
    let more = format!(
        "[serve]\nproxy_header = \"X-Forwarded-User\"\nproxies = [\"127.0.0.2\"]\ntoken = \"{TOKEN}\""
    );
    let world = world(&more).await;
    let serving = Serving::of(&world).await;
    assert_eq!(with(&serving, &format!("Bearer {TOKEN}")).await, 200);
    assert_eq!(serving.browser().get(PAGE).await.status, 401);
    let forged = serving.browser().saying("X-Forwarded-User", "ada");
    assert_eq!(forged.get(PAGE).await.status, 401);
    // What a browser told the proxy is the proxy's business.
    let named = serving
        .browser()
        .from("127.0.0.2")
        .saying("X-Forwarded-User", "ada");
    let named = named.saying("Authorization", &basic("ada", "known to the proxy"));
    for _ in 0..20 {
        assert_eq!(named.get(PAGE).await.status, 200);
    }
    serving.end().await;
}

#[tokio::test]
async fn an_address_that_others_reach_is_not_served_openly() {
    let world = world("").await;
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let ended = world.command(&["serve", "--listen", listen]).await;
        let error = ended.unwrap_err();
        assert_eq!(error.exit_code(), 78, "{listen}: {error}");
        for said in ["DAYBOOK_SERVE_TOKEN_FILE", "--behind-proxy", "127.0.0.1"] {
            assert!(error.to_string().contains(said), "{listen}: {error}");
        }
    }
    for wrong in [
        ["--listen", "nowhere"],
        ["--behind-proxy", "X Forwarded: User"],
    ] {
        let ended = world.command(&["serve", wrong[0], wrong[1]]).await;
        assert_eq!(ended.unwrap_err().exit_code(), 2, "{wrong:?}");
    }
}
