//! A day's page.

use chrono::NaiveDate;

use crate::book::BookError;

use super::frame::{Page, Tab};
use super::{Built, Scene};

pub(super) async fn page(scene: &Scene<'_>, date: Option<NaiveDate>) -> Result<Built, BookError> {
    let newest = scene.edition.newest();
    Ok(scene.found(Page {
        title: scene.words.day.to_owned(),
        current: Tab::Day,
        date,
        content: format!("<h1>{newest:?}</h1>"),
        stale: None,
    }))
}
