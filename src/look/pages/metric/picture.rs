//! The picture of a metric's days: a line for numbers, a stack for distributions.

use crate::compare::State;
use crate::entry::Value;
use crate::look::pages::Scene;
use crate::look::pages::chart::line::Label;
use crate::look::pages::chart::stack::Stack;
use crate::look::pages::chart::{Field, line, ticks, x_of};
use crate::render::axis::{axis, height};
use crate::render::phrases::fill;
use crate::render::phrases::speech::Scale;
use crate::render::view::{self, Tone};

use super::days::{Day, Days, Highlight};

/// Everything that is drawn, as paths, percents and words.
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) words: String,
    pub(super) field: Field,
    pub(super) line: String,
    pub(super) band: String,
    pub(super) labels: Vec<Label>,
    /// Beginnings of alerts.
    pub(super) marks: Vec<Mark>,
    /// Days in alert: warnings, critical ones, welcome ones.
    pub(super) lanes: [(Tone, String); 3],
    /// Open days: where, and what that means.
    pub(super) open: Vec<Mark>,
    /// From the ground up, each with its name and the class of its colour.
    pub(super) layers: Vec<(String, String, &'static str)>,
}

pub(super) struct Mark {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) tone: Tone,
    pub(super) words: String,
}

/// More beginnings of alerts than this cover one another and weigh down the page: then only critical ones are marked,
/// the newest of them. The lanes below show the days of all.
const MOST_MARKS: usize = 60;

/// Neighbours differ in lightness, not in hue alone.
const COLOURS: [&str; 6] = ["l0", "l1", "l2", "l3", "l4", "l5"];

pub(super) fn picture(days: &Days, label: &str, scene: &Scene<'_>) -> Option<Picture> {
    let mut picture = match days.metric.is_distribution() {
        true => stacked(days, scene)?,
        false => drawn(days, scene)?,
    };
    let count = scene.speech.count(scene.speech.words.days, days.days.len());
    let until = scene.speech.short_date_with_year(days.last);
    let words = [("label", label), ("days", &count), ("date", &until)];
    picture.title = fill(scene.words.chart, &words);
    picture.field.clocks = clocks(days, scene);
    Some(picture)
}

fn drawn(days: &Days, scene: &Scene<'_>) -> Option<Picture> {
    let speech = &scene.speech;
    let scale = Scale::of_metric(&days.metric);
    let all: Vec<Option<f64>> = days.days.iter().map(number).collect();
    let closed = |(day, number): (&Day, &Option<f64>)| number.filter(|_| !is_open(day));
    let numbers: Vec<Option<f64>> = days.days.iter().zip(&all).map(closed).collect();
    let bounds = days.days.iter().filter_map(|day| day.usual);
    let bounds = bounds.flat_map(|usual| [usual.low, usual.high]);
    let known = || all.iter().flatten().copied();
    known().next()?;
    let seen: Vec<f64> = known().chain(bounds).collect();
    let lowest = seen.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let lowest_known = known().fold(f64::INFINITY, f64::min);
    // A band below zero is arithmetic where no number ever was.
    let lowest = if lowest_known >= 0.0 {
        lowest.max(0.0)
    } else {
        lowest
    };
    let whole = known().all(|number| number.fract() == 0.0);
    let axis = axis((lowest, highest), whole, scale, speech);
    let dates: Vec<_> = days.days.iter().map(|day| day.date).collect();
    let usual: Vec<_> = days.days.iter().map(|day| day.usual).collect();
    let mark = |at: usize, tone, words| Mark {
        x: x_of(at, dates.len()),
        y: all[at].map_or_else(
            || "100%".to_owned(),
            |number| format!("{:.2}%", 100.0 - 100.0 * height(number, &axis)),
        ),
        tone,
        words,
    };
    let begun = days.days.iter().enumerate().filter_map(|(at, day)| {
        let highlight = standing(day)?;
        let before = at.checked_sub(1).and_then(|at| standing(&days.days[at]));
        let begins = highlight.state == State::New
            || highlight.state == State::Worse
            || before.is_none_or(|before| before.view.tone != highlight.view.tone);
        begins.then(|| mark(at, highlight.view.tone, sentence(day, highlight, scene)))
    });
    let mut begun: Vec<Mark> = begun.collect();
    if begun.len() > MOST_MARKS {
        begun.retain(|mark| mark.tone == Tone::Critical);
    }
    let open = days
        .days
        .iter()
        .enumerate()
        .filter(|(at, day)| is_open(day) && all[*at].is_some());
    let row = days.report.as_ref().and_then(|report| report.rows.first());
    Some(Picture {
        title: String::new(),
        words: row.map_or_else(String::new, |row| view::trend_words(&all, row, speech)),
        line: line::path(&numbers, &axis),
        band: line::band(&usual, &axis),
        labels: line::labels(&numbers, &axis, |number| speech.number(number, scale)),
        marks: begun.split_off(begun.len().saturating_sub(MOST_MARKS)),
        lanes: [Tone::Warning, Tone::Critical, Tone::Good].map(|tone| (tone, lane(days, tone))),
        open: open
            .map(|(at, day)| {
                let date = speech.short_date(day.date);
                mark(
                    at,
                    Tone::Muted,
                    fill(scene.words.open_mark, &[("date", date)]),
                )
            })
            .collect(),
        layers: Vec::new(),
        field: Field::of(&axis, dates.len(), ticks::ticks(&dates, speech)),
    })
}

