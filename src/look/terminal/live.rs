//! What happens now, in the terminal: looked at every two seconds, or printed once.

mod agents;
mod alerts;
mod kinds;
mod numbers;
mod parts;

use std::io;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ratatui::Frame;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, LiveSettings};
use crate::live::compat::agents_dashboard::{AgentsDashboard, TASK, agents_dashboard};
use crate::live::now::{Now, now};
use crate::live::question::{AskError, Context};
use crate::live::store::{Store, StoreError};
use crate::locale::Numbers;

use super::input::{Input, next_input};
use super::session::Session;
use numbers::Format;
use parts::{Ink, Line};

const EVERY: Duration = Duration::from_secs(2);
/// Lines of the keys.
const FOOT: u16 = 1;
/// Lines that a page key scrolls.
const PAGE: usize = 10;

pub struct LiveView<'a> {
    pub config: &'a Config,
    pub live: &'a LiveSettings,
    pub clock: fn() -> DateTime<Utc>,
    pub stop: &'a CancellationToken,
}

#[derive(Debug, Error)]
pub enum LiveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Asked(#[from] AskError),
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// What was seen, and when.
#[derive(Debug, Clone)]
pub struct Seen {
    name: String,
    at: DateTime<Utc>,
    zone: Tz,
    numbers: Numbers,
    now: Now,
    agents: Option<AgentsDashboard>,
    /// Why there is nothing to be seen.
    nothing: Option<String>,
}

/// What somebody looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looking {
    pub color: bool,
    /// Lines above the first one that is shown.
    pub first: usize,
    /// Why it could not be looked at again.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Stay,
    Look,
    Quit,
}

impl LiveView<'_> {
    /// Looks once.
    pub async fn seen(&self) -> Result<Seen, LiveError> {
        let mut store = self.open().await?;
        self.look(store.as_mut()).await
    }

    /// The whole page as text.
    pub async fn once(&self, width: usize, color: bool) -> Result<String, LiveError> {
        let seen = self.seen().await?;
        let lines = page(&seen, self.live, width);
        Ok(lines
            .iter()
            .map(|line| format!("{}\n", line.printed(color)))
            .collect())
    }

    /// Until somebody quits or the program is asked to stop.
    pub async fn run(&self, color: bool) -> Result<(), LiveError> {
        let mut store = self.open().await?;
        let mut seen = self.look(store.as_mut()).await?;
        let mut looking = Looking {
            color,
            ..Looking::default()
        };
        let mut session = Session::enter()?;
        let mut looked = Instant::now();
        loop {
            session
                .terminal
                .draw(|frame| draw(frame, &mut looking, &seen, self.live))?;
            let input = tokio::select! {
                input = next_input() => input?,
                () = self.stop.cancelled() => break,
            };
            let next = match input {
                Input::Event(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    press(&mut looking, key)
                }
                Input::Closed => Next::Quit,
                Input::Event(_) | Input::Nothing => Next::Stay,
            };
            match next {
                Next::Quit => break,
                Next::Stay if looked.elapsed() < EVERY => {}
                Next::Look | Next::Stay => {
                    looked = Instant::now();
                    looking.trouble = match self.again(&mut store).await {
                        Ok(newer) => {
                            seen = newer;
                            None
                        }
                        Err(error) => Some(error.to_string()),
                    };
                }
            }
        }
        Ok(())
    }

    async fn again(&self, store: &mut Option<Store>) -> Result<Seen, LiveError> {
        if store.is_none() {
            *store = self.open().await?;
        }
        self.look(store.as_mut()).await
    }

    async fn open(&self) -> Result<Option<Store>, LiveError> {
        Ok(Store::open_reading(&self.live.database).await?)
    }

    async fn look(&self, store: Option<&mut Store>) -> Result<Seen, LiveError> {
        let mut seen = Seen {
            name: self.config.name.clone(),
            at: (self.clock)(),
            zone: self.config.time_zone,
            numbers: self.config.report.locale.numbers,
            now: Now::default(),
            agents: None,
            nothing: None,
        };
        let Some(store) = store else {
            let file = self.live.database.display();
            seen.nothing = Some(format!("Nothing is recorded yet: there is no {file}"));
            return Ok(seen);
        };
        let context = Context {
            zone: seen.zone,
            now: seen.at,
        };
        seen.now = now(store, self.live, |_| true, context).await?;
        seen.agents = agents_dashboard(store, &self.live.kinds, context).await?;
        Ok(seen)
    }
}

