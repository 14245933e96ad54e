//! The pages: what was asked for, as HTML.

mod alerts;
mod chart;
mod day;
mod frame;
mod metric;
mod problem;
mod runs;
mod spark;

use chrono::NaiveDate;

use crate::book::BookError;
use crate::config::Config;
use crate::look::edition::Edition;
use crate::render::phrases::Speech;

use super::asked::Asked;
use super::words::Words;

pub use frame::{SCRIPT, STYLE};
pub use problem::problem;

/// What came of building a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    Page(String),
    /// There is no such day or metric: a page that says so, with a way out.
    Missing(String),
}

/// What every page is made from.
struct Scene<'a> {
    edition: &'a Edition,
    config: &'a Config,
    /// The newest day that should be there by now.
    expected: NaiveDate,
    speech: Speech,
    words: &'static Words,
}

/// A page depends on the book's edition, the settings, what is asked for and the day that should be there by now
/// ([`crate::report::expected`]), and on nothing else: so it can be kept.
pub async fn build(
    edition: &Edition,
    config: &Config,
    asked: &Asked,
    expected: NaiveDate,
) -> Result<Built, BookError> {
    let voice = config.report.voice;
    let scene = Scene {
        edition,
        config,
        expected,
        speech: Speech::of(voice),
        words: Words::of(voice.language),
    };
    match asked {
        Asked::Day(date) => day::page(&scene, *date).await,
        Asked::Metric { key, days, until } => metric::page(&scene, key, (*days, *until)).await,
        Asked::Alerts(until) => alerts::page(&scene, *until).await,
        Asked::Runs => runs::page(&scene).await,
    }
}
