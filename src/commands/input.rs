//! Input from outside: database URLs, and pipes, which are read on a thread so that Ctrl-C works meanwhile.

use std::io::{self, Read};
use std::thread;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::DatabaseUrl;
use crate::config::environment::given;

use super::{CommandError, World};

/// `source` names the URL's origin in errors.
pub(super) fn database_url(
    text: &str,
    source: &str,
    world: &World,
) -> Result<DatabaseUrl, CommandError> {
    let url = DatabaseUrl::parse(text.trim(), &world.directory);
    url.map_err(|why| CommandError::Usage(format!("{source}: {why}")))
}

/// The URL in the variable, its file or its credential; `missing` says what to do without one.
pub(super) fn url_from_environment(
    variable: &str,
    missing: &str,
    world: &World,
) -> Result<DatabaseUrl, CommandError> {
    match given(variable, &world.environment, &world.directory)? {
        Some(given) => database_url(&given.text, variable, world),
        None => Err(CommandError::Usage(missing.to_owned())),
    }
}

pub(super) async fn standard_input(stop: &CancellationToken) -> Result<String, CommandError> {
    let read = on_a_thread(stop, || {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    });
    Ok(read.await?.context("cannot read standard input")?)
}

pub(super) async fn on_a_thread<T: Send + 'static>(
    stop: &CancellationToken,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    // A task of the runtime would delay the program's end.
    let (done, result) = oneshot::channel();
    thread::spawn(move || drop(done.send(read())));
    tokio::select! {
        read = result => Ok(read.context("cannot read the input to its end")?),
        () = stop.cancelled() => Err(CommandError::Interrupted),
    }
}
