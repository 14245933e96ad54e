//! A backtest as text and as JSON.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar::spoken;
use crate::report::backtest::{Backtest, Standing, Totals, Tried, TriedRule, WithReach};
use crate::report::{Severity, State, Suppression};

use super::{alerts, number, words};

/// How many beginnings are listed, the newest.
const DATES: usize = 6;
const LABEL: usize = 28;
const NUMBER: usize = 9;
/// An alert that lasted one day, after which the metric was as usual again.
const OVER: &str = "gone the next day";

/// The present rules and, where others are tried, these beside them.
pub fn text(present: &Backtest, tried: Option<(&str, &Backtest)>) -> String {
    let mut lines = vec![title(present), String::new()];
    if let Some((what, _)) = tried {
        lines.push(line("", &["now".to_owned(), what.to_owned()]));
    }
    let tried = tried.map(|(_, tried)| tried);
    let all: Vec<&Backtest> = std::iter::once(present).chain(tried).collect();
    lines.extend(summary(&all));
    let metrics = noisy(present, tried);
    if !metrics.is_empty() {
        lines.push(String::new());
        lines.extend(metrics);
    }
    lines.join("\n") + "\n"
}

pub fn json(present: &Backtest, tried: Option<(Value, &Backtest)>) -> Value {
    let mut all = json!({
        "schema": 1,
        "from": present.days.start(),
        "to": present.days.end(),
        "days": present.judged,
        "now": replay(present),
    });
    if let Some((options, tried)) = tried {
        all["tried"] = replay(tried);
        all["tried"]["options"] = options;
    }
    all
}

fn title(backtest: &Backtest) -> String {
    let (first, last) = backtest.days.clone().into_inner();
    let days = (last - first).num_days() + 1;
    let stored = match i64::try_from(backtest.judged) {
        Ok(judged) if judged == days => String::new(),
        _ => format!(", {} of them stored and complete", backtest.judged),
    };
    let days = words::days(u32::try_from(days).unwrap_or(u32::MAX));
    format!("{days}, {} to {}{stored}", spoken(first), spoken(last))
}

fn summary(all: &[&Backtest]) -> Vec<String> {
    let totals: Vec<Totals> = all.iter().map(|backtest| backtest.totals()).collect();
    let counts = |label: &str, chosen: &dyn Fn(&Totals) -> usize| {
        let cells = totals.iter().map(|totals| count(chosen(totals)));
        line(label, &cells.collect::<Vec<_>>())
    };
    let weekly = |chosen: &dyn Fn(&Totals) -> usize| {
        let all = all.iter().zip(&totals);
        let cells = all.map(|(backtest, totals)| rate(backtest.per_week(chosen(totals))));
        line("  a week", &cells.collect::<Vec<_>>())
    };
    let begun = |all: &Totals| all.critical + all.warnings;
    vec![
        counts("Red mornings", &|all| all.days_in_alert),
        weekly(&|all| all.days_in_alert),
        counts("New alerts", &begun),
        counts("  critical", &|all| all.critical),
        counts("  warnings", &|all| all.warnings),
        weekly(&begun),
        counts("  gone the next day", &|all| all.over_next_day),
        weekly(&|all| all.over_next_day),
        counts("Improvements", &|all| all.welcome),
        counts("Muted alerts", &|all| all.muted),
        counts("Suppressed: usual", &|all| all.usual),
        counts("Suppressed: unusual then", &|all| all.echo),
        counts("Suppressed: learning", &|all| all.learning),
        counts("Suppressed: see its last day", &|all| all.covered_by_day),
        counts("Suppressed: known day", &|all| all.known),
    ]
}

