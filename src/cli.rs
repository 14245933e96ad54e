//! The command line.

mod live;
mod look;
mod night;
mod operate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use live::{
    Dashboard, Forget, Kinds, Live, LiveExport, LivePrune, Migrate, Moderation, Query, Record,
    RecordFormat, Redis, RedisChange, Tail, WhichEvents,
};
pub use look::{
    Alerts, Backtest, Export, ExportFormat, Format, Grafana, Judge, Mute, Report, Serve, Show, Top,
};
pub use night::{Collect, Deliveries, Prune, Runs, Send};
pub use operate::{Book, Config, Copy, Demo, Doctor, Explain, Import, Init, Verify};

/// Counts what happens in your application: reads its database every night, stores one row of numbers for the day and reports what changed.
#[derive(Debug, Parser)]
#[command(name = "daybook", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    /// Configuration file [default: $DAYBOOK_CONFIG, ./daybook.toml, ~/.config/daybook/daybook.toml, /etc/daybook/daybook.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Start with `daybook demo`: it creates an example. See each command's --help for more.

Exit codes: 0 done · 1 failed, also if only some metrics failed · 2 wrong command line or date ·
69 a database is unavailable · 75 not everything was delivered · 78 wrong configuration";

const COLLECT_HELP: &str = "\
Examples:
  daybook collect --date yesterday --send-email        nightly, from cron
  daybook collect --from 2025-01-01 --to 2025-10-03    backfill; reads each table about once
  daybook collect --catch-up                           fill in missed days";

const REPORT_HELP: &str = "\
Examples:
  daybook report                                       the newest complete day, as text
  daybook report --format html --output report.html    for a browser
  daybook report --format eml --to bea@example.org     for a mail program";

const SEND_HELP: &str = "\
Examples:
  daybook send --date 2025-10-03                       again, to all its recipients
  daybook send --to bea@example.org                    the newest complete day, to one address
  daybook send --test --to bea@example.org             test delivery to one address";

const SERVE_HELP: &str = "\
Examples:
  daybook serve                                        http://127.0.0.1:8321/, this machine only
  DAYBOOK_SERVE_TOKEN_FILE=token daybook serve --listen 0.0.0.0:8321
  daybook serve --behind-proxy X-Forwarded-User        a local proxy authenticates users";

const EXPORT_HELP: &str = "\
Examples:
  daybook export --format csv --from 2025-01-01 --to yesterday --output 2025.csv
  daybook export --format jsonl --gzip --output days.jsonl.gz
  daybook export --format prometheus --output /var/lib/node_exporter/daybook.prom
  daybook export --format openmetrics --from 2025-01-01 --to yesterday --output past.om";

const IMPORT_HELP: &str = "\
Examples:
  daybook import days.jsonl.gz                         a file from `daybook export`
  daybook import numbers.csv                           CSV with date,key,value
  daybook import --mapping examples/beryl/import.toml  a table of the app database with one row a day";

const INIT_HELP: &str = "\
Examples:
  DAYBOOK_APP_DATABASE_URL=sqlite:app.db daybook init  writes ./daybook.toml
  daybook init --url-file /etc/daybook/app_url         keeps the URL and its password in that file
  pass show app/url | daybook init --stdin --output -  prints instead of writing";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the application's numbers for a day or a range and store them
    #[command(after_help = COLLECT_HELP)]
    Collect(Collect),
    /// Show a day's numbers and how they changed
    Show(Show),
    /// Print a day's report without sending it
    #[command(after_help = REPORT_HELP)]
    Report(Report),
    /// List, tune and mute alerts
    Alerts {
        #[command(subcommand)]
        action: Alerts,
    },
    /// Show how metrics are counted: day bounds, SQL, query plan, shared scans
    Explain(Explain),
    /// Recount a day metric by metric and compare it with the book; writes nothing
    Verify(Verify),
    /// Send a day's report again, or a test message
    #[command(after_help = SEND_HELP)]
    Send(Send),
    /// List deliveries and the server's responses
    Deliveries(Deliveries),
    /// List past runs, newest first, with their statements
    Runs(Runs),
    /// Delete rows older than the retention
    Prune(Prune),
    /// Check or show the configuration
    Config {
        #[command(subcommand)]
        action: Config,
    },
    /// Serve the dashboard and Prometheus metrics
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Browse days in the terminal, or watch live events
    Top(Top),
    /// Export days as JSON, JSON Lines, CSV or for Prometheus
    #[command(after_help = EXPORT_HELP)]
    Export(Export),
    /// Import days from a file, or from a table of the app database
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Print a Grafana dashboard generated from the catalog
    Grafana(Grafana),
    /// Copy the book to another database
    Book {
        #[command(subcommand)]
        action: Book,
    },
    /// Record live events between nights, and ask about them
    Live {
        #[command(subcommand)]
        action: Live,
    },
    /// Check everything the next night needs, and say how to fix it
    Doctor(Doctor),
    /// Propose a configuration from a database's tables
    #[command(after_help = INIT_HELP)]
    Init(Init),
    /// Create an example with a year of history
    Demo(Demo),
    /// Print shell completions
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}
