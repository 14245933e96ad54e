//! Highlights: one for each metric that alerts, however many of its rules do.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::catalog::Catalog;
use crate::entry::PartKey;

use super::mover::{self, Move};
use super::past::Past;
use super::{Alert, AlertedPart, Counts, Notice, Report, Row, Rule, Severity, State};

/// A metric that alerts, represented by its most telling rule.
#[derive(Debug, Clone)]
pub struct Highlight {
    /// Its place in [`Report::rows`].
    pub row: usize,
    pub severity: Severity,
    /// New only if all standing rules are.
    pub state: State,
    /// Of the rule that has stood longest.
    pub day: u32,
    pub since: NaiveDate,
    pub welcome: bool,
    pub value: f64,
    /// It recovered because its level has become usual.
    pub settled: bool,
    pub rule: Rule,
    /// The part that alerts, if it is not the metric itself.
    pub part: Option<AlertedPart>,
    /// Its other parts that alert, the largest first, each by its most telling rule.
    pub more_parts: Vec<Alert>,
    /// How many more there are.
    pub parts_left_out: usize,
    /// The part that moved most since the rule's earlier day, for a limit since the day before; none if recovered.
    pub mover: Option<Mover>,
}

/// `web_mobile −2'312 of −2'594`
#[derive(Debug, Clone, PartialEq)]
pub struct Mover {
    /// Its label; `None` for the rows without a value.
    pub part: Option<String>,
    pub change: f64,
    /// The whole metric's change.
    pub of: f64,
}

/// The day in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The day is still open: nothing is judged.
    Open,
    Critical,
    Warning,
    /// Nothing alerts, but some metrics failed.
    Incomplete,
    Ok,
}

/// One for each metric with alerts: unwelcome before welcome, critical before warnings, new or worse before ongoing,
/// the largest move first; recovered last.
pub(super) fn highlights(
    alerts: &[Notice],
    rows: &[Row],
    past: &Past<'_>,
    catalog: &Catalog,
) -> Vec<Highlight> {
    let mut by_key: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for Notice { alert, .. } in alerts {
        by_key.entry(&alert.key).or_default().push(alert);
    }
    let mut highlights: Vec<(Highlight, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| {
            let highlight = highlight(at, row, by_key.get(row.key.as_str())?, past, catalog)?;
            let size = size(&highlight, row);
            Some((highlight, size))
        })
        .collect();
    highlights.sort_by(|(one, size), (other, other_size)| {
        rank(one)
            .cmp(&rank(other))
            .then(other_size.total_cmp(size))
            .then(one.row.cmp(&other.row))
    });
    highlights
        .into_iter()
        .map(|(highlight, _)| highlight)
        .collect()
}

/// Standing highlights; improvements are counted apart, recovered ones not at all.
pub(super) fn count(highlights: &[Highlight]) -> Counts {
    let mut counts = Counts::default();
    for highlight in highlights {
        match (highlight.state, highlight.welcome, highlight.severity) {
            (State::Recovered, _, _) => {}
            (_, true, _) => counts.welcome += 1,
            (_, _, Severity::Critical) => counts.critical += 1,
            (_, _, Severity::Warning) => counts.warnings += 1,
        }
    }
    counts
}

fn highlight(
    at: usize,
    row: &Row,
    alerts: &[&Alert],
    past: &Past<'_>,
    catalog: &Catalog,
) -> Option<Highlight> {
    let standing = |alert: &Alert| alert.state != State::Recovered;
    let any_stands = alerts.iter().any(|alert| standing(alert));
    let main = alerts
        .iter()
        .filter(|alert| standing(alert) == any_stands)
        .min_by_key(|alert| weight(alert))?;
    // A fall today is not as old as the welcome rise over the month.
    let alike: Vec<&Alert> = alerts
        .iter()
        .copied()
        .filter(|alert| {
            let is_alike = standing(alert) == any_stands && alert.welcome == main.welcome;
            is_alike && key(alert) == key(main)
        })
        .collect();
    let all = |state: State| alike.iter().all(|alert| alert.state == state);
    let state = match () {
        () if !any_stands => State::Recovered,
        () if all(State::New) => State::New,
        () if alike.iter().any(|alert| alert.state == State::Worse) => State::Worse,
        () => State::Ongoing,
    };
    let oldest = alike.iter().max_by_key(|alert| alert.day)?;
    Some(Highlight {
        row: at,
        severity: main.severity,
        state,
        day: oldest.day,
        since: oldest.since,
        welcome: main.welcome,
        value: main.value,
        settled: main.settled,
        rule: main.rule.clone(),
        part: main.part.clone(),
        more_parts: more_parts(main, alerts),
        parts_left_out: alerts
            .iter()
            .filter_map(|alert| alert.part.as_ref())
            .map(|part| part.left_out)
            .sum(),
        mover: match state {
            State::Recovered => None,
            _ if main.part.is_some() => None,
            _ => mover(row, &main.rule, past, catalog),
        },
    })
}

