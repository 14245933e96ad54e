//! Judges one metric from day to day, by what it has learnt of the days before.

use std::collections::VecDeque;

use chrono::{Datelike, Days, NaiveDate};

use crate::catalog::{Catalog, Judge, Metric, Shape, Thresholds};

use crate::threshold::{self, Direction, Lifecycle, Severity, State, Step, Verdict};

use super::SPANS;
use super::alert::{self, Alert, Rule};
use super::change::{Change, Difference, Gap, Held, Levels, Outcome, Suppression};
use super::run::{Run, Runs};
use super::usual::{Learnt, Scale, Usual};
use super::week::{Weeks, counts_for};

/// Four weeks ago is shown, but never judged.
const SHOWN_ONLY: u32 = 28;
const SAME_WEEKDAY: u32 = 7;
/// After so many days a new level has become usual.
const LEARNT_AFTER: u32 = 14;
/// A level of fewer days was an incident.
const LEAST_LEVEL: i64 = 5;
/// Days of one value from which on that deserves an alert, and from which on its end does.
const FLAT: u32 = 14;
const ALWAYS: u32 = 28;
/// A longer gap makes weeks incomparable.
const LONGEST_GAP: i64 = 7;

/// What all metrics of a stored day share.
pub(super) struct Frame {
    pub(super) date: NaiveDate,
    pub(super) partial: bool,
    /// Declared to be different.
    pub(super) known: bool,
    /// The days compared with, and their places among the frames.
    pub(super) compared: [(NaiveDate, Option<usize>); 4],
}

/// One metric over all stored days.
pub(super) struct Subject<'a> {
    metric: &'a Metric,
    frames: &'a [Frame],
    numbers: &'a [Result<f64, Gap>],
    thresholds: Thresholds,
    /// How many days each value is of.
    window: u32,
    /// Its last day is a metric of its own.
    covered_by_day: bool,
    /// The numbers are those of one part of the metric.
    is_part: bool,
}

/// The result of a day that was asked for. Of the days before, only the memory counts.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) changes: Vec<Change>,
    pub(super) usual: Option<Usual>,
    pub(super) learning_until: Option<NaiveDate>,
    pub(super) alerts: Vec<Alert>,
}

/// What judging remembers of the days before.
pub(super) struct Memory {
    levels: Levels,
    learnt: Learnt,
    weeks: Weeks,
    runs: Runs,
    absolute: Lifecycle<NaiveDate>,
    changes: [Lifecycle<NaiveDate>; 4],
    zero: Lifecycle<NaiveDate>,
    flat: Lifecycle<NaiveDate>,
    /// The days of the last month on which a change alerted.
    alerted: VecDeque<NaiveDate>,
    incident: Option<Incident>,
    last: Option<NaiveDate>,
}

/// Days on which changes alert, one after the other.
#[derive(Clone, Copy)]
struct Incident {
    since: NaiveDate,
    direction: Direction,
    /// How the metric ran before it.
    level: f64,
}

/// A day with a number that is over.
#[derive(Clone, Copy)]
struct Now {
    at: usize,
    date: NaiveDate,
    value: f64,
    /// The usual range without what rare days add to it.
    ordinary: Option<Usual>,
}

impl Memory {
    pub(super) fn new(subject: &Subject<'_>) -> Self {
        Self {
            levels: Levels::new(subject.metric, subject.thresholds),
            learnt: Learnt::for_metric(subject.metric),
            weeks: Weeks::new(),
            runs: Runs::default(),
            absolute: Lifecycle::default(),
            changes: Default::default(),
            zero: Lifecycle::default(),
            flat: Lifecycle::default(),
            alerted: VecDeque::new(),
            incident: None,
            last: None,
        }
    }

