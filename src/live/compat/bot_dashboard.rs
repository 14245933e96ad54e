//! The dashboard of the bot metrics service, as its readers know it: the same keys, counted right.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value as Json, json};

use crate::kinds::{Aggregate, Kinds};

use super::super::question::{AskError, Context, FigureRow, Filter, Gaps, Look, Wanted, instant};
use super::super::source::Source;

/// Users and administrators that are listed, those with the most first.
const LISTED: usize = 20;
/// A rejected message is very short, short or medium below these lengths.
const LENGTHS: [f64; 3] = [10.0, 50.0, 200.0];
const LENGTH_NAMES: [&str; 4] = ["very_short", "short", "medium", "long"];
/// The reason of messages that passed.
const PASSED: &str = "none";

type Rows = BTreeMap<String, Vec<Option<f64>>>;

/// Counts the events of the last hours. A kind that is not declared has none.
pub async fn dashboard(
    source: impl Into<Source<'_>>,
    kinds: &Kinds,
    labels: &[(String, String)],
    hours: u32,
    context: Context,
) -> Result<Json, AskError> {
    let from = context
        .now
        .checked_sub_signed(TimeDelta::hours(hours.into()));
    let end = context.now.checked_add_signed(TimeDelta::minutes(5));
    let micros =
        |at: Option<DateTime<Utc>>, otherwise| at.map_or(otherwise, |at| at.timestamp_micros());
    let mut counting = Counting {
        source: source.into(),
        kinds,
        labels,
        window: micros(from, i64::MIN)..micros(end, i64::MAX),
        context,
        gaps: BTreeMap::new(),
    };
    let stages = counting.stages().await?;
    let corrections = counting.corrections().await?;
    let filtering = counting.filtering().await?;
    let corrected = corrections.total;
    let alerts = alerts(&stages, corrected, &filtering);
    let now = context.now.with_timezone(&context.zone);
    let mut document = json!({
        "time_period_hours": hours,
        "generated_at": now.to_rfc3339_opts(SecondsFormat::Secs, false),
        "overview": {
            "total_requests": stages.requests,
            "avg_total_processing_time_ms": rounded(part(stages.duration, stages.requests)),
            "overall_success_rate": rounded(stages.success),
            "total_corrections": corrected,
            "total_messages_filtered": filtering.total,
            "filtering_pass_rate": rounded(filtering.pass_rate()),
            "filtering_rejection_rate": rounded(filtering.rejection_rate()),
            "stage_rows": stages.rows,
            "correction_rate": rounded(percent(corrected, stages.requests)),
        },
        "processing_by_stage": stages.json(),
        "users": stages.users,
        "corrections": corrections.json,
        "filtering": filtering.json(),
        "performance_alerts": alerts,
    });
    counting.tell_gaps(&mut document);
    Ok(document)
}

struct Counting<'a> {
    source: Source<'a>,
    kinds: &'a Kinds,
    /// All events must have these.
    labels: &'a [(String, String)],
    window: Range<i64>,
    context: Context,
    /// What the numbers of a kind lack.
    gaps: BTreeMap<String, Gaps>,
}

struct Stages {
    by_stage: Rows,
    users: Json,
    requests: u64,
    rows: u64,
    duration: f64,
    success: Option<f64>,
}

struct Corrections {
    json: Json,
    total: u64,
}

struct Filtering {
    by_reason: Rows,
    by_length: [u64; 4],
    total: u64,
    passed: u64,
}

const STAGE: [&str; 11] = [
    "count",
    "avg of duration",
    "min of duration",
    "max of duration",
    "success_pct",
    "sum of duration",
    "p95 of duration",
    "sum of tokens_used",
    "sum of cost",
    "succeeded",
    "failed",
];

