//! Days that are known to be different: those of the settings, and holidays.

use chrono::NaiveDate;

use crate::calendar::holidays::{self, Holiday};

use super::Catalog;

/// Why a day is known to be different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// As the settings name it, in whatever language.
    Named(String),
    Holiday(&'static Holiday),
}

impl Catalog {
    /// What the settings say of a day comes before what a calendar says.
    pub fn known_day(&self, date: NaiveDate) -> Option<Known> {
        let named = self.known_days.iter().find(|day| day.is(date));
        let named = named.map(|day| Known::Named(day.name.clone()));
        named.or_else(|| holidays::on(date, &self.holidays).map(Known::Holiday))
    }
}

impl Known {
    pub fn english(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Holiday(holiday) => holiday.english,
        }
    }

    pub fn german(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Holiday(holiday) => holiday.german,
        }
    }
}
