//! The chart of a metric's days: a line for numbers, a stack for distributions.

use crate::compare::State;
use crate::look::pages::Scene;
use crate::look::pages::chart::line::Label;
use crate::look::pages::chart::{Field, line, ticks, x_of};
use crate::render::axis::{Extent, axis, height};
use crate::render::phrases::fill;
use crate::render::phrases::speech::Scale;
use crate::render::view::{self, Tone};

use super::days::{Day, Days, Highlight};

/// Everything that is drawn, as paths, percents and words.
#[derive(Default)]
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

/// If more alerts begin, only the newest critical ones are marked. The lanes below show the days of all.
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
    let tones = [Tone::Warning, Tone::Critical, Tone::Good];
    picture.lanes = tones.map(|tone| (tone, lane(days, tone)));
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
    let known_extent = Extent::spanning(known())?;
    let mut extent = Extent::spanning(known().chain(bounds))?;
    // A usual range below zero is an artefact where no number is negative.
    if known_extent.lowest >= 0.0 {
        extent.lowest = extent.lowest.max(0.0);
    }
    let whole = known().all(|number| number.fract() == 0.0);
    let axis = axis(extent, whole, scale, speech);
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
        let begins = matches!(highlight.state, State::New | State::Worse)
            || before.is_none_or(|before| before.view.tone != highlight.view.tone);
        begins.then(|| mark(at, highlight.view.tone, sentence(day, highlight, scene)))
    });
    let mut begun: Vec<Mark> = begun.collect();
    if begun.len() > MOST_MARKS {
        begun.retain(|mark| mark.tone == Tone::Critical);
    }
    let open = days.days.iter().enumerate();
    let open = open.filter(|(at, day)| is_open(day) && all[*at].is_some());
    let row = days.report.as_ref().and_then(|report| report.rows.first());
    let words = row.map(|row| view::trend_words(&all, row, speech));
    let open = open.map(|(at, day)| {
        let date = speech.short_date(day.date);
        let words = fill(scene.words.open_mark, &[("date", date)]);
        mark(at, Tone::Muted, words)
    });
    Some(Picture {
        words: words.unwrap_or_default(),
        line: line::line(&numbers, &axis),
        band: line::band(&usual, &axis),
        labels: line::labels(&numbers, &axis, |number| speech.number(number, scale)),
        marks: begun.split_off(begun.len().saturating_sub(MOST_MARKS)),
        open: open.collect(),
        field: Field::new(&axis, dates.len(), ticks::ticks(&dates, speech)),
        ..Picture::default()
    })
}

fn stacked(days: &Days, scene: &Scene<'_>) -> Option<Picture> {
    let speech = &scene.speech;
    let stack = days.stack(speech);
    let extent = Extent {
        lowest: 0.0,
        highest: stack.highest()?,
    };
    let axis = axis(extent, true, Scale::of_metric(&days.metric), speech);
    let dates: Vec<_> = days.days.iter().map(|day| day.date).collect();
    let names = stack.names(speech.words.all_others);
    let layers = stack.layers(&axis).into_iter().zip(&names).zip(COLOURS);
    let named = layers.map(|((path, name), class)| (path, name.clone(), class));
    Some(Picture {
        words: names.join(", "),
        layers: named.collect(),
        field: Field::new(&axis, dates.len(), ticks::ticks(&dates, speech)),
        ..Picture::default()
    })
}

/// Days of another length, and what that means.
fn clocks(days: &Days, scene: &Scene<'_>) -> Vec<(String, String, String)> {
    let clocks = days.days.iter().enumerate().filter_map(|(at, day)| {
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
    clocks.collect()
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

fn number(day: &Day) -> Option<f64> {
    day.value()?.number()
}

pub(super) fn is_open(day: &Day) -> bool {
    day.entry.as_ref().is_some_and(|entry| entry.partial)
}
