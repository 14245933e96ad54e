//! Who may send and who may look, and for whom.

use daybook::web::Limits;
use serde_json::json;

use super::{Intake, JSON, checkout, json, noon, shop};
use crate::world::World;

const TOKENS: &str = r#"
presets = ["hosts"]
[live.tokens.shop]
token = "the token of the shop"
[live.tokens.reader]
token = "the token of a reader"
may = "read"
[live.tokens.chief]
token = "the token of the chief"
may = "admin"
[live.tokens.acme]
token = "the token of acme itself"
may = "admin"
organisation = "acme"
[live.tokens.other]
token = "the token of the others"
may = "admin"
organisation = "umbrella"
"#;

/// Wrong guesses are answered at once, so that a test may make many.
async fn guarded(world: &World) -> Intake {
    Intake::with(world.config(), crate::serving::hurried(), noon).await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn host(name: &str, organisation: Option<&str>) -> String {
    let mut labels = json!({ "host": name });
    if let Some(organisation) = organisation {
        labels["organisation"] = json!(organisation);
    }
    json!({"kind": "host", "labels": labels, "values": {"cpu": 1.5}}).to_string()
}

#[tokio::test]
async fn each_token_may_do_what_it_is_for() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    for (token, may_write, may_read) in [
        ("the token of the shop", true, false),
        ("the token of a reader", false, true),
        ("the token of the chief", true, true),
    ] {
        let browser = intake.browser().saying("Authorization", &bearer(token));
        let wrote = browser.post("/api/events", JSON, checkout(1)).await.status;
        assert_eq!(wrote, if may_write { 200 } else { 403 }, "{token}");
        let read = browser.get("/api/spans").await.status;
        assert_eq!(read, if may_read { 200 } else { 403 }, "{token}");
    }
    assert_eq!(intake.end().await.points("checkout").await.len(), 2);
}

#[tokio::test]
async fn without_the_right_token_nothing_is_taken_and_guessing_ends_soon() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let none = intake.post("/api/events", &checkout(1)).await;
    assert_eq!(none.status, 401);
    assert!(
        none.headers
            .iter()
            .any(|(name, value)| name == "www-authenticate" && value.starts_with("Bearer"))
    );
    assert_eq!(
        json(&none)["error"],
        "no token of this server came along: send `Authorization: Bearer TOKEN`"
    );
    let wrong = intake
        .browser()
        .saying("Authorization", "Bearer the token of the shap");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let answer = wrong.post("/api/events", JSON, checkout(1)).await;
        statuses.push((answer.status, answer.header("retry-after").is_some()));
    }
    assert_eq!(statuses[..10], [(401, false); 10]);
    assert_eq!(statuses[10..], [(429, true); 2]);
    // Whoever knows it is not locked out.
    let right = intake
        .browser()
        .saying("Authorization", &bearer("the token of the shop"));
    assert_eq!(
        right.post("/api/events", JSON, checkout(1)).await.status,
        200
    );
    assert_eq!(intake.end().await.points("checkout").await.len(), 1);
}

