//! The page of runs and deliveries.

use crate::book::BookError;

use super::frame::{Page, Tab};
use super::{Built, Scene};

pub(super) async fn page(scene: &Scene<'_>) -> Result<Built, BookError> {
    Ok(scene.found(Page {
        title: scene.words.runs.to_owned(),
        current: Tab::Runs,
        date: None,
        content: String::new(),
        stale: None,
    }))
}
