//! Arguments of the commands that show, serve and export.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct Show {
    /// Day to show [default: newest complete day]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Day of the report [default: newest complete day]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to this file, atomically [default: `-`, standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Language [default: as configured]
    #[arg(long, value_parser = ["en", "de"])]
    pub language: Option<String>,
    /// Recipient, with --format eml [default: first configured recipient]
    #[arg(long, value_name = "ADDR")]
    pub to: Option<String>,
    /// Print the JSON Schema of --format json
    #[arg(long, conflicts_with_all = ["date", "format", "language", "to"])]
    pub schema: bool,
}

/// What a report is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One HTML page, images embedded
    Html,
    /// Plain text
    Text,
    /// All numbers, for programs
    Json,
    /// The complete message, for a mail program
    Eml,
}

#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// List a day's alerts, most severe first
    List(Show),
    /// Replay the rules over past days: how often and when they would have alerted
    #[command(after_help = BACKTEST_HELP)]
    Backtest(Backtest),
    /// Mute a metric or family from today on
    #[command(after_help = MUTE_HELP)]
    Mute(Mute),
    /// Unmute a metric or family from today on
    Unmute {
        /// Metric or family
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// List mutes: until when and why
    Mutes {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

const BACKTEST_HELP: &str = "\
Examples:
  daybook alerts backtest --days 90                    how noisy the rules are
  daybook alerts backtest --days 90 --warning 20       compare another threshold
  daybook alerts backtest --metric orders --min-change 50

\"Gone the next day\": the alert lasted one day and two ordinary days followed.";

const MUTE_HELP: &str = "\
Example:
  daybook alerts mute orders --until 2025-10-10 --because \"migration of the warehouse\"

Muted alerts are still shown, marked as muted, but don't count in the verdict.";

/// How changes are judged
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Judge {
    /// Only outside the metric's usual range
    Usual,
    /// By thresholds alone
    Thresholds,
}

/// The thresholds tried stand for the general ones, with --metric also for the metric's own.
#[derive(Debug, Args)]
pub struct Backtest {
    /// Number of days, up to the newest complete one
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36525))]
    pub days: u32,
    /// Only this metric or family
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Compare another warning threshold, in percent; 0 is never
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    pub warning: Option<f64>,
    /// Compare another critical threshold, in percent; 0 is never
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    pub critical: Option<f64>,
    /// Compare another minimum for the earlier value
    #[arg(long, value_name = "NUMBER", value_parser = threshold)]
    pub min_base: Option<f64>,
    /// Compare another minimum change
    #[arg(long, value_name = "NUMBER", value_parser = threshold)]
    pub min_change: Option<f64>,
    /// Compare another share of past days that the usual range must hold, such as 0.99
    #[arg(long, value_name = "PART", value_parser = part_of_days)]
    pub reach: Option<f64>,
    /// Compare another way to judge changes
    #[arg(long, value_enum)]
    pub judge: Option<Judge>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Mute {
    /// Metric or family
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Last muted day
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Reason, shown in the report
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
    /// Address to listen on [default: 127.0.0.1:8321]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Header in which a trusted proxy names the authenticated user
    #[arg(long, value_name = "HEADER")]
    pub behind_proxy: Option<String>,
    /// Print a line for each request: method, path, status, time, size and the client's address
    #[arg(long, short)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
pub struct Top {
    /// First day to show [default: newest]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Show live events instead: what happens now, by kind, with raised alerts and the agents' dashboard
    #[arg(long, conflicts_with = "date")]
    pub live: bool,
    /// Print the page and exit: without --live, what `daybook show` prints
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Output format
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// First day [default: oldest]
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last day [default: newest]
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Compress with gzip
    #[arg(long)]
    pub gzip: bool,
    /// Write to this file, atomically [default: `-`, standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What days are exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON document
    Json,
    /// JSON Lines, one day a line
    Jsonl,
    /// One day a line, one column per metric
    Csv,
    /// The newest day, as on /metrics; with --from or --to, past days with timestamps, for VictoriaMetrics
    Prometheus,
    /// Past days with timestamps, for promtool
    Openmetrics,
}

#[derive(Debug, Args)]
pub struct Grafana {
    /// Wrap for Grafana's HTTP API: POST /api/dashboards/db
    #[arg(long)]
    pub api: bool,
    /// Folder UID
    #[arg(long, value_name = "UID", requires = "api")]
    pub folder: Option<String>,
}
