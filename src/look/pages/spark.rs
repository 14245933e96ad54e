//! A trend as a small line that the page's style colours.

use crate::render::sparkline::{Point, points};

use super::chart::path;

/// Half pixels: the picture is shown at half this size.
const WIDTH: f64 = 232.0;
const HEIGHT: f64 = 48.0;
/// For the line's own breadth.
const MARGIN: f64 = 4.0;

/// Two paths inside `viewBox="0 0 232 48"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spark {
    pub(super) line: String,
    /// The last known day.
    pub(super) dot: String,
}

/// None where fewer than two days are known.
pub(super) fn spark(trend: &[Option<f64>]) -> Option<Spark> {
    let points = points(trend, WIDTH, HEIGHT, MARGIN)?.into_iter();
    let whole = |point: Point| (point.x.round() as i64, point.y.round() as i64);
    let points: Vec<_> = points.map(|point| point.map(whole)).collect();
    let (x, y) = points.iter().rev().flatten().next()?;
    Some(Spark {
        line: path(&points),
        dot: format!("M{x} {y}h0"),
    })
}