    /// Remembers that the day alerted; returns whether the day before did too.
    fn note_alert(&mut self, date: NaiveDate) -> bool {
        let goes_on = self.alerted.back().copied() == date.pred_opt();
        self.alerted
            .retain(|alerted| (date - *alerted).num_days() <= 31);
        self.alerted.push_back(date);
        goes_on
    }
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        metric: &'a Metric,
        catalog: &Catalog,
        frames: &'a [Frame],
        numbers: &'a [Result<f64, Gap>],
    ) -> Self {
        Self {
            metric,
            frames,
            numbers,
            thresholds: catalog.thresholds,
            window: catalog.window_days(metric),
            covered_by_day: catalog.is_covered_by_day(metric),
            is_part: false,
        }
    }

    /// The same for numbers of one part, which alerts where it falls, vanishes or appears.
    pub(super) fn of_part(self) -> Self {
        Self {
            is_part: true,
            ..self
        }
    }

    /// There is no number to judge.
    fn is_list(&self) -> bool {
        self.metric.is_distribution() && !self.is_part
    }

    pub(super) fn judge_day(
        &self,
        at: usize,
        memory: &mut Memory,
        mut findings: Option<&mut Findings>,
    ) {
        let frame = &self.frames[at];
        let weekday = frame.date.weekday();
        if let Some(findings) = &mut findings {
            findings.usual = memory.learnt.usual(weekday);
        }
        let Some(value) = self.numbers[at].ok().filter(|_| !frame.partial) else {
            if let Some(findings) = findings {
                findings.changes = self.spans().map(|span| self.change(at, span)).collect();
            }
            return;
        };
        self.meet(at, value, memory);
        self.bridge(frame.date, memory);
        let now = Now {
            at,
            date: frame.date,
            value,
            ordinary: memory.learnt.ordinary(weekday),
        };
        if let Some(findings) = &mut findings {
            findings.usual = memory.learnt.usual(weekday);
            findings.learning_until = self.learning_until(now, memory);
        }
        self.judge_limits(now, memory, findings.as_deref_mut());
        let standing = self.judge_changes(now, memory, findings.as_deref_mut());
        let stood_still = self.judge_runs(now, standing, memory, findings.as_deref_mut());
        let alerts = standing || stood_still;
        let goes_on = alerts && memory.note_alert(now.date) && standing;
        self.judge_week(now, alerts, memory, findings);
        if !frame.known && !self.is_passing(now.date, memory) {
            memory.learnt.learn(weekday, value, goes_on);
        }
    }

    /// Changes how numbers are measured when the first fraction or negative number shows that it must.
    fn meet(&self, at: usize, value: f64, memory: &mut Memory) {
        if value.fract() != 0.0 && matches!(self.metric.shape, Shape::Sql { .. }) {
            memory.learnt.are_no_counts();
        }
        if value < 0.0 && memory.learnt.scale() == Scale::Ratio {
            let mut anew = memory.learnt.anew(Scale::Difference);
            for (frame, number) in self.frames[..at].iter().zip(self.numbers) {
                if let Ok(value) = number
                    && !frame.partial
                    && !frame.known
                {
                    anew.learn(frame.date.weekday(), *value, false);
                }
            }
            memory.learnt = anew;
            memory.levels.go_below_zero();
            memory.incident = None;
            memory.weeks = Weeks::new();
        }
    }

    /// Fills missing days of the week with what was expected of them.
    fn bridge(&self, date: NaiveDate, memory: &mut Memory) {
        let last = memory.last.replace(date);
        let gap = last.map(|last| (last, (date - last).num_days()));
        let Some((last, days)) = gap.filter(|(_, days)| *days > 1) else {
            return;
        };
        if days > LONGEST_GAP {
            memory.weeks.restart();
            return;
        }
        for missing in last.iter_days().skip(1).take_while(|day| *day < date) {
            match memory.learnt.ordinary(missing.weekday()) {
                Some(usual) => memory.weeks.pass(usual.forecast),
                None => memory.weeks.restart(),
            }
        }
    }

    fn learning_until(&self, now: Now, memory: &Memory) -> Option<NaiveDate> {
        let missing = memory.learnt.missing(now.date.weekday());
        let is_judged = self.thresholds.judge == Judge::Usual && !self.is_list();
        (is_judged && missing > 0).then(|| now.date + Days::new(7 * missing as u64))
    }

    fn judge_limits(&self, now: Now, memory: &mut Memory, findings: Option<&mut Findings>) {
        let rules = &self.metric.alert;
        if rules.warning.is_none() && rules.critical.is_none() {
            return;
        }
        let verdict = threshold::by_limits(
            |severity| alert::limit_of(self.metric, severity),
            now.value,
            &self.metric.unit,
        );
        let step = memory.absolute.advance(verdict, now.date);
        if let (Some(step), Some(findings)) = (step, findings)
            && let Some(limit) = alert::limit_of(self.metric, step.severity)
        {
            let alert = alert::alert(&step, self.metric, now.value, Rule::Absolute(limit));
            findings.alerts.push(alert);
        }
    }

    /// Judges the changes; returns whether one of them alerts.
    fn judge_changes(
        &self,
        now: Now,
        memory: &mut Memory,
        findings: Option<&mut Findings>,
    ) -> bool {
        if findings.is_none() && !self.may_alert(now, memory) {
            return false;
        }
        let usual = match &findings {
            Some(findings) => findings.usual,
            None => memory.learnt.usual(now.date.weekday()),
        };
        let mut standing = false;
        let mut changes = Vec::new();
        let mut alerts = Vec::new();
        for span in self.spans() {
            let mut change = self.change(now.at, span);
            let verdict = self.judge_change(now, span, &mut change, usual, memory);
            let step = memory.changes[span].advance(verdict, now.date);
            if let Some(step) = step.filter(|step| self.is_reported(step)) {
                standing |= !step.is_recovery();
                mark_severity(&mut change, &step, &memory.levels);
                let is_reported = !self.is_part || step.is_fall();
                if let Some(rule) = Rule::from_change(&change).filter(|_| is_reported) {
                    alerts.push(alert::alert(&step, self.metric, now.value, rule));
                }
            }
            changes.push(change);
        }
        // A known day neither continues nor ends an incident.
        if !self.frames[now.at].known && follow(now, standing, usual, memory) {
            for alert in &mut alerts {
                alert.settled = alert.state == State::Recovered;
            }
        }
        if let Some(findings) = findings {
            findings.changes = changes;
            findings.alerts.append(&mut alerts);
        }
        standing
    }

    /// Whether a change could begin an alert, or an alert is active. On all other days only the number is remembered.
    fn may_alert(&self, now: Now, memory: &Memory) -> bool {
        if self.is_list() {
            return false;
        }
        if memory.changes.iter().any(Lifecycle::is_raised) {
            return true;
        }
        let surely_holds = |usual: Usual| usual.surely_holds(now.value);
        let is_calm = now.ordinary.is_some_and(surely_holds);
        let is_near = |then| memory.levels.is_near(then, now.value);
        let near = |span| self.then(now.at, span).is_ok_and(is_near);
        (self.thresholds.judge == Judge::Thresholds || !is_calm) && self.spans().any(near)
    }

    /// The places in [`SPANS`]: none for a distribution.
    fn spans(&self) -> impl Iterator<Item = usize> + use<> {
        let count = if self.is_list() { 0 } else { SPANS.len() };
        0..count
    }

    fn change(&self, at: usize, span: usize) -> Change {
        let (date, _) = self.frames[at].compared[span];
        let (then, now) = (self.then(at, span), self.numbers[at]);
        Change::between(SPANS[span], date, then, now, self.metric.good)
    }

    fn then(&self, at: usize, span: usize) -> Result<f64, Gap> {
        let (_, stored) = self.frames[at].compared[span];
        stored.map_or(Err(Gap::NoData), |at| self.numbers[at])
    }

    /// The verdict on a change. Marks a large change that does not alert with the reason.
    fn judge_change(
        &self,
        now: Now,
        span: usize,
        change: &mut Change,
        usual: Option<Usual>,
        memory: &Memory,
    ) -> Verdict {
        let (Some(previous), Outcome::Compared(difference)) =
            (change.previous, &mut change.outcome)
        else {
            return Verdict::Unjudged;
        };
        if change.days == SHOWN_ONLY {
            return Verdict::Unjudged;
        }
        let levels = &memory.levels;
        let entered = levels.entered(previous, difference);
        let (date, stored) = self.frames[now.at].compared[span];
        let then = stored.map(|stored| &self.frames[stored]);
        let judged = || Verdict::Judged {
            entered,
            held: levels.held(previous, difference),
            direction: difference.direction,
        };
        let quiet = || Verdict::quiet(difference.direction);
        let (verdict, suppression) = if then.is_some_and(|then| then.partial) {
            (Verdict::Unjudged, Some(Suppression::OpenDay))
        } else if self.frames[now.at].known || then.is_some_and(|then| then.known) {
            (Verdict::Unjudged, Some(Suppression::KnownDay))
        } else if self.thresholds.judge == Judge::Thresholds {
            (judged(), None)
        } else if self.covered_by_day {
            (quiet(), Some(Suppression::CoveredByDay))
        } else if let Some(usual) = usual {
            match (usual.broken_by(now.value), difference.direction) {
                (Some((direction, _)), moved) if direction == moved => (judged(), None),
                (None, _) if memory.alerted.contains(&date) => (quiet(), Some(Suppression::Echo)),
                (None, _) => (quiet(), Some(Suppression::Usual)),
                (Some(_), _) => (quiet(), None),
            }
        } else {
            let far = levels
                .far(previous, difference)
                .filter(|_| self.is_fair(now.at, span));
            let learning = far.is_none().then_some(Suppression::Learning);
            (Verdict::plain(far, difference.direction), learning)
        };
        difference.suppression = suppression.filter(|_| entered.is_some());
        verdict
    }

    /// While the weekdays' rhythm is unknown, only the same weekday is a fair comparison; in the first week, the day
    /// before.
    fn is_fair(&self, at: usize, span: usize) -> bool {
        let week = SPANS.iter().position(|days| *days == SAME_WEEKDAY);
        let has_week = week.is_some_and(|week| self.then(at, week).is_ok());
        SPANS[span] == SAME_WEEKDAY || SPANS[span] == 1 && !has_week
    }

    /// A window of several days reports an incident when it enters the window, not while it stays or leaves.
    fn is_reported(&self, step: &Step<NaiveDate>) -> bool {
        self.window == 1 || self.thresholds.judge == Judge::Thresholds || step.is_new()
    }

    /// Whether an incident is passing through a window of several days, which then says nothing of what is usual.
    fn is_passing(&self, date: NaiveDate, memory: &Memory) -> bool {
        let raised = memory.changes.iter().filter_map(Lifecycle::since);
        let days = raised.map(|since| (date - since).num_days()).max();
        self.window > 1 && days.is_some_and(|days| days <= i64::from(self.window))
    }

    /// Judges a fall to zero, a long constant, and its end; returns whether the metric is zero.
    fn judge_runs(
        &self,
        now: Now,
        alerts: bool,
        memory: &mut Memory,
        mut findings: Option<&mut Findings>,
    ) -> bool {
        let (run, broken) = memory.runs.add(now.value, now.date);
        if self.thresholds.judge == Judge::Thresholds || self.covered_by_day || self.is_list() {
            return false;
        }
        let zero = Verdict::plain(self.zero(run, memory), Direction::Down);
        let step = memory.zero.advance(zero, now.date);
        let fell = step.as_ref().is_some_and(|step| !step.is_recovery());
        let mut add = |step: Step<NaiveDate>, rule: Rule| {
            if let Some(findings) = &mut findings {
                findings.alerts.push(Alert {
                    settled: step.is_recovery() && run.days > LEARNT_AFTER,
                    ..alert::alert(&step, self.metric, now.value, rule)
                });
            }
        };
        if let Some(step) = step {
            add(step, Rule::Zero(run.days));
        }
        let flat = Verdict::plain(self.flat(run, memory), Direction::Unchanged);
        if let Some(step) = memory.flat.advance(flat, now.date) {
            add(step, Rule::Flat(run.days));
        }
        let broken = broken.filter(|_| !alerts && !self.frames[now.at].known);
        let stirred = broken.and_then(|broken| self.stirred(now, broken, memory));
        if let Some((rule, direction)) = stirred {
            let verdict = Verdict::plain(Some(Severity::Warning), direction);
            if let Some(step) = Lifecycle::default().advance(verdict, now.date) {
                add(step, rule);
            }
        }
        fell
    }

    fn zero(&self, run: Run, memory: &Memory) -> Option<Severity> {
        let is_nothing = run.value == 0.0 && memory.learnt.scale() == Scale::Ratio;
        if !is_nothing || !memory.levels.watches(Direction::Down) {
            return None;
        }
        let before = run.before?;
        let longest = memory.runs.longest(|run| run.value == 0.0);
        let is_new = longest < run.days && run.days <= longest + LEARNT_AFTER;
        let levels = &memory.levels;
        let is_large = match self.is_part {
            true => before >= levels.min_base(),
            false => memory.runs.counted() > ALWAYS || levels.is_noteworthy(before),
        };
        (is_new && is_large).then_some(Severity::Critical)
    }

    fn flat(&self, run: Run, memory: &Memory) -> Option<Severity> {
        let is_nothing = run.value == 0.0 && memory.learnt.scale() == Scale::Ratio;
        let is_flat = (FLAT..FLAT + LEARNT_AFTER).contains(&run.days) && !is_nothing;
        let is_watched =
            memory.levels.watches(Direction::Up) || memory.levels.watches(Direction::Down);
        let is_new = is_flat
            && is_watched
            && memory.runs.counted() >= run.days + ALWAYS
            && memory.runs.longest(|_| true) < FLAT / 2;
        is_new.then_some(Severity::Warning)
    }

    fn stirred(&self, now: Now, broken: Run, memory: &Memory) -> Option<(Rule, Direction)> {
        let difference = Difference::between(broken.value, now.value, self.metric.good);
        let is_first = broken.days >= ALWAYS && memory.runs.longest(|_| true) <= broken.days;
        let rule = Rule::Stirred {
            before: broken.value,
            days: broken.days,
        };
        let levels = &memory.levels;
        let is_large = match self.is_part {
            true => {
                let appears = broken.value == 0.0 && levels.watches(difference.direction);
                appears && now.value >= levels.min_base()
            }
            false => levels.is_noteworthy_change(&difference),
        };
        (is_first && is_large).then_some((rule, difference.direction))
    }

    fn judge_week(
        &self,
        now: Now,
        alerts: bool,
        memory: &mut Memory,
        findings: Option<&mut Findings>,
    ) {
        let known = self.frames[now.at].known;
        let value = Some(now.value).filter(|_| !known);
        let is_counted_as_expected = alerts || self.is_passing(now.date, memory);
        let Some(counts_for) = counts_for(value, now.ordinary, is_counted_as_expected) else {
            memory.weeks.restart();
            return;
        };
        let scale = memory.learnt.scale();
        let deviation = memory.learnt.deviation();
        let slide = memory
            .weeks
            .add(counts_for, scale, deviation, &memory.levels);
        let is_judged = self.thresholds.judge == Judge::Usual && !self.covered_by_day;
        let (Some(slide), Some(findings)) = (slide.filter(|_| is_judged && !alerts), findings)
        else {
            return;
        };
        let verdict = Verdict::plain(Some(slide.severity), slide.direction);
        if let Some(step) = Lifecycle::default().advance(verdict, now.date) {
            let alert = alert::alert(&step, self.metric, now.value, Rule::Week(slide.week));
            findings.alerts.push(alert);
        }
    }
}

