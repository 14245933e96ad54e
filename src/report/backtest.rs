//! The rules replayed over stored days: what alerts, and what is suppressed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};

use crate::catalog::{Catalog, Judge, Metric};
use crate::compare::{
    Alert, DAYS_JUDGED, History, Judged, JudgedDay, REACH_OF_OWN_DAYS, RuleKind, Severity, State,
    Suppression,
};

/// What a metric's reach can be set to where it is noisy, from the mildest on.
const REACHES: [f64; 3] = [0.99, 0.995, 1.0];
/// An alert is over the next day if that day and the one after it are ordinary.
const ORDINARY_DAYS: u64 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    pub days: RangeInclusive<NaiveDate>,
    /// How many of them are stored and complete, and so are judged.
    pub judged: usize,
    /// The metrics asked for, in the catalog's order.
    pub metrics: Vec<Tried>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    pub key: String,
    /// The rules with alerts or suppressed changes: limits first, then changes by their days.
    pub rules: Vec<TriedRule>,
    /// The days of unwelcome alerts that lasted one day and were followed by ordinary days.
    pub over_next_day: Vec<NaiveDate>,
    /// Set if it was tried and makes a difference.
    pub with_reach: Option<WithReach>,
}

/// The same replay with the next wider reach of the metric's own days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WithReach {
    pub reach: f64,
    pub totals: Totals,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TriedRule {
    pub kind: RuleKind,
    /// Every day on which it alerts.
    pub standing: Vec<Standing>,
    /// Every day on which a large change did not alert, and why.
    pub suppression: Vec<(NaiveDate, Suppression)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub date: NaiveDate,
    pub since: NaiveDate,
    pub severity: Severity,
    pub state: State,
    pub welcome: bool,
    pub muted: bool,
}

/// Counts over all reports. A metric counts once a day, however many of its rules alert; muted alerts count apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Beginnings: days on which a rule of a metric alerts that did not the day before.
    pub critical: usize,
    pub warnings: usize,
    pub welcome: usize,
    pub muted: usize,
    /// Red mornings: days with an unwelcome alert.
    pub days_in_alert: usize,
    pub over_next_day: usize,
    /// Suppressed changes, by the reason.
    pub usual: usize,
    pub echo: usize,
    pub learning: usize,
    pub covered_by_day: usize,
    pub known: usize,
}

/// A metric's complete day.
struct Day<'a> {
    date: NaiveDate,
    value: Option<f64>,
    judged: &'a Judged,
}

/// The days needed to judge `days` days up to `last`.
pub fn needed(last: NaiveDate, days: u32) -> RangeInclusive<NaiveDate> {
    let first = *window(last, days).start();
    first
        .checked_sub_days(Days::new(DAYS_JUDGED))
        .unwrap_or(first)..=last
}

/// Replays the rules over the `days` calendar days up to `last`.
pub fn backtest(
    history: &History,
    last: NaiveDate,
    days: u32,
    asked: &dyn Fn(&Metric) -> bool,
    catalog: &Catalog,
) -> Backtest {
    let days = window(last, days);
    let judgement = history.judge_days(days.clone(), catalog);
    let complete = judgement.days.iter().filter(|day| !day.partial);
    let shown = catalog.shown().enumerate();
    let asked = shown.filter(|(_, metric)| asked(metric));
    Backtest {
        judged: complete.count(),
        metrics: asked
            .map(|(at, metric)| {
                let past = past(&metric.key, history, &judgement.days, at, catalog);
                tried(&metric.key, &past, catalog)
            })
            .collect(),
        days,
    }
}

/// Replays the rules of one metric.
pub fn replay_metric(
    history: &History,
    days: RangeInclusive<NaiveDate>,
    key: &str,
    catalog: &Catalog,
) -> Tried {
    let judged = history.judge_metric(key, days, catalog);
    tried(key, &past(key, history, &judged, 0, catalog), catalog)
}

/// The reaches that are wider than the metric's own.
pub fn wider_reaches(key: &str, catalog: &Catalog) -> impl Iterator<Item = f64> + use<> {
    let metric = catalog.metrics.iter().find(|metric| metric.key == key);
    let present = metric.and_then(|metric| metric.alert.reach);
    let present = present.unwrap_or(REACH_OF_OWN_DAYS);
    REACHES.into_iter().filter(move |reach| *reach > present)
}

/// The catalog with another reach of that metric.
pub fn with_reach(reach: f64, key: &str, catalog: &Catalog) -> Catalog {
    let mut other = catalog.clone();
    let metrics = other.metrics.iter_mut();
    for metric in metrics.filter(|metric| metric.key == key) {
        metric.alert.reach = Some(reach);
    }
    other
}

