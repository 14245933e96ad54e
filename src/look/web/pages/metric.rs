//! A metric's page.

use chrono::NaiveDate;

use crate::book::BookError;
use crate::look::web::asked::Span;

use super::frame::{Page, Tab};
use super::{Built, Scene};

pub(super) async fn page(
    scene: &Scene<'_>,
    key: &str,
    (days, until): (Span, Option<NaiveDate>),
) -> Result<Built, BookError> {
    Ok(scene.found(Page {
        title: format!("{key} {}", days.days()),
        current: Tab::Other,
        date: until,
        content: String::new(),
        stale: None,
    }))
}
