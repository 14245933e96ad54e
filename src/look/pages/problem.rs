//! The page of an HTTP error.

use askama::Template;

use crate::config::Config;
use crate::look::pages::asked::Asked;
use crate::look::pages::words::{Problem, Words};

use super::frame::{Page, Tab};

#[derive(Template)]
#[template(path = "web/problem.html")]
struct Body {
    words: &'static Words,
    problem: Problem,
    status: u16,
    newest: String,
}

/// A page with a way out, and no internal details.
pub fn problem(config: &Config, status: u16) -> String {
    let words = Words::in_language(config.report.locale.language);
    let problem = words.problem(status);
    let body = Body {
        words,
        problem,
        status,
        newest: Asked::Day(None).address(),
    };
    Page::new(problem.title, Tab::Other, &body).html(config, None)
}
