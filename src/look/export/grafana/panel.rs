//! The panels: present numbers, and their history.

use crate::catalog::series::Own;
use serde_json::{Value as Json, json};

use crate::catalog::Metric;
use crate::config::Config;

use super::family::Family;
use super::surroundings::datasource;
use super::{colour, query, unit};

const DAY_AND_TWO_HOURS: u32 = 26 * 3600;
const TWO_DAYS_AND_TWO_HOURS: u32 = 50 * 3600;

/// Whether the numbers are fresh and whole, and whether they reach people.
pub(super) fn state(config: &Config) -> Vec<Json> {
    let own = |what| query::own(what, config);
    let severity = own(Own::Severity);
    let age = [
        ("orange", DAY_AND_TWO_HOURS),
        ("red", TWO_DAYS_AND_TWO_HOURS),
    ];
    let as_of = own(Own::EntryTime);
    vec![
        counter(
            "Age of the numbers",
            "Since the instant that the newest entry describes.",
            &format!("time() - min({as_of})"),
            "s",
            &age,
        ),
        ended_well(&own(Own::LastRunSuccess)),
        counter(
            "Not delivered",
            "Messages that were to be sent and did not arrive, as far as is known.",
            &format!("sum({})", own(Own::Undelivered)),
            "locale",
            &[("orange", 1)],
        ),
        counter(
            "Unknown numbers",
            "Metrics that the newest entry has no number for.",
            &format!("sum(1 - {})", own(Own::Available)),
            "locale",
            &[("orange", 1)],
        ),
        counter(
            "Critical",
            "Metrics with a critical alert on the newest complete day.",
            &format!("sum({severity} == bool 2)"),
            "locale",
            &[("red", 1)],
        ),
        counter(
            "Warnings",
            "Metrics with a warning on the newest complete day.",
            &format!("sum({severity} == bool 1)"),
            "locale",
            &[("orange", 1)],
        ),
    ]
}

fn counter(title: &str, description: &str, expr: &str, unit: &str, steps: &[(&str, u32)]) -> Json {
    let begin = json!({ "color": "green", "value": null });
    let step = |(colour, value): &(&str, u32)| json!({ "color": colour, "value": value });
    let steps: Vec<Json> = std::iter::once(begin)
        .chain(steps.iter().map(step))
        .collect();
    let defaults = json!({ "unit": unit, "thresholds": { "mode": "absolute", "steps": steps } });
    stat(title, description, expr, "", defaults)
}

fn ended_well(success: &str) -> Json {
    let defaults = json!({
        "unit": "none",
        "thresholds": { "mode": "absolute", "steps": [{ "color": "red", "value": null }, { "color": "green", "value": 1 }] },
        "mappings": [{ "type": "value", "options": { "0": { "text": "failed", "index": 0 }, "1": { "text": "well", "index": 1 } } }],
    });
    let description = "Whether the last run stored its days or had nothing to store.";
    let expr = format!("min({success})");
    stat("Last run", description, &expr, "", defaults)
}

/// The alerts of the newest complete day by the names of their metrics.
pub(super) fn what_stands_out(config: &Config) -> Json {
    let severity = query::own(Own::Severity, config);
    let defaults = json!({
        "unit": "none", "noValue": "nothing",
        "thresholds": { "mode": "absolute", "steps": [{ "color": "green", "value": null }, { "color": "orange", "value": 1 }, { "color": "red", "value": 2 }] },
        "mappings": [{ "type": "value", "options": { "1": { "text": "warning", "index": 0 }, "2": { "text": "critical", "index": 1 } } }],
    });
    let mut panel = stat(
        "What stands out",
        "Metrics with an unwelcome alert on the newest complete day.",
        &format!("sort_desc(max by (metric) ({severity}) > 0)"),
        "{{metric}}",
        defaults,
    );
    panel["options"]["textMode"] = json!("value_and_name");
    panel
}

pub(super) fn run_durations(config: &Config) -> Json {
    let stages = r#"stage!="total""#;
    let by_stage = query::own_where(Own::LastRunDuration, stages, config);
    let asked = target("A", &format!("max by (stage) ({by_stage})"), "{{stage}}");
    over_time(
        "How long runs take",
        "The last run by its stages.",
        vec![asked],
        &Look {
            unit: "s".to_owned(),
            decimals: None,
            stacked: true,
        },
    )
}

/// The metric as it is now.
pub(super) fn value(metric: &Metric, config: &Config) -> Json {
    let mut defaults = json!({
        "unit": unit::unit(metric), "noValue": "unknown",
        "thresholds": { "mode": "absolute", "steps": colour::steps(metric) },
    });
    if let Some(decimals) = unit::decimals(metric) {
        defaults["decimals"] = json!(decimals);
    }
    let (label, expr) = (
        &metric.label,
        format!("max({})", query::series(metric, config)),
    );
    stat(label, &metric.description, &expr, label, defaults)
}

