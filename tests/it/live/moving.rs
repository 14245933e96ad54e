//! What other systems have recorded is migrated once, whatever comes in between, and counted again.

mod killed;
mod originals;
mod untouched;

use std::fs;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use daybook::commands::{CommandError, Ended};
use daybook::kinds::presets;
use daybook::live::event::Event;
use daybook::live::moving::{self, Job, MoveError, Report, Source, Verdict};
use daybook::live::record::Settings;
use daybook::live::store::Store;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::world::{App, World};
use tokio_util::sync::CancellationToken;

use super::METRICS;
use originals::{agents, archive, archive_tasks, bot, bot_without_filters, tasks_as_json};

const NOW: &str = "2026-11-20T11:00:00Z";

fn world() -> World {
    let settings = format!(
        "time_zone = \"Europe/Zurich\"\n[live]\npresets = [\"bot\", \"agents\"]\n{METRICS}"
    );
    World::new(NOW, &settings)
}

/// The presets' kinds, whose points are kept whatever their age.
fn settings_that_keep_all() -> String {
    let kinds = ["bot", "agents"].map(|name| {
        let preset = presets::find(name).unwrap();
        preset.replace("\nshape ", "\nkeep = { points = \"forever\" }\nshape ")
    });
    let kinds = kinds.concat().replace("[kinds.", "[live.kinds.");
    let kinds = kinds.replace("[[alerts]]", "[[live.alerts]]");
    format!("time_zone = \"Europe/Zurich\"\n[live]\n{kinds}{METRICS}")
}

async fn migrate(world: &World, files: &[&str]) -> Result<Report, MoveError> {
    migrate_at(world, files, NOW).await
}

async fn migrate_at(world: &World, files: &[&str], now: &str) -> Result<Report, MoveError> {
    let live = world.config().live.unwrap();
    let mut sources = Vec::new();
    for file in files {
        sources.push(Source::open(&world.path(file), (*file).to_owned()).await?);
    }
    let job = Job {
        live: &live,
        zone: Tz::Europe__Zurich,
        now: now.parse().unwrap(),
        dry_run: false,
        roll_up_older: false,
        stop: CancellationToken::new(),
    };
    moving::migrate(sources, &job, &|_, _, _| {}).await
}

async fn points(world: &World, kind: &str) -> Vec<Json> {
    let store = Store::open_reading(&world.path("live.db")).await.unwrap();
    let mut store = store.unwrap();
    let mut points = super::points(&mut store, kind).await;
    store.close().await.unwrap();
    points.sort_by_key(Json::to_string);
    points
}

/// Of each file: records, kept, taken before, known from elsewhere, twice, refused.
fn counts(report: &Report) -> Vec<[u64; 6]> {
    let files = report.files.iter().map(|file| {
        let look = &file.look;
        [
            look.records,
            file.kept,
            look.taken,
            look.elsewhere,
            look.again,
            look.refusals.count,
        ]
    });
    files.collect()
}

fn reasons(report: &Report) -> Vec<String> {
    let reasons = report
        .files
        .iter()
        .flat_map(|file| &file.look.refusals.reasons);
    reasons
        .map(|reason| {
            let ids = json!(reason.ids);
            let (count, table) = (reason.count, reason.table);
            format!("{count} {table} {ids} {}", reason.refused)
        })
        .collect()
}

fn is_equal(report: &Report) {
    assert_eq!(report.unlike, []);
    assert!(report.files.iter().all(|file| file.missing == 0));
    for month in &report.months {
        assert_eq!(month.verdict, Verdict::Equal, "{month:?}");
    }
}

/// The seconds of a moment on 19 November, as the storage keeps them.
fn at(hour: u32) -> i64 {
    let day: DateTime<Utc> = "2026-11-19T00:00:00Z".parse().unwrap();
    day.timestamp() + i64::from(hour) * 3600
}

fn task(id: u32, ok: bool) -> Json {
    json!({
        "at": format!("2026-11-19T{:02}:00:00Z", id % 24), "kind": "task",
        "labels": { "agent_id": format!("agent_{}", id % 2), "task_id": format!("task_{id}") },
        "values": { "duration": 100 * id, "tokens_used": id }, "ok": ok,
    })
}

async fn insert_tasks(app: &App, ids: std::ops::RangeInclusive<u32>) {
    for id in ids {
        app.execute(&format!(
            "INSERT INTO task_metrics VALUES ({id}, 'task_{id}', 'agent_{}', {}, {}, {id}, {}, '{{}}')",
            id % 2,
            at(id % 24),
            100 * id,
            u8::from(id % 3 > 0),
        ))
        .await;
    }
}

