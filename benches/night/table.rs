//! Markdown tables of durations.

use std::time::Duration;

pub(crate) fn print<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    println!("| {} |", heads.join(" | "));
    println!("|---|{}", "--:|".repeat(N - 1));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn spread(times: &[Duration]) -> String {
    let (least, most) = (times.iter().min(), times.iter().max());
    let written = |time: Option<&Duration>| seconds(time.copied().unwrap_or_default());
    format!("{} … {}", written(least), written(most))
}

/// Milliseconds below a second.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 1.0 => format!("{:.1} ms", short * 1000.0),
        long => format!("{long:.2} s"),
    }
}
