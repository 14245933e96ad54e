//! What the moderation bot's dashboards read, of scans that were recorded here.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::live::compat::scan_hashes::Wanted;
use daybook::live::keep::{self, Rules};
use daybook::live::store::Store;
use daybook::web::Limits;
use serde_json::{Value as Json, json};

use super::described::promised;
use super::{Intake, LINES, json as parsed, noon, shop};
use crate::dice::Dice;
use crate::live::scan_hashes::redis::{Redis, Scan, of_guild};
use crate::live::three_scans::{AT, expect_rollups, expect_summary, expect_totals, near};
use crate::world::World;

fn bot() -> World {
    shop("presets = [\"moderation\"]")
}

fn scan(at: &str, changes: Json) -> Json {
    let mut scan = json!({ "occurred_at": at, "guild_id": 123, "content_type": "image", "scan_result": { "is_nsfw": false },
        "file_size": 1500, "scanner": "nsfw_scanner", "source": "attachment" });
    scan.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    scan
}

fn three_scans() -> Vec<Json> {
    let flagged =
        json!({ "is_nsfw": true, "summary_categories": { "adult": 0.9, "violence": 0.65 } });
    let frames = json!({ "video_frames_scanned": 15, "video_frames_target": 30, "video_frames_media_total": 40 });
    vec![
        scan(
            AT[0],
            json!({ "scan_result": flagged, "scan_duration_ms": 120, "accelerated": true }),
        ),
        scan(
            AT[1],
            json!({ "scan_duration_ms": 80, "accelerated": true }),
        ),
        scan(
            AT[2],
            json!({ "content_type": "video", "status": "unsupported_type", "scan_result": frames,
            "file_size": 500, "scan_duration_ms": 60, "accelerated": false, "filename": "clip.mp4" }),
        ),
    ]
}

/// Sends scans in one batch; all must be accepted.
async fn record(intake: &Intake, scans: &[Json]) {
    let lines: Vec<String> = scans.iter().map(Json::to_string).collect();
    let answer = intake
        .browser()
        .post("/api/events?format=scans", LINES, lines.join("\n"))
        .await;
    assert_eq!(parsed(&answer)["accepted"], scans.len(), "{answer:?}");
}

/// An answer, which must be as the document says.
async fn ask(intake: &Intake, question: &str) -> Json {
    let answer = intake.get(&format!("/api/moderation/{question}")).await;
    assert_eq!(answer.status, 200, "{question}: {answer:?}");
    let document = parsed(&intake.get("/api/openapi.json").await);
    let name = question.split('?').next().unwrap();
    promised(
        &document,
        &format!("/api/moderation/{name}"),
        "get",
        &answer,
    );
    parsed(&answer)
}

fn rows<'j>(answer: &'j Json, name: &str) -> &'j [Json] {
    answer[name].as_array().unwrap()
}

fn later() -> DateTime<Utc> {
    noon() + TimeDelta::days(12)
}

