//! What the moderation bot's dashboards read comes from the bot's hashes, and is what Daybook's own file comes to.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
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
use support::proxy::Proxy;
use support::redis::{Client, Server};
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
    let mut scans = Vec::new();
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
        scans.push(scan);
    }
    send(live, &scans).await;
}

/// Records these, and forwards them.
async fn send(live: &LiveSettings, scans: &[Json]) {
    let opened = Recorder::open(live, chrono_tz::UTC, Utc::now).await;
    let (recorder, writer) = opened.unwrap();
    let mut batch = Batch::default();
    for scan in scans {
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

async fn connect(live: &LiveSettings) -> Shared {
    let settings = live.redis.as_ref().unwrap();
    Shared::connect(settings, Utc::now()).await.unwrap()
}

async fn ask(shared: &mut Shared, live: &LiveSettings, name: &str, pairs: &[(&str, &str)]) -> Json {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let pairs: Vec<(String, String)> = pairs.iter().map(owned).collect();
    let context = Context {
        zone: chrono_tz::UTC,
        now: Utc::now(),
    };
    let question = ScanQuestion::read(name, &pairs, context).unwrap();
    let answered = answer(shared, &live.kinds["scan"], &question, &[], context).await;
    answered.unwrap().into_json()
}

/// A day's rollup as others write it; its score is the day's number from the year 1.
fn rollup(client: &mut Client, date: NaiveDate, guild: i64, content_type: &str, scans: i64) {
    let prefix = "moderator:metrics";
    let key = format!("{prefix}:rollup:{date}:{guild}:{content_type}");
    let score = date.num_days_from_ce().to_string();
    client.run(["HSET", &key, "scans_count", &scans.to_string()]);
    client.run(["ZADD", &format!("{prefix}:rollups:index"), &score, &key]);
    let of_guild = format!("{prefix}:rollups:index:guild:{guild}");
    client.run(["ZADD", &of_guild, &score, &key]);
}

#[tokio::test]
async fn a_rollup_is_found_however_many_of_another_type_are_newer() {
    let server = Server::start(&[]);
    let (_world, live) = live(&server, "");
    let mut client = server.client(0);
    let today = Utc::now().date_naive();
    for day in 0..3 {
        for number in 0..1000 {
            let content_type = format!("type{number}");
            rollup(&mut client, today - Days::new(day), 7, &content_type, 1);
        }
    }
    rollup(&mut client, today - Days::new(300), 7, "rare", 5);
    let mut shared = connect(&live).await;
    for pairs in [
        &[("content_type", "rare"), ("limit", "1")][..],
        &[("content_type", "rare"), ("limit", "1"), ("guild", "7")],
    ] {
        let answer = ask(&mut shared, &live, "rollups", pairs).await;
        let rows = answer["rollups"].as_array().unwrap();
        let told: Vec<&Json> = rows.iter().map(|row| &row["scans_count"]).collect();
        assert_eq!(told, [5], "{pairs:?}");
    }
}

#[tokio::test]
async fn imported_days_stay_in_views_of_all_guilds_once_a_scan_comes() {
    for form in ["documented", "later"] {
        let server = Server::start(&[]);
        let (_world, live) = live(&server, &format!("scans = \"{form}\""));
        let mut client = server.client(u32::from(form == "later"));
        let now = Utc::now();
        let day = now.date_naive();
        rollup(&mut client, day, 123, "image", 300);
        rollup(&mut client, day - Days::new(9), 5, "image", 20);
        let mut shared = connect(&live).await;
        let before = ask(&mut shared, &live, "summary", &[]).await;
        assert_eq!(before["summary"][0]["scans"], json!(320), "{form}");
        let scan = json!({ "guild_id": 123, "content_type": "image", "occurred_at": now });
        send(&live, &[scan]).await;
        let after = ask(&mut shared, &live, "summary", &[]).await;
        assert_eq!(after["summary"][0]["scans"], json!(321), "{form}");
        let rollups = ask(&mut shared, &live, "rollups", &[]).await;
        let rows = rollups["rollups"].as_array().unwrap().iter();
        let told: Vec<&Json> = rows.map(|row| &row["scans_count"]).collect();
        assert_eq!(told, [301, 20], "{form}");
    }
}

#[tokio::test]
async fn averages_leave_out_scans_without_the_number_and_deviations_do_not_cancel() {
    for base in [100_000_000, 3_000_000_000_000_000_000_i64] {
        let server = Server::start(&[]);
        let (_world, live) = live(&server, "scans = \"later\"");
        let sized = |number: i64| {
            json!({ "guild_id": 7, "content_type": "image", "file_size": base + number % 2,
                "scan_duration_ms": 100 + 20 * (number % 2) })
        };
        let mut scans: Vec<Json> = (0..10).map(sized).collect();
        scans.push(json!({ "guild_id": 7, "content_type": "image" }));
        send(&live, &scans).await;
        let mut shared = connect(&live).await;
        let totals = ask(&mut shared, &live, "totals", &[]).await;
        let rollups = ask(&mut shared, &live, "rollups", &[]).await;
        for told in [&totals["totals"], &rollups["rollups"][0]] {
            assert_eq!(told["scans_count"], json!(11));
            assert_eq!(told["average_bytes"], json!(base as f64 + 0.5));
            assert_eq!(told["bytes_std_dev"], json!(0.5));
            assert_eq!(told["average_latency_ms"], json!(110.0));
            assert_eq!(told["latency_std_dev_ms"], json!(10.0));
        }
    }
}

#[tokio::test]
async fn years_of_rollups_are_read_in_a_handful_of_round_trips() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let (_world, mut live) = live(&server, "");
    let redis = live.redis.as_mut().unwrap();
    redis.server = daybook::config::redis_url::RedisServer::parse(&proxy.url()).unwrap();
    let mut client = server.client(0);
    let today = Utc::now().date_naive();
    for day in 0..1825 {
        rollup(&mut client, today - Days::new(day), 7, "image", 2);
    }
    let mut shared = connect(&live).await;
    for (question, pairs) in [("summary", &[][..]), ("rollups", &[("limit", "1000")])] {
        let before = proxy.round_trips();
        let answer = ask(&mut shared, &live, question, pairs).await;
        let trips = proxy.round_trips() - before;
        assert!(trips < 40, "{question}: {trips}");
        match question {
            "summary" => assert_eq!(answer["summary"][0]["scans"], json!(3650)),
            _ => assert_eq!(answer["rollups"].as_array().unwrap().len(), 1000),
        }
    }
}
