//! The catalog for people: every metric with what it means, how far back it can be known and when it alerts.

use std::fmt::Write;

use super::{AlertOn, Catalog, Judge, Measure, Metric, Parts, Shape, Thresholds};

const INTRODUCTION: &str = "
## Metrics collected

How far back a number can be known:

| History | Days that were not counted on time |
|---|---|
| event | recounted exactly: rows are born and never change |
| interval | recounted exactly: rows are born and end by timestamps |
| survivors | recounted from the rows still alive; rows deleted since are missing |
| now | unknown: a column that changes is involved, or none says when rows began |

Names that end in `_24h`, `_7d` or `_30d` count the last 1, 7 or 30 calendar days.
";

/// A chapter in Markdown. Helpers that are never shown are left out.
pub fn metrics(catalog: &Catalog) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&general_rule(&catalog.thresholds));
    for section in catalog.sections() {
        page.push_str(&table(catalog, section));
    }
    page
}

fn general_rule(thresholds: &Thresholds) -> String {
    let Thresholds {
        warning,
        critical,
        min_base,
        min_change,
        judge,
    } = thresholds;
    let usual = match judge {
        Judge::Usual => ", or where the value is usual for its weekday",
        Judge::Thresholds => "",
    };
    format!(
        "\nWhere the last column says \"change\", the value is set against those of 1, 7 and 30 days before: \
         a change of {warning} % or more is a warning, of {critical} % or more critical, up or down alike. No \
         percent rule speaks where the value before was below {min_base}, where it moved by less than {min_change}{usual}.\n"
    )
}

fn table(catalog: &Catalog, section: &str) -> String {
    let mut table = format!(
        "\n### {}\n\n| Metric | Meaning | History | Alerts |\n|---|---|---|---|\n",
        cell(section)
    );
    for metric in catalog.shown().filter(|metric| metric.section == section) {
        writeln!(
            table,
            "| {}<br>`{}` | {} | {} | {} |",
            cell(&metric.label),
            metric.key,
            cell(&meaning(metric)),
            metric.history.word(),
            alerts(metric),
        )
        .expect("a String takes everything");
    }
    table
}

fn meaning(metric: &Metric) -> String {
    let mut meaning = metric.description.clone();
    if let Shape::Counted(counted) = &metric.shape {
        if let Measure::Newest(column) = &counted.measure {
            meaning += &format!(" From the newest `{column}` to the day's end.");
        }
        meaning += &match &counted.parts {
            Parts::Whole => String::new(),
            Parts::Share { column, values } => {
                format!(" Where `{column}` is {}.", values.join(" or "))
            }
            Parts::Rest { column, values } => {
                format!(" Where `{column}` is not {}.", values.join(", "))
            }
            Parts::By(by) => format!(
                " The {} largest keep their names, the rest is added up as \"other\".",
                by.top
            ),
        };
    }
    if let Shape::Live(live) = &metric.shape {
        meaning += &format!(" From live events: `{}`.", live.figure);
    }
    match metric.unit.as_str() {
        "" | "%" => {}
        "h" => meaning += " In hours.",
        unit => meaning += &format!(" In {unit}."),
    }
    meaning
}

/// Every rule of the metric, the most severe first.
fn alerts(metric: &Metric) -> String {
    let absolute = [
        ("critical", metric.alert.critical),
        ("warning", metric.alert.warning),
    ];
    let mut rules: Vec<String> = absolute
        .into_iter()
        .filter_map(|(level, limit)| Some((level, limit?.in_unit(&metric.unit))))
        .map(|(level, limit)| format!("{level} {}", cell(&limit)))
        .collect();
    rules.extend(change_rule(metric));
    if rules.is_empty() {
        return "none".to_owned();
    }
    rules.join("; ").replace('>', "&gt;").replace('<', "&lt;")
}

/// The parts of a distribution explain changes; they are judged themselves where the catalog says so.
fn change_rule(metric: &Metric) -> Option<String> {
    let distribution = metric.is_distribution();
    let rule = &metric.alert.percent;
    let what = match rule.on {
        AlertOn::Off => return None,
        _ if distribution && !metric.alert.parts => return None,
        _ if distribution => "part that falls, vanishes or appears",
        AlertOn::Both => "change",
        AlertOn::Falls => "fall",
        AlertOn::Rises => "rise",
    };
    let points = metric.moves_in_points();
    let unit = if points { "points" } else { "%" };
    let own: Vec<String> = [("critical", rule.critical), ("warning", rule.warning)]
        .into_iter()
        .filter_map(|(level, bound)| match bound {
            Some(0.0) => Some(format!("never {level}")),
            Some(bound) => Some(format!("{level} from {bound} {unit}")),
            None => None,
        })
        .collect();
    let of_points = if points { " in points" } else { "" };
    match own.is_empty() {
        true => Some(format!("{what}{of_points}")),
        false => Some(format!("{what}: {}", own.join(", "))),
    }
}

/// Text from the catalog must not end a table's cell or begin a tag.
fn cell(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('|', "\\|")
}