/// Follows an incident; returns whether it has ended because its level has become usual.
fn follow(now: Now, standing: bool, usual: Option<Usual>, memory: &mut Memory) -> bool {
    if standing {
        let side = usual.and_then(|usual| usual.broken_by(now.value));
        memory.incident = memory.incident.or(side.map(|(direction, _)| Incident {
            since: now.date,
            direction,
            level: memory.learnt.level(),
        }));
        return false;
    }
    let Some(incident) = memory.incident.take() else {
        return false;
    };
    let before = memory.learnt.usual_on(incident.level, now.date.weekday());
    let side = before.and_then(|before| before.broken_by(now.value));
    let has_lasted = (now.date - incident.since).num_days() >= LEAST_LEVEL;
    let has_settled =
        has_lasted && side.is_some_and(|(direction, _)| direction == incident.direction);
    if has_settled {
        memory.weeks.restart();
        memory.learnt.settle(incident.since, now.date);
    }
    has_settled
}

/// Gives the change the severity of its alert.
fn mark_severity(change: &mut Change, step: &Step<NaiveDate>, levels: &Levels) {
    let previous = change.previous;
    if let (false, Some(previous), Outcome::Compared(difference)) =
        (step.is_recovery(), previous, &mut change.outcome)
    {
        difference.severity = Some(step.severity);
        difference.suppression = None;
        let until_below = levels.left_below(step.severity, previous);
        let held = until_below.map(|until_below| Held {
            since: step.severe_since,
            until_below,
        });
        difference.held = held.filter(|_| step.is_held);
    }
}
