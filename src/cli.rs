//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reads an application's database every night, writes one row of numbers for the day, and says what changed.
#[derive(Debug, Parser)]
#[command(name = "daybook", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    /// The configuration file [default: $DAYBOOK_CONFIG, ./daybook.toml, ~/.config/daybook/daybook.toml, /etc/daybook/daybook.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Begin with `daybook demo`: it makes an example to look at. Each command tells more with --help.

Exit codes: 0 done · 1 failed, also when only some metrics did · 2 wrong command line ·
69 a database is unavailable · 75 not everything was delivered · 78 wrong configuration";

const COLLECT_HELP: &str = "\
Examples:
  daybook collect --date yesterday --send-email        every night, from cron
  daybook collect --from 2025-01-01 --to 2025-10-03    the past, each table read about once
  daybook collect --catch-up                           the days that were missed";

const REPORT_HELP: &str = "\
Examples:
  daybook report                                       the newest complete day, as text
  daybook report --format html --output report.html    to open in a browser
  daybook report --format eml --to bea@example.org     to look at in a mail program";

const SEND_HELP: &str = "\
Examples:
  daybook send --date 2025-10-03                       again to everybody who was to get that report
  daybook send --to bea@example.org                    the newest complete day's to one address
  daybook send --test --to bea@example.org             whether mail arrives there at all";

const SERVE_HELP: &str = "\
Examples:
  daybook serve                                        http://127.0.0.1:8321/, for this machine only
  DAYBOOK_SERVE_TOKEN_FILE=token daybook serve --listen 0.0.0.0:8321
  daybook serve --behind-proxy X-Forwarded-User        a proxy on this machine signs people in";

const EXPORT_HELP: &str = "\
Examples:
  daybook export --format csv --from 2025-01-01 --to yesterday --output 2025.csv
  daybook export --format jsonl --gzip --output days.jsonl.gz
  daybook export --format prometheus --output /var/lib/node_exporter/daybook.prom
  daybook export --format openmetrics --from 2025-01-01 --to yesterday --output past.om";

const IMPORT_HELP: &str = "\
Examples:
  daybook import days.jsonl.gz                         what `daybook export` wrote
  daybook import numbers.csv                           lines of date,key,value
  daybook import --table web_dailymetrics              the original's own table, in the app database";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the application's numbers for a day or a range and store them
    #[command(after_help = COLLECT_HELP)]
    Collect(Collect),
    /// Show a day's numbers and how they changed
    Show(Show),
    /// Print a day's report as it would be sent now
    #[command(after_help = REPORT_HELP)]
    Report(Report),
    /// List what deserves attention on a day
    Alerts {
        #[command(subcommand)]
        action: Alerts,
    },
    /// Show how metrics are counted: day bounds, SQL, the database's plan, shared scans
    Explain(Explain),
    /// Send a day's report again on purpose, or a test message
    #[command(after_help = SEND_HELP)]
    Send(Send),
    /// List who was to get which report, and what the server answered
    Deliveries(Deliveries),
    /// List past runs, newest first, with the time and rows of their statements
    Runs(Runs),
    /// Delete entries older than the retention window
    Prune(Prune),
    /// Check, show or describe the configuration
    Config {
        #[command(subcommand)]
        action: Config,
    },
    /// Serve the dashboard, and /metrics for Prometheus; it only reads
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Look at the newest day in the terminal
    Top(Top),
    /// Print days for other programs: JSON, JSON Lines, CSV, Prometheus
    #[command(after_help = EXPORT_HELP)]
    Export(Export),
    /// Take days over from a file, or from the table of the system before Daybook
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Print a dashboard for Grafana, made of the catalog
    Grafana(Grafana),
    /// Examine everything that the next night and its report need, and say what to do
    Doctor(Doctor),
    /// Make an example application, collect a year of it, show the last day and write its report
    Demo(Demo),
    /// Print completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

#[derive(Debug, Args)]
pub struct Collect {
    /// The day to collect: YYYY-MM-DD, today or yesterday [default: today, as of now]
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to", "catch_up"])]
    pub date: Option<String>,
    /// The first day of a range
    #[arg(
        long,
        value_name = "DATE",
        requires = "to",
        conflicts_with = "catch_up"
    )]
    pub from: Option<String>,
    /// The last day of a range
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<String>,
    /// Only this metric, or the family of this name; days that know it already are left alone
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Collect every missing complete day since the first entry, newest first
    #[arg(long)]
    pub catch_up: bool,
    /// Send the report of the newest complete day, and whatever else is still to be delivered; with --metric only the latter
    #[arg(long)]
    pub send_email: bool,
    /// Count complete days again; a value that is known is never replaced by none
    #[arg(long)]
    pub force: bool,
    /// Count, show what came out, and store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the day's table, then the time and rows of every statement
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing unless something is wrong
    #[arg(long, short)]
    pub quiet: bool,
}

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
}

#[derive(Debug, Args)]
pub struct Explain {
    /// A metric's key or a family's; all metrics when left out
    pub metric: Option<String>,
    /// The day to plan for [default: yesterday]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// How many runs
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Prune {
    /// List what would be deleted, and delete nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Find every mistake at once, without touching a database
    Check,
    /// Print each setting with its value and where it comes from; secrets are hidden
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Print the catalog as a page: metric, meaning, history, thresholds
    Metrics,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Send {
    /// The day whose report is sent [default: the newest complete one]
    #[arg(long, value_name = "DATE", conflicts_with = "test")]
    pub date: Option<String>,
    /// Only to this address, also when it never got the report; otherwise to everybody who was to get it
    #[arg(long, value_name = "ADDR", required_if_eq("test", "true"))]
    pub to: Option<String>,
    /// A short message that shows whether mail leaves and arrives; no ledger knows it
    #[arg(long)]
    pub test: bool,
    /// Print the result as JSON
    #[arg(long, conflicts_with = "test")]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Deliveries {
    /// Only of this day's reports
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// How many deliveries, those of the newest days first
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Where to make it; the folder is created
    #[arg(long, value_name = "DIR", default_value = "daybook-demo")]
    pub dir: PathBuf,
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
    /// Print it once as plain text and end
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
pub struct Import {
    /// A file of `daybook export`, or CSV lines of date,key,value; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "table",
        conflicts_with = "table"
    )]
    pub file: Option<PathBuf>,
    /// Read this table of the system before Daybook, in the app database
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// Say what would be taken over, and store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
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
