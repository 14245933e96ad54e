//! `daybook alerts`: what deserves attention.

use crate::cli::Show;
use crate::config::Config;
use crate::render;

use super::{CommandError, Ended, World, output, show};

pub async fn list(config: &Config, args: &Show, world: &World) -> Result<Ended, CommandError> {
    let report = show::report(config, args.date.as_deref(), world).await?;
    match args.json {
        true => output::json(&render::alerts::json(&report)),
        false => output::data(&render::alerts::list(&report, show::look(world))),
    }
    Ok(Ended::Done)
}