/// The history of a family's numbers; a number alone also shows its usual range.
pub(super) fn past(family: &Family<'_>, config: &Config) -> Json {
    let mut targets = Vec::new();
    for (at, (metric, words)) in family.members.iter().enumerate() {
        let expr = query::past(&query::series(metric, config), "", config);
        targets.push(target(&format!("M{at}"), &expr, words));
    }
    let alone = family.members.len() == 1;
    let first = family.members[0].0;
    if alone {
        for (what, bound, words) in [
            ("low", Own::UsualLow, USUAL_LOW),
            ("high", Own::UsualHigh, USUAL_HIGH),
        ] {
            let of_metric = format!(r#"metric="{}""#, first.key);
            let bound = query::own_where(bound, &of_metric, config);
            targets.push(target(what, &format!("max({bound})"), words));
        }
    }
    let look = Look::for_metric(first, false);
    let mut panel = over_time(&family.title, &family.description(), targets, &look);
    if alone {
        panel["fieldConfig"]["overrides"] = usual_band();
    }
    panel
}

/// The parts of a distribution, one upon the other where they add up.
pub(super) fn distribution(metric: &Metric, config: &Config) -> Json {
    let expr = query::past(&query::series(metric, config), "key, label", config);
    let look = Look::for_metric(metric, unit::adds_up(metric));
    let asked = target("A", &expr, "{{label}}");
    let mut panel = over_time(&metric.label, &metric.description, vec![asked], &look);
    panel["options"]["legend"]["placement"] = json!("right");
    panel
}

const USUAL_LOW: &str = "usual, least";
const USUAL_HIGH: &str = "usual, most";

/// The space between the least and the most that is usual, without lines.
fn usual_band() -> Json {
    let bound = |name: &str, more: Json| {
        let mut properties = vec![
            json!({ "id": "color", "value": { "mode": "fixed", "fixedColor": "text" } }),
            json!({ "id": "custom.lineWidth", "value": 0 }),
            json!({ "id": "custom.hideFrom", "value": { "legend": true, "tooltip": false, "viz": false } }),
        ];
        properties.extend(more.as_array().cloned().unwrap_or_default());
        json!({ "matcher": { "id": "byName", "options": name }, "properties": properties })
    };
    let filled = json!([
        { "id": "custom.fillBelowTo", "value": USUAL_LOW },
        { "id": "custom.fillOpacity", "value": 12 },
    ]);
    let empty = json!([{ "id": "custom.fillOpacity", "value": 0 }]);
    json!([bound(USUAL_LOW, empty), bound(USUAL_HIGH, filled)])
}

struct Look {
    unit: String,
    decimals: Option<u32>,
    stacked: bool,
}

impl Look {
    fn for_metric(metric: &Metric, stacked: bool) -> Self {
        Self {
            unit: unit::unit(metric),
            decimals: unit::decimals(metric),
            stacked,
        }
    }
}

fn over_time(title: &str, description: &str, targets: Vec<Json>, look: &Look) -> Json {
    let stacking = if look.stacked { "normal" } else { "none" };
    let mut defaults = json!({
        "unit": look.unit,
        "color": { "mode": "palette-classic" },
        "custom": {
            "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 2,
            "fillOpacity": if look.stacked { 40 } else { 0 }, "showPoints": "never", "spanNulls": false,
            "stacking": { "mode": stacking, "group": "A" },
        },
    });
    if let Some(decimals) = look.decimals {
        defaults["decimals"] = json!(decimals);
    }
    json!({
        "type": "timeseries", "title": title, "description": description, "datasource": datasource(),
        "targets": targets,
        "fieldConfig": { "defaults": defaults, "overrides": [] },
        "options": {
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
    })
}

fn stat(title: &str, description: &str, expr: &str, legend: &str, defaults: Json) -> Json {
    let mut target = target("A", expr, legend);
    // Only the newest value: what became unknown must not show its last number.
    target["instant"] = json!(true);
    target["range"] = json!(false);
    json!({
        "type": "stat", "title": title, "description": description, "datasource": datasource(),
        "targets": [target],
        "fieldConfig": { "defaults": defaults, "overrides": [] },
        "options": {
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
            "textMode": "value",
        },
    })
}

fn target(name: &str, expr: &str, legend: &str) -> Json {
    json!({
        "refId": name, "datasource": datasource(), "editorMode": "code", "expr": expr,
        "legendFormat": legend, "instant": false, "range": true,
    })
}
