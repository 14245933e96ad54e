//! Proposes settings for a database from its schema, with every guess marked.

pub mod columns;
pub mod machinery;
pub mod metric;
mod metrics;
pub mod names;
pub mod roles;
pub mod sharing;
pub mod tables;
pub mod times;
pub mod welcome;
pub mod write;

use std::collections::BTreeSet;

use crate::collect::schema::survey::Survey;

use metric::Metric;
use tables::{LeftOut, Subject, while_open};

/// The settings before they become text.
#[derive(Debug)]
pub struct Proposal<'a> {
    pub subjects: Vec<Subject<'a>>,
    pub metrics: Vec<Metric>,
    pub left_out: Vec<LeftOut>,
    /// Tables and metrics for which there was no room.
    pub unused: Vec<String>,
}

/// How the settings say where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A URL without a password.
    Written(String),
    File(String),
    Elsewhere,
}

/// `None` if no table can be counted.
pub fn propose(survey: &Survey) -> Option<Proposal<'_>> {
    let (all, left_out) = tables::choose(survey);
    let shared = sharing::share(&all, survey);
    let mut subjects = Vec::new();
    let mut parts = Vec::new();
    for (subject, part) in all.into_iter().zip(shared.parts) {
        if part.is_empty() {
            continue;
        }
        let open = while_open(&subject, survey.engine);
        let is_counted = |open: &Subject<'_>| part.iter().any(|metric| metric.table == open.id);
        subjects.push(subject);
        subjects.extend(open.filter(is_counted));
        parts.push(part);
    }
    let metrics = in_sections(parts);
    (!metrics.is_empty()).then_some(Proposal {
        subjects,
        metrics,
        left_out,
        unused: shared.unused,
    })
}

/// The sections in the order of their most telling tables; every key once.
fn in_sections(parts: Vec<Vec<Metric>>) -> Vec<Metric> {
    let mut order: Vec<String> = Vec::new();
    let mut metrics: Vec<Metric> = parts.into_iter().flatten().collect();
    for metric in &metrics {
        if !order.contains(&metric.section) {
            order.push(metric.section.clone());
        }
    }
    metrics.sort_by_key(|metric| order.iter().position(|name| *name == metric.section));
    let mut taken = BTreeSet::new();
    for metric in &mut metrics {
        metric.key = apart(&metric.key, &mut taken);
        for part in metric.split.iter_mut().flat_map(|(_, parts)| parts) {
            part.key = apart(&part.key, &mut taken);
        }
    }
    metrics
}

fn apart(key: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|count| format!("{key}_{count}"));
    let mut names = std::iter::once(key.to_owned()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    free.unwrap_or_default()
}
