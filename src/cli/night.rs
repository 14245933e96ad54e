//! Arguments of the night's commands.

use clap::Args;

#[derive(Debug, Args)]
pub struct Collect {
    /// Day to collect: YYYY-MM-DD, today or yesterday [default: today so far]
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to", "catch_up"])]
    pub date: Option<String>,
    /// First day of a range
    #[arg(
        long,
        value_name = "DATE",
        requires = "to",
        conflicts_with = "catch_up"
    )]
    pub from: Option<String>,
    /// Last day of a range
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<String>,
    /// Only this metric or family; skips days that already have it
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Collect missing complete days since the first row, newest first, at most `catch_up_days` back
    #[arg(long)]
    pub catch_up: bool,
    /// First recount the last N stored days before today or --date, to catch late and deleted rows. Keep N below the days after which the application deletes rows itself
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=3660),
        conflicts_with_all = ["from", "to", "catch_up", "metric", "force"]
    )]
    pub refresh: Option<u32>,
    /// Send the newest complete day's report and anything undelivered; with --metric, only what is undelivered
    #[arg(long)]
    pub send_email: bool,
    /// Recount complete days; never replaces a known value by an unknown one
    #[arg(long)]
    pub force: bool,
    /// Count and show, store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print what the run does as it happens, then the day's table and each statement's time and rows
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print only problems
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct Send {
    /// Day of the report [default: newest complete day]
    #[arg(long, value_name = "DATE", conflicts_with = "test")]
    pub date: Option<String>,
    /// Send only to this address, even if it was no recipient [default: all recipients of that report]
    #[arg(long, value_name = "ADDR", required_if_eq("test", "true"))]
    pub to: Option<String>,
    /// Send a short test message; it is not recorded
    #[arg(long)]
    pub test: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "test")]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Deliveries {
    /// Only this day's reports
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Maximum number of deliveries, newest days first
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// Maximum number of runs
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Prune {
    /// List what would be deleted, delete nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Ignore the safety limit (at most 7 days at once, none if the newest row is over 31 days old)
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Delete days after today and their reports instead; requires --yes
    #[arg(long)]
    pub future: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
