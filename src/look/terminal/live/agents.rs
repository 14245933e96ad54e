//! The agents' dashboard: summary, agents, queue, resources and trends.

use chrono::{DateTime, Utc};

use crate::live::compat::agents_dashboard::{Agent, AgentsDashboard, Gauge, Gauges};
use crate::live::now::KindNow;

use super::super::chart::{bar, counts};
use super::numbers::{Format, or_nothing};
use super::parts::{Ink, Line, columns};

/// From this width two sections stand beside each other.
const WIDE: usize = 80;
const CELL: usize = 20;
const LABEL: usize = 12;
const NO_DATA: &str = "no data";
const BAR: usize = 10;

pub(super) fn lines(
    dashboard: &AgentsDashboard,
    task: &KindNow,
    day_start: DateTime<Utc>,
    format: Format,
    width: usize,
) -> Vec<Line> {
    let mut lines = summary(dashboard, format, width);
    lines.extend(agents(dashboard, format, width));
    let (queue, resources) = (
        queue(&dashboard.gauges, format),
        resources(dashboard, format),
    );
    lines.extend(pair(queue, resources, width));
    lines.extend(trends(task, day_start, format, width));
    lines
}

/// Beside each other where there is room.
fn pair(left: Vec<Line>, right: Vec<Line>, width: usize) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    if width >= WIDE {
        lines.extend(columns(left, right, width));
    } else {
        lines.extend(left);
        if !right.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(right);
    }
    lines
}

