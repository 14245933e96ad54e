//! `daybook live kinds`: what may be recorded.

use serde_json::{Value as Json, json};

use crate::cli::Kinds;
use crate::config::Config;
use crate::kinds::{Accepts, Kind, presets};
use crate::text::duration::spoken;

use super::super::{CommandError, Ended, output};
use super::settings;

/// The TOML of a preset, to be used as it is or changed.
pub fn preset(name: &str) -> Result<Ended, CommandError> {
    let toml = presets::find(name).map_err(CommandError::Usage)?;
    let toml = toml.replace("[kinds.", "[live.kinds.");
    output::data(&toml.replace("[[alerts]]", "[[live.alerts]]"))?;
    Ok(Ended::Done)
}

pub(super) fn declared(config: &Config, args: &Kinds) -> Result<Ended, CommandError> {
    let kinds = settings(config)?.kinds.values();
    if args.json {
        let kinds: Vec<Json> = kinds.map(as_json).collect();
        output::json(&json!({ "schema": 1, "kinds": kinds }))?;
        return Ok(Ended::Done);
    }
    for kind in kinds {
        output::page(&as_text(kind))?;
    }
    Ok(Ended::Done)
}

fn as_text(kind: &Kind) -> String {
    let labels = kind.labels.iter().map(|label| {
        let accepts = match &label.accepts {
            Accepts::OneOf(values) => values.join(" | "),
            Accepts::Most(most) => format!("{most} values at most"),
            Accepts::Find => "any, to be looked up".to_owned(),
        };
        row(&label.name, "label", &accepts, label.required)
    });
    let values = kind.values.iter().map(|value| {
        let decimals = value.decimals.map(|digits| format!("{digits} decimals"));
        let bounds = match (value.min, value.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => String::new(),
        };
        let unit = value.unit.clone();
        let parts = [unit, bounds, decimals.unwrap_or_default()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        row(&value.name, "value", &parts.join(", "), value.required)
    });
    let shape = as_json(kind)["shape"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let rows: String = labels.chain(values).collect();
    format!("{} ({shape})\n{rows}", kind.name)
}

fn row(name: &str, what: &str, accepts: &str, required: bool) -> String {
    let required = if required { ", required" } else { "" };
    format!("  {name:<28} {what}  {accepts}{required}\n")
}

fn as_json(kind: &Kind) -> Json {
    let labels = kind.labels.iter().map(|label| {
        let accepts = match &label.accepts {
            Accepts::OneOf(values) => json!({ "values": values }),
            Accepts::Most(most) => json!({ "most": most }),
            Accepts::Find => json!({ "find": true }),
        };
        json!({ "name": label.name, "required": label.required, "accepts": accepts })
    });
    let values = kind.values.iter().map(|value| {
        json!({
            "name": value.name, "unit": value.unit, "decimals": value.decimals, "min": value.min,
            "max": value.max, "default": value.default, "required": value.required,
        })
    });
    let group = |group: &Vec<usize>| -> Vec<&str> {
        group
            .iter()
            .map(|label| kind.labels[*label].name.as_str())
            .collect()
    };
    let keep =
        |time: Option<std::time::Duration>| time.map_or_else(|| "forever".to_owned(), spoken);
    json!({
        "name": kind.name,
        "shape": kind.shape,
        "labels": labels.collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
        "by": kind.groups.iter().skip(1).map(group).collect::<Vec<_>>(),
        "cluster": kind.cluster.map(|label| &kind.labels[label].name),
        "late": spoken(kind.late),
        "keep": {
            "points": keep(kind.keep.points), "hourly": keep(kind.keep.hourly),
            "daily": keep(kind.keep.daily), "monthly": keep(kind.keep.monthly),
        },
        "details_bytes": kind.details,
    })
}
