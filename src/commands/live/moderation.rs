//! `daybook live moderation`: what the moderation bot's dashboards show of its scans.

use std::ops::ControlFlow;

use serde_json::{Map, Value as Json};

use crate::cli::Moderation;
use crate::config::Config;
use crate::live::compat::moderation::KIND;
use crate::live::compat::scan_questions::{ScanQuestion, answer};
use crate::live::compat::scan_rollups::is_scan;
use crate::live::question::{Answer, Context};
use crate::live::reader::Reader;

use super::super::{CommandError, Ended, World, output};
use super::query::{failed, flatten, said, say_gaps, table, text, usage};
use super::{kind, settings, unavailable};

/// Columns of a table, with the fields that they show; JSON has the rest.
const COLUMNS: [(&str, &[&str]); 9] = [
    ("date", &["metric_date"]),
    ("type", &["label", "content_type"]),
    ("scans", &["scans", "scans_count"]),
    ("a minute", &["per_minute"]),
    ("flagged", &["flagged_rate"]),
    ("bytes", &["average_bytes"]),
    ("ms", &["average_latency_ms"]),
    ("ms/frame", &["average_latency_per_frame_ms"]),
    ("coverage", &["frame_coverage_rate"]),
];
/// Digits behind the point in a table.
const DIGITS: f64 = 1e2;

pub(super) async fn run(
    config: &Config,
    args: &Moderation,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let kind = kind(live, KIND)?;
    if !is_scan(kind) {
        let error = format!("`{KIND}` is declared without the labels and values of scans");
        return Err(CommandError::Usage(error));
    }
    let context = Context {
        zone: config.time_zone,
        now: world.now,
    };
    let pairs = said([
        ("guild", &args.guild),
        ("content_type", &args.content_type),
        ("since", &args.since),
        ("limit", &args.limit),
    ]);
    let pairs: Vec<(String, String)> = pairs.collect();
    let question = ScanQuestion::read(&args.question, &pairs, context).map_err(usage)?;
    let reader = Reader::of_all(live);
    let mut lent = reader.lend(context.now).await.map_err(unavailable)?;
    let answer = loop {
        let answered = answer(lent.source(), kind, &question, &[], context).await;
        match lent.settle(answered).await.map_err(failed)? {
            ControlFlow::Break((mut answer, facts)) => {
                answer.facts.extend(facts);
                break answer;
            }
            ControlFlow::Continue(other) => lent = other,
        }
    };
    let is_complete = !answer.facts.contains_key("broken");
    match args.json {
        true => output::json(&answer.into_json())?,
        false => print(&answer, world)?,
    }
    Ok(if is_complete {
        Ended::Done
    } else {
        Ended::Unsound
    })
}

fn print(answer: &Answer, world: &World) -> Result<(), CommandError> {
    let fact = |name: &str| answer.facts.get(name);
    if let Some((_, rows)) = &answer.rows {
        let rows: Vec<Json> = rows.iter().map(shortened).collect();
        output::page(&table(&rows, None, world))?;
    }
    if let Some(latency) = fact("latency") {
        let by_type = latency["by_type"].as_object().into_iter().flatten();
        let rows = [&latency["overall"]].into_iter();
        let rows: Vec<Json> = rows
            .chain(by_type.map(|(_, row)| row))
            .map(shortened)
            .collect();
        output::page(&table(&rows, None, world))?;
    }
    if let Some(totals) = fact("totals") {
        let mut facts = Map::new();
        let fields = totals.as_object().into_iter().flatten();
        let shown =
            fields.filter(|(name, _)| !["acceleration", "last_details"].contains(&name.as_str()));
        shown.for_each(|(name, json)| flatten(name, &rounded(json), &mut facts));
        let width = facts
            .keys()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, json) in &facts {
            output::page(&format!("{name:width$}  {}", text(json)))?;
        }
    }
    say_gaps(answer);
    if let Some(part) = fact("rolled_up") {
        let to = text(&part["to"]);
        output::say(&format!(
            "before {to} only rollups are kept: what was last there is not known"
        ));
    }
    Ok(())
}

fn shortened(row: &Json) -> Json {
    let cells = COLUMNS.iter().filter_map(|(header, fields)| {
        let cell = fields.iter().find_map(|field| row.get(field))?;
        Some(((*header).to_owned(), rounded(cell)))
    });
    Json::Object(cells.collect())
}

/// What is whole is written without a point.
fn rounded(json: &Json) -> Json {
    let rounded = |number: f64| (number * DIGITS).round() / DIGITS;
    match json.as_f64().map(rounded) {
        Some(number) if json.is_f64() && number.fract() == 0.0 && number.abs() < 9e15 => {
            (number as i64).into()
        }
        Some(number) if json.is_f64() => number.into(),
        _ => json.clone(),
    }
}