/// All is sealed, and points older than their tier are gone.
async fn keep_until(live: &daybook::config::LiveSettings, zone: Tz, now: DateTime<Utc>) {
    let rules = Rules {
        kinds: live.kinds.clone(),
        zone,
        archive: None,
        backlog: None,
    };
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    keep::round(&mut store, &rules, now).await.unwrap();
    keep::prune_all(&mut store, &rules, now, false)
        .await
        .unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn media_scan_metrics_flow() {
    let world = bot();
    let intake = Intake::of(&world).await;
    assert_eq!(
        ask(&intake, "rollups").await,
        json!({ "complete": true, "rollups": [] })
    );
    near(
        &ask(&intake, "totals").await["totals"],
        &[("scans_count", 0.0), ("average_bytes", 0.0)],
    );
    record(&intake, &three_scans()).await;
    let rollups = ask(&intake, "rollups?guild=123&limit=10").await;
    expect_rollups(rows(&rollups, "rollups"), &json!(123));
    let all = ask(&intake, "rollups").await;
    expect_rollups(rows(&all, "rollups"), &Json::Null);
    expect_summary(rows(&ask(&intake, "summary?guild=123").await, "summary"));
    expect_summary(rows(&ask(&intake, "summary").await, "summary"));
    expect_totals(&ask(&intake, "totals").await["totals"]);
    let latency = &ask(&intake, "latency").await["latency"];
    near(
        &latency["overall"],
        &[("scans", 3.0), ("average_latency_ms", 260.0 / 3.0)],
    );
    near(
        &latency["video"],
        &[
            ("average_latency_per_frame_ms", 4.0),
            ("frame_coverage_rate", 0.375),
        ],
    );
    near(
        &latency["image"]["acceleration"]["accelerated"],
        &[("average_latency_ms", 100.0)],
    );
    assert!(!all.to_string().contains("clip.mp4"), "{all}");
    intake.end().await;
}

#[tokio::test]
async fn a7_and_since_choose_scans_exactly_before_the_limit_counts() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let mut scans = three_scans();
    scans.push(scan(
        "2026-11-17T09:00:00Z",
        json!({ "content_type": "rare", "guild_id": 7 }),
    ));
    record(&intake, &scans).await;
    for (question, expected) in [
        ("rollups?content_type=rare&limit=1", json!(["rare"])),
        ("rollups?limit=1", json!(["video"])),
        ("rollups?guild=123&limit=1000", json!(["video", "image"])),
        ("rollups?guild=7", json!(["rare"])),
        ("rollups?guild=8", json!([])),
        ("rollups?since=2026-11-18", json!(["video", "image"])),
        ("rollups?since=2026-11-19T12:00:00Z", json!(["video"])),
        ("rollups?since=2026-11-19T12:00:00.000001Z", json!([])),
        ("rollups?since=2h", json!([])),
    ] {
        let answer = ask(&intake, question).await;
        let types: Vec<&Json> = rows(&answer, "rollups")
            .iter()
            .map(|row| &row["content_type"])
            .collect();
        assert_eq!(json!(types), expected, "{question}");
    }
    // Of a day that it begins within, only what came since.
    let since = ask(
        &intake,
        "rollups?since=2026-11-18T12:30:00Z&content_type=image",
    )
    .await;
    near(
        &since["rollups"][0],
        &[
            ("scans_count", 1.0),
            ("flagged_count", 0.0),
            ("average_latency_ms", 80.0),
        ],
    );
    near(
        &ask(&intake, "summary?since=2026-11-18T12:30:00Z").await["summary"][0],
        &[("scans", 1.0)],
    );
    intake.end().await;
}

#[tokio::test]
async fn a8_views_of_all_guilds_count_every_scan_once() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let of_guild = |guild: Json| scan(AT[0], json!({ "guild_id": guild, "scan_duration_ms": 10 }));
    record(
        &intake,
        &[of_guild(json!(1)), of_guild(json!(2)), of_guild(Json::Null)],
    )
    .await;
    near(
        &ask(&intake, "rollups").await["rollups"][0],
        &[("scans_count", 3.0)],
    );
    near(
        &ask(&intake, "summary").await["summary"][0],
        &[("scans", 3.0)],
    );
    near(
        &ask(&intake, "rollups?guild=0").await["rollups"][0],
        &[("scans_count", 1.0)],
    );
    near(
        &ask(&intake, "totals").await["totals"],
        &[("scans_count", 3.0)],
    );
    intake.end().await;
}

#[tokio::test]
async fn a12_rates_are_those_of_the_last_fifteen_minutes() {
    let world = bot();
    let intake = Intake::of(&world).await;
    // Noon in Zurich is 11:00 in UTC.
    let mut scans = vec![scan("2026-11-20T00:00:05Z", json!({})); 60];
    scans.extend(vec![scan("2026-11-20T10:45:00Z", json!({})); 4]);
    scans.extend(vec![scan("2026-11-20T10:45:00.000001Z", json!({})); 3]);
    scans.extend(vec![
        scan(
            "2026-11-20T11:00:00Z",
            json!({ "content_type": "video", "guild_id": 7 })
        );
        6
    ]);
    scans.extend(vec![
        scan(
            "2026-11-20T11:00:01Z",
            json!({ "content_type": "video" })
        );
        9
    ]);
    record(&intake, &scans).await;
    let answer = ask(&intake, "rates").await;
    let expected = json!({
        "minutes": 15, "from": "2026-11-20T10:45:00Z", "to": "2026-11-20T11:00:00Z", "complete": true,
        "rates": [
            { "content_type": "video", "scans": 6, "per_minute": 0.4 },
            { "content_type": "image", "scans": 3, "per_minute": 0.2 },
        ],
    });
    assert_eq!(answer, expected);
    let of_guild = ask(&intake, "rates?guild=7").await;
    assert_eq!(
        of_guild["rates"],
        json!([{ "content_type": "video", "scans": 6, "per_minute": 0.4 }])
    );
    intake.end().await;
}

