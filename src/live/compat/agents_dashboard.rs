//! What the dashboard of the agent metrics storage shows of tasks: the last five minutes, and what agents say of their queue.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::kinds::{Aggregate, DURATION, Kind, Kinds, Percentile, Summary};

use super::super::question::{AskError, Context, FigureRow, Filter, Look, Wanted};
use super::super::source::Source;

pub const TASK: &str = "task";
const SWARM: &str = "swarm";
const AGENT_ID: &str = "agent_id";
const METRIC_TYPE: &str = "metric_type";
const TOKENS: &str = "tokens_used";
/// Agents that are listed at either end.
const LISTED: usize = 5;
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// A gauge of which nobody has said anything for so long is not known.
const GAUGED: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentsDashboard {
    pub tasks: u64,
    pub success_pct: Option<f64>,
    /// In milliseconds, as all durations.
    pub avg: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub tokens: f64,
    /// Agents with tasks.
    pub agents: usize,
    /// The fastest first. Nobody is in both lists.
    pub fastest: Vec<Agent>,
    pub slowest: Vec<Agent>,
    pub gauges: Gauges,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    pub id: String,
    pub tasks: u64,
    pub avg: Option<f64>,
    pub success_pct: Option<f64>,
}

/// What swarms said last, all of them together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauges(BTreeMap<String, f64>);

/// By their `metric_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    QueuePending,
    QueueBacklog,
    QueueCritical,
    QueueHigh,
    QueueMedium,
    QueueLow,
    TokenBudget,
    AgentQuota,
    AgentsActive,
    MemoryBytes,
}

impl Gauge {
    fn metric_type(self) -> &'static str {
        match self {
            Self::QueuePending => "queue_pending",
            Self::QueueBacklog => "queue_backlog",
            Self::QueueCritical => "queue_critical",
            Self::QueueHigh => "queue_high",
            Self::QueueMedium => "queue_medium",
            Self::QueueLow => "queue_low",
            Self::TokenBudget => "token_budget",
            Self::AgentQuota => "agent_quota",
            Self::AgentsActive => "agents_active",
            Self::MemoryBytes => "memory_bytes",
        }
    }
}

impl Gauges {
    pub fn get(&self, gauge: Gauge) -> Option<f64> {
        self.0.get(gauge.metric_type()).copied()
    }
}

/// `None`: there is no such kind of tasks.
pub async fn agents_dashboard(
    source: impl Into<Source<'_>>,
    kinds: &Kinds,
    context: Context,
) -> Result<Option<AgentsDashboard>, AskError> {
    let Some(task) = kinds.get(TASK).filter(|task| is_task(task)) else {
        return Ok(None);
    };
    let mut source = source.into();
    let mut look = Look::at(source.lend(), task, context).await?;
    let mut dashboard = tasks(&mut look, context).await?;
    let mut agents = agents(&mut look, context).await?;
    dashboard.agents = agents.len();
    let others = agents.split_off(agents.len().min(LISTED));
    dashboard.slowest = others.into_iter().rev().take(LISTED).collect();
    dashboard.fastest = agents;
    if let Some(swarm) = kinds.get(SWARM).filter(|swarm| is_gauge(swarm)) {
        dashboard.gauges = gauges(source, swarm, context).await?;
    }
    Ok(Some(dashboard))
}

/// Kinds may be declared anew.
fn is_task(kind: &Kind) -> bool {
    let values = [DURATION, TOKENS];
    kind.label(AGENT_ID).is_some() && values.iter().all(|name| kind.value(name).is_some())
}

fn is_gauge(kind: &Kind) -> bool {
    kind.label(METRIC_TYPE).is_some() && kind.value("value").is_some()
}

fn wanted<'a>(
    length: TimeDelta,
    filter: &'a Filter,
    figures: &'a [Aggregate],
    by: &'a [String],
    context: Context,
) -> Wanted<'a> {
    let end = context.now.timestamp_micros().saturating_add(1);
    let length = length.num_microseconds().unwrap_or(i64::MAX);
    Wanted {
        window: end.saturating_sub(length)..end,
        filter,
        figures,
        every: None,
        by,
        estimate: false,
    }
}

fn of_duration(summary: Summary) -> Aggregate {
    Aggregate::Of(summary, DURATION.to_owned())
}

async fn tasks(look: &mut Look<'_>, context: Context) -> Result<AgentsDashboard, AskError> {
    let asked = [
        Aggregate::Count,
        Aggregate::SuccessPct,
        of_duration(Summary::Avg),
        of_duration(Summary::Percentile(Percentile::P95)),
        of_duration(Summary::Percentile(Percentile::P99)),
        Aggregate::Of(Summary::Sum, TOKENS.to_owned()),
    ];
    let filter = Filter::default();
    let wanted = wanted(WINDOW, &filter, &asked, &[], context);
    let (rows, _) = look.figures(&wanted).await?;
    let number = |at: usize| rows.first().and_then(|row| row.numbers[at]);
    Ok(AgentsDashboard {
        tasks: number(0).unwrap_or_default() as u64,
        success_pct: number(1),
        avg: number(2),
        p95: number(3),
        p99: number(4),
        tokens: number(5).unwrap_or_default(),
        ..AgentsDashboard::default()
    })
}

/// The fastest first.
async fn agents(look: &mut Look<'_>, context: Context) -> Result<Vec<Agent>, AskError> {
    let asked = [
        Aggregate::Count,
        of_duration(Summary::Avg),
        Aggregate::SuccessPct,
    ];
    let by = [AGENT_ID.to_owned()];
    let filter = Filter::default();
    let wanted = wanted(WINDOW, &filter, &asked, &by, context);
    let (rows, _) = look.figures(&wanted).await?;
    let agent = |row: FigureRow| Agent {
        id: row.words.into_iter().next().unwrap_or_default(),
        tasks: row.numbers[0].unwrap_or_default() as u64,
        avg: row.numbers[1],
        success_pct: row.numbers[2],
    };
    let mut agents: Vec<Agent> = rows.into_iter().map(agent).collect();
    let speed = |agent: &Agent| agent.avg.unwrap_or(f64::INFINITY);
    agents.sort_by(|one, other| {
        let by_speed = speed(one).total_cmp(&speed(other));
        by_speed.then_with(|| one.id.cmp(&other.id))
    });
    Ok(agents)
}

/// The newest of each swarm, added up.
async fn gauges(source: Source<'_>, swarm: &Kind, context: Context) -> Result<Gauges, AskError> {
    let asked = [Aggregate::Of(Summary::Last, "value".to_owned())];
    let mut by = vec![METRIC_TYPE.to_owned()];
    by.extend(swarm.label("swarm_id").map(|_| "swarm_id".to_owned()));
    let filter = Filter::default();
    let wanted = wanted(GAUGED, &filter, &asked, &by, context);
    let mut gauges = BTreeMap::new();
    let mut look = Look::at(source, swarm, context).await?;
    for row in look.figures(&wanted).await?.0 {
        if let (Some(name), Some(number)) = (row.words.first(), row.numbers[0]) {
            *gauges.entry(name.clone()).or_default() += number;
        }
    }
    Ok(Gauges(gauges))
}
