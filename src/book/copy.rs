//! Copying the book to another database: in one transaction, compared before it is committed.

use sha2::{Digest, Sha256};

use crate::engine::Engine;

use super::row::{self, Unreadable, json_text, optional, plain};
use super::store::{Bind, Row, Transaction};
use super::{Book, BookError};

const READ: &str = "read the book";
const WRITE: &str = "write the copy";

/// Fits the packets of every server.
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
enum ColumnType {
    Text,
    Whole,
    Truth,
    Day,
    Instant,
    Json,
}

struct Table {
    name: &'static str,
    /// Orders its rows.
    key: &'static str,
    /// Whether the first column numbers the rows.
    is_numbered: bool,
    columns: &'static [(&'static str, ColumnType)],
}

/// Referenced tables first.
const TABLES: &[Table] = &[
    Table {
        name: "daily_metrics",
        key: "collection_date",
        is_numbered: false,
        columns: &[
            ("collection_date", ColumnType::Day),
            ("collected_at", ColumnType::Instant),
            ("as_of", ColumnType::Instant),
            ("partial", ColumnType::Truth),
            ("time_zone", ColumnType::Text),
            ("day_start", ColumnType::Instant),
            ("day_end", ColumnType::Instant),
            ("collection_duration_ms", ColumnType::Whole),
            ("catalog_hash", ColumnType::Text),
            ("metrics", ColumnType::Json),
            ("provenance", ColumnType::Json),
            ("revision", ColumnType::Whole),
        ],
    },
    Table {
        name: "metric_columns",
        key: "position",
        is_numbered: true,
        columns: &[
            ("position", ColumnType::Whole),
            ("key", ColumnType::Text),
            ("kind", ColumnType::Text),
        ],
    },
    Table {
        name: "runs",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", ColumnType::Whole),
            ("started_at", ColumnType::Instant),
            ("ended_at", ColumnType::Instant),
            ("command", ColumnType::Text),
            ("outcome", ColumnType::Text),
            ("first_date", ColumnType::Day),
            ("last_date", ColumnType::Day),
            ("days", ColumnType::Whole),
            ("error", ColumnType::Text),
            ("duration_ms", ColumnType::Whole),
            ("collect_ms", ColumnType::Whole),
            ("store_ms", ColumnType::Whole),
            ("deliver_ms", ColumnType::Whole),
            ("prune_ms", ColumnType::Whole),
        ],
    },
    Table {
        name: "run_statements",
        key: "run_id, position",
        is_numbered: false,
        columns: &[
            ("run_id", ColumnType::Whole),
            ("position", ColumnType::Whole),
            ("database", ColumnType::Text),
            ("what", ColumnType::Text),
            ("duration_ms", ColumnType::Whole),
            ("rows", ColumnType::Whole),
            ("error", ColumnType::Text),
        ],
    },
    Table {
        name: "reports",
        key: "collection_date, subject",
        is_numbered: false,
        columns: &[
            ("collection_date", ColumnType::Day),
            ("subject", ColumnType::Text),
            ("planned_at", ColumnType::Instant),
            ("also_dates", ColumnType::Json),
            ("told", ColumnType::Json),
            ("corrections", ColumnType::Json),
            ("recipients", ColumnType::Json),
            ("stale_recipients", ColumnType::Text),
            ("bad_addresses", ColumnType::Json),
            ("reason", ColumnType::Text),
        ],
    },
    Table {
        name: "deliveries",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", ColumnType::Whole),
            ("collection_date", ColumnType::Day),
            ("subject", ColumnType::Text),
            ("channel", ColumnType::Text),
            ("recipient", ColumnType::Text),
            ("copy", ColumnType::Whole),
            ("name", ColumnType::Text),
            ("language", ColumnType::Text),
            ("numbers", ColumnType::Text),
            ("message_id", ColumnType::Text),
            ("state", ColumnType::Text),
            ("attempts", ColumnType::Whole),
            ("planned_at", ColumnType::Instant),
            ("claimed_at", ColumnType::Instant),
            ("in_doubt_since", ColumnType::Instant),
            ("retry_at", ColumnType::Instant),
            ("accepted_at", ColumnType::Instant),
            ("reply", ColumnType::Text),
        ],
    },
    Table {
        name: "mutes",
        key: "id",
        is_numbered: true,
        columns: &[
            ("id", ColumnType::Whole),
            ("key", ColumnType::Text),
            ("muted_at", ColumnType::Instant),
            ("until_date", ColumnType::Day),
            ("because", ColumnType::Text),
        ],
    },
];

