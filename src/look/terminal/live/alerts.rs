//! Which alerts are raised.

use crate::config::LiveSettings;
use crate::live::now::Now;
use crate::live::watch::{Known, Words};
use crate::threshold::Severity;

use super::numbers::Format;
use super::parts::{Ink, Line};

pub(super) fn lines(now: &Now, live: &LiveSettings, format: Format) -> Vec<Line> {
    let raised = now.raised.iter();
    let lines: Vec<Line> = raised
        .filter_map(|(key, words, known)| raised_line(key, words, known, live, format))
        .collect();
    match () {
        () if live.alerts.is_empty() => {
            vec![Line::default().with("No alerts are declared", Ink::Muted)]
        }
        () if lines.is_empty() => vec![Line::default().with("All systems operational", Ink::Good)],
        () => lines,
    }
}

/// `None`: it is declared no more.
fn raised_line(
    key: &str,
    words: &Words,
    known: &Known,
    live: &LiveSettings,
    format: Format,
) -> Option<Line> {
    let alert = live.alerts.iter().find(|alert| alert.key == key)?;
    let raised = known.raised?;
    let kind = &live.kinds[&alert.watch.figure.kind];
    let value = known
        .value
        .map(|value| format!(": {}", format.with_unit(value, alert.watch.unit(kind))));
    let (ink, severity) = match raised.severity {
        Severity::Warning => (Ink::Warning, "warning"),
        Severity::Critical => (Ink::Critical, "critical"),
    };
    let since = format.clock(raised.since);
    let whose = match words.join(", ") {
        words if words.is_empty() => words,
        words => format!(" ({words})"),
    };
    let told = format!(
        "{:<2} {}{whose}{}",
        ink.mark(),
        alert.label,
        value.unwrap_or_default()
    );
    let since = format!(" · {severity} since {since}");
    Some(Line::default().with(&told, ink).with(&since, Ink::Plain))
}
