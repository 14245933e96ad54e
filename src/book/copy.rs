//! The whole book in another database: row by row in one transaction, compared before it is kept.

use sha2::{Digest, Sha256};

use crate::engine::Engine;

use super::row::{self, Unreadable, json_text, optional, plain};
use super::store::{Bind, Row, Writing};
use super::{Book, BookError};

const READ: &str = "read the book";
const WRITE: &str = "write the copy";

/// Few enough for the packets of every server.
const ROWS_AT_ONCE: usize = 100;

/// A table that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub table: &'static str,
    pub rows: u64,
    /// SHA-256 of its rows, whatever engine keeps them.
    pub digest: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Truth,
    Day,
    Instant,
    Json,
}

struct Table {
    name: &'static str,
    /// By which its rows are in order.
    key: &'static str,
    /// Whether the first column numbers the rows.
    is_numbered: bool,
    columns: &'static [(&'static str, Kind)],
}

/// What another refers to comes first.
const TABLES: &[Table] = &[
    Table {
        name: "daily_metrics",
        key: "collection_date",
        is_numbered: false,
        columns: &[
            ("collection_date", Kind::Day),
            ("collected_at", Kind::Instant),
            ("as_of", Kind::Instant),
            ("partial", Kind::Truth),
            ("time_zone", Kind::Text),
            ("day_start", Kind::Instant),
            ("day_end", Kind::Instant),
            ("collection_duration_ms", Kind::Whole),
            ("catalog_hash", Kind::Text),
            ("metrics", Kind::Json),
            ("provenance", Kind::Json),
            ("revision", Kind::Whole),
        ],
    },
    Table {
        name: "metric_columns",
        key: "position",
        is_numbered: true,
        columns: &[
            ("position", Kind::Whole),
            ("key", Kind::Text),
            ("kind", Kind::Text),
        ],
    },
    Table {
        name: "runs",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", Kind::Whole),
            ("started_at", Kind::Instant),
            ("ended_at", Kind::Instant),
            ("command", Kind::Text),
            ("outcome", Kind::Text),
            ("first_date", Kind::Day),
            ("last_date", Kind::Day),
            ("days", Kind::Whole),
            ("error", Kind::Text),
            ("duration_ms", Kind::Whole),
            ("collect_ms", Kind::Whole),
            ("store_ms", Kind::Whole),
            ("deliver_ms", Kind::Whole),
            ("prune_ms", Kind::Whole),
        ],
    },
    Table {
        name: "run_statements",
        key: "run_id, position",
        is_numbered: false,
        columns: &[
            ("run_id", Kind::Whole),
            ("position", Kind::Whole),
            ("database", Kind::Text),
            ("what", Kind::Text),
            ("duration_ms", Kind::Whole),
            ("rows", Kind::Whole),
            ("error", Kind::Text),
        ],
    },
    Table {
        name: "reports",
        key: "collection_date, subject",
        is_numbered: false,
        columns: &[
            ("collection_date", Kind::Day),
            ("subject", Kind::Text),
            ("planned_at", Kind::Instant),
            ("also_dates", Kind::Json),
            ("told", Kind::Json),
            ("corrections", Kind::Json),
            ("recipients", Kind::Json),
            ("stale_recipients", Kind::Text),
            ("bad_addresses", Kind::Json),
            ("reason", Kind::Text),
        ],
    },
    Table {
        name: "deliveries",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", Kind::Whole),
            ("collection_date", Kind::Day),
            ("subject", Kind::Text),
            ("channel", Kind::Text),
            ("recipient", Kind::Text),
            ("copy", Kind::Whole),
            ("name", Kind::Text),
            ("language", Kind::Text),
            ("numbers", Kind::Text),
            ("message_id", Kind::Text),
            ("state", Kind::Text),
            ("attempts", Kind::Whole),
            ("planned_at", Kind::Instant),
            ("claimed_at", Kind::Instant),
            ("in_doubt_since", Kind::Instant),
            ("retry_at", Kind::Instant),
            ("accepted_at", Kind::Instant),
            ("reply", Kind::Text),
        ],
    },
    Table {
        name: "mutes",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", Kind::Whole),
            ("key", Kind::Text),
            ("muted_at", Kind::Instant),
            ("until_date", Kind::Day),
            ("because", Kind::Text),
        ],
    },
];

/// Copies a book to an empty one. Nobody writes into either meanwhile; what goes wrong leaves the other empty.
pub async fn copy(from: &Book, to: &Book) -> Result<Vec<Copied>, BookError> {
    let mut reading = from.begin(READ).await?;
    let mut writing = to.begin(WRITE).await?;
    for table in TABLES {
        must_be_empty(to, &mut writing, table).await?;
    }
    let mut all = Vec::new();
    for table in TABLES {
        let copied = copy_table(from, &mut reading, to, &mut writing, table).await?;
        let again = digest_of(to, &mut writing, table).await?;
        if copied != again {
            return Err(BookError::CopyDiffers {
                book: to.name(),
                table: table.name,
            });
        }
        all.push(copied);
    }
    to.commit(WRITE, writing).await?;
    Ok(all)
}

