//! `daybook top`: the newest day in the terminal.

use crate::cli::Top;
use crate::config::Config;

use super::{CommandError, Ended, World, open_book};

pub async fn run(config: &Config, args: &Top, world: &World) -> Result<Ended, CommandError> {
    let _: (_, &World) = (args, world);
    open_book(config).await?;
    Ok(Ended::Done)
}
