//! Alerts in words: one sentence each, a list for terminals, JSON for programs.

use crate::text::counted::{counted, one_or_many};
use crate::text::plain;
use chrono::Days;
use serde_json::{Value, json};

use crate::calendar::spoken;
use crate::catalog::Mute;
use crate::report::{
    Difference, Direction, Notice, Report, Rule, RuleKind, Severity, State, Suppression,
};

use super::ink::{self, Ink};
use super::json::judged;
use super::phrases::speech::Scale;
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
        let mut all = json!({
            "key": notice.alert.key,
            "rule": rule(notice.alert.rule.kind()),
            "severity": words::severity(notice.alert.severity),
            "state": words::state(notice.alert.state),
            "day": notice.alert.day,
            "text": sentence(notice),
        });
        if let Some(part) = &notice.alert.part {
            all["part"] = judged::part(part);
        }
        if let Rule::Change { difference, .. } = &notice.alert.rule
            && let Some(held) = &difference.held
        {
            all["held"] = judged::held(held);
        }
        if let Some(mute) = &notice.muted {
            all["muted"] = json!({ "until": mute.until, "because": mute.because });
        }
        all
    };
    report.alerts.iter().map(alert).collect()
}

/// `2 critical, 3 warnings, 1 improvement, 1 muted`
pub fn tally(report: &Report) -> String {
    let (counts, words) = (report.counts, words::english());
    let tally = words::speech().tally(&[
        (words.criticals, counts.critical),
        (words.warnings, counts.warnings),
        (words.welcomes, counts.welcome),
        (words.mutes, report.muted.len()),
    ]);
    match tally.is_empty() {
        true => "none now".to_owned(),
        false => tally.join(", "),
    }
}

/// One sentence for each alert, safe for a terminal.
pub fn lines(report: &Report, look: Look) -> Vec<String> {
    let lines = |notice: &Notice| {
        let alert = &notice.alert;
        let word = match alert.state {
            State::Recovered => "recovered",
            _ if notice.muted.is_some() => words::english().muted,
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
        let text = plain::printable(&format!("{}{welcome}{muted}", sentence(notice)));
        let room = usize::from(look.width).saturating_sub(BEFORE.len());
        let wrapped = wrap::hanging(&text.replace(" %", "\u{a0}%"), room, 0);
        wrapped.into_iter().enumerate().map(move |(at, line)| {
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
    let name = name(notice);
    let clause = match &alert.rule {
        Rule::Absolute(limit) => {
            let shown = limit.in_unit(&notice.unit);
            let distance = match alert.state {
                State::Recovered => format!("clear of the limit {shown}"),
                _ if limit.reached(alert.value) => format!("the limit is {shown}"),
                _ => format!("not yet clear of the limit {shown}"),
            };
            format!("{name} is {}, {distance}", number(notice, alert.value))
        }
        Rule::Change {
            days,
            date,
            previous,
            difference,
        } => format!(
            "{name} {}, from {} on {} ({} before)",
            movement(notice, difference),
            number(notice, *previous),
            spoken(*date),
            words::days(*days),
        ),
        Rule::Week(week) => format!(
            "{name} averaged {} over the last 7 days, vs {} over the 4 weeks before",
            number(notice, number::mean(week.mean)),
            number(notice, number::mean(week.before)),
        ),
        Rule::Zero(days) => format!(
            "{name} has been {} for {}, longest in a year",
            number(notice, 0.0),
            words::days(*days),
        ),
        Rule::Stirred { days, .. } if alert.part.is_some() => format!(
            "{name} appeared with {} after {} without it",
            number(notice, alert.value),
            words::days(*days),
        ),
        Rule::Stirred { before, days } => format!(
            "{name} is {} after {} at {}",
            number(notice, alert.value),
            words::days(*days),
            number(notice, *before),
        ),
        Rule::Flat(days) => format!(
            "{name} has been {} for {}, longer than ever",
            number(notice, alert.value),
            words::days(*days),
        ),
    };
    let sentence = match alert.state {
        State::New => clause,
        State::Ongoing => format!("{clause}; day {}{}", alert.day, why_held(notice)),
        State::Worse => format!("{clause}; worsening, day {}", alert.day),
        State::Recovered => {
            let lasted = words::days(alert.day.saturating_sub(1));
            match alert.settled {
                true => format!("{clause}; settled at a new level after {lasted}"),
                false => format!(
                    "{clause}; recovered after {lasted}{}",
                    why_suppressed(&alert.rule)
                ),
            }
        }
    };
    match alert.part.as_ref().map_or(0, |part| part.left_out) {
        0 => sentence,
        more => {
            let verb = one_or_many(&more, "alerts", "alert");
            format!("{sentence}; {} {verb}", counted(more, "more part"))
        }
    }
}

/// `Orders by state: “paid”`
fn name(notice: &Notice) -> String {
    match &notice.alert.part {
        Some(part) => format!("{}: {}", notice.label, words::speech().part_name(part)),
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

/// Why a large change no longer alerts.
fn why_suppressed(rule: &Rule) -> String {
    match rule {
        Rule::Change {
            days,
            date,
            difference,
            ..
        } if difference.suppression == Some(Suppression::Usual) => {
            let day = *date + Days::new(u64::from(*days));
            format!(": {}", words::speech().usual(day))
        }
        _ => String::new(),
    }
}

fn movement(notice: &Notice, difference: &Difference) -> String {
    let part = notice.alert.part.as_ref();
    let value = match part.is_some_and(|part| part.at_most) {
        true => format!("at most {}", number(notice, notice.alert.value)),
        false => number(notice, notice.alert.value),
    };
    let verb = match difference.direction {
        Direction::Up => "rose",
        Direction::Down => "fell",
        Direction::Unchanged => return format!("is unchanged at {value}"),
    };
    let scale = Scale {
        unit: &notice.unit,
        decimals: notice.decimals,
        in_points: notice.in_points,
    };
    let size = words::moved(difference, scale);
    let size = size.trim_start_matches(['+', '\u{2212}']);
    format!("{verb} by {size} to {value}")
}

fn number(notice: &Notice, value: f64) -> String {
    number::number(value, &notice.unit, notice.decimals, HABIT)
}
