//! What a metric counts: one number, of settings that go together.

use crate::catalog::document::NodeMistakes;
use crate::catalog::written::{Metric, Split, Within};
use crate::catalog::{Catalog, Measure, Shape, TimeKind};
use crate::text::suggest::did_you_mean;

use super::name_is_sound;

pub(super) fn is_one(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    if let [first, second, ..] = measures(metric)[..] {
        let message = format!(
            "`{first}` and `{second}` cannot both be the number of `{}`",
            metric.key
        );
        mistakes.push(&[second], message);
    }
}

pub(super) fn goes_together(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    if !metric.database.is_empty() && metric.sql.is_none() {
        let message = "`database` belongs to `sql`: elsewhere the table names its database";
        mistakes.push(&["database"], message);
    }
    let is_live = metric.live.is_some();
    let modifiers = [
        ("where", metric.condition.is_some()),
        ("within", metric.within.is_some() && !is_live),
        ("split", metric.split.is_some()),
        ("by", metric.by.is_some()),
        ("per", metric.per.is_some()),
        ("table", metric.table.is_some()),
    ];
    if let Some(number @ ("percent" | "ratio" | "sql" | "live")) = measures(metric).first().copied()
    {
        for (name, _) in modifiers.iter().filter(|(_, given)| *given) {
            mistakes.push(
                &[name],
                format!("`{name}` cannot be combined with `{number}`"),
            );
        }
        return;
    }
    let parted = metric.split.is_some() || metric.by.is_some();
    if metric.split.is_some() && metric.by.is_some() {
        mistakes.push(&["by"], "`split` and `by` cannot be combined");
    }
    if metric.by.is_some() && !(metric.count.is_some() || metric.sum.is_some()) {
        mistakes.push(&["by"], "a distribution is made of `count` or `sum`");
    }
    if metric.newest.is_some() && metric.within.is_some() {
        let message = "`within` does not go with `newest`: without a row in the window there would be no age to alert on";
        mistakes.push(&["within"], message);
    }
    let plain = metric.count.is_some() || metric.sum.is_some();
    if metric.per.is_some() && (parted || metric.within.is_some() || !plain) {
        mistakes.push(&["per"], "`per` goes with a plain `count` or `sum`");
    }
}

/// Columns are quoted into SQL; conditions and queries are not.
pub(super) fn columns_are_sound(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    for (key, column) in metric.measured() {
        name_is_sound("column", column, &[key], mistakes);
    }
    let mut check = |name: &str, path: &[&str]| {
        name_is_sound("column", name, path, mistakes);
    };
    let within = metric.within.as_ref();
    if let Some(column) = within.and_then(|within| within.column.as_ref()) {
        check(column, &["within", "column"]);
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
            mistakes.push(&[key], format!("`{key}` is empty"));
        }
    }
}

/// Seconds since an epoch are numbers; all other times are not.
pub(super) fn measures_no_time(
    metric: &Metric,
    catalog: &Catalog,
    mistakes: &mut NodeMistakes<'_>,
) {
    let Some(at) = table_of(metric, catalog) else {
        return;
    };
    let table = &catalog.tables[at];
    let times = declared_times(catalog, at);
    let is_number = |key: &str| ["sum", "avg", "min", "max"].contains(&key);
    for (key, column) in metric.measured().filter(|(key, _)| is_number(key)) {
        let counts_seconds = |kind| matches!(kind, TimeKind::EpochS | TimeKind::EpochMs);
        let declared = times
            .iter()
            .find(|(_, time, kind)| time == column && !counts_seconds(*kind));
        if let Some((setting, _, _)) = declared {
            let message = format!(
                "`{column}` holds times (`{setting}` of table `{}`), not numbers: count rows with `within`, or measure the \
                 newest one's age in hours with `newest`",
                table.id
            );
            mistakes.push(&[key], message);
        }
    }
}

pub(super) fn table_of(metric: &Metric, catalog: &Catalog) -> Option<usize> {
    let id = metric.table.as_deref();
    catalog.tables.iter().position(|one| Some(&*one.id) == id)
}

/// The columns of a table that the catalog declares as times: the key, the column and the kind.
fn declared_times(catalog: &Catalog, at: usize) -> Vec<(&'static str, &str, TimeKind)> {
    let table = &catalog.tables[at];
    let born = table.created_at.iter().map(|column| ("created_at", column));
    let ended = table.deleted_at.iter().map(|column| ("deleted_at", column));
    let own = born.chain(ended);
    let own = own.map(|(setting, column)| (setting, column.as_str(), table.time));
    let windows = catalog.metrics.iter().filter_map(|one| match &one.shape {
        Shape::Counted(counted) if counted.table == at => counted.window.as_ref(),
        _ => None,
    });
    let windows = windows.map(|window| {
        let kind = window.time.unwrap_or(table.time);
        ("within", window.column.as_str(), kind)
    });
    own.chain(windows).collect()
}

