//! The files of the originals, made by their own statements.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::Value as Json;
use support::world::{App, World};

/// As the agents' storage makes it, with its indexes where SQLite takes them.
const AGENTS: &str = "
    CREATE TABLE task_metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        duration_ms INTEGER,
        tokens_used INTEGER DEFAULT 0,
        success INTEGER NOT NULL,
        metadata TEXT
    );
    CREATE INDEX idx_task_time ON task_metrics (timestamp, task_id);
    CREATE INDEX idx_agent_time ON task_metrics (timestamp, agent_id);
    CREATE TABLE agent_metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        agent_id TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        metric_type TEXT NOT NULL,
        value REAL NOT NULL,
        metadata TEXT
    );
    CREATE INDEX idx_agent_metric_time ON agent_metrics (agent_id, metric_type, timestamp);
    CREATE TABLE swarm_metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        swarm_id TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        metric_type TEXT NOT NULL,
        value REAL NOT NULL,
        metadata TEXT
    );
    CREATE INDEX idx_swarm_metric_time ON swarm_metrics (swarm_id, metric_type, timestamp);
    CREATE TABLE metrics_archive (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        archive_date TEXT NOT NULL,
        metric_table TEXT NOT NULL,
        aggregation_level TEXT NOT NULL,
        compressed_data BLOB NOT NULL,
        record_count INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    );
    CREATE INDEX idx_archive_date ON metrics_archive (archive_date, metric_table);
    CREATE TABLE storage_schema_info (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL);
    INSERT INTO storage_schema_info VALUES ('version', '2.0.0', 1763636400);
";

/// As the bot service makes it.
const BOT: &str = "
    CREATE TABLE processing_metrics (
        metric_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        stage TEXT NOT NULL,
        start_time TEXT NOT NULL,
        end_time TEXT,
        duration_ms INTEGER,
        success BOOLEAN,
        error_message TEXT,
        metadata TEXT
    );
    CREATE TABLE correction_metrics (
        correction_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        admin_user_id INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        correction_type TEXT NOT NULL,
        original_length INTEGER,
        corrected_length INTEGER,
        processing_time_ms INTEGER,
        voice_transcription_time_ms INTEGER,
        ai_correction_time_ms INTEGER,
        timestamp TEXT NOT NULL,
        admin_satisfaction INTEGER,
        retry_count INTEGER,
        metadata TEXT
    );
    CREATE TABLE system_metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        timestamp TEXT NOT NULL,
        metric_type TEXT NOT NULL,
        value TEXT NOT NULL,
        tags TEXT,
        metadata TEXT
    );
";

const FILTERING: &str = "
    CREATE TABLE filtering_metrics (
        filtering_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        chat_id INTEGER NOT NULL,
        message_length INTEGER NOT NULL,
        filtering_reason TEXT NOT NULL,
        stage_failed TEXT,
        processing_time_ms INTEGER,
        timestamp TEXT NOT NULL,
        message_preview TEXT,
        metadata TEXT
    );
";

pub(super) async fn agents(world: &World, name: &str, journal: &str) -> App {
    let app = world.sqlite(name).await;
    app.execute(&format!("PRAGMA journal_mode = {journal}; {AGENTS}"))
        .await;
    app
}

pub(super) async fn bot(world: &World, name: &str) -> App {
    let app = world.sqlite(name).await;
    app.execute(&format!("{BOT}{FILTERING}")).await;
    app
}

pub(super) async fn bot_without_filters(world: &World, name: &str) -> App {
    let app = world.sqlite(name).await;
    app.execute(BOT).await;
    app
}

/// A statement that archives these records, as Python wrote them.
pub(super) fn archive(table: &str, count: usize, records: &str) -> String {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(6));
    packed.write_all(records.as_bytes()).unwrap();
    let hex: String = packed
        .finish()
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "INSERT INTO metrics_archive (archive_date, metric_table, aggregation_level, compressed_data, record_count, created_at)
         VALUES ('2026-11-13', '{table}', 'detailed', x'{hex}', {count}, 1763636400);"
    )
}

/// The records of the tasks with these numbers, as they are archived.
pub(super) async fn tasks_as_json(app: &App, ids: &str) -> String {
    let rows = app
        .rows(&format!(
            "SELECT json_object('id', id, 'task_id', task_id, 'agent_id', agent_id, 'timestamp', timestamp,
                'duration_ms', duration_ms, 'tokens_used', tokens_used, 'success', success, 'metadata', metadata)
             FROM task_metrics WHERE id IN ({ids}) ORDER BY timestamp"
        ))
        .await;
    let rows: Vec<String> = rows.into_iter().flatten().flatten().collect();
    format!("[{}]", rows.join(", "))
}

/// Moves the tasks with these numbers into the archive, as the storage does.
pub(super) async fn archive_tasks(app: &App, ids: &str) {
    let records = tasks_as_json(app, ids).await;
    let count = serde_json::from_str::<Vec<Json>>(&records).unwrap().len();
    app.execute(&archive("task_metrics", count, &records)).await;
    app.execute(&format!("DELETE FROM task_metrics WHERE id IN ({ids})"))
        .await;
}
