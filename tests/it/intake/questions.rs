//! Questions over HTTP: answered as the document says, for whom they are meant, and refused where they are not understood.

use daybook::web::Limits;
use serde_json::{Value as Json, json};

use super::described::promised;
use super::{Intake, JSON, json as parsed, noon, shop};
use crate::world::World;

/// Six checkouts, one of which failed, and a session of the bot's.
async fn asked(world: &World) -> Intake {
    let intake = Intake::of(world).await;
    let checkout = |order: i64, shop: &str, duration: i64, ok: bool| {
        json!({
            "kind": "checkout", "at": format!("2026-11-20T10:{:02}:00Z", 10 + order), "ok": ok,
            "labels": { "shop": shop, "order": order.to_string() }, "values": { "duration": duration },
        })
    };
    let events = json!([
        checkout(1, "zh", 100, true),
        checkout(2, "zh", 200, true),
        checkout(3, "be", 300, false),
        checkout(4, "zh", 400, true),
        checkout(5, "be", 500, true),
        checkout(6, "zh", 600, true),
    ]);
    assert_eq!(
        intake.post("/api/events", &events.to_string()).await.status,
        200
    );
    intake
}

async fn answer(intake: &Intake, address: &str) -> Json {
    let answer = intake.get(address).await;
    assert_eq!(answer.status, 200, "{address}: {}", answer.body);
    let document = parsed(&intake.get("/api/openapi.json").await);
    promised(&document, "/api/live/{kind}/{question}", "get", &answer);
    parsed(&answer)
}