fn key(alert: &Alert) -> Option<&PartKey> {
    alert.part.as_ref().map(|part| &part.key)
}

/// The active alerts of the other parts.
fn more_parts(main: &Alert, alerts: &[&Alert]) -> Vec<Alert> {
    let mut more: Vec<&Alert> = Vec::new();
    let standing = alerts
        .iter()
        .filter(|alert| alert.state != State::Recovered);
    for alert in standing.filter(|alert| key(alert) != key(main)) {
        match more.iter_mut().find(|known| key(known) == key(alert)) {
            Some(known) if weight(alert) < weight(known) => *known = alert,
            Some(_) => {}
            None => more.push(alert),
        }
    }
    more.into_iter().cloned().collect()
}

/// The lightest alert is the most telling: unwelcome before welcome, new parts before old ones, limits before changes,
/// and changes against the same weekday before others.
fn weight(alert: &Alert) -> (bool, Reverse<Severity>, bool, u32) {
    let rule = match alert.rule {
        Rule::Absolute(_) => 0,
        Rule::Change { days: 7, .. } => 1,
        Rule::Change { days: 1, .. } => 2,
        Rule::Zero(_) => 3,
        Rule::Change { days, .. } => days,
        Rule::Week(_) | Rule::Stirred { .. } | Rule::Flat(_) => 100,
    };
    let is_old = alert.part.is_some() && alert.state == State::Ongoing;
    (alert.welcome, Reverse(alert.severity), is_old, rule)
}

fn rank(highlight: &Highlight) -> (bool, bool, Reverse<Severity>, bool) {
    (
        highlight.state == State::Recovered,
        highlight.welcome,
        Reverse(highlight.severity),
        !matches!(highlight.state, State::New | State::Worse),
    )
}

/// How far it moved, in percent or points; how far a value is beyond its limit, in percent of that.
fn size(highlight: &Highlight, row: &Row) -> f64 {
    match &highlight.rule {
        Rule::Change { difference, .. } if row.in_points => difference.change.abs(),
        Rule::Change { difference, .. } => difference.percent.map_or(f64::INFINITY, f64::abs),
        Rule::Absolute(limit) => match (highlight.value - limit.bound).abs() {
            0.0 => 0.0,
            beyond => beyond * 100.0 / limit.bound.abs(),
        },
        Rule::Zero(_) => 100.0,
        Rule::Stirred { before, .. } => percent(*before, highlight.value),
        Rule::Week(week) => percent(week.before, week.mean),
        Rule::Flat(_) => 0.0,
    }
}

fn percent(before: f64, now: f64) -> f64 {
    match before {
        0.0 => f64::INFINITY,
        _ => ((now - before) * 100.0 / before).abs(),
    }
}

/// For a limit, which names no earlier day, the day before is compared.
fn mover(row: &Row, rule: &Rule, past: &Past<'_>, catalog: &Catalog) -> Option<Mover> {
    let (days, date, difference) = match rule {
        Rule::Change {
            days,
            date,
            difference,
            ..
        } => (*days, *date, difference),
        Rule::Week(_) | Rule::Flat(_) => return None,
        Rule::Absolute(_) | Rule::Zero(_) | Rule::Stirred { .. } => {
            let change = row.change(1)?;
            (change.days, change.date, change.difference()?)
        }
    };
    let moved = Move {
        change: difference.change,
        direction: difference.direction,
        then: date,
        now: date + Days::new(u64::from(days)),
    };
    mover::mover(catalog.metric(&row.key)?, &moved, past, catalog)
}

impl Report {
    pub fn verdict(&self) -> Verdict {
        match self.counts {
            _ if self.partial => Verdict::Open,
            counts if counts.critical > 0 => Verdict::Critical,
            counts if counts.warnings > 0 => Verdict::Warning,
            _ if self.failed().next().is_some() => Verdict::Incomplete,
            _ => Verdict::Ok,
        }
    }
}