fn stacked(days: &Days, scene: &Scene<'_>) -> Option<Picture> {
    let speech = &scene.speech;
    let values = days.days.iter().map(value);
    let stack = Stack::of(values, speech.words.no_part);
    stack.days.iter().flatten().next()?;
    let scale = Scale::of_metric(&days.metric);
    let axis = axis((0.0, stack.highest()), true, scale, speech);
    let dates: Vec<_> = days.days.iter().map(|day| day.date).collect();
    let mut names = stack.names.clone();
    names.extend(stack.others.then(|| speech.words.all_others.to_owned()));
    let layers = stack.layers(&axis).into_iter().zip(&names).zip(COLOURS);
    let named = layers.map(|((path, name), class)| (path, name.clone(), class));
    Some(Picture {
        title: String::new(),
        words: names.join(", "),
        line: String::new(),
        band: String::new(),
        labels: Vec::new(),
        marks: Vec::new(),
        lanes: [Tone::Warning, Tone::Critical, Tone::Good].map(|tone| (tone, lane(days, tone))),
        open: Vec::new(),
        layers: named.collect(),
        field: Field::of(&axis, dates.len(), ticks::ticks(&dates, speech)),
    })
}

/// Days of another length, and what that means.
fn clocks(days: &Days, scene: &Scene<'_>) -> Vec<(String, String, String)> {
    let told = days.days.iter().enumerate().filter_map(|(at, day)| {
        let hours = day.entry.as_ref()?.hours();
        let why = match hours {
            24.0 => return None,
            hours if hours > 24.0 => scene.speech.words.longer,
            _ => scene.speech.words.shorter,
        };
        let hours = scene.speech.hours(hours);
        let date = scene.speech.short_date(day.date);
        let long = fill(scene.speech.words.hours, &[("hours", &hours)]);
        let words = format!("{date}: {long}, {why}");
        Some((x_of(at, days.days.len()), format!("{hours} h"), words))
    });
    told.collect()
}

fn lane(days: &Days, tone: Tone) -> String {
    let numbered = days.days.iter().enumerate();
    let alerting = numbered
        .filter(|(_, day)| standing(day).is_some_and(|highlight| highlight.view.tone == tone));
    line::lane(alerting.map(|(at, _)| at))
}

pub(super) fn standing(day: &Day) -> Option<&Highlight> {
    day.highlight
        .as_ref()
        .filter(|highlight| highlight.state != State::Recovered)
}

/// `Fri 3 Oct: critical, 46 against 100 …`
fn sentence(day: &Day, highlight: &Highlight, scene: &Scene<'_>) -> String {
    let date = scene.speech.short_date(day.date);
    let value = highlight.view.head.rsplit(": ").next().unwrap_or_default();
    format!(
        "{date}, {}: {value} {}",
        highlight.view.word, highlight.view.rest
    )
}

fn value(day: &Day) -> Option<&Value> {
    day.reading.as_ref()?.value.as_ref()
}

fn number(day: &Day) -> Option<f64> {
    value(day)?.number()
}

pub(super) fn is_open(day: &Day) -> bool {
    day.entry.as_ref().is_some_and(|entry| entry.partial)
}
