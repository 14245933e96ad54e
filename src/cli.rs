//! The command line.

mod look;
mod night;
mod operate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use look::{
    Alerts, Backtest, Export, ExportFormat, Format, Grafana, Judge, Mute, Report, Serve, Show, Top,
};
pub use night::{Collect, Deliveries, Prune, Runs, Send};
pub use operate::{Book, Config, Copy, Demo, Doctor, Explain, Import, Init, Verify};

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
  daybook import --mapping examples/beryl/import.toml  a table of the app database with a row a day";

const INIT_HELP: &str = "\
Examples:
  DAYBOOK_APP_DATABASE_URL=sqlite:app.db daybook init  a daybook.toml beside you
  daybook init --url-file /etc/daybook/app_url         the URL, with its password, stays in that file
  pass show app/url | daybook init --stdin --output -  look at it first";

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
    /// List, mute and try out alerts
    Alerts {
        #[command(subcommand)]
        action: Alerts,
    },
    /// Show how metrics are counted: day bounds, SQL, the database's plan, shared scans
    Explain(Explain),
    /// Count a day again, each metric by itself, and compare with the night's way and with the book; it writes nothing
    Verify(Verify),
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
    /// Import days from a file, or from a table of the app database with a row a day
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Print a dashboard for Grafana, made of the catalog
    Grafana(Grafana),
    /// Move the book to another database
    Book {
        #[command(subcommand)]
        action: Book,
    },
    /// Examine everything that the next night and its report need, and say what to do
    Doctor(Doctor),
    /// Write settings for a database from its tables; guesses are marked
    #[command(after_help = INIT_HELP)]
    Init(Init),
    /// Make an example application with a year of nights, show the last day and write its report
    Demo(Demo),
    /// Print completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}