#[tokio::test]
async fn agents_rows_are_taken_from_tables_and_archives_each_once() {
    let world = world();
    let app = agents(&world, "storage.db", "WAL").await;
    insert_tasks(&app, 1..=12).await;
    archive_tasks(&app, "3, 1, 2").await;
    // Two writers have archived the same rows, and one of them has not deleted them yet.
    let records = tasks_as_json(&app, "4, 5, 6").await;
    app.execute(&archive("task_metrics", 3, &records)).await;
    archive_tasks(&app, "4, 5").await;
    app.execute(&format!(
        "INSERT INTO agent_metrics VALUES (7, 'agent_0', {0}, 'cpu', 12.25, '{{\"core\": 1}}'), (9, 'agent_0', {0}, 'cpu', 0.1, NULL);
         INSERT INTO swarm_metrics VALUES (1, 'swarm', {0}, 'health', 0.95, 'no JSON');",
        at(3)
    ))
    .await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[18, 15, 0, 0, 3, 0]]);
    is_equal(&report);
    let mut expected: Vec<Json> = (1..=12).map(|id| task(id, id % 3 > 0)).collect();
    expected.sort_by_key(Json::to_string);
    assert_eq!(points(&world, "task").await, expected);
    let agent = |value: f64| {
        json!({
            "at": "2026-11-19T03:00:00Z", "kind": "agent",
            "labels": { "agent_id": "agent_0", "metric_type": "cpu" }, "values": { "value": value },
        })
    };
    let mut with_details = agent(12.25);
    with_details["details"] = json!({ "core": 1 });
    assert_eq!(points(&world, "agent").await, [agent(0.1), with_details]);
    let swarm = json!({
        "at": "2026-11-19T03:00:00Z", "kind": "swarm", "labels": { "metric_type": "health", "swarm_id": "swarm" },
        "values": { "value": 0.95 }, "details": "no JSON",
    });
    assert_eq!(points(&world, "swarm").await, [swarm]);
    let moved: Vec<(&str, u64)> = report
        .months
        .iter()
        .map(|month| (month.kind.as_str(), month.moved))
        .collect();
    assert_eq!(moved, [("agent", 2), ("swarm", 1), ("task", 12)]);
}

#[tokio::test]
async fn rows_that_the_checks_refuse_are_named_and_stop_no_other() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    let long = "x".repeat(17_000);
    app.execute(&format!(
        "INSERT INTO task_metrics VALUES
            (1, 'a', 'agent', {0}, -5, 0, 1, NULL), (2, 'b', 'agent', {0}, -7, 0, 1, NULL),
            (3, 'c', 'agent', {0}, 5, 0, 2, NULL), (4, 'd', 'agent', 'yesterday', 5, 0, 1, NULL),
            (5, 'e', 'agent', {0}, 'long', 0, 1, NULL), (6, 'f', 'agent', {0}, 5, NULL, 0, '{{\"log\": \"{long}\"}}'),
            (7, '', 'agent', {0}, 5, 0, 1, NULL), (8, 'h', 'agent', {0}, 5.6, 0, 1, NULL),
            (9, x'ff', 'agent', {0}, 5, 0, 1, NULL), (10, 'j', 'agent', {1}, 5, 0, 1, NULL);
         INSERT INTO agent_metrics VALUES (1, 'agent', {0}, 'cpu', 9e999, NULL), (2, 'agent', {0}, 'cpu', -9e999, NULL);",
        at(1),
        at(999)
    ))
    .await;
    app.execute(&archive("agent_metrics", 4, "no JSON")).await;
    let archived = format!(
        r#"[{{"id": -1, "agent_id": "agent", "timestamp": {0}, "metric_type": "NaN \" Infinity", "value": 1.5, "metadata": null}},
            {{"id": -2, "agent_id": "agent", "timestamp": {0}, "metric_type": "cpu", "value": NaN, "metadata": null}},
            {{"agent_id": "agent", "timestamp": {0}, "metric_type": "cpu", "value": 2, "metadata": null}}]"#,
        at(1)
    );
    app.execute(&archive("agent_metrics", 3, &archived)).await;
    app.execute(&archive("team_metrics", 2, "[]")).await;
    app.execute("INSERT INTO metrics_archive VALUES (99, '', 'task_metrics', '', x'00', 1, 0)")
        .await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[12 + 4 + 3 + 2 + 1, 2, 0, 0, 0, 20]]);
    is_equal(&report);
    assert_eq!(
        reasons(&report),
        [
            "2 task_metrics [1,2] values.duration: -5 is below 0",
            "1 task_metrics [3] success: expected 1 or 0",
            "1 task_metrics [4] at: expected a moment such as 2026-11-20T19:41:42.281+01:00, or seconds since 1970",
            "1 task_metrics [5] duration_ms: expected a number, found text: a text belongs into a label",
            "1 task_metrics [6] details: 17010 bytes, at most 16384",
            "1 task_metrics [7] labels.task_id: missing",
            "1 task_metrics [9] task_id: expected text",
            "1 task_metrics [10] at: more than 5 minutes ahead: check the sender's clock",
            "3 agent_metrics [1,2,-2] value: it is not finite, and cannot be counted",
            "4 metrics_archive [1,1,1,1] : no list of records: expected ident at line 1 column 2",
            "1 metrics_archive [2] id: missing",
            "2 metrics_archive [3,3] : it is of none of the three tables",
            "1 metrics_archive [99] : cannot be unpacked: incomplete deflate stream",
        ]
    );
    assert_eq!(
        points(&world, "agent").await[0]["labels"]["metric_type"],
        "NaN \" Infinity"
    );
}

