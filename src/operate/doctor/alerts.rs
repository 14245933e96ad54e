//! Metrics that alert so often that nobody looks any more, and what to set.

use chrono::NaiveDate;

use crate::book::{self, Book, BookError};
use crate::calendar::spoken;
use crate::catalog::{Catalog, Judge, Metric};
use crate::compare::{History, RuleKind};
use crate::config::Config;
use crate::report::backtest::{
    Backtest, Tried, backtest, needed, replay_metric, wider_reaches, with_reach,
};

use super::{Finding, counted, listed};

const AREA: &str = "alerts";
const DAYS: u32 = 90;
/// Fewer days show no habit.
const LEAST_DAYS: usize = 28;

/// What is to be done about a metric that alerts on more than a tenth of the days.
#[derive(PartialEq)]
enum Remedy {
    /// It was one incident.
    Nothing,
    /// It is one alert, which still stands.
    Look,
    Limits,
    Reach(f64),
    JudgeByUsual,
    Percent,
}

struct Noisy {
    key: String,
    days: usize,
    /// Of the alert that stood longest.
    since: NaiveDate,
}

pub(super) async fn examine(
    config: &Config,
    today: NaiveDate,
    book: &Book,
) -> Result<Vec<Finding>, BookError> {
    let catalog = &config.catalog;
    let Some(newest) = book::newest_complete(book, today).await? else {
        return Ok(Vec::new());
    };
    let mutes = book::mutes(book, config.time_zone).await?;
    let mut history = History::new(catalog).muted(mutes);
    let days = needed(newest.date, DAYS);
    book::scan(book, days, |entry| history.add(&entry, catalog)).await?;
    let is_heard = |metric: &Metric| !history.is_muted(metric, today);
    let found = backtest(&history, newest.date, DAYS, &is_heard, catalog);
    let groups = groups(&history, &found, catalog).into_iter();
    let findings = groups.map(|(remedy, metrics)| finding(&remedy, &metrics, found.judged));
    Ok(findings.collect())
}

/// The noisy metrics by what is to be done, those with the most days first.
fn groups(history: &History, found: &Backtest, catalog: &Catalog) -> Vec<(Remedy, Vec<Noisy>)> {
    if found.judged < LEAST_DAYS {
        return Vec::new();
    }
    let noisy = found.metrics.iter();
    let noisy = noisy.filter(|metric| is_noisy(metric.days_in_alert().len(), found.judged));
    let mut noisy: Vec<&Tried> = noisy.collect();
    noisy.sort_by_key(|metric| std::cmp::Reverse(metric.days_in_alert().len()));
    let mut groups: Vec<(Remedy, Vec<Noisy>)> = Vec::new();
    for metric in noisy {
        let Some((since, longest)) = metric.longest_alert() else {
            continue;
        };
        let days = metric.days_in_alert().len();
        let remedy = match longest.len() * 2 > days {
            true if longest.contains(found.days.end()) => Remedy::Look,
            true => Remedy::Nothing,
            false => remedy(history, found, metric, catalog),
        };
        let key = metric.key.clone();
        let one = Noisy { key, days, since };
        match groups.iter_mut().find(|(other, _)| *other == remedy) {
            Some((_, metrics)) => metrics.push(one),
            None => groups.push((remedy, vec![one])),
        }
    }
    groups
}

fn is_noisy(days: usize, judged: usize) -> bool {
    days * 10 > judged
}

/// The first that makes it quiet by a replay of the same days.
fn remedy(history: &History, found: &Backtest, metric: &Tried, catalog: &Catalog) -> Remedy {
    let by_limits = metric.rules.iter();
    let by_limits = by_limits.filter(|rule| rule.kind == RuleKind::Absolute);
    let by_limits = by_limits.flat_map(|rule| &rule.standing);
    if is_noisy(by_limits.filter(|one| one.is_red()).count(), found.judged) {
        return Remedy::Limits;
    }
    let is_quiet = |other: &Catalog| {
        let replayed = replay_metric(history, found.days.clone(), &metric.key, other);
        !is_noisy(replayed.days_in_alert().len(), found.judged)
    };
    if catalog.thresholds.judge == Judge::Thresholds {
        let mut other = catalog.clone();
        other.thresholds.judge = Judge::Usual;
        return match is_quiet(&other) {
            true => Remedy::JudgeByUsual,
            false => Remedy::Percent,
        };
    }
    let mut reaches = wider_reaches(&metric.key, catalog);
    let reach = reaches.find(|reach| is_quiet(&with_reach(*reach, &metric.key, catalog)));
    reach.map_or(Remedy::Percent, Remedy::Reach)
}

fn finding(remedy: &Remedy, metrics: &[Noisy], judged: usize) -> Finding {
    let described = |one: &Noisy| match remedy {
        Remedy::Look => format!("{} on {}, since {}", one.key, one.days, spoken(one.since)),
        _ => format!("{} on {}", one.key, one.days),
    };
    let what = format!(
        "{} alerted on more than a tenth of the last {judged} days: {}",
        counted(metrics.len(), "metric"),
        listed(metrics.iter().map(described))
    );
    let key = metrics.first().map_or("KEY", |one| one.key.as_str());
    let advice = match remedy {
        Remedy::Nothing => {
            let means = "Most of these days belong to one incident, which is over.";
            return Finding::ok(AREA, what, means);
        }
        Remedy::Look => "Find out why the value stays where it is. If it should, set other limits, or mute it with `daybook alerts mute`.".to_owned(),
        Remedy::Limits => "Set `warning` and `critical` of its `alert` to values at which somebody must act.".to_owned(),
        Remedy::Reach(reach) => format!(
            "Set `alert = {{ reach = {reach:?} }}`, which would have kept it below a tenth; `daybook alerts backtest --metric {key} --reach {reach:?}` shows what remains."
        ),
        Remedy::JudgeByUsual => "Leave out `judge = \"thresholds\"` under [alerts]: against what is usual for it, it would have stayed below a tenth.".to_owned(),
        Remedy::Percent => format!(
            "Give it limits of its own, `alert = {{ percent = {{ warning = 30, critical = 60 }} }}`, or none, `alert = {{ percent = {{ on = \"off\" }} }}`; `daybook alerts backtest --metric {key} --warning 30 --critical 60` shows what remains."
        ),
    };
    let means = "Readers overlook alerts that come so often.";
    Finding::warning(AREA, what, means, advice)
}
