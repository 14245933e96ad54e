//! What only shows when the pieces are seen together: names, references, shapes that contradict themselves.

use std::collections::BTreeSet;

use super::document::Document;
use super::mistake::{Mistake, did_you_mean};
use super::written::{Metric, Place, Written};
use super::{Catalog, History, Shape, TimeKind};

pub fn as_a_whole(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    for (id, table, place) in &written.tables {
        if !seen.insert(id) {
            mistakes.push(place.mistake(&["name"], format!("table `{id}` is declared twice")));
        }
        name_is_sound("table name", &table.name, &["name"], *place, mistakes);
        for (key, column) in [
            ("created_at", &table.created_at),
            ("deleted_at", &table.deleted_at),
        ] {
            if let Some(column) = column {
                name_is_sound("column", column, &[key], *place, mistakes);
            }
        }
        if table.deleted_at.is_some() && table.created_at.is_none() {
            mistakes.push(place.mistake(
                &["deleted_at"],
                format!("table `{id}` has `deleted_at` but no `created_at`"),
            ));
        }
        if let Some(form) = &table.text_form
            && !matches!(table.time, TimeKind::Utc | TimeKind::Local)
        {
            mistakes.push(place.mistake(
                &["text_form"],
                format!("`text_form = \"{form}\"` needs `time = \"utc\"` or `\"local\"`"),
            ));
        }
    }
    lineage_ends(catalog, written, mistakes);
    keys_are_unique(catalog, written, mistakes);
    for (metric, place) in &written.metrics {
        key_is_sound(metric, *place, mistakes);
        one_shape_only(metric, *place, mistakes);
        numbers_are_sound(metric, *place, mistakes);
        references_exist(metric, *place, catalog, mistakes);
        history_is_possible(metric, *place, catalog, mistakes);
    }
}

/// Names of app databases can only be checked once the settings are known.
pub fn databases_exist(
    catalog_documents: &[Document<'_>],
    known: &[&str],
    mistakes: &mut Vec<Mistake>,
) {
    let mut ignored = Vec::new();
    let written = Written::gather(catalog_documents, &mut ignored);
    let tables = written
        .tables
        .iter()
        .map(|(_, table, place)| (&table.database, place));
    let metrics = written
        .metrics
        .iter()
        .map(|(metric, place)| (&metric.database, place));
    for (name, place) in tables.chain(metrics) {
        if !name.is_empty() && !known.contains(&name.as_str()) {
            let hint = did_you_mean(name, known.iter().copied());
            mistakes.push(place.mistake(
                &["database"],
                format!("no app database `{name}`: declare `[apps.{name}]`{hint}"),
            ));
        }
    }
}

/// Names are quoted into SQL: a quote or control character in one is a mistake, not an attack to escape.
fn name_is_sound(
    what: &str,
    name: &str,
    path: &[&str],
    place: Place<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    if name.is_empty()
        || name
            .chars()
            .any(|letter| letter.is_control() || letter == '"' || letter == '`')
    {
        mistakes.push(place.mistake(
            path,
            format!("`{}` cannot be a {what}", name.escape_debug()),
        ));
    }
}

/// A table that belongs to itself over detours would never be counted.
fn lineage_ends(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    for (at, (id, _, place)) in written.tables.iter().enumerate() {
        let parents = catalog
            .tables
            .get(at)
            .map(|table| table.parents.as_slice())
            .unwrap_or_default();
        if parents
            .iter()
            .any(|parent| catalog.lineage(parent.table).contains(&at))
        {
            mistakes.push(place.mistake(
                &["belongs_to"],
                format!("table `{id}` belongs to itself in a circle"),
            ));
        }
        for parent in parents {
            name_is_sound("column", &parent.column, &["belongs_to"], *place, mistakes);
            name_is_sound("column", &parent.key, &["belongs_to"], *place, mistakes);
            if catalog.tables[parent.table].database != catalog.tables[at].database {
                mistakes.push(place.mistake(
                    &["belongs_to"],
                    format!("table `{id}` and its parent are in different databases"),
                ));
            }
        }
    }
}

fn keys_are_unique(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    let mut told = BTreeSet::new();
    for metric in &catalog.metrics {
        if !seen.insert(&metric.key) && told.insert(&metric.key) {
            let last = written
                .metrics
                .iter()
                .rev()
                .find(|(written, _)| written.key == metric.family);
            if let Some((_, place)) = last {
                mistakes.push(
                    place.mistake(&["key"], format!("the key `{}` is made twice", metric.key)),
                );
            }
        }
    }
}

fn key_is_sound(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    let mut check = |key: &str, path: &[&str]| {
        let sound = key.starts_with(|first: char| first.is_ascii_lowercase())
            && key.len() <= 58
            && key.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            });
        if !sound {
            let rule = "a key begins with a letter a-z and goes on with at most 57 letters a-z, digits and `_`";
            mistakes.push(place.mistake(
                path,
                format!("`{}` cannot be a key: {rule}", key.escape_debug()),
            ));
        }
    };
    check(&metric.key, &["key"]);
    for (value, key) in metric.split.iter().flat_map(|split| &split.into) {
        check(key, &["split", "into", value]);
    }
}

