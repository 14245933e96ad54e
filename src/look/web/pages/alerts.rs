//! The alerts page.

use chrono::NaiveDate;

use crate::book::BookError;

use super::frame::{Page, Tab};
use super::{Built, Scene};

pub(super) async fn page(scene: &Scene<'_>, until: Option<NaiveDate>) -> Result<Built, BookError> {
    Ok(scene.found(Page {
        title: scene.words.alerts.to_owned(),
        current: Tab::Alerts,
        date: until,
        content: String::new(),
        stale: None,
    }))
}
