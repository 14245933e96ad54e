//! `daybook import`: days from elsewhere, into the book.

use crate::cli::Import;
use crate::config::Config;

use super::{CommandError, Ended, World, open_book};

pub async fn run(config: &Config, args: &Import, world: &World) -> Result<Ended, CommandError> {
    let _: (_, &World) = (args, world);
    open_book(config).await?;
    Ok(Ended::Done)
}
