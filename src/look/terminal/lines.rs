//! The header with the day's verdict, the alerts in sentences, and the footer with the keys.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::render::view::Tone;
use crate::render::wrap;

use super::fit::{cut, left};
use super::ink;
use super::shown::{Day, Shown};
use super::state::{Hint, State};
use super::table::List;
use super::words::Words;

/// Narrower, and only the day's short name is shown.
const NARROW: usize = 60;

/// The most important line first: a small terminal shows only that.
pub(super) fn header(shown: &Shown, width: usize, color: bool) -> Vec<Line<'static>> {
    let name = Span::styled(shown.name.clone(), ink::bold());
    let Some(day) = &shown.day else {
        return vec![Line::from(name), Line::default()];
    };
    let title = match width {
        0..NARROW => vec![Span::styled(day.short.clone(), ink::bold())],
        _ => vec![name, Span::raw(format!("  {}", day.title))],
    };
    let room = width.saturating_sub(day.short.width() + 3);
    let verdict = format!(" {} ", cut(&day.verdict, room));
    let verdict = Span::styled(verdict, ink::chip(day.tone, color));
    let counted = format!("{} · {}", day.span, day.counted);
    let counted = Span::styled(counted, ink::dim());
    vec![
        sides(title, vec![verdict], width),
        sides(vec![counted], marks(shown, day, color), width),
    ]
}

/// Warnings: the day is open, newer days are missing, or another day is the newest.
fn marks(shown: &Shown, day: &Day, color: bool) -> Vec<Span<'static>> {
    let warned = ink::style(Tone::Warning, color).patch(ink::bold());
    let open = day.open.then_some(shown.words.open);
    let stale = shown.stale.as_deref();
    let newer = day.newer.as_deref().filter(|_| stale.is_none());
    let marks = open.into_iter().chain(stale);
    let marks = marks.map(|mark| Span::styled(format!(" {mark}"), warned));
    let newer = newer.map(|newer| Span::raw(format!(" {newer}")));
    marks.chain(newer).collect()
}

/// The summary on at most `most` lines.
pub(super) fn summary(day: &Day, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut lines = wrap::hanging(&day.summary, width.max(1), 0);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(cut(&rest, width));
    }
    lines.into_iter().map(Line::raw).collect()
}

/// Aligns to both sides; without room for all, cuts the left.
fn sides(left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let taken: usize = right.iter().map(Span::width).sum();
    let mut room = width.saturating_sub(taken + 1);
    let mut spans = Vec::new();
    for span in left {
        let text = cut(&span.content, room);
        let span = Span::styled(text, span.style);
        room -= span.width();
        spans.push(span);
    }
    spans.push(Span::raw(" ".repeat(room + 1)));
    spans.extend(right);
    Line::from(spans)
}

/// A sentence or two for each alert, and the line of the selected one.
pub(super) fn alerts(
    day: &Day,
    visible: &[usize],
    selected: usize,
    width: usize,
    color: bool,
) -> List {
    let mut list = List::default();
    let metrics = visible.iter().filter_map(|at| day.metrics.get(*at));
    for (place, metric) in metrics.enumerate() {
        let Some(alert) = &metric.alert else { continue };
        let is_selected = place == selected;
        if is_selected {
            list.selected = list.lines.len();
        }
        let mark = if is_selected { "▸ " } else { "  " };
        let style = |tone| match is_selected {
            true => ink::selected(),
            false => ink::style(tone, color).patch(ink::bold()),
        };
        let head = cut(&format!("{mark}{} · {}", alert.word, alert.head), width);
        let head = Line::styled(left(&head, width), style(alert.tone));
        let rest = wrap::hanging(&alert.rest, width.saturating_sub(4).max(1), 0);
        let rest = rest.iter().map(|line| Line::raw(format!("    {line}")));
        list.lines.extend(std::iter::once(head).chain(rest));
    }
    list
}

pub(super) fn empty(shown: &Shown) -> Vec<Line<'static>> {
    let lines = shown.words.empty.iter();
    lines.map(|line| Line::raw(*line)).collect()
}

/// The keys, or whatever is more urgent.
pub(super) fn footer(state: &State, shown: &Shown, width: usize) -> Line<'static> {
    let words = shown.words;
    if state.typing {
        let typed = format!("{}{}▏", words.filter, state.filter);
        let keys = format!("  {}", words.filter_keys);
        return sides(
            vec![
                Span::styled(typed, ink::bold()),
                Span::styled(keys, ink::dim()),
            ],
            Vec::new(),
            width + 1,
        );
    }
    let hint = state.hint.map(|hint| match hint {
        Hint::FirstDay => words.first_day,
        Hint::LastDay => words.last_day,
        Hint::Reloaded => words.reloaded,
    });
    if let Some(message) = shown.trouble.as_deref().or(hint) {
        return Line::styled(cut(message, width), ink::style(Tone::Warning, state.color));
    }
    keys(state, words, width)
}

/// The active filters, and as many keys as have room.
fn keys(state: &State, words: &Words, width: usize) -> Line<'static> {
    let chip = |text: String| {
        let chip = Span::styled(format!(" {text} "), ink::chip(Tone::Plain, state.color));
        vec![chip, Span::raw(" ")]
    };
    let alerts = state.alerts_only.then(|| chip(words.alerts.to_owned()));
    let filter = !state.filter.is_empty();
    let filter = filter.then(|| chip(format!("{}{}", words.filter, state.filter)));
    let keys = words.keys.iter().map(|(key, does)| {
        vec![
            Span::styled(*key, ink::bold()),
            Span::styled(format!(" {does}  "), ink::dim()),
        ]
    });
    let mut line = Line::default();
    for group in alerts.into_iter().chain(filter).chain(keys) {
        let more: usize = group.iter().map(Span::width).sum();
        if line.width() + more > width + 2 {
            break;
        }
        line.spans.extend(group);
    }
    line
}