fn window(last: NaiveDate, days: u32) -> RangeInclusive<NaiveDate> {
    let back = Days::new(u64::from(days.saturating_sub(1)));
    last.checked_sub_days(back).unwrap_or(NaiveDate::MIN)..=last
}

/// The metric's complete days. `at` is its index in each of them.
fn past<'a>(
    key: &str,
    history: &History,
    days: &'a [JudgedDay],
    at: usize,
    catalog: &Catalog,
) -> Vec<Day<'a>> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Vec::new();
    };
    let numbers = history.numbers(key, first.date..=last.date, catalog);
    let days = days.iter().zip(numbers).filter(|(day, _)| !day.partial);
    days.filter_map(|(day, (_, number))| {
        Some(Day {
            date: day.date,
            value: number.ok(),
            judged: day.metrics.get(at)?,
        })
    })
    .collect()
}

fn tried(key: &str, days: &[Day<'_>], catalog: &Catalog) -> Tried {
    let mut rules: BTreeMap<RuleKind, TriedRule> = BTreeMap::new();
    for day in days {
        record(&mut rules, day.date, day.judged);
    }
    Tried {
        key: key.to_owned(),
        rules: rules.into_values().collect(),
        over_next_day: over_next_day(days, catalog),
        with_reach: None,
    }
}

fn record(rules: &mut BTreeMap<RuleKind, TriedRule>, date: NaiveDate, judged: &Judged) {
    let standing = judged.alerts.iter();
    for alert in standing.filter(|alert| alert.state != State::Recovered) {
        let one = Standing {
            date,
            since: alert.since,
            severity: alert.severity,
            state: alert.state,
            welcome: alert.welcome,
            muted: judged.muted.is_some(),
        };
        let standing = &mut rule(rules, alert.rule.kind()).standing;
        // Of several parts that alert by one rule, the worst counts.
        match standing.last_mut().filter(|last| last.date == date) {
            Some(known) if weight(&one) > weight(known) => *known = one,
            Some(_) => {}
            None => standing.push(one),
        }
    }
    for change in &judged.changes {
        let difference = change.difference();
        if let Some(suppression) = difference.and_then(|difference| difference.suppression) {
            let rule = rule(rules, RuleKind::Change(change.days));
            rule.suppression.push((date, suppression));
        }
    }
}

fn rule(rules: &mut BTreeMap<RuleKind, TriedRule>, kind: RuleKind) -> &mut TriedRule {
    rules.entry(kind).or_insert_with(|| TriedRule {
        kind,
        standing: Vec::new(),
        suppression: Vec::new(),
    })
}

fn over_next_day(days: &[Day<'_>], catalog: &Catalog) -> Vec<NaiveDate> {
    let on = |date: NaiveDate| {
        let at = days.binary_search_by_key(&date, |day| day.date).ok()?;
        days.get(at)
    };
    let is_over = |day: &&Day<'_>| {
        let before = on(day.date - Days::new(1));
        let mut after = (1..=ORDINARY_DAYS).map(|later| on(day.date + Days::new(later)));
        day.begins_alone()
            && before.is_none_or(|before| before.unwelcome().next().is_none())
            && after.all(|day| day.is_some_and(|day| day.is_ordinary(catalog)))
    };
    days.iter().filter(is_over).map(|day| day.date).collect()
}

impl Day<'_> {
    fn unwelcome(&self) -> impl Iterator<Item = &Alert> {
        let standing = self.judged.alerts.iter();
        let is_muted = self.judged.muted.is_some();
        standing.filter(move |alert| alert.state != State::Recovered && !alert.welcome && !is_muted)
    }

    /// Whether everything active is new. A slide is reported on one day, but lasts longer.
    fn begins_alone(&self) -> bool {
        let is_of_a_day =
            |alert: &Alert| alert.state == State::New && alert.rule.kind() != RuleKind::Week;
        self.unwelcome().next().is_some() && self.unwelcome().all(is_of_a_day)
    }

    fn is_ordinary(&self, catalog: &Catalog) -> bool {
        let usual = self.judged.usual;
        let is_usual = |value: f64| usual.is_none_or(|usual| usual.holds(value));
        self.unwelcome().next().is_none()
            && self.value.is_some_and(is_usual)
            && catalog.known_day(self.date).is_none()
    }
}

impl Backtest {
    pub fn totals(&self) -> Totals {
        Totals::sum(&self.metrics)
    }

