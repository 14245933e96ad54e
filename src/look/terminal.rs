//! The terminal view: the loop between the keyboard, the book and the screen.

mod chart;
mod columns;
mod details;
pub mod draw;
mod fit;
mod ink;
mod input;
mod lines;
pub mod live;
pub mod session;
pub mod shown;
pub mod state;
mod table;
pub mod words;

use std::io;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use ratatui::crossterm::event::{Event, KeyEventKind};
use thiserror::Error;

use crate::book::BookError;
use crate::config::{Config, DatabaseUrl};
use crate::render::phrases::fill;
use tokio_util::sync::CancellationToken;

use super::edition::{Edition, POLL_INTERVAL, Watched};
use input::{Input, next_input};
use session::Session;
use shown::{Shown, plain};
use state::{Next, State, press};

pub struct TerminalView<'a> {
    pub config: &'a Config,
    pub book: &'a DatabaseUrl,
    pub clock: fn() -> DateTime<Utc>,
    pub stop: &'a CancellationToken,
}

#[derive(Debug, Error)]
pub enum TopError {
    #[error(transparent)]
    Book(#[from] BookError),
    #[error("the day is not stored")]
    NoDay {
        date: NaiveDate,
        /// The stored days before and after it.
        neighbours: (Option<NaiveDate>, Option<NaiveDate>),
    },
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

impl TerminalView<'_> {
    /// Runs until somebody quits or the program is asked to stop.
    pub async fn run(&self, date: Option<NaiveDate>, color: bool) -> Result<(), TopError> {
        let mut watched = Watched::open(self.book, self.config, 0, (self.clock)()).await?;
        let mut shown = self.begin(&watched.edition, date).await?;
        let mut state = State {
            color,
            ..State::default()
        };
        let mut session = Session::enter()?;
        let mut looked = Instant::now();
        loop {
            session
                .terminal
                .draw(|frame| draw::draw(frame, &state, &shown))?;
            state.page = draw::page_size(session.terminal.size()?.height);
            let input = tokio::select! {
                input = next_input() => input?,
                () = self.stop.cancelled() => break,
            };
            let next = match input {
                Input::Event(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    press(&mut state, key, &shown)
                }
                Input::Closed => Next::Quit,
                Input::Event(_) | Input::Nothing => Next::Stay,
            };
            match next {
                Next::Quit => break,
                Next::Day(date) => shown = self.show(&watched.edition, Some(date)).await?,
                Next::Reload => self.refresh(&mut watched, &mut shown).await,
                Next::Stay if looked.elapsed() >= POLL_INTERVAL => {
                    looked = Instant::now();
                    self.refresh(&mut watched, &mut shown).await;
                }
                Next::Stay => {}
            }
        }
        Ok(())
    }

    /// Keeps what is shown while the book cannot be read.
    async fn refresh(&self, watched: &mut Watched, shown: &mut Shown) {
        shown.stale = shown::stale(&watched.edition, self.config, (self.clock)());
        if let Err(error) = self.read_newer(watched, shown).await {
            let error = plain(&error.to_string());
            shown.trouble = Some(fill(shown.words.unread, &[("error", error)]));
        }
    }

    async fn read_newer(&self, watched: &mut Watched, shown: &mut Shown) -> Result<(), BookError> {
        let now = (self.clock)();
        let newer = watched.newer(self.book, self.config, now).await?;
        if newer.is_none() && shown.trouble.is_none() {
            return Ok(());
        }
        let edition = &newer.as_ref().unwrap_or(watched).edition;
        *shown = self.show(edition, day_to_keep(edition, shown)).await?;
        if let Some(newer) = newer {
            *watched = newer;
        }
        Ok(())
    }

    /// Shows the given day, which must be stored, or the newest.
    async fn begin(&self, edition: &Edition, date: Option<NaiveDate>) -> Result<Shown, TopError> {
        let shown = self.show(edition, date).await?;
        match (date, &shown.day) {
            (Some(date), None) => Err(TopError::NoDay {
                date,
                neighbours: edition.neighbours(date),
            }),
            _ => Ok(shown),
        }
    }

    async fn show(&self, edition: &Edition, date: Option<NaiveDate>) -> Result<Shown, BookError> {
        let report = match date.or(edition.newest()) {
            Some(date) => edition.report(date, &self.config.catalog).await?,
            None => None,
        };
        let now = (self.clock)();
        Ok(Shown::new(report, edition, self.config, now))
    }
}

/// The day to show in a new edition: the newest if the newest was shown, otherwise the same; if that day is gone,
/// the nearest before it, else the one after.
fn day_to_keep(edition: &Edition, shown: &Shown) -> Option<NaiveDate> {
    let day = shown.day.as_ref()?;
    match edition.neighbours(day.date) {
        _ if day.date == day.newest => None,
        _ if edition.holds(day.date) => Some(day.date),
        (before, after) => before.or(after),
    }
}
