//! Task runs as they come in: 50 agents by a Zipf law, durations and tokens with a tail.

use chrono::TimeDelta;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::record::Recorder;

use super::Ids;

pub(super) fn batch(first: usize, size: usize, ids: Ids, recorder: &Recorder) -> Batch {
    let now = recorder.now();
    let mut batch = match ids {
        Ids::Key => Batch::with_key(&format!("batch-{first}")),
        Ids::None | Ids::Each => Batch::default(),
    };
    for at in first..first + size {
        let task = task(at);
        let id = format!("task_{at:09}");
        let mut event = Event::new("task")
            .at(now - TimeDelta::milliseconds((size - (at - first)) as i64))
            .label("task_id", id.as_str())
            .label("agent_id", task.agent)
            .value("duration", task.duration)
            .value("tokens_used", task.tokens)
            .ok(task.ok);
        if ids == Ids::Each {
            event = event.id(id.clone());
        }
        batch.add(at, &event, recorder.kinds(), now);
    }
    batch
}

pub(super) struct Task {
    pub agent: &'static str,
    pub duration: i64,
    pub tokens: i64,
    pub ok: bool,
}

/// The same for the same number, so that all contenders write the same.
pub(super) fn task(number: usize) -> Task {
    let mut hash = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    let chance = |shift: u32| (hash >> shift & 0xffff) as f64 / 65_536.0;
    let rank = (1.0 / (1.0 - chance(0) * 0.98)) as usize;
    Task {
        agent: AGENTS[rank.min(50) - 1],
        duration: (665.0 * (0.9 * (chance(16) + chance(32) - 1.0) * 4.0).exp()) as i64 + 1,
        tokens: 600 + (200.0 * chance(48)) as i64,
        ok: chance(8) < 0.96,
    }
}

const AGENTS: [&str; 50] = [
    "agent_00", "agent_01", "agent_02", "agent_03", "agent_04", "agent_05", "agent_06", "agent_07",
    "agent_08", "agent_09", "agent_10", "agent_11", "agent_12", "agent_13", "agent_14", "agent_15",
    "agent_16", "agent_17", "agent_18", "agent_19", "agent_20", "agent_21", "agent_22", "agent_23",
    "agent_24", "agent_25", "agent_26", "agent_27", "agent_28", "agent_29", "agent_30", "agent_31",
    "agent_32", "agent_33", "agent_34", "agent_35", "agent_36", "agent_37", "agent_38", "agent_39",
    "agent_40", "agent_41", "agent_42", "agent_43", "agent_44", "agent_45", "agent_46", "agent_47",
    "agent_48", "agent_49",
];
