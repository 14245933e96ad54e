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
    if let Some(twin) = &metric.same_as {
        same_as_is_one(twin, metric, catalog, written, mistakes);
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

/// Each metric here has at most one twin, and at least one of them has one.
fn same_as_is_one(
    name: &str,
    metric: &Metric,
    catalog: &Catalog,
    written: &Written<'_>,
    mistakes: &mut NodeMistakes<'_>,
) {
    let own = || {
        let all = catalog.metrics.iter();
        all.filter(|one| one.family == metric.key)
    };
    let windows: Vec<u32> = catalog
        .twins(name)
        .map(|one| catalog.window_days(one))
        .collect();
    let is_split = (1..windows.len()).any(|at| windows[..at].contains(&windows[at]));
    let known = catalog.metrics.iter();
    let known = known.flat_map(|one| [one.key.as_str(), one.family.as_str()]);
    let message = match () {
        () if own().next().is_none() || is_left_out(name, catalog, written) => return,
        () if windows.is_empty() => format!("no metric `{name}`{}", did_you_mean(name, known)),
        () if own().any(|one| one.key == name || one.family == name) => {
            "a metric is always the same as itself: name another one".to_owned()
        }
        () if own()
            .chain(catalog.twins(name))
            .any(|one| one.is_distribution()) =>
        {
            "a distribution is not one number, and has nothing that is the same".to_owned()
        }
        () if is_split => format!("`{name}` is several metrics: name one of them by its key"),
        () if !own().any(|one| windows.contains(&catalog.window_days(one))) => {
            format!("`{name}` has none of the windows of `{}`", metric.key)
        }
        () => return,
    };
    mistakes.push(&["same_as"], message);
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