async fn must_be_empty(book: &Book, writing: &mut Writing, table: &Table) -> Result<(), BookError> {
    let text = format!("SELECT count(*) AS found FROM {}", table.name);
    let rows = writing.rows_of(text, &[]).await;
    let rows = rows.map_err(|error| book.error(READ, error))?;
    let found = rows.first().and_then(|row| plain(row, "found").ok());
    let found: i64 = found.unwrap_or_default();
    match u64::try_from(found) {
        Ok(0) => Ok(()),
        found => Err(BookError::NotEmpty {
            book: book.name(),
            table: table.name,
            rows: found.unwrap_or_default(),
        }),
    }
}

async fn copy_table(
    from: &Book,
    reading: &mut Writing,
    to: &Book,
    writing: &mut Writing,
    table: &Table,
) -> Result<Copied, BookError> {
    let failed = |error| to.error(WRITE, error);
    let head = format!("INSERT INTO {} ({})", table.name, names(table));
    let mut counted = Counted::new();
    loop {
        let rows = some_rows(from, reading, table, counted.rows).await?;
        if rows.is_empty() {
            break;
        }
        counted.add(&rows);
        writing.add_all(&head, &rows).await.map_err(failed)?;
    }
    if table.is_numbered && writing.engine() == Engine::Postgres {
        number_on(writing, table).await.map_err(failed)?;
    }
    Ok(counted.of(table))
}

async fn digest_of(book: &Book, writing: &mut Writing, table: &Table) -> Result<Copied, BookError> {
    let mut counted = Counted::new();
    loop {
        let rows = some_rows(book, writing, table, counted.rows).await?;
        if rows.is_empty() {
            return Ok(counted.of(table));
        }
        counted.add(&rows);
    }
}

async fn some_rows(
    book: &Book,
    writing: &mut Writing,
    table: &Table,
    from: u64,
) -> Result<Vec<Vec<Bind>>, BookError> {
    let text = format!(
        "SELECT {} FROM {} ORDER BY {} LIMIT ?1 OFFSET ?2",
        names(table),
        table.name,
        table.key
    );
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows = writing
        .rows_of(text, &[(ROWS_AT_ONCE as i64).into(), from.into()])
        .await
        .map_err(|error| book.error(READ, error))?;
    let values = rows.iter().map(|row| {
        let columns = table.columns.iter();
        columns
            .map(|(name, kind)| value(row, name, *kind))
            .collect::<Result<Vec<Bind>, Unreadable>>()
            .map_err(|unreadable| book.bad_row(format!("row of `{}`", table.name), unreadable))
    });
    values.collect()
}

/// The server numbers the next row after those that were copied.
async fn number_on(writing: &mut Writing, table: &Table) -> sqlx::Result<()> {
    let (name, column) = (table.name, table.key);
    let text = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), max({column})) AS last FROM {name} HAVING count(*) > 0"
    );
    writing.rows_of(text, &[]).await?;
    Ok(())
}

/// In double quotes, since some are words of the language elsewhere.
fn names(table: &Table) -> String {
    let names = table.columns.iter().map(|(name, _)| format!("\"{name}\""));
    names.collect::<Vec<String>>().join(", ")
}

fn value(row: &Row, column: &'static str, kind: Kind) -> Result<Bind, Unreadable> {
    Ok(match kind {
        Kind::Text => Bind::Text(plain(row, column)?),
        Kind::Whole => Bind::Whole(plain(row, column)?),
        Kind::Truth => Bind::Truth(plain(row, column)?),
        Kind::Day => Bind::Day(optional(row, column, row::date)?),
        Kind::Instant => Bind::Instant(optional(row, column, row::moment)?),
        Kind::Json => Bind::json(json_text(row, column)?.to_owned()),
    })
}

struct Counted {
    rows: u64,
    digest: Sha256,
}

impl Counted {
    fn new() -> Self {
        Self {
            rows: 0,
            digest: Sha256::new(),
        }
    }

    fn add(&mut self, rows: &[Vec<Bind>]) {
        for row in rows {
            for value in row {
                self.digest.update(value.told().as_bytes());
                self.digest.update([0x1f]);
            }
            self.digest.update([0x1e]);
        }
        self.rows += rows.len() as u64;
    }

    fn of(self, table: &Table) -> Copied {
        let bytes = self.digest.finalize();
        Copied {
            table: table.name,
            rows: self.rows,
            digest: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
