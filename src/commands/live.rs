//! `daybook live`: events between two nights.

mod kinds;
mod points;
mod prune;
mod record;

use crate::cli::{Live, Question};
use crate::config::{Config, LiveSettings};
use crate::live::store::StoreError;

use super::{CommandError, Ended, World};

pub async fn run(config: &Config, args: &Live, world: &World) -> Result<Ended, CommandError> {
    match args {
        Live::Record(args) => record::run(config, args, world).await,
        Live::Query {
            question: Question::Points(args),
        } => points::run(config, args, world).await,
        Live::Kinds(args) => kinds::declared(config, args),
        Live::Prune(args) => prune::run(config, args, world).await,
    }
}

pub use kinds::preset;

fn settings(config: &Config) -> Result<&LiveSettings, CommandError> {
    config.live.as_ref().ok_or_else(|| {
        CommandError::Usage(format!(
            "{} has no section [live]: add one with the kinds of events to record, such as `presets = [\"hosts\"]`",
            config.file.display()
        ))
    })
}

/// A file that others keep busy, or whose disk is full, is a database that is unavailable.
fn unavailable(error: StoreError) -> CommandError {
    match error {
        StoreError::Foreign { .. } => CommandError::Usage(error.to_string()),
        _ => CommandError::Unavailable(error.to_string()),
    }
}
