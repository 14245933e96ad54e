//! A trend as a small line that the page's style colours.

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

/// Where each known day lies: the lowest at the bottom, the highest at the top, a constant in the middle.
fn points(trend: &[Option<f64>]) -> Option<Vec<Option<(i32, i32)>>> {
    let finite = |number: &Option<f64>| number.filter(|number| number.is_finite());
    let known: Vec<f64> = trend.iter().filter_map(finite).collect();
    if known.len() < 2 {
        return None;
    }
    // Halved, so that the distance of two numbers is a number too.
    let lowest = known.iter().copied().fold(f64::INFINITY, f64::min) / 2.0;
    let highest = known.iter().copied().fold(f64::NEG_INFINITY, f64::max) / 2.0;
    let step = (WIDTH - 2.0 * MARGIN) / (trend.len() - 1) as f64;
    let place = |(at, number): (usize, &Option<f64>)| {
        let height = match highest - lowest {
            0.0 => 0.5,
            span => (finite(number)? / 2.0 - lowest) / span,
        };
        let number = finite(number);
        number.map(|_| {
            let x = MARGIN + step * at as f64;
            let y = MARGIN + (HEIGHT - 2.0 * MARGIN) * (1.0 - height);
            (x.round() as i32, y.round() as i32)
        })
    };
    Some(trend.iter().enumerate().map(place).collect())
}
