//! Numbers as blocks of a terminal: a line's worth, a chart, a bar.

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

/// How many eighths of a line each is high; what never changes is half as high as there is room.
fn levels(numbers: &[Option<f64>], most: usize) -> Vec<Option<usize>> {
    let known = numbers
        .iter()
        .flatten()
        .copied()
        .filter(|number| number.is_finite());
    // Halved, so that the distance of two numbers is a number too.
    let lowest = known.clone().fold(f64::INFINITY, f64::min) / 2.0;
    let highest = known.fold(f64::NEG_INFINITY, f64::max) / 2.0;
    let level = |number: &Option<f64>| {
        let number = number.filter(|number| number.is_finite())?;
        let part = match highest - lowest {
            0.0 => 0.4,
            span => (number / 2.0 - lowest) / span,
        };
        let above = part * (most as f64 - 1.0);
        Some(1 + above.round() as usize)
    };
    numbers.iter().map(level).collect()
}
