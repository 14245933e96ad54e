//! What happened, in words: for people, and as JSON for programs.

use serde_json::{Map, Value as Json, json};

use crate::catalog::Limit;
use crate::config::live_alerts::LiveAlert;
use crate::config::{Config, LiveSettings};
use crate::kinds::Kind;
use crate::live::watch::{Happened, Known, Words, limit_of};
use crate::locale::Locale;
use crate::notice::{Level, Notice};
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::text::duration::spoken;
use crate::threshold::{Severity, State};

/// An alert with all that its words need.
struct Telling<'a> {
    alert: &'a LiveAlert,
    happened: &'a Happened,
    scale: Scale<'a>,
    speech: Speech,
}

impl<'a> Telling<'a> {
    fn new(
        alert: &'a LiveAlert,
        live: &'a LiveSettings,
        happened: &'a Happened,
        locale: Locale,
    ) -> Self {
        let kind = &live.kinds[&alert.watch.figure.kind];
        Self {
            alert,
            happened,
            scale: scale(alert, kind),
            speech: Speech::new(locale),
        }
    }

    fn what(&self) -> String {
        what(self.alert, &self.happened.words)
    }

    fn value(&self) -> Option<String> {
        Some(self.speech.measured(self.happened.value?, self.scale))
    }

    fn limit(&self) -> Option<Limit> {
        limit_of(self.alert, self.happened.severity)
    }

    /// `> 2,000 ms`
    fn limit_text(&self) -> String {
        let written = |limit| self.speech.bound(limit, self.scale);
        self.limit().map(written).unwrap_or_default()
    }

    /// `Slow checkout, zh: 2,431 ms`
    fn news(&self) -> String {
        let words = self.speech.words;
        let (what, value) = (self.what(), self.value());
        let news = match (self.happened.state, value) {
            (State::Recovered, Some(value)) => {
                fill(words.live_recovered, &[("what", what), ("value", value)])
            }
            (_, Some(value)) => format!("{what}: {value}"),
            (_, None) => fill(words.live_ended, &[("what", what)]),
        };
        match self.happened.is_partial {
            true => fill(words.live_partial, &[("news", news)]),
            false => news,
        }
    }

    /// `Slow checkout, zh: 2,431 ms (> 2,000 ms)`
    fn line(&self) -> String {
        match self.happened.state {
            State::Recovered => self.news(),
            _ => format!("{} ({})", self.news(), self.limit_text()),
        }
    }

    fn lines(&self, config: &Config) -> Vec<String> {
        let words = self.speech.words;
        let mut lines = Vec::new();
        if let Some(value) = self.value() {
            let time = spoken(self.alert.watch.over);
            let limit = self.limit_text();
            lines.push(fill(
                words.live_is,
                &[("value", value), ("time", time), ("limit", limit)],
            ));
        }
        let moment = |at| self.speech.moment(at, config.time_zone);
        let (since, until) = (moment(self.happened.since), moment(self.happened.at));
        let raised = match self.happened.state {
            State::Recovered => words.live_was,
            _ => words.live_since,
        };
        lines.push(fill(raised, &[("since", since), ("until", until)]));
        lines
    }
}

/// `Slow checkout, zh`
pub(super) fn what(alert: &LiveAlert, words: &Words) -> String {
    let words = words.iter().filter(|word| !word.is_empty());
    let words: Vec<&str> = words.map(String::as_str).collect();
    match words[..] {
        [] => alert.label.clone(),
        _ => format!("{}, {}", alert.label, words.join(" ")),
    }
}

pub(super) fn scale<'a>(alert: &LiveAlert, kind: &'a Kind) -> Scale<'a> {
    Scale {
        unit: alert.watch.unit(kind),
        decimals: match alert.watch.of {
            Some(_) => Some(1),
            None => alert.watch.figure.aggregate.decimals(kind),
        },
        in_points: false,
    }
}

pub fn english(alert: &LiveAlert, live: &LiveSettings, happened: &Happened) -> String {
    Telling::new(alert, live, happened, Locale::default()).line()
}

