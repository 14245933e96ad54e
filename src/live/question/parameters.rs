//! A question as it is asked with names and texts, on the command line and in an address. What is not understood is refused,
//! never passed over.

use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::{self, Day};
use crate::kinds::figure::check_labels;
use crate::kinds::{Aggregate, DURATION, Kind, Percentile, Shape, Summary};
use crate::text::duration;
use crate::text::suggest::{did_you_mean, expected};

use super::super::grain::Every;
use super::{Asked, Context, Cursor, Filter, Order, Question};

/// Names of questions, with what each takes besides a time and a filter.
pub const QUESTIONS: [(&str, &[&str]); 12] = [
    ("points", &["limit", "after", "order"]),
    ("recent", &["limit", "after"]),
    ("range", &["limit", "after"]),
    ("latest", &["limit"]),
    ("aggregate", &["figure", "every", "by", "estimate"]),
    ("percentile", &["value", "percentile", "estimate"]),
    ("average", &["value"]),
    ("top", &["by", "figure", "order", "limit", "estimate"]),
    ("slowest", &["value", "limit"]),
    ("summary", &["estimate"]),
    ("compare", &["estimate"]),
    ("peaks", &[]),
];
/// Of every question.
const COMMON: [&str; 4] = ["from", "to", "last", "ok"];
/// Before a label's name.
const LABEL: &str = "label.";
const MOST_POINTS: usize = 10_000;
const MOST_LISTED: usize = 1000;

/// Why a question is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {error}")]
pub struct Wrong {
    pub parameter: String,
    pub error: String,
}

pub fn read(
    question: &str,
    pairs: &[(String, String)],
    kind: &Kind,
    context: Context,
) -> Result<Asked, Wrong> {
    let known = QUESTIONS.iter().find(|(name, _)| *name == question);
    let Some((name, takes)) = known else {
        let hint = expected(question, QUESTIONS.map(|(name, _)| name));
        let error = format!("no question `{}`{hint}", question.escape_debug());
        return Err(wrong("question", error));
    };
    let given = Given {
        question: name,
        pairs,
        kind,
    };
    given.refuse_unknown(takes)?;
    let estimate = given.one("estimate", yes_or_no)?.unwrap_or(false);
    Ok(Asked {
        name,
        window: given.window(context)?,
        filter: given.filter()?,
        estimate,
        question: given.question()?,
    })
}

/// The time and the filter of something that takes also these parameters.
pub fn select(
    name: &str,
    takes: &[&str],
    pairs: &[(String, String)],
    kind: &Kind,
    context: Context,
) -> Result<(Range<i64>, Filter), Wrong> {
    let given = Given {
        question: name,
        pairs,
        kind,
    };
    given.refuse_unknown(takes)?;
    Ok((given.window(context)?, given.filter()?))
}

/// Which points of a kind are meant by `label.…` and `ok`.
pub fn filter(pairs: &[(String, String)], kind: &Kind) -> Result<Filter, Wrong> {
    let question = "filter";
    Given {
        question,
        pairs,
        kind,
    }
    .filter()
}

struct Given<'a> {
    question: &'a str,
    pairs: &'a [(String, String)],
    kind: &'a Kind,
}

impl<'a> Given<'a> {
    fn refuse_unknown(&self, takes: &[&str]) -> Result<(), Wrong> {
        for (at, (name, _)) in self.pairs.iter().enumerate() {
            let known = || COMMON.iter().chain(takes).copied();
            if !name.starts_with(LABEL) && !known().any(|known| known == name) {
                let hint = did_you_mean(name, known());
                let error = format!("`{}` takes no such parameter{hint}", self.question);
                return Err(wrong(name, error));
            }
            let is_twice = self.pairs[..at].iter().any(|(other, _)| other == name);
            if is_twice && name != "figure" {
                return Err(wrong(name, "given twice"));
            }
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str())
    }

    fn one<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Wrong> {
        let read = |text| read(text).map_err(|error| wrong(name, error));
        self.text(name).map(read).transpose()
    }

    fn window(&self, context: Context) -> Result<Range<i64>, Wrong> {
        let at = |text: &str| moment(text, context);
        let from = self.one("from", at)?;
        let to = self.one("to", at)?;
        let last = self.one("last", |text| ago(text, context))?;
        if last.is_some() && (from.is_some() || to.is_some()) {
            return Err(wrong("last", "not together with `from` or `to`"));
        }
        let micros = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
        let window = micros(from.or(last)).unwrap_or(i64::MIN)..micros(to).unwrap_or(i64::MAX);
        match window.is_empty() {
            true => Err(wrong("from", "the time ends before it begins")),
            false => Ok(window),
        }
    }

