//! One metric from day to day: what is usual for it, what a day says against that, and what the day leaves behind.

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

/// The same weekday four weeks ago is shown, but never judged.
const SHOWN_ONLY: u32 = 28;
const SAME_WEEKDAY: u32 = 7;
/// A level that stays for so long has become usual.
const LEARNT_AFTER: u32 = 14;
/// One that stood for fewer days was an incident.
const LEAST_LEVEL: i64 = 5;
/// For so many days the same: from then on it is remarkable, the standing still as well as its end.
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

/// What a day says of the metric, for whoever asked. Of the hundreds of days before it only the memory counts.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) changes: Vec<Change>,
    pub(super) usual: Option<Usual>,
    pub(super) learning_until: Option<NaiveDate>,
    pub(super) alerts: Vec<Alert>,
}

/// What the days before leave behind for a metric.
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
    /// The range that holds without what the metric earned by rare days.
    ordinary: Option<Usual>,
}

impl Memory {
    pub(super) fn new(subject: &Subject<'_>) -> Self {
        Self {
            levels: Levels::of(subject.metric, subject.thresholds),
            learnt: Learnt::of(subject.metric),
            weeks: Weeks::new(),
            runs: Runs::default(),
            absolute: Lifecycle::<NaiveDate>::default(),
            changes: Default::default(),
            zero: Lifecycle::<NaiveDate>::default(),
            flat: Lifecycle::<NaiveDate>::default(),
            alerted: VecDeque::new(),
            incident: None,
            last: None,
        }
    }

