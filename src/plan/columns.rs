//! What a column's declared type means for how its values are matched and added up.

use crate::catalog::{Counted, Engine};

use super::rows::Ground;
use super::sql::column;

/// The values of a split as the engine writes them: `true` is 1 in SQLite, and 1 is `true` in PostgreSQL.
pub fn matched(
    ground: Ground<'_>,
    counted: &Counted,
    name: &str,
    values: &[String],
) -> Vec<String> {
    let declared = ground.facts.column_type(ground.table(counted.table), name);
    if !declared.starts_with("bool") {
        return values.to_vec();
    }
    let (yes, no) = match ground.engine {
        Engine::Sqlite => ("1", "0"),
        Engine::Postgres => ("true", "false"),
    };
    let spoken = |value: &String| match value.as_str() {
        "true" | "1" => yes.to_owned(),
        "false" | "0" => no.to_owned(),
        _ => value.clone(),
    };
    values.iter().map(spoken).collect()
}

/// PostgreSQL adds single-precision numbers up in single precision, which seven digits overflow.
pub fn summed(ground: Ground<'_>, counted: &Counted, name: &str) -> String {
    let plain = column("this", name);
    match ground.facts.column_type(ground.table(counted.table), name) {
        "real" if ground.engine == Engine::Postgres => format!("CAST({plain} AS float8)"),
        _ => plain,
    }
}