/// What is raised, in the language of the reports: `Slow checkout, zh: 2,431 ms (> 2,000 ms)`. `None`: it is declared no more.
pub fn raised(
    config: &Config,
    live: &LiveSettings,
    key: &str,
    words: &Words,
    known: &Known,
) -> Option<String> {
    let raised = known.raised?;
    let happened = Happened {
        alert: key.to_owned(),
        words: words.clone(),
        state: State::Ongoing,
        severity: raised.severity,
        at: known.judged,
        since: raised.since,
        value: known.value,
        is_told: false,
        is_partial: false,
    };
    told(config, live, &happened)
}

/// What happened, in the language of the reports.
pub fn told(config: &Config, live: &LiveSettings, happened: &Happened) -> Option<String> {
    let alert = live
        .alerts
        .iter()
        .find(|alert| alert.key == happened.alert)?;
    Some(Telling::new(alert, live, happened, config.report.locale).line())
}

/// For people, in their language. Of several groups each has a line; all of them are in the same state.
pub fn notice(
    config: &Config,
    live: &LiveSettings,
    alert: &LiveAlert,
    happened: &[&Happened],
) -> Notice {
    let locale = config.report.locale;
    let tell = |happened| Telling::new(alert, live, happened, locale);
    let first = worst(alert, happened);
    let telling = tell(first);
    let words = first.words.join("/");
    let (title, lines, facts) = match happened.len() {
        1 => (telling.news(), telling.lines(config), facts(alert, first)),
        several => {
            let groups = telling
                .speech
                .count(telling.speech.words.live_groups, several);
            let lines = happened.iter().map(|happened| tell(happened).line());
            (
                format!("{}: {groups}", alert.label),
                lines.collect(),
                Vec::new(),
            )
        }
    };
    Notice {
        title,
        level: match (first.state, first.severity) {
            (State::Recovered, _) => Level::Fine,
            (_, Severity::Critical) => Level::Critical,
            (_, Severity::Warning) => Level::Warning,
        },
        lines,
        facts,
        link: config.report.public_url.as_ref().map(ToString::to_string),
        source: config.name.clone(),
        key: format!("daybook/{}/live/{}/{words}", config.name, alert.key),
        at: first.at,
        language: locale.language,
    }
}

fn facts(alert: &LiveAlert, happened: &Happened) -> Vec<(String, String)> {
    let words = alert.watch.by.iter().zip(&happened.words);
    let words = words.filter(|(_, word)| !word.is_empty());
    words
        .map(|(name, word)| (name.clone(), word.clone()))
        .collect()
}

fn worst<'h>(alert: &LiveAlert, happened: &[&'h Happened]) -> &'h Happened {
    let far = |happened: &Happened| {
        let value = happened.value.unwrap_or_default();
        match limit_of(alert, happened.severity) {
            Some(limit) if !limit.over => -value,
            _ => value,
        }
    };
    let worst = happened.iter().max_by(|one, other| {
        let by_severity = one.severity.cmp(&other.severity);
        by_severity.then(far(one).total_cmp(&far(other)))
    });
    worst.copied().unwrap_or(happened[0])
}

/// For programs. Of several groups it tells the worst, and how many there are.
pub fn json(
    config: &Config,
    live: &LiveSettings,
    alert: &LiveAlert,
    happened: &[&Happened],
) -> Json {
    let groups = happened.len();
    let happened = worst(alert, happened);
    let telling = Telling::new(alert, live, happened, config.report.locale);
    let text = english(alert, live, happened);
    let labels: Map<String, Json> = facts(alert, happened)
        .into_iter()
        .map(|(name, word)| (name, json!(word)))
        .collect();
    let mut json = json!({
        "schema": 1,
        "type": "live_alert",
        "app": config.name,
        "alert": alert.key,
        "label": alert.label,
        "kind": alert.watch.figure.kind,
        "figure": alert.watch.figure.aggregate.to_string(),
        "labels": labels,
        "state": state_word(happened.state),
        "severity": severity_word(happened.severity),
        "value": happened.value,
        "unit": telling.scale.unit,
        "limit": telling.limit().map(|limit| limit.to_string()),
        "over": spoken(alert.watch.over),
        "at": happened.at,
        "since": happened.since,
        "complete": !happened.is_partial,
        "text": text,
    });
    if groups > 1 {
        json["groups"] = json!(groups);
        json["text"] = json!(format!("{text}, the worst of {groups} groups"));
    }
    json
}

pub fn state_word(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Ongoing => "ongoing",
        State::Worse => "worse",
        State::Recovered => "recovered",
    }
}

pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