/// Copies a book to an empty one. Nobody else writes into either meanwhile; a failure leaves the target empty.
pub async fn copy(from: &Book, to: &Book) -> Result<Vec<Copied>, BookError> {
    let mut source = from.begin(READ).await?;
    let mut target = to.begin(WRITE).await?;
    for table in TABLES {
        must_be_empty(to, &mut target, table).await?;
    }
    let mut all = Vec::new();
    for table in TABLES {
        let copied = copy_table(from, &mut source, &mut target, table).await?;
        let again = digest_of(to, &mut target, table).await?;
        if copied != again {
            return Err(BookError::CopyDiffers {
                book: to.name(),
                table: table.name,
            });
        }
        all.push(copied);
    }
    target.commit().await?;
    Ok(all)
}

async fn must_be_empty(book: &Book, tx: &mut Transaction, table: &Table) -> Result<(), BookError> {
    let text = format!("SELECT count(*) AS found FROM {}", table.name);
    let rows = tx.rows_of(text, &[]).await?;
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
    source: &mut Transaction,
    target: &mut Transaction,
    table: &Table,
) -> Result<Copied, BookError> {
    let head = format!("INSERT INTO {} ({})", table.name, names(table));
    let mut counted = Counted::default();
    loop {
        let rows = some_rows(from, source, table, counted.rows).await?;
        if rows.is_empty() {
            break;
        }
        counted.add(&rows);
        target.add_all(&head, &rows).await?;
    }
    if table.is_numbered && target.engine() == Engine::Postgres {
        continue_numbers(target, table).await?;
    }
    Ok(counted.finish(table))
}

async fn digest_of(book: &Book, tx: &mut Transaction, table: &Table) -> Result<Copied, BookError> {
    let mut counted = Counted::default();
    loop {
        let rows = some_rows(book, tx, table, counted.rows).await?;
        if rows.is_empty() {
            return Ok(counted.finish(table));
        }
        counted.add(&rows);
    }
}

async fn some_rows(
    book: &Book,
    tx: &mut Transaction,
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
    let limit = ROWS_AT_ONCE as i64;
    let rows = tx.rows_of(text, &[limit.into(), from.into()]).await?;
    let values = rows.iter().map(|row| {
        let columns = table.columns.iter();
        columns
            .map(|(name, kind)| value(row, name, *kind))
            .collect::<Result<Vec<Bind>, Unreadable>>()
            .map_err(|unreadable| book.bad_row(format!("row of `{}`", table.name), unreadable))
    });
    values.collect()
}

/// The server's next number comes after those that were copied.
async fn continue_numbers(tx: &mut Transaction, table: &Table) -> Result<(), BookError> {
    let (name, column) = (table.name, table.key);
    let text = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), max({column})) AS last FROM {name} HAVING count(*) > 0"
    );
    tx.rows_of(text, &[]).await.map(drop)
}

/// Quoted, since some are reserved words on some engines.
fn names(table: &Table) -> String {
    let names = table.columns.iter().map(|(name, _)| format!("\"{name}\""));
    names.collect::<Vec<String>>().join(", ")
}

fn value(row: &Row, column: &'static str, kind: ColumnType) -> Result<Bind, Unreadable> {
    Ok(match kind {
        ColumnType::Text => Bind::Text(plain(row, column)?),
        ColumnType::Whole => Bind::Whole(plain(row, column)?),
        ColumnType::Truth => Bind::Truth(plain(row, column)?),
        ColumnType::Day => Bind::Day(optional(row, column, row::date)?),
        ColumnType::Instant => Bind::Instant(optional(row, column, row::moment)?),
        ColumnType::Json => Bind::Json(Some(json_text(row, column)?.to_owned())),
    })
}

#[derive(Default)]
struct Counted {
    rows: u64,
    digest: Sha256,
}

impl Counted {
    fn add(&mut self, rows: &[Vec<Bind>]) {
        for row in rows {
            for value in row {
                self.digest.update(value.canonical().as_bytes());
                self.digest.update([0x1f]);
            }
            self.digest.update([0x1e]);
        }
        self.rows += rows.len() as u64;
    }

    fn finish(self, table: &Table) -> Copied {
        let bytes = self.digest.finalize();
        Copied {
            table: table.name,
            rows: self.rows,
            digest: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
