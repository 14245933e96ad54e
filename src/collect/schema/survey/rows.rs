//! How many rows tables have, as far as that can be known without reading all of them.

use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::Cell;
use crate::plan::sql::table as quoted_table;
use crate::text::counted::counted;

use super::super::forgiven;
use super::Relation;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows {
    #[default]
    Unknown,
    /// As the engine's statistics have it; they may be old.
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

    /// `about 600 rows`; nothing where it is unknown.
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

/// To follow a name: `, about 600 rows`.
pub fn after_name(rows: Rows) -> String {
    rows.words()
        .map_or(String::new(), |rows| format!(", {rows}"))
}

/// Only there after an ANALYZE.
const SQLITE_ROWS: &str = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl";

/// Far enough to tell a list of countries from what people write.
const COUNTED_SO_FAR: i64 = 10_000;

/// Where the statistics say nothing, the first rows are counted, and no more.
pub(super) async fn complete(
    snapshot: &mut Snapshot,
    relations: &mut [Relation],
    limits: &Limits,
) -> Result<(), DatabaseError> {
    if snapshot.engine() == Engine::Sqlite {
        let counted = |cells: &[Cell]| {
            if let [Cell::Text(name), Cell::Integer(rows)] = cells
                && let Some(relation) = relations.iter_mut().find(|one| one.name == *name)
            {
                relation.rows = Rows::About(*rows);
            }
            Ok(())
        };
        forgiven(snapshot.rows(SQLITE_ROWS, &[], limits, counted).await)?;
    }
    for relation in relations.iter_mut().filter(|one| is_to_be_counted(one)) {
        let question = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS first_rows",
            quoted_table(&relation.name),
            COUNTED_SO_FAR + 1
        );
        let mut rows = Rows::Unknown;
        let counted = |cells: &[Cell]| {
            rows = match cells {
                [Cell::Integer(count)] if *count > COUNTED_SO_FAR => Rows::MoreThan(COUNTED_SO_FAR),
                [Cell::Integer(count)] => Rows::Exactly(*count),
                _ => Rows::Unknown,
            };
            Ok(())
        };
        forgiven(snapshot.rows(&question, &[], limits, counted).await)?;
        relation.rows = rows;
    }
    Ok(())
}

fn is_to_be_counted(relation: &Relation) -> bool {
    let is_readable = relation.columns.iter().any(|column| column.is_readable);
    !relation.is_view && is_readable && relation.rows == Rows::Unknown
}
