//! `daybook live`: events between two nights.

mod dashboard;
mod export;
mod forget;
mod kinds;
mod migrate;
mod moderation;
mod prune;
mod query;
mod record;
mod redis;
mod tail;

use crate::cli::Live;
use crate::config::{Config, LiveSettings};
use crate::kinds::Kind;
use crate::live::store::StoreError;
use crate::text::suggest::did_you_mean;

use super::{CommandError, Ended, World};

pub async fn run(config: &Config, args: &Live, world: &World) -> Result<Ended, CommandError> {
    match args {
        Live::Record(args) => record::run(config, args, world).await,
        Live::Query(args) => query::run(config, args, world).await,
        Live::Export(args) => export::run(config, args, world).await,
        Live::Tail(args) => tail::run(config, args, world).await,
        Live::Dashboard(args) => dashboard::run(config, args, world).await,
        Live::Moderation(args) => moderation::run(config, args, world).await,
        Live::Kinds(args) => kinds::declared(config, args),
        Live::Migrate(args) => migrate::run(config, args, world).await,
        Live::Forget(args) => forget::run(config, args, world).await,
        Live::Prune(args) => prune::run(config, args, world).await,
        Live::Redis(args) => redis::run(config, args, world).await,
    }
}

pub use kinds::preset;
pub(super) use query::failed;

pub(super) fn settings(config: &Config) -> Result<&LiveSettings, CommandError> {
    config.live.as_ref().ok_or_else(|| {
        CommandError::Usage(format!(
            "{} has no section [live]: add one with the kinds of events to record, such as `presets = [\"hosts\"]`",
            config.file.display()
        ))
    })
}

fn kind<'l>(live: &'l LiveSettings, name: &str) -> Result<&'l Kind, CommandError> {
    live.kinds.get(name).ok_or_else(|| {
        let hint = did_you_mean(name, live.kinds.keys().map(String::as_str));
        CommandError::Usage(format!("no kind `{}`{hint}", name.escape_debug()))
    })
}

fn labels(texts: &[String], kind: &Kind) -> Result<Vec<(String, String)>, CommandError> {
    texts.iter().map(|text| label(text, kind)).collect()
}

fn label(text: &str, kind: &Kind) -> Result<(String, String), CommandError> {
    let wrong =
        |what: String| CommandError::Usage(format!("--label {}: {what}", text.escape_debug()));
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| wrong("expected NAME=VALUE".to_owned()))?;
    if kind.label(name).is_none() {
        let hint = did_you_mean(name, kind.labels.iter().map(|label| label.name.as_str()));
        return Err(wrong(format!("`{}` has no such label{hint}", kind.name)));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A file that others keep busy, or whose disk is full, is a database that is unavailable.
pub(super) fn unavailable(error: StoreError) -> CommandError {
    match error {
        StoreError::Foreign { .. } => CommandError::Usage(error.to_string()),
        _ => CommandError::Unavailable(error.to_string()),
    }
}
