//! Sparklines, charts and bars of block characters.

use crate::render::axis::Extent;

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const AHEAD: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The newest numbers, one column each; a missing day is a gap.
pub(super) fn sparkline(numbers: &[Option<f64>], width: usize) -> String {
    let numbers = &numbers[numbers.len().saturating_sub(width)..];
    chart(numbers, 1).concat()
}

/// Lines from the top, a column for each number: the lowest is an eighth of a line high, the highest all lines.
pub(super) fn chart(numbers: &[Option<f64>], height: usize) -> Vec<String> {
    let levels = levels(numbers, height * 8);
    let line = |from_top: usize| {
        let below = (height - 1 - from_top) * 8;
        let block = |level: &Option<usize>| {
            let filled = level.unwrap_or_default().saturating_sub(below).min(8);
            EIGHTHS[filled]
        };
        levels.iter().map(block).collect()
    };
    (0..height).map(line).collect()
}

/// A bar of a share from 0 to 1.
pub(super) fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    match eighths % 8 {
        0 if eighths == 0 && share > 0.0 && width > 0 => bar.push('▏'),
        0 => {}
        rest => bar.push(AHEAD[rest - 1]),
    }
    bar
}

/// Counts from nothing on, as many to a column as it takes to fit.
pub(super) fn counts(counts: &[u64], width: usize) -> String {
    let a_column = counts.len().div_ceil(width.max(1)).max(1);
    let columns: Vec<u64> = counts
        .chunks(a_column)
        .map(|counts| counts.iter().sum())
        .collect();
    let most = columns.iter().copied().max().unwrap_or_default().max(1);
    let level = |count: &u64| 1 + (count * 7).div_ceil(most) as usize;
    columns.iter().map(|count| EIGHTHS[level(count)]).collect()
}

/// How many eighths of a line each number is high; a constant is nearly half as high as there is room.
fn levels(numbers: &[Option<f64>], most: usize) -> Vec<Option<usize>> {
    let finite = |number: &Option<f64>| number.filter(|number| number.is_finite());
    let extent = Extent::spanning(numbers.iter().filter_map(finite));
    let level = |number: &Option<f64>| {
        let share = extent?.share(finite(number)?).unwrap_or(0.4);
        Some(1 + (share * (most as f64 - 1.0)).round() as usize)
    };
    numbers.iter().map(level).collect()
}
