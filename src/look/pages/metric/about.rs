//! About a metric: its meaning, its rules, its SQL.

use crate::calendar::Day;
use crate::catalog::{AlertOn, History, Limit, Metric, Shape};
use crate::engine::Engine;
use crate::look::pages::Scene;
use crate::plan::{Facts, KnownDatabases, database_of, night};
use crate::render::phrases::fill;
use crate::render::phrases::speech::Scale;
use crate::text::plain::capitalized;

pub(super) struct About {
    /// Word and sentence.
    pub(super) facts: Vec<(&'static str, String)>,
    /// The statements, with the values bound to them.
    pub(super) sql: Vec<String>,
    pub(super) command: String,
}

impl About {
    pub(super) fn new(metric: &Metric, scene: &Scene<'_>) -> Self {
        let words = scene.words;
        let mut facts = vec![
            (words.key, metric.key.clone()),
            (words.past, history(metric, scene).to_owned()),
        ];
        if let Shape::Derived(derived) = &metric.shape {
            let times = if derived.percent { " × 100" } else { "" };
            facts.push((
                words.made_of,
                format!("{} / {}{times}", derived.of, derived.per),
            ));
        }
        if let Shape::Live(live) = &metric.shape {
            facts.push((words.made_of, live.figure.to_string()));
        }
        facts.push((words.rules, rules(metric, scene).join(" ")));
        if metric.family != metric.key {
            facts.push((words.family, metric.family.clone()));
        }
        let since = metric.since.max(scene.config.catalog.since);
        facts.extend(since.map(|date| (words.since, scene.speech.short_date_with_year(date))));
        facts.extend(metric.was.clone().map(|was| (words.was, was)));
        Self {
            facts,
            sql: statements(metric, scene),
            command: format!("daybook explain {}", metric.key),
        }
    }
}

fn history(metric: &Metric, scene: &Scene<'_>) -> &'static str {
    match metric.history {
        History::Event if metric.is_live() => scene.words.history_live,
        History::Event => scene.words.history_event,
        History::Interval => scene.words.history_interval,
        History::Survivors => scene.words.history_survivors,
        History::Now => scene.words.history_now,
    }
}

/// Limits on the value, then on its changes.
fn rules(metric: &Metric, scene: &Scene<'_>) -> Vec<String> {
    let (words, speech) = (scene.words, &scene.speech);
    let scale = Scale::of_metric(metric);
    let named = [
        (speech.words.critical, metric.alert.critical),
        (speech.words.warning, metric.alert.warning),
    ];
    let limit = |(severity, limit): (&str, Option<Limit>)| {
        let limit = limit?;
        let phrase = match (limit.over, limit.inclusive) {
            (true, false) => words.rule_above,
            (true, true) => words.rule_from,
            (false, false) => words.rule_below,
            (false, true) => words.rule_down_to,
        };
        let bound = speech.number(limit.bound, scale);
        let rule = fill(phrase, &[("severity", severity), ("bound", &bound)]);
        Some(capitalized(&rule))
    };
    let limits = named.into_iter().filter_map(limit);
    let mut rules: Vec<String> = limits.chain(changes(metric, scene)).collect();
    if rules.is_empty() {
        rules.push(words.no_rules.to_owned());
    }
    rules
}

fn changes(metric: &Metric, scene: &Scene<'_>) -> Option<String> {
    let (words, speech) = (scene.words, &scene.speech);
    let (rule, general) = (&metric.alert.percent, scene.config.catalog.thresholds);
    let phrase = match rule.on {
        _ if metric.is_distribution() && !metric.alert.parts => return None,
        AlertOn::Off => return None,
        _ if metric.alert.parts => words.rule_parts,
        AlertOn::Both => words.rule_both,
        AlertOn::Falls => words.rule_falls,
        AlertOn::Rises => words.rule_rises,
    };
    let scale = Scale::of_metric(metric);
    let levels = [
        (words.warning_from, rule.warning.unwrap_or(general.warning)),
        (
            words.critical_from,
            rule.critical.unwrap_or(general.critical),
        ),
    ];
    let levels: Vec<String> = levels
        .into_iter()
        .filter(|(_, level)| *level > 0.0)
        .map(|(phrase, level)| fill(phrase, &[("size", speech.level(level, scale))]))
        .collect();
    if levels.is_empty() {
        return None;
    }
    let base = speech.number(rule.min_base.unwrap_or(general.min_base), scale);
    let least = speech.amount(rule.min_change.unwrap_or(general.min_change), scale);
    let filled = [
        ("levels", levels.join(", ")),
        ("base", base),
        ("least", least.trim_start_matches('+').to_owned()),
    ];
    Some(fill(phrase, &filled))
}

/// The statements as planned without asking the database: the real ones may join differently and count more.
fn statements(metric: &Metric, scene: &Scene<'_>) -> Vec<String> {
    let catalog = &scene.config.catalog;
    let date = scene.edition.newest_complete().unwrap_or(scene.expected);
    let Ok(day) = Day::new(date, scene.config.time_zone) else {
        return Vec::new();
    };
    let names = catalog
        .metrics
        .iter()
        .filter_map(|metric| database_of(catalog, metric));
    let engine = |name: &str| {
        let app = scene.config.apps.get(name);
        app.map_or(Engine::Postgres, |app| app.url.engine())
    };
    let engines = names.map(|name| (name.to_owned(), engine(name))).collect();
    let keys = catalog.closure(&metric.key);
    let own: Vec<String> = keys
        .into_iter()
        .filter(|key| {
            let known = catalog.metric(key);
            *key == metric.key || known.is_some_and(|known| known.family != metric.key)
        })
        .collect();
    let known = KnownDatabases {
        engines: &engines,
        facts: &Facts::default(),
    };
    let planned = night::night(catalog, &own, &day.close(), known, false);
    planned
        .iter()
        .map(|statement| statement.listing())
        .collect()
}
