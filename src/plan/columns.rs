//! What a column's declared type means for how its values are matched and added up.

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
    let declared = context
        .facts
        .column_type(context.table(counted.table), name);
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
    let spoken = |value: &String| match value.as_str() {
        "true" | "1" => yes.to_owned(),
        "false" | "0" => no.to_owned(),
        _ => value.clone(),
    };
    values.iter().map(spoken).collect()
}

/// A column whose values are told apart. MySQL holds `Paid`, `paid` and `paid ` for one, unless their bytes are
/// compared, as SQLite does where a column asks for it; and MySQL groups by a bare number along its index, fetching every
/// row at random.
pub fn exact(context: PlanContext<'_>, counted: &Counted, name: &str) -> String {
    let plain = column("this", name);
    let declared = context
        .facts
        .column_type(context.table(counted.table), name);
    match context.engine {
        Engine::Mysql if is(declared, &["int", "decimal", "year", "bit"]) => {
            format!("({plain} + 0)")
        }
        Engine::Mysql if has_letters(declared) => {
            format!("CAST(CONVERT({plain} USING utf8mb4) AS binary)")
        }
        Engine::Sqlite
            if context
                .facts
                .is_collated(context.table(counted.table), name) =>
        {
            format!("({plain} COLLATE BINARY)")
        }
        _ => plain,
    }
}

/// What is not known may be a text.
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

/// Rows with one of these values. The plain comparison, quicker and never too narrow, goes first.
pub fn is_one_of(
    context: PlanContext<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> String {
    let list = one_of(values);
    let exactly = format!("{} {list}", exact(context, counted, name));
    let declared = context
        .facts
        .column_type(context.table(counted.table), name);
    match context.engine == Engine::Mysql && has_letters(declared) {
        true => format!("({} {list} AND {exactly})", column("this", name)),
        false => exactly,
    }
}

/// Rows with any other value than these, or none.
pub fn is_none_of(
    context: PlanContext<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> String {
    let listed = is_one_of(context, counted, name, values);
    format!("({listed}) IS NOT TRUE")
}

/// PostgreSQL adds single-precision numbers up in single precision, which seven digits overflow.
pub fn summed(context: PlanContext<'_>, counted: &Counted, name: &str) -> String {
    let plain = column("this", name);
    match context
        .facts
        .column_type(context.table(counted.table), name)
    {
        "real" if context.engine == Engine::Postgres => format!("CAST({plain} AS float8)"),
        _ => plain,
    }
}
