//! A row for each kind of events.

use chrono::{DateTime, Utc};

use crate::kinds::Shape;
use crate::live::now::{KindNow, Summed};

use super::numbers::{Format, NOTHING, or_nothing};
use super::parts::{Ink, Line};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Hour,
    Failed,
    P50,
    P95,
    P99,
    Day,
    Latest,
}

/// With their heads, widths, and how wide a terminal shows them. Up to the day all is of the last hour.
const COLUMNS: [(Column, &str, usize, usize); 7] = [
    (Column::Hour, "1 hour", 10, 0),
    (Column::Failed, "failed", 8, 48),
    (Column::P50, "p50", 10, 90),
    (Column::P95, "p95", 10, 66),
    (Column::P99, "p99", 10, 76),
    (Column::Day, "", 12, 60),
    (Column::Latest, "latest", 12, 0),
];
const LEAST_NAME: usize = 6;
const MOST_NAME: usize = 30;

pub(super) fn lines(
    kinds: &[&KindNow],
    day_start: DateTime<Utc>,
    format: Format,
    width: usize,
) -> Vec<Line> {
    let columns = COLUMNS.iter().filter(|(.., from)| width >= *from);
    let columns: Vec<_> = columns.collect();
    let taken: usize = columns.iter().map(|(_, _, width, _)| width).sum();
    let name = width.saturating_sub(taken).clamp(LEAST_NAME, MOST_NAME);
    let mut head = Line::default().left("Events", name, Ink::Heading);
    let since = format!("since {}", format.clock(day_start));
    for (column, title, width, _) in &columns {
        let title = match column {
            Column::Day => since.as_str(),
            _ => title,
        };
        head = head.right(title, *width, Ink::Muted);
    }
    let mut lines = vec![Line::default(), head];
    for kind in kinds {
        let mut line = Line::default().left(&kind.name, name, Ink::Plain);
        for (column, _, width, _) in &columns {
            let text = cell(kind, *column, format);
            line = line
                .with(" ", Ink::Plain)
                .right(&text, width - 1, Ink::Plain);
        }
        lines.push(line);
    }
    lines
}

fn cell(kind: &KindNow, column: Column, format: Format) -> String {
    let count = |summed: &Summed| format.whole(summed.count as f64);
    let value =
        |number: Option<f64>| or_nothing(number, |number| format.with_unit(number, &kind.unit));
    match column {
        Column::Hour => count(&kind.hour),
        Column::Day => count(&kind.day),
        Column::Failed if kind.shape != Shape::Span => NOTHING.to_owned(),
        Column::Failed => format.whole(kind.hour.failed as f64),
        Column::P50 => value(kind.hour.p50),
        Column::P95 => value(kind.hour.p95),
        Column::P99 => value(kind.hour.p99),
        Column::Latest => kind
            .latest
            .map_or_else(|| "never".to_owned(), |latest| format.ago(latest)),
    }
}
