//! A number over points of a kind, as metrics and alerts ask for it: `count`, `success_pct`, `p95 of duration`.

use std::fmt::{self, Display, Formatter};

use crate::text::suggest::{did_you_mean, expected};

use super::{Accepts, Kind, Shape, Value};

/// What is asked of which points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub kind: String,
    pub aggregate: Aggregate,
    /// Labels with the values that points must have, in the order of their names.
    pub labels: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aggregate {
    Count,
    Succeeded,
    Failed,
    /// Of the points with an outcome.
    SuccessPct,
    Of(Summary, String),
}

/// What is made of one value of many points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Summary {
    Sum,
    Avg,
    Min,
    Max,
    Last,
    Percentile(Percentile),
}

/// In hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile(u32);

const WORDS: [&str; 4] = ["count", "succeeded", "failed", "success_pct"];
const SUMMARIES: [&str; 6] = ["sum", "avg", "min", "max", "last", "p95"];

impl Aggregate {
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["count"] => Ok(Self::Count),
            ["succeeded"] => Ok(Self::Succeeded),
            ["failed"] => Ok(Self::Failed),
            ["success_pct"] => Ok(Self::SuccessPct),
            [word] if Summary::parse(word).is_some() => {
                Err(format!("`{word}` needs a value: `{word} of NAME`"))
            }
            [summary, "of", value] => match Summary::parse(summary) {
                Some(summary) => Ok(Self::Of(summary, value.to_owned())),
                None => Err(unknown(summary, &SUMMARIES)),
            },
            [word] => Err(unknown(word, &WORDS)),
            _ => Err(unknown(text, &[])),
        }
    }

    /// Why there is no such number of this kind.
    pub fn check(&self, kind: &Kind) -> Result<(), String> {
        let name = &kind.name;
        match self {
            Self::Count => Ok(()),
            Self::Of(_, value) if kind.value(value).is_some() => Ok(()),
            Self::Of(_, value) => {
                let known = kind.values.iter().map(|value| value.name.as_str());
                let hint = did_you_mean(value, known);
                Err(format!("`{name}` has no value `{value}`{hint}"))
            }
            _ if kind.shape == Shape::Span => Ok(()),
            _ => Err(format!("only spans succeed or fail, and `{name}` is none")),
        }
    }

    /// Whether it says how many there are.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Count | Self::Succeeded | Self::Failed)
    }

    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Of(_, value) => Some(value),
            _ => None,
        }
    }

    pub fn unit<'k>(&self, kind: &'k Kind) -> &'k str {
        match self {
            Self::SuccessPct => "%",
            _ => self.value_in(kind).map_or("", |value| &value.unit),
        }
    }

    /// The digits behind the point; `None`: as they come.
    pub fn decimals(&self, kind: &Kind) -> Option<u32> {
        let decimals = self.value_in(kind).and_then(|value| value.decimals);
        match self {
            Self::SuccessPct => Some(2),
            // A mean of whole numbers is none.
            Self::Of(Summary::Avg, _) => decimals.map(|decimals| decimals.max(2)),
            _ => decimals,
        }
    }

    fn value_in<'k>(&self, kind: &'k Kind) -> Option<&'k Value> {
        Some(&kind.values[kind.value(self.value()?)?])
    }
}

impl Summary {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "last" => Self::Last,
            _ => Self::Percentile(Percentile::parse(word)?),
        })
    }
}

impl Percentile {
    pub const P50: Self = Self(5000);
    pub const P95: Self = Self(9500);
    pub const P99: Self = Self(9900);

    pub fn parse(word: &str) -> Option<Self> {
        let number = word.strip_prefix('p')?;
        let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) || !(1..=2).contains(&rest.len()) {
            return None;
        }
        let hundredths = format!("{whole}{rest:0<2}").parse().ok()?;
        (1..10_000)
            .contains(&hundredths)
            .then_some(Self(hundredths))
    }

    /// The place, counted from 0, of the smallest of so many numbers that is not below this part of them.
    pub fn rank(self, count: u64) -> Option<u64> {
        let at_least = (u128::from(count) * u128::from(self.0)).div_ceil(10_000);
        u64::try_from(at_least).ok()?.checked_sub(1)
    }
}

/// The labels that exist; of the others, and of values that no point can have, why not, with the label's name.
pub fn check_labels<'l>(
    labels: impl IntoIterator<Item = (&'l String, &'l String)>,
    kind: &Kind,
) -> Vec<(&'l str, String)> {
    let wrong = |(name, text): (&'l String, &'l String)| {
        let Some(at) = kind.label(name) else {
            let known = kind.labels.iter().map(|label| label.name.as_str());
            let hint = did_you_mean(name, known);
            return Some((
                name.as_str(),
                format!("`{}` has no label `{name}`{hint}", kind.name),
            ));
        };
        match &kind.labels[at].accepts {
            _ if text.is_empty() => {
                let message = format!("`{name}` is empty: give one of its values");
                Some((name.as_str(), message))
            }
            Accepts::OneOf(values) if !values.contains(text) => {
                let hint = expected(text, values.iter().map(String::as_str));
                Some((
                    name,
                    format!("`{name}` is never `{}`{hint}", text.escape_debug()),
                ))
            }
            _ => None,
        }
    };
    labels.into_iter().filter_map(wrong).collect()
}

fn unknown(word: &str, near: &[&str]) -> String {
    let word = word.escape_debug();
    match did_you_mean(&word.to_string(), near.iter().copied()) {
        none if none.is_empty() => format!(
            "`{word}` is not `count`, `succeeded`, `failed`, `success_pct`, or one of `sum`, `avg`, `min`, `max`, `last`, `p95` \
             with `of` and a value behind it"
        ),
        hint => format!("`{word}` is unknown{hint}"),
    }
}

impl Display for Aggregate {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => formatter.write_str("count"),
            Self::Succeeded => formatter.write_str("succeeded"),
            Self::Failed => formatter.write_str("failed"),
            Self::SuccessPct => formatter.write_str("success_pct"),
            Self::Of(summary, value) => write!(formatter, "{summary} of {value}"),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Last => "last",
            Self::Percentile(Percentile(hundredths)) => {
                return write!(formatter, "p{}", f64::from(*hundredths) / 100.0);
            }
        })
    }
}

impl Display for Figure {
    /// `checkout: p95 of duration where shop is zh`
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.aggregate)?;
        for (at, (label, text)) in self.labels.iter().enumerate() {
            let word = if at == 0 { "where" } else { "and" };
            write!(formatter, " {word} {label} is {}", text.escape_debug())?;
        }
        Ok(())
    }
}
