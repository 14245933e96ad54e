//! Parses addresses strictly: ambiguous ones are refused.

use chrono::{Datelike, NaiveDate};
use url::form_urlencoded;

use crate::calendar;

use super::asked::{Asked, Span};

/// What happens now.
pub(super) const LIVE: &str = "/sys/metrics/live";

/// Where the dashboard begins.
pub const HOME: &str = "/sys/metrics";

const METRIC: &str = "/sys/metrics/metric/";

/// Longer than any key that a catalog can have.
const KEY_LETTERS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// There is no such page.
    Nowhere,
    /// There is, but its date or number of days is invalid.
    Absurd,
}

impl Asked {
    /// Ignores unknown parameters.
    pub fn read(path: &str, query: Option<&str>) -> Result<Self, Unread> {
        let given = Given(query.unwrap_or_default());
        match path {
            HOME => Ok(Self::Day(given.date()?)),
            "/sys/metrics/alerts" => Ok(Self::Alerts(given.date()?)),
            "/sys/metrics/runs" => Ok(Self::Runs),
            _ => Ok(Self::Metric {
                key: key(path).ok_or(Unread::Nowhere)?,
                days: given.days()?,
                until: given.date()?,
            }),
        }
    }
}

struct Given<'a>(&'a str);

impl Given<'_> {
    fn date(&self) -> Result<Option<NaiveDate>, Unread> {
        self.value("date")?.as_deref().map(date).transpose()
    }

    fn days(&self) -> Result<Span, Unread> {
        let Some(text) = self.value("days")? else {
            return Ok(Span::Days90);
        };
        let span = Span::ALL
            .into_iter()
            .find(|span| span.days().to_string() == text);
        span.ok_or(Unread::Absurd)
    }

    /// An empty form field counts as not given.
    fn value(&self, name: &str) -> Result<Option<String>, Unread> {
        let mut values = form_urlencoded::parse(self.0.as_bytes())
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Unread::Absurd),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }
}

fn key(path: &str) -> Option<String> {
    let key = path.strip_prefix(METRIC)?;
    let begins = key.starts_with(|first: char| first.is_ascii_lowercase());
    let letter =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    (begins && key.len() <= KEY_LETTERS && key.chars().all(letter)).then(|| key.to_owned())
}

fn date(text: &str) -> Result<NaiveDate, Unread> {
    let date = calendar::date(text).ok_or(Unread::Absurd)?;
    (1..=9999)
        .contains(&date.year())
        .then_some(date)
        .ok_or(Unread::Absurd)
}
