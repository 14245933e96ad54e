//! Chooses the days of a night, and refuses impossible ones.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};

use crate::book::{self, Book, BookError};
use crate::calendar::Day;
use crate::catalog::Catalog;
use crate::prune::oldest_kept;
use crate::text::suggest::did_you_mean;

use super::super::error::{NightError, Refusal};
use super::super::types::{NightContext, Orders, Which};

/// The days to look at, newest last, and the skipped ones with the reason.
pub(super) struct Chosen {
    pub(super) days: Vec<Day>,
    pub(super) skipped: Vec<(NaiveDate, String)>,
}

/// Refuses dates and keys that are wrong whatever is stored.
pub(in crate::nightly) fn check(
    context: &NightContext<'_>,
    orders: &Orders,
) -> Result<(), Refusal> {
    let zone = context.config.time_zone;
    let today = context.today();
    let days = context.config.retention_days;
    let oldest = oldest_kept(today, days);
    let one = |date: NaiveDate| match date {
        date if date > today => Err(Refusal::Future { date, today, zone }),
        date if date < oldest => Err(Refusal::TooOld {
            date,
            days,
            needed: (today - date).num_days(),
            file: context.config.file.display().to_string(),
            range: match orders.which {
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
            Day::new(date, zone)?;
        }
        Which::Range(from, to) if from > to => return Err(Refusal::Backwards { from, to }),
        Which::Range(from, to) => {
            // The end may be in the future; if days are too old, the beginning needs the longest retention.
            one(to.max(oldest))?;
            one(from)?;
        }
        Which::CatchUp | Which::Refresh { with: None, .. } => {}
    }
    known_keys(&context.config.catalog, orders.metric.as_deref()).map(drop)
}

/// The metrics of a key or a family's name, with their inputs; every metric if none is named.
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
            hint: match did_you_mean(key, names) {
                hint if hint.is_empty() => "; `daybook config metrics` lists them".to_owned(),
                hint => hint,
            },
        });
    }
    Ok(keys)
}

pub(super) async fn choose(
    context: &NightContext<'_>,
    orders: &Orders,
    book: Option<&Book>,
) -> Result<Chosen, NightError> {
    let zone = context.config.time_zone;
    let mut chosen = Chosen {
        days: Vec::new(),
        skipped: Vec::new(),
    };
    let dates = match orders.which {
        Which::One(date) => date..=date,
        Which::Range(from, to) => from..=to,
        Which::CatchUp => missed(context, book).await?,
        Which::Refresh { days, with } => {
            let end = with.unwrap_or(context.today() - Days::new(1));
            first_refreshed(context, days, with, book).await?..=end
        }
    };
    for date in dates
        .start()
        .iter_days()
        .take_while(|date| date <= dates.end())
    {
        match (Day::new(date, zone), context.config.catalog.since) {
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

/// From the first entry's day, which may also lack something, at most `catch_up_days` back, to yesterday.
async fn missed(
    context: &NightContext<'_>,
    book: Option<&Book>,
) -> Result<RangeInclusive<NaiveDate>, BookError> {
    let today = context.today();
    let back = u64::from(context.config.collect.catch_up_days);
    let first = first_stored(book).await?;
    let from = first.map_or(today, |first| {
        first
            .max(today - Days::new(back))
            .max(oldest_kept(today, context.config.retention_days))
    });
    Ok(from..=today - Days::new(1))
}

/// The first of `days` days before `with`, or before today, as far as the book goes back.
async fn first_refreshed(
    context: &NightContext<'_>,
    days: u32,
    with: Option<NaiveDate>,
    book: Option<&Book>,
) -> Result<NaiveDate, BookError> {
    let today = context.today();
    let before = with.unwrap_or(today);
    let first = first_stored(book).await?;
    Ok(first.map_or(before, |first| {
        let back = before.checked_sub_days(Days::new(u64::from(days)));
        back.unwrap_or(first)
            .max(first)
            .max(oldest_kept(today, context.config.retention_days))
            .min(before)
    }))
}

pub(super) async fn first_stored(book: Option<&Book>) -> Result<Option<NaiveDate>, BookError> {
    match book {
        Some(book) => book::first_date(book).await,
        None => Ok(None),
    }
}