#[tokio::test]
async fn records_between_others_that_have_no_number_are_taken_once() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    insert_tasks(&app, 1..=3).await;
    let records = tasks_as_json(&app, "2").await;
    let records = records.replace('[', "[{}, ").replace(']', ", {}]");
    app.execute(&format!(
        "DELETE FROM task_metrics WHERE id < 3; {}",
        archive("task_metrics", 3, &records)
    ))
    .await;
    for counted in [[4, 2, 0, 0, 0, 2], [4, 0, 2, 0, 0, 2]] {
        let report = migrate(&world, &["storage.db"]).await.unwrap();
        assert_eq!(counts(&report), [counted]);
        is_equal(&report);
    }
    assert_eq!(points(&world, "task").await.len(), 2);
}

#[tokio::test]
async fn a_second_run_takes_what_is_new_wherever_the_old_rows_are_now() {
    let world = world();
    let app = agents(&world, "storage.db", "WAL").await;
    insert_tasks(&app, 1..=6).await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[6, 6, 0, 0, 0, 0]]);
    archive_tasks(&app, "1, 2, 3").await;
    insert_tasks(&app, 7..=9).await;
    archive_tasks(&app, "7").await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[9, 3, 6, 0, 0, 0]]);
    is_equal(&report);
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[9, 0, 9, 0, 0, 0]]);
    is_equal(&report);
    assert_eq!(points(&world, "task").await.len(), 9);
    // What has left the source is still there, and no difference.
    app.execute("DELETE FROM metrics_archive").await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[5, 0, 5, 0, 0, 0]]);
    is_equal(&report);
    assert_eq!(points(&world, "task").await.len(), 9);
}

#[tokio::test]
async fn a_moved_file_goes_on_and_a_copy_or_another_one_in_its_place_is_refused() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    insert_tasks(&app, 1..=20).await;
    fs::copy(world.path("storage.db"), world.path("copy.db")).unwrap();
    let message = |refused: Result<Report, MoveError>| refused.unwrap_err().to_string();
    let twins = message(migrate(&world, &["storage.db", "copy.db"]).await);
    assert!(twins.contains("have the same records"), "{twins}");
    migrate(&world, &["storage.db"]).await.unwrap();
    let copy = message(migrate(&world, &["copy.db"]).await);
    assert!(copy.contains("it has the records of"), "{copy}");

    fs::rename(world.path("storage.db"), world.path("moved.db")).unwrap();
    insert_tasks(&App::Sqlite(world.path("moved.db")), 21..=22).await;
    archive_tasks(&App::Sqlite(world.path("moved.db")), "1, 20").await;
    let report = migrate(&world, &["moved.db"]).await.unwrap();
    assert_eq!(counts(&report), [[22, 2, 20, 0, 0, 0]]);
    is_equal(&report);

    fs::remove_file(world.path("moved.db")).unwrap();
    let other = agents(&world, "moved.db", "DELETE").await;
    other
        .execute("INSERT INTO task_metrics VALUES (1, 'other', 'agent', 1763600000, 1, 1, 1, NULL)")
        .await;
    let refused = message(migrate(&world, &["moved.db"]).await);
    assert!(refused.contains("it is another database"), "{refused}");
    assert_eq!(points(&world, "task").await.len(), 22);
}