/// Checks only what the catalog itself says of the column.
pub(super) fn newest_is_a_time(
    metric: &Metric,
    catalog: &Catalog,
    mistakes: &mut NodeMistakes<'_>,
) {
    let (Some(column), Some(at)) = (&metric.newest, table_of(metric, catalog)) else {
        return;
    };
    let table = &catalog.tables[at];
    let id = &table.id;
    let is_key = table.parents.iter().any(|parent| parent.column == *column);
    let mut times = declared_times(catalog, at).into_iter();
    let is_time = times.any(|(_, time, _)| time == column)
        || matches!(table.time, TimeKind::EpochS | TimeKind::EpochMs);
    let others = catalog.metrics.iter();
    let mut others = others.filter(|other| !is_time && other.family != metric.key);
    let measured = others.find_map(|other| match &other.shape {
        Shape::Counted(counted) if counted.table == at => {
            let (measure, _) = number_of(&counted.measure).filter(|(_, one)| *one == column)?;
            Some((measure, &other.family))
        }
        _ => None,
    });
    let message = match measured {
        _ if column == "*" => {
            "`newest` needs a column of times, such as `newest = \"created_at\"`".to_owned()
        }
        _ if table.deleted_at.as_ref() == Some(column) => format!(
            "`{column}` is when rows end (`deleted_at` of table `{id}`), and ended rows do not count: none would ever be the newest"
        ),
        _ if is_key => {
            format!("`{column}` holds keys (`belongs_to` of table `{id}`), not times")
        }
        Some((measure, other)) => {
            format!("`{column}` holds numbers (`{measure}` of metric `{other}`), not times")
        }
        None => return,
    };
    mistakes.push(&["newest"], message);
}

/// The key and column of a measure of numbers.
fn number_of(measure: &Measure) -> Option<(&'static str, &String)> {
    match measure {
        Measure::Sum(column) => Some(("sum", column)),
        Measure::Avg(column) => Some(("avg", column)),
        Measure::Min(column) => Some(("min", column)),
        Measure::Max(column) => Some(("max", column)),
        Measure::Rows | Measure::Filled(_) | Measure::Distinct(_) | Measure::Newest(_) => None,
    }
}

pub(super) fn numbers_are_sound(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    if let Some(within) = &metric.within {
        windows_are_sound(&within.days, mistakes);
        window_has_its_time(within, metric.live.is_some(), mistakes);
    }
    if let Some(split) = &metric.split {
        split_is_sound(split, mistakes);
    }
    if let Some(by) = &metric.by
        && !(1..=1000).contains(&by.top)
    {
        mistakes.push(
            &["by", "top"],
            format!("`top = {}` is not between 1 and 1000", by.top),
        );
    }
    if metric.decimals.is_some_and(|decimals| decimals > 9) {
        mistakes.push(&["decimals"], "`decimals` is at most 9");
    }
    if let Some(series) = &metric.prometheus
        && !is_series_name(series)
    {
        let message = format!(
            "`{}` cannot name a Prometheus series: letters, digits, `_` and `:`, not a digit first",
            series.escape_debug()
        );
        mistakes.push(&["prometheus"], message);
    }
}

fn measures(metric: &Metric) -> Vec<&'static str> {
    let others = [
        ("percent", metric.percent.is_some()),
        ("ratio", metric.ratio.is_some()),
        ("sql", metric.sql.is_some()),
        ("live", metric.live.is_some()),
    ];
    let others = others.into_iter().filter(|(_, given)| *given);
    let columns = metric.measured().map(|(key, _)| key);
    columns.chain(others.map(|(key, _)| key)).collect()
}

fn windows_are_sound(days: &[u32], mistakes: &mut NodeMistakes<'_>) {
    let path = &["within", "days"];
    if days.is_empty() {
        mistakes.push(
            path,
            "`days` is empty: give at least one, such as `[1, 7, 30]`",
        );
    }
    for days in days.iter().filter(|days| !(1..=3660).contains(*days)) {
        mistakes.push(
            path,
            format!("a window of {days} days is not between 1 and 3660"),
        );
    }
}

fn window_has_its_time(within: &Within, is_live: bool, mistakes: &mut NodeMistakes<'_>) {
    if !is_live && within.column.is_none() {
        mistakes.push(&["within"], "missing key `column`");
    }
    let of_tables = [
        ("column", within.column.is_some()),
        ("time", within.time.is_some()),
    ];
    for (key, _) in of_tables.iter().filter(|(_, given)| is_live && *given) {
        let message = format!("`{key}` does not go with `live`: events have a time of their own");
        mistakes.push(&["within", key], message);
    }
}

fn split_is_sound(split: &Split, mistakes: &mut NodeMistakes<'_>) {
    if split.into.is_empty() {
        mistakes.push(
            &["split", "into"],
            "`into` is empty: give at least one `VALUE = \"key\"`",
        );
    }
    for key in split.labels.keys() {
        if split
            .into
            .values()
            .chain(&split.rest)
            .all(|made| made != key)
        {
            let hint = did_you_mean(key, split.into.values().map(String::as_str));
            mistakes.push(
                &["split", "labels", key],
                format!("no metric `{key}` is made here{hint}"),
            );
        }
    }
}

fn is_series_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
}
