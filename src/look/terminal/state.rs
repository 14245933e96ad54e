//! The state of the terminal view, and how keys change it.

use chrono::NaiveDate;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::text::plain::printable;

use super::shown::{Day, Shown};

/// The longest filter.
const MOST_LETTERS: usize = 60;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Without colours, what they say is bold, dim or reversed; words and signs say it in any case.
    pub color: bool,
    /// A metric's key; it stays selected on other days and while it is filtered out.
    pub selected: Option<String>,
    pub filter: String,
    /// The filter is being typed.
    pub typing: bool,
    pub alerts_only: bool,
    pub help: bool,
    /// The details take the place of the table, where they have none of their own.
    pub details: bool,
    /// How many rows a page is.
    pub page: usize,
    pub hint: Option<Hint>,
}

/// The message in the last line after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    FirstDay,
    LastDay,
    Reloaded,
}

/// What to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Stay,
    Day(NaiveDate),
    Reload,
    Quit,
}

impl State {
    /// The places of the rows to show: those of the filter, in the alerts' order where only these are asked for.
    pub fn visible(&self, day: &Day) -> Vec<usize> {
        let wanted = self.filter.to_lowercase();
        let matches = |at: &usize| {
            day.metrics.get(*at).is_some_and(|metric| {
                let row = &metric.row;
                row.label.to_lowercase().contains(&wanted) || row.key.contains(&wanted)
            })
        };
        if self.alerts_only {
            day.alerts.iter().copied().filter(matches).collect()
        } else {
            (0..day.metrics.len()).filter(matches).collect()
        }
    }

    /// The place of the selected row among the visible ones: the first where the selected one is not among them.
    pub fn place(&self, visible: &[usize], day: &Day) -> usize {
        let key_at = |at: &usize| day.metrics.get(*at).map(|metric| &metric.row.key);
        let is_selected = |at: &usize| key_at(at) == self.selected.as_ref();
        visible.iter().position(is_selected).unwrap_or_default()
    }

    fn select(&mut self, place: usize, visible: &[usize], day: &Day) {
        let last = visible.len().saturating_sub(1);
        let metric = visible
            .get(place.min(last))
            .and_then(|at| day.metrics.get(*at));
        if let Some(metric) = metric {
            self.selected = Some(metric.row.key.clone());
        }
    }
}

pub fn press(state: &mut State, key: KeyEvent, shown: &Shown) -> Next {
    state.hint = None;
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if with_control && matches!(key.code, KeyCode::Char('c' | 'C')) {
        return Next::Quit;
    }
    if with_control || key.modifiers.contains(KeyModifiers::ALT) {
        return Next::Stay;
    }
    if state.typing {
        type_filter(state, key.code);
        return Next::Stay;
    }
    if std::mem::take(&mut state.help) {
        return match key.code {
            KeyCode::Char('q') => Next::Quit,
            _ => Next::Stay,
        };
    }
    match key.code {
        KeyCode::Char('q') => Next::Quit,
        KeyCode::Esc => back(state),
        KeyCode::Char('r') => {
            state.hint = Some(Hint::Reloaded);
            Next::Reload
        }
        code => match &shown.day {
            Some(day) => within(state, code, day),
            None => {
                state.help = matches!(code, KeyCode::Char('?' | 'h'));
                Next::Stay
            }
        },
    }
}

/// One thing after the other is left, at last the program.
fn back(state: &mut State) -> Next {
    if std::mem::take(&mut state.details) {
    } else if !state.filter.is_empty() {
        state.filter.clear();
    } else if !std::mem::take(&mut state.alerts_only) {
        return Next::Quit;
    }
    Next::Stay
}

fn type_filter(state: &mut State, code: KeyCode) {
    match code {
        KeyCode::Enter => state.typing = false,
        KeyCode::Esc => {
            state.typing = false;
            state.filter.clear();
        }
        KeyCode::Backspace if state.filter.pop().is_none() => state.typing = false,
        KeyCode::Char(letter) if state.filter.chars().count() < MOST_LETTERS => {
            let letter = letter.to_string();
            if printable(&letter) == letter {
                state.filter.push_str(&letter);
            }
        }
        _ => {}
    }
}

fn within(state: &mut State, code: KeyCode, day: &Day) -> Next {
    let visible = state.visible(day);
    let at = state.place(&visible, day);
    let page = state.page.max(1);
    let to = match code {
        KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => at + 1,
        KeyCode::PageUp => at.saturating_sub(page),
        KeyCode::PageDown => at + page,
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => visible.len(),
        KeyCode::Tab => section(&visible, at, day).1,
        KeyCode::BackTab => section(&visible, at, day).0,
        _ => return elsewhere(state, code, day),
    };
    state.select(to, &visible, day);
    Next::Stay
}

fn elsewhere(state: &mut State, code: KeyCode, day: &Day) -> Next {
    let mut go = |to: Option<NaiveDate>, else_say: Hint| match to {
        Some(date) => Next::Day(date),
        None => {
            state.hint = Some(else_say);
            Next::Stay
        }
    };
    match code {
        KeyCode::Left | KeyCode::Char('[') => return go(day.before, Hint::FirstDay),
        KeyCode::Right | KeyCode::Char(']') => return go(day.after, Hint::LastDay),
        KeyCode::Char('n') => {
            let newest = Some(day.newest).filter(|newest| *newest != day.date);
            return go(newest, Hint::LastDay);
        }
        KeyCode::Char('a') => state.alerts_only = !state.alerts_only,
        KeyCode::Char('/') => state.typing = true,
        KeyCode::Char('?' | 'h') => state.help = true,
        KeyCode::Enter => state.details = !state.details,
        _ => {}
    }
    Next::Stay
}

/// Where the section before and the one after begin; the first comes after the last.
fn section(visible: &[usize], at: usize, day: &Day) -> (usize, usize) {
    let name = |place: &usize| visible.get(*place).map(|at| &day.metrics[*at].section);
    let begins = |place: &usize| *place == 0 || name(place) != name(&(place - 1));
    let begins: Vec<usize> = (0..visible.len()).filter(begins).collect();
    let own = begins.iter().rposition(|begin| *begin <= at);
    let own = own.unwrap_or_default();
    let count = begins.len().max(1);
    let begin = |section: usize| begins.get(section % count).copied().unwrap_or_default();
    (begin(own + count - 1), begin(own + 1))
}
