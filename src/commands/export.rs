//! `daybook export`: days for other programs.

use crate::cli::Export;
use crate::config::Config;

use super::{CommandError, Ended, World, open_book};

pub async fn run(config: &Config, args: &Export, world: &World) -> Result<Ended, CommandError> {
    let _: (_, &World) = (args, world);
    open_book(config).await?;
    Ok(Ended::Done)
}
