//! Markdown tables of durations.

use std::time::Duration;

pub(crate) struct Row(Vec<String>);

impl Row {
    pub(crate) fn of(cells: impl IntoIterator<Item = String>) -> Self {
        Self(cells.into_iter().collect())
    }
}

pub(crate) fn print<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = Row>) {
    println!("| {} |", heads.join(" | "));
    println!("|---|{}", "--:|".repeat(N - 1));
    for Row(cells) in rows {
        println!("| {} |", cells.join(" | "));
    }
}

pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn spread(times: &[Duration]) -> String {
    let (least, most) = (times.iter().min(), times.iter().max());
    let told = |time: Option<&Duration>| seconds(time.copied().unwrap_or_default());
    format!("{} … {}", told(least), told(most))
}

/// Milliseconds below a second.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 1.0 => format!("{:.1} ms", short * 1000.0),
        long => format!("{long:.2} s"),
    }
}