    /// Whether the day before alerted too.
    fn note_alert(&mut self, date: NaiveDate) -> bool {
        let goes_on = self.alerted.back().copied() == date.pred_opt();
        while self
            .alerted
            .front()
            .is_some_and(|first| (date - *first).num_days() > 31)
        {
            self.alerted.pop_front();
        }
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

    /// A part of a distribution alerts where it falls, vanishes or appears.
    pub(super) fn of_part(
        metric: &'a Metric,
        catalog: &Catalog,
        frames: &'a [Frame],
        numbers: &'a [Result<f64, Gap>],
    ) -> Self {
        Self {
            is_part: true,
            ..Self::new(metric, catalog, frames, numbers)
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

    /// A number of another sort than all before it changes how all of them are measured.
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

    /// A missing day counts in its week for what was expected of it.
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
            let rule = Rule::Absolute(limit);
            findings
                .alerts
                .push(alert::alert(&step, self.metric, now.value, rule));
        }
    }

    /// Judges the changes; whether an alert stands on one of them.
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
                bear_severity(&mut change, &step, &memory.levels);
                let is_reported = !self.is_part || step.is_fall();
                if let Some(rule) = Rule::of(&change).filter(|_| is_reported) {
                    alerts.push(alert::alert(&step, self.metric, now.value, rule));
                }
            }
            changes.push(change);
        }
        // A known day neither goes on with an incident nor ends it.
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

    /// Whether the day could begin an alert on a change, or meets one that stands. On all other days nothing but the
    /// number itself is remembered.
    fn may_alert(&self, now: Now, memory: &Memory) -> bool {
        if self.is_list() {
            return false;
        }
        if memory.changes.iter().any(Lifecycle::is_raised) {
            return true;
        }
        let is_calm = now
            .ordinary
            .is_some_and(|usual| usual.surely_holds(now.value));
        let levels = &memory.levels;
        let near = |span| {
            self.then(now.at, span)
                .is_ok_and(|then| levels.is_near(then, now.value))
        };
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

    /// What the day says of the change; marks it with why that is nothing although it is large.
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
        let (verdict, suppression) = if then.is_some_and(|then| then.partial) {
            (Verdict::Unjudged, Some(Suppression::OpenDay))
        } else if self.frames[now.at].known || then.is_some_and(|then| then.known) {
            (Verdict::Unjudged, Some(Suppression::KnownDay))
        } else if self.thresholds.judge == Judge::Thresholds {
            (judged(), None)
        } else if self.covered_by_day {
            (
                Verdict::quiet(difference.direction),
                Some(Suppression::CoveredByDay),
            )
        } else if let Some(usual) = usual {
            match (usual.broken_by(now.value), difference.direction) {
                (Some((direction, _)), moved) if direction == moved => (judged(), None),
                (None, _) if memory.alerted.contains(&date) => (
                    Verdict::quiet(difference.direction),
                    Some(Suppression::Echo),
                ),
                (None, _) => (
                    Verdict::quiet(difference.direction),
                    Some(Suppression::Usual),
                ),
                (Some(_), _) => (Verdict::quiet(difference.direction), None),
            }
        } else {
            let far = levels
                .far(previous, difference)
                .filter(|_| self.is_fair(now.at, span));
            let verdict = Verdict::plain(far, difference.direction);
            (
                verdict,
                Some(Suppression::Learning).filter(|_| far.is_none()),
            )
        };
        difference.suppression = suppression.filter(|_| entered.is_some());
        verdict
    }

    /// While a weekday's rhythm is not known, days are compared with the same weekday, in the first week with the
    /// day before.
    fn is_fair(&self, at: usize, span: usize) -> bool {
        let week = SPANS.iter().position(|days| *days == SAME_WEEKDAY);
        let has_week = week.is_some_and(|week| self.then(at, week).is_ok());
        SPANS[span] == SAME_WEEKDAY || SPANS[span] == 1 && !has_week
    }

    /// What several days' window gathers tells of an incident when it enters, not while it stays or leaves.
    fn is_reported(&self, step: &Step<NaiveDate>) -> bool {
        self.window == 1 || self.thresholds.judge == Judge::Thresholds || step.is_new()
    }

    /// An incident passes through a window of several days before the window says anything of what is usual.
    fn is_passing(&self, date: NaiveDate, memory: &Memory) -> bool {
        let raised = memory.changes.iter().filter_map(Lifecycle::since);
        let days = raised.map(|since| (date - since).num_days()).max();
        self.window > 1 && days.is_some_and(|days| days <= i64::from(self.window))
    }

    /// A fall to nothing, a standing still, and the end of one; whether the metric has fallen to nothing.
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
        let zero = self.zero(run, memory);
        let step = memory
            .zero
            .advance(Verdict::plain(zero, Direction::Down), now.date);
        let fell = step.as_ref().is_some_and(|step| !step.is_recovery());
        let mut tell = |step: Step<NaiveDate>, rule: Rule| {
            if let Some(findings) = &mut findings {
                findings.alerts.push(Alert {
                    settled: step.is_recovery() && run.days > LEARNT_AFTER,
                    ..alert::alert(&step, self.metric, now.value, rule)
                });
            }
        };
        if let Some(step) = step {
            tell(step, Rule::Zero(run.days));
        }
        let flat = self.flat(run, memory);
        if let Some(step) = memory
            .flat
            .advance(Verdict::plain(flat, Direction::Unchanged), now.date)
        {
            tell(step, Rule::Flat(run.days));
        }
        let stirred = broken.filter(|_| !alerts && !self.frames[now.at].known);
        if let Some((rule, direction)) =
            stirred.and_then(|broken| self.stirred(now, broken, memory))
        {
            let verdict = Verdict::plain(Some(Severity::Warning), direction);
            if let Some(step) = Lifecycle::<NaiveDate>::default().advance(verdict, now.date) {
                tell(step, rule);
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
        let difference = Difference::of(broken.value, now.value, self.metric.good);
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
        let slide = memory
            .weeks
            .add(counts_for, scale, memory.learnt.deviation(), &memory.levels);
        let is_judged = self.thresholds.judge == Judge::Usual && !self.covered_by_day;
        let (Some(slide), Some(findings)) = (slide.filter(|_| is_judged && !alerts), findings)
        else {
            return;
        };
        let verdict = Verdict::plain(Some(slide.severity), slide.direction);
        if let Some(step) = Lifecycle::<NaiveDate>::default().advance(verdict, now.date) {
            let rule = Rule::Week(slide.week);
            findings
                .alerts
                .push(alert::alert(&step, self.metric, now.value, rule));
        }
    }
}

/// Follows an incident from day to day; whether it is over because its level has become usual.
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

/// A change is as severe as the alert that stands on it, wherever it is shown.
fn bear_severity(change: &mut Change, step: &Step<NaiveDate>, levels: &Levels) {
    let previous = change.previous;
    if let (false, Some(previous), Outcome::Compared(difference)) =
        (step.is_recovery(), previous, &mut change.outcome)
    {
        difference.severity = Some(step.severity);
        difference.suppression = None;
        let until_below = levels.left_below(step.severity, previous);
        difference.held = until_below
            .filter(|_| step.is_held)
            .map(|until_below| Held {
                since: step.severe_since,
                until_below,
            });
    }
}
