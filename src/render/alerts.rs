//! Alerts in words: one sentence each, a list for terminals, JSON for programs.

use crate::text::counted::{counted, one_or_many};
use crate::text::plain;
use chrono::Days;
use serde_json::{Value, json};

use crate::calendar::spoken;
use crate::catalog::Mute;
use crate::locale::Locale;
use crate::report::{
    Difference, Direction, Notice, Report, Rule, RuleKind, Severity, State, Suppression,
};

use super::ink::{self, Ink};
use super::json::judged;
use super::phrases::Speech;
use super::words::HABIT;
use super::{Look, number, words, wrap};

/// The list of `alerts list`.
pub fn list(report: &Report, look: Look) -> String {
    let title = plain::printable(&words::title(report));
    if report.alerts.is_empty() {
        return format!("{title}\nNo alerts.\n");
    }
    let lines = lines(report, look).join("\n");
    format!("{title}\nAlerts: {}\n{lines}\n", tally(report))
}

pub fn json(report: &Report) -> Value {
    let alert = |notice: &Notice| {
        let mut told = json!({
            "key": notice.alert.key,
            "rule": rule(notice.alert.rule.kind()),
            "severity": words::severity(notice.alert.severity),
            "state": words::state(notice.alert.state),
            "day": notice.alert.day,
            "text": sentence(notice),
        });
        if let Some(part) = &notice.alert.part {
            told["part"] = judged::part(part);
        }
        if let Rule::Change { difference, .. } = &notice.alert.rule
            && let Some(held) = &difference.held
        {
            told["held"] = judged::held(held);
        }
        if let Some(mute) = &notice.muted {
            told["muted"] = json!({ "until": mute.until, "because": mute.because });
        }
        told
    };
    report.alerts.iter().map(alert).collect()
}

/// `2 critical, 3 warnings, 1 improvement, 1 muted`
pub fn tally(report: &Report) -> String {
    let counts = report.counts;
    let mut told = Vec::new();
    if counts.critical > 0 {
        told.push(format!("{} critical", counts.critical));
    }
    if counts.warnings > 0 {
        told.push(counted(counts.warnings, "warning"));
    }
    if counts.welcome > 0 {
        told.push(counted(counts.welcome, "improvement"));
    }
    if !report.muted.is_empty() {
        told.push(format!("{} {}", report.muted.len(), words::MUTED));
    }
    if told.is_empty() {
        told.push("none now".to_owned());
    }
    told.join(", ")
}

/// One sentence for each alert, harmless to a terminal.
pub fn lines(report: &Report, look: Look) -> Vec<String> {
    let lines = |notice: &Notice| {
        let alert = &notice.alert;
        let word = match alert.state {
            State::Recovered => "recovered",
            _ if notice.muted.is_some() => words::MUTED,
            _ => words::severity(alert.severity),
        };
        let ink = match (alert.state, alert.welcome, alert.severity) {
            (State::Recovered, _, _) | (_, true, _) => Ink::Good,
            (_, _, Severity::Critical) => Ink::Critical,
            (_, _, Severity::Warning) => Ink::Warning,
        };
        let color = look.color && notice.muted.is_none();
        let word = format!("  {}  ", ink::colour(&format!("{word:<9}"), ink, color));
        let welcome = if alert.welcome { " (improvement)" } else { "" };
        let stands = alert.state != State::Recovered;
        let muted = notice.muted.as_ref().filter(|_| stands);
        let muted = muted.map(until).unwrap_or_default();
        let said = plain::printable(&format!("{}{welcome}{muted}", sentence(notice)));
        let room = usize::from(look.width).saturating_sub(BEFORE.len());
        let said = wrap::hanging(&said.replace(" %", "\u{a0}%"), room, 0);
        said.into_iter().enumerate().map(move |(at, line)| {
            let before = if at == 0 { &word } else { BEFORE };
            format!("{before}{}", line.replace('\u{a0}', " "))
        })
    };
    report.alerts.iter().flat_map(lines).collect()
}

/// `, muted until Fri 10 Oct 2025: migration of the warehouse`
fn until(mute: &Mute) -> String {
    format!(", muted until {}: {}", spoken(mute.until), mute.because)
}

/// As wide as the longest word before a sentence.
const BEFORE: &str = "             ";

pub fn rule(kind: RuleKind) -> String {
    let word = match kind {
        RuleKind::Change(days) => return words::days(days),
        RuleKind::Absolute => "absolute",
        RuleKind::Week => "week",
        RuleKind::Zero => "zero",
        RuleKind::Stirred => "stirred",
        RuleKind::Flat => "flat",
    };
    word.to_owned()
}

