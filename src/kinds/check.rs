//! A kind as written becomes a kind that can be relied on; every mistake is told with the place it stands at.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::text::duration::{self, DAY};
use crate::text::suggest::did_you_mean;

use super::written::{self, Shape};
use super::{Accepts, DURATION, Keep, Kind, Label, MOST_LABELS, MOST_VALUES, Value};

const LATE: Duration = DAY.saturating_mul(7);
const MOST_BY_DEFAULT: usize = 50;
const MOST_DETAILS: usize = 65_536;
/// Digits behind the point that still leave room for numbers in 64 bits.
const MOST_DECIMALS: u32 = 9;

/// `wrong` hears of every mistake, with the path below the kind where it stands.
pub fn check(name: &str, written: &written::Kind, wrong: &mut dyn FnMut(&[&str], String)) -> Kind {
    if let Err(message) = word(name) {
        wrong(&[], message);
    }
    if written.labels.len() > MOST_LABELS {
        wrong(
            &["labels"],
            format!("{} labels, at most {MOST_LABELS}", written.labels.len()),
        );
    }
    let values = values(written, wrong);
    if values.len() > MOST_VALUES {
        wrong(
            &["values"],
            format!("{} values, at most {MOST_VALUES}", values.len()),
        );
    }
    let labels = labels(written, wrong);
    let groups = groups(written, &labels, wrong);
    let cluster = match &written.cluster {
        Some(name) => found(name, &labels, &["cluster"], wrong),
        None => groups.iter().find_map(|group| group.first().copied()),
    };
    let details = written.details.bytes.unwrap_or(0);
    if details > MOST_DETAILS {
        wrong(
            &["details", "bytes"],
            format!("`{details}` is more than {MOST_DETAILS}"),
        );
    }
    Kind {
        name: name.to_owned(),
        shape: written.shape,
        groups,
        cluster,
        late: time(written.late.as_ref(), LATE, &["late"], wrong),
        keep: keep(&written.keep, wrong),
        details,
        labels,
        values,
    }
}

/// The names of kinds, labels and values appear in addresses, columns and series.
fn word(name: &str) -> Result<(), String> {
    let sound = name.len() <= 60
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    match sound {
        true => Ok(()),
        false => Err(format!(
            "`{}` is not a name: at most 60 small letters, digits and `_`, a letter first",
            name.escape_debug()
        )),
    }
}

fn labels(written: &written::Kind, wrong: &mut dyn FnMut(&[&str], String)) -> Vec<Label> {
    let label = |(name, label): (&String, &written::Label)| {
        let place = ["labels", name.as_str()];
        let reserved = ["at", "kind", "id", "ok", "details"].contains(&name.as_str());
        if let Err(message) = word(name) {
            wrong(&place, message);
        } else if reserved || written.values.contains_key(name) {
            wrong(&place, format!("`{name}` is taken: choose another name"));
        }
        let ways = [label.values.is_some(), label.most.is_some(), label.find];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            let message = "keep one of `values`, `most` and `find`".to_owned();
            wrong(&place, message);
        }
        let accepts = match (&label.values, label.most) {
            (Some(values), _) => {
                let distinct: BTreeSet<&String> = values.iter().collect();
                if values.is_empty() || distinct.len() < values.len() {
                    wrong(&place, "`values` lists each value once".to_owned());
                }
                Accepts::OneOf(values.clone())
            }
            (None, Some(most)) => {
                if !(1..=super::MOST_GROUPS).contains(&most) {
                    let most_groups = super::MOST_GROUPS;
                    wrong(
                        &place,
                        format!("`most = {most}` is not from 1 to {most_groups}"),
                    );
                }
                Accepts::Most(most)
            }
            (None, None) if label.find => Accepts::Find,
            (None, None) => Accepts::Most(MOST_BY_DEFAULT),
        };
        Label {
            name: name.clone(),
            accepts,
            required: label.required,
        }
    };
    written.labels.iter().map(label).collect()
}

