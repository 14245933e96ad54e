//! One file per command; the errors and exit codes that they share.

pub mod alerts;
pub mod book;
pub mod collect;
pub mod config;
pub mod dates;
mod delivered;
pub mod deliveries;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod grafana;
pub mod import;
pub mod init;
mod input;
pub mod live;
pub mod log;
pub mod output;
pub mod papers;
pub mod progress;
pub mod prune;
pub mod report;
pub mod runs;
pub mod send;
pub mod serve;
pub mod show;
pub mod target;
pub mod top;
pub mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use thiserror::Error;

use crate::book::{Book, BookError};
use crate::cli::{Cli, Command, Kinds, Live};
use crate::config::{Config, ConfigError};
use crate::nightly::NightError;
use crate::text::mistake::Mistake;
use crate::text::secrets::masked;
use tokio_util::sync::CancellationToken;

/// The outside world as a command sees it, read once in `main`.
pub struct World {
    pub now: DateTime<Utc>,
    /// For the dashboard, which runs on.
    pub clock: fn() -> DateTime<Utc>,
    /// How this program was called, to suggest commands that work here.
    pub program: String,
    pub environment: BTreeMap<String, String>,
    pub directory: PathBuf,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub width: u16,
    pub stop: CancellationToken,
}

/// How a command without an error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// Stored, but some metrics failed.
    Incomplete,
    /// Stored, but a database was unavailable.
    Unavailable,
    /// Not every delivery was accepted.
    Undelivered,
    /// Checked, and something is wrong.
    Unsound,
}

#[derive(Debug, Error)]
pub enum CommandError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Book(#[from] BookError),
    #[error(transparent)]
    Night(#[from] NightError),
    #[error("{0}")]
    Unavailable(String),
    #[error("interrupted")]
    Interrupted,
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl From<Mistake> for CommandError {
    fn from(mistake: Mistake) -> Self {
        let mistakes = vec![mistake];
        Self::Config(ConfigError { mistakes })
    }
}

impl Ended {
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Incomplete | Self::Unsound => 1,
            Self::Unavailable => 69,
            Self::Undelivered => 75,
        }
    }
}

impl CommandError {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 78,
            Self::Usage(_) | Self::Night(NightError::Refused(_)) => 2,
            Self::Unavailable(_) | Self::Night(NightError::Unavailable(_)) => 69,
            Self::Book(error) | Self::Night(NightError::Book(error)) if error.is_unavailable() => {
                69
            }
            Self::Book(_) | Self::Night(_) | Self::Interrupted | Self::Failed(_) => 1,
        }
    }
}

/// Every user of the machine can read a command line, so it may hold no password.
pub fn without_passwords(arguments: impl Iterator<Item = String>) -> Result<(), CommandError> {
    for argument in arguments {
        let shown = masked(&argument);
        if shown != argument {
            return Err(CommandError::Usage(format!(
                "`{shown}` on the command line shows its password to everybody on this machine: set it in the environment or in a file that a variable names, such as DAYBOOK_APP_DATABASE_URL_FILE or DAYBOOK_SMTP_URL_FILE"
            )));
        }
    }
    Ok(())
}

/// Mail and TLS support only these years.
fn check_clock(world: &World) -> Result<(), CommandError> {
    match world.now.year() {
        1970..=9999 => Ok(()),
        _ => Err(CommandError::Failed(anyhow::anyhow!(
            "this machine's clock shows {}, and Daybook supports the years 1970 to 9999: set the clock; nothing was done",
            world.now.format("%Y-%m-%d %H:%M UTC")
        ))),
    }
}

/// Runs one command. Once it is told to stop, it has a short time to clean up.
pub async fn run(cli: Cli, world: &World) -> Result<Ended, CommandError> {
    check_clock(world)?;
    let time_to_end = time_to_end(&cli.command);
    let overdue = async {
        world.stop.cancelled().await;
        tokio::time::sleep(time_to_end).await;
    };
    tokio::select! {
        biased;
        ended = Box::pin(execute(cli, world)) => ended,
        () = overdue => Err(CommandError::Interrupted),
    }
}

