//! What the eyes are told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Show {
    /// The day to show [default: the newest complete one]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The day to report on [default: the newest complete one]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// As what
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write a file, whole or not at all, instead of standard output (`-`)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The language of the words [default: that of the settings]
    #[arg(long, value_parser = ["en", "de"])]
    pub language: Option<String>,
    /// Whom the message is for, with --format eml [default: the first recipient of the settings]
    #[arg(long, value_name = "ADDR")]
    pub to: Option<String>,
    /// Print the JSON Schema of --format json
    #[arg(long, conflicts_with_all = ["date", "format", "language", "to"])]
    pub schema: bool,
}

/// What a report is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One page with its pictures inside
    Html,
    /// The text part
    Text,
    /// Every number, for programs
    Json,
    /// The whole message, for a mail program
    Eml,
}

#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// List a day's alerts, the most severe first, with the day each of them is in
    List(Show),
    /// Replay the rules over the last days: how often they would have alerted, and when
    #[command(after_help = BACKTEST_HELP)]
    Backtest(Backtest),
    /// Silence a metric's alerts, or a family's, from today on
    #[command(after_help = MUTE_HELP)]
    Mute(Mute),
    /// Let a metric alert again, from today on
    Unmute {
        /// The metric or family
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// List what is muted until when, and why
    Mutes {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const BACKTEST_HELP: &str = "\
Examples:
  daybook alerts backtest --days 90                    how noisy the rules are
  daybook alerts backtest --days 90 --warning 20       what another threshold would change
  daybook alerts backtest --metric orders --min-change 50

An alert is over the next day if it stood for one day, and two ordinary days followed.";

const MUTE_HELP: &str = "\
Example:
  daybook alerts mute orders --until 2025-10-10 --because \"migration of the warehouse\"

Muted alerts are still shown as such, but count in no verdict.";

/// How changes are judged
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Judge {
    /// Where the day also lies outside what is usual for the metric
    Usual,
    /// By the thresholds alone
    Thresholds,
}

/// The thresholds tried stand for the general ones, with --metric also for the metric's own.
#[derive(Debug, Args)]
pub struct Backtest {
    /// How many days, up to the newest complete one
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36525))]
    pub days: u32,
    /// Only this metric or family
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Try another threshold for warnings, in percent, beside the present one; 0 for never
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    pub warning: Option<f64>,
    /// The same for critical alerts
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    pub critical: Option<f64>,
    /// The same for the least previous value that is judged
    #[arg(long, value_name = "NUMBER", value_parser = threshold)]
    pub min_base: Option<f64>,
    /// The same for the least change that is judged
    #[arg(long, value_name = "NUMBER", value_parser = threshold)]
    pub min_change: Option<f64>,
    /// The same for the part of its own past days that a metric's usual range holds, such as 0.99
    #[arg(long, value_name = "PART", value_parser = part_of_days)]
    pub reach: Option<f64>,
    /// The same for how changes are judged
    #[arg(long, value_enum)]
    pub judge: Option<Judge>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Mute {
    /// The metric or family
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The last day that is muted
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Why, as readers of the report are told
    #[arg(long, value_name = "TEXT")]
    pub because: String,
}

fn part_of_days(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let sound = number.filter(|number: &f64| (0.5..=1.0).contains(number));
    sound.ok_or_else(|| "expected a number from 0.5 to 1".to_owned())
}

fn threshold(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let sound = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
    sound.ok_or_else(|| "expected a number, 0 or more".to_owned())
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8321]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// A proxy in front signs people in and says who they are in this header
    #[arg(long, value_name = "HEADER")]
    pub behind_proxy: Option<String>,
}

#[derive(Debug, Args)]
pub struct Top {
    /// The day to begin with [default: the newest]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Print what `daybook show` prints, and end
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// As what
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The first day [default: the first there is]
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// The last day [default: the newest]
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Compress it
    #[arg(long)]
    pub gzip: bool,
    /// Write a file, whole or not at all, instead of standard output (`-`)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What days are exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One document
    Json,
    /// A day a line
    Jsonl,
    /// A day a line, a metric a column
    Csv,
    /// The newest day as on /metrics; with --from or --to past days with their times, for VictoriaMetrics
    Prometheus,
    /// Past days with their times, for promtool to make blocks of
    Openmetrics,
}

#[derive(Debug, Args)]
pub struct Grafana {
    /// Wrapped as Grafana's HTTP API takes it: POST /api/dashboards/db
    #[arg(long)]
    pub api: bool,
    /// The uid of the folder to put it in
    #[arg(long, value_name = "UID", requires = "api")]
    pub folder: Option<String>,
}