    pub fn per_week(&self, count: usize) -> f64 {
        count as f64 * 7.0 / self.judged.max(1) as f64
    }

    /// Replays each metric that alerts once more, with the next wider reach.
    #[must_use]
    pub fn trying_reaches(mut self, history: &History, catalog: &Catalog) -> Self {
        if catalog.thresholds.judge == Judge::Thresholds {
            return self;
        }
        for metric in &mut self.metrics {
            let now = metric.totals().begin();
            let reach = wider_reaches(&metric.key, catalog).next();
            let Some(reach) = reach.filter(|_| now > 0) else {
                continue;
            };
            let wider = with_reach(reach, &metric.key, catalog);
            let totals = replay_metric(history, self.days.clone(), &metric.key, &wider).totals();
            metric.with_reach = (totals.begin() != now).then_some(WithReach { reach, totals });
        }
        self
    }
}

impl Totals {
    fn sum(metrics: &[Tried]) -> Self {
        let begun: Vec<Standing> = metrics.iter().flat_map(Tried::begun).collect();
        let count = |is: &dyn Fn(&Standing) -> bool| begun.iter().filter(|one| is(one)).count();
        let red_days = metrics.iter().flat_map(Tried::days_in_alert);
        let rules = || metrics.iter().flat_map(|metric| &metric.rules);
        let suppressed = |why| rules().map(|rule| rule.days_suppressed(why).count()).sum();
        Self {
            critical: count(&|one| one.is_red() && one.severity == Severity::Critical),
            warnings: count(&|one| one.is_red() && one.severity == Severity::Warning),
            welcome: count(&|one| !one.muted && one.welcome),
            muted: count(&|one| one.muted),
            days_in_alert: red_days.collect::<BTreeSet<_>>().len(),
            over_next_day: metrics
                .iter()
                .map(|metric| metric.over_next_day.len())
                .sum(),
            usual: suppressed(Suppression::Usual),
            echo: suppressed(Suppression::Echo),
            learning: suppressed(Suppression::Learning),
            covered_by_day: suppressed(Suppression::CoveredByDay),
            known: suppressed(Suppression::KnownDay),
        }
    }

    /// How many alerts begin, improvements and muted ones included.
    pub fn begin(&self) -> usize {
        self.critical + self.warnings + self.welcome + self.muted
    }
}

impl Tried {
    pub fn totals(&self) -> Totals {
        Totals::sum(std::slice::from_ref(self))
    }

    /// The days on which one of its rules begins to alert, each with the worst of those.
    pub fn begun(&self) -> Vec<Standing> {
        let mut begun: BTreeMap<NaiveDate, Standing> = BTreeMap::new();
        let all = self.rules.iter().flat_map(|rule| &rule.standing);
        for new in all.filter(|one| one.state == State::New) {
            let known = begun.entry(new.date).or_insert(*new);
            if weight(new) > weight(known) {
                *known = *new;
            }
        }
        begun.into_values().collect()
    }

    pub fn days_in_alert(&self) -> BTreeSet<NaiveDate> {
        let all = self.rules.iter().flat_map(|rule| &rule.standing);
        let red = all.filter(|one| one.is_red());
        red.map(|one| one.date).collect()
    }

    /// The longest unwelcome alert: the day it began, and all its days.
    pub fn longest_alert(&self) -> Option<(NaiveDate, BTreeSet<NaiveDate>)> {
        let mut by_beginning: BTreeMap<NaiveDate, BTreeSet<NaiveDate>> = BTreeMap::new();
        let all = self.rules.iter().flat_map(|rule| &rule.standing);
        for one in all.filter(|one| one.is_red()) {
            by_beginning.entry(one.since).or_default().insert(one.date);
        }
        let all = by_beginning.into_iter();
        all.max_by_key(|(_, days)| days.len())
    }
}

impl TriedRule {
    pub fn days_suppressed(&self, why: Suppression) -> impl Iterator<Item = NaiveDate> {
        let all = self.suppression.iter();
        let all = all.filter(move |(_, suppression)| *suppression == why);
        all.map(|(date, _)| *date)
    }
}

impl Standing {
    /// Whether it makes the report red.
    pub fn is_red(&self) -> bool {
        !self.muted && !self.welcome
    }
}

/// Unwelcome weighs more than welcome, then critical, then new.
fn weight(standing: &Standing) -> (bool, Severity, bool) {
    (
        !standing.welcome,
        standing.severity,
        standing.state == State::New,
    )
}