/// How long a command may take to clean up.
fn time_to_end(command: &Command) -> Duration {
    match command {
        // They finish a message or an answer, and record the run.
        Command::Collect(_) | Command::Send(_) | Command::Serve(_) => Duration::from_secs(15),
        // What was taken is written.
        Command::Live {
            action: Live::Record(_),
        } => Duration::from_secs(31),
        // A page is written, and the files are closed.
        Command::Live {
            action: Live::Migrate(_),
        } => Duration::from_secs(15),
        // They cancel statements on a server, remove an unfinished file, or restore the terminal.
        Command::Explain(_)
        | Command::Verify(_)
        | Command::Doctor(_)
        | Command::Init(_)
        | Command::Import(_)
        | Command::Export(_)
        | Command::Live {
            action: Live::Export(_),
        }
        | Command::Demo(_)
        | Command::Config { .. }
        | Command::Top(_) => Duration::from_secs(2),
        // They write whole or not at all.
        Command::Show(_)
        | Command::Report(_)
        | Command::Alerts { .. }
        | Command::Deliveries(_)
        | Command::Runs(_)
        | Command::Prune(_)
        | Command::Grafana(_)
        | Command::Book { .. }
        | Command::Live { .. }
        | Command::Completions { .. }
        | Command::Man => Duration::ZERO,
    }
}

async fn execute(cli: Cli, world: &World) -> Result<Ended, CommandError> {
    let asked = cli.config;
    match cli.command {
        Command::Collect(args) => {
            let config = load(asked.clone(), world)?;
            collect::run(&config, asked.as_deref(), &args, world).await
        }
        Command::Show(args) => show::run(&load(asked, world)?, &args, world).await,
        Command::Report(args) => report::run(asked, &args, world).await,
        Command::Alerts { action } => alerts::run(&load(asked, world)?, &action, world).await,
        Command::Explain(args) => explain::run(&load(asked, world)?, &args, world).await,
        Command::Verify(args) => verify::run(&load(asked, world)?, &args, world).await,
        Command::Deliveries(args) => deliveries::run(&load(asked, world)?, &args, world).await,
        Command::Runs(args) => runs::run(&load(asked, world)?, &args, world).await,
        Command::Prune(args) => prune::run(&load(asked, world)?, &args, world).await,
        Command::Config { action } => config::run(asked, &action, world).await,
        Command::Book { action } => book::run(&load(asked, world)?, &action, world).await,
        Command::Doctor(args) => doctor::run(&load(asked, world)?, &args, world).await,
        Command::Send(args) => send::run(&load(asked, world)?, &args, world).await,
        Command::Serve(args) => serve::run(load(asked, world)?, &args, world).await,
        Command::Top(args) => top::run(&load(asked, world)?, &args, world).await,
        Command::Export(args) => export::run(&load(asked, world)?, &args, world).await,
        Command::Import(args) => import::run(&load(asked, world)?, &args, world).await,
        Command::Grafana(args) => grafana::run(&load(asked, world)?, &args),
        Command::Init(args) => init::run(&args, world).await,
        Command::Demo(args) => demo::run(&args, world).await,
        Command::Live {
            action:
                Live::Kinds(Kinds {
                    preset: Some(preset),
                    ..
                }),
        } => live::preset(&preset),
        Command::Live { action } => live::run(&load(asked, world)?, &action, world).await,
        Command::Completions { shell } => papers::completions(shell),
        Command::Man => papers::man(),
    }
}

fn load(path: Option<PathBuf>, world: &World) -> Result<Config, CommandError> {
    let config = crate::config::load(&request(path, world))?;
    for warning in &config.warnings {
        output::say(&format!("warning: {warning}"));
    }
    Ok(config)
}

fn request(path: Option<PathBuf>, world: &World) -> crate::config::Request {
    crate::config::Request {
        path,
        environment: world.environment.clone(),
        cwd: world.directory.clone(),
    }
}

async fn open_book(config: &Config) -> Result<Book, BookError> {
    Book::open_to_read(&config.book.url).await
}