/// A number with what its colour says.
type Figure = (&'static str, String, Ink);

fn judged(
    number: Option<f64>,
    text: impl Fn(f64) -> String,
    ink: impl Fn(f64) -> Ink,
) -> (String, Ink) {
    (or_nothing(number, text), number.map_or(Ink::Plain, ink))
}

fn summary(dashboard: &AgentsDashboard, format: Format, width: usize) -> Vec<Line> {
    let (success, success_ink) = judged(
        dashboard.success_pct,
        |number| format.percent(number),
        |pct| Ink::at_least(pct, 95.0, 90.0),
    );
    let (p99, p99_ink) = judged(
        dashboard.p99,
        |number| format.milliseconds(number),
        |p99| Ink::at_most(p99, 1000.0, 3000.0),
    );
    let each = (dashboard.tasks > 0).then(|| dashboard.tokens / dashboard.tasks as f64);
    let plain = |label, text| (label, text, Ink::Plain);
    let figures: [Figure; 8] = [
        plain("Tasks", format.whole(dashboard.tasks as f64)),
        ("Success", success, success_ink),
        plain(
            "Average",
            or_nothing(dashboard.avg, |number| format.milliseconds(number)),
        ),
        plain(
            "p95",
            or_nothing(dashboard.p95, |number| format.milliseconds(number)),
        ),
        ("p99", p99, p99_ink),
        plain("Tokens", format.whole(dashboard.tokens)),
        plain("A task", or_nothing(each, |number| format.whole(number))),
        plain("Agents", format.whole(dashboard.agents as f64)),
    ];
    let a_line = (width / CELL).clamp(1, 4);
    let room = width / a_line;
    let mut lines = vec![
        Line::default(),
        Line::heading("Summary").with(" · last 5 minutes", Ink::Muted),
    ];
    for figures in figures.chunks(a_line) {
        let cells = figures.iter().map(|(label, text, ink)| {
            let cell = Line::of("  ").left(label, 7, Ink::Plain);
            cell.marked(text, CELL - 9, *ink).padded(room)
        });
        lines.push(cells.fold(Line::default(), Line::beside));
    }
    lines
}

fn agents(dashboard: &AgentsDashboard, format: Format, width: usize) -> Vec<Line> {
    let half = if width >= WIDE { width / 2 } else { width };
    if dashboard.fastest.is_empty() {
        return vec![
            Line::default(),
            Line::heading("Agents"),
            Line::default().with("  no tasks", Ink::Muted),
        ];
    }
    let fastest = ranking("Fastest agents", &dashboard.fastest, format, half);
    let slowest = match dashboard.slowest.as_slice() {
        [] => Vec::new(),
        slowest => ranking("Slowest agents", slowest, format, half),
    };
    pair(fastest, slowest, width)
}

fn ranking(title: &str, agents: &[Agent], format: Format, width: usize) -> Vec<Line> {
    let (tasks, average, success) = (6, 9, 11);
    let name = width.saturating_sub(2 + tasks + average + success);
    let head = Line::default()
        .left(title, name + 2, Ink::Heading)
        .right("tasks", tasks, Ink::Muted)
        .right("average", average, Ink::Muted)
        .right("success", success - 3, Ink::Muted);
    let row = |agent: &Agent| {
        let (rate, ink) = judged(
            agent.success_pct,
            |number| format.percent(number),
            |pct| Ink::at_least(pct, 90.0, 80.0),
        );
        Line::of("  ")
            .left(&agent.id, name, Ink::Plain)
            .right(&format.whole(agent.tasks as f64), tasks, Ink::Plain)
            .right(
                &or_nothing(agent.avg, |number| format.milliseconds(number)),
                average,
                Ink::Plain,
            )
            .marked(&rate, success, ink)
    };
    std::iter::once(head)
        .chain(agents.iter().map(row))
        .collect()
}

fn labelled(label: &str) -> Line {
    Line::of("  ").left(label, LABEL, Ink::Plain)
}

/// A gauge of which nothing is known says so.
fn gauged(label: &str, number: Option<f64>, text: impl Fn(f64, Line) -> Line) -> Line {
    match number {
        Some(number) => text(number, labelled(label)),
        None => labelled(label).with(NO_DATA, Ink::Muted),
    }
}

fn queue(gauges: &Gauges, format: Format) -> Vec<Line> {
    let waiting = |label, gauge| {
        gauged(label, gauges.get(gauge), |number, line| {
            let ink = Ink::at_most(number, 20.0, 50.0);
            let text = format!("{} {}", format.whole(number), ink.mark());
            line.with(text.trim_end(), ink)
        })
    };
    let priorities = [
        ("critical", Gauge::QueueCritical),
        ("high", Gauge::QueueHigh),
        ("medium", Gauge::QueueMedium),
        ("low", Gauge::QueueLow),
    ];
    let known = priorities.iter().filter_map(|(word, gauge)| {
        let number = gauges.get(*gauge)?;
        Some(format!("{} {word}", format.whole(number)))
    });
    let known: Vec<String> = known.collect();
    let by_priority = match known.is_empty() {
        true => labelled("Priority").with(NO_DATA, Ink::Muted),
        false => labelled("Priority").with(&known.join(", "), Ink::Plain),
    };
    vec![
        Line::heading("Queue"),
        waiting("Pending", Gauge::QueuePending),
        waiting("Backlog", Gauge::QueueBacklog),
        by_priority,
    ]
}

fn resources(dashboard: &AgentsDashboard, format: Format) -> Vec<Line> {
    let gauges = &dashboard.gauges;
    let budget = gauges
        .get(Gauge::TokenBudget)
        .filter(|budget| *budget > 0.0);
    let tokens = match budget {
        None => labelled("Tokens")
            .with(&format.whole(dashboard.tokens), Ink::Plain)
            .with(", no budget known", Ink::Muted),
        Some(budget) => {
            let share = 100.0 * dashboard.tokens / budget;
            let ink = Ink::at_most(share, 60.0, 80.0);
            let used = format!(
                "{} % of {} {}",
                format.whole(share),
                format.whole(budget),
                ink.mark()
            );
            labelled("Tokens")
                .left(&bar(share / 100.0, BAR), BAR + 1, ink)
                .with(used.trim_end(), ink)
        }
    };
    let active = gauges
        .get(Gauge::AgentsActive)
        .unwrap_or(dashboard.agents as f64);
    let agents = match gauges.get(Gauge::AgentQuota) {
        Some(quota) => labelled("Agents").with(
            &format!("{} of {}", format.whole(active), format.whole(quota)),
            Ink::Plain,
        ),
        None => labelled("Agents")
            .with(&format.whole(active), Ink::Plain)
            .with(", no quota known", Ink::Muted),
    };
    let memory = gauged("Memory", gauges.get(Gauge::MemoryBytes), |number, line| {
        line.with(&format.bytes(number), Ink::Plain)
    });
    vec![Line::heading("Resources"), tokens, agents, memory]
}

fn trends(task: &KindNow, day_start: DateTime<Utc>, format: Format, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(2 + LABEL + 16).max(1);
    let trend = |label: &str, of: &[u64]| {
        let tasks = format!(" {} tasks", format.whole(of.iter().sum::<u64>() as f64));
        labelled(label)
            .with(&counts(of, room), Ink::Good)
            .with(&tasks, Ink::Plain)
    };
    vec![
        Line::default(),
        Line::heading("Trends"),
        trend("Last hour", &task.minutes),
        trend(&format!("Since {}", format.clock(day_start)), &task.hours),
    ]
}
