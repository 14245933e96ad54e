//! Which days are meant, and which of them are refused.

use chrono::{Days, NaiveDate};
use thiserror::Error;

use crate::book::{self, Book, BookError};
use crate::calendar::{Day, NoSuchDay, spoken};
use crate::catalog::Catalog;
use crate::catalog::mistake::did_you_mean;
use crate::prune::oldest_kept;

use super::{NightError, Orders, Setting};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    One(NaiveDate),
    Range(NaiveDate, NaiveDate),
    /// Every missing complete day of the last ones.
    CatchUp,
    /// The stored days before `with`, or before today, once more for rows that came late or vanished;
    /// then `with` itself, as `One` would.
    Refresh {
        days: u32,
        with: Option<NaiveDate>,
    },
}

impl Which {
    /// Other days are looked at before the one that is collected.
    pub(super) fn refreshes_first(&self) -> bool {
        matches!(self, Self::Refresh { with: Some(_), .. })
    }

    /// The day is looked at again, not collected.
    pub(super) fn refreshes(&self, date: NaiveDate) -> bool {
        matches!(self, Self::Refresh { with, .. } if *with != Some(date))
    }
}

/// Why a day cannot be collected. Asking again without changing the command will not help.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("{} is in the future: in {zone} it is {} now", spoken(*.date), spoken(*.today))]
    Future {
        date: NaiveDate,
        today: NaiveDate,
        zone: chrono_tz::Tz,
    },
    #[error(
        "{} is older than the {days} days that are kept: set `[retention] days = {needed}` in {file} to collect it{}; METRICS_RETENTION_DAYS overrides the file; if you use it, set it for every later `daybook collect`",
        spoken(*.date), beyond(*.asked)
    )]
    TooOld {
        date: NaiveDate,
        days: u32,
        /// What keeps all days that were asked for.
        needed: i64,
        file: String,
        /// The whole range, where it is one.
        asked: Option<(NaiveDate, NaiveDate)>,
    },
    #[error(transparent)]
    NoSuchDay(#[from] NoSuchDay),
    #[error("--from {from} is after --to {to}")]
    Backwards { from: NaiveDate, to: NaiveDate },
    #[error("there is no metric or family `{key}` in the catalog{hint}")]
    NoSuchMetric { key: String, hint: String },
}

fn beyond(range: Option<(NaiveDate, NaiveDate)>) -> String {
    range.map_or_else(String::new, |(from, to)| {
        format!(" and the rest from {from} to {to}")
    })
}

/// The days to look at, newest last, and those left out with the reason.
pub struct Chosen {
    pub days: Vec<Day>,
    pub skipped: Vec<(NaiveDate, String)>,
}

/// Refuses what can be refused without looking anywhere.
pub fn check(setting: &Setting<'_>, orders: &Orders) -> Result<(), Refusal> {
    let zone = setting.config.time_zone;
    let today = today(setting);
    let days = setting.config.retention_days;
    let oldest = oldest_kept(today, days);
    let one = |date: NaiveDate| match date {
        date if date > today => Err(Refusal::Future { date, today, zone }),
        date if date < oldest => Err(Refusal::TooOld {
            date,
            days,
            needed: (today - date).num_days(),
            file: setting.config.file.display().to_string(),
            asked: match orders.which {
                Which::Range(from, to) => Some((from, to)),
                _ => None,
            },
        }),
        _ => Ok(()),
    };
    match orders.which {
        Which::One(date)
        | Which::Refresh {
            with: Some(date), ..
        } => {
            one(date)?;
            Day::of(date, zone)?;
        }
        Which::Range(from, to) if from > to => return Err(Refusal::Backwards { from, to }),
        Which::Range(from, to) => {
            // The end may lie in the future; whatever is too old, the beginning needs the most days.
            one(to.max(oldest))?;
            one(from)?;
        }
        Which::CatchUp | Which::Refresh { with: None, .. } => {}
    }
    known_keys(&setting.config.catalog, orders.metric.as_deref()).map(drop)
}

/// The metrics meant by a key or a family's name, with all they are made of; every metric when none is named.
pub fn known_keys(catalog: &Catalog, named: Option<&str>) -> Result<Vec<String>, Refusal> {
    let Some(key) = named else {
        return Ok(catalog
            .metrics
            .iter()
            .map(|metric| metric.key.clone())
            .collect());
    };
    let keys = catalog.closure(key);
    if keys.is_empty() {
        let names = catalog
            .metrics
            .iter()
            .flat_map(|metric| [metric.key.as_str(), metric.family.as_str()]);
        return Err(Refusal::NoSuchMetric {
            key: key.to_owned(),
            hint: did_you_mean(key, names),
        });
    }
    Ok(keys)
}

pub async fn choose(
    setting: &Setting<'_>,
    orders: &Orders,
    book: Option<&Book>,
) -> Result<Chosen, NightError> {
    let zone = setting.config.time_zone;
    let (from, to) = match orders.which {
        Which::One(date) => (date, date),
        Which::Range(from, to) => (from, to),
        Which::Refresh { days, with } => refreshed(setting, (days, with), book).await?,
        Which::CatchUp => match missed(setting, book).await? {
            Some(span) => span,
            None => {
                return Ok(Chosen {
                    days: Vec::new(),
                    skipped: Vec::new(),
                });
            }
        },
    };
    let mut chosen = Chosen {
        days: Vec::new(),
        skipped: Vec::new(),
    };
    for date in from.iter_days().take_while(|date| *date <= to) {
        match (Day::of(date, zone), setting.config.catalog.since) {
            (_, Some(since)) if date < since => {
                chosen
                    .skipped
                    .push((date, format!("before `since = \"{since}\"` of the catalog")));
            }
            (Ok(day), _) => chosen.days.push(day),
            (Err(gone), _) => chosen.skipped.push((date, gone.to_string())),
        }
    }
    Ok(chosen)
}

/// From the first entry's day, which may lack something too, at most `catch_up_days` back, to yesterday.
async fn missed(
    setting: &Setting<'_>,
    book: Option<&Book>,
) -> Result<Option<(NaiveDate, NaiveDate)>, BookError> {
    let first = match book {
        Some(book) => book::first_date(book).await?,
        None => None,
    };
    let Some(first) = first else { return Ok(None) };
    let today = today(setting);
    let back = u64::from(setting.config.collect.catch_up_days);
    let from = first
        .max(today - Days::new(back))
        .max(oldest_kept(today, setting.config.retention_days));
    let yesterday = today - Days::new(1);
    Ok((from <= yesterday).then_some((from, yesterday)))
}

/// So many days before the one that comes with them, as far as the book reaches back. No days are a span too,
/// whose end lies before its beginning.
async fn refreshed(
    setting: &Setting<'_>,
    (days, with): (u32, Option<NaiveDate>),
    book: Option<&Book>,
) -> Result<(NaiveDate, NaiveDate), BookError> {
    let first = match book {
        Some(book) => book::first_date(book).await?,
        None => None,
    };
    let today = today(setting);
    let before = with.unwrap_or(today);
    let from = first.map_or(before, |first| {
        let back = before.checked_sub_days(Days::new(u64::from(days)));
        back.unwrap_or(first)
            .max(first)
            .max(oldest_kept(today, setting.config.retention_days))
            .min(before)
    });
    Ok((from, with.unwrap_or(today - Days::new(1))))
}

pub(super) fn today(setting: &Setting<'_>) -> NaiveDate {
    Day::containing(setting.now, setting.config.time_zone).date
}
