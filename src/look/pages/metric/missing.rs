//! The page for an unknown metric, with similar ones.

use askama::Template;

use crate::catalog::Metric;
use crate::look::pages::asked::Asked;
use crate::look::pages::frame::{Page, Tab};
use crate::look::pages::words::Words;
use crate::look::pages::{Built, Link, Scene};
use crate::render::phrases::fill;
use crate::render::view;

/// How many are offered.
const OFFERED: usize = 3;
/// No metric is similar to a longer key.
const LONGEST: usize = 80;

#[derive(Template)]
#[template(path = "web/no_metric.html")]
struct Missing {
    words: &'static Words,
    title: String,
    near: Vec<Link>,
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
    let link = |(_, metric): &(usize, &Metric)| {
        let address = Asked::metric(&metric.key, None).address();
        (view::label(metric), address)
    };
    let missing = Missing {
        words: scene.words,
        near: near.iter().take(OFFERED).map(link).collect(),
        newest: Asked::Day(None).address(),
        title: title.clone(),
    };
    scene.missing(&Page::new(&title, Tab::Other, &missing))
}
