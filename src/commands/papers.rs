//! `daybook completions` and `daybook man`, made from the command line's definition.

mod manual;
mod page;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

use super::{CommandError, Ended, output};

pub fn completions(shell: Shell) -> Result<Ended, CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "daybook", &mut text);
    output::data(&String::from_utf8_lossy(&text))?;
    Ok(Ended::Done)
}

pub fn man() -> Result<Ended, CommandError> {
    let text = page::whole(Cli::command()).map_err(anyhow::Error::from)?;
    output::data(&text)?;
    Ok(Ended::Done)
}
