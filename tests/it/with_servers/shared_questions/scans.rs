//! What the moderation bot's dashboards read comes from the bot's hashes, and is what Daybook's own file comes to.

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::LiveSettings;
use daybook::live::batch::Batch;
use daybook::live::compat::moderation;
use daybook::live::compat::scan_questions::{ScanQuestion, answer};
use daybook::live::question::Context;
use daybook::live::record::Recorder;
use daybook::live::redis::keep::Keeper;
use daybook::live::redis::shared::Shared;
use daybook::live::source::Source;
use daybook::live::store::Store;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::redis::Server;
use support::world::World;

const METRICS: &str = r#"
[[metrics]]
key = "scans"
live = { kind = "scan", value = "count" }
"#;

fn live(server: &Server, more: &str) -> (World, LiveSettings) {
    let settings = format!(
        "[live]\npresets = [\"moderation\"]\n[live.redis]\nurl = \"{}\"\n{more}\n{METRICS}",
        server.url()
    );
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let live = world.config().live.unwrap();
    (world, live)
}

/// So many scans of the last four days, forwarded.
async fn record(live: &LiveSettings, dice: &mut Dice, now: DateTime<Utc>, count: usize) {
    let opened = Recorder::open(live, chrono_tz::UTC, Utc::now).await;
    let (recorder, writer) = opened.unwrap();
    let mut batch = Batch::default();
    for _ in 0..count {
        let seconds = dice.below(4 * 86_400) as i64;
        let micros = dice.below(1_000_000) as i64;
        let at = now - TimeDelta::seconds(seconds) - TimeDelta::microseconds(micros);
        let accelerated = [Some(true), Some(false), None][dice.below(3) as usize];
        let mut scan = json!({
            "occurred_at": at.to_rfc3339(),
            "guild_id": dice.pick(&["0", "7", "8"]).parse::<i64>().unwrap(),
            "content_type": dice.pick(&["image", "video/x y", "text:file"]),
            "status": dice.pick(&["scan_complete", "unsupported_type"]),
            "scan_result": { "is_nsfw": dice.one_in(4), "video_frames_scanned": dice.below(30) },
            "accelerated": accelerated,
        });
        if !dice.one_in(5) {
            scan["file_size"] = json!(dice.below(5_000_000));
            scan["scan_duration_ms"] = json!(dice.below(900));
        }
        let scan = moderation::event(scan.to_string().as_bytes()).unwrap();
        batch.add(1, &scan, recorder.kinds(), recorder.now());
    }
    assert!(batch.reply().rejected.is_empty(), "{:?}", batch.reply());
    recorder.send(batch).await.unwrap();
    drop(recorder);
    writer.stop().await.unwrap().close().await.unwrap();
}

/// What both answer.
struct Both {
    live: LiveSettings,
    store: Store,
    shared: Shared,
    context: Context,
}

impl Both {
    async fn of(live: &LiveSettings, now: DateTime<Utc>) -> Self {
        let opened = Store::open_reading(&live.database).await;
        Self {
            live: live.clone(),
            store: opened.unwrap().unwrap(),
            shared: Shared::connect(live.redis.as_ref().unwrap(), now)
                .await
                .unwrap(),
            context: Context {
                zone: chrono_tz::UTC,
                now,
            },
        }
    }

    async fn ask(&mut self, name: &str, pairs: &[(&str, &str)]) -> [Json; 2] {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let pairs: Vec<(String, String)> = pairs.iter().map(owned).collect();
        let question = ScanQuestion::read(name, &pairs, self.context).unwrap();
        let kind = &self.live.kinds["scan"];
        let sources = [
            Source::Own(&mut self.store),
            Source::Shared(&mut self.shared),
        ];
        let mut answers = Vec::new();
        for source in sources {
            let answered = answer(source, kind, &question, &[], self.context).await;
            answers.push(answered.unwrap().into_json());
        }
        answers.try_into().unwrap()
    }
}

/// When it was written is no fact about scans, and the form of an instant none about the instant.
fn comparable(answer: &Json) -> Json {
    let field = |(name, json): (&String, &Json)| {
        let instant = json
            .as_str()
            .and_then(|text| text.parse::<DateTime<Utc>>().ok());
        let json = instant.map_or_else(|| comparable(json), |instant| json!(instant));
        (name.clone(), json)
    };
    match answer {
        Json::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "updated_at");
            Json::Object(fields.map(field).collect())
        }
        Json::Array(items) => items.iter().map(comparable).collect(),
        other => other.clone(),
    }
}

const ASKED: [(&str, &[(&str, &str)]); 9] = [
    ("rollups", &[]),
    ("rollups", &[("limit", "2")]),
    ("rollups", &[("guild", "7"), ("limit", "1000")]),
    ("rollups", &[("content_type", "video/x y")]),
    ("summary", &[]),
    ("summary", &[("guild", "8")]),
    ("totals", &[]),
    ("latency", &[]),
    ("rates", &[]),
];

#[tokio::test]
async fn the_later_form_answers_as_the_own_file() {
    let server = Server::start(&[]);
    let (_world, live) = live(&server, "scans = \"later\"");
    let now = Utc::now();
    record(&live, &mut Dice(1), now, 400).await;
    let mut both = Both::of(&live, now).await;
    for (name, pairs) in ASKED {
        let [own, shared] = both.ask(name, pairs).await;
        assert_eq!(comparable(&shared), comparable(&own), "{name} {pairs:?}");
    }
    let since = (now - TimeDelta::days(2)).date_naive().to_string();
    let [own, shared] = both.ask("summary", &[("since", &since)]).await;
    assert_eq!(comparable(&shared), comparable(&own));
}

