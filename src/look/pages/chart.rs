//! A metric's history as a chart. Paths stretch to the available width; texts and marks are placed by percent and keep
//! their size.

pub(super) mod line;
pub(super) mod stack;
pub(super) mod ticks;

use chrono::NaiveDate;

use crate::render::axis::{Axis, height};

use ticks::Tick;

/// Units of a path: the width of a day, and the height of the chart.
const DAY: usize = 10;
const TALL: f64 = 1000.0;

/// What every picture of days has.
#[derive(Debug, Default)]
pub(super) struct Field {
    /// `0 0 300 1000`, a day ten wide.
    pub(super) view: String,
    pub(super) rules: Vec<Rule>,
    pub(super) days: Vec<Tick>,
    /// Room for the texts of the axis.
    pub(super) axis_width: usize,
    /// Clock changes: where, `25 h`, and what it means.
    pub(super) clocks: Vec<(String, String, String)>,
}

/// A round number of the axis: how far down in percent, and its text.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) y: String,
    pub(super) text: String,
}

impl Field {
    pub(super) fn new(axis: &Axis, days: usize, ticks: Vec<Tick>) -> Self {
        let rule = |(number, text): &(f64, String)| Rule {
            y: percent(1.0 - height(*number, axis)),
            text: text.clone(),
        };
        let longest = axis.ticks.iter().map(|(_, text)| text.chars().count());
        Self {
            view: format!("0 0 {} {TALL}", days * DAY),
            rules: axis.ticks.iter().map(rule).collect(),
            days: ticks,
            axis_width: 8 * longest.max().unwrap_or_default() + 10,
            clocks: Vec::new(),
        }
    }
}

/// A path through the known points, with gaps between; a point between two gaps is a dot.
pub(super) fn path(points: &[Option<(i64, i64)>]) -> String {
    let mut path = String::new();
    let mut pen_is_down = false;
    for (at, point) in points.iter().enumerate() {
        let Some((x, y)) = point else {
            pen_is_down = false;
            continue;
        };
        let command = if pen_is_down { 'L' } else { 'M' };
        path.push_str(&format!("{command}{x} {y}"));
        if !pen_is_down && points.get(at + 1).copied().flatten().is_none() {
            path.push_str("h0");
        }
        pen_is_down = true;
    }
    path
}

/// The middle of a day, in units of a path.
fn across(day: usize) -> usize {
    day * DAY + DAY / 2
}

fn down(number: f64, axis: &Axis) -> i64 {
    (TALL * (1.0 - height(number, axis))).round() as i64
}

/// The middle of a day, in percent of the width.
pub(super) fn x_of(day: usize, days: usize) -> String {
    percent((day as f64 + 0.5) / days as f64)
}

fn percent(share: f64) -> String {
    let percent = (share * 10_000.0).round() / 100.0;
    format!("{percent}%")
}

/// Every calendar day up to one, oldest first.
pub(super) fn dates(until: NaiveDate, days: u64) -> Vec<NaiveDate> {
    let back = |days| until.checked_sub_days(chrono::Days::new(days));
    (0..days).rev().filter_map(back).collect()
}
