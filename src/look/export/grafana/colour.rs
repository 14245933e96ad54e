//! The metric's absolute alert rules as Grafana's coloured steps.

use serde_json::{Value as Json, json};

use crate::catalog::{Limit, Metric};

use super::unit::is_whole;

/// Where the colour changes. Each step includes its value and ends at the next.
pub(super) fn steps(metric: &Metric) -> Json {
    let limits = [metric.alert.warning, metric.alert.critical];
    let mut turns: Vec<f64> = limits
        .iter()
        .flatten()
        .map(|limit| turn(limit, is_whole(metric)))
        .collect();
    turns.sort_by(f64::total_cmp);
    turns.dedup();
    let Some(first) = turns.first() else {
        return json!([{ "color": "text", "value": null }]);
    };
    let mut last = colour(metric, first - 1.0);
    let mut steps = vec![json!({ "color": last, "value": null })];
    for turn in turns {
        let here = colour(metric, turn);
        if here != last {
            steps.push(json!({ "color": here, "value": turn }));
        }
        last = here;
    }
    Json::Array(steps)
}

/// The lowest value on the upper side of the limit.
fn turn(limit: &Limit, whole: bool) -> f64 {
    let bound_is_below = limit.over != limit.inclusive;
    match (bound_is_below, whole) {
        (false, _) => limit.bound,
        (true, true) => limit.bound.floor() + 1.0,
        (true, false) => limit.bound.next_up(),
    }
}

fn colour(metric: &Metric, value: f64) -> &'static str {
    let reached = |limit: Option<Limit>| limit.is_some_and(|limit| limit.reached(value));
    if reached(metric.alert.critical) {
        "red"
    } else if reached(metric.alert.warning) {
        "orange"
    } else {
        "green"
    }
}
