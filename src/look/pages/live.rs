//! The page of what happens now: alerts, and each kind's last hour and day. It needs no script.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::config::{Config, LiveSettings};
use crate::kinds::Shape;
use crate::live::now::{Group, KindNow, Now, Summed};
use crate::live_alerts::words::{raised, told};
use crate::look::pages::words::Words;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::render::view::Tone;
use crate::text::plain::printable;
use crate::threshold::{Severity, State};

use super::frame::{Page, Tab, class};

/// Seconds until it is asked for again.
const REFRESH: u32 = 5;
/// Groups that are listed at each end.
const LISTED: usize = 5;

#[derive(Template)]
#[template(path = "web/live.html")]
struct Body {
    words: &'static Words,
    at: String,
    raised: Vec<AlertRow>,
    happened: Vec<AlertRow>,
    kinds: Vec<KindCard>,
    /// Kinds without an event.
    silent: String,
}

struct AlertRow {
    tone: Tone,
    word: &'static str,
    head: String,
    rest: String,
}

struct KindCard {
    name: String,
    latest: String,
    /// Whether its events can fail.
    fails: bool,
    /// Whether they have a value.
    measures: bool,
    rows: [SumRow; 2],
    /// Why events are missing.
    broken: Vec<String>,
    lists: Vec<GroupList>,
}

struct SumRow {
    time: String,
    count: String,
    failed: String,
    percentiles: [(&'static str, String); 3],
    width: usize,
    bars: String,
    alt: String,
}

struct GroupList {
    title: String,
    rows: Vec<GroupRow>,
}

struct GroupRow {
    name: String,
    mean: String,
    count: String,
}

pub(super) fn page(config: &Config, live: &LiveSettings, now: &Now, at: DateTime<Utc>) -> String {
    let locale = config.report.locale;
    let telling = Telling {
        speech: Speech::new(locale),
        words: Words::in_language(locale.language),
        zone: config.time_zone,
        at,
        day_start: now.day_start,
    };
    let (kinds, silent): (Vec<&KindNow>, Vec<&KindNow>) =
        now.kinds.iter().partition(|kind| kind.latest.is_some());
    let silent: Vec<&str> = silent.iter().map(|kind| kind.name.as_str()).collect();
    let raised = now.raised.iter().filter_map(|(key, words, known)| {
        let raised_now = known.raised?;
        Some(AlertRow {
            tone: tone(raised_now.severity),
            word: telling.speech.words.severity(raised_now.severity),
            head: printable(&raised(config, live, key, words, known)?),
            rest: telling.since(raised_now.since),
        })
    });
    let happened = now.happened.iter().filter_map(|happened| {
        let (tone, word) = match happened.state {
            State::Recovered => (Tone::Good, telling.speech.words.recovered),
            _ => (
                tone(happened.severity),
                telling.speech.words.severity(happened.severity),
            ),
        };
        Some(AlertRow {
            tone,
            word,
            head: printable(&told(config, live, happened)?),
            rest: telling.speech.moment(happened.at, telling.zone),
        })
    });
    let body = Body {
        words: telling.words,
        at: at
            .with_timezone(&telling.zone)
            .format("%H:%M:%S")
            .to_string(),
        raised: raised.collect(),
        happened: happened.collect(),
        kinds: kinds.into_iter().map(|kind| telling.card(kind)).collect(),
        silent: silent.join(", "),
    };
    Page {
        refresh: Some(REFRESH),
        ..Page::new(telling.words.live_title, Tab::Live, &body)
    }
    .html(config, None)
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Critical,
    }
}

struct Telling {
    speech: Speech,
    words: &'static Words,
    zone: Tz,
    at: DateTime<Utc>,
    day_start: DateTime<Utc>,
}

impl Telling {
    fn since(&self, since: DateTime<Utc>) -> String {
        let since = self.speech.moment(since, self.zone);
        fill(self.speech.words.live_since, &[("since", since)])
    }

    fn card(&self, kind: &KindNow) -> KindCard {
        let row = |time, summed: &Summed, counts: &[u64]| SumRow {
            time,
            count: self.speech.whole(summed.count as usize),
            failed: self.failed(summed),
            percentiles: [
                ("p50", summed.p50),
                ("p95", summed.p95),
                ("p99", summed.p99),
            ]
            .map(|(name, number)| (name, self.percentile(number, summed, kind))),
            width: counts.len(),
            bars: bars(counts),
            alt: self.alt(counts),
        };
        KindCard {
            name: kind.name.clone(),
            latest: self.latest(kind),
            fails: kind.shape == Shape::Span,
            measures: kind.value.is_some() && !kind.is_apart,
            rows: [
                row(self.words.live_hour.to_owned(), &kind.hour, &kind.minutes),
                row(self.day(), &kind.day, &kind.hours),
            ],
            lists: self.lists(kind),
            broken: kind.broken.iter().map(|why| printable(why)).collect(),
        }
    }

