//! Alert rules: numbers in range, levels in order, something to judge.

use crate::catalog::document::NodeMistakes;
use crate::catalog::written::{Alert, Metric, PercentRule};

pub(super) fn is_sound(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    let Alert {
        warning,
        critical,
        percent,
        reach,
        parts,
    } = &metric.alert;
    let percent = percent.clone().unwrap_or_default();
    let is_distribution = metric.by.is_some();
    if (warning.is_some() || critical.is_some()) && is_distribution {
        let message = "a distribution is a list, and a limit needs a number";
        mistakes.push(&["alert"], message);
    }
    let ruled = percent != PercentRule::default() || reach.is_some();
    if ruled && is_distribution && !parts {
        let message = "a distribution is a list: `parts = true` lets its parts be judged";
        mistakes.push(&["alert"], message);
    }
    if *parts && !is_distribution {
        let message = "only a distribution (`by`) has parts";
        mistakes.push(&["alert", "parts"], message);
    }
    if let Some(reach) = reach.filter(|reach| !(0.5..=1.0).contains(reach)) {
        let message =
            format!("`{reach}` is not a share of days: write a number from 0.5 to 1, such as 0.99");
        mistakes.push(&["alert", "reach"], message);
    }
    let numbers = [
        ("warning", percent.warning),
        ("critical", percent.critical),
        ("min_base", percent.min_base),
        ("min_change", percent.min_change),
    ];
    for (name, number) in numbers {
        if number.is_some_and(|number| !number.is_finite() || number < 0.0) {
            mistakes.push(
                &["alert", "percent", name],
                format!("`{name}` cannot be below 0"),
            );
        }
    }
    if let (Some(warning), Some(critical)) = (percent.warning, percent.critical)
        && critical > 0.0
        && critical < warning
    {
        let message = format!(
            "critical ({critical} %) is below warning ({warning} %): a critical change is the larger one"
        );
        mistakes.push(&["alert", "percent", "critical"], message);
    }
}
