//! The axis of a picture: round numbers around what is shown, and how they are written.

use super::phrases::Speech;
use super::phrases::speech::Scale;

/// About so many steps from the lowest number to the highest.
const STEPS: f64 = 4.0;
/// Numbers that reach down to this part of the highest are shown from zero on.
const NEAR_ZERO: f64 = 0.6;
/// Units longer than this stand beside the picture only.
const UNIT: usize = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    /// From the lowest to the highest, each with its text.
    pub ticks: Vec<(f64, String)>,
}

/// The axis for numbers from `lowest` to `highest`, which are whole or not.
pub fn axis((lowest, highest): (f64, f64), whole: bool, scale: Scale<'_>, speech: &Speech) -> Axis {
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
