//! `daybook live query`: what is there, and what it comes to.

use std::ops::ControlFlow;

use serde_json::{Map, Value as Json};

use crate::cli::{Query, WhichEvents};
use crate::config::Config;
use crate::live::question::parameters::{self, Wrong};
use crate::live::question::{Answer, AskError, Context, ask};
use crate::live::reader::Reader;

use super::super::{CommandError, Ended, World, output};
use super::{kind, settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &Query,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let kind = kind(live, &args.kind)?;
    let context = Context {
        zone: config.time_zone,
        now: world.now,
    };
    let asked = parameters::read(&args.question, &pairs(args)?, kind, context).map_err(usage)?;
    let reader = Reader::of_all(live);
    let mut lent = reader.lend(context.now).await.map_err(unavailable)?;
    let answer = loop {
        let answered = ask(lent.source(), kind, &asked, context).await;
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

/// What was said, as an address would say it.
fn pairs(args: &Query) -> Result<Vec<(String, String)>, CommandError> {
    let mut pairs = which_pairs(&args.which)?;
    let figures = args.figures.iter();
    pairs.extend(figures.map(|figure| ("figure".to_owned(), figure.clone())));
    pairs.extend(said([
        ("every", &args.every),
        ("by", &args.by),
        ("value", &args.value),
        ("percentile", &args.percentile),
        ("order", &args.order),
        ("limit", &args.limit),
        ("after", &args.after),
    ]));
    if args.estimate {
        pairs.push(("estimate".to_owned(), "true".to_owned()));
    }
    Ok(pairs)
}

pub(super) fn which_pairs(which: &WhichEvents) -> Result<Vec<(String, String)>, CommandError> {
    let mut pairs = label_pairs(&which.labels)?;
    pairs.extend(said([
        ("from", &which.from),
        ("to", &which.to),
        ("last", &which.last),
        ("ok", &which.ok),
    ]));
    Ok(pairs)
}

pub(super) fn said<const N: usize>(
    texts: [(&str, &Option<String>); N],
) -> impl Iterator<Item = (String, String)> {
    let said = texts.map(|(name, text)| text.clone().map(|text| (name.to_owned(), text)));
    said.into_iter().flatten()
}

pub(super) fn label_pairs(labels: &[String]) -> Result<Vec<(String, String)>, CommandError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for label in labels {
        let Some((name, text)) = label.split_once('=') else {
            let label = label.escape_debug();
            let message = format!("--label {label}: expected NAME=VALUE");
            return Err(CommandError::Usage(message));
        };
        pairs.push((format!("label.{name}"), text.to_owned()));
    }
    Ok(pairs)
}

pub(super) fn usage(wrong: Wrong) -> CommandError {
    let Wrong { parameter, error } = wrong;
    CommandError::Usage(match parameter.strip_prefix("label.") {
        _ if ["question", "kind"].contains(&parameter.as_str()) => error,
        Some(label) => format!("--label {}: {error}", label.escape_debug()),
        None => format!("--{}: {error}", parameter.replace('_', "-")),
    })
}

pub(in super::super) fn failed(error: AskError) -> CommandError {
    match error {
        AskError::Store(error) => unavailable(error),
        AskError::TooMuch(message) => CommandError::Usage(message),
        AskError::Moved => CommandError::Unavailable(error.to_string()),
    }
}

/// Points as lines of JSON, everything else as a table; what else is known goes to standard error.
fn print(answer: &Answer, world: &World) -> Result<(), CommandError> {
    let fact = |name: &str| answer.facts.get(name);
    match &answer.rows {
        Some(("points", points)) => {
            for point in points {
                output::data(&point.to_string())?;
            }
        }
        Some((_, rows)) => {
            let figure = fact("figure").and_then(Json::as_str);
            output::page(&table(rows, figure, world))?;
        }
        None => {
            let mut facts = Map::new();
            let about = [
                "schema",
                "kind",
                "question",
                "from",
                "to",
                "time_zone",
                "complete",
                "missing",
                "broken",
                "error_pct",
                "too_large",
                "read",
                "answered_from",
                "redis_failed",
            ];
            let all = answer
                .facts
                .iter()
                .filter(|(name, _)| !about.contains(&name.as_str()));
            all.for_each(|(name, json)| flatten(name, json, &mut facts));
            let width = facts
                .keys()
                .map(|name| name.chars().count())
                .max()
                .unwrap_or(0);
            for (name, json) in &facts {
                output::page(&format!("{name:width$}  {}", text(json)))?;
            }
        }
    }
    say_gaps(answer);
    let list = |name: &str| fact(name).and_then(Json::as_array).into_iter().flatten();
    for figure in list("too_large") {
        let figure = text(figure);
        output::say(&format!("{figure} is larger than a number can be"));
    }
    if let Some(next) = fact("next") {
        output::say(&format!("there are more: --after {}", text(next)));
    }
    if let Some(error) = fact("error_pct") {
        output::say(&format!(
            "percentiles are estimates, right to within {error} %"
        ));
    }
    Ok(())
}

pub(super) fn say_gaps(answer: &Answer) {
    say_own_file(&answer.facts);
    let list = |name: &str| {
        let list = answer.facts.get(name).and_then(Json::as_array);
        list.into_iter().flatten()
    };
    for why in list("broken") {
        output::say(&format!("incomplete: {}", text(why)));
    }
    for part in list("missing") {
        let (from, to) = (text(&part["from"]), text(&part["to"]));
        output::say(&format!(
            "incomplete: from {from} to {to} nothing is kept that would answer"
        ));
    }
}

/// Others may have recorded more.
pub(super) fn say_own_file(facts: &Map<String, Json>) {
    if let Some(why) = facts.get("redis_failed") {
        let why = text(why);
        output::say(&format!(
            "answered from the own file, without what other replicas recorded: Redis: {why}"
        ));
    }
}

/// Of a ranking by one figure, that and the counts; the rest has no room.
pub(super) fn table(rows: &[Json], ranked_by: Option<&str>, world: &World) -> String {
    let is_shown = |name: &str| match ranked_by {
        Some(figure) => ["labels", "count", figure].contains(&name),
        None => true,
    };
    let rows = rows.iter().map(|row| {
        let mut flat = Map::new();
        let fields = row.as_object().into_iter().flatten();
        let shown = fields.filter(|(name, _)| is_shown(name));
        shown.for_each(|(name, json)| flatten(name, json, &mut flat));
        flat
    });
    let rows: Vec<Map<String, Json>> = rows.collect();
    let mut columns: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let cells = |row: &Map<String, Json>| {
        let cells = columns
            .iter()
            .map(|name| row.get(*name).map(text).unwrap_or_default());
        cells.collect::<Vec<String>>()
    };
    let is_number = |column: &&String| {
        rows.iter()
            .any(|row| row.get(*column).is_some_and(Json::is_number))
    };
    let numbers: Vec<bool> = columns.iter().map(is_number).collect();
    let width = output::width(world.environment.get("COLUMNS"));
    let mut table = output::table([""; 0], 0..0, width);
    table.set_header(columns.iter().map(|name| name.as_str()));
    table.add_rows(rows.iter().map(cells));
    output::align_right(&mut table, &numbers);
    output::plain(table)
}

/// `{"values": {"duration": {"avg": 2}}}` has one cell, `duration avg`.
pub(super) fn flatten(path: &str, json: &Json, into: &mut Map<String, Json>) {
    match json {
        Json::Object(fields) => {
            for (name, json) in fields {
                let path = match path {
                    "" | "labels" | "values" => name.clone(),
                    path => format!("{} {name}", path.trim_end_matches(" values")),
                };
                flatten(&path, json, into);
            }
        }
        json => drop(into.insert(path.to_owned(), json.clone())),
    }
}

pub(super) fn text(json: &Json) -> String {
    match json {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        json => json.to_string(),
    }
}
