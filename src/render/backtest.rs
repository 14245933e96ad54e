//! What a backtest found, for whoever tunes thresholds: as text and as JSON.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar::spoken;
use crate::report::backtest::{Backtest, Standing, Totals, Tried, TriedRule, WithReach};
use crate::report::{Severity, State, Suppression};

use super::{alerts, number, words};

/// Beginnings told by their dates; the newest are.
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
    let all = [Some(present), tried.map(|(_, tried)| tried)];
    let all: Vec<&Backtest> = all.into_iter().flatten().collect();
    lines.extend(summary(&all));
    let told = noisy(present, tried.map(|(_, tried)| tried));
    if !told.is_empty() {
        lines.push(String::new());
        lines.extend(told);
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
    let counts = |label: &str, of: &dyn Fn(&Totals) -> usize| {
        let told: Vec<String> = totals.iter().map(|totals| count(of(totals))).collect();
        line(label, &told)
    };
    let weekly = |of: &dyn Fn(&Totals) -> usize| {
        let all = all.iter().zip(&totals);
        let told: Vec<String> = all
            .map(|(backtest, totals)| rate(backtest.per_week(of(totals))))
            .collect();
        line("  a week", &told)
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
    let of = |key: &str| tried.and_then(|tried| tried.metrics.iter().find(|one| one.key == key));
    let mut told: Vec<(Totals, Option<Totals>, &Tried)> = present
        .metrics
        .iter()
        .map(|metric| (metric.totals(), of(&metric.key).map(Tried::totals), metric))
        .filter(|(now, then, _)| {
            now.begin() > 0 || then.as_ref().is_some_and(|then| then.begin() > 0)
        })
        .collect();
    told.sort_by_key(|(now, ..)| std::cmp::Reverse(now.begin()));
    if told.is_empty() {
        return Vec::new();
    }
    let heads = ["new", "a week", "critical", "red days", OVER].map(str::to_owned);
    let mut lines = vec![line("Metric", &heads)];
    for (now, then, metric) in told {
        let cell = |told: &dyn Fn(&Backtest, &Totals) -> String| match (tried, &then) {
            (Some(tried), Some(then)) => {
                format!("{} → {}", told(present, &now), told(tried, then))
            }
            _ => told(present, &now),
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
        (true, _) => format!("{severity} ({})", words::MUTED),
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
    let mut told = totals(&backtest.totals(), backtest);
    let metric = |metric: &Tried| {
        let mut told = totals(&metric.totals(), backtest);
        told["key"] = json!(metric.key);
        if let Some(WithReach { reach, totals }) = &metric.with_reach {
            told["with_reach"] = self::totals(totals, backtest);
            told["with_reach"]["reach"] = json!(reach);
        }
        told["rules"] = metric.rules.iter().map(rule).collect();
        told
    };
    told["metrics"] = backtest.metrics.iter().map(metric).collect();
    told
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
    let suppression = |why| rule.days_calm(why).collect::<Vec<_>>();
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