#[tokio::test]
async fn without_tokens_whoever_has_the_dashboard_may_send() {
    let world = shop("[serve]\npassword = \"a long password\"");
    let intake = Intake::of(&world).await;
    assert_eq!(intake.post("/api/events", &checkout(1)).await.status, 401);
    let signed = intake
        .browser()
        .saying("Authorization", "Basic YWRtaW46YSBsb25nIHBhc3N3b3Jk");
    assert_eq!(
        signed.post("/api/events", JSON, checkout(1)).await.status,
        200
    );
    intake.end().await;
    // On this machine and without a password: a request that names this host, so that no foreign page makes a browser send.
    let world = shop("");
    let intake = Intake::of(&world).await;
    let foreign = format!(
        "POST /api/events HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Type: {JSON}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(intake.browser().send(foreign.as_bytes()).await.status, 421);
    intake.end().await;
}

#[tokio::test]
async fn a_token_of_an_organisation_speaks_for_no_other() {
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let acme = intake
        .browser()
        .saying("Authorization", &bearer("the token of acme itself"));
    let own = acme.post("/api/events", JSON, host("web-1", None)).await;
    assert_eq!(own.status, 200);
    let named = acme
        .post("/api/events", JSON, host("web-2", Some("acme")))
        .await;
    assert_eq!(named.status, 200);
    let foreign = acme
        .post("/api/events", JSON, host("web-3", Some("umbrella")))
        .await;
    assert_eq!(foreign.status, 400);
    assert_eq!(
        json(&foreign)["rejected"][0],
        json!({"line": 1, "field": "labels.organisation", "error": "this token speaks for `acme` only"})
    );
    let unlabelled = acme.post("/api/events", JSON, checkout(1)).await;
    assert_eq!(
        json(&unlabelled)["rejected"][0]["error"],
        "this token speaks for `acme` only, and `checkout` has no such label"
    );
    // Another's ids and keys are not known here.
    let sample =
        r#"{"kind": "host", "id": "1", "labels": {"host": "web-4"}, "values": {"cpu": 2}}"#;
    let other = intake
        .browser()
        .saying("Authorization", &bearer("the token of the others"));
    for browser in [&acme, &other] {
        let keyed = browser.clone().saying("Idempotency-Key", "1");
        let answer = json(&keyed.post("/api/events", JSON, sample).await);
        assert_eq!(
            (answer.get("known"), &answer["duplicate"]),
            (None, &json!(false))
        );
    }
    let points = intake.end().await.points("host").await;
    let mut organisations: Vec<&str> = points
        .iter()
        .map(|point| point["labels"]["organisation"].as_str().unwrap())
        .collect();
    organisations.sort_unstable();
    assert_eq!(organisations, ["acme", "acme", "acme", "umbrella"]);
}

#[tokio::test]
async fn spans_of_another_organisation_are_neither_seen_nor_ended() {
    let kind = "presets = [\"hosts\"]\n[live.kinds.job]\nshape = \"span\"\nlabels = { organisation = { required = true } }\n";
    let tokens = TOKENS.replace("presets = [\"hosts\"]\n", "");
    let world = shop(&format!("{kind}{tokens}"));
    let intake = Intake::with(world.config(), Limits::default(), noon).await;
    let acme = intake
        .browser()
        .saying("Authorization", &bearer("the token of acme itself"));
    let other = intake
        .browser()
        .saying("Authorization", &bearer("the token of the others"));
    let job = r#"{"kind": "job", "id": "j"}"#;
    assert_eq!(acme.post("/api/spans", JSON, job).await.status, 201);
    assert_eq!(other.post("/api/spans/j/end", JSON, "").await.status, 404);
    assert_eq!(json(&other.get("/api/spans").await)["open"], 0);
    assert_eq!(json(&acme.get("/api/spans").await)["open"], 1);
    // Both may use the same id.
    assert_eq!(other.post("/api/spans", JSON, job).await.status, 201);
    // Nor does a span end as another's.
    let foreign = r#"{"labels": {"organisation": "umbrella"}}"#;
    assert_eq!(
        acme.post("/api/spans/j/end", JSON, foreign).await.status,
        400
    );
    for browser in [&acme, &other] {
        assert_eq!(browser.post("/api/spans/j/end", JSON, "").await.status, 200);
    }
    assert_eq!(intake.end().await.points("job").await.len(), 2);
}

#[test]
fn a_token_is_declared_with_a_secret_of_its_own() {
    let check = |tokens: &str| {
        let world = shop("");
        let settings = world.path("daybook.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, format!("{text}\n{tokens}")).unwrap();
        let ended = world.binary(&["config", "check"]);
        (
            ended.status.code(),
            String::from_utf8(ended.stderr).unwrap(),
        )
    };
    for (tokens, error) in [
        (
            "[live.tokens.a]\nmay = \"write\"",
            "this token has no secret: set `token_file`, or DAYBOOK_LIVE_TOKEN_A",
        ),
        (
            "[live.tokens.a]\ntoken = \"short\"",
            "shorter than 12 characters",
        ),
        (
            "[live.tokens.a]\ntoken = \"long enough it is\"\nmay = \"all\"",
            "`all` is none of `write`, `read` and `admin`",
        ),
        (
            "[live.tokens.A-b]\ntoken = \"long enough it is\"",
            "cannot name a token",
        ),
        (
            "[live.tokens.a]\ntoken = \"long enough it is\"\n[live.tokens.b]\ntoken = \"long enough it is\"",
            "it has the same secret as `a`",
        ),
    ] {
        let (code, said) = check(tokens);
        assert_eq!(code, Some(78), "{tokens}: {said}");
        assert!(said.contains(error), "{tokens}: {said}");
        assert!(
            !said.contains("long enough it is\"") || said.contains('^'),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_token_comes_from_a_file_or_the_environment() {
    let mut world = shop("[live.tokens.shop]\ntoken_file = \"shop.token\"\n[live.tokens.till]");
    world.write("shop.token", "the token of the shop\n");
    world.set("DAYBOOK_LIVE_TOKEN_TILL", "the token of the till");
    let intake = Intake::of(&world).await;
    for token in ["the token of the shop", "the token of the till"] {
        let browser = intake.browser().saying("Authorization", &bearer(token));
        assert_eq!(
            browser.post("/api/events", JSON, checkout(1)).await.status,
            200
        );
    }
    intake.end().await;
    let shown = world.binary(&["config", "show"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("shop, till"), "{shown}");
    assert!(!shown.contains("the token of"), "{shown}");
}

#[test]
fn what_is_open_to_others_needs_access_control_before_it_begins() {
    let world: World = shop("");
    let ended = world.binary(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(ended.status.code(), Some(78));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    for (origin, status) in [
        ("http://evil.example", 421),
        ("null", 421),
        ("http://localhost:8321", 201),
    ] {
        // Without a body, a browser asks nobody before it sends this.
        let browser = intake.browser().saying("Origin", origin);
        assert_eq!(
            browser.ask("POST", "/api/sessions").await.status,
            status,
            "{origin}"
        );
    }
    assert_eq!(intake.end().await.points("session").await.len(), 1);
}

#[tokio::test]
async fn a_browser_gets_no_events_for_a_page_of_another_site_or_port() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    for (site, status) in [
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
        ("none", 200),
    ] {
        let browser = intake.browser().saying("Sec-Fetch-Site", site);
        for address in ["/api/live/checkout/summary", "/api/spans"] {
            let answer = browser.get(address).await;
            assert_eq!(answer.status, status, "{site} {address}");
        }
        // Links to pages still work.
        let page = browser.saying("Sec-Fetch-Mode", "navigate");
        assert_eq!(page.get("/sys/metrics/live").await.status, 200, "{site}");
    }
    let browser = intake.browser().saying("Sec-Fetch-Site", "cross-site");
    let stream = browser.get("/api/events/stream").await;
    assert_eq!(
        (stream.status, json(&stream)["error"].as_str()),
        (
            403,
            Some("a page of another site, or of another port, asks")
        )
    );
    intake.end().await;
    // What has a token is no page that was sent by chance.
    let world = shop(TOKENS);
    let intake = guarded(&world).await;
    let browser = intake
        .browser()
        .saying("Authorization", &bearer("the token of a reader"))
        .saying("Sec-Fetch-Site", "cross-site");
    assert_eq!(browser.get("/api/spans").await.status, 200);
    intake.end().await;
}
