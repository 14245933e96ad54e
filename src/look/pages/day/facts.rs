//! When and how a day was counted.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::look::pages::Scene;
use crate::render::phrases::{Speech, fill};
use crate::report::Report;

pub(super) struct Fact {
    pub(super) word: &'static str,
    pub(super) said: String,
    /// The instant for machines.
    pub(super) at: String,
}

pub(super) fn facts(report: &Report, scene: &Scene<'_>) -> Vec<Fact> {
    let zone = report.time_zone;
    let collected = [
        ("when", local(report.collected_at, zone, &scene.speech)),
        ("time", scene.speech.duration(report.duration_ms)),
    ];
    let exact = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339();
    vec![
        Fact {
            word: scene.words.collected,
            said: fill(scene.words.collected_in, &collected),
            at: exact(report.collected_at),
        },
        Fact {
            word: scene.words.as_of,
            said: local(report.as_of, zone, &scene.speech),
            at: exact(report.as_of),
        },
    ]
}

/// `Tue 24 Nov 2026, 00:15 +01:00`
fn local(at: DateTime<Utc>, zone: Tz, speech: &Speech) -> String {
    let local = at.with_timezone(&zone);
    let date = speech.short_date_with_year(local.date_naive());
    format!("{date}, {}", local.format("%H:%M\u{a0}%:z"))
}
