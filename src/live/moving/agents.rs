//! The file of the agents' metrics storage: three tables, and the archive into which their oldest rows are moved.

use std::collections::HashMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde_json::{Map, Value as Json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::super::event::{Event, Hash, Refused, label, moment, number, refused};
use super::MoveError;
use super::foreign::{Foreign, cells};
use super::python;
use super::row::{Key, PAGE, Page, Read, Row, Witness};

struct Table {
    name: &'static str,
    kind: &'static str,
    /// Without the id, which is the first.
    columns: &'static [(&'static str, Field)],
    page: &'static str,
    one: &'static str,
    last: &'static str,
}

/// What a column becomes.
enum Field {
    Label(&'static str),
    Value(&'static str),
    At,
    Ok,
    Details,
}

const TABLES: [Table; 3] = [
    Table {
        name: "task_metrics",
        kind: "task",
        columns: &[
            ("task_id", Field::Label("task_id")),
            ("agent_id", Field::Label("agent_id")),
            ("timestamp", Field::At),
            ("duration_ms", Field::Value("duration")),
            ("tokens_used", Field::Value("tokens_used")),
            ("success", Field::Ok),
            ("metadata", Field::Details),
        ],
        page: "SELECT id, task_id, agent_id, timestamp, duration_ms, tokens_used, success, metadata FROM task_metrics
               WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        one: "SELECT id, task_id, agent_id, timestamp, duration_ms, tokens_used, success, metadata FROM task_metrics WHERE id = ?",
        last: "SELECT coalesce(max(id), 0) FROM task_metrics",
    },
    Table {
        name: "agent_metrics",
        kind: "agent",
        columns: &[
            ("agent_id", Field::Label("agent_id")),
            ("timestamp", Field::At),
            ("metric_type", Field::Label("metric_type")),
            ("value", Field::Value("value")),
            ("metadata", Field::Details),
        ],
        page: "SELECT id, agent_id, timestamp, metric_type, value, metadata FROM agent_metrics
               WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        one: "SELECT id, agent_id, timestamp, metric_type, value, metadata FROM agent_metrics WHERE id = ?",
        last: "SELECT coalesce(max(id), 0) FROM agent_metrics",
    },
    Table {
        name: "swarm_metrics",
        kind: "swarm",
        columns: &[
            ("swarm_id", Field::Label("swarm_id")),
            ("timestamp", Field::At),
            ("metric_type", Field::Label("metric_type")),
            ("value", Field::Value("value")),
            ("metadata", Field::Details),
        ],
        page: "SELECT id, swarm_id, timestamp, metric_type, value, metadata FROM swarm_metrics
               WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        one: "SELECT id, swarm_id, timestamp, metric_type, value, metadata FROM swarm_metrics WHERE id = ?",
        last: "SELECT coalesce(max(id), 0) FROM swarm_metrics",
    },
];

const ARCHIVE: &str = "metrics_archive";
const ARCHIVED: &str = "SELECT id, metric_table, compressed_data, record_count FROM metrics_archive
    WHERE id > ? ORDER BY id LIMIT 1";
/// Bytes that are unpacked of one row of the archive; a thousand records have some 200,000.
const MOST_UNPACKED: u64 = 64 << 20;

pub(super) struct Storage {
    file: Foreign,
    has_archive: bool,
    /// The last row of each table that is taken: later ones are for the next time.
    last: Vec<i64>,
    at: Place,
}

/// What is read next. The archive is last: a row that is moved there meanwhile is read twice rather than never.
#[derive(Clone, Copy)]
enum Place {
    Table { table: usize, after: i64 },
    Archive { after: i64 },
}

const START: Place = Place::Table {
    table: 0,
    after: i64::MIN,
};

/// A row of the archive: records of one table.
struct Packed {
    id: i64,
    table: String,
    data: Vec<u8>,
    count: u64,
}

pub(super) fn is_it(tables: &[String]) -> bool {
    TABLES
        .iter()
        .all(|table| tables.iter().any(|name| name == table.name))
}

impl Storage {
    pub(super) async fn new(mut file: Foreign, names: &[String]) -> Result<Self, MoveError> {
        let mut last = Vec::new();
        for table in &TABLES {
            let id = sqlx::query_scalar(table.last)
                .fetch_one(&mut file.connection)
                .await;
            last.push(file.checked(id)?);
        }
        Ok(Self {
            file,
            has_archive: names.iter().any(|name| name == ARCHIVE),
            last,
            at: START,
        })
    }

    pub(super) fn rewind(&mut self) {
        self.at = START;
    }

    pub(super) async fn page(&mut self) -> Result<Option<Page>, MoveError> {
        loop {
            match self.at {
                Place::Table { table, .. } if table == TABLES.len() => {
                    self.at = Place::Archive { after: i64::MIN };
                }
                Place::Table { table, after } => {
                    if let Some(page) = self.live(table, after).await? {
                        return Ok(Some(page));
                    }
                    self.at = Place::Table {
                        table: table + 1,
                        after: i64::MIN,
                    };
                }
                Place::Archive { after } => return self.archived(after).await,
            }
        }
    }

    async fn live(&mut self, table: usize, after: i64) -> Result<Option<Page>, MoveError> {
        let read = sqlx::query(TABLES[table].page)
            .bind(after)
            .bind(self.last[table])
            .bind(PAGE as i64)
            .fetch_all(&mut self.file.connection)
            .await;
        let numbered = |row: &SqliteRow| Ok((row.try_get(0)?, cells(row, 1)?));
        let rows = read.and_then(|rows| rows.iter().map(numbered).collect());
        let rows: Vec<(i64, Vec<Json>)> = self.file.checked(rows)?;
        let mut page = Page::default();
        let count = rows.len();
        for (at, (id, cells)) in rows.into_iter().enumerate() {
            if at == 0 || at + 1 == count {
                page.witness(table, id, &cells);
            }
            page.add(table, id, cells);
            self.at = Place::Table { table, after: id };
        }
        Ok((!page.rows.is_empty()).then_some(page))
    }

    async fn archived(&mut self, mut after: i64) -> Result<Option<Page>, MoveError> {
        let mut page = Page::default();
        while page.rows.len() < PAGE {
            let Some(packed) = self.packed(after).await? else {
                break;
            };
            after = packed.id;
            match unpacked(&packed) {
                Ok((table, records)) => {
                    let count = records.len();
                    for (at, mut record) in records.into_iter().enumerate() {
                        let Some(id) = record.get("id").and_then(Json::as_i64) else {
                            page.refuse(after, "id", "missing");
                            continue;
                        };
                        // What was not there yet when the reading began is for the next time.
                        if id <= self.last[table] {
                            let cells = in_order(table, &mut record);
                            if at == 0 || at + 1 == count {
                                page.witness(table, id, &cells);
                            }
                            page.add(table, id, cells);
                        }
                    }
                }
                Err(error) => (0..packed.count).for_each(|_| page.refuse(after, "", &error)),
            }
        }
        self.at = Place::Archive { after };
        Ok((!page.rows.is_empty()).then_some(page))
    }

    async fn packed(&mut self, after: i64) -> Result<Option<Packed>, MoveError> {
        if !self.has_archive {
            return Ok(None);
        }
        let row = sqlx::query(ARCHIVED)
            .bind(after)
            .fetch_optional(&mut self.file.connection)
            .await;
        let packed = self.file.checked(row)?.map(|row| {
            Ok(Packed {
                id: row.try_get(0)?,
                table: row.try_get_unchecked(1)?,
                data: row.try_get_unchecked(2)?,
                count: row.try_get_unchecked::<i64, _>(3)?.max(1).unsigned_abs(),
            })
        });
        self.file.checked(packed.transpose())
    }

    /// What these rows hold now, those that are no more left out. In the archive they are looked for only if no other tells.
    pub(super) async fn look_for(
        &mut self,
        asked: &[Witness],
    ) -> Result<HashMap<(usize, i64), Hash>, MoveError> {
        let mut found = HashMap::new();
        for witness in asked {
            let row = sqlx::query(TABLES[witness.table].one)
                .bind(witness.id)
                .fetch_optional(&mut self.file.connection)
                .await;
            let read = self.file.checked(row)?.map(|row| cells(&row, 1));
            if let Some(cells) = self.file.checked(read.transpose())? {
                let known = Witness::of(witness.table, witness.id, &cells);
                found.insert((witness.table, witness.id), known.hash);
            }
        }
        let mut after = i64::MIN;
        while found.is_empty()
            && let Some(packed) = self.packed(after).await?
        {
            after = packed.id;
            found = packed_away(&packed, asked);
        }
        Ok(found)
    }
}

/// What a row of the archive holds of these.
fn packed_away(packed: &Packed, asked: &[Witness]) -> HashMap<(usize, i64), Hash> {
    let mut found = HashMap::new();
    let (table, records) = unpacked(packed).unwrap_or_default();
    for mut record in records {
        let id = record.get("id").and_then(Json::as_i64);
        let is_asked = |witness: &&Witness| witness.table == table && Some(witness.id) == id;
        if let Some(Witness { id, .. }) = asked.iter().find(is_asked) {
            let known = Witness::of(table, *id, &in_order(table, &mut record));
            found.insert((table, *id), known.hash);
        }
    }
    found
}

impl Page {
    /// The first of the page is kept, and the last.
    fn witness(&mut self, table: usize, id: i64, cells: &[Json]) {
        self.witnesses.truncate(1);
        self.witnesses.push(Witness::of(table, id, cells));
    }

    fn add(&mut self, table: usize, id: i64, cells: Vec<Json>) {
        let read = match event(&TABLES[table], cells) {
            Ok(event) => Read::Event(Box::new(event), Key::Numbered { table, id }),
            Err(refused) => Read::Refused(refused),
        };
        self.rows.push(Row {
            table: TABLES[table].name,
            id: id.into(),
            read,
        });
    }

    fn refuse(&mut self, archive: i64, field: &str, error: &str) {
        self.rows.push(Row {
            table: ARCHIVE,
            id: archive.into(),
            read: Read::Refused(refused(field, error)),
        });
    }
}

fn unpacked(packed: &Packed) -> Result<(usize, Vec<Map<String, Json>>), String> {
    let table = TABLES.iter().position(|table| table.name == packed.table);
    let table = table.ok_or("it is of none of the three tables")?;
    let mut text = Vec::new();
    ZlibDecoder::new(&packed.data[..])
        .take(MOST_UNPACKED)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot be unpacked: {error}"))?;
    let records = serde_json::from_slice(&text).or_else(|error| match python::quoted(&text) {
        Some(text) => serde_json::from_slice(&text),
        None => Err(error),
    });
    let records = records.map_err(|error| format!("no list of records: {error}"))?;
    Ok((table, records))
}

/// The record's cells in the order of the table's columns.
fn in_order(table: usize, record: &mut Map<String, Json>) -> Vec<Json> {
    let columns = TABLES[table].columns.iter();
    columns
        .map(|(column, _)| record.get_mut(*column).map(Json::take).unwrap_or_default())
        .collect()
}

fn event(table: &Table, cells: Vec<Json>) -> Result<Event<'static>, Refused> {
    let mut event = Event::new(table.kind);
    for ((column, field), cell) in table.columns.iter().zip(cells) {
        let wrong = |error: &str| refused(*column, error);
        match field {
            Field::At => event.at = Some(moment(&cell)?),
            Field::Label(name) => {
                let text = label(&cell).map_err(wrong)?;
                event
                    .labels
                    .extend(text.map(|text| ((*name).into(), text.into())));
            }
            Field::Value(_) if python::is_endless(&cell) => {
                return Err(wrong("it is not finite, and cannot be counted"));
            }
            Field::Value(name) => {
                let number = number(&cell).map_err(wrong)?;
                event
                    .values
                    .extend(number.map(|number| ((*name).into(), number)));
            }
            Field::Ok => {
                event.ok = match cell {
                    Json::Bool(ok) => Some(ok),
                    Json::Null => None,
                    cell => match cell.as_i64() {
                        Some(ok @ (0 | 1)) => Some(ok == 1),
                        _ => return Err(wrong("expected 1 or 0")),
                    },
                };
            }
            Field::Details => event.details = python::metadata(cell),
        }
    }
    Ok(event)
}
