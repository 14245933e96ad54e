//! The newest number of each series, as Prometheus reads it.

use std::collections::BTreeMap;

use crate::kinds::{Kind, Shape};
use crate::text::exposition::{self, Form};

use super::super::columns::{ABSENT, Columns};
use super::Names;
use super::series::Series;

/// Units that have a base unit: its name, and how many make one of it.
const BASE_UNITS: [(&str, &str, f64); 3] = [
    ("ms", "seconds", 1000.0),
    ("s", "seconds", 1.0),
    ("bytes", "bytes", 1.0),
];

pub(super) struct Newest {
    names: Names,
    families: BTreeMap<String, Family>,
}

#[derive(Default)]
struct Family {
    help: String,
    /// By their labels: the time and the number.
    samples: BTreeMap<String, (i64, f64)>,
}

impl Newest {
    pub(super) fn new<'k>(names: Names, kinds: impl Iterator<Item = &'k Kind>) -> Self {
        let mut newest = Self {
            names,
            families: BTreeMap::new(),
        };
        for kind in kinds {
            for value in &kind.values {
                newest.family(kind, &value.name);
            }
        }
        newest
    }

    pub(super) fn add(&mut self, points: &Columns, kind: &Kind) {
        let is_span = kind.shape == Shape::Span;
        let series = Series::new(points, kind, is_span);
        let labels: Vec<String> = (0..series.first.len())
            .map(|one| self.labels(&series, one, points, kind))
            .collect();
        for column in &points.values {
            let mut newest = vec![None; labels.len()];
            for (place, one) in series.of.iter().enumerate() {
                if let Some(number) = column.cells.get(place) {
                    newest[*one as usize] = Some((points.at[place], number));
                }
            }
            let (family, scale) = self.family(kind, &column.name);
            for (labels, newest) in labels.iter().zip(newest) {
                if let Some((at, number)) = newest {
                    let sample = (at, number / scale);
                    family.samples.insert(labels.clone(), sample);
                }
            }
        }
    }

    fn labels(&self, series: &Series<'_>, one: usize, points: &Columns, kind: &Kind) -> String {
        let mut words: Vec<(&str, &str)> = series.words(one).collect();
        let ok = points.ok[series.first[one]];
        words.extend(match (self.names, ok) {
            (_, ABSENT) => None,
            (Names::Moai, ok) if kind.label("success").is_none() => {
                Some(("success", if ok == 1 { "1" } else { "0" }))
            }
            (_, ok) => Some(("ok", if ok == 1 { "true" } else { "false" })),
        });
        exposition::labels(&words)
    }

    /// With how many of a value's unit make one of the family's.
    fn family(&mut self, kind: &Kind, value: &str) -> (&mut Family, f64) {
        let unit = kind.value(value).map(|at| kind.values[at].unit.as_str());
        let unit = BASE_UNITS.iter().find(|(known, ..)| unit == Some(*known));
        let kind = &kind.name;
        let (name, scale) = match (self.names, unit) {
            (Names::Moai, _) if value == "value" => (format!("moai_{kind}_metric"), 1.0),
            (Names::Moai, Some((unit, ..))) => {
                (format!("moai_{kind}_{}", ending(value, unit)), 1.0)
            }
            (Names::Moai, None) => (format!("moai_{kind}_{value}"), 1.0),
            (Names::Daybook, Some((unit, base, scale))) => {
                let stem = value.strip_suffix(&format!("_{unit}")).unwrap_or(value);
                (format!("daybook_{kind}_{}", ending(stem, base)), *scale)
            }
            (Names::Daybook, None) => (format!("daybook_{kind}_{value}"), 1.0),
        };
        let family = self.families.entry(name).or_default();
        if family.help.is_empty() {
            family.help = format!("The newest {value} of {kind}");
        }
        (family, scale)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            exposition::family(&mut text, name, &family.help, Form::Prometheus);
            for (labels, (at, number)) in &family.samples {
                let milliseconds = at.div_euclid(1000);
                let sample = format_args!("{number} {milliseconds}\n");
                exposition::sample(&mut text, name, labels, sample);
            }
        }
        text
    }
}

/// The name with its unit at the end, once.
fn ending(name: &str, unit: &str) -> String {
    match name == unit || name.ends_with(&format!("_{unit}")) {
        true => name.to_owned(),
        false => format!("{name}_{unit}"),
    }
}