#[tokio::test]
async fn a13_and_a16_hold_for_recorded_scans() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let sized = |size: i64| scan(AT[0], json!({ "file_size": size, "scan_duration_ms": 100 }));
    let mut scans: Vec<Json> = (0..10)
        .map(|at| sized(100_000_000_000_000 + at % 2))
        .collect();
    scans.push(scan(AT[1], json!({ "file_size": null })));
    record(&intake, &scans).await;
    let expected = [
        ("scans_count", 11.0),
        ("average_bytes", 100_000_000_000_000.5),
        ("bytes_std_dev", 0.5),
        ("average_latency_ms", 100.0),
        ("latency_std_dev_ms", 0.0),
        ("last_latency_ms", 0.0),
    ];
    near(&ask(&intake, "totals").await["totals"], &expected);
    near(&ask(&intake, "rollups").await["rollups"][0], &expected);
    // Rollups hold squares as floats, which do not tell such a deviation: then it is unknown.
    let live = intake.end().await.live;
    keep_until(&live, Tz::Europe__Zurich, later()).await;
    let intake = Intake::with(world.config(), Limits::default(), later).await;
    let totals = &ask(&intake, "totals").await["totals"];
    near(
        totals,
        &[
            ("average_bytes", 100_000_000_000_000.5),
            ("latency_std_dev_ms", 0.0),
            ("last_latency_ms", 0.0),
        ],
    );
    assert_eq!(
        (&totals["bytes_std_dev"], &totals["total_bytes_sq"]),
        (&Json::Null, &Json::Null)
    );
    intake.end().await;
}

#[tokio::test]
async fn once_points_are_gone_rollups_answer_what_they_know() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let mut scans = three_scans();
    // In Zurich it is the 20th already.
    scans.push(scan(
        "2026-11-19T23:30:00Z",
        json!({ "scan_duration_ms": 40, "guild_id": 9 }),
    ));
    record(&intake, &scans).await;
    let live = intake.end().await.live;
    keep_until(&live, Tz::Europe__Zurich, later()).await;
    let intake = Intake::with(world.config(), Limits::default(), later).await;
    record(
        &intake,
        &[scan(
            "2026-12-02T10:30:00Z",
            json!({ "scan_duration_ms": 70, "accelerated": true }),
        )],
    )
    .await;
    let answer = ask(&intake, "rollups").await;
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["rolled_up"]["from"], "2026-11-18T12:00:00Z");
    let found = rows(&answer, "rollups").iter();
    let found: Vec<Json> = found
        .map(|row| json!([row["metric_date"], row["content_type"], row["scans_count"]]))
        .collect();
    let expected = json!([
        ["2026-12-02", "image", 1],
        ["2026-11-19", "video", 1],
        ["2026-11-19", "image", 1],
        ["2026-11-18", "image", 2]
    ]);
    assert_eq!(json!(found), expected);
    let [new, video, _, old] = rows(&answer, "rollups") else {
        panic!("{answer}")
    };
    assert_eq!(
        (&new["last_status"], &new["status_counts"]),
        (&json!("scan_complete"), &json!({ "scan_complete": 1 }))
    );
    assert_eq!(new["last_details"], json!({}));
    near(
        video,
        &[
            ("frames_per_second", 250.0),
            ("frame_coverage_rate", 0.375),
            ("last_latency_ms", 60.0),
        ],
    );
    near(
        &video["acceleration"]["non_accelerated"],
        &[("scans_count", 1.0), ("average_latency_ms", 60.0)],
    );
    near(
        old,
        &[
            ("average_latency_ms", 100.0),
            ("latency_std_dev_ms", 20.0),
            ("total_duration_sq_ms", 20_800.0),
        ],
    );
    for unknown in [
        "status_counts",
        "last_status",
        "last_flagged_at",
        "last_details",
    ] {
        assert_eq!(old[unknown], Json::Null, "{unknown}");
    }
    // Of one guild no rollup tells how its scans were accelerated.
    let of_guild = ask(&intake, "rollups?guild=123&since=2026-11-18&limit=5").await;
    let [_, _, old] = rows(&of_guild, "rollups") else {
        panic!("{of_guild}")
    };
    near(old, &[("scans_count", 2.0), ("flags_sum", 2.0)]);
    assert_eq!(old["acceleration"], Json::Null);
    let totals = &ask(&intake, "totals").await["totals"];
    near(
        totals,
        &[
            ("scans_count", 5.0),
            ("total_duration_ms", 370.0),
            ("last_latency_ms", 70.0),
        ],
    );
    assert_eq!(
        totals["status_counts"],
        json!({ "scan_complete": 4, "unsupported_type": 1 })
    );
    near(
        &totals["acceleration"]["accelerated"],
        &[("scans_count", 3.0), ("total_duration_ms", 270.0)],
    );
    intake.end().await;
}

