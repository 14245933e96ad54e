//! A metric that there is not: perhaps another was meant.

use askama::Template;

use crate::look::pages::asked::{Asked, Span};
use crate::look::pages::frame::{Page, Tab, written};
use crate::look::pages::words::Words;
use crate::look::pages::{Built, Scene};
use crate::render::phrases::fill;
use crate::render::view;

/// So many are offered.
const OFFERED: usize = 3;
/// Of a longer key no metric is near.
const LONGEST: usize = 80;

#[derive(Template)]
#[template(path = "web/no_metric.html")]
struct Missing {
    words: &'static Words,
    title: String,
    /// Label and address.
    near: Vec<(String, String)>,
    newest: String,
}

pub(super) fn no_such_metric(scene: &Scene<'_>, key: &str) -> Built {
    let short: String = key.chars().take(LONGEST).collect();
    let title = fill(scene.words.no_such_metric, &[("key", view::line(&short))]);
    let distance = |known: &str| strsim::damerau_levenshtein(&short.to_lowercase(), known);
    let shown = scene.config.catalog.shown();
    let mut near: Vec<_> = shown
        .map(|metric| (distance(&metric.key), metric))
        .filter(|(far, metric)| metric.family == key || *far <= 1 + metric.key.len() / 4)
        .collect();
    near.sort_by_key(|(far, _)| *far);
    let link = |(_, metric): &(usize, &crate::catalog::Metric)| {
        let asked = Asked::Metric {
            key: metric.key.clone(),
            days: Span::Days90,
            until: None,
        };
        (view::label(metric), asked.address())
    };
    let missing = Missing {
        words: scene.words,
        near: near.iter().take(OFFERED).map(link).collect(),
        newest: Asked::Day(None).address(),
        title: title.clone(),
    };
    scene.missing(Page {
        title,
        current: Tab::Other,
        date: None,
        content: written(&missing),
        stale: None,
    })
}