/// The metrics that alert, those that begin most often first, with the days on which they did.
fn noisy(present: &Backtest, tried: Option<&Backtest>) -> Vec<String> {
    let tried_totals = |key: &str| {
        let metric = tried?.metrics.iter().find(|one| one.key == key);
        metric.map(Tried::totals)
    };
    let mut metrics: Vec<(Totals, Option<Totals>, &Tried)> = present
        .metrics
        .iter()
        .map(|metric| (metric.totals(), tried_totals(&metric.key), metric))
        .filter(|(now, then, _)| {
            now.begin() > 0 || then.as_ref().is_some_and(|then| then.begin() > 0)
        })
        .collect();
    metrics.sort_by_key(|(now, ..)| std::cmp::Reverse(now.begin()));
    if metrics.is_empty() {
        return Vec::new();
    }
    let heads = ["new", "a week", "critical", "red days", OVER].map(str::to_owned);
    let mut lines = vec![line("Metric", &heads)];
    for (now, then, metric) in metrics {
        let cell = |text: &dyn Fn(&Backtest, &Totals) -> String| match (tried, &then) {
            (Some(tried), Some(then)) => {
                format!("{} → {}", text(present, &now), text(tried, then))
            }
            _ => text(present, &now),
        };
        let over = cell(&|_, all| count(all.over_next_day));
        let cells = [
            cell(&|_, all| count(all.begin())),
            cell(&|backtest, all| rate(backtest.per_week(all.begin()))),
            cell(&|_, all| count(all.critical)),
            cell(&|_, all| count(all.days_in_alert)),
            format!("{over:>width$}", width = OVER.len()),
        ];
        lines.push(line(&metric.key, &cells));
        let wider = metric.with_reach.filter(|_| tried.is_none());
        lines.extend(wider.map(|WithReach { reach, totals }| {
            format!("  → {} with reach {reach:?}", count(totals.begin()))
        }));
        lines.extend(dates(metric));
    }
    lines
}

fn dates(metric: &Tried) -> Vec<String> {
    let begun = metric.begun();
    let earlier = begun.len().saturating_sub(DATES);
    let mut lines: Vec<String> = begun[earlier..]
        .iter()
        .rev()
        .map(|one| format!("  {}  {}", spoken(one.date), word(one, metric)))
        .collect();
    if earlier > 0 {
        lines.push(format!("  and {} earlier", count(earlier)));
    }
    lines
}

fn word(one: &Standing, metric: &Tried) -> String {
    let severity = words::severity(one.severity);
    match (one.muted, one.welcome) {
        (true, _) => format!("{severity} ({})", words::english().muted),
        (false, true) => format!("{severity} (improvement)"),
        (false, false) if metric.over_next_day.contains(&one.date) => format!("{severity}, {OVER}"),
        (false, false) => severity.to_owned(),
    }
}

fn rate(rate: f64) -> String {
    format!("{rate:.1}")
}

fn line(label: &str, cells: &[String]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| format!("  {cell:>NUMBER$}"))
        .collect();
    format!("{label:<LABEL$}{cells}").trim_end().to_owned()
}

fn count(count: usize) -> String {
    number::count(Decimal::from(count), words::HABIT)
}

fn replay(backtest: &Backtest) -> Value {
    let mut all = totals(&backtest.totals(), backtest);
    let metric = |metric: &Tried| {
        let mut own = totals(&metric.totals(), backtest);
        own["key"] = json!(metric.key);
        if let Some(WithReach { reach, totals }) = &metric.with_reach {
            own["with_reach"] = self::totals(totals, backtest);
            own["with_reach"]["reach"] = json!(reach);
        }
        own["rules"] = metric.rules.iter().map(rule).collect();
        own
    };
    all["metrics"] = backtest.metrics.iter().map(metric).collect();
    all
}

fn totals(totals: &Totals, backtest: &Backtest) -> Value {
    json!({
        "critical": totals.critical,
        "warnings": totals.warnings,
        "a_week": backtest.per_week(totals.critical + totals.warnings),
        "welcome": totals.welcome,
        "muted": totals.muted,
        "days_in_alert": totals.days_in_alert,
        "days_in_alert_a_week": backtest.per_week(totals.days_in_alert),
        "over_next_day": totals.over_next_day,
        "over_next_day_a_week": backtest.per_week(totals.over_next_day),
        "usual": totals.usual,
        "echo": totals.echo,
        "learning": totals.learning,
        "told_by_day": totals.covered_by_day,
        "known": totals.known,
    })
}

fn rule(rule: &TriedRule) -> Value {
    let count = |severity| {
        let standing = rule.standing.iter();
        let begun = standing.filter(|one| one.state == State::New && one.severity == severity);
        begun.count()
    };
    let day = |one: &Standing| {
        json!({
            "date": one.date,
            "since": one.since,
            "severity": words::severity(one.severity),
            "state": words::state(one.state),
            "welcome": one.welcome,
            "muted": one.muted,
        })
    };
    let suppression = |why| rule.days_suppressed(why).collect::<Vec<_>>();
    json!({
        "rule": alerts::rule(rule.kind),
        "begins": {
            "critical": count(Severity::Critical),
            "warnings": count(Severity::Warning),
        },
        "days": rule.standing.iter().map(day).collect::<Vec<_>>(),
        "usual": suppression(Suppression::Usual),
        "echo": suppression(Suppression::Echo),
        "learning": suppression(Suppression::Learning),
        "told_by_day": suppression(Suppression::CoveredByDay),
        "known": suppression(Suppression::KnownDay),
    })
}
