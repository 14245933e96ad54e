//! The axis of a chart: round numbers around those shown.

use super::phrases::Speech;
use super::phrases::speech::Scale;

/// About how many steps lie between the lowest and the highest number.
const STEPS: f64 = 4.0;
/// The axis starts at zero if the lowest number is below this part of the highest.
const NEAR_ZERO: f64 = 0.6;
/// Longer units are left out.
const UNIT: usize = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    /// From the lowest to the highest, each with its text.
    pub ticks: Vec<(f64, String)>,
}

/// The lowest and the highest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    pub lowest: f64,
    pub highest: f64,
}

impl Extent {
    /// None without numbers.
    pub fn spanning(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let each = numbers.into_iter().map(|number| Self {
            lowest: number,
            highest: number,
        });
        each.reduce(|all, one| Self {
            lowest: all.lowest.min(one.lowest),
            highest: all.highest.max(one.highest),
        })
    }

    /// How far up a number lies, from 0 to 1; none where all are the same.
    pub fn share(&self, number: f64) -> Option<f64> {
        // Halved, since the distance of two numbers may exceed all numbers.
        let span = self.highest / 2.0 - self.lowest / 2.0;
        (span != 0.0).then(|| (number / 2.0 - self.lowest / 2.0) / span)
    }
}

/// The axis for numbers of this extent. On the axis of `whole` numbers, ticks are whole too.
pub fn axis(extent: Extent, whole: bool, scale: Scale<'_>, speech: &Speech) -> Axis {
    let Extent { lowest, highest } = extent;
    let from_zero = lowest >= 0.0 && lowest <= highest * NEAR_ZERO;
    let lowest = if from_zero { 0.0 } else { lowest };
    let step = step(lowest, highest, whole);
    let low = (lowest / step).floor() * step;
    let mut count = ((highest - low) / step).ceil().max(1.0);
    if low == lowest && low == highest && !from_zero {
        count += 1.0;
    }
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as u32;
    let shown = Scale {
        unit: match scale.unit {
            "bytes" => "bytes",
            unit if unit.chars().count() <= UNIT => unit,
            _ => "",
        },
        decimals: Some(decimals),
        in_points: scale.in_points,
    };
    let tick = |at: u32| {
        let number = low + step * f64::from(at);
        (number, speech.number(number, shown))
    };
    Axis {
        low,
        high: low + step * count,
        ticks: (0..=count as u32).map(tick).collect(),
    }
}

/// One, two or five times a power of ten.
fn step(lowest: f64, highest: f64, whole: bool) -> f64 {
    let span = match highest - lowest {
        0.0 if highest == 0.0 => 1.0,
        0.0 => highest.abs() / 2.0,
        span => span,
    };
    let rough = span / STEPS;
    let power = 10f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0].map(|times| times * power);
    let step = round.into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    if whole { step.max(1.0) } else { step }
}

/// How far up the axis a number lies, from 0 to 1.
pub fn height(number: f64, axis: &Axis) -> f64 {
    ((number - axis.low) / (axis.high - axis.low)).clamp(0.0, 1.0)
}