fn values(written: &written::Kind, wrong: &mut dyn FnMut(&[&str], String)) -> Vec<Value> {
    let value = |(name, value): (&String, &written::Value)| {
        let place = ["values", name.as_str()];
        if let Err(message) = word(name) {
            wrong(&place, message);
        }
        if value.decimals.is_some_and(|digits| digits > MOST_DECIMALS) {
            wrong(&place, format!("`decimals` is at most {MOST_DECIMALS}"));
        }
        let numbers = [value.min, value.max, value.default];
        if numbers
            .into_iter()
            .flatten()
            .any(|number| !number.is_finite())
        {
            wrong(&place, "`min`, `max` and `default` are finite".to_owned());
        }
        let least = value.min.unwrap_or(f64::NEG_INFINITY);
        let most = value.max.unwrap_or(f64::INFINITY);
        if least > most {
            wrong(&place, format!("`min` {least} is above `max` {most}"));
        } else if value
            .default
            .is_some_and(|default| !(least..=most).contains(&default))
        {
            wrong(
                &place,
                "`default` is not between `min` and `max`".to_owned(),
            );
        }
        Value {
            name: name.clone(),
            unit: value.unit.clone(),
            decimals: value.decimals,
            min: value.min,
            max: value.max,
            default: value.default,
            required: value.required,
        }
    };
    let mut values: Vec<Value> = written.values.iter().map(value).collect();
    if written.shape == Shape::Span && !written.values.contains_key(DURATION) {
        values.push(Value {
            name: DURATION.to_owned(),
            unit: "ms".to_owned(),
            decimals: Some(3),
            min: Some(0.0),
            max: None,
            default: None,
            required: false,
        });
        values.sort_by(|one, other| one.name.cmp(&other.name));
    }
    values
}

fn groups(
    written: &written::Kind,
    labels: &[Label],
    wrong: &mut dyn FnMut(&[&str], String),
) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new()];
    for (at, names) in written.by.iter().enumerate() {
        let place = ["by", &at.to_string()];
        let mut group = Vec::new();
        let mut is_sound = true;
        for name in names {
            let label = found(name, labels, &place, wrong);
            let why_not = match label {
                Some(label) if labels[label].accepts == Accepts::Find => {
                    "has `find = true` and is never rolled up"
                }
                Some(label) if group.contains(&label) => "stands twice",
                _ => "",
            };
            if !why_not.is_empty() {
                wrong(&place, format!("`{name}` {why_not}"));
            }
            is_sound &= label.is_some() && why_not.is_empty();
            group.extend(label);
        }
        if is_sound && groups.contains(&group) {
            wrong(&place, "this group is empty or stands twice".to_owned());
        } else if is_sound {
            groups.push(group);
        }
    }
    groups
}

fn found(
    name: &str,
    labels: &[Label],
    place: &[&str],
    wrong: &mut dyn FnMut(&[&str], String),
) -> Option<usize> {
    let at = labels.iter().position(|label| label.name == name);
    if at.is_none() {
        let hint = did_you_mean(name, labels.iter().map(|label| label.name.as_str()));
        wrong(place, format!("no label `{name}`{hint}"));
    }
    at
}

fn keep(written: &written::Keep, wrong: &mut dyn FnMut(&[&str], String)) -> Keep {
    let mut tier = |name, text: &Option<String>, days: Option<u32>| match text.as_deref() {
        Some("forever") => None,
        None => days.map(|days| DAY * days),
        Some(text) => Some(time(Some(&text.to_owned()), DAY, &["keep", name], wrong)),
    };
    Keep {
        points: tier("points", &written.points, Some(7)),
        hourly: tier("hourly", &written.hourly, Some(30)),
        daily: tier("daily", &written.daily, Some(90)),
        monthly: tier("monthly", &written.monthly, None),
    }
}

fn time(
    text: Option<&String>,
    otherwise: Duration,
    place: &[&str],
    wrong: &mut dyn FnMut(&[&str], String),
) -> Duration {
    let Some(text) = text else {
        return otherwise;
    };
    duration::parse(text).unwrap_or_else(|message| {
        wrong(place, message);
        otherwise
    })
}
