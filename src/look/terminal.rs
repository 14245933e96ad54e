//! The newest day in the terminal: the loop joins the keyboard, the book and the page.

mod chart;
mod columns;
mod details;
pub mod draw;
mod fit;
mod ink;
mod lines;
pub mod session;
pub mod shown;
pub mod state;
mod table;
pub mod words;

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use thiserror::Error;

use crate::book::BookError;
use crate::config::{Config, DatabaseUrl};
use crate::render::phrases::fill;
use tokio_util::sync::CancellationToken;

use super::edition::{Edition, POLL_INTERVAL, Watched};
use session::Session;
use shown::{Shown, plain};
use state::{Next, State, press};
use words::Words;

/// How long a key is waited for before the world is looked at: a signal, the book, the clock.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is looked at.
pub struct Place<'a> {
    pub config: &'a Config,
    pub book: &'a DatabaseUrl,
}

/// What runs beside: the clock, and the wish that it ends.
pub struct Around<'a> {
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

/// What came of waiting for a key.
enum Heard {
    Event(Event),
    Nothing,
    /// The terminal itself is no more.
    Gone,
}

/// Until somebody quits or the program is asked to stop.
pub async fn run(
    place: &Place<'_>,
    date: Option<NaiveDate>,
    color: bool,
    Around { clock, stop }: Around<'_>,
) -> Result<(), TopError> {
    let mut watched = Watched::open(place.book, place.config, 0, clock()).await?;
    let mut shown = begin(place, &watched.edition, date, clock()).await?;
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
        let heard = tokio::select! {
            heard = next_event() => heard?,
            () = stop.cancelled() => break,
        };
        let next = match heard {
            Heard::Event(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                press(&mut state, key, &shown)
            }
            Heard::Gone => Next::Quit,
            Heard::Event(_) | Heard::Nothing => Next::Stay,
        };
        match next {
            Next::Quit => break,
            Next::Day(date) => {
                shown = shown_on(place, &watched.edition, Some(date), clock()).await?;
            }
            Next::Reload => look_again(place, &mut watched, &mut shown, clock()).await,
            Next::Stay if looked.elapsed() >= POLL_INTERVAL => {
                looked = Instant::now();
                look_again(place, &mut watched, &mut shown, clock()).await;
            }
            Next::Stay => {}
        }
    }
    Ok(())
}

/// A key that nobody presses must not keep a signal from being heard, so the waiting is on a thread of its own.
async fn next_event() -> io::Result<Heard> {
    let waited = tokio::task::spawn_blocking(wait).await;
    waited.map_err(io::Error::other)?
}

/// A terminal that is gone can be read for ever and gives nothing: it is noticed before it is read.
fn wait() -> io::Result<Heard> {
    let keys = io::stdin();
    if !keys.is_terminal() {
        return heard(PATIENCE);
    }
    let mut watched = [PollFd::new(&keys, PollFlags::IN)];
    let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
    match rustix::event::poll(&mut watched, Some(&patience)) {
        // A signal: perhaps the window has another size now.
        Err(Errno::INTR) => {}
        answer => drop(answer?),
    }
    match watched[0]
        .revents()
        .intersects(PollFlags::HUP | PollFlags::ERR)
    {
        true => Ok(Heard::Gone),
        false => heard(Duration::ZERO),
    }
}

fn heard(patience: Duration) -> io::Result<Heard> {
    match event::poll(patience)? {
        true => event::read().map(Heard::Event),
        false => Ok(Heard::Nothing),
    }
}

/// Keeps what there is where the book cannot be read: the next look tries again.
async fn look_again(
    place: &Place<'_>,
    watched: &mut Watched,
    shown: &mut Shown,
    now: DateTime<Utc>,
) {
    shown.stale = shown::stale(&watched.edition, place.config, now);
    if let Err(error) = refresh(place, watched, shown, now).await {
        let words = Words::of(place.config.report.locale.language);
        let told = fill(words.unread, &[("error", plain(&error.to_string()))]);
        shown.trouble = Some(told);
    }
}

async fn refresh(
    place: &Place<'_>,
    watched: &mut Watched,
    shown: &mut Shown,
    now: DateTime<Utc>,
) -> Result<(), BookError> {
    let newer = watched.newer(place.book, place.config, now).await?;
    if newer.is_none() && shown.trouble.is_none() {
        return Ok(());
    }
    let edition = &newer.as_ref().unwrap_or(watched).edition;
    let day = kept(edition, shown);
    *shown = shown_on(place, edition, day, now).await?;
    if let Some(newer) = newer {
        *watched = newer;
    }
    Ok(())
}

/// The day asked for, which must be stored, else the newest.
async fn begin(
    place: &Place<'_>,
    edition: &Edition,
    date: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Shown, TopError> {
    let shown = shown_on(place, edition, date, now).await?;
    match (date, &shown.day) {
        (Some(date), None) => Err(TopError::NoDay {
            date,
            neighbours: edition.neighbours(date),
        }),
        _ => Ok(shown),
    }
}

async fn shown_on(
    place: &Place<'_>,
    edition: &Edition,
    date: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Shown, BookError> {
    let report = match date.or(edition.newest()) {
        Some(date) => edition.report(date, &place.config.catalog).await?,
        None => None,
    };
    Ok(Shown::of(report, edition, place.config, now))
}

/// The day to go on with: who looked at the newest looks at the newest again; of a day that is gone the nearest
/// before it, else the one after.
fn kept(edition: &Edition, shown: &Shown) -> Option<NaiveDate> {
    let day = shown.day.as_ref()?;
    let is_there = |date: NaiveDate| {
        let days = edition.history.days();
        days.binary_search_by_key(&date, |day| day.date).is_ok()
    };
    match edition.neighbours(day.date) {
        _ if day.date == day.newest => None,
        _ if is_there(day.date) => Some(day.date),
        (before, after) => before.or(after),
    }
}
