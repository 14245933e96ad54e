//! How the server itself is: series for Prometheus, and gauges of the kind `system` where that is declared.

use std::fs;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rustix::time::{ClockId, clock_gettime};

use crate::live::batch::Batch;
use crate::live::event::Event;
use crate::live::question::{self, Filter};
use crate::live::store::StoreError;
use crate::text::exposition::{Form, counter, family, line};

use super::Api;

/// How often the gauges are recorded.
const EVERY: Duration = Duration::from_secs(60);
const KIND: &str = "system";
const SESSIONS: &str = "session";

#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pub at: Instant,
    /// Bytes of it that are in memory, where the system tells.
    pub memory: Option<u64>,
    /// Seconds that processors have worked for it.
    pub cpu: f64,
}

impl Process {
    pub(super) fn now() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            at: Instant::now(),
            memory: memory(),
            cpu: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
        }
    }
}

fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// As Prometheus names them for every program.
pub(super) fn series(out: &mut String) {
    let process = Process::now();
    if let Some(memory) = process.memory {
        let name = "process_resident_memory_bytes";
        family(
            out,
            name,
            "Bytes of the server that are in memory.",
            Form::Prometheus,
        );
        line(out, name, "", memory);
    }
    let name = "process_cpu_seconds_total";
    counter(
        out,
        name,
        "Seconds that processors have worked for the server.",
    );
    line(out, name, "", process.cpu);
}

impl Api {
    /// Records the gauges if it is time to; the processor's is that of the time since they were recorded last.
    pub(super) async fn record_health(&self, recorded: &mut Option<Process>) -> Result<(), String> {
        let is_due = recorded.is_none_or(|last| last.at.elapsed() >= EVERY);
        if !is_due || !self.recorder.kinds().contains_key(KIND) {
            return Ok(());
        }
        let (now, last) = (Process::now(), recorded.unwrap_or(self.begun));
        let span = now.at - last.at;
        let sessions = self.sessions().await.map_err(|error| error.to_string())?;
        let busy = 100.0 * (now.cpu - last.cpu) / span.as_secs_f64();
        let (waiting, _) = self.recorder.waiting();
        let gauges = [
            ("daybook_memory_bytes", now.memory.map(|bytes| bytes as f64)),
            ("daybook_cpu_percent", Some(busy)),
            ("daybook_queue_length", Some(waiting as f64)),
            (
                "daybook_active_sessions",
                sessions.map(|count| count as f64),
            ),
            (
                "daybook_uptime_seconds",
                Some(self.begun.at.elapsed().as_secs_f64()),
            ),
        ];
        let mut batch = Batch::default();
        for (place, (name, value)) in (1..).zip(gauges) {
            if let Some(value) = value {
                let event = Event::new(KIND)
                    .label("metric_type", name)
                    .value("value", value);
                batch.add(place, &event, self.recorder.kinds(), self.recorder.now());
            }
        }
        if let Some(refused) = batch.reply().rejected.first() {
            let (field, error) = (&refused.field, &refused.error);
            return Err(format!(
                "this server's own numbers do not fit the kind `{KIND}`: {field}: {error}"
            ));
        }
        *recorded = Some(now);
        let sent = self.recorder.send(batch).await;
        sent.map(drop).map_err(|error| error.to_string())
    }

    /// Sessions that were opened in the last hour.
    async fn sessions(&self) -> Result<Option<u64>, StoreError> {
        let Some(kind) = self.recorder.kinds().get(SESSIONS) else {
            return Ok(None);
        };
        let Some(mut store) = self.reader.store().await? else {
            return Ok(Some(0));
        };
        let now = self.recorder.now();
        let hour = (now - TimeDelta::hours(1)).timestamp_micros()..now.timestamp_micros() + 1;
        let count = question::count(&mut *store, kind, hour, &Filter::default()).await?;
        Ok(Some(count))
    }
}
