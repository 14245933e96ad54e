//! `daybook live dashboard`: what the bot metrics service's readers know.

use std::ops::ControlFlow;

use crate::cli::Dashboard;
use crate::config::Config;
use crate::live::compat::bot_dashboard::dashboard;
use crate::live::question::Context;
use crate::live::reader::Reader;

use super::super::{CommandError, Ended, World, output};
use super::query::{failed, say_own_file};
use super::{kind, settings, unavailable};

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
    let reader = Reader::of_all(live);
    let mut lent = reader.lend(context.now).await.map_err(unavailable)?;
    loop {
        let counted = dashboard(lent.source(), &live.kinds, &[], args.hours, context).await;
        match lent.settle(counted).await.map_err(failed)? {
            ControlFlow::Break((mut counted, facts)) => {
                say_own_file(&facts);
                if let Some(counted) = counted.as_object_mut() {
                    counted.extend(facts);
                }
                output::json(&counted)?;
                return Ok(Ended::Done);
            }
            ControlFlow::Continue(other) => lent = other,
        }
    }
}
