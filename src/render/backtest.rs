//! What a backtest found, for whoever tunes thresholds: as text and as JSON.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar::spoken;
use crate::report::backtest::{Backtest, Standing, Totals, Tried, TriedRule};
use crate::report::{Severity, State};

use super::{alerts, number, words};

/// Beginnings told by their dates; the newest are.
const DATES: usize = 6;
const LABEL: usize = 32;
const NUMBER: usize = 9;

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
        _ => format!(", {} of them stored and over", backtest.judged),
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
    let a_week: Vec<String> = all
        .iter()
        .zip(&totals)
        .map(|(backtest, totals)| format!("{:.1}", backtest.a_week(*totals)))
        .collect();
    vec![
        counts("Alerts that begin", &|all| all.critical + all.warnings),
        counts("  critical", &|all| all.critical),
        counts("  warnings", &|all| all.warnings),
        line("  a week", &a_week),
        counts("Days with an alert", &|all| all.days_in_alert),
        counts("Welcome changes", &|all| all.welcome),
        counts("Muted alerts", &|all| all.muted),
        counts("Calm: usual for the weekday", &|all| all.usual),
        counts("Calm: known days", &|all| all.known),
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
            begins(now) > 0 || then.as_ref().is_some_and(|then| begins(then) > 0)
        })
        .collect();
    told.sort_by_key(|(now, ..)| std::cmp::Reverse(begins(now)));
    if told.is_empty() {
        return Vec::new();
    }
    let heads = ["begins", "critical", "in alert", "usual"].map(str::to_owned);
    let mut lines = vec![line("Metric", &heads)];
    for (now, then, metric) in told {
        let told = |of: &dyn Fn(&Totals) -> usize| match &then {
            Some(then) => format!("{} → {}", of(&now), of(then)),
            None => count(of(&now)),
        };
        let cells = [
            told(&begins),
            told(&|all| all.critical),
            told(&|all| all.days_in_alert),
            told(&|all| all.usual),
        ];
        lines.push(line(&metric.key, &cells));
        lines.extend(dates(&metric.begun()));
    }
    lines
}

/// However they are meant: what is welcome or muted begins too.
fn begins(totals: &Totals) -> usize {
    totals.critical + totals.warnings + totals.welcome + totals.muted
}

fn dates(begun: &[Standing]) -> Vec<String> {
    let earlier = begun.len().saturating_sub(DATES);
    let mut lines: Vec<String> = begun[earlier..]
        .iter()
        .rev()
        .map(|one| format!("  {}  {}", spoken(one.date), word(one)))
        .collect();
    if earlier > 0 {
        lines.push(format!("  and {} before", count(earlier)));
    }
    lines
}

fn word(one: &Standing) -> String {
    let severity = words::severity(one.severity);
    match (one.muted, one.welcome) {
        (true, _) => format!("{severity} ({})", words::MUTED),
        (false, true) => format!("{severity} (welcome)"),
        (false, false) => severity.to_owned(),
    }
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
    let totals = backtest.totals();
    let mut told = self::totals(&totals);
    told["a_week"] = json!(backtest.a_week(totals));
    let metric = |metric: &Tried| {
        let mut told = self::totals(&metric.totals());
        told["key"] = json!(metric.key);
        told["rules"] = metric.rules.iter().map(rule).collect();
        told
    };
    told["metrics"] = backtest.metrics.iter().map(metric).collect();
    told
}

fn totals(totals: &Totals) -> Value {
    json!({
        "critical": totals.critical,
        "warnings": totals.warnings,
        "welcome": totals.welcome,
        "muted": totals.muted,
        "days_in_alert": totals.days_in_alert,
        "usual": totals.usual,
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
            "severity": words::severity(one.severity),
            "state": words::state(one.state),
            "welcome": one.welcome,
            "muted": one.muted,
        })
    };
    json!({
        "rule": alerts::rule(rule.kind),
        "begins": {
            "critical": count(Severity::Critical),
            "warnings": count(Severity::Warning),
        },
        "days": rule.standing.iter().map(day).collect::<Vec<_>>(),
        "usual": rule.usual,
        "known": rule.known,
    })
}
