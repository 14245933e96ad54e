//! What went wrong, in the reader's words.

use crate::config::Config;

use super::frame::{Page, Tab};

/// What went wrong in the reader's words: a page with a way out, and nothing from inside.
pub fn problem(config: &Config, status: u16) -> String {
    let page = Page {
        title: status.to_string(),
        current: Tab::Other,
        date: None,
        content: format!("<h1>{status}</h1>"),
        stale: None,
    };
    page.html(config)
}
