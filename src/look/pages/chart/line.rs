//! A number's line: what is not known is a gap, what was usual lies behind as a band.

use crate::render::axis::{Axis, height};
use crate::report::Usual;

use super::{DAY, across, down, percent, x_of};

/// A day's number, unless the day is open: that is no number of a whole day yet.
pub(in crate::look::pages) fn path(numbers: &[Option<f64>], axis: &Axis) -> String {
    let mut path = String::new();
    let mut pen_is_down = false;
    for (at, number) in numbers.iter().enumerate() {
        let Some(number) = number else {
            pen_is_down = false;
            continue;
        };
        let command = if pen_is_down { 'L' } else { 'M' };
        let (x, y) = (across(at), down(*number, axis));
        path.push_str(&format!("{command}{x} {y}"));
        let alone = !pen_is_down && numbers.get(at + 1).copied().flatten().is_none();
        if alone {
            path.push_str("h0");
        }
        pen_is_down = true;
    }
    path
}

/// One shape for each run of days on which something was usual, from the first one's beginning to the last one's end.
pub(in crate::look::pages) fn band(usual: &[Option<Usual>], axis: &Axis) -> String {
    let mut path = String::new();
    let mut at = 0;
    while at < usual.len() {
        let run: Vec<&Usual> = usual[at..].iter().map_while(Option::as_ref).collect();
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            at += 1;
            continue;
        };
        let (begin, end) = (at * DAY, (at + run.len()) * DAY);
        path.push_str(&format!("M{begin} {}", down(first.high, axis)));
        for (ahead, usual) in run.iter().enumerate() {
            let (x, y) = (across(at + ahead), down(usual.high, axis));
            path.push_str(&format!("L{x} {y}"));
        }
        path.push_str(&format!("H{end}V{}", down(last.low, axis)));
        for (ahead, usual) in run.iter().enumerate().rev() {
            let (x, y) = (across(at + ahead), down(usual.low, axis));
            path.push_str(&format!("L{x} {y}"));
        }
        path.push_str(&format!("H{begin}Z"));
        at += run.len();
    }
    path
}

/// The days of one kind as a bar in a lane of its own.
pub(in crate::look::pages) fn lane(days: impl IntoIterator<Item = usize>) -> String {
    let day = |at: usize| format!("M{} 0h{DAY}", at * DAY);
    days.into_iter().map(day).collect()
}

/// A text at a point, which does not run out of the picture.
#[derive(Debug)]
pub(in crate::look::pages) struct Label {
    pub(in crate::look::pages) x: String,
    pub(in crate::look::pages) y: String,
    pub(in crate::look::pages) anchor: &'static str,
    /// Below its point instead of above.
    pub(in crate::look::pages) below: bool,
    pub(in crate::look::pages) text: String,
}

/// The lowest, the highest and the last number of the line; of those that would lie on one another the first.
pub(in crate::look::pages) fn labels(
    numbers: &[Option<f64>],
    axis: &Axis,
    say: impl Fn(f64) -> String,
) -> Vec<Label> {
    let known = || {
        let numbered = numbers.iter().enumerate();
        numbered.filter_map(|(at, number)| Some((at, (*number)?)))
    };
    let highest = known().max_by(|(_, one), (_, other)| one.total_cmp(other));
    let lowest = known().min_by(|(_, one), (_, other)| one.total_cmp(other));
    let last = known().next_back();
    let near = numbers.len() / 6;
    let mut told: Vec<(usize, f64)> = Vec::new();
    for (at, number) in [highest, lowest, last].into_iter().flatten() {
        let is_free = |(other, _): &(usize, f64)| other.abs_diff(at) > near;
        let is_other = |(_, other): &(usize, f64)| *other != number;
        let fits = match told.len() {
            0 => true,
            1 => told.iter().all(is_other),
            _ => told.iter().all(is_free) && told.iter().all(is_other),
        };
        if fits {
            told.push((at, number));
        }
    }
    let label = |(order, (at, number)): (usize, (usize, f64))| Label {
        x: x_of(at, numbers.len()),
        y: percent(1.0 - height(number, axis)),
        anchor: match at * 100 / numbers.len().max(1) {
            0..15 => "start",
            85.. => "end",
            _ => "middle",
        },
        // Under the ground stand the names of the days.
        below: order == 1 && height(number, axis) > 0.1,
        text: say(number),
    };
    told.into_iter().enumerate().map(label).collect()
}
