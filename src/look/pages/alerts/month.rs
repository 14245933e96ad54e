//! The last month of alerts: how many a day, and which metrics on which days.

use chrono::NaiveDate;

use crate::compare::{Judged, JudgedDay, Judgement, Severity, State};
use crate::look::pages::Scene;
use crate::look::pages::asked::{Asked, Span};
use crate::render::view::{self, Tone};

/// How wide a day of a strip is.
pub(super) const DAY: usize = 10;

pub(super) struct Cell {
    pub(super) date: String,
    /// None where the day is not stored.
    pub(super) address: Option<String>,
    pub(super) shown: bool,
    pub(super) tone: Tone,
    pub(super) counts: Vec<String>,
    /// The name of a day that is known to be different.
    pub(super) known: Option<String>,
}

/// A metric's month.
pub(super) struct Strip {
    pub(super) label: String,
    pub(super) address: String,
    pub(super) words: String,
    /// Critical, warnings, welcome, muted: each a shape of its own.
    pub(super) paths: [(Tone, String); 4],
}

pub(super) fn cells(judgement: &Judgement, dates: &[NaiveDate], scene: &Scene<'_>) -> Vec<Cell> {
    let shown = judgement.days.last().map(|day| day.date);
    let cell = |date: &NaiveDate| {
        let day = judgement.day(*date);
        let known = scene.config.catalog.known_day(*date);
        let tones: Vec<Tone> = day
            .into_iter()
            .flat_map(|day| &day.metrics)
            .filter_map(tone)
            .collect();
        let count = |tone: Tone| tones.iter().filter(|one| **one == tone).count();
        let phrases = scene.speech.words;
        let severe = [Tone::Critical, Tone::Warning, Tone::Good];
        let mut counts = scene.speech.tally(&[
            (phrases.criticals, count(Tone::Critical)),
            (phrases.warnings, count(Tone::Warning)),
            (phrases.welcomes, count(Tone::Good)),
            (phrases.mutes, count(Tone::Muted)),
        ]);
        let worst = severe.into_iter().find(|tone| count(*tone) > 0);
        if day.is_some_and(|day| day.partial) {
            counts.push(phrases.open.to_owned());
        }
        Cell {
            date: scene.speech.short_date(*date),
            address: day.map(|_| Asked::Alerts(Some(*date)).address()),
            shown: shown == Some(*date),
            tone: worst.unwrap_or_default(),
            counts,
            known: known.map(|known| scene.speech.known(known)),
        }
    };
    dates.iter().map(cell).collect()
}

pub(super) fn strips(
    judgement: &Judgement,
    dates: &[NaiveDate],
    asked: Option<NaiveDate>,
    scene: &Scene<'_>,
) -> Vec<Strip> {
    let metrics = scene.config.catalog.shown().enumerate();
    let strip = |(at, metric): (usize, &crate::catalog::Metric)| {
        let of_day = |day: &JudgedDay| tone(day.metrics.get(at)?);
        let tones: Vec<Option<Tone>> = dates
            .iter()
            .map(|date| judgement.day(*date).and_then(of_day))
            .collect();
        tones.iter().flatten().next()?;
        let count = |tone: Tone| tones.iter().flatten().filter(|one| **one == tone).count();
        let phrases = scene.speech.words;
        let kinds = [
            (phrases.critical, Tone::Critical),
            (phrases.warning, Tone::Warning),
            (phrases.welcome, Tone::Good),
            (phrases.muted, Tone::Muted),
        ];
        let present = kinds.into_iter().filter(|(_, tone)| count(*tone) > 0);
        let words = present.map(|(word, tone)| {
            let days = scene.speech.count(phrases.days, count(tone));
            format!("{word}: {days}")
        });
        let address = Asked::Metric {
            key: metric.key.clone(),
            days: Span::Days30,
            until: asked,
        };
        Some(Strip {
            label: view::label(metric),
            address: address.address(),
            words: words.collect::<Vec<_>>().join(", "),
            paths: kinds.map(|(_, tone)| (tone, path(&tones, tone))),
        })
    };
    metrics.filter_map(strip).collect()
}

/// A line between any two days.
pub(super) fn grid(days: usize) -> String {
    (0..=days).map(|at| format!("M{} 0v16", at * DAY)).collect()
}

/// Full bars are critical, half ones warnings, low ones welcome, thin ones muted.
fn path(tones: &[Option<Tone>], tone: Tone) -> String {
    let tall = match tone {
        Tone::Critical => 16,
        Tone::Warning => 10,
        Tone::Muted => 2,
        _ => 5,
    };
    let numbered = tones.iter().enumerate();
    let alerting = numbered.filter(|(_, day)| **day == Some(tone));
    let bar = |(at, _): (usize, &Option<Tone>)| format!("M{} 16v-{tall}h8v{tall}z", at * DAY + 1);
    alerting.map(bar).collect()
}

/// The tone of the worst active alert: unwelcome before welcome, critical before warning.
fn tone(judged: &Judged) -> Option<Tone> {
    let standing = judged.alerts.iter();
    let standing = standing.filter(|alert| alert.state != State::Recovered);
    let worst =
        standing.min_by_key(|alert| (alert.welcome, alert.severity == Severity::Warning))?;
    Some(match (worst.welcome, worst.severity) {
        _ if judged.muted.is_some() => Tone::Muted,
        (true, _) => Tone::Good,
        (false, Severity::Critical) => Tone::Critical,
        (false, Severity::Warning) => Tone::Warning,
    })
}
