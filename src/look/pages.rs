//! The dashboard's pages as HTML, cached until the book changes.

mod address;
mod alerts;
pub mod asked;
mod chart;
mod day;
mod frame;
mod live;
mod metric;
mod page_cache;
mod problem;
pub mod reported;
mod routes;
mod runs;
mod site;
mod spark;
pub mod words;

use chrono::NaiveDate;

use crate::book::BookError;
use crate::config::Config;
use crate::look::edition::Edition;
use crate::render::phrases::Speech;

use asked::Asked;
use words::Words;

pub use address::HOME;
pub use day::before_first_night;
pub use frame::{SCRIPT, STYLE};
pub use problem::problem;
pub use routes::{for_everybody, for_readers};
pub use site::Site;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    Page(String),
    /// A page that says that there is no such day or metric, with a way out.
    Missing(String),
}

/// What every page is made from.
struct Scene<'a> {
    edition: &'a Edition,
    config: &'a Config,
    /// The newest day whose report is due.
    expected: NaiveDate,
    speech: Speech,
    words: &'static Words,
}

/// The words of a link, and its address.
type Link = (String, String);

impl Scene<'_> {
    /// A link that is called after a day.
    fn link(&self, date: NaiveDate, asked: &Asked) -> Link {
        (self.speech.short_date_with_year(date), asked.address())
    }

    /// Links to the stored days before and after a day.
    fn neighbours(&self, date: NaiveDate, asked: impl Fn(NaiveDate) -> Asked) -> [Option<Link>; 2] {
        let (before, after) = self.edition.neighbours(date);
        [before, after].map(|day| day.map(|date| self.link(date, &asked(date))))
    }
}

/// A page depends on the book's edition, the settings, what is asked for and the day that should be there by now
/// ([`crate::report::expected`]), and on nothing else: so it can be kept.
pub async fn build(
    edition: &Edition,
    config: &Config,
    asked: &Asked,
    expected: NaiveDate,
) -> Result<Built, BookError> {
    let locale = config.report.locale;
    let scene = Scene {
        edition,
        config,
        expected,
        speech: Speech::new(locale),
        words: Words::in_language(locale.language),
    };
    match asked {
        Asked::Day(date) => day::page(&scene, *date).await,
        Asked::Metric { key, days, until } => metric::page(&scene, key, *days, *until).await,
        Asked::Alerts(until) => alerts::page(&scene, *until).await,
        Asked::Runs => runs::page(&scene).await,
    }
}