/// What the documented form does not tell is null, and all else as in the own file.
#[tokio::test]
async fn the_documented_form_leaves_out_what_it_does_not_count() {
    let server = Server::start(&[]);
    let (_world, live) = live(&server, "");
    let now = Utc::now();
    record(&live, &mut Dice(2), now, 300).await;
    let mut both = Both::of(&live, now).await;
    for (name, pairs, rows) in [
        ("rollups", &[("guild", "7"), ("limit", "50")][..], "rollups"),
        ("rollups", &[("guild", "0")], "rollups"),
        ("summary", &[], "summary"),
        ("totals", &[], "totals"),
    ] {
        let [own, shared] = both.ask(name, pairs).await;
        let list = |answer: &Json| match &answer[rows] {
            Json::Array(rows) => rows.clone(),
            one => vec![one.clone()],
        };
        let (own, shared) = (list(&comparable(&own)), list(&comparable(&shared)));
        assert_eq!(own.len(), shared.len(), "{name} {pairs:?}");
        for (own, shared) in own.iter().zip(&shared) {
            for (field, json) in shared.as_object().unwrap() {
                let is_untold = field.contains("frame")
                    || field.ends_with("_sq")
                    || field.ends_with("_sq_ms")
                    || field == "acceleration";
                // The details of this form name more.
                if is_untold
                    || field.contains("std_dev")
                        && own["average_bytes"] != json!(0.0)
                        && !json.is_number()
                {
                    assert_eq!(*json, Json::Null, "{name} {pairs:?} {field}");
                } else if field != "last_details" {
                    assert_eq!(*json, own[field], "{name} {pairs:?} {field}");
                }
            }
        }
    }
    let [_, latency] = both.ask("latency", &[]).await;
    assert_eq!(latency["latency"]["overall"]["scans"], json!(300));
    assert_eq!(latency["latency"]["overall"]["frames_scanned"], Json::Null);
}

#[tokio::test]
async fn counters_that_were_reset_count_from_then_on() {
    let server = Server::start(&[]);
    let (_world, live) = live(&server, "scans = \"later\"");
    let now = Utc::now();
    record(&live, &mut Dice(3), now, 50).await;
    let settings = live.redis.as_ref().unwrap();
    let mut connection = daybook::live::redis::server::Server::connect(settings)
        .await
        .unwrap();
    let mut keeper = Keeper {
        server: &mut connection,
        settings,
        kinds: &live.kinds,
        now,
        dry_run: false,
    };
    keeper.reset().await.unwrap();
    record(&live, &mut Dice(4), now, 20).await;
    let mut both = Both::of(&live, now).await;
    let [own, shared] = both.ask("totals", &[]).await;
    assert_eq!(own["totals"]["scans_count"], json!(70));
    assert_eq!(shared["totals"]["scans_count"], json!(20));
    let [_, shared] = both.ask("summary", &[]).await;
    let rows = shared["summary"].as_array().unwrap().iter();
    let scans: i64 = rows.map(|row| row["scans"].as_i64().unwrap()).sum();
    assert_eq!(scans, 20);
}

/// More rollups than are listed or read together, some of whose hashes are gone, and one key that is none of a rollup.
#[tokio::test]
async fn thousands_of_rollups_of_other_writers_are_read_day_after_day() {
    let server = Server::start(&[]);
    let (_world, live) = live(&server, "keep_scans = 400");
    let now: DateTime<Utc> = "2026-11-20T11:00:00Z".parse().unwrap();
    let mut client = server.client(0);
    let prefix = "moderator:metrics";
    let index = format!("{prefix}:rollups:index");
    client.run(["ZADD", &index, "739900", "nonsense"]);
    for day in 0..3_i64 {
        // 2026-11-20 is the 739,940th day.
        let date = (now - TimeDelta::days(day)).date_naive();
        for guild in 1..=900 {
            let key = format!("{prefix}:rollup:{date}:{guild}:image");
            client.run(["ZADD", &index, &(739_940 - day).to_string(), &key]);
            if guild % 10 != 0 {
                client.run(["HSET", &key, "scans_count", &(day + 1).to_string()]);
            }
        }
    }
    let mut shared = Shared::connect(live.redis.as_ref().unwrap(), now)
        .await
        .unwrap();
    let kind = &live.kinds["scan"];
    let context = Context {
        zone: chrono_tz::UTC,
        now,
    };
    for (limit, expected) in [
        ("1", &[("2026-11-20", 810)][..]),
        ("2", &[("2026-11-20", 810), ("2026-11-19", 1620)]),
        (
            "100",
            &[
                ("2026-11-20", 810),
                ("2026-11-19", 1620),
                ("2026-11-18", 2430),
            ],
        ),
    ] {
        let pairs = [("limit".to_owned(), limit.to_owned())];
        let question = ScanQuestion::read("rollups", &pairs, context).unwrap();
        let answered = answer(&mut shared, kind, &question, &[], context).await;
        let answered = answered.unwrap().into_json();
        let rows = answered["rollups"].as_array().unwrap().iter();
        let told = rows.map(|row| {
            let date = row["metric_date"].as_str().unwrap().to_owned();
            (date, row["scans_count"].as_i64().unwrap())
        });
        let expected = expected
            .iter()
            .map(|(date, count)| ((*date).to_owned(), *count));
        assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
    let question = ScanQuestion::read("summary", &[], context).unwrap();
    let answered = answer(&mut shared, kind, &question, &[], context).await;
    let answered = answered.unwrap().into_json();
    assert_eq!(answered["summary"][0]["scans"], json!(810 + 1620 + 2430));
}
