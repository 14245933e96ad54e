//! The rules replayed the slow way, in whole numbers: nothing of the program's own judging is used.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

/// What the rules of the one metric are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Per cent, 0 for never.
    pub(super) warning: i64,
    pub(super) critical: i64,
    pub(super) min_base: i64,
    pub(super) min_change: i64,
    pub(super) falls: bool,
    pub(super) rises: bool,
    /// Over this is critical.
    pub(super) limit: Option<i64>,
    /// Which direction is welcome: 1, −1 or neither.
    pub(super) good: i64,
}

/// A stored day; open ones and days without a number are there all the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) value: Option<i64>,
    pub(super) open: bool,
}

pub(super) struct World<'a> {
    pub(super) rules: Rules,
    pub(super) days: &'a BTreeMap<NaiveDate, Stored>,
    pub(super) known: &'a dyn Fn(NaiveDate) -> bool,
    pub(super) muted: &'a dyn Fn(NaiveDate) -> bool,
}

/// `2025-03-04 7 warning new`, with `welcome` and `muted` behind; rule 0 is the limit.
pub(super) type Line = String;

#[derive(Default)]
pub(super) struct Replay {
    pub(super) standing: Vec<(NaiveDate, u64, Line)>,
    pub(super) known: Vec<(NaiveDate, u64)>,
}

/// 0 none, 1 warning, 2 critical.
type Level = u8;

#[derive(Clone, Copy)]
struct Raised {
    level: Level,
    way: i64,
}

enum Verdict {
    Nothing,
    /// Entered, held, and the way it went.
    Of(Level, Level, i64),
}

pub(super) fn replay(world: &World<'_>) -> Replay {
    let mut replay = Replay::default();
    let mut raised: BTreeMap<u64, Raised> = BTreeMap::new();
    for (date, stored) in world.days {
        let (Some(value), false) = (stored.value, stored.open) else {
            continue;
        };
        for rule in [0, 1, 7, 30] {
            let verdict = match rule {
                0 => by_limit(world.rules.limit, value),
                _ => by_change(world, (*date, rule, value), &mut replay),
            };
            let Verdict::Of(entered, held, way) = verdict else {
                continue;
            };
            let before = raised.remove(&rule).filter(|before| before.way == way);
            let kept = before.map_or(0, |before| before.level.min(held));
            let level = entered.max(kept);
            if level == 0 {
                continue;
            }
            raised.insert(rule, Raised { level, way });
            let state = match before {
                None => "new",
                Some(before) if level > before.level => "worse",
                Some(_) => "ongoing",
            };
            let severity = if level == 2 { "critical" } else { "warning" };
            let mut line = format!("{date} {rule} {severity} {state}");
            if rule != 0 && way == world.rules.good {
                line.push_str(" welcome");
            }
            if (world.muted)(*date) {
                line.push_str(" muted");
            }
            replay.standing.push((*date, rule, line));
        }
    }
    replay
}

fn then(world: &World<'_>, date: NaiveDate, back: u64) -> Option<Stored> {
    world.days.get(&(date - Days::new(back))).copied()
}

fn by_limit(limit: Option<i64>, value: i64) -> Verdict {
    let Some(limit) = limit else {
        return Verdict::Of(0, 0, 0);
    };
    let entered = if value > limit { 2 } else { 0 };
    let held = if 10 * value > 8 * limit { 2 } else { 0 };
    Verdict::Of(entered, held, 0)
}

fn by_change(
    world: &World<'_>,
    (date, back, value): (NaiveDate, u64, i64),
    replay: &mut Replay,
) -> Verdict {
    let Some(then) = then(world, date, back) else {
        return Verdict::Nothing;
    };
    let Some(previous) = then.value else {
        return Verdict::Nothing;
    };
    let way = (value - previous).signum();
    // Parts of a thousand, so that four fifths of a level are whole.
    let entered = level(&world.rules, previous, value, 1000);
    let held = level(&world.rules, previous, value, 800);
    if then.open {
        return Verdict::Nothing;
    }
    if (world.known)(date) || (world.known)(date - Days::new(back)) {
        if entered > 0 {
            replay.known.push((date, back));
        }
        return Verdict::Nothing;
    }
    Verdict::Of(entered, held, way)
}

fn level(rules: &Rules, previous: i64, value: i64, part: i64) -> Level {
    let size = (value - previous).abs();
    let watched = match (value - previous).signum() {
        1 => rules.rises,
        -1 => rules.falls,
        _ => false,
    };
    let enough = previous.abs() >= rules.min_base && 1000 * size >= part * rules.min_change;
    if !watched || !enough || previous == 0 {
        return 0;
    }
    // size / previous ≥ percent / 100 · part / 1000
    let reaches = |percent: i64| percent > 0 && size * 100_000 >= percent * part * previous.abs();
    match (reaches(rules.critical), reaches(rules.warning)) {
        (true, _) => 2,
        (_, true) => 1,
        _ => 0,
    }
}
