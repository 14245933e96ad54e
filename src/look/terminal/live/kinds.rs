//! A row for each kind of events.

use chrono::{DateTime, Utc};

use crate::kinds::Shape;
use crate::live::now::{KindNow, Summed};

use super::numbers::{NOTHING, ago, or_nothing, whole, with_unit};
use super::parts::{Ink, Line};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Hour,
    Day,
    Failed,
    P50,
    P95,
    P99,
    Latest,
}

/// With their heads, widths, and how wide a terminal shows them.
const COLUMNS: [(Column, &str, usize, usize); 7] = [
    (Column::Hour, "1 hour", 10, 0),
    (Column::Day, "1 day", 11, 56),
    (Column::Failed, "failed", 8, 48),
    (Column::P50, "p50", 10, 90),
    (Column::P95, "p95", 10, 66),
    (Column::P99, "p99", 10, 76),
    (Column::Latest, "latest", 12, 0),
];
const LEAST_NAME: usize = 6;
const MOST_NAME: usize = 30;

/// Failures and percentiles are of the last hour.
pub(super) fn lines(kinds: &[&KindNow], now: DateTime<Utc>, width: usize) -> Vec<Line> {
    let columns = COLUMNS.iter().filter(|(.., from)| width >= *from);
    let columns: Vec<_> = columns.collect();
    let taken: usize = columns.iter().map(|(_, _, width, _)| width).sum();
    let name = width.saturating_sub(taken).clamp(LEAST_NAME, MOST_NAME);
    let mut head = Line::default().left("Events", name, Ink::Heading);
    for (_, title, width, _) in &columns {
        head = head.right(title, *width, Ink::Muted);
    }
    let mut lines = vec![Line::default(), head];
    for kind in kinds {
        let mut line = Line::default().left(&kind.name, name, Ink::Plain);
        for (column, _, width, _) in &columns {
            let text = cell(kind, *column, now);
            line = line
                .with(" ", Ink::Plain)
                .right(&text, width - 1, Ink::Plain);
        }
        lines.push(line);
    }
    lines
}

fn cell(kind: &KindNow, column: Column, now: DateTime<Utc>) -> String {
    let count = |summed: &Summed| whole(summed.count as f64);
    // Samples of different things have nothing in common.
    let is_alike = kind.shape != Shape::Sample;
    let value = |number: Option<f64>| {
        or_nothing(number.filter(|_| is_alike), |number| {
            with_unit(number, &kind.unit)
        })
    };
    match column {
        Column::Hour => count(&kind.hour),
        Column::Day => count(&kind.day),
        Column::Failed if kind.shape != Shape::Span => NOTHING.to_owned(),
        Column::Failed => whole(kind.hour.failed as f64),
        Column::P50 => value(kind.hour.p50),
        Column::P95 => value(kind.hour.p95),
        Column::P99 => value(kind.hour.p99),
        Column::Latest => kind
            .latest
            .map_or_else(|| "never".to_owned(), |latest| ago(now - latest)),
    }
}
