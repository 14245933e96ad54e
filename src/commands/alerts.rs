//! `daybook alerts`: what deserves attention.

use serde_json::json;

use crate::cli::Show;
use crate::config::Config;
use crate::render;

use super::{CommandError, Ended, World, output, show};

pub async fn list(config: &Config, args: &Show, world: &World) -> Result<Ended, CommandError> {
    let report = show::report(config, args.date.as_deref(), world).await?;
    match args.json {
        true => output::json(
            &json!({ "schema": 1, "date": report.date, "alerts": render::alerts::json(&report) }),
        )?,
        false => output::data(&render::alerts::list(&report, show::look(world)))?,
    }
    Ok(Ended::Done)
}