impl Counting<'_> {
    /// Figures by one label; a word that is no figure of the kind has no number.
    async fn rows(&mut self, kind: &str, words: &[&str], by: &str) -> Result<Rows, AskError> {
        let Some(kind) = self.kinds.get(kind) else {
            return Ok(Rows::new());
        };
        let filter = Filter {
            labels: self.labels.to_vec(),
            ok: None,
        };
        let parsed: Vec<Option<Aggregate>> = words
            .iter()
            .map(|word| {
                Aggregate::parse(word)
                    .ok()
                    .filter(|figure| figure.check(kind).is_ok())
            })
            .collect();
        let asked: Vec<Aggregate> = parsed.iter().flatten().cloned().collect();
        let wanted = Wanted {
            window: self.window.clone(),
            filter: &filter,
            figures: &asked,
            every: None,
            by: &[by.to_owned()],
            estimate: false,
        };
        let mut look = Look::at(self.source.lend(), kind, self.context).await?;
        let (found, gaps) = look.figures(&wanted).await?;
        self.lacks(&kind.name, gaps);
        let row = |row: FigureRow| {
            let mut numbers = row.numbers.into_iter();
            let mut number =
                |figure: &Option<Aggregate>| figure.as_ref().and_then(|_| numbers.next().flatten());
            let numbers = parsed.iter().map(&mut number).collect();
            (row.words.into_iter().next().unwrap_or_default(), numbers)
        };
        Ok(found.into_iter().map(row).collect())
    }

    fn lacks(&mut self, kind: &str, gaps: Gaps) {
        self.gaps.entry(kind.to_owned()).or_default().add(gaps);
    }

    /// Numbers that lack events are never told as if they were whole.
    fn tell_gaps(&self, document: &mut Json) {
        let at = |micros| instant(micros, self.context.zone);
        let (mut missing, mut broken) = (Vec::new(), Vec::new());
        for (kind, gaps) in &self.gaps {
            let part = |part: &Range<i64>| json!({ "kind": kind, "from": at(part.start), "to": at(part.end) });
            missing.extend(gaps.missing.iter().map(part));
            broken.extend(&gaps.broken);
        }
        document["complete"] = json!(missing.is_empty() && broken.is_empty());
        if !missing.is_empty() {
            document["missing"] = json!(missing);
        }
        if !broken.is_empty() {
            document["broken"] = json!(broken);
        }
    }

    async fn stages(&mut self) -> Result<Stages, AskError> {
        let by_stage = self.rows("stage", &STAGE, "stage").await?;
        let sum = |at: usize| by_stage.values().filter_map(|numbers| numbers[at]).sum();
        let [rows, duration, succeeded, failed]: [f64; 4] = [0, 5, 9, 10].map(sum);
        let received = by_stage.get("query_received");
        let requests = match received.and_then(|numbers| numbers[0]) {
            Some(requests) => requests as u64,
            // Bots that do not time it have a session a request.
            None => self.rows("stage", &["count"], "session_id").await?.len() as u64,
        };
        let users = match self.rows("stage", &STAGE, "user_id").await {
            // Nobody reads so many.
            Err(AskError::TooMuch(_)) => Rows::new(),
            users => users?,
        };
        let users = listed(users, |numbers| {
            json!({
                "total_count": numbers[0],
                "avg_duration_ms": rounded(numbers[1]),
                "success_rate": rounded(numbers[4]),
                "tokens_used": numbers[7],
                "cost": rounded(numbers[8]),
            })
        });
        Ok(Stages {
            by_stage,
            users,
            requests,
            rows: rows as u64,
            duration,
            success: percent(succeeded as u64, (succeeded + failed) as u64),
        })
    }

    async fn corrections(&mut self) -> Result<Corrections, AskError> {
        let words = [
            "count",
            "avg of processing_time_ms",
            "avg of admin_satisfaction",
            "avg of original_length",
            "avg of corrected_length",
        ];
        let by_type = self.rows("correction", &words, "correction_type").await?;
        let by_admin = self.rows("correction", &words, "admin_user_id").await?;
        let total = by_type
            .values()
            .filter_map(|numbers| numbers[0])
            .sum::<f64>() as u64;
        let of_type = |(name, numbers): (String, Vec<Option<f64>>)| {
            let change = numbers[4]
                .zip(numbers[3])
                .map(|(after, before)| after - before);
            let row = json!({
                "total_count": numbers[0],
                "avg_processing_time_ms": rounded(numbers[1]),
                "avg_satisfaction": rounded(numbers[2]),
                "avg_length_change": rounded(change),
            });
            (name, whole(row))
        };
        let by_type: Map<String, Json> = by_type.into_iter().map(of_type).collect();
        let by_admin = listed(by_admin, |numbers| {
            json!({
                "total_corrections": numbers[0],
                "avg_processing_time_ms": rounded(numbers[1]),
                "avg_satisfaction": rounded(numbers[2]),
            })
        });
        Ok(Corrections {
            json: json!({ "by_type": by_type, "by_admin": by_admin }),
            total,
        })
    }

    async fn filtering(&mut self) -> Result<Filtering, AskError> {
        let words = [
            "count",
            "avg of processing_time_ms",
            "avg of message_length",
        ];
        let by_reason = self.rows("filter", &words, "reason").await?;
        let total = by_reason
            .values()
            .filter_map(|numbers| numbers[0])
            .sum::<f64>() as u64;
        let passed = by_reason
            .get(PASSED)
            .and_then(|numbers| numbers[0])
            .unwrap_or_default() as u64;
        let mut by_length = [0; 4];
        if let Some(kind) = self.kinds.get("filter") {
            let filter = Filter {
                labels: self.labels.to_vec(),
                ok: None,
            };
            let wanted = Wanted {
                window: self.window.clone(),
                filter: &filter,
                figures: &[],
                every: None,
                by: &["reason".to_owned()],
                estimate: false,
            };
            let mut look = Look::at(self.source.lend(), kind, self.context).await?;
            let counted = look.histogram(&wanted, "message_length", &LENGTHS);
            let (counted, gaps) = counted.await?;
            self.lacks("filter", gaps);
            for (words, counts) in counted {
                if words[0] != PASSED {
                    by_length
                        .iter_mut()
                        .zip(counts)
                        .for_each(|(all, more)| *all += more);
                }
            }
        }
        Ok(Filtering {
            by_reason,
            by_length,
            total,
            passed,
        })
    }
}

