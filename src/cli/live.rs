//! What is said of live events.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Live {
    /// Record events from standard input: one JSON object a line
    #[command(after_help = RECORD_HELP)]
    Record(Record),
    /// Ask about recorded events
    Query {
        #[command(subcommand)]
        question: Question,
    },
    /// Print declared kinds, or those of a preset as TOML
    Kinds(Kinds),
    /// Delete points and rollups that are older than their tier
    Prune(LivePrune),
    /// Delete the points that have certain labels
    Forget(Forget),
}

const RECORD_HELP: &str = "\
Examples:
  echo '{\"kind\": \"checkout\", \"labels\": {\"shop\": \"zh\"}, \"values\": {\"duration\": 120}, \"ok\": true}' | daybook live record
  tail -F events.jsonl | daybook live record
  tail -F scans.jsonl | daybook live record --format scans

Each flush is answered by a line of JSON: how many events were accepted, and which were rejected and why.";

#[derive(Debug, Args)]
pub struct Record {
    /// What a line holds: an event, a scan as a moderation bot logs it, or a record of the bot metrics service
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = RecordFormat::Events)]
    pub format: RecordFormat,
    /// Lines of one flush at most
    #[arg(long, value_name = "LINES", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub flush: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    Events,
    Scans,
    Bot,
}

#[derive(Debug, Subcommand)]
pub enum Question {
    /// List the newest events of a kind, one JSON object a line
    Points(Points),
}

#[derive(Debug, Args)]
pub struct Points {
    /// Kind of event
    pub kind: String,
    /// Only events whose label has this value; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// From this moment on: 2025-10-03, 2025-10-03T08:00:00+02:00, or 2h for two hours ago
    #[arg(long, value_name = "MOMENT")]
    pub from: Option<String>,
    /// To before this moment
    #[arg(long, value_name = "MOMENT")]
    pub to: Option<String>,
    /// How many
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: usize,
    /// Skip so many newer ones
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub skip: usize,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Kinds {
    /// Preset to print as TOML: bot, agents, hosts or moderation
    pub preset: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct LivePrune {
    /// Show what would be deleted, delete nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Forget {
    /// Kind of event
    pub kind: String,
    /// Delete events whose label has this value; several must all match
    #[arg(long = "label", value_name = "NAME=VALUE", required = true)]
    pub labels: Vec<String>,
    /// Show what would be deleted, delete nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
