//! The table of a day: sections, and a line for each metric.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::render::phrases::fill;
use crate::render::view::{CellView, PartView, RowView, Tone};

use super::columns::{Columns, GAP, SIGN, heads};
use super::fit::{cut, cut_within, left, right};
use super::shown::{Day, Metric};
use super::words::Words;
use super::{chart, ink};

/// The lines of a day's metrics, or of its alerts.
#[derive(Default)]
pub(super) struct List {
    /// Empty over alerts.
    pub(super) head: Line<'static>,
    pub(super) lines: Vec<Line<'static>>,
    /// The line of the selected metric.
    pub(super) selected: usize,
}

/// Draws the metrics at the places `visible`; `selected` is an index into these.
pub(super) fn table(
    day: &Day,
    words: &Words,
    visible: &[usize],
    selected: usize,
    width: usize,
    color: bool,
) -> List {
    let columns = Columns::fitting(day, words, width);
    let metrics = visible.iter().filter_map(|at| day.metrics.get(*at));
    let mut table = List::default();
    if let Some(first) = metrics.clone().next() {
        table.head = head(first, words, &columns);
    }
    let mut section = None;
    for (place, metric) in metrics.enumerate() {
        if section.replace(&metric.section) != Some(&metric.section) {
            table.lines.push(divider(&metric.section, width));
        }
        let is_selected = selected == place;
        if is_selected {
            table.selected = table.lines.len();
        }
        table.lines.push(row(metric, &columns, is_selected, color));
    }
    table
}

/// `── Users ─────────`
fn divider(name: &str, width: usize) -> Line<'static> {
    let name = cut(name, width.saturating_sub(6));
    let name = match name.as_str() {
        "" => name,
        _ => format!(" {name} "),
    };
    let rest = width.saturating_sub(2 + Span::raw(name.as_str()).width());
    Line::from(vec![
        Span::styled("──", ink::dim()),
        Span::styled(name, ink::bold()),
        Span::styled("─".repeat(rest), ink::dim()),
    ])
}

fn head(metric: &Metric, words: &Words, columns: &Columns) -> Line<'static> {
    let [label, value, ..] = &metric.heads;
    let mut text = " ".repeat(columns.gutter) + &left(label, columns.label);
    text += &" ".repeat(GAP);
    text += &right(value, columns.value);
    for head in heads(metric, words, columns).iter().take(columns.changes) {
        text += &match columns.note {
            0 => " ".repeat(GAP) + &right(head, columns.change) + &" ".repeat(SIGN),
            note => " ".repeat(GAP * 2) + &left(head, columns.change + GAP + note),
        };
    }
    if columns.trend > 0 {
        text += &" ".repeat(GAP);
        let days = [("n", columns.trend.to_string())];
        text += &cut(&fill(words.days, &days), columns.trend);
    }
    Line::styled(text.trim_end().to_owned(), ink::dim())
}

fn row(metric: &Metric, columns: &Columns, selected: bool, color: bool) -> Line<'static> {
    let row = &metric.row;
    let mut spans = vec![gutter(metric, columns, selected, color)];
    let label = cut_within(&row.label, columns.label);
    spans.push(Span::raw(left(&label, columns.label)));
    spans.push(Span::raw(" ".repeat(GAP)));
    let value = right(&row.value, columns.value);
    spans.push(Span::styled(value, ink::style(row.value_tone, color)));
    match &row.changes {
        Some(cells) => {
            let cells = cells.iter().take(columns.changes);
            spans.extend(cells.map(|cell| self::cell(cell, columns, color)));
            spans.extend(trend(row, columns, color));
        }
        None => spans.push(Span::styled(beside(row, columns), ink::dim())),
    }
    if selected {
        // What colours say, signs and words say as well.
        for span in &mut spans {
            span.style = ink::selected();
        }
    }
    Line::from(spans)
}

/// Which row is selected, and whether the metric alerts.
fn gutter(metric: &Metric, columns: &Columns, selected: bool, color: bool) -> Span<'static> {
    let tone = metric.alert.as_ref().map(|alert| alert.tone);
    let sign = match tone {
        Some(Tone::Critical) => "!!",
        Some(Tone::Warning) => "!",
        Some(Tone::Good) => "+",
        _ => "",
    };
    let mark = if selected { "▸" } else { " " };
    let gutter = left(&format!("{mark}{sign}"), columns.gutter);
    let style = tone.map_or(Style::new(), |tone| ink::style(tone, color));
    Span::styled(gutter, style)
}

fn cell(cell: &CellView, columns: &Columns, color: bool) -> Span<'static> {
    let change = format!("{} {}", cell.arrow, cell.text);
    let change = change.trim_start();
    let text = match (columns.note, cell.arrow) {
        (0, "") => " ".repeat(GAP) + &right(change, columns.change + SIGN),
        (0, _) => {
            let change = " ".repeat(GAP) + &right(change, columns.change);
            change + &left(ink::sign(cell), SIGN)
        }
        (note, _) => {
            let change = " ".repeat(GAP * 2) + &right(change, columns.change);
            let words = cell.note.as_deref().unwrap_or_default();
            change + &" ".repeat(GAP) + &left(words, note)
        }
    };
    Span::styled(text, ink::style(cell.tone, color))
}

fn trend(row: &RowView, columns: &Columns, color: bool) -> Option<Span<'static>> {
    let width = Some(columns.trend).filter(|width| *width > 0)?;
    let trend = chart::sparkline(&row.trend, width);
    let trend = " ".repeat(GAP) + &left(&trend, width);
    Some(Span::styled(trend, ink::line(color)))
}

/// A distribution has neither changes nor a trend: its largest parts stand in their place.
fn beside(row: &RowView, columns: &Columns) -> String {
    let part = |part: &PartView| format!("{} {:.0} %", part.label, part.share * 100.0);
    let parts: Vec<String> = row.parts.iter().map(part).collect();
    left(&format!("  {}", parts.join(", ")), columns.beside())
}
