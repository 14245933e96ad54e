//! Numbers over live events: their kind, value and labels exist.

use crate::catalog::document::NodeMistakes;
use crate::catalog::written::Metric;
use crate::kinds::figure::check_labels;
use crate::kinds::{Aggregate, Kinds};
use crate::text::suggest::did_you_mean;

/// Of a section that is not understood it is not true.
pub const NO_LIVE: &str = "`live` counts events, and there is no section `[live]`: declare the kind in `[live.kinds]`, or name its preset";

pub(super) fn figure_exists(
    metric: &Metric,
    kinds: Option<&Kinds>,
    mistakes: &mut NodeMistakes<'_>,
) {
    let Some(live) = &metric.live else { return };
    let Some(kinds) = kinds else {
        mistakes.push(&["live"], NO_LIVE);
        return;
    };
    let Some(kind) = kinds.get(&live.kind) else {
        let hint = did_you_mean(&live.kind, kinds.keys().map(String::as_str));
        let hint = match hint.is_empty() {
            true => ": declare it under `[live.kinds]`, or name its preset".to_owned(),
            false => hint,
        };
        let name = live.kind.escape_debug();
        mistakes.push(&["live", "kind"], format!("no kind `{name}`{hint}"));
        return;
    };
    // What is no number of any kind has been reported.
    let aggregate = Aggregate::parse(&live.value).ok();
    if let Some(Err(message)) = aggregate.map(|aggregate| aggregate.check(kind)) {
        mistakes.push(&["live", "value"], message);
    }
    for (label, message) in check_labels(&live.labels, kind) {
        mistakes.push(&["live", "labels", label], message);
    }
}
