//! How many rows tables have, without reading all of them.

use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::Cell;
use crate::plan::sql::table as quoted_table;
use crate::text::counted::counted;

use super::super::optional;
use super::Relation;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows {
    #[default]
    Unknown,
    /// By the engine's statistics, which may be old.
    About(i64),
    Exactly(i64),
    MoreThan(i64),
}

impl Rows {
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Unknown => None,
            Self::About(rows) | Self::Exactly(rows) | Self::MoreThan(rows) => Some(rows),
        }
    }

    pub fn is_none(self) -> bool {
        self.number() == Some(0)
    }

    /// `about 600 rows`; `None` if unknown.
    pub fn words(self) -> Option<String> {
        let rows = |count: i64| match count {
            0 => "no rows".to_owned(),
            _ => counted(count, "row"),
        };
        match self {
            Self::Unknown => None,
            Self::Exactly(count) => Some(rows(count)),
            Self::About(count) => Some(format!("about {}", rows(count))),
            Self::MoreThan(count) => Some(format!("more than {}", rows(count))),
        }
    }
}

/// `, about 600 rows`, to follow a name.
pub fn after_name(rows: Rows) -> String {
    let words = rows.words().map(|rows| format!(", {rows}"));
    words.unwrap_or_default()
}

/// Exists only after an ANALYZE.
const SQLITE_ROWS: &str = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl";

/// Enough to distinguish a list of countries from what people write.
const COUNTED_SO_FAR: i64 = 10_000;

/// Counts the first rows of tables without statistics.
pub(super) async fn complete(
    snapshot: &mut Snapshot,
    relations: &mut [Relation],
    limits: &Limits,
) -> Result<(), DatabaseError> {
    if snapshot.engine() == Engine::Sqlite {
        let counted = optional(snapshot.all_rows(SQLITE_ROWS, &[], limits).await)?;
        for cells in counted.unwrap_or_default() {
            if let [Cell::Text(name), Cell::Integer(rows)] = cells.as_slice()
                && let Some(relation) = relations.iter_mut().find(|one| one.name == *name)
            {
                relation.rows = Rows::About(*rows);
            }
        }
    }
    for relation in relations.iter_mut().filter(|one| needs_count(one)) {
        let question = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS first_rows",
            quoted_table(&relation.name),
            COUNTED_SO_FAR + 1
        );
        relation.rows = match optional(snapshot.value(&question, &[], limits).await)? {
            Some(Cell::Integer(count)) if count > COUNTED_SO_FAR => Rows::MoreThan(COUNTED_SO_FAR),
            Some(Cell::Integer(count)) => Rows::Exactly(count),
            _ => Rows::Unknown,
        };
    }
    Ok(())
}

fn needs_count(relation: &Relation) -> bool {
    let is_readable = relation.columns.iter().any(|column| column.is_readable);
    !relation.is_view && is_readable && relation.rows == Rows::Unknown
}
