//! Tasks, agents and swarms as the agents' own exporter writes them.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value as Json, json};

use crate::kinds::{DURATION, Kind};

use super::super::columns::{ABSENT, Columns};
use super::super::point::{instant, number};

const TOKENS: &str = "tokens_used";
const NOTHING: &str = "{}";

/// The labels and values of each kind.
const KINDS: [(&str, [&str; 2], &[&str]); 3] = [
    ("task", ["agent_id", "task_id"], &[DURATION, TOKENS]),
    ("agent", ["agent_id", "metric_type"], &["value"]),
    ("swarm", ["metric_type", "swarm_id"], &["value"]),
];

/// Whether they are declared as in the preset, so that nothing of them would be left out.
pub fn are_theirs<'k>(mut kinds: impl Iterator<Item = &'k Kind>) -> bool {
    kinds.all(|kind| {
        let labels = kind.labels.iter().map(|label| label.name.as_str());
        let values = kind.values.iter().map(|value| value.name.as_str());
        let known = KINDS.iter().find(|(name, ..)| *name == kind.name);
        known.is_some_and(|(_, own, numbers)| {
            labels.eq(own.iter().copied()) && values.eq(numbers.iter().copied())
        })
    })
}

#[derive(Serialize)]
struct TaskRow<'p> {
    task_id: &'p str,
    agent_id: &'p str,
    timestamp: i64,
    duration_ms: Option<Number>,
    tokens_used: Option<Number>,
    success: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'p RawValue>,
    timestamp_dt: String,
}

#[derive(Serialize)]
struct MetricRow<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swarm_id: Option<&'p str>,
    timestamp: i64,
    metric_type: &'p str,
    value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'p RawValue>,
    timestamp_dt: String,
}

/// What the rows so far come to.
#[derive(Default)]
pub struct Agents {
    agents: BTreeMap<String, Agent>,
    /// The newest number of each of a swarm's metrics.
    swarms: BTreeMap<String, BTreeMap<String, Option<Number>>>,
}

#[derive(Default)]
struct Agent {
    tasks: Tasks,
    metrics: BTreeMap<String, Option<Number>>,
}

#[derive(Default, Clone, Copy)]
struct Tasks {
    count: u64,
    succeeded: u64,
    timed: u64,
    duration: i64,
    tokens: i64,
}

impl Agents {
    pub fn write(
        &mut self,
        points: &Columns,
        place: usize,
        kind: &str,
        details: bool,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let text = |name: &str| points.label(name).and_then(|texts| texts.get(place));
        let value = |name: &str| number(points.value(name)?, place);
        let at = points.at[place];
        let metadata = points.details.get(place).unwrap_or(NOTHING);
        let metadata = details
            .then(|| serde_json::from_str(metadata))
            .transpose()?;
        if kind == "task" {
            let row = TaskRow {
                task_id: text("task_id").unwrap_or_default(),
                agent_id: text("agent_id").unwrap_or_default(),
                timestamp: at.div_euclid(1_000_000),
                duration_ms: value(DURATION),
                tokens_used: value(TOKENS),
                success: Some(points.ok[place]).filter(|ok| *ok != ABSENT),
                metadata,
                timestamp_dt: instant(at),
            };
            self.add_task(&row);
            return Ok(serde_json::to_writer(out, &row)?);
        }
        let row = MetricRow {
            agent_id: text("agent_id"),
            swarm_id: text("swarm_id"),
            timestamp: at.div_euclid(1_000_000),
            metric_type: text("metric_type").unwrap_or_default(),
            value: value("value"),
            metadata,
            timestamp_dt: instant(at),
        };
        self.add_metric(&row);
        Ok(serde_json::to_writer(out, &row)?)
    }

    fn add_task(&mut self, row: &TaskRow<'_>) {
        let tasks = &mut self
            .agents
            .entry(row.agent_id.to_owned())
            .or_default()
            .tasks;
        let duration = row.duration_ms.as_ref().and_then(Number::as_i64);
        tasks.count += 1;
        tasks.succeeded += u64::from(row.success == Some(1));
        tasks.timed += u64::from(duration.is_some());
        tasks.duration += duration.unwrap_or_default();
        tasks.tokens += row
            .tokens_used
            .as_ref()
            .and_then(Number::as_i64)
            .unwrap_or_default();
    }

    fn add_metric(&mut self, row: &MetricRow<'_>) {
        let metrics = match (row.agent_id, row.swarm_id) {
            (Some(agent), _) => &mut self.agents.entry(agent.to_owned()).or_default().metrics,
            (None, swarm) => {
                let swarm = swarm.unwrap_or_default();
                self.swarms.entry(swarm.to_owned()).or_default()
            }
        };
        metrics.insert(row.metric_type.to_owned(), row.value.clone());
    }

    /// The nine numbers of a summary, with percentiles that were found elsewhere.
    pub fn summary(&self, percentiles: [Option<f64>; 2]) -> Json {
        let with_tasks = self.agents.values().filter(|agent| agent.tasks.count > 0);
        let all = self
            .agents
            .values()
            .fold(Tasks::default(), |sum, agent| Tasks {
                count: sum.count + agent.tasks.count,
                succeeded: sum.succeeded + agent.tasks.succeeded,
                timed: sum.timed + agent.tasks.timed,
                duration: sum.duration + agent.tasks.duration,
                tokens: sum.tokens + agent.tasks.tokens,
            });
        let [p95, p99] = percentiles.map(Option::unwrap_or_default);
        json!({
            "total_tasks": all.count,
            "successful_tasks": all.succeeded,
            "success_rate": ratio(all.succeeded as f64, all.count),
            "avg_duration_ms": ratio(all.duration as f64, all.timed),
            "p95_duration_ms": p95,
            "p99_duration_ms": p99,
            "avg_tokens_per_task": ratio(all.tokens as f64, all.count),
            "total_tokens_used": all.tokens,
            "unique_agents": with_tasks.count(),
        })
    }

    /// Tasks within their agents, and swarms: what their events came to, and their newest numbers.
    pub fn nested(&self) -> Json {
        let agents = self.agents.iter().map(|(id, agent)| {
            let tasks = json!({
                "count": agent.tasks.count,
                "successful": agent.tasks.succeeded,
                "avg_duration_ms": ratio(agent.tasks.duration as f64, agent.tasks.timed),
                "tokens_used": agent.tasks.tokens,
            });
            (
                id.clone(),
                json!({ "tasks": tasks, "metrics": agent.metrics }),
            )
        });
        let swarms = self.swarms.iter();
        let swarms = swarms.map(|(id, metrics)| (id.clone(), json!({ "metrics": metrics })));
        json!({ "agents": agents.collect::<Map<_, _>>(), "swarms": swarms.collect::<Map<_, _>>() })
    }
}

fn ratio(part: f64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}
