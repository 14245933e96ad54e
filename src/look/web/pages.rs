//! The pages: what was asked for, as HTML.

use chrono::NaiveDate;

use crate::book::BookError;
use crate::config::Config;
use crate::look::edition::Edition;

use super::asked::Asked;

/// What came of building a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    Page(String),
    /// There is no such day or metric: a page that says so, with a way out.
    Missing(String),
}

/// A page depends on the book's edition, the settings, what is asked for and the day that should be there by now
/// ([`crate::report::expected`]), and on nothing else: so it can be kept.
pub async fn build(
    edition: &Edition,
    config: &Config,
    asked: &Asked,
    expected: NaiveDate,
) -> Result<Built, BookError> {
    let newest = edition.newest();
    Ok(Built::Page(format!(
        "<!DOCTYPE html><title>{}</title>{} {newest:?} {expected}",
        config.name,
        asked.address()
    )))
}

/// What went wrong in the reader's words: a page with a way out, and nothing from inside.
pub fn problem(config: &Config, status: u16) -> String {
    format!("<!DOCTYPE html><title>{}</title>{status}", config.name)
}