#[tokio::test]
async fn what_rollups_of_another_zone_cannot_tell_is_missing() {
    let world = World::new(
        "2026-11-20T11:00:00Z",
        &format!(
            "time_zone = \"Asia/Kathmandu\"\n[live]\naccept = true\npresets = [\"moderation\"]\n{}",
            crate::live::METRICS
        ),
    );
    let intake = Intake::of(&world).await;
    record(&intake, &three_scans()).await;
    let live = intake.end().await.live;
    keep_until(&live, Tz::Asia__Kathmandu, later()).await;
    let intake = Intake::with(world.config(), Limits::default(), later).await;
    // Its hours begin at a quarter past: they make up no day of UTC, but all of them make up all time.
    let rollups = ask(&intake, "rollups").await;
    assert_eq!(
        (
            &rollups["complete"],
            rollups["missing"].as_array().unwrap().is_empty()
        ),
        (&json!(false), false)
    );
    let totals = ask(&intake, "totals").await;
    assert_eq!(totals["complete"], true);
    near(
        &totals["totals"],
        &[("scans_count", 3.0), ("total_duration_ms", 260.0)],
    );
    intake.end().await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_named() {
    let world = bot();
    let intake = Intake::of(&world).await;
    let document = parsed(&intake.get("/api/openapi.json").await);
    for (address, status, field, error) in [
        (
            "rollup",
            404,
            Json::Null,
            "no question `rollup`; did you mean `rollups`?",
        ),
        (
            "rollups?limit=0",
            400,
            json!("limit"),
            "`0` is not a number from 1 to 1000",
        ),
        (
            "rollups?limit=-5",
            400,
            json!("limit"),
            "`-5` is not a number from 1 to 1000",
        ),
        (
            "rollups?limit=1001",
            400,
            json!("limit"),
            "`1001` is not a number from 1 to 1000",
        ),
        (
            "rollups?guild=x",
            400,
            json!("guild"),
            "`x` is not a whole number",
        ),
        (
            "rollups?guild=1&guild=2",
            400,
            json!("guild"),
            "given twice",
        ),
        (
            "rollups?gild=1",
            400,
            json!("gild"),
            "`rollups` takes no such parameter; did you mean `guild`?",
        ),
        (
            "totals?guild=1",
            400,
            json!("guild"),
            "`totals` takes no such parameter",
        ),
        (
            "summary?since=soon",
            400,
            json!("since"),
            "`soon` is not a moment such as 2025-10-03T08:00:00+02:00, a date, or how long ago, such as `2h`",
        ),
    ] {
        let answer = intake.get(&format!("/api/moderation/{address}")).await;
        assert_eq!(answer.status, status, "{address}");
        let name = address.split('?').next().unwrap();
        let name = if name == "rollup" { "rollups" } else { name };
        promised(
            &document,
            &format!("/api/moderation/{name}"),
            "get",
            &answer,
        );
        let body = parsed(&answer);
        assert_eq!(
            (&body["field"], &body["error"]),
            (&field, &json!(error)),
            "{address}"
        );
    }
    intake.end().await;
    let world = shop("presets = [\"hosts\"]");
    let intake = Intake::of(&world).await;
    let answer = intake.get("/api/moderation/totals").await;
    assert_eq!(
        (answer.status, &parsed(&answer)["error"]),
        (404, &json!("no kind `scan`"))
    );
    intake.end().await;
}

#[tokio::test]
async fn only_readers_of_all_organisations_see_scans() {
    let tokens = "presets = [\"moderation\"]
        [live.tokens.all]\ntoken = \"the token of a reader\"\nmay = \"read\"
        [live.tokens.acme]\ntoken = \"the token of one of them\"\nmay = \"read\"\norganisation = \"acme\"
        [live.tokens.bot]\ntoken = \"the token of the bot\"\nmay = \"write\"";
    let world = shop(tokens);
    let intake = Intake::of(&world).await;
    for (token, status) in [("a reader", 200), ("one of them", 403), ("the bot", 403)] {
        let browser = intake
            .browser()
            .saying("Authorization", &format!("Bearer the token of {token}"));
        for question in ["rollups", "summary", "totals", "latency", "rates"] {
            let answer = browser.get(&format!("/api/moderation/{question}")).await;
            assert_eq!(answer.status, status, "{token} {question}");
        }
    }
    assert_eq!(intake.get("/api/moderation/totals").await.status, 401);
    intake.end().await;
}

#[tokio::test]
async fn the_program_prints_the_same() {
    let world = bot();
    let intake = Intake::of(&world).await;
    record(&intake, &three_scans()).await;
    let served = ask(&intake, "rollups?guild=123").await;
    intake.end().await;
    let printed = |args: &[&str]| {
        let ended = world.binary(&[&["live", "moderation"], args].concat());
        (
            ended.status.code(),
            String::from_utf8(ended.stdout).unwrap(),
            String::from_utf8(ended.stderr).unwrap(),
        )
    };
    let (code, json, _) = printed(&["rollups", "--guild", "123", "--json"]);
    assert_eq!(
        (code, serde_json::from_str::<Json>(&json).unwrap()),
        (Some(0), served)
    );
    let (_, table, _) = printed(&["rollups", "--guild", "123"]);
    assert!(
        table.contains("2026-11-19") && table.contains("0.38"),
        "{table}"
    );
    let (_, facts, _) = printed(&["totals"]);
    assert!(
        facts
            .lines()
            .any(|line| line.split_whitespace().eq(["average_latency_ms", "86.67"])),
        "{facts}"
    );
    let (_, latency, _) = printed(&["latency"]);
    assert!(
        latency.contains("overall") && latency.contains("86.67"),
        "{latency}"
    );
    let (code, _, error) = printed(&["summary", "--content-type", "image"]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("--content-type: `summary` takes no such parameter"),
        "{error}"
    );
}

/// Random scans as both sides write them. No two are of one instant: which of two is last is nobody's promise.
fn random_scans(dice: &mut Dice, count: u64) -> Vec<(Scan, Json)> {
    let scan = |at: u64| {
        let millis = at * 7_000_000 + dice.below(6_999_999);
        let first: DateTime<Utc> = "2026-11-14T02:00:00Z".parse().unwrap();
        let at = first + TimeDelta::milliseconds(millis as i64);
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let is_flagged = dice.below(4) == 0;
        let mut some = |most: u64| (dice.below(5) > 0).then(|| 1 + dice.below(most) as i64);
        let (size, duration) = (some(30_000_000), some(5000));
        let frames = [some(100), some(100), some(200)];
        let accelerated = [None, Some(true), Some(false)][dice.below(3) as usize];
        let content_type = ["image", "video/x y", "text_file"][dice.below(3) as usize];
        let status = ["scan_complete", "unsupported_type", "no_scan"][dice.below(3) as usize];
        let guild = [0, 7, 123, -5][dice.below(4) as usize];
        let flags = is_flagged.then(|| dice.below(4) as i64);
        let categories: serde_json::Map<String, Json> = (0..flags.unwrap_or(0))
            .map(|at| (format!("c{at}"), json!(0.5)))
            .collect();
        let json = json!({
            "occurred_at": at, "guild_id": guild, "content_type": content_type, "status": status,
            "file_size": size, "scan_duration_ms": duration, "accelerated": accelerated,
            "scan_result": { "is_nsfw": is_flagged, "summary_categories": categories, "video_frames_scanned": frames[0],
                "video_frames_target": frames[1], "video_frames_media_total": frames[2] },
        });
        let scan = Scan {
            at: at.leak(),
            guild,
            content_type,
            status,
            flags,
            size: size.map(i128::from),
            duration: duration.map(i128::from),
            frames,
            accelerated,
        };
        (scan, json)
    };
    (0..count).map(scan).collect()
}

/// Without what the bot's hashes say otherwise: when they were written, and details as far as both have them.
fn comparable(mut rows: Json) -> Json {
    for row in rows.as_array_mut().unwrap() {
        for part in [
            Some("accelerated"),
            Some("non_accelerated"),
            Some("unknown"),
            None,
        ] {
            let fields = match part {
                Some(part) => row["acceleration"][part].as_object_mut(),
                None => row.as_object_mut(),
            };
            let fields = fields.unwrap();
            fields.remove("updated_at");
            if !fields.contains_key("last_details") {
                continue;
            }
            let details = fields["last_details"].take();
            let mut workload = details["workload"].as_object().cloned().unwrap_or_default();
            workload.retain(|_, number| !number.is_null());
            fields["last_details"] = json!([details["status"], details["flags_count"], workload]);
        }
    }
    rows
}

#[tokio::test]
async fn recorded_scans_and_the_bots_hashes_give_the_same_answers() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let world = bot();
        let intake = Intake::of(&world).await;
        let scans = random_scans(&mut dice, 60);
        let mut redis = Redis::default();
        scans.iter().for_each(|(scan, _)| redis.scan(scan));
        let mut lines: Vec<Json> = scans.into_iter().map(|(_, json)| json).collect();
        (1..lines.len()).for_each(|at| lines.swap(at, dice.below(at as u64 + 1) as usize));
        let (sealed, fresh) = lines.split_at(40);
        record(&intake, sealed).await;
        let live = intake.end().await.live;
        let rules = Rules {
            kinds: live.kinds.clone(),
            zone: Tz::Europe__Zurich,
            archive: None,
            backlog: None,
        };
        let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
        keep::round(&mut store, &rules, noon()).await.unwrap();
        store.close().await.unwrap();
        let intake = Intake::of(&world).await;
        for part in fresh.chunks(7) {
            record(&intake, part).await;
        }
        for (parameter, wanted) in [
            ("", Wanted::default()),
            ("?guild=123", of_guild(123)),
            ("?guild=-5", of_guild(-5)),
        ] {
            let rollups = ask(&intake, &format!("rollups{parameter}")).await;
            let expected = redis.rollups(&wanted);
            assert!(expected.len() > 3);
            assert_eq!(
                comparable(rollups["rollups"].clone()),
                comparable(json!(expected)),
                "{seed} {parameter}"
            );
            let mut summary = ask(&intake, &format!("summary{parameter}")).await["summary"].take();
            assert_eq!(
                comparable(summary.take()),
                comparable(json!(redis.summary(&wanted))),
                "{seed} {parameter}"
            );
        }
        let totals = json!([ask(&intake, "totals").await["totals"]]);
        assert_eq!(
            comparable(totals),
            comparable(json!([redis.totals()])),
            "{seed}"
        );
        intake.end().await;
    }
}

