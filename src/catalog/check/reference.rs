//! Metrics and tables that a metric refers to.

use crate::catalog::document::NodeMistakes;
use crate::catalog::gather::Written;
use crate::catalog::written::{Metric, Split};
use crate::catalog::{Catalog, Shape};
use crate::text::suggest::did_you_mean;

pub(super) fn all_exist(
    metric: &Metric,
    catalog: &Catalog,
    written: &Written<'_>,
    mistakes: &mut NodeMistakes<'_>,
) {
    let keys = || catalog.metrics.iter().map(|metric| metric.key.as_str());
    let mut check = |path: &[&str], key: &str| match catalog.metric(key).map(|metric| &metric.shape)
    {
        None if is_left_out(key, catalog, written) => {}
        None => mistakes.push(
            path,
            format!("no metric `{key}`{}", did_you_mean(key, keys())),
        ),
        Some(Shape::Derived(_)) => mistakes.push(
            path,
            format!(
                "`{key}` is itself derived: `{}` must be made of counted metrics",
                metric.key
            ),
        ),
        Some(_) => {}
    };
    if let Some(percent) = &metric.percent {
        check(&["percent", "of"], &percent.of);
        check(&["percent", "in"], &percent.whole);
    }
    if let Some(ratio) = &metric.ratio {
        check(&["ratio", "of"], &ratio.of);
        check(&["ratio", "per"], &ratio.per);
    }
    let ids = || catalog.tables.iter().map(|table| table.id.as_str());
    if let Some(per) = metric
        .per
        .as_ref()
        .filter(|per| !ids().any(|id| id == per.as_str()))
    {
        mistakes.push(
            &["per"],
            format!("no table `{per}` is declared{}", did_you_mean(per, ids())),
        );
    }
}

/// The key belongs to a metric whose own mistake kept it out of the catalog; one mistake is enough.
fn is_left_out(key: &str, catalog: &Catalog, written: &Written<'_>) -> bool {
    let makes = |metric: &Metric| {
        let of_split = |split: &Split| split.into.values().any(|made| key.starts_with(made));
        key.starts_with(&metric.key) || metric.split.as_ref().is_some_and(of_split)
    };
    written.metrics.iter().any(|(metric, _)| {
        makes(metric) && catalog.metrics.iter().all(|made| made.family != metric.key)
    })
}
