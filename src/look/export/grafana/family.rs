//! Metrics that share a picture: the windows of one number, the parts of one split.

use crate::catalog::{Counted, Metric, Parts, Shape};
use crate::text::plain::capitalized;

use super::unit::{decimals, unit};

pub(super) struct Family<'a> {
    pub(super) title: String,
    /// Each with its words in the legend.
    pub(super) members: Vec<(&'a Metric, String)>,
    name: String,
}

impl<'a> Family<'a> {
    /// In the order of the catalog; a metric without relatives is a family of one.
    pub(super) fn gather(metrics: &[&'a Metric]) -> Vec<Self> {
        let mut families: Vec<Self> = Vec::new();
        for metric in metrics {
            let own = Self::single(metric);
            match families.iter_mut().find(|family| family.name == own.name) {
                Some(family) => family.members.extend(own.members),
                None => families.push(own),
            }
        }
        for family in &mut families {
            if let [(metric, words)] = family.members.as_mut_slice() {
                family.title.clone_from(&metric.label);
                words.clone_from(&metric.label);
            }
        }
        families
    }

    /// The whole section in one picture, if each family has one member and all have the same unit.
    pub(super) fn of_section(section: &str, families: &[Self]) -> Option<Self> {
        let alone = families
            .iter()
            .map(|family| match family.members.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            });
        let members: Vec<(&'a Metric, String)> = alone.collect::<Option<_>>()?;
        let (first, _) = members.first()?;
        let is_like_first =
            |metric: &Metric| (unit(metric), decimals(metric)) == (unit(first), decimals(first));
        let fit = members.len() > 1 && members.iter().all(|(metric, _)| is_like_first(metric));
        fit.then(|| Self {
            title: section.to_owned(),
            members,
            name: String::new(),
        })
    }

    fn single(metric: &'a Metric) -> Self {
        let named = match &metric.shape {
            Shape::Counted(counted) => counted
                .window
                .as_ref()
                .and_then(|_| of_window(metric))
                .or_else(|| of_split(metric, counted)),
            Shape::Live(live) => live.days.and_then(|_| of_window(metric)),
            Shape::Sql { .. } | Shape::Derived(_) => None,
        };
        let (name, title, words) = named.unwrap_or_else(|| {
            let label = metric.label.clone();
            (metric.key.clone(), label.clone(), label)
        });
        Self {
            title,
            members: vec![(metric, words)],
            name,
        }
    }

    /// The members' descriptions, each once.
    pub(super) fn description(&self) -> String {
        let mut all: Vec<&str> = Vec::new();
        for (metric, _) in &self.members {
            let description = metric.description.as_str();
            if !description.is_empty() && !all.contains(&description) {
                all.push(description);
            }
        }
        all.join("\n\n")
    }
}

/// `active_users_7d`, "Active users, 7 days": the window is the words behind the last comma.
fn of_window(metric: &Metric) -> Option<(String, String, String)> {
    let (stem, _) = metric.key.rsplit_once('_')?;
    let (title, window) = metric.label.rsplit_once(", ")?;
    let name = format!("{stem} windows");
    Some((name, title.to_owned(), window.to_owned()))
}

fn of_split(metric: &Metric, counted: &Counted) -> Option<(String, String, String)> {
    let (Parts::Share { column, .. } | Parts::Rest { column, .. }) = &counted.parts else {
        return None;
    };
    let name = format!("{} by {column}", metric.family);
    let title = capitalized(&name.replace('_', " "));
    Some((name, title, metric.label.clone()))
}
