//! Reads clock, environment and arguments once, runs one command, and exits with its code.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::thread;

use chrono::{DateTime, Utc};
use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use daybook::cli::{Cli, Command, Live};
use daybook::commands::{self, CommandError, World, log, output};

fn main() -> ExitCode {
    let arguments = std::env::args_os().map(|one| one.to_string_lossy().into_owned());
    if let Err(error) = commands::without_passwords(arguments) {
        return failed(&error);
    }
    let cli = Cli::parse();
    let begun = world().and_then(|world| {
        listen_for_signals(world.stop.clone())?;
        Ok((world, runtime(&cli.command)?))
    });
    let (world, runtime) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            output::say(&format!("daybook: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    log::start(&cli.command, clock);
    let ended = runtime.block_on(commands::run(cli, &world));
    // A pending name lookup or pipe must not delay the exit.
    runtime.shutdown_background();
    match ended {
        Ok(ended) => ExitCode::from(ended.exit_code()),
        Err(error) => failed(&error),
    }
}

/// No page must wait for another, no event for the keeper; every other command needs one thread.
fn runtime(command: &Command) -> io::Result<Runtime> {
    let mut builder = match command {
        Command::Serve(_)
        | Command::Live {
            action: Live::Record(_),
        } => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

fn failed(error: &CommandError) -> ExitCode {
    output::say(&format!("daybook: {error}"));
    ExitCode::from(error.exit_code())
}

/// The one place that reads the environment.
fn world() -> io::Result<World> {
    // Variables that are not Unicode are not Daybook's.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(World {
        now: clock(),
        clock,
        width: output::width(environment.get("COLUMNS")),
        program: std::env::args()
            .next()
            .unwrap_or_else(|| "daybook".to_owned()),
        environment,
        directory: std::env::current_dir()?,
        stdout_is_terminal: io::stdout().is_terminal(),
        stderr_is_terminal: io::stderr().is_terminal(),
        stop: CancellationToken::new(),
    })
}

/// As `Utc::now`, which panics before 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn clock() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// The first signal cancels the command, the second ends the program at once. Its own thread handles them even while the
/// command computes.
#[expect(
    clippy::disallowed_methods,
    reason = "the second signal ends the program without cleaning up"
)]
fn listen_for_signals(stop: CancellationToken) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let listening = runtime.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    drop(listening);
    let signals = async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        stop.cancel();
        next().await;
        std::process::exit(1);
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(signals))?;
    Ok(())
}