#[tokio::test]
async fn each_question_is_answered_as_the_document_says() {
    let world = shop("");
    let intake = asked(&world).await;
    let ask =
        async |question: &str| answer(&intake, &format!("/api/live/checkout/{question}")).await;
    let orders = |answer: &Json| -> Vec<String> {
        let points = answer["points"].as_array().unwrap().iter();
        points
            .map(|point| point["labels"]["order"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = ask("points?limit=2&label.shop=zh").await;
    assert_eq!(orders(&page), ["6", "4"]);
    let next = page["next"].as_str().unwrap();
    let page = ask(&format!("points?limit=2&label.shop=zh&after={next}")).await;
    assert_eq!(
        (orders(&page), &page["next"]),
        (vec!["2".to_owned(), "1".to_owned()], &Json::Null)
    );
    assert_eq!(orders(&ask("range?ok=true&limit=2").await), ["1", "2"]);
    assert_eq!(orders(&ask("latest").await), ["5", "6"]);
    assert_eq!(orders(&ask("slowest?limit=2").await), ["6", "5"]);
    assert_eq!(ask("percentile?percentile=50").await["value"], json!(300));
    assert_eq!(ask("average?label.shop=be").await["value"], json!(400));
    assert_eq!(ask("summary").await["success_pct"], json!(83.33));
    assert_eq!(ask("summary?last=45m").await["count"], json!(2));
    let rows =
        &ask("aggregate?every=hour&by=shop&figure=count&figure=p95+of+duration").await["rows"];
    assert_eq!(
        *rows,
        json!([
            { "start": "2026-11-20T11:00:00+01:00", "labels": { "shop": "be" }, "count": 2, "p95 of duration": 500 },
            { "start": "2026-11-20T11:00:00+01:00", "labels": { "shop": "zh" }, "count": 4, "p95 of duration": 600 },
        ])
    );
    let top = ask("top?by=shop&figure=count&order=desc&limit=1").await;
    assert_eq!(
        (&top["rows"][0]["labels"], &top["groups"]),
        (&json!({ "shop": "zh" }), &json!(2))
    );
    let compared = ask("compare?from=2026-11-20T10:14:00Z&to=2026-11-20T10:17:00Z").await;
    assert_eq!(
        compared["changes"]["count"],
        json!({ "change": 0.0, "percent": 0.0 })
    );
    assert_eq!(
        ask("peaks").await["busiest"],
        json!({ "start": "2026-11-20T11:00:00+01:00", "count": 6 })
    );
    intake.end().await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_named() {
    let world = shop("presets = [\"hosts\"]");
    let intake = asked(&world).await;
    for (address, status, field, error) in [
        (
            "checkut/summary",
            404,
            None,
            "no kind `checkut`; did you mean `checkout`?",
        ),
        (
            "checkout/sumary",
            404,
            None,
            "no question `sumary`; did you mean `summary`?",
        ),
        (
            "checkout/summary?evry=hour",
            400,
            Some("evry"),
            "`summary` takes no such parameter",
        ),
        (
            "checkout/summary?every=hour",
            400,
            Some("every"),
            "`summary` takes no such parameter",
        ),
        (
            "checkout/aggregate?every=fortnight",
            400,
            Some("every"),
            "`fortnight` is none of minute, hour, day, week, month",
        ),
        (
            "checkout/aggregate?figure=percentile",
            400,
            Some("figure"),
            "`percentile`",
        ),
        (
            "checkout/aggregate?figure=sum+of+price",
            400,
            Some("figure"),
            "`checkout` has no value `price`",
        ),
        (
            "checkout/aggregate?by=(select+1)",
            400,
            Some("by"),
            "`checkout` has no label `(select 1)`",
        ),
        (
            "checkout/percentile?percentile=100",
            400,
            Some("percentile"),
            "`100` is not from 1 to below 100",
        ),
        (
            "checkout/percentile?percentile=-2",
            400,
            Some("percentile"),
            "`-2` is not from 1 to below 100",
        ),
        (
            "checkout/points?limit=-1",
            400,
            Some("limit"),
            "`-1` is not a number from 1 to 10000",
        ),
        (
            "checkout/points?after=x",
            400,
            Some("after"),
            "this is not the `next` of an answer",
        ),
        (
            "checkout/summary?label.shp=zh",
            400,
            Some("label.shp"),
            "`checkout` has no label `shp`",
        ),
        (
            "checkout/summary?label.shop=ge",
            400,
            Some("label.shop"),
            "`shop` is never `ge`",
        ),
        (
            "checkout/summary?from=noon",
            400,
            Some("from"),
            "`noon` is not a moment",
        ),
        (
            "checkout/summary?from=2026-11-21&to=2026-11-20",
            400,
            Some("from"),
            "the time ends before it begins",
        ),
        (
            "checkout/summary?last=1h&last=2h",
            400,
            Some("last"),
            "given twice",
        ),
        ("checkout/compare", 400, None, "say from when on"),
        (
            "host/summary?ok=true",
            400,
            Some("ok"),
            "only spans succeed or fail",
        ),
        ("host/average", 400, Some("value"), "say which: "),
    ] {
        let answer = intake.get(&format!("/api/live/{address}")).await;
        let body = parsed(&answer);
        assert_eq!(
            (answer.status, body["field"].as_str()),
            (status, field),
            "{address}: {body}"
        );
        assert!(
            body["error"].as_str().unwrap().contains(error),
            "{address}: {body}"
        );
    }
    intake.end().await;
}

#[tokio::test]
async fn a_parameter_that_a_route_does_not_know_is_named_and_never_passed_over() {
    let world = shop("presets = [\"bot\"]");
    let intake = asked(&world).await;
    for (address, field, error) in [
        ("/api/spans?limt=1", "limt", "expected `limit`"),
        (
            "/api/sessions?hour=1",
            "hour",
            "expected `limit` or `hours`",
        ),
        ("/api/bot/dashboard?hour=1", "hour", "expected `hours`"),
        (
            "/api/bot/dashboard?hours=1&last=1h",
            "last",
            "expected `hours`",
        ),
    ] {
        let answer = intake.get(address).await;
        assert_eq!(
            (answer.status, parsed(&answer)),
            (400, json!({ "error": error, "field": field })),
            "{address}"
        );
    }
    let answer = intake.post("/api/events?formt=bot", "[]").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    intake.end().await;
}

#[tokio::test]
async fn a_panel_with_more_metrics_than_anybody_looks_at_is_refused() {
    let world = shop("");
    let intake = asked(&world).await;
    let panel = |targets| {
        json!({
            "range": { "from": "2026-11-20T10:00:00Z", "to": "2026-11-20T11:00:00Z" },
            "targets": vec![json!({ "target": "checkout" }); targets],
        })
    };
    let answer = intake
        .post("/api/grafana/query", &panel(100).to_string())
        .await;
    assert_eq!(parsed(&answer).as_array().unwrap().len(), 100);
    let answer = intake
        .post("/api/grafana/query", &panel(101).to_string())
        .await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("more than 100"), "{}", answer.body);
    intake.end().await;
}

#[tokio::test]
async fn texts_that_were_too_many_are_found_as_other() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let sent = |number| json!({ "kind": "checkout", "labels": { "shop": "zh", "till": format!("till {number}") } });
    let batch: Vec<_> = (0..54).map(sent).collect();
    intake.post("/api/events", &json!(batch).to_string()).await;
    let answer = intake
        .get("/api/live/checkout/summary?label.till=other")
        .await;
    assert_eq!(parsed(&answer)["count"], 4, "{}", answer.body);
    intake.end().await;
}

#[tokio::test]
async fn a_comparison_with_the_year_1_reads_what_there_is() {
    let world = shop("");
    let intake = asked(&world).await;
    let address = "/api/live/checkout/compare?from=0001-01-01&to=9999-12-31";
    let answer = parsed(&intake.get(address).await);
    assert_eq!(answer["current"]["count"], 6, "{answer}");
    assert_eq!(answer["before"]["count"], 0, "{answer}");
    intake.end().await;
}

#[tokio::test]
async fn a_token_sees_what_it_is_for() {
    let tokens = r#"
presets = ["hosts"]
[live.tokens.shop]
token = "the token of the shop"
[live.tokens.acme]
token = "the token of acme itself"
may = "admin"
organisation = "acme"
[live.tokens.umbrella]
token = "the token of the others"
may = "admin"
organisation = "umbrella"
"#;
    let world = shop(tokens);
    let intake = Intake::with(world.config(), crate::serving::hurried(), noon).await;
    let browser = |token: &str| {
        intake
            .browser()
            .saying("Authorization", &format!("Bearer {token}"))
    };
    let host = |cpu: f64| {
        json!({"kind": "host", "labels": {"host": "a"}, "values": {"cpu": cpu}}).to_string()
    };
    let (acme, umbrella) = (
        browser("the token of acme itself"),
        browser("the token of the others"),
    );
    acme.post("/api/events", JSON, host(10.0)).await;
    umbrella.post("/api/events", JSON, host(90.0)).await;
    let average = "/api/live/host/average?value=cpu";
    assert_eq!(parsed(&acme.get(average).await)["value"], json!(10));
    assert_eq!(parsed(&umbrella.get(average).await)["value"], json!(90));
    let others = acme
        .get(&format!("{average}&label.organisation=umbrella"))
        .await;
    assert_eq!(others.status, 403);
    assert_eq!(acme.get("/api/live/checkout/summary").await.status, 403);
    assert_eq!(
        browser("the token of the shop").get(average).await.status,
        403
    );
    assert_eq!(intake.browser().get(average).await.status, 401);
    let seen = parsed(&acme.get("/api/live").await);
    assert_eq!(
        (
            seen["kinds"].as_array().unwrap().len(),
            &seen["kinds"][0]["kind"]
        ),
        (1, &json!("host"))
    );
    intake.end().await;
}

#[tokio::test]
async fn a_server_that_takes_no_events_answers_questions() {
    let world = shop("");
    let intake = asked(&world).await;
    let kept = intake.end().await;
    drop(kept);
    let mut config = world.config();
    config.live.as_mut().unwrap().accepts = false;
    let server = Intake::with(config, Limits::default(), noon).await;
    let answer = server.get("/api/live/checkout/summary").await;
    assert_eq!(parsed(&answer)["count"], json!(6));
    assert_eq!(server.post("/api/events", "[]").await.status, 404);
    server.end().await;
}

#[tokio::test]
async fn a_session_is_told_in_order_whatever_its_events_are() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let at = |second: i64| format!("2026-11-20T10:00:{second:02}Z");
    let events = json!([
        {"kind": "stage", "at": at(3), "ok": true, "labels": {"stage": "ai_processing", "session_id": "s1"}, "values": {"duration": 900}},
        {"kind": "session", "at": at(1), "labels": {"session_id": "s1"}},
        {"kind": "correction", "at": at(4), "labels": {"session_id": "s1", "correction_type": "rejection", "admin_user_id": "9"}},
        {"kind": "stage", "at": at(2), "ok": true, "labels": {"stage": "query_received", "session_id": "s1"}, "values": {"duration": 5}},
        {"kind": "stage", "at": at(2), "ok": true, "labels": {"stage": "query_received", "session_id": "s2"}, "values": {"duration": 5}},
    ]);
    intake.post("/api/events", &events.to_string()).await;
    let answer = intake.get("/api/sessions/s1").await;
    let document = parsed(&intake.get("/api/openapi.json").await);
    promised(&document, "/api/sessions/{id}", "get", &answer);
    let told = parsed(&answer);
    let kinds: Vec<&str> = told["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["session", "stage", "stage", "correction"]);
    assert_eq!(intake.get("/api/sessions/s3").await.status, 404);
    intake.end().await;
}

#[tokio::test]
async fn the_bots_dashboard_has_its_keys_and_none_of_its_mistakes() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    let mut events = Vec::new();
    // 20 requests of four stages each, half of them corrected.
    for request in 0..20 {
        for (stage, duration) in [
            ("query_received", 50),
            ("ai_processing", 12_000),
            ("final_response", 10),
            ("user_delivery", 40),
        ] {
            let ok = stage != "user_delivery" || request != 0;
            events.push(json!({"kind": "stage", "ok": ok, "values": {"duration": duration, "tokens_used": 10},
                "labels": {"stage": stage, "session_id": format!("s{request}"), "user_id": (request % 2).to_string()}}));
        }
    }
    for correction in 0..10 {
        // One without a processing time does not hide the others.
        let values = match correction {
            0 => json!({"original_length": 10, "corrected_length": 30}),
            _ => {
                json!({"original_length": 10, "corrected_length": 20, "processing_time_ms": 4500, "admin_satisfaction": 4})
            }
        };
        events.push(json!({"kind": "correction", "values": values,
            "labels": {"correction_type": "text_correction", "admin_user_id": "99999", "session_id": format!("s{correction}")}}));
    }
    for (reason, length) in [
        ("length_check", 5),
        ("length_check", 9),
        ("work_validation", 49),
        ("relevance_check", 250),
        ("none", 60),
    ] {
        events.push(
            json!({"kind": "filter", "values": {"message_length": length, "processing_time_ms": 2},
            "labels": {"reason": reason, "session_id": "s1"}}),
        );
    }
    let recorded = intake.post("/api/events", &json!(events).to_string()).await;
    assert_eq!(parsed(&recorded)["accepted"], json!(95));
    let answer = intake.get("/api/bot/dashboard?hours=24").await;
    let document = parsed(&intake.get("/api/openapi.json").await);
    promised(&document, "/api/bot/dashboard", "get", &answer);
    let dashboard = parsed(&answer);
    assert_eq!(
        dashboard["overview"],
        json!({
            "total_requests": 20,
            "avg_total_processing_time_ms": 12_100.0,
            "overall_success_rate": 98.75,
            "total_corrections": 10,
            "total_messages_filtered": 5,
            "filtering_pass_rate": 20.0,
            "filtering_rejection_rate": 80.0,
            "stage_rows": 80,
            "correction_rate": 50.0,
        })
    );
    assert_eq!(
        dashboard["processing_by_stage"]["ai_processing"],
        json!({
            "avg_duration_ms": 12_000, "min_duration_ms": 12_000, "max_duration_ms": 12_000, "p95_duration_ms": 12_000,
            "total_count": 20, "success_rate": 100, "tokens_used": 200,
        })
    );
    assert_eq!(
        dashboard["users"]["1"],
        json!({"total_count": 40, "avg_duration_ms": 3025, "success_rate": 100, "tokens_used": 400})
    );
    assert_eq!(
        dashboard["corrections"],
        json!({
            "by_type": {"text_correction": {"total_count": 10, "avg_processing_time_ms": 4500, "avg_satisfaction": 4, "avg_length_change": 11}},
            "by_admin": {"99999": {"total_corrections": 10, "avg_processing_time_ms": 4500, "avg_satisfaction": 4}},
        })
    );
    assert_eq!(
        dashboard["filtering"]["summary"],
        json!({"total_messages": 5, "total_rejected": 4, "total_passed": 1, "pass_rate": 20.0, "rejection_rate": 80.0})
    );
    assert_eq!(
        dashboard["filtering"]["rejected_by_length"],
        json!({"very_short": 2, "short": 1, "medium": 0, "long": 1})
    );
    let alerts = dashboard["performance_alerts"].as_array().unwrap().iter();
    let alerts: Vec<(&str, &str)> = alerts
        .map(|alert| {
            (
                alert["type"].as_str().unwrap(),
                alert["severity"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        alerts,
        [
            ("slow_processing", "warning"),
            ("high_correction_rate", "warning"),
            ("high_filtering_rejection_rate", "error")
        ]
    );
    let nothing = parsed(&intake.get("/api/bot/dashboard?hours=0").await);
    assert_eq!(
        nothing["overview"]["total_requests"],
        json!(20),
        "events of this very moment"
    );
    // A reason that is not known is refused, and so is a satisfaction of 99.
    let unknown = json!([{"kind": "filter", "labels": {"reason": "spam", "session_id": "s"}, "values": {"message_length": 1}},
        {"kind": "correction", "labels": {"correction_type": "rejection", "admin_user_id": "1", "session_id": "s"}, "values": {"admin_satisfaction": 99}}]);
    assert_eq!(
        intake
            .post("/api/events", &unknown.to_string())
            .await
            .status,
        400
    );
    intake.end().await;
}

#[tokio::test]
async fn before_the_first_night_pages_lead_to_the_live_page_and_metrics_have_live_series() {
    let world = shop("");
    let intake = asked(&world).await;
    for address in ["/sys/metrics", "/sys/metrics/alerts", "/sys/metrics/runs"] {
        let page = intake.get(address).await;
        assert_eq!(page.status, 200, "{address}");
        assert!(
            page.body
                .contains("<a class=\"button\" href=\"/sys/metrics/live\">"),
            "{address}"
        );
    }
    let series = intake.get("/metrics").await;
    assert_eq!(series.status, 200);
    for line in [
        "daybook_live_events_last_hour{kind=\"checkout\"} 6",
        "daybook_live_events_accepted_total 6",
    ] {
        let mut lines = series.body.lines();
        assert!(lines.any(|known| known == line), "{line}: {}", series.body);
    }
    intake.end().await;
}

#[tokio::test]
async fn a_server_of_the_book_that_cannot_be_reached_is_no_first_night() {
    let book = "[book]\ndatabase_url = \"postgres://nobody@127.0.0.1:1/nothing?sslmode=disable\"";
    let world = shop(book);
    let intake = Intake::of(&world).await;
    for address in ["/sys/metrics", "/metrics"] {
        assert_eq!(intake.get(address).await.status, 503, "{address}");
    }
    assert_eq!(intake.get("/sys/metrics/live").await.status, 200);
    intake.end().await;
}

#[tokio::test]
async fn the_page_of_what_happens_now_needs_no_script_and_shows_what_came() {
    let world = shop("");
    let intake = asked(&world).await;
    let page = intake.get("/sys/metrics/live").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("<noscript><meta http-equiv=\"refresh\" content=\"5\" /></noscript>")
    );
    assert!(page.body.contains(" data-refresh=\"5\">"));
    assert!(!page.body.contains("Incomplete"));
    assert!(!page.body.contains("{label}"), "{}", page.body);
    for text in [
        "<h2 id=\"checkout\">checkout</h2>",
        "1 · 16.7",
        "No active alerts.",
        "<th scope=\"row\">zh</th>",
        "<h3>Means by shop, last hour</h3>",
        "<th scope=\"row\">Since 13:00 yesterday</th>",
        // Of the hour from the points, of the day from sketches.
        "data-name=\"p99\">600\u{a0}ms</td>",
        "data-name=\"p99\">≈\u{a0}600\u{a0}ms</td>",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    intake.end().await;
}

#[tokio::test]
async fn the_page_says_of_how_many_events_with_an_outcome_some_failed() {
    let world = shop("");
    let intake = asked(&world).await;
    let open = json!({"kind": "checkout", "labels": {"shop": "zh"}, "values": {"duration": 100}});
    intake.post("/api/events", &open.to_string()).await;
    let page = intake.get("/sys/metrics/live").await.body;
    assert!(page.contains(">1 of 6 · 16.7\u{a0}%</td>"), "{page}");
    intake.end().await;
}

#[tokio::test]
async fn of_samples_of_different_things_there_are_numbers_by_group_and_none_of_all() {
    let world = shop(
        "[live.kinds.gauge]\nshape = \"sample\"\nlabels = { what = { most = 9 } }\nvalues = { value = {} }\nby = [[\"what\"]]
[live.kinds.heat]\nshape = \"sample\"\nvalues = { degrees = { unit = \"°C\" } }",
    );
    let intake = Intake::of(&world).await;
    let gauge = |what: &str, value: i64| json!({"kind": "gauge", "labels": {"what": what}, "values": {"value": value}});
    let heat = json!({"kind": "heat", "values": {"degrees": 20.5}});
    let events = json!([gauge("memory", 44_072_960), gauge("cpu", 12), heat]);
    intake.post("/api/events", &events.to_string()).await;
    let page = intake.get("/sys/metrics/live").await.body;
    let card = page
        .split("<section")
        .find(|card| card.contains("id=\"gauge\""));
    let card = card.unwrap();
    assert!(!card.contains("p95"), "{card}");
    for text in [">44'072'960</td>", ">12</td>"] {
        assert!(card.contains(text), "{text}: {card}");
    }
    assert!(page.contains(">20.5\u{a0}°C</td>"), "{page}");
    let series = intake.get("/metrics").await.body;
    let percentiles = series
        .lines()
        .filter(|line| line.starts_with("daybook_live_value_last_hour{"));
    let percentiles: Vec<&str> = percentiles.collect();
    assert_eq!(percentiles.len(), 3, "{percentiles:?}");
    assert!(
        percentiles
            .iter()
            .all(|line| line.contains("kind=\"heat\""))
    );
    intake.end().await;
}

#[tokio::test]
async fn texts_of_events_are_texts_on_the_page() {
    let world = shop(
        "[live.kinds.visit]\nshape = \"event\"\nlabels = { page = { most = 9 } }\nby = [[\"page\"]]",
    );
    let intake = Intake::of(&world).await;
    let event = json!({"kind": "visit", "labels": {"page": "<script>alert(1)</script>"}});
    intake.post("/api/events", &event.to_string()).await;
    let page = intake.get("/sys/metrics/live").await.body;
    assert!(
        page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"),
        "{page}"
    );
    assert!(!page.contains("<script>alert"));
    intake.end().await;
}

#[tokio::test]
async fn hours_and_limits_that_are_no_numbers_are_refused_in_plain_words() {
    let world = shop("presets = [\"bot\"]");
    let intake = Intake::of(&world).await;
    for (address, field, error) in [
        (
            "/api/spans?limit=-1",
            "limit",
            "`-1` is not a number from 0 to 1000",
        ),
        (
            "/api/sessions?limit=1001",
            "limit",
            "`1001` is not a number from 0 to 1000",
        ),
        (
            "/api/sessions?hours=2h",
            "hours",
            "`2h` is not a number from 0 to 4294967295",
        ),
        (
            "/api/bot/dashboard?hours=",
            "hours",
            "`` is not a number from 0 to 4294967295",
        ),
        ("/api/spans?limit=1&limit=2", "limit", "given twice"),
    ] {
        let answer = intake.get(address).await;
        assert_eq!(
            (answer.status, parsed(&answer)),
            (400, json!({ "error": error, "field": field })),
            "{address}"
        );
    }
    intake.end().await;
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused_in_json_where_programs_ask() {
    let world = shop("");
    let intake = Intake::of(&world).await;
    let long = "x".repeat(5000);
    let answer = intake.get(&format!("/api/live/checkout/{long}")).await;
    assert_eq!(
        (answer.status, parsed(&answer)),
        (
            414,
            json!({ "error": "the address has more than 4096 bytes" })
        )
    );
    intake.end().await;
}

#[tokio::test]
async fn a_small_mean_keeps_its_digits() {
    let world = shop("[live.kinds.reading]\nshape = \"sample\"\nvalues = { level = {} }");
    let intake = Intake::of(&world).await;
    let events =
        [0.0004, 0.0005].map(|level| json!({ "kind": "reading", "values": { "level": level } }));
    intake.post("/api/events", &json!(events).to_string()).await;
    let told = answer(&intake, "/api/live/reading/average").await;
    assert_eq!(told["value"], json!(0.00045));
    intake.end().await;
}

#[tokio::test]
async fn a_sum_beyond_all_floats_is_named_and_counts_are_of_values() {
    let world =
        shop("[live.kinds.reading]\nshape = \"sample\"\nvalues = { level = {}, depth = {} }");
    let intake = Intake::of(&world).await;
    let events = json!([
        { "kind": "reading", "values": { "level": 1e308, "depth": 1 } },
        { "kind": "reading", "values": { "level": 1e308 } },
        { "kind": "reading", "values": { "level": 5 } },
    ]);
    intake.post("/api/events", &events.to_string()).await;
    for (question, value) in [
        ("percentile?value=level", json!(1e308)),
        ("average?value=level", Json::Null),
    ] {
        let told = answer(&intake, &format!("/api/live/reading/{question}")).await;
        assert_eq!((&told["value"], &told["count"]), (&value, &json!(3)));
        let too_large = told.get("too_large");
        let expected = value.is_null().then(|| json!(["avg of level"]));
        assert_eq!(too_large, expected.as_ref());
    }
    let told = answer(&intake, "/api/live/reading/summary").await;
    assert_eq!(told["values"]["level"]["sum"], Json::Null);
    assert_eq!(told["too_large"], json!(["sum of level"]));
    // Of three events one has it.
    for question in ["percentile", "average"] {
        let address = format!("/api/live/reading/{question}?value=depth");
        assert_eq!(answer(&intake, &address).await["count"], json!(1));
    }
    assert_eq!(told["values"]["depth"]["count"], json!(1));
    intake.end().await;
}