    fn filter(&self) -> Result<Filter, Wrong> {
        let labels = self
            .pairs
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix(LABEL)?.to_owned(), text.clone())));
        let mut labels: Vec<(String, String)> = labels.collect();
        labels.sort();
        let mistakes = check_labels(labels.iter().map(|(name, text)| (name, text)), self.kind);
        if let Some((label, error)) = mistakes.into_iter().next() {
            return Err(wrong(&format!("{LABEL}{label}"), error));
        }
        let ok = self.one("ok", yes_or_no)?;
        if ok.is_some() && self.kind.shape != Shape::Span {
            let error = format!(
                "only spans succeed or fail, and `{}` is none",
                self.kind.name
            );
            return Err(wrong("ok", error));
        }
        Ok(Filter { labels, ok })
    }

    fn question(&self) -> Result<Question, Wrong> {
        let limit = |otherwise, most| {
            let limit = self.one("limit", |text| whole(text, most))?;
            Ok(limit.unwrap_or(otherwise))
        };
        Ok(match self.question {
            "points" | "recent" | "range" => Question::Points {
                order: match (self.question, self.one("order", order)?) {
                    ("range", _) | (_, Some(Order::OldestFirst)) => Order::OldestFirst,
                    _ => Order::NewestFirst,
                },
                most: limit(100, MOST_POINTS)?,
                after: self.one("after", |text| {
                    Cursor::from_str(text)
                        .map_err(|()| "this is not the `next` of an answer".to_owned())
                })?,
            },
            "latest" => Question::Latest {
                by: self.main_label()?,
                most: limit(MOST_POINTS, MOST_POINTS)?,
            },
            "aggregate" => Question::Aggregate {
                figures: self.figures()?,
                every: self.one("every", every)?,
                by: self.by()?.unwrap_or_default(),
            },
            "percentile" => {
                let percentile = self.one("percentile", percentile)?;
                let summary = Summary::Percentile(percentile.unwrap_or(Percentile::P95));
                Question::Single(Aggregate::Of(summary, self.value()?))
            }
            "average" => Question::Single(Aggregate::Of(Summary::Avg, self.value()?)),
            "top" => {
                let figure = self.figures()?.swap_remove(0);
                // Short times are good; of all else there is most at the top.
                let is_time = figure.value() == Some(DURATION);
                let ascending = self.one("order", ascending)?.unwrap_or(is_time);
                let by = match self.by()? {
                    Some(by) => by,
                    None => vec![self.main_label()?],
                };
                let most = limit(10, MOST_LISTED)?;
                Question::Top {
                    by,
                    figure,
                    ascending,
                    most,
                }
            }
            "slowest" => Question::Slowest {
                value: self.value()?,
                most: limit(10, MOST_LISTED)?,
            },
            "compare" => Question::Compare,
            "peaks" => Question::Peaks,
            _ => Question::Summary,
        })
    }

    fn figures(&self) -> Result<Vec<Aggregate>, Wrong> {
        let texts = self.pairs.iter().filter(|(name, _)| name == "figure");
        let texts = texts.flat_map(|(_, text)| text.split(','));
        let figure = |text: &str| {
            let figure = Aggregate::parse(text).and_then(|figure| {
                figure.check(self.kind)?;
                Ok(figure)
            });
            figure.map_err(|error| wrong("figure", error))
        };
        let figures: Vec<Aggregate> = texts.map(figure).collect::<Result<_, _>>()?;
        Ok(match figures.is_empty() {
            true => vec![self.usual_figure()],
            false => figures,
        })
    }

    fn usual_figure(&self) -> Aggregate {
        match (self.question, self.kind.shape) {
            ("top", Shape::Span) => Aggregate::Of(Summary::Avg, DURATION.to_owned()),
            _ => Aggregate::Count,
        }
    }

    /// The value that is asked for, else the kind's duration or its only one.
    fn value(&self) -> Result<String, Wrong> {
        let values = &self.kind.values;
        let usual = || match values.as_slice() {
            [only] => Some(only.name.clone()),
            _ => self.kind.value(DURATION).map(|at| values[at].name.clone()),
        };
        let names = || values.iter().map(|value| value.name.as_str());
        let value = self.one("value", |text| {
            let is_known = self.kind.value(text).is_some();
            is_known.then(|| text.to_owned()).ok_or_else(|| {
                let hint = did_you_mean(text, names());
                format!(
                    "`{}` has no value `{}`{hint}",
                    self.kind.name,
                    text.escape_debug()
                )
            })
        })?;
        value.or_else(usual).ok_or_else(|| {
            let names: Vec<&str> = names().collect();
            let error = match names.is_empty() {
                true => format!("`{}` has no values", self.kind.name),
                false => format!("say which: {}", names.join(", ")),
            };
            wrong("value", error)
        })
    }

    fn by(&self) -> Result<Option<Vec<String>>, Wrong> {
        let label = |name: &str| match self.kind.label(name) {
            Some(_) => Ok(name.to_owned()),
            None => {
                let names = self.kind.labels.iter().map(|label| label.name.as_str());
                let hint = did_you_mean(name, names);
                Err(format!(
                    "`{}` has no label `{}`{hint}",
                    self.kind.name,
                    name.escape_debug()
                ))
            }
        };
        self.one("by", |text| {
            let mut labels: Vec<String> = Vec::new();
            for name in text.split(',') {
                let label = label(name)?;
                if labels.contains(&label) {
                    return Err(format!("`{label}` stands there twice"));
                }
                labels.push(label);
            }
            Ok(labels)
        })
    }

    /// The label by which a kind's events are told apart first.
    fn main_label(&self) -> Result<String, Wrong> {
        let first = self
            .kind
            .groups
            .iter()
            .find_map(|group| group.first().copied());
        let label = self.kind.cluster.or(first);
        let label = label.map(|label| self.kind.labels[label].name.clone());
        label.ok_or_else(|| {
            let (kind, question) = (&self.kind.name, self.question);
            let error = format!("`{question}`: `{kind}` has no label that is rolled up");
            wrong("question", error)
        })
    }
}

