//! How a column's values are compared and added up, depending on its declared type.

use crate::catalog::Counted;
use crate::engine::Engine;

use super::rows::PlanContext;
use super::sql::column;
use super::time::one_of;

/// The values of a split as the engine writes them: `true` is 1 in SQLite, and 1 is `true` in PostgreSQL.
pub fn matched(
    context: PlanContext<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> Vec<String> {
    let declared = context.column_type(counted, name);
    let is_boolean = match context.engine {
        Engine::Mysql => ["tinyint(1)", "bit(1)"].contains(&declared),
        _ => declared.starts_with("bool"),
    };
    if !is_boolean {
        return values.to_vec();
    }
    let (yes, no) = match context.engine {
        Engine::Sqlite | Engine::Mysql => ("1", "0"),
        Engine::Postgres => ("true", "false"),
    };
    let written = |value: &String| match value.as_str() {
        "true" | "1" => yes.to_owned(),
        "false" | "0" => no.to_owned(),
        _ => value.clone(),
    };
    values.iter().map(written).collect()
}

/// A column compared by its bytes. To MySQL, `Paid`, `paid` and `paid ` are equal, and to SQLite if the column has such a
/// collation. MySQL would also group a bare number in the order of its index, reading rows at random.
pub fn exact(context: PlanContext<'_>, counted: &Counted, name: &str) -> String {
    let plain = column("this", name);
    let declared = context.column_type(counted, name);
    match context.engine {
        Engine::Mysql if is(declared, &["int", "decimal", "year", "bit"]) => {
            format!("({plain} + 0)")
        }
        Engine::Mysql if has_letters(declared) => {
            format!("CAST(CONVERT({plain} USING utf8mb4) AS binary)")
        }
        Engine::Sqlite if context.is_collated(counted, name) => {
            format!("({plain} COLLATE BINARY)")
        }
        _ => plain,
    }
}

/// An unknown type may be a text.
fn has_letters(declared: &str) -> bool {
    let others = [
        "int",
        "decimal",
        "year",
        "bit",
        "date",
        "timestamp",
        "double",
        "float",
    ];
    !is(declared, &others)
}

fn is(declared: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| declared.contains(kind))
}

/// Rows with one of these values. The plain comparison goes first: it is faster and never too narrow.
pub fn is_one_of(
    context: PlanContext<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> String {
    let list = one_of(values);
    let exactly = format!("{} {list}", exact(context, counted, name));
    let declared = context.column_type(counted, name);
    match context.engine == Engine::Mysql && has_letters(declared) {
        true => format!("({} {list} AND {exactly})", column("this", name)),
        false => exactly,
    }
}

/// Rows with any other value, or none.
pub fn is_none_of(
    context: PlanContext<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> String {
    let listed = is_one_of(context, counted, name, values);
    format!("({listed}) IS NOT TRUE")
}

/// PostgreSQL adds single-precision numbers in single precision, which has only seven digits.
pub fn summed(context: PlanContext<'_>, counted: &Counted, name: &str) -> String {
    let plain = column("this", name);
    match context.column_type(counted, name) {
        "real" if context.engine == Engine::Postgres => format!("CAST({plain} AS float8)"),
        _ => plain,
    }
}
