//! What a metric counts: one number, made of things that go together.

use crate::catalog::document::Place;
use crate::catalog::mistake::{Mistake, did_you_mean};
use crate::catalog::written::{Metric, Split};
use crate::catalog::{Catalog, Shape, TimeKind};

use super::name_is_sound;

pub(super) fn is_one(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    if let [first, second, ..] = measures(metric)[..] {
        let message = format!(
            "`{first}` and `{second}` cannot both be the number of `{}`",
            metric.key
        );
        mistakes.push(place.mistake(&[second], message));
    }
}

pub(super) fn goes_together(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    if !metric.database.is_empty() && metric.sql.is_none() {
        let message = "`database` belongs to `sql`: elsewhere the table names its database";
        mistakes.push(place.mistake(&["database"], message));
    }
    let modifiers = [
        ("where", metric.condition.is_some()),
        ("within", metric.within.is_some()),
        ("split", metric.split.is_some()),
        ("by", metric.by.is_some()),
        ("per", metric.per.is_some()),
        ("table", metric.table.is_some()),
    ];
    if let Some(number @ ("percent" | "ratio" | "sql")) = measures(metric).first().copied() {
        for (name, _) in modifiers.iter().filter(|(_, given)| *given) {
            mistakes
                .push(place.mistake(&[name], format!("`{name}` means nothing beside `{number}`")));
        }
        return;
    }
    let parted = metric.split.is_some() || metric.by.is_some();
    if metric.split.is_some() && metric.by.is_some() {
        mistakes.push(place.mistake(&["by"], "`split` and `by` cannot be combined"));
    }
    if metric.by.is_some() && !(metric.count.is_some() || metric.sum.is_some()) {
        mistakes.push(place.mistake(&["by"], "a distribution is made of `count` or `sum`"));
    }
    let plain = metric.count.is_some() || metric.sum.is_some();
    if metric.per.is_some() && (parted || metric.within.is_some() || !plain) {
        mistakes.push(place.mistake(&["per"], "`per` goes with a plain `count` or `sum`"));
    }
}

/// Columns are quoted into SQL, the texts of conditions and queries are not.
pub(super) fn columns_are_sound(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    let measured = [
        ("count", &metric.count),
        ("sum", &metric.sum),
        ("avg", &metric.avg),
        ("min", &metric.min),
        ("max", &metric.max),
        ("distinct", &metric.distinct),
    ];
    for (key, column) in measured {
        if let Some(column) = column {
            name_is_sound("column", column, &[key], place, mistakes);
        }
    }
    let mut check = |name: &str, path: &[&str]| {
        name_is_sound("column", name, path, place, mistakes);
    };
    if let Some(within) = &metric.within {
        check(&within.column, &["within", "column"]);
    }
    if let Some(split) = &metric.split {
        check(&split.column, &["split", "column"]);
    }
    if let Some(by) = &metric.by {
        check(&by.column, &["by", "column"]);
        if let Some(label) = &by.label {
            check(&label.table, &["by", "label", "table"]);
            check(&label.key, &["by", "label", "key"]);
            check(&label.column, &["by", "label", "column"]);
        }
    }
    for (key, text) in [("where", &metric.condition), ("sql", &metric.sql)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            mistakes.push(place.mistake(&[key], format!("`{key}` is empty")));
        }
    }
}

/// Seconds since an epoch are numbers, if odd ones; all other times are none.
pub(super) fn measures_no_time(
    metric: &Metric,
    place: Place<'_>,
    catalog: &Catalog,
    mistakes: &mut Vec<Mistake>,
) {
    let id = metric.table.as_deref();
    let Some(at) = catalog.tables.iter().position(|one| Some(&*one.id) == id) else {
        return;
    };
    let table = &catalog.tables[at];
    let own = [
        ("created_at", table.created_at.as_deref(), table.time),
        ("deleted_at", table.deleted_at.as_deref(), table.time),
    ];
    let windows = catalog.metrics.iter().filter_map(|one| match &one.shape {
        Shape::Counted(counted) if counted.table == at => counted.window.as_ref(),
        _ => None,
    });
    let windows = windows.map(|window| {
        let column = Some(window.column.as_str());
        ("within", column, window.time.unwrap_or(table.time))
    });
    let times: Vec<_> = own
        .into_iter()
        .chain(windows)
        .filter(|(_, _, kind)| !matches!(kind, TimeKind::EpochS | TimeKind::EpochMs))
        .collect();
    let measured = [
        ("sum", &metric.sum),
        ("avg", &metric.avg),
        ("min", &metric.min),
        ("max", &metric.max),
    ];
    for (key, column) in measured {
        let Some(column) = column else { continue };
        let declared = times.iter().find(|(_, time, _)| *time == Some(column));
        if let Some((setting, _, _)) = declared {
            let message = format!(
                "`{column}` holds times (`{setting}` of table `{}`), not numbers: count rows with `within`, or compute an \
                 age in hours with `sql`",
                table.id
            );
            mistakes.push(place.mistake(&[key], message));
        }
    }
}

pub(super) fn numbers_are_sound(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    if let Some(within) = &metric.within {
        windows_are_sound(&within.days, place, mistakes);
    }
    if let Some(split) = &metric.split {
        split_is_sound(split, place, mistakes);
    }
    if let Some(by) = &metric.by
        && !(1..=1000).contains(&by.top)
    {
        mistakes.push(place.mistake(
            &["by", "top"],
            format!("`top = {}` is not between 1 and 1000", by.top),
        ));
    }
    if metric.decimals.is_some_and(|decimals| decimals > 9) {
        mistakes.push(place.mistake(&["decimals"], "`decimals` is at most 9"));
    }
    if let Some(series) = &metric.prometheus
        && !is_series_name(series)
    {
        let message = format!(
            "`{}` cannot name a Prometheus series: letters, digits, `_` and `:`, not a digit first",
            series.escape_debug()
        );
        mistakes.push(place.mistake(&["prometheus"], message));
    }
}

fn measures(metric: &Metric) -> Vec<&'static str> {
    let measures = [
        ("count", metric.count.is_some()),
        ("sum", metric.sum.is_some()),
        ("avg", metric.avg.is_some()),
        ("min", metric.min.is_some()),
        ("max", metric.max.is_some()),
        ("distinct", metric.distinct.is_some()),
        ("percent", metric.percent.is_some()),
        ("ratio", metric.ratio.is_some()),
        ("sql", metric.sql.is_some()),
    ];
    measures
        .into_iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name)
        .collect()
}

fn windows_are_sound(days: &[u32], place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    let path = &["within", "days"];
    if days.is_empty() {
        mistakes.push(place.mistake(
            path,
            "`days` is empty: give at least one, such as `[1, 7, 30]`",
        ));
    }
    for days in days.iter().filter(|days| !(1..=3660).contains(*days)) {
        mistakes.push(place.mistake(
            path,
            format!("a window of {days} days is not between 1 and 3660"),
        ));
    }
}

fn split_is_sound(split: &Split, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    if split.into.is_empty() {
        mistakes.push(place.mistake(
            &["split", "into"],
            "`into` is empty: give at least one `VALUE = \"key\"`",
        ));
    }
    for key in split.labels.keys() {
        if split
            .into
            .values()
            .chain(&split.rest)
            .all(|made| made != key)
        {
            let hint = did_you_mean(key, split.into.values().map(String::as_str));
            mistakes.push(place.mistake(
                &["split", "labels", key],
                format!("no metric `{key}` is made here{hint}"),
            ));
        }
    }
}

fn is_series_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
}
