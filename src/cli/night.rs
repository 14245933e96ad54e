//! What the night and its deliveries are told.

use clap::Args;

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
    /// First count the last N stored days before today, or before --date, once more, for rows that came late or vanished; keep N below the days after which the application itself deletes rows
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=3660),
        conflicts_with_all = ["from", "to", "catch_up", "metric", "force"]
    )]
    pub refresh: Option<u32>,
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
    /// Delete without the safety limit (more than 7 days, or none stored for 31 days)
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Delete days after today instead, with their reports; needs --yes
    #[arg(long)]
    pub future: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
