//! The details of the selected metric on this day.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::render::view::{CellView, PartView};
use crate::render::wrap;

use super::fit::{cut, left, right, widest};
use super::shown::{Metric, Past};
use super::{chart, ink};

/// How many lines a chart has.
const LEAST_HEIGHT: usize = 3;
const MOST_HEIGHT: usize = 12;

pub(super) fn details(
    metric: &Metric,
    width: usize,
    height: usize,
    color: bool,
) -> Vec<Line<'static>> {
    let row = &metric.row;
    let mut lines = vec![title(metric, width, color)];
    let mut add = |text: &str, style: Style| {
        let wrapped = wrap::hanging(text, width.max(1), 0).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, style)));
    };
    if !metric.description.is_empty() {
        add(&metric.description, ink::dim());
    }
    let remarks = [&row.value_note, &metric.reason, &row.usual];
    for remark in remarks.into_iter().flatten() {
        add(remark, Style::new());
    }
    if let Some(alert) = &metric.alert {
        let sentence = format!("{} · {} {}", alert.word, alert.head, alert.rest);
        add(&sentence, ink::style(alert.tone, color));
    }
    lines.extend(changes(metric, width, color));
    lines.extend(parts(&row.parts, width, color));
    let room = height.saturating_sub(lines.len());
    lines.extend(history(&metric.past, width, room, color));
    lines
}

fn title(metric: &Metric, width: usize, color: bool) -> Line<'static> {
    let row = &metric.row;
    let value = cut(&row.value, width / 2);
    let room = width.saturating_sub(Span::raw(value.as_str()).width());
    let style = ink::style(row.value_tone, color).patch(ink::bold());
    Line::from(vec![
        Span::styled(left(&row.label, room.saturating_sub(1)), ink::bold()),
        Span::raw(" "),
        Span::styled(value, style),
    ])
}

/// `against Thu 2 Oct   ▼ −54 %  critical`
fn changes(metric: &Metric, width: usize, color: bool) -> Vec<Line<'static>> {
    let Some(cells) = &metric.row.changes else {
        return Vec::new();
    };
    let heads = &metric.heads[2..5];
    let head = widest(heads.iter().map(String::as_str)).min(width / 2);
    let text = widest(cells.iter().map(|cell| cell.text.as_str())) + 2;
    let line = |(name, cell): (&String, &CellView)| {
        let change = format!("{} {}", cell.arrow, cell.text);
        let note = cell.note.as_deref().unwrap_or_default();
        let change = format!("{}  {note}", right(change.trim_start(), text));
        let change = cut(change.trim_end(), width.saturating_sub(head + 2));
        Line::from(vec![
            Span::styled(left(name, head + 2), ink::dim()),
            Span::styled(change, ink::style(cell.tone, color)),
        ])
    };
    heads.iter().zip(cells).map(line).collect()
}

fn parts(parts: &[PartView], width: usize, color: bool) -> Vec<Line<'static>> {
    let label = widest(parts.iter().map(|part| part.label.as_str())).min(width / 3);
    let value = widest(parts.iter().map(|part| part.value.as_str())).min(width / 4);
    // A share is at most `100 %`.
    let room = width.saturating_sub(label + value + 5 + 3);
    let line = |part: &PartView| {
        let share = right(&format!("{:.0} %", part.share * 100.0), 5);
        Line::from(vec![
            Span::raw(left(&part.label, label)),
            Span::raw(format!(" {} {share} ", right(&part.value, value))),
            Span::styled(chart::bar(part.share, room), ink::line(color)),
        ])
    };
    parts.iter().map(line).collect()
}

/// The chart of the last days, with its highest and lowest number at the side and its days beneath.
fn history(past: &Past, width: usize, room: usize, color: bool) -> Vec<Line<'static>> {
    let axis = widest([past.highest.as_str(), past.lowest.as_str()].into_iter()) + 1;
    let days = past.numbers.len().min(width.saturating_sub(axis));
    // An empty line before it, the days beneath.
    let height = room.saturating_sub(2).min(MOST_HEIGHT);
    if height < LEAST_HEIGHT || days < 2 {
        return Vec::new();
    }
    let from = past.numbers.len() - days;
    // Scaled to all days, so that the numbers at the side hold even if not all have room.
    let blocks = chart::chart(&past.numbers, height);
    let last = height - 1;
    let line = |(at, blocks): (usize, String)| {
        let number = match at {
            0 => past.highest.as_str(),
            at if at == last && past.lowest != past.highest => &past.lowest,
            _ => "",
        };
        let number = format!("{} ", right(number, axis - 1));
        let blocks: String = blocks.chars().skip(from).collect();
        Line::from(vec![
            Span::styled(number, ink::dim()),
            Span::styled(blocks, ink::line(color)),
        ])
    };
    let mut lines = vec![Line::default()];
    lines.extend(blocks.into_iter().enumerate().map(line));
    let ends = [past.days.get(from), past.days.last()];
    let [first, last] = ends.map(|day| day.map_or("", String::as_str));
    let days = format!("{}{}", " ".repeat(axis), between(first, last, days));
    lines.push(Line::styled(days, ink::dim()));
    lines
}

/// One at each end; only the last where there is no room for both.
fn between(first: &str, last: &str, width: usize) -> String {
    let long = Span::raw(first).width();
    match width.checked_sub(long + 1) {
        Some(room) if room >= Span::raw(last).width() => format!("{first} {}", right(last, room)),
        _ => right(last, width),
    }
}