/// `Orders fell by 54 % to 46, from 100 on Thu 2 Oct 2025 (1 day before)`
pub fn sentence(notice: &Notice) -> String {
    let alert = &notice.alert;
    let name = &name(notice);
    let said = match &alert.rule {
        Rule::Absolute(limit) => {
            let said = format!("{} is {}", name, told(notice, alert.value));
            let shown = limit.in_unit(&notice.unit);
            match alert.state {
                State::Recovered => format!("{said}, clear of the limit {shown}"),
                _ if limit.reached(alert.value) => format!("{said}, the limit is {shown}"),
                _ => format!("{said}, not yet clear of the limit {shown}"),
            }
        }
        Rule::Change {
            days,
            date,
            previous,
            difference,
        } => format!(
            "{} {}, from {} on {} ({} before)",
            name,
            movement(notice, difference),
            told(notice, *previous),
            spoken(*date),
            words::days(*days),
        ),
        Rule::Week(week) => format!(
            "{} averaged {} over the last 7 days, vs {} over the 4 weeks before",
            name,
            told(notice, number::mean(week.mean)),
            told(notice, number::mean(week.before)),
        ),
        Rule::Zero(days) => format!(
            "{} has been {} for {}, longest in a year",
            name,
            told(notice, 0.0),
            words::days(*days),
        ),
        Rule::Stirred { days, .. } if alert.part.is_some() => format!(
            "{} appeared with {} after {} without it",
            name,
            told(notice, alert.value),
            words::days(*days),
        ),
        Rule::Stirred { before, days } => format!(
            "{} is {} after {} at {}",
            name,
            told(notice, alert.value),
            words::days(*days),
            told(notice, *before),
        ),
        Rule::Flat(days) => format!(
            "{} has been {} for {}, longer than ever",
            name,
            told(notice, alert.value),
            words::days(*days),
        ),
    };
    let said = match alert.state {
        State::New => said,
        State::Ongoing => format!("{said}; day {}{}", alert.day, why_held(notice)),
        State::Worse => format!("{said}; worsening, day {}", alert.day),
        State::Recovered => {
            let lasted = words::days(alert.day.saturating_sub(1));
            match alert.settled {
                true => format!("{said}; settled at a new level after {lasted}"),
                false => format!("{said}; recovered after {lasted}{}", why_calm(&alert.rule)),
            }
        }
    };
    match alert.part.as_ref().map_or(0, |part| part.left_out) {
        0 => said,
        more => {
            let verb = one_or_many(&more, "alerts", "alert");
            format!("{said}; {} {verb}", counted(more, "more part"))
        }
    }
}

/// `Orders by state: “paid”`
fn name(notice: &Notice) -> String {
    match &notice.alert.part {
        Some(part) => format!(
            "{}: {}",
            notice.label,
            Speech::of(Locale::default()).part_name(part)
        ),
        None => notice.label.clone(),
    }
}

/// `, critical since Thu 2 Oct 2025, not yet below 20 %`
fn why_held(notice: &Notice) -> String {
    let held = match &notice.alert.rule {
        Rule::Change { difference, .. } => difference.held,
        _ => None,
    };
    held.map_or_else(String::new, |held| {
        let level = match notice.in_points {
            true => format!("{} points", number::points(held.until_below, HABIT)),
            false => number::percent(held.until_below, HABIT),
        };
        format!(
            ", {} since {}, not yet below {}",
            words::severity(notice.alert.severity),
            spoken(held.since),
            level.trim_start_matches('+')
        )
    })
}

/// A large change that is no alert any more says why.
fn why_calm(rule: &Rule) -> String {
    match rule {
        Rule::Change {
            days,
            date,
            difference,
            ..
        } if difference.suppression == Some(Suppression::Usual) => {
            let day = *date + Days::new(u64::from(*days));
            format!(": {}", words::usual_for(day))
        }
        _ => String::new(),
    }
}

fn movement(notice: &Notice, difference: &Difference) -> String {
    let part = notice.alert.part.as_ref();
    let value = match part.is_some_and(|part| part.at_most) {
        true => format!("at most {}", told(notice, notice.alert.value)),
        false => told(notice, notice.alert.value),
    };
    let verb = match difference.direction {
        Direction::Up => "rose",
        Direction::Down => "fell",
        Direction::Unchanged => return format!("is unchanged at {value}"),
    };
    let size = match difference.percent {
        _ if notice.in_points => format!("{} points", number::points(difference.change, HABIT)),
        Some(percent) => number::percent(percent, HABIT),
        None => number::change(difference.change, &notice.unit, notice.decimals, HABIT),
    };
    let size = size.trim_start_matches(['+', '\u{2212}']);
    format!("{verb} by {size} to {value}")
}

fn told(notice: &Notice, value: f64) -> String {
    number::number(value, &notice.unit, notice.decimals, HABIT)
}