#[tokio::test]
async fn what_others_record_meanwhile_is_told_from_what_was_migrated() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    insert_tasks(&app, 1..=4).await;
    let record = async |count: usize| {
        let (recorder, writer) =
            super::recorder_in(&world.path("live.db"), Settings::default()).await;
        for _ in 0..count {
            let event = Event::new("task")
                .label("task_id", "t")
                .label("agent_id", "a");
            recorder.record(&event).await.unwrap();
        }
        writer.stop().await.unwrap().close().await.unwrap();
    };
    record(3).await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    is_equal(&report);
    let month = &report.months[0];
    assert_eq!((month.before, month.moved, month.held), (3, 4, 7));
    record(2).await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(report.months[0].verdict, Verdict::AtLeast(2));
    // What is missing is found, and what came twice.
    let live = App::Sqlite(world.path("live.db"));
    live.execute("DELETE FROM chunks; DELETE FROM rollups WHERE grain = 2")
        .await;
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    let missing = Verdict::Differs("7 points are missing".to_owned());
    assert_eq!(report.months[0].verdict, missing);
    let ended = world.command(&["live", "migrate", "storage.db"]).await;
    assert_eq!(ended.unwrap(), Ended::Unsound);
}

const DATABASE: &str = "
    INSERT INTO processing_metrics VALUES
        ('aaaaaaaa', 'f9309ddf-a1a', 12345, -100, 'ai_processing', '2026-11-19T10:00:00.000001', '2026-11-19T10:00:01.200001', 1200, 1, NULL, '{\"tokens\": 7, \"ok\": false, \"message\": \"Hi\"}'),
        ('bbbbbbbb', 'f9309ddf-a1a', 12345, -100, 'user_delivery', '2026-11-19T10:00:02', '2026-11-19T10:00:02.5', 500, 0, 'timed out', '{}'),
        ('cccccccc', 'f9309ddf-a1a', 12345, -100, 'ai_processing', '2026-11-19T10:00:03', NULL, NULL, 1, NULL, '{}'),
        ('dddddddd', 'f9309ddf-a1a', 12345, -100, 'ai_dreaming', '2026-11-19T10:00:03', '2026-11-19T10:00:04', 1000, 1, NULL, '{}'),
        ('eeeeeeee', 'f9309ddf-a1a', 12345, -100, 'ai_processing', '2026-11-19T10:00:03', '2026-11-19T09:00:04', -3599000, 1, NULL, '{}');
    INSERT INTO correction_metrics VALUES
        ('11111111', 'f9309ddf-a1a', 99999, 'm-1', 'text_correction', 65, 89, 5000, NULL, NULL, '2026-11-19T10:01:00', 4, 0, '{\"quality\": NaN}'),
        ('22222222', 'f9309ddf-a1a', 99999, 'm-2', 'rejection', 65, 0, NULL, NULL, NULL, '2026-11-19T10:02:00', 99, 0, '{}');
    INSERT INTO filtering_metrics VALUES
        ('33333333', 'f9309ddf-a1a', 12345, -100, 3, 'length_check', 'length', 2, '2026-11-19T10:03:00', 'Hi!', '{}'),
        ('44444444', 'f9309ddf-a1a', 12345, -100, 30, 'spam', NULL, 2, '2026-11-19T10:03:01', 'Buy now', '{}');
    INSERT INTO system_metrics (timestamp, metric_type, value, tags, metadata) VALUES
        ('2026-11-19T10:04:00.999', 'queue_length', '3', '{\"component\": \"moderation\"}', '{}'),
        ('2026-11-19T10:04:00.999', 'queue_length', '3', '{\"component\": \"delivery\"}', '{}'),
        ('2026-11-19T10:09:00.9', 'load', '2.5', NULL, '{}'),
        ('2026-11-19T10:10:00', 'state', '<object object at 0x7f>', NULL, '{}'),
        ('2026-11-19T10:10:00', 'load', 'nan', NULL, '{}');
";