impl Stages {
    fn json(&self) -> Json {
        let stage = |(name, numbers): (&String, &Vec<Option<f64>>)| {
            let row = json!({
                "avg_duration_ms": rounded(numbers[1]),
                "min_duration_ms": numbers[2],
                "max_duration_ms": numbers[3],
                "p95_duration_ms": numbers[6],
                "total_count": numbers[0],
                "success_rate": rounded(numbers[4]),
                "tokens_used": numbers[7],
                "cost": rounded(numbers[8]),
            });
            (name.clone(), whole(row))
        };
        Json::Object(self.by_stage.iter().map(stage).collect())
    }
}

impl Filtering {
    fn pass_rate(&self) -> Option<f64> {
        percent(self.passed, self.total)
    }

    fn rejection_rate(&self) -> Option<f64> {
        percent(self.total - self.passed, self.total)
    }

    fn rejected_for(&self, reason: &str) -> u64 {
        self.by_reason
            .get(reason)
            .and_then(|numbers| numbers[0])
            .unwrap_or_default() as u64
    }

    fn json(&self) -> Json {
        let reason = |(name, numbers): (&String, &Vec<Option<f64>>)| {
            let row = json!({
                "total_count": numbers[0],
                "avg_processing_time_ms": rounded(numbers[1]),
                "avg_message_length": rounded(numbers[2]),
            });
            (name.clone(), whole(row))
        };
        let by_reason: Map<String, Json> = self.by_reason.iter().map(reason).collect();
        let lengths = LENGTH_NAMES.iter().zip(self.by_length);
        let lengths: Map<String, Json> = lengths
            .map(|(name, count)| ((*name).to_owned(), json!(count)))
            .collect();
        json!({
            "by_reason": by_reason,
            "summary": {
                "total_messages": self.total,
                "total_rejected": self.total - self.passed,
                "total_passed": self.passed,
                "pass_rate": rounded(self.pass_rate()),
                "rejection_rate": rounded(self.rejection_rate()),
            },
            "rejected_by_length": lengths,
        })
    }
}

