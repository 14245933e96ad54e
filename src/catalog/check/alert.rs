//! Alert rules: numbers in range, levels in order, something to judge.

use crate::catalog::document::Place;
use crate::catalog::mistake::Mistake;
use crate::catalog::written::{Alert, Metric, PercentRule};

pub(super) fn is_sound(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    let Alert {
        warning,
        critical,
        percent,
    } = &metric.alert;
    let ruled = warning.is_some() || critical.is_some() || *percent != PercentRule::default();
    if ruled && metric.by.is_some() {
        let message = "a distribution is a list: there is no number for an alert to judge";
        mistakes.push(place.mistake(&["alert"], message));
    }
    let numbers = [
        ("warning", percent.warning),
        ("critical", percent.critical),
        ("min_base", percent.min_base),
        ("min_change", percent.min_change),
    ];
    for (name, number) in numbers {
        if number.is_some_and(|number| !number.is_finite() || number < 0.0) {
            mistakes.push(place.mistake(
                &["alert", "percent", name],
                format!("`{name}` cannot be below 0"),
            ));
        }
    }
    if let (Some(warning), Some(critical)) = (percent.warning, percent.critical)
        && critical > 0.0
        && critical < warning
    {
        let message = format!(
            "critical ({critical} %) is below warning ({warning} %): a critical change is the larger one"
        );
        mistakes.push(place.mistake(&["alert", "percent", "critical"], message));
    }
}
