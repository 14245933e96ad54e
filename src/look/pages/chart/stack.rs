//! A distribution's parts as a stack, day by day.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::entry::{Part, PartKey, Value};
use crate::render::axis::Axis;

use super::{DAY, down};

/// Parts beyond these are added up.
pub(in crate::look::pages) const PARTS: usize = 5;

/// The largest parts over all days, and their amounts on each day.
#[derive(Debug)]
pub(in crate::look::pages) struct Stack {
    names: Vec<String>,
    /// Whether any part has no layer of its own.
    others: bool,
    /// None where the day has no value; otherwise a number for each layer, and one for the others.
    days: Vec<Option<Vec<Decimal>>>,
}

impl Stack {
    pub(in crate::look::pages) fn new<'a>(
        values: impl Iterator<Item = Option<&'a Value>>,
        none: &str,
    ) -> Self {
        let parts = |value: Option<&'a Value>| match value {
            Some(Value::Parts(parts)) => Some(parts),
            _ => None,
        };
        let days: Vec<Option<&Vec<Part>>> = values.map(parts).collect();
        let mut sums: BTreeMap<&PartKey, (Decimal, &Part)> = BTreeMap::new();
        let parts = days.iter().copied().flatten().flatten();
        for part in parts.filter(|part| part.key != PartKey::Other) {
            let sum = sums.entry(&part.key).or_insert((Decimal::ZERO, part));
            // The label that was last used.
            *sum = (sum.0.saturating_add(part.count), part);
        }
        let mut largest: Vec<(&PartKey, (Decimal, &Part))> = sums.into_iter().collect();
        largest.sort_by_key(|(_, (sum, _))| std::cmp::Reverse(*sum));
        largest.truncate(PARTS);
        let place = |part: &Part| {
            let known = largest.iter().position(|(known, _)| **known == part.key);
            known.unwrap_or(largest.len())
        };
        let layers = |parts: &Vec<Part>| {
            let mut layers = vec![Decimal::ZERO; largest.len() + 1];
            for part in parts {
                let layer = &mut layers[place(part)];
                *layer = layer.saturating_add(part.count);
            }
            layers
        };
        let days: Vec<Option<Vec<Decimal>>> = days.iter().map(|day| day.map(layers)).collect();
        let is_other = |layers: &Vec<Decimal>| layers.last().is_some_and(|rest| !rest.is_zero());
        Self {
            names: largest
                .iter()
                .map(|(_, (_, part))| crate::render::view::part(part, none))
                .collect(),
            others: days.iter().flatten().any(is_other),
            days,
        }
    }

    /// How high the highest day is; none where no day has a value.
    pub(in crate::look::pages) fn highest(&self) -> Option<f64> {
        let known = self.days.iter().flatten();
        let sums = known.map(|layers| upto(layers, layers.len()));
        sums.reduce(f64::max).map(|sum| sum.max(0.0))
    }

    /// The layers' names, where `others` is that of all parts without a layer of their own.
    pub(in crate::look::pages) fn names(&self, others: &str) -> Vec<String> {
        let others = self.others.then(|| others.to_owned());
        self.names.iter().cloned().chain(others).collect()
    }

    /// What each layer was on a day; nothing where that is not known.
    pub(in crate::look::pages) fn day(&self, at: usize) -> &[Decimal] {
        let layers = self.days[at].as_deref();
        layers.map_or(&[], |layers| &layers[..self.layer_count()])
    }

    fn layer_count(&self) -> usize {
        self.names.len() + usize::from(self.others)
    }

    /// Each layer's path from the ground to its upper edge, to be painted from the last to the first.
    pub(in crate::look::pages) fn layers(&self, axis: &Axis) -> Vec<String> {
        let layers = 1..=self.layer_count();
        layers.map(|upto| self.layer(upto, axis)).collect()
    }

    fn layer(&self, layers: usize, axis: &Axis) -> String {
        let mut path = String::new();
        let mut open = false;
        for (at, day) in self.days.iter().enumerate() {
            let Some(day) = day else {
                path.push_str(if open { "V1000Z" } else { "" });
                open = false;
                continue;
            };
            if !open {
                path.push_str(&format!("M{} 1000", at * DAY));
                open = true;
            }
            let y = down(upto(day, layers), axis);
            path.push_str(&format!("V{y}h{DAY}"));
        }
        path.push_str(if open { "V1000Z" } else { "" });
        path
    }
}

fn upto(layers: &[Decimal], count: usize) -> f64 {
    let sum = layers.iter().take(count);
    let sum = sum.fold(Decimal::ZERO, |sum, part| sum.saturating_add(*part));
    sum.to_f64().unwrap_or_default()
}
