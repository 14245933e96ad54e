//! Settings proposed for a database that nobody has described yet: from its schema alone, every guess marked.

pub mod metrics;
pub mod names;
pub mod roles;
pub mod tables;
pub mod times;
pub mod welcome;
pub mod write;

use std::collections::BTreeSet;

use crate::collect::schema::survey::Survey;

use metrics::Metric;
use tables::{LeftOut, Subject};

/// More numbers than this nobody reads in the morning.
const MOST_NUMBERS: usize = 60;

/// So many of them at most say how many rows there are and are new.
const MOST_BASIC_NUMBERS: usize = 40;

/// What is to be written, before it is text.
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

/// Nothing, where no table can be counted.
pub fn propose(survey: &Survey) -> Option<Proposal<'_>> {
    let (all, left_out) = tables::choose(survey);
    let mut unused = Vec::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    let mut parts: Vec<Vec<Metric>> = Vec::new();
    let mut numbers = 0;
    for subject in all {
        let basic = metrics::basic(&subject);
        let more: usize = basic.iter().map(Metric::numbers).sum();
        if numbers + more > MOST_BASIC_NUMBERS {
            unused.push(format!("the table {}", subject.relation.name));
            continue;
        }
        numbers += more;
        subjects.push(subject);
        parts.push(basic);
    }
    for (subject, part) in subjects.iter().zip(&mut parts) {
        for metric in metrics::further(subject, survey) {
            match numbers + metric.numbers() <= MOST_NUMBERS {
                true => {
                    numbers += metric.numbers();
                    part.push(metric);
                }
                false => unused.push(format!("{} ({})", metric.label, subject.relation.name)),
            }
        }
    }
    let metrics = in_sections(parts);
    (!metrics.is_empty()).then_some(Proposal {
        subjects,
        metrics,
        left_out,
        unused,
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
        for (_, key) in metric.split.iter_mut().flat_map(|(_, values)| values) {
            *key = apart(key, &mut taken);
        }
    }
    metrics
}

fn apart(key: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|count| format!("{key}_{count}"));
    let mut names = std::iter::once(key.to_owned()).chain(numbered);
    let free = names.find(|name| !taken.contains(name));
    let free = free.unwrap_or_default();
    taken.insert(free.clone());
    free
}