/// The rules of the service, over the hours that were asked for.
fn alerts(stages: &Stages, corrections: u64, filtering: &Filtering) -> Vec<Json> {
    let mut alerts = Vec::new();
    for (stage, numbers) in &stages.by_stage {
        if let Some(average) = numbers[1].filter(|average| *average > 10_000.0) {
            let message = format!("Slow processing detected in {stage}: {average:.0}ms average");
            alerts.push(
                json!({ "type": "slow_processing", "severity": "warning", "message": message,
                "stage": stage, "avg_duration": rounded(Some(average)) }),
            );
        }
        if let Some(rate) = numbers[4].filter(|rate| *rate < 95.0) {
            let message = format!("Low success rate in {stage}: {rate:.2}%");
            alerts.push(
                json!({ "type": "low_success_rate", "severity": "error", "message": message,
                "stage": stage, "success_rate": rounded(Some(rate)) }),
            );
        }
    }
    if let Some(rate) = percent(corrections, stages.requests).filter(|rate| *rate > 30.0) {
        let message = format!("High correction rate detected: {rate:.1}%");
        alerts.push(
            json!({ "type": "high_correction_rate", "severity": "warning", "message": message,
            "correction_rate": rounded(Some(rate)) }),
        );
    }
    if let Some(rate) = filtering.rejection_rate().filter(|rate| *rate > 50.0) {
        let (kind, severity, word) = match rate > 70.0 {
            true => ("high_filtering_rejection_rate", "error", "High"),
            false => ("moderate_filtering_rejection_rate", "warning", "Moderate"),
        };
        let message = format!("{word} filtering rejection rate: {rate:.1}%");
        alerts.push(json!({ "type": kind, "severity": severity, "message": message, "rejection_rate": rounded(Some(rate)) }));
    }
    for (reason, most, kind) in [
        ("length_check", 20, "high_length_check_failures"),
        ("work_validation", 15, "high_work_validation_failures"),
    ] {
        let count = filtering.rejected_for(reason);
        if count > most {
            let message = format!("Many messages rejected by {reason}: {count}");
            alerts.push(
                json!({ "type": kind, "severity": "info", "message": message, "count": count }),
            );
        }
    }
    alerts
}

/// Those with the most first.
fn listed(rows: Rows, row: impl Fn(&[Option<f64>]) -> Json) -> Json {
    let mut rows: Vec<(String, Vec<Option<f64>>)> = rows
        .into_iter()
        .filter(|(name, _)| !name.is_empty())
        .collect();
    rows.sort_by(|(_, one), (_, other)| {
        other[0]
            .unwrap_or_default()
            .total_cmp(&one[0].unwrap_or_default())
    });
    let rows = rows
        .into_iter()
        .take(LISTED)
        .map(|(name, numbers)| (name, whole(row(&numbers))));
    Json::Object(rows.collect())
}

fn part(sum: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| sum / of as f64)
}

fn percent(count: u64, of: u64) -> Option<f64> {
    part(100.0 * count as f64, of)
}

/// To two digits; nothing stays nothing.
fn rounded(number: Option<f64>) -> Option<f64> {
    number.map(|number| (number * 100.0).round() / 100.0)
}

/// Counts are whole, and what was not measured is left out.
fn whole(row: Json) -> Json {
    let Json::Object(fields) = row else {
        return row;
    };
    let is_measured = |name: &str, json: &Json| {
        !["tokens_used", "cost"].contains(&name) || json.as_f64().is_some_and(|number| number > 0.0)
    };
    let fields = fields
        .into_iter()
        .filter(|(name, json)| is_measured(name, json));
    let fields = fields.map(|(name, json)| match json.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            (name, json!(number as i64))
        }
        _ => (name, json),
    });
    Json::Object(fields.collect())
}