    /// `Since 11:00 yesterday`: a day of whole hours.
    fn day(&self) -> String {
        let date = |at: DateTime<Utc>| at.with_timezone(&self.zone).date_naive();
        let phrase = match date(self.day_start) == date(self.at) {
            true => self.words.live_today,
            false => self.words.live_yesterday,
        };
        let time = self.speech.clock(self.day_start, self.zone);
        fill(phrase, &[("time", time)])
    }

    fn latest(&self, kind: &KindNow) -> String {
        let Some(latest) = kind.latest else {
            return String::new();
        };
        let seconds = (self.at - latest).num_seconds();
        let latest = match seconds {
            ..60 => self.words.live_just_now.to_owned(),
            _ => fill(
                self.words.live_ago,
                &[("time", self.speech.duration(seconds * 1000))],
            ),
        };
        match (&kind.value, kind.unit.as_str()) {
            (Some(value), "") => format!("{latest} · {value}"),
            (Some(value), unit) => format!("{latest} · {value}, {unit}"),
            (None, _) => latest,
        }
    }

    /// `3 · 0.8 %`; where not every event has an outcome, `3 of 370 · 0.8 %`.
    fn failed(&self, summed: &Summed) -> String {
        let mut failed = self.speech.whole(summed.failed as usize);
        if summed.ended < summed.count {
            let ended = self.speech.whole(summed.ended as usize);
            let words = [("failed", failed), ("ended", ended)];
            failed = fill(self.words.live_failed_of, &words);
        }
        let scale = Scale {
            unit: "%",
            decimals: Some(1),
            in_points: false,
        };
        match summed.success_pct {
            Some(part) if summed.failed > 0 => {
                let part = self.speech.measured(100.0 - part, scale);
                format!("{failed} · {part}")
            }
            _ => failed,
        }
    }

    fn percentile(&self, number: Option<f64>, summed: &Summed, kind: &KindNow) -> String {
        let written = self.number(number, kind);
        match summed.is_estimate && number.is_some() {
            true => format!("≈\u{a0}{written}"),
            false => written,
        }
    }

    fn number(&self, number: Option<f64>, kind: &KindNow) -> String {
        let Some(number) = number else {
            return "–".to_owned();
        };
        let scale = Scale {
            unit: &kind.unit,
            decimals: None,
            in_points: false,
        };
        self.speech.measured(number, scale)
    }

    fn alt(&self, counts: &[u64]) -> String {
        let most = counts.iter().copied().max().unwrap_or_default();
        let most = self.speech.whole(most as usize);
        fill(self.words.live_most, &[("most", most)])
    }

    /// The fastest and the slowest, or those with the most events.
    fn lists(&self, kind: &KindNow) -> Vec<GroupList> {
        let by = kind.by.join(", ");
        let list = |title: &str, groups: Vec<&Group>| GroupList {
            title: fill(title, &[("by", by.clone())]),
            rows: groups
                .into_iter()
                .map(|group| self.group(group, kind))
                .collect(),
        };
        let groups = &kind.groups;
        let first = || groups.iter().take(LISTED).collect();
        match groups.len() {
            0 => Vec::new(),
            _ if kind.value.is_none() => vec![list(self.words.live_busiest, first())],
            1..=LISTED => vec![list(self.words.live_groups, first())],
            _ => {
                // Nobody is in both lists.
                let others = groups.len() - LISTED;
                let last = groups.iter().rev().take(LISTED.min(others)).collect();
                vec![
                    list(self.words.live_lowest, first()),
                    list(self.words.live_highest, last),
                ]
            }
        }
    }

    fn group(&self, group: &Group, kind: &KindNow) -> GroupRow {
        let words = group.words.iter().map(|word| match word.as_str() {
            "" => "–".to_owned(),
            word => printable(word),
        });
        let count = self.speech.whole(group.summed.count as usize);
        GroupRow {
            name: words.collect::<Vec<_>>().join(" / "),
            mean: match kind.value {
                Some(_) => self.number(group.summed.mean, kind),
                None => String::new(),
            },
            count: format!("{count} ×"),
        }
    }
}

/// A bar for each count inside `viewBox="0 0 N 24"`.
fn bars(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let bar = |(at, count): (usize, &u64)| {
        let height = (*count as f64 / most * 23.0).round();
        // An event is seen among many.
        let height = if *count > 0 { height.max(1.0) } else { 0.0 };
        format!("M{at}.5 24v-{height}")
    };
    counts.iter().enumerate().map(bar).collect()
}
