//! Reads the world once, runs one command, ends with its exit code.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use daybook::cli::Cli;
use daybook::commands::{self, World, output};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = std::env::args_os().map(|one| one.to_string_lossy().into_owned());
    if let Err(error) = commands::without_passwords(arguments) {
        output::say(&format!("daybook: {error}"));
        return ExitCode::from(error.exit_code());
    }
    let cli = Cli::parse();
    let world = match world() {
        Ok(world) => world,
        Err(error) => {
            output::say(&format!(
                "daybook: cannot tell the working directory: {error}"
            ));
            return ExitCode::FAILURE;
        }
    };
    tokio::spawn(stop_on_signal(world.stop.clone()));
    match commands::run(cli, &world).await {
        Ok(ended) => ExitCode::from(ended.exit_code()),
        Err(error) => {
            output::say(&format!("daybook: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock and the environment"
)]
fn world() -> std::io::Result<World> {
    // Variables that are not Unicode cannot be meant for us.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(World {
        now: chrono::Utc::now(),
        clock: chrono::Utc::now,
        width: output::width(environment.get("COLUMNS")),
        program: std::env::args()
            .next()
            .unwrap_or_else(|| "daybook".to_owned()),
        environment,
        directory: std::env::current_dir()?,
        terminal: (
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        ),
        stop: CancellationToken::new(),
    })
}

/// The first signal ends running statements and lets the command end well. It is listened to from now on, not only
/// once the returned future is waited for.
fn stop_on_signal(stop: CancellationToken) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    }
}