fn one_shape_only(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
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
    let given: Vec<&str> = measures
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    if let [first, second, ..] = given[..] {
        mistakes.push(place.mistake(
            &[second],
            format!(
                "`{first}` and `{second}` cannot both be the number of `{}`",
                metric.key
            ),
        ));
    }
    let modifiers = [
        ("where", metric.condition.is_some()),
        ("within", metric.within.is_some()),
        ("split", metric.split.is_some()),
        ("by", metric.by.is_some()),
        ("per", metric.per.is_some()),
        ("table", metric.table.is_some()),
    ];
    let of_a_table = !matches!(given.first(), Some(&("percent" | "ratio" | "sql")));
    for (name, _) in modifiers.iter().filter(|(_, given)| *given && !of_a_table) {
        mistakes.push(place.mistake(
            &[name],
            format!("`{name}` means nothing beside `{}`", given[0]),
        ));
    }
    let parted = metric.split.is_some() || metric.by.is_some();
    if metric.split.is_some() && metric.by.is_some() {
        mistakes.push(place.mistake(&["by"], "`split` and `by` cannot be combined"));
    }
    if metric.by.is_some() && !(metric.count.is_some() || metric.sum.is_some()) {
        mistakes.push(place.mistake(&["by"], "a distribution is made of `count` or `sum`"));
    }
    if metric.per.is_some() && (parted || metric.within.is_some() || metric.distinct.is_some()) {
        mistakes.push(place.mistake(&["per"], "`per` goes with a plain `count` or `sum`"));
    }
}

fn numbers_are_sound(metric: &Metric, place: Place<'_>, mistakes: &mut Vec<Mistake>) {
    if let Some(within) = &metric.within {
        if within.days.is_empty() {
            mistakes.push(place.mistake(
                &["within", "days"],
                "`days` is empty: give at least one, such as `[1, 7, 30]`",
            ));
        }
        for days in within
            .days
            .iter()
            .filter(|days| !(1..=3660).contains(*days))
        {
            mistakes.push(place.mistake(
                &["within", "days"],
                format!("a window of {days} days is not between 1 and 3660"),
            ));
        }
        name_is_sound(
            "column",
            &within.column,
            &["within", "column"],
            place,
            mistakes,
        );
    }
    if let Some(split) = &metric.split {
        if split.into.is_empty() {
            mistakes.push(place.mistake(
                &["split", "into"],
                "`into` is empty: give at least one `VALUE = \"key\"`",
            ));
        }
        name_is_sound(
            "column",
            &split.column,
            &["split", "column"],
            place,
            mistakes,
        );
        for key in split
            .labels
            .keys()
            .filter(|key| !split.into.values().any(|made| made == *key))
        {
            let hint = did_you_mean(key, split.into.values().map(String::as_str));
            mistakes.push(place.mistake(
                &["split", "labels", key],
                format!("no metric `{key}` is made here{hint}"),
            ));
        }
    }
    if let Some(by) = &metric.by {
        name_is_sound("column", &by.column, &["by", "column"], place, mistakes);
        if !(1..=1000).contains(&by.top) {
            mistakes.push(place.mistake(
                &["by", "top"],
                format!("`top = {}` is not between 1 and 1000", by.top),
            ));
        }
    }
    if metric.decimals.is_some_and(|decimals| decimals > 9) {
        mistakes.push(place.mistake(&["decimals"], "`decimals` is at most 9"));
    }
    let percent = &metric.alert.percent;
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
}

fn references_exist(
    metric: &Metric,
    place: Place<'_>,
    catalog: &Catalog,
    mistakes: &mut Vec<Mistake>,
) {
    let keys = || catalog.metrics.iter().map(|metric| metric.key.as_str());
    let mut check = |path: &[&str], key: &str| match catalog.metric(key).map(|metric| &metric.shape)
    {
        None => mistakes.push(place.mistake(
            path,
            format!("no metric `{key}`{}", did_you_mean(key, keys())),
        )),
        Some(Shape::Derived(_)) => mistakes.push(place.mistake(
            path,
            format!(
                "`{key}` is itself derived: `{}` must be made of counted metrics",
                metric.key
            ),
        )),
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
        mistakes.push(place.mistake(
            &["per"],
            format!("no table `{per}` is declared{}", did_you_mean(per, ids())),
        ));
    }
}

fn history_is_possible(
    metric: &Metric,
    place: Place<'_>,
    catalog: &Catalog,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(history) = metric.history else {
        return;
    };
    if metric.percent.is_some() || metric.ratio.is_some() {
        mistakes.push(place.mistake(
            &["history"],
            "a derived metric has the history of what it is made of",
        ));
    }
    let table = metric
        .table
        .as_ref()
        .and_then(|id| catalog.tables.iter().position(|table| table.id == *id));
    let Some(table) = table else { return };
    let lineage = catalog.lineage(table);
    let told =
        |what: fn(&super::Table) -> bool| lineage.iter().any(|at| what(&catalog.tables[*at]));
    let message = match history {
        History::Now => return,
        _ if told(|table| table.created_at.is_none()) => {
            "a past day can be recounted only where the table and its parents have `created_at`"
        }
        History::Interval if !told(|table| table.deleted_at.is_some()) => {
            "`interval` needs `deleted_at` on the table or on a parent"
        }
        History::Event if told(|table| table.deleted_at.is_some()) => {
            "rows that have `deleted_at` are not events: their history is `interval`"
        }
        _ => return,
    };
    mistakes.push(place.mistake(&["history"], message));
}
