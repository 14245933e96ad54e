//! A trend as a small line that the page's style colours.

use crate::render::sparkline::places;

/// Half pixels: the picture is shown at half this size.
const WIDTH: f64 = 232.0;
const HEIGHT: f64 = 48.0;
/// For the line's own breadth.
const MARGIN: f64 = 4.0;

/// The line's path, oldest day first: missing days are gaps, a day between two gaps and the last one are dots.
/// Nothing where fewer than two days are known.
pub(super) fn path(trend: &[Option<f64>]) -> Option<Spark> {
    let points = points(trend)?;
    let mut line = String::new();
    let mut pen_is_down = false;
    for (at, point) in points.iter().enumerate() {
        let Some((x, y)) = point else {
            pen_is_down = false;
            continue;
        };
        let alone = !pen_is_down && points.get(at + 1).copied().flatten().is_none();
        line.push_str(&match pen_is_down {
            false => format!("M{x} {y}"),
            true => format!("L{x} {y}"),
        });
        if alone {
            line.push_str("h0");
        }
        pen_is_down = true;
    }
    let (x, y) = points.iter().rev().flatten().next()?;
    Some(Spark {
        line,
        dot: format!("M{x} {y}h0"),
    })
}

/// Two paths inside `viewBox="0 0 232 48"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spark {
    pub(super) line: String,
    /// The last known day.
    pub(super) dot: String,
}

fn points(trend: &[Option<f64>]) -> Option<Vec<Option<(i32, i32)>>> {
    let places = places(trend, (WIDTH, HEIGHT), MARGIN)?.into_iter();
    let whole = |(x, y): (f64, f64)| (x.round() as i32, y.round() as i32);
    Some(places.map(|place| place.map(whole)).collect())
}
