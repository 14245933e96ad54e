//! `daybook alerts`: lists alerts, mutes them, and replays the rules.

mod backtest;
mod mute;

use serde_json::json;

use crate::catalog::Catalog;
use crate::cli::{Alerts, Show};
use crate::config::Config;
use crate::render;
use crate::text::suggest::did_you_mean;

use super::{CommandError, Ended, World, dates, output, show};

pub async fn run(config: &Config, action: &Alerts, world: &World) -> Result<Ended, CommandError> {
    match action {
        Alerts::List(args) => list(config, args, world).await,
        Alerts::Backtest(args) => backtest::run(config, args, world).await,
        Alerts::Mute(args) => mute::mute(config, args, world).await,
        Alerts::Unmute { key } => mute::unmute(config, key, world).await,
        Alerts::Mutes { json } => mute::list(config, *json, world).await,
    }
}

async fn list(config: &Config, args: &Show, world: &World) -> Result<Ended, CommandError> {
    let date = dates::asked(&args.date, config, world)?;
    let report = show::report(config, date, world).await?;
    match args.json {
        true => output::json(
            &json!({ "schema": 1, "date": report.date, "alerts": render::alerts::json(&report) }),
        )?,
        false => output::data(&render::alerts::list(&report, show::look(world)))?,
    }
    Ok(Ended::Done)
}

/// A metric's key, or that of a family.
fn known(key: &str, catalog: &Catalog) -> Result<(), CommandError> {
    let names = catalog.shown();
    let names: Vec<&str> = names
        .flat_map(|metric| [metric.key.as_str(), &metric.family])
        .collect();
    if names.contains(&key) {
        return Ok(());
    }
    let hint = match did_you_mean(key, names) {
        hint if hint.is_empty() => "; `daybook config metrics` lists them".to_owned(),
        hint => hint,
    };
    Err(CommandError::Usage(format!(
        "no metric or family `{}`{hint}",
        key.escape_debug()
    )))
}
