//! The rules replayed over stored days: what would have alerted, and what stayed calm.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};

use crate::catalog::{Catalog, Metric};
use crate::compare::{
    Calm, DAYS_JUDGED, History, Judged, JudgedDay, Judgement, RuleKind, Severity, State,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    pub days: RangeInclusive<NaiveDate>,
    /// Those of them that are stored and over, which are the ones that are judged.
    pub judged: usize,
    /// The metrics asked for, in the catalog's order.
    pub metrics: Vec<Tried>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    pub key: String,
    /// The rules of which there is something to tell: limits first, then the changes by their days.
    pub rules: Vec<TriedRule>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TriedRule {
    pub kind: RuleKind,
    /// Every day on which it alerts.
    pub standing: Vec<Standing>,
    /// Days on which it would have, had the value not been usual for its weekday.
    pub usual: Vec<NaiveDate>,
    /// The same for known days.
    pub known: Vec<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub date: NaiveDate,
    pub severity: Severity,
    pub state: State,
    pub welcome: bool,
    pub muted: bool,
}

/// What a reader of every morning's report would have gone through. A metric counts once a day, however many of
/// its rules alert, and what is muted only as such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Beginnings: days on which a rule of a metric alerts that did not the day before.
    pub critical: usize,
    pub warnings: usize,
    pub welcome: usize,
    pub muted: usize,
    /// Days on which something unwelcome stands.
    pub days_in_alert: usize,
    /// Changes that stay calm.
    pub usual: usize,
    pub known: usize,
}

/// The days that judging those needs.
pub fn needed(last: NaiveDate, days: u32) -> RangeInclusive<NaiveDate> {
    let first = *window(last, days).start();
    first
        .checked_sub_days(Days::new(DAYS_JUDGED))
        .unwrap_or(first)..=last
}

/// Replays the rules over the `days` calendar days up to `last`.
pub fn backtest(
    history: &History,
    (last, days): (NaiveDate, u32),
    asked: &dyn Fn(&Metric) -> bool,
    catalog: &Catalog,
) -> Backtest {
    let days = window(last, days);
    let judgement = history.judge_days(days.clone(), catalog);
    let complete: Vec<&JudgedDay> = complete(&judgement).collect();
    let shown = catalog.shown().enumerate();
    let asked = shown.filter(|(_, metric)| asked(metric));
    Backtest {
        judged: complete.len(),
        metrics: asked
            .map(|(at, metric)| tried(metric, at, &complete))
            .collect(),
        days,
    }
}

fn window(last: NaiveDate, days: u32) -> RangeInclusive<NaiveDate> {
    let back = Days::new(u64::from(days.saturating_sub(1)));
    last.checked_sub_days(back).unwrap_or(NaiveDate::MIN)..=last
}

fn complete(judgement: &Judgement) -> impl Iterator<Item = &JudgedDay> {
    judgement.days.iter().filter(|day| !day.partial)
}

fn tried(metric: &Metric, at: usize, days: &[&JudgedDay]) -> Tried {
    let mut rules: BTreeMap<RuleKind, TriedRule> = BTreeMap::new();
    for day in days {
        if let Some(judged) = day.metrics.get(at) {
            learn(&mut rules, day.date, judged);
        }
    }
    Tried {
        key: metric.key.clone(),
        rules: rules.into_values().collect(),
    }
}

fn learn(rules: &mut BTreeMap<RuleKind, TriedRule>, date: NaiveDate, judged: &Judged) {
    let standing = judged.alerts.iter();
    for alert in standing.filter(|alert| alert.state != State::Recovered) {
        of(rules, alert.rule.kind()).standing.push(Standing {
            date,
            severity: alert.severity,
            state: alert.state,
            welcome: alert.welcome,
            muted: judged.muted.is_some(),
        });
    }
    for change in &judged.changes {
        let calm = change.difference().and_then(|difference| difference.calm);
        let kind = RuleKind::Change(change.days);
        match calm {
            Some(Calm::Usual | Calm::Echo | Calm::ToldByDay) => of(rules, kind).usual.push(date),
            Some(Calm::KnownDay) => of(rules, kind).known.push(date),
            Some(Calm::OpenDay | Calm::Learning) | None => {}
        }
    }
}

fn of(rules: &mut BTreeMap<RuleKind, TriedRule>, kind: RuleKind) -> &mut TriedRule {
    rules.entry(kind).or_insert_with(|| TriedRule {
        kind,
        standing: Vec::new(),
        usual: Vec::new(),
        known: Vec::new(),
    })
}

impl Backtest {
    pub fn totals(&self) -> Totals {
        let mut days_in_alert: Vec<NaiveDate> = Vec::new();
        let mut totals = Totals::default();
        for metric in &self.metrics {
            let own = metric.totals();
            totals.critical += own.critical;
            totals.warnings += own.warnings;
            totals.welcome += own.welcome;
            totals.muted += own.muted;
            totals.usual += own.usual;
            totals.known += own.known;
            days_in_alert.extend(metric.days_in_alert());
        }
        days_in_alert.sort_unstable();
        days_in_alert.dedup();
        Totals {
            days_in_alert: days_in_alert.len(),
            ..totals
        }
    }

    /// Unwelcome beginnings.
    pub fn a_week(&self, totals: Totals) -> f64 {
        let begun = totals.critical + totals.warnings;
        begun as f64 * 7.0 / self.judged.max(1) as f64
    }
}

impl Tried {
    pub fn totals(&self) -> Totals {
        let begun = self.begun();
        let count = |is: &dyn Fn(&Standing) -> bool| begun.iter().filter(|one| is(one)).count();
        let heard = |one: &Standing| !one.muted && !one.welcome;
        Totals {
            critical: count(&|one| heard(one) && one.severity == Severity::Critical),
            warnings: count(&|one| heard(one) && one.severity == Severity::Warning),
            welcome: count(&|one| !one.muted && one.welcome),
            muted: count(&|one| one.muted),
            days_in_alert: self.days_in_alert().len(),
            usual: self.rules.iter().map(|rule| rule.usual.len()).sum(),
            known: self.rules.iter().map(|rule| rule.known.len()).sum(),
        }
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

    fn days_in_alert(&self) -> Vec<NaiveDate> {
        let all = self.rules.iter().flat_map(|rule| &rule.standing);
        let heard = all.filter(|one| !one.muted && !one.welcome);
        let mut days: Vec<NaiveDate> = heard.map(|one| one.date).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

/// The unwelcome weighs more than the welcome, then the severity counts.
fn weight(standing: &Standing) -> (bool, Severity) {
    (!standing.welcome, standing.severity)
}
