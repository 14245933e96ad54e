//! The columns of a table of days.

use crate::text::csv::{text, untold};

/// The columns of a table of days: these, one for each metric, and [`PROVENANCE`].
pub const FRAME: [&str; 7] = [
    "date",
    "as_of",
    "partial",
    "time_zone",
    "hours",
    "collected_at",
    "duration_ms",
];
pub const PROVENANCE: &str = "provenance";

/// The head of a metric's column. `_`, with which no key begins, marks keys that are called like other columns.
pub fn title(key: &str) -> String {
    match FRAME.contains(&key) || key == PROVENANCE {
        true => format!("_{key}"),
        false => text(key).into_owned(),
    }
}

/// The metric whose column has this head.
pub fn key(title: &str) -> &str {
    match title.strip_prefix('_') {
        Some(key) if FRAME.contains(&key) || key == PROVENANCE => key,
        _ => untold(title),
    }
}