fn on_the_25th() -> DateTime<Utc> {
    noon() + TimeDelta::days(5)
}

#[tokio::test]
async fn a_day_of_utc_is_whole_where_points_begin_within_it() {
    let world = bot();
    let intake = Intake::with(world.config(), Limits::default(), on_the_25th).await;
    // Midnight in Zurich, from which on points are kept, is 23:00 in UTC.
    let flagged = json!({ "scan_result": { "is_nsfw": true }, "scan_duration_ms": 100 });
    record(
        &intake,
        &[
            scan("2026-11-24T22:30:00Z", flagged),
            scan(
                "2026-11-24T23:30:00Z",
                json!({ "scan_duration_ms": 200, "status": "no_scan" }),
            ),
        ],
    )
    .await;
    let live = intake.end().await.live;
    keep_until(&live, Tz::Europe__Zurich, later()).await;
    let intake = Intake::with(world.config(), Limits::default(), later).await;
    for question in ["rollups", "rollups?guild=123"] {
        let answer = ask(&intake, question).await;
        assert_eq!(answer["complete"], true);
        assert_eq!(
            answer["rolled_up"],
            json!({ "from": "2026-11-24T22:30:00Z", "to": "2026-11-24T23:00:00Z" })
        );
        let [row] = rows(&answer, "rollups") else {
            panic!("{answer}")
        };
        assert_eq!(
            (&row["metric_date"], &row["last_status"]),
            (&json!("2026-11-24"), &json!("no_scan"))
        );
        near(
            row,
            &[
                ("scans_count", 2.0),
                ("flagged_count", 1.0),
                ("average_latency_ms", 150.0),
            ],
        );
        near(
            row,
            &[("latency_std_dev_ms", 50.0), ("last_latency_ms", 200.0)],
        );
        assert_eq!(
            row["last_details"]["workload"],
            json!({ "bytes": 1500, "duration_ms": 200 })
        );
        // The flagged scan's point is gone.
        assert_eq!(
            (&row["last_flagged_at"], &row["status_counts"]),
            (&Json::Null, &Json::Null)
        );
    }
    let totals = &ask(&intake, "totals").await["totals"];
    assert_eq!(
        totals["status_counts"],
        json!({ "no_scan": 1, "scan_complete": 1 })
    );
    intake.end().await;
}