/// The same, and what only the log has: the session, a stage whose id came again, one whose metadata could not be stored.
const LOG: &str = r#"{"timestamp": "2026-11-19T09:59:59", "level": "info", "event_type": "session_created", "message": "Session created", "session_id": "f9309ddf-a1a", "user_id": 12345, "chat_id": -100}
{"timestamp": "2026-11-19T10:00:00", "level": "metric", "event_type": "timing_started", "message": "Started timing ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "aaaaaaaa", "stage": "ai_processing"}
{"timestamp": "2026-11-19T09:58:00", "level": "metric", "event_type": "timing_completed", "message": "Completed timing ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "aaaaaaaa", "stage": "ai_processing", "duration_ms": 7, "success": true, "error_message": null}
{"timestamp": "2026-11-19T10:00:01.203", "level": "metric", "event_type": "timing_completed", "message": "Completed timing ai_processing", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "aaaaaaaa", "stage": "ai_processing", "duration_ms": 1200, "success": true, "error_message": null}
{"timestamp": "2026-11-19T10:00:02.503", "level": "metric", "event_type": "timing_completed", "message": "Completed timing user_delivery", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "bbbbbbbb", "stage": "user_delivery", "duration_ms": 500, "success": false, "error_message": "timed out"}
{"timestamp": "2026-11-19T10:00:05", "level": "metric", "event_type": "timing_completed", "message": "Completed timing final_response", "session_id": "f9309ddf-a1a", "user_id": 12345, "metric_id": "ffffffff", "stage": "final_response", "duration_ms": 20, "success": true, "error_message": null}

{"timestamp": "2026-11-19T10:01:00.004", "level": "metric", "event_type": "correction_recorded", "message": "Correction recorded: text_correction", "session_id": "f9309ddf-a1a", "user_id": null, "correction_id": "11111111", "admin_user_id": 99999, "message_id": "m-1", "correction_type": "text_correction", "processing_time_ms": 5000, "original_length": 65, "corrected_length": 89, "length_change": 24}
{"timestamp": "2026-11-19T10:03:00.002", "level": "metric", "event_type": "message_filtered", "message": "Message filtered: length_check", "session_id": "f9309ddf-a1a", "user_id": 12345, "filtering_id": "33333333", "chat_id": -100, "message_length": 3, "filtering_reason": "length_check", "stage_failed": "length", "processing_time_ms": 2}
{"timestamp": "2026-11-19T10:04:01.003", "level": "metric", "event_type": "system_metric", "message": "System metric: queue_length", "session_id": null, "user_id": null, "metric_type": "queue_length", "value": 3, "tags": {"component": "moderation"}}
{"timestamp": "2026-11-19T10:04:01.004", "level": "metric", "event_type": "system_metric", "message": "System metric: queue_length", "session_id": null, "user_id": null, "metric_type": "queue_length", "value": 3, "tags": {"component": "delivery"}}
{"timestamp": "2026-11-19T10:09:00.91", "level": "metric", "event_type": "system_metric", "message": "System metric: load", "session_id": null, "user_id": null, "metric_type": "load", "value": 2.5, "tags": {}}
{"timestamp": "2026-11-19T10:11:00", "level": "metric", "event_type": "system_metric", "message": "System metric: load", "session_id": null, "user_id": null, "metric_type": "load", "value": 2.5, "tags": {}}
{"timestamp": "2026-11-19T10:12:00", "level": "metric", "event_type": "system_metric", "message": "System metric: load", "session_id": null, "user_id": null, "metric_type": "load", "value": NaN, "tags": {}}
{"timestamp": "2026-11-19T10:13:00", "lev"#;

const BOT_KINDS: [(&str, usize); 5] = [
    ("session", 1),
    ("stage", 4),
    ("correction", 1),
    ("filter", 1),
    ("system", 4),
];

#[tokio::test]
async fn a_bots_database_and_log_are_one_past() {
    let world = world();
    bot(&world, "metrics.db").await.execute(DATABASE).await;
    fs::write(world.path("metrics.jsonl"), LOG).unwrap();
    let report = migrate(&world, &["metrics.jsonl", "metrics.db"])
        .await
        .unwrap();
    // The database is read first, in whatever order the files are given.
    assert_eq!(counts(&report), [[14, 7, 0, 0, 0, 6], [14, 4, 0, 0, 7, 2]]);
    let [database, log] = &report.files[..] else {
        panic!("{report:?}");
    };
    assert_eq!((database.look.unfinished, log.look.passed_over), (1, 1));
    is_equal(&report);
    assert_eq!(
        reasons(&report),
        [
            r#"1 processing_metrics ["dddddddd"] labels.stage: `ai_dreaming` is not one of its values: expected one of query_received, ai_processing, ai_response, moderation_queue, admin_review, correction_processing, correction_ai, final_response, user_delivery"#,
            r#"1 processing_metrics ["eeeeeeee"] values.duration: -3599000 is below 0"#,
            r#"1 correction_metrics ["22222222"] values.admin_satisfaction: 99 is above 5"#,
            r#"1 filtering_metrics ["44444444"] labels.reason: `spam` is not one of its values: expected one of length_check, work_validation, relevance_check, none"#,
            "2 system_metrics [4,5] values.value: expected a number, found text: a text belongs into a label",
            "1 line [14] values.value: expected a number, found text: a text belongs into a label",
            "1 line [15] : not valid JSON: EOF while parsing a string at line 1 column 41",
        ]
    );
    for (kind, count) in BOT_KINDS {
        assert_eq!(points(&world, kind).await.len(), count, "{kind}");
    }
    let stages = points(&world, "stage").await;
    assert_eq!(
        stages[1],
        json!({
            "at": "2026-11-19T09:00:01.200001Z", "kind": "stage",
            "labels": { "stage": "ai_processing", "session_id": "f9309ddf-a1a", "user_id": "12345", "chat_id": "-100" },
            "values": { "duration": 1200 }, "ok": true, "details": { "tokens": 7, "ok": false },
        })
    );
    assert_eq!(
        stages[2]["details"],
        json!({ "error_message": "timed out" })
    );
    let everything = [stages, points(&world, "filter").await];
    assert!(!json!(everything).to_string().contains("Hi"));
    assert_eq!(
        points(&world, "correction").await[0]["details"],
        json!({ "quality": "NaN" })
    );
}

#[tokio::test]
async fn one_after_the_other_and_again_nothing_is_kept_twice() {
    for order in [
        ["metrics.db", "metrics.jsonl"],
        ["metrics.jsonl", "metrics.db"],
    ] {
        let world = world();
        bot(&world, "metrics.db").await.execute(DATABASE).await;
        fs::write(world.path("metrics.jsonl"), LOG).unwrap();
        let [first, second] = order;
        is_equal(&migrate(&world, &[first]).await.unwrap());
        let report = migrate(&world, &[second]).await.unwrap();
        is_equal(&report);
        assert_eq!(report.files[0].look.elsewhere, 7, "{order:?}");
        // Rotated, the log has another name; a copy of the database has the same rows.
        fs::rename(
            world.path("metrics.jsonl"),
            world.path("metrics.jsonl.20261120_110000"),
        )
        .unwrap();
        fs::copy(world.path("metrics.db"), world.path("copy.db")).unwrap();
        let all = ["metrics.jsonl.20261120_110000", "metrics.db", "copy.db"];
        let report = migrate(&world, &all).await.unwrap();
        is_equal(&report);
        assert_eq!(report.files.iter().map(|file| file.kept).sum::<u64>(), 0);
        for (kind, count) in BOT_KINDS {
            assert_eq!(points(&world, kind).await.len(), count, "{kind} {order:?}");
        }
    }
}

#[tokio::test]
async fn what_was_recorded_when_it_happened_is_not_migrated_again() {
    let world = world();
    fs::write(world.path("metrics.jsonl"), LOG).unwrap();
    let (recorder, writer) = super::recorder_in(&world.path("live.db"), Settings::default()).await;
    let line = LOG.lines().nth(5).unwrap();
    let event = daybook::live::compat::bot::event(line.as_bytes(), Tz::Europe__Zurich);
    recorder.record(&event.unwrap().unwrap()).await.unwrap();
    writer.stop().await.unwrap().close().await.unwrap();
    let report = migrate(&world, &["metrics.jsonl"]).await.unwrap();
    assert_eq!(report.files[0].look.elsewhere, 1);
    is_equal(&report);
    assert_eq!(points(&world, "stage").await.len(), 4);
}

#[tokio::test]
async fn local_times_of_the_hour_that_comes_twice_and_of_the_one_that_never_comes() {
    let world = world();
    let app = bot_without_filters(&world, "metrics.db").await;
    app.execute(
        "INSERT INTO system_metrics (timestamp, metric_type, value) VALUES
            ('2026-10-25T01:59:59', 'a', '1'), ('2026-10-25T02:30:00', 'b', '1'), ('2026-10-25T03:00:00', 'c', '1'),
            ('2026-03-29T02:30:00.5', 'd', '1'), ('2026-11-01T00:00:00', 'e', '1'), ('2026-10-31T23:59:59.999999', 'f', '1'),
            ('someday', 'g', '1')",
    )
    .await;
    let now = "2026-11-03T11:00:00Z";
    let refused = migrate_at(&world, &["metrics.db"], now).await.unwrap_err();
    assert!(
        refused.to_string().contains(
            "`system`: 4 records, the oldest of 2026-03-29, older than its `keep.points`"
        ),
        "{refused}"
    );
    assert!(!world.path("live.db").exists());
    world.write("daybook.toml", &settings_that_keep_all());
    let report = migrate_at(&world, &["metrics.db"], now).await.unwrap();
    assert_eq!(counts(&report), [[7, 6, 0, 0, 0, 1]]);
    is_equal(&report);
    let store = Store::open_reading(&world.path("live.db")).await.unwrap();
    let mut store = store.unwrap();
    let kind = &world.config().live.unwrap().kinds["system"];
    let everything = super::everything();
    let found = daybook::live::question::points(&mut store, kind, &everything);
    let found = found.await.unwrap().points;
    let times = daybook::live::point::points(&found, "system")
        .map(|point| json!(point)["at"].as_str().unwrap().to_owned());
    assert_eq!(
        times.collect::<Vec<_>>(),
        [
            "2026-10-31T23:00:00Z",
            "2026-10-31T22:59:59.999999Z",
            "2026-10-25T02:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-24T23:59:59Z",
            "2026-03-29T01:00:00Z",
        ]
    );
    let months: Vec<u64> = report.months.iter().map(|month| month.moved).collect();
    assert_eq!(months, [1, 4, 1]);
}

#[tokio::test]
async fn older_rows_live_on_in_rollups_if_that_is_asked_for() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    insert_tasks(&app, 1..=5).await;
    app.execute("UPDATE task_metrics SET timestamp = timestamp - 40 * 86400 WHERE id < 4")
        .await;
    let args = ["live", "migrate", "storage.db"];
    let refused = world.command(&args).await.unwrap_err();
    let message = refused.to_string();
    assert!(matches!(refused, CommandError::Usage(_)), "{message}");
    assert!(message.contains("--roll-up-older"), "{message}");
    assert!(!world.path("live.db").exists());
    let args = ["live", "migrate", "storage.db", "--roll-up-older"];
    for _ in 0..2 {
        assert_eq!(world.command(&args).await.unwrap(), Ended::Done);
    }
    assert_eq!(points(&world, "task").await.len(), 2);
    let short = settings_that_keep_all().replace("points = \"forever\"", "monthly = \"32d\"");
    world.write("daybook.toml", &short);
    app.execute("UPDATE task_metrics SET id = id + 10").await;
    let lost = world.command(&args).await.unwrap_err().to_string();
    assert!(
        lost.contains("3 records, the oldest of 2026-10-10, older than its `keep.monthly`"),
        "{lost}"
    );
    let mut store = Store::open_reading(&world.path("live.db"))
        .await
        .unwrap()
        .unwrap();
    let kinds = world.config().live.unwrap().kinds;
    let held = store
        .held(&kinds["task"], Tz::Europe__Zurich)
        .await
        .unwrap();
    let held: Vec<u64> = held.values().map(|month| month.points).collect();
    assert_eq!(held, [3, 2]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = world();
    bot(&world, "metrics.db").await.execute(DATABASE).await;
    let before = names(&world);
    let args = ["live", "migrate", "metrics.db", "--dry-run"];
    assert_eq!(world.command(&args).await.unwrap(), Ended::Done);
    assert_eq!(names(&world), before);
    migrate(&world, &["metrics.db"]).await.unwrap();
    let (before, live) = (names(&world), fs::read(world.path("live.db")).unwrap());
    assert_eq!(world.command(&args).await.unwrap(), Ended::Done);
    assert_eq!(fs::read(world.path("live.db")).unwrap(), live);
    assert!(before.is_subset(&names(&world)));
}

fn names(world: &World) -> std::collections::BTreeSet<String> {
    fs::read_dir(world.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn what_is_no_source_is_refused_and_says_what_was_expected() {
    let world = world();
    world.write("notes.txt", "hello");
    world.sqlite("app.db").await;
    App::Sqlite(world.path("app.db"))
        .execute("CREATE TABLE task_metrics (id INTEGER)")
        .await;
    bot(&world, "metrics.db").await;
    let refused = async |world: &World, file: &str| {
        let refused = world.command(&["live", "migrate", file]).await.unwrap_err();
        assert!(matches!(refused, CommandError::Usage(_)), "{refused}");
        refused.to_string()
    };
    for file in ["notes.txt", "app.db"] {
        let message = refused(&world, file).await;
        assert!(
            message.contains("expected the database of a bot metrics service"),
            "{message}"
        );
    }
    assert!(
        refused(&world, "gone.db")
            .await
            .contains("there is no such file")
    );
    let settings = format!("[live]\npresets = [\"agents\"]\n{METRICS}");
    world.write("daybook.toml", &settings);
    let message = refused(&world, "metrics.db").await;
    assert!(message.contains("add the preset `bot`"), "{message}");
    world.write("daybook.toml", &format!("[live]\non = false\n{METRICS}"));
    assert!(
        refused(&world, "metrics.db")
            .await
            .contains("recording is off")
    );
    assert!(!world.path("live.db").exists());
}

/// SQLite takes anything in any column.
const CELLS: [&str; 26] = [
    "NULL",
    "0",
    "1",
    "-1",
    "2",
    "12",
    "1795000000",
    "9223372036854775807",
    "-9223372036854775808",
    "0.5",
    "1e300",
    "9e999",
    "-9e999",
    "''",
    "'x'",
    "x'00ff'",
    "CAST(x'fffe41' AS TEXT)",
    "CAST(x'410042' AS TEXT)",
    "'NaN'",
    "'{\"a\": [NaN, -Infinity]}'",
    "'[[[['",
    "'2026-11-19T10:00:00'",
    "'9999-12-31T23:59:59'",
    "'1970-01-01 00:00:00.5'",
    "'ai_processing'",
    "'\u{202e}rejection\u{1b}[2J'",
];

#[tokio::test]
async fn whatever_stands_in_a_table_every_row_is_accounted_for() {
    let world = world();
    world.write("daybook.toml", &settings_that_keep_all());
    let (agents, bot) = (
        agents(&world, "storage.db", "WAL").await,
        bot(&world, "metrics.db").await,
    );
    let mut dice = Dice(7);
    let mut archived = Vec::new();
    for (app, table, columns) in [
        (&agents, "task_metrics", 8),
        (&agents, "agent_metrics", 6),
        (&agents, "swarm_metrics", 6),
        (&bot, "processing_metrics", 11),
        (&bot, "correction_metrics", 14),
        (&bot, "filtering_metrics", 11),
        (&bot, "system_metrics", 6),
    ] {
        let mut rows = Vec::new();
        for id in 0..300 {
            let mut cells: Vec<&str> = (0..columns).map(|_| dice.pick(&CELLS)).collect();
            let id = id.to_string();
            cells[0] = &id;
            rows.push(format!("({})", cells.join(", ")));
        }
        let rows = rows.join(", ");
        app.execute(&format!("INSERT OR IGNORE INTO {table} VALUES {rows}"))
            .await;
        archived.push(archive(
            table,
            1,
            &format!("[{{\"id\": 7}}, {{\"id\": \"{table}\", \"value\": []}}]"),
        ));
    }
    agents.execute(&archived.concat()).await;
    let files = ["storage.db", "metrics.db"];
    for run in 0..2 {
        let report = migrate(&world, &files).await.unwrap();
        is_equal(&report);
        for file in &report.files {
            let look = &file.look;
            let sum = look.new + look.taken + look.elsewhere + look.again;
            let left_out = look.unfinished + look.passed_over + look.refusals.count;
            assert_eq!(sum + left_out, look.records);
            assert_eq!(file.kept, look.new);
            assert_eq!(file.kept > 0, run == 0, "{}", file.name);
        }
    }
}

#[tokio::test]
async fn asked_to_stop_it_ends_between_pages_and_says_how_to_go_on() {
    let world = world();
    let app = agents(&world, "storage.db", "DELETE").await;
    insert_tasks(&app, 1..=3).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let live = world.config().live.unwrap();
    let job = Job {
        live: &live,
        zone: Tz::Europe__Zurich,
        now: super::noon(),
        dry_run: false,
        roll_up_older: false,
        stop,
    };
    let source = Source::open(&world.path("storage.db"), "storage.db".to_owned())
        .await
        .unwrap();
    let stopped = moving::migrate(vec![source], &job, &|_, _, _| {}).await;
    assert_eq!(
        stopped.unwrap_err().to_string(),
        "interrupted: 0 records kept; run the same command again to go on"
    );
    let report = migrate(&world, &["storage.db"]).await.unwrap();
    assert_eq!(counts(&report), [[3, 3, 0, 0, 0, 0]]);
}
