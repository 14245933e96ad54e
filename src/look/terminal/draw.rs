//! The screen: header, table, the details beside or beneath it, and the keys.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

use super::details::details;
use super::fit::widest;
use super::ink;
use super::lines::{alerts, empty, footer, header, summary};
use super::shown::{Day, Shown};
use super::state::State;
use super::table::table;

/// From this width the details stand beside the table, from this height beneath it.
const WIDE: u16 = 130;
const HIGH: u16 = 38;
/// A table with all its columns, and one with words at its changes.
const FULL_TABLE: u16 = 112;
const TALKING_TABLE: u16 = 146;
const LEAST_DETAILS: u16 = 46;
const MOST_DETAILS: u16 = 104;

pub fn draw(frame: &mut Frame<'_>, state: &State, shown: &Shown) {
    page(frame.area(), frame.buffer_mut(), state, shown);
}

/// How many rows a page is in a terminal of this height.
pub fn page_size(height: u16) -> usize {
    usize::from(height).saturating_sub(8).max(1)
}

fn page(area: Rect, buffer: &mut Buffer, state: &State, shown: &Shown) {
    let tall = match area.height {
        0..8 => 1,
        8..16 => 2,
        _ => 4,
    };
    let low = u16::from(area.height >= 5);
    let [top, body, bottom] = Layout::vertical([
        Constraint::Length(tall),
        Constraint::Fill(1),
        Constraint::Length(low),
    ])
    .areas(area);
    let width = usize::from(area.width);
    let mut lines = header(shown, width, state.color);
    lines.extend(shown.day.iter().flat_map(|day| summary(day, width, 2)));
    put(&lines, top, buffer);
    match &shown.day {
        Some(day) => self::body(body, buffer, state, day, shown),
        None => put(&empty(shown), body, buffer),
    }
    put(&[footer(state, shown, width)], bottom, buffer);
    if state.help {
        help(area, buffer, shown, state.color);
    }
}

fn body(area: Rect, buffer: &mut Buffer, state: &State, day: &Day, shown: &Shown) {
    let visible = state.visible(day);
    let selected = state.place(&visible, day);
    let metric = visible.get(selected).and_then(|at| day.metrics.get(*at));
    let (main, pane) = panes(area, state.details);
    if let Some(main) = main {
        let width = usize::from(main.width);
        let list = match state.alerts_only {
            true => alerts(day, &visible, selected, width, state.color),
            false => table(day, shown.words, &visible, selected, width, state.color),
        };
        let heads = u16::from(main.height >= 6 && !state.alerts_only);
        let [head, rows] =
            Layout::vertical([Constraint::Length(heads), Constraint::Fill(1)]).areas(main);
        put(&[list.head], head, buffer);
        if visible.is_empty() {
            put(&[nothing(state, shown)], rows, buffer);
        } else {
            scrolled(&list.lines, list.selected, rows, buffer);
        }
    }
    if let (Some(pane), Some(metric)) = (pane, metric) {
        let inner = framed(pane, area, buffer);
        let (width, height) = (usize::from(inner.width), usize::from(inner.height));
        put(&details(metric, width, height, state.color), inner, buffer);
    }
}

/// The areas of the table and of the details.
fn panes(area: Rect, wants_details: bool) -> (Option<Rect>, Option<Rect>) {
    if area.width >= WIDE {
        let table = match area.width {
            0..236 => FULL_TABLE,
            _ => TALKING_TABLE,
        };
        let rest = area.width.saturating_sub(table);
        let width = rest.clamp(LEAST_DETAILS, MOST_DETAILS);
        let [main, pane] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
        return (Some(main), Some(pane));
    }
    if area.height >= HIGH {
        let [main, pane] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(area.height * 2 / 5)])
                .areas(area);
        return (Some(main), Some(pane));
    }
    match wants_details {
        true => (None, Some(area)),
        false => (Some(area), None),
    }
}

/// A line between the details and the table, where there is one.
fn framed(pane: Rect, area: Rect, buffer: &mut Buffer) -> Rect {
    use ratatui::widgets::Borders;
    let borders = match () {
        () if pane.x > area.x => Borders::LEFT,
        () if pane.y > area.y => Borders::TOP,
        () => Borders::NONE,
    };
    let block = Block::new().borders(borders).border_style(ink::dim());
    let inner = block.inner(pane);
    block.render(pane, buffer);
    let beside = u16::from(borders == Borders::LEFT);
    Rect {
        x: inner.x + beside,
        width: inner.width.saturating_sub(beside),
        ..inner
    }
}

fn nothing(state: &State, shown: &Shown) -> Line<'static> {
    let words = shown.words;
    let said = match state.filter.is_empty() {
        true => words.no_alerts.to_owned(),
        false => words.no_match.replace("{text}", &state.filter),
    };
    Line::raw(format!("  {said}"))
}

/// Shows the selected line in the middle, except near the ends.
fn scrolled(lines: &[Line<'_>], selected: usize, area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    let last = lines.len().saturating_sub(height);
    let first = selected.saturating_sub(height / 2).min(last);
    put(&lines[first..], area, buffer);
}

fn put(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (y, line) in area.rows().zip(lines) {
        buffer.set_line(y.x, y.y, line, y.width);
    }
}

fn help(area: Rect, buffer: &mut Buffer, shown: &Shown, color: bool) {
    let words = shown.words;
    let keys = widest(words.all_keys.iter().map(|(key, _)| *key));
    let line = |(key, does): &(&'static str, &'static str)| {
        let key = super::fit::left(key, keys + 2);
        Line::from(vec![Span::styled(key, ink::bold()), Span::raw(*does)])
    };
    let mut lines: Vec<Line<'_>> = words.all_keys.iter().map(line).collect();
    lines.push(Line::default());
    lines.extend(words.signs.iter().map(line));
    let wide = lines.iter().map(Line::width).max().unwrap_or_default();
    let long = lines.len();
    let size = |length: usize| u16::try_from(length + 4).unwrap_or(u16::MAX);
    let middle = area.centered(
        Constraint::Length(size(wide).min(area.width)),
        Constraint::Length(size(long).saturating_sub(2).min(area.height)),
    );
    Clear.render(middle, buffer);
    let block = Block::bordered()
        .title(format!(" {} ", words.help))
        .border_style(if color { ink::line(true) } else { Style::new() })
        .padding(ratatui::widgets::Padding::horizontal(1));
    Paragraph::new(lines).block(block).render(middle, buffer);
}