pub fn wrong(parameter: &str, error: impl Into<String>) -> Wrong {
    Wrong {
        parameter: parameter.to_owned(),
        error: error.into(),
    }
}

/// A moment, the beginning of a day, or how long ago.
pub fn moment(text: &str, context: Context) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text).ok();
    let instant = instant.map(|at| at.with_timezone(&Utc));
    let day = || Some(Day::new(calendar::date(text)?, context.zone).ok()?.start);
    let ago = || ago(text, context).ok();
    instant.or_else(day).or_else(ago).ok_or_else(|| {
        format!(
            "`{}` is not a moment such as 2025-10-03T08:00:00+02:00, a date, or how long ago, such as `2h`",
            text.escape_debug()
        )
    })
}

fn ago(text: &str, context: Context) -> Result<DateTime<Utc>, String> {
    let ago = duration::parse(text)?;
    let at = TimeDelta::from_std(ago)
        .ok()
        .and_then(|ago| context.now.checked_sub_signed(ago));
    at.ok_or_else(|| format!("`{text}` is too long"))
}

pub fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!(
            "`{}` is neither true nor false",
            text.escape_debug()
        )),
    }
}

fn order(text: &str) -> Result<Order, String> {
    match text {
        "newest" => Ok(Order::NewestFirst),
        "oldest" => Ok(Order::OldestFirst),
        _ => Err(format!(
            "`{}` is neither newest nor oldest",
            text.escape_debug()
        )),
    }
}

fn ascending(text: &str) -> Result<bool, String> {
    match text {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(format!("`{}` is neither asc nor desc", text.escape_debug())),
    }
}

fn every(text: &str) -> Result<Every, String> {
    let found = Every::ALL.into_iter().find(|every| every.name() == text);
    found.ok_or_else(|| {
        let names = Every::ALL.map(Every::name).join(", ");
        format!("`{}` is none of {names}", text.escape_debug())
    })
}

fn percentile(text: &str) -> Result<Percentile, String> {
    let is_a_part = text.parse().is_ok_and(|number: f64| number < 1.0);
    let found = Percentile::parse(&format!("p{text}")).filter(|_| !is_a_part);
    found.ok_or_else(|| {
        format!(
            "`{}` is not from 1 to below 100, such as 95 or 99.9",
            text.escape_debug()
        )
    })
}

pub fn whole(text: &str, most: usize) -> Result<usize, String> {
    let whole = text.parse().ok().filter(|whole| (1..=most).contains(whole));
    whole.ok_or_else(|| format!("`{}` is not a number from 1 to {most}", text.escape_debug()))
}
