//! `daybook serve`: the dashboard, until somebody stops it.

use crate::cli::Serve;
use crate::config::Config;

use super::{CommandError, Ended, World, output};

pub async fn run(config: Config, args: &Serve, world: &World) -> Result<Ended, CommandError> {
    let listen = args.listen.clone();
    let listen = listen.unwrap_or_else(|| config.serve.listen.to_string());
    output::say(&format!("{listen} {}", (world.clock)()));
    Ok(Ended::Done)
}
