//! Checks whether a column's type fits the catalog's `time`.

use crate::engine::Engine;
use crate::plan::time::is_text_type;

/// What is wrong; `None` if the column fits, or if its type does not show it.
pub(super) fn unfit(
    kind: &str,
    engine: Engine,
    declared: &str,
    sample: Option<&str>,
) -> Option<String> {
    let is_number = match engine {
        Engine::Sqlite => declared.contains("int") && sample.is_none(),
        Engine::Postgres => [
            "smallint",
            "integer",
            "bigint",
            "numeric",
            "real",
            "double precision",
        ]
        .contains(&declared),
        Engine::Mysql => ["int", "decimal", "float", "double"]
            .iter()
            .any(|kind| declared.contains(kind)),
    };
    let counts_seconds = kind.starts_with("epoch");
    let is_text = engine == Engine::Sqlite || is_text_type(declared);
    let is_moment = ["timestamp", "date"]
        .iter()
        .any(|kind| declared.starts_with(kind));
    let knows_no_offset =
        declared == "timestamp without time zone" || declared.starts_with("datetime");
    match () {
        () if is_number && counts_seconds => None,
        () if is_number => Some(format!(
            "holds numbers ({declared}), while `time` is {kind}: set it to epoch_s or epoch_ms"
        )),
        () if counts_seconds && (sample.is_some() || engine != Engine::Sqlite) => Some(format!(
            "holds {}, while `time` is {kind}: set it to utc, local or instant",
            if sample.is_some() { "texts" } else { declared }
        )),
        () if counts_seconds => None,
        () if kind == "instant" && knows_no_offset && engine != Engine::Sqlite => Some(format!(
            "is of the type {declared}, which knows no offset, while `time` is instant: set it to utc or local"
        )),
        () if is_text && sample.is_some_and(|sample| !begins_with_a_date(sample)) => {
            Some("holds texts that do not begin with a date such as 2025-10-03".to_owned())
        }
        () if is_text || is_moment => None,
        () => Some(format!("is of the type {declared}, which is not a time")),
    }
}

pub(super) fn begins_with_a_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() >= 10 && text.as_bytes()[..10].iter().enumerate().all(shape)
}
