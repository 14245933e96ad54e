//! What goes on beside the requests: spans expire, and the state of intake is looked at for those who watch it.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::live::redis::forward::Seen;
use crate::live::store::StoreError;
use crate::text::exposition::{Form, counter, family, labels, line};

use super::Api;
use super::counters::{Counters, Reason};
use super::health::{self, Process};

const EVERY: Duration = Duration::from_secs(2);

/// What the file held when it was last looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    open_spans: u64,
    unsealed: i64,
    /// In seconds.
    oldest_unsealed: f64,
}

impl Api {
    /// Until the server stops.
    pub async fn watch(&self) {
        let mut is_failing = false;
        let mut recorded = None;
        loop {
            // Whoever holds the file up holds up no stop.
            let looked = tokio::select! {
                looked = self.look(&mut recorded) => looked,
                () = self.stop.cancelled() => return,
            };
            if let Err(error) = &looked
                && !is_failing
            {
                tracing::error!("live events: {error}");
            }
            is_failing = looked.is_err();
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn look(&self, recorded: &mut Option<Process>) -> Result<(), String> {
        let expired = self.spans.expire().await;
        let seen = self.sampled().await.map_err(|error| error.to_string())?;
        *self.sample.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        self.record_health(recorded).await?;
        expired.map_err(|error| error.to_string())
    }

    async fn sampled(&self) -> Result<Sample, StoreError> {
        let Some(mut store) = self.reader.store().await? else {
            return Ok(Sample::default());
        };
        let (unsealed, oldest) = store.unsealed().await?;
        let now = self.recorder.now();
        let age = oldest.and_then(DateTime::from_timestamp_micros);
        let age = age.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0));
        Ok(Sample {
            open_spans: store.open_span_count(None).await?,
            unsealed,
            oldest_unsealed: age,
        })
    }

    /// Whether a batch would be taken now.
    pub fn is_ready(&self) -> bool {
        let (waiting, most) = self.recorder.waiting();
        !self.stop.is_cancelled() && !self.recorder.is_failing() && waiting < most
    }

    /// Series for Prometheus.
    pub fn series(&self, prefix: &str) -> String {
        let Sample {
            open_spans,
            unsealed,
            oldest_unsealed,
        } = *self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        let (waiting, most) = self.recorder.waiting();
        let name = |suffix: &str| format!("{prefix}_live_{suffix}");
        let mut out = String::new();
        let gauges = [
            (
                "queue_points",
                "Points that wait to be written.",
                waiting as f64,
            ),
            ("queue_limit", "Points that may wait.", most as f64),
            (
                "unsealed_points",
                "Points that are not sealed yet.",
                unsealed as f64,
            ),
            (
                "oldest_unsealed_seconds",
                "Age of the oldest point that is not sealed yet.",
                oldest_unsealed,
            ),
            (
                "open_spans",
                "Spans that were begun and not ended.",
                open_spans as f64,
            ),
        ];
        for (suffix, help, value) in gauges {
            family(&mut out, &name(suffix), help, Form::Prometheus);
            line(&mut out, &name(suffix), "", value);
        }
        let Counters {
            accepted, rejected, ..
        } = &self.counters;
        for (suffix, help, count) in [
            (
                "events_accepted_total",
                "Events that were accepted.",
                accepted,
            ),
            (
                "events_rejected_total",
                "Events that were refused, but not their neighbours.",
                rejected,
            ),
        ] {
            counter(&mut out, &name(suffix), help);
            line(&mut out, &name(suffix), "", count.get());
        }
        let refused = name("requests_refused_total");
        counter(
            &mut out,
            &refused,
            "Requests of which nothing was kept, by the reason.",
        );
        for reason in Reason::ALL {
            let labels = labels(&[("reason", reason.word())]);
            let count = self.counters.refused(reason).get();
            line(&mut out, &refused, &labels, count);
        }
        if let Some(seen) = &self.forwarding {
            forwarded(&mut out, &name("redis"), &seen.seen(), self.recorder.now());
        }
        health::series(&mut out);
        out
    }

    /// What is to be said of the server where replicas meet: events go on without it.
    pub fn told_of_redis(&self) -> Option<String> {
        let seen = self.forwarding.as_ref()?.seen();
        let is = match seen.is_connected {
            true => "connected",
            false => "away",
        };
        let (points, age) = (seen.backlog.points, seen.age(self.recorder.now()));
        let lost = match seen.lost {
            0 => String::new(),
            lost => format!("; {lost} were given up"),
        };
        Some(format!(
            "redis: {is}, {points} events wait, the oldest for {age:.0} s{lost}"
        ))
    }
}

fn forwarded(out: &mut String, name: &str, seen: &Seen, now: DateTime<Utc>) {
    let gauges = [
        (
            "connected",
            "Whether events are forwarded to Redis.",
            f64::from(u8::from(seen.is_connected)),
        ),
        (
            "waiting_points",
            "Points that wait to be forwarded to Redis.",
            seen.backlog.points as f64,
        ),
        (
            "oldest_waiting_seconds",
            "Age of the oldest point that waits to be forwarded to Redis.",
            seen.age(now),
        ),
    ];
    for (suffix, help, value) in gauges {
        let name = format!("{name}_{suffix}");
        family(out, &name, help, Form::Prometheus);
        line(out, &name, "", value);
    }
    let counts = [
        (
            "batches_total",
            "Batches that were forwarded to Redis.",
            seen.batches,
        ),
        (
            "failed_batches_total",
            "Batches that Redis did not take.",
            seen.failed,
        ),
        (
            "lost_points_total",
            "Points that were given up before Redis had them.",
            seen.lost,
        ),
    ];
    for (suffix, help, count) in counts {
        let name = format!("{name}_{suffix}");
        counter(out, &name, help);
        line(out, &name, "", count);
    }
}
