//! The database of the bot metrics service: a table a kind, without one for sessions.

use chrono_tz::Tz;
use serde_json::{Map, Value as Json};

use super::MoveError;
use super::foreign::{Foreign, cells};
use super::python;
use super::record::{self, Teller};
use super::row::{PAGE, Page, Read, Row};

struct Table {
    name: &'static str,
    event_type: &'static str,
    /// What the columns of a page are in a record, without the row's number. The last one holds the metadata.
    fields: &'static [&'static str],
    page: &'static str,
    last: &'static str,
}

const TABLES: [Table; 4] = [
    Table {
        name: "processing_metrics",
        event_type: "timing_completed",
        fields: &[
            "metric_id",
            "session_id",
            "user_id",
            "chat_id",
            "stage",
            "timestamp",
            "duration_ms",
            "success",
            "error_message",
            "metadata",
        ],
        page: "SELECT rowid, metric_id, session_id, user_id, chat_id, stage, end_time, duration_ms, success, error_message, metadata
               FROM processing_metrics WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?",
        last: "SELECT coalesce(max(rowid), 0) FROM processing_metrics",
    },
    Table {
        name: "correction_metrics",
        event_type: "correction_recorded",
        fields: &[
            "correction_id",
            "session_id",
            "admin_user_id",
            "message_id",
            "correction_type",
            "original_length",
            "corrected_length",
            "processing_time_ms",
            "voice_transcription_time_ms",
            "ai_correction_time_ms",
            "timestamp",
            "admin_satisfaction",
            "retry_count",
            "metadata",
        ],
        page: "SELECT rowid, correction_id, session_id, admin_user_id, message_id, correction_type, original_length, corrected_length,
                   processing_time_ms, voice_transcription_time_ms, ai_correction_time_ms, timestamp, admin_satisfaction, retry_count, metadata
               FROM correction_metrics WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?",
        last: "SELECT coalesce(max(rowid), 0) FROM correction_metrics",
    },
    Table {
        name: "filtering_metrics",
        event_type: "message_filtered",
        fields: &[
            "filtering_id",
            "session_id",
            "user_id",
            "chat_id",
            "message_length",
            "filtering_reason",
            "stage_failed",
            "processing_time_ms",
            "timestamp",
            "metadata",
        ],
        page: "SELECT rowid, filtering_id, session_id, user_id, chat_id, message_length, filtering_reason, stage_failed, processing_time_ms, timestamp, metadata
               FROM filtering_metrics WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?",
        last: "SELECT coalesce(max(rowid), 0) FROM filtering_metrics",
    },
    Table {
        name: "system_metrics",
        event_type: "system_metric",
        fields: &["metric_type", "value", "tags", "timestamp", "metadata"],
        page: "SELECT id, metric_type, value, tags, timestamp, metadata
               FROM system_metrics WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        last: "SELECT coalesce(max(id), 0) FROM system_metrics",
    },
];
/// Older files lack it.
const MAY_BE_MISSING: &str = "filtering_metrics";

pub(super) struct Tables {
    file: Foreign,
    /// The tables that are there, with the last row of each that is taken: later ones are for the next time.
    tables: Vec<(&'static Table, i64)>,
    at: usize,
    after: i64,
}

pub(super) fn is_it(tables: &[String]) -> bool {
    let is_there = |table: &Table| tables.iter().any(|name| name == table.name);
    TABLES
        .iter()
        .all(|table| table.name == MAY_BE_MISSING || is_there(table))
}

impl Tables {
    pub(super) async fn new(mut file: Foreign, names: &[String]) -> Result<Self, MoveError> {
        let mut tables = Vec::new();
        for table in TABLES
            .iter()
            .filter(|table| names.iter().any(|name| name == table.name))
        {
            let last = sqlx::query_scalar(table.last)
                .fetch_one(&mut file.connection)
                .await;
            tables.push((table, file.checked(last)?));
        }
        Ok(Self {
            file,
            tables,
            at: 0,
            after: i64::MIN,
        })
    }

    pub(super) fn rewind(&mut self) {
        (self.at, self.after) = (0, i64::MIN);
    }

    pub(super) async fn page(&mut self, zone: Tz) -> Result<Option<Page>, MoveError> {
        while let Some((table, last)) = self.tables.get(self.at) {
            let read = sqlx::query(table.page)
                .bind(self.after)
                .bind(last)
                .bind(PAGE as i64)
                .fetch_all(&mut self.file.connection)
                .await;
            let rows = read.and_then(|rows| rows.iter().map(|row| cells(row, 0)).collect());
            let rows: Vec<Vec<Json>> = self.file.checked(rows)?;
            let Some(after) = rows.last().and_then(|cells| cells[0].as_i64()) else {
                (self.at, self.after) = (self.at + 1, i64::MIN);
                continue;
            };
            self.after = after;
            let rows = rows.into_iter().map(|cells| row(table, cells, zone));
            return Ok(Some(Page {
                rows: rows.collect(),
                witnesses: Vec::new(),
            }));
        }
        Ok(None)
    }
}

fn row(table: &Table, mut cells: Vec<Json>, zone: Tz) -> Row {
    let number = cells.remove(0);
    let metadata = cells.pop().and_then(python::metadata);
    let mut record: Map<String, Json> = table
        .fields
        .iter()
        .map(|field| (*field).to_owned())
        .zip(cells)
        .collect();
    // Their own ids name rows better than numbers that nobody sees.
    let id = match record.get(table.fields[0]) {
        Some(id @ Json::String(_)) if table.fields[0].ends_with("_id") => id.clone(),
        _ => number,
    };
    record.insert("event_type".to_owned(), table.event_type.into());
    let is_open = table.event_type == "timing_completed" && record["duration_ms"].is_null();
    let read = match is_open {
        true => Read::Unfinished,
        false => {
            as_logged(&mut record);
            record::read(record, metadata, zone, Teller::Database)
        }
    };
    Row {
        table: table.name,
        id,
        read,
    }
}

/// As the log has it: what the database keeps as a number or a text.
fn as_logged(record: &mut Map<String, Json>) {
    if let Some(success) = record.get_mut("success") {
        match success.as_i64() {
            Some(0) => *success = false.into(),
            Some(1) => *success = true.into(),
            _ => {}
        }
    }
    if let Some(Json::String(text)) = record.get("value") {
        let number = match text.parse::<i64>() {
            Ok(whole) => Json::from(whole),
            Err(_) => text.parse::<f64>().map_or(Json::Null, Json::from),
        };
        if !number.is_null() {
            record.insert("value".to_owned(), number);
        }
    }
    if let Some(tags) = record.shift_remove("tags").and_then(python::metadata) {
        record.insert("tags".to_owned(), tags);
    }
}
