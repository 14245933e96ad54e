//! `daybook live dashboard`: what the bot metrics service's readers know.

use crate::cli::Dashboard;
use crate::config::Config;
use crate::live::compat::bot_dashboard::dashboard;
use crate::live::question::Context;

use super::super::{CommandError, Ended, World, output};
use super::query::{failed, store};
use super::{kind, settings};

pub(super) async fn run(
    config: &Config,
    args: &Dashboard,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    // Whoever has declared none of the bot's kinds is told.
    kind(live, "stage")?;
    let context = Context {
        zone: config.time_zone,
        now: world.now,
    };
    let mut store = store(live).await?;
    let counted = dashboard(&mut store, &live.kinds, &[], args.hours, context).await;
    output::json(&counted.map_err(failed)?)?;
    Ok(Ended::Done)
}
