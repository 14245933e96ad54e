//! What is piped in. It is read on a thread of its own, so that a pipe nobody fills keeps no signal from being heard.

use std::io::{self, Read};
use std::thread;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::CommandError;

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
    // Nobody waits for this thread, not even a runtime that ends.
    let (done, there) = oneshot::channel();
    thread::spawn(move || drop(done.send(read())));
    tokio::select! {
        read = there => Ok(read.context("cannot read the input to its end")?),
        () = stop.cancelled() => Err(CommandError::Interrupted),
    }
}
