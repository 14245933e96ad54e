//! The line of a number, with gaps for unknown days, and the band of its usual range.

use crate::render::axis::{Axis, height};
use crate::report::Usual;

use super::{DAY, across, down, path, percent, x_of};

pub(in crate::look::pages) fn line(numbers: &[Option<f64>], axis: &Axis) -> String {
    let point =
        |(at, number): (usize, &Option<f64>)| Some((across(at) as i64, down((*number)?, axis)));
    let points: Vec<_> = numbers.iter().enumerate().map(point).collect();
    path(&points)
}

/// One shape for each run of days with a usual range, from the beginning of the first to the end of the last.
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

/// A text at a point, kept inside the picture.
#[derive(Debug)]
pub(in crate::look::pages) struct Label {
    pub(in crate::look::pages) x: String,
    pub(in crate::look::pages) y: String,
    pub(in crate::look::pages) anchor: &'static str,
    /// Below its point instead of above.
    pub(in crate::look::pages) below: bool,
    pub(in crate::look::pages) text: String,
}

/// The lowest, the highest and the last number of the line, without those that would overlap an earlier one.
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
    let mut labelled: Vec<(usize, f64)> = Vec::new();
    for (at, number) in [highest, lowest, last].into_iter().flatten() {
        let is_free = |(other, _): &(usize, f64)| other.abs_diff(at) > near;
        let is_other = |(_, other): &(usize, f64)| *other != number;
        let fits = match labelled.len() {
            0 => true,
            1 => labelled.iter().all(is_other),
            _ => labelled.iter().all(is_free) && labelled.iter().all(is_other),
        };
        if fits {
            labelled.push((at, number));
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
        // The names of the days stand below the ground.
        below: order == 1 && height(number, axis) > 0.1,
        text: say(number),
    };
    labelled.into_iter().enumerate().map(label).collect()
}