/// All there is to be seen, in lines of at most this width.
fn page(seen: &Seen, live: &LiveSettings, width: usize) -> Vec<Line> {
    let mut lines = vec![header(seen, width)];
    if let Some(nothing) = &seen.nothing {
        lines.extend([Line::default(), Line::of(nothing)]);
        return cut(lines, width);
    }
    let format = Format {
        numbers: seen.numbers,
        zone: seen.zone,
        now: seen.at,
    };
    lines.extend(alerts::lines(&seen.now, live, format));
    let task = seen.now.kinds.iter().find(|kind| kind.name == TASK);
    let mut others: Vec<_> = seen.now.kinds.iter().collect();
    if let Some((dashboard, task)) = seen.agents.as_ref().zip(task) {
        lines.extend(agents::lines(
            dashboard,
            task,
            seen.now.day_start,
            format,
            width,
        ));
        others.retain(|kind| kind.name != TASK);
    }
    if !others.is_empty() {
        lines.extend(kinds::lines(&others, seen.now.day_start, format, width));
    }
    cut(lines, width)
}

fn cut(lines: Vec<Line>, width: usize) -> Vec<Line> {
    lines.into_iter().map(|line| line.cut(width)).collect()
}

fn header(seen: &Seen, width: usize) -> Line {
    let at = seen.at.with_timezone(&seen.zone);
    let at = at.format("%a %-d %b %H:%M:%S").to_string();
    let name = Line::default().with(&format!("{} · live", seen.name), Ink::Heading);
    name.padded(width.saturating_sub(at.len()))
        .with(&at, Ink::Muted)
}

/// Draws as many lines as have room, and the keys.
pub fn draw(frame: &mut Frame<'_>, looking: &mut Looking, seen: &Seen, live: &LiveSettings) {
    let area = frame.area();
    let lines = page(seen, live, usize::from(area.width));
    let room = usize::from(area.height.saturating_sub(FOOT));
    looking.first = looking.first.min(lines.len().saturating_sub(room));
    let has_more = looking.first + room < lines.len();
    let foot = foot(looking, has_more).cut(usize::from(area.width));
    let shown = lines.iter().skip(looking.first).take(room);
    let rows = area.rows().zip(shown);
    let buffer = frame.buffer_mut();
    for (row, line) in rows {
        buffer.set_line(row.x, row.y, &line.drawn(looking.color), row.width);
    }
    if let Some(last) = area.rows().next_back() {
        buffer.set_line(last.x, last.y, &foot.drawn(looking.color), last.width);
    }
}

fn foot(looking: &Looking, has_more: bool) -> Line {
    if let Some(trouble) = &looking.trouble {
        return Line::default().with(&format!("Not looked at again: {trouble}"), Ink::Warning);
    }
    let mut foot = Line::default();
    if has_more {
        foot = foot.with("▼ more below  ", Ink::Heading);
    }
    for (key, does) in [("q", "quit"), ("↑ ↓", "scroll"), ("r", "look again")] {
        foot = foot
            .with(key, Ink::Heading)
            .with(&format!(" {does}  "), Ink::Muted);
    }
    foot
}

pub fn press(looking: &mut Looking, key: KeyEvent) -> Next {
    let first = looking.first;
    looking.first = match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Next::Quit,
        KeyCode::Char('q') | KeyCode::Esc => return Next::Quit,
        KeyCode::Char('r') => return Next::Look,
        KeyCode::Up | KeyCode::Char('k') => first.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => first + 1,
        KeyCode::PageUp => first.saturating_sub(PAGE),
        KeyCode::PageDown => first + PAGE,
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => usize::MAX / 2,
        _ => first,
    };
    Next::Stay
}
