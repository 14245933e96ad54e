//! What is said of live events.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Live {
    /// Record events from standard input: one JSON object a line
    #[command(after_help = RECORD_HELP)]
    Record(Record),
    /// Ask about recorded events
    #[command(after_help = QUERY_HELP)]
    Query(Box<Query>),
    /// Print the newest events, and with --follow new ones as they come
    #[command(after_help = TAIL_HELP)]
    Tail(Tail),
    /// Export events for other programs, the oldest first
    #[command(after_help = EXPORT_HELP)]
    Export(Box<LiveExport>),
    /// Print the bot service's dashboard as JSON
    Dashboard(Dashboard),
    /// Print what the moderation bot's dashboards show of its scans
    #[command(after_help = MODERATION_HELP)]
    Moderation(Moderation),
    /// Print declared kinds, or those of a preset as TOML
    Kinds(Kinds),
    /// Take over what other metrics systems have recorded
    #[command(after_help = MIGRATE_HELP)]
    Migrate(Migrate),
    /// Delete points and rollups that are older than their tier
    Prune(LivePrune),
    /// Delete the points that have certain labels
    Forget(Forget),
    /// Look after the Redis server where several processes meet
    #[command(subcommand, after_help = REDIS_HELP)]
    Redis(Redis),
}

const REDIS_HELP: &str = "\
Examples:
  daybook live redis status
  daybook live redis trim --dry-run
  daybook live redis reset --dry-run
  daybook live redis forget web-7";

#[derive(Debug, Subcommand)]
pub enum Redis {
    /// Show which processes forward events, how far each has come, and what is kept of hosts
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete what is older than `retention` and `keep_scans`; `daybook serve` does it too
    Trim(RedisChange),
    /// Let readers of scans count from now on: store what was counted as baselines
    Reset(RedisChange),
    /// Delete all samples of one host
    Forget {
        /// The host's id
        host: String,
        #[command(flatten)]
        change: RedisChange,
    },
    /// Delete all samples of all hosts
    Clear(RedisChange),
    /// Wait no longer for a process that is gone
    Retire {
        /// Its name, as `status` shows it
        replica: String,
        #[command(flatten)]
        change: RedisChange,
    },
}

#[derive(Debug, Clone, Copy, Args)]
pub struct RedisChange {
    /// Show what would be changed, change nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const RECORD_HELP: &str = "\
Examples:
  echo '{\"kind\": \"checkout\", \"labels\": {\"shop\": \"zh\"}, \"values\": {\"duration\": 120}, \"ok\": true}' | daybook live record
  tail -F events.jsonl | daybook live record
  tail -F scans.jsonl | daybook live record --format scans

Each flush is answered by a line of JSON: how many events were accepted, and which were rejected and why.";

const MIGRATE_HELP: &str = "\
Examples:
  daybook live migrate metrics.db metrics.jsonl metrics.jsonl.* --dry-run
  daybook live migrate .swarm/metrics_persistent.db

A file is recognised by what is in it: the database or the log of the bot metrics service, or the
database of the agent metrics storage. It is only read. The command may be interrupted and repeated:
it takes each record once, and counts all again.";

#[derive(Debug, Args)]
pub struct Migrate {
    /// Files to take records from
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show what would be migrated, write nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Keep records older than the kind keeps points only as rollups
    #[arg(long)]
    pub roll_up_older: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

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

const QUERY_HELP: &str = "\
Questions:
  points, recent  the newest events, one JSON object a line  [--limit, --after, --order]
  range           the same, the oldest first                 [--limit, --after]
  latest          the newest event of each host, agent, …    [--limit]
  aggregate       figures by time and label                  [--figure, --every, --by]
  percentile      one percentile of a value                  [--value, --percentile]
  average         the mean of a value                        [--value]
  top             the first groups by a figure               [--by, --figure, --order, --limit]
  slowest         the events with the largest value          [--value, --limit]
  summary         counts, sums, means and percentiles
  compare         the summary beside that of the time before
  peaks           how many events by hour and by weekday

Examples:
  daybook live query points checkout --label shop=zh --last 2h
  daybook live query aggregate checkout --every hour --figure count --figure 'p95 of duration'
  daybook live query top task --by agent_id --figure 'avg of duration' --limit 5";

/// Which events of a kind are meant.
#[derive(Debug, Args)]
pub struct WhichEvents {
    /// Only events whose label has this value; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Only spans that went well (true), or that did not (false)
    #[arg(long, value_name = "TRUE|FALSE")]
    pub ok: Option<String>,
    /// From this moment on: 2025-10-03, 2025-10-03T08:00:00+02:00, or 2h for two hours ago
    #[arg(long, value_name = "MOMENT")]
    pub from: Option<String>,
    /// To before this moment
    #[arg(long, value_name = "MOMENT")]
    pub to: Option<String>,
    /// From so long ago on, such as 24h
    #[arg(long, value_name = "TIME")]
    pub last: Option<String>,
}

#[derive(Debug, Args)]
pub struct Query {
    /// What is asked, such as summary
    pub question: String,
    /// Kind of event
    pub kind: String,
    #[command(flatten)]
    pub which: WhichEvents,
    /// A figure, such as count or 'p95 of duration'; may be given several times
    #[arg(long = "figure", value_name = "FIGURE")]
    pub figures: Vec<String>,
    /// A row for each minute, hour, day, week or month
    #[arg(long, value_name = "PIECE")]
    pub every: Option<String>,
    /// A row for each value of these labels, with a comma between
    #[arg(long, value_name = "LABELS")]
    pub by: Option<String>,
    /// Which value is meant
    #[arg(long, value_name = "VALUE")]
    pub value: Option<String>,
    /// Which percentile, such as 95 or 99.9
    #[arg(long, value_name = "PERCENT")]
    pub percentile: Option<String>,
    /// newest or oldest first; of groups, asc or desc
    #[arg(long, value_name = "ORDER")]
    pub order: Option<String>,
    /// How many
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<String>,
    /// Go on behind the `next` of an answer
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub after: Option<String>,
    /// Take percentiles from rollups: faster, right to within 0.8 %
    #[arg(long)]
    pub estimate: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

const TAIL_HELP: &str = "\
Examples:
  daybook live tail                                    the newest 10 events of all kinds
  daybook live tail checkout --label shop=zh --follow  goes on until Ctrl-C
  daybook live tail --ok false --follow | grep timeout";

#[derive(Debug, Args)]
pub struct Tail {
    /// Kinds of events [default: all that have the labels]
    #[arg(value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only events whose label has this value; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Only spans that went well (true), or that did not (false)
    #[arg(long, value_name = "TRUE|FALSE")]
    pub ok: Option<String>,
    /// Go on with events as they are recorded, whichever program records them
    #[arg(long, short)]
    pub follow: bool,
    /// How many of the newest events to begin with
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub limit: u32,
    /// Print JSON, as without it
    #[arg(long)]
    pub json: bool,
}

const EXPORT_HELP: &str = "\
Formats:
  json        one document
  jsonl       one event a line, as `live record` takes it
  csv         one event a line; of several kinds with the columns of all
  prometheus  the newest number of each series
  influx      line protocol, for InfluxDB and VictoriaMetrics
  grafana     series with all their numbers
  parquet     a file of one kind, for DuckDB, Polars and ClickHouse
  sqlite      a file with a table a kind

Examples:
  daybook live export checkout --format csv --last 24h --output checkouts.csv
  daybook live export task agent swarm --format json --gzip --output metrics.json.gz
  daybook live export task --format prometheus --prefix moai";

/// Of `live export`.
const FORMATS: [&str; 8] = [
    "json",
    "jsonl",
    "csv",
    "prometheus",
    "influx",
    "grafana",
    "parquet",
    "sqlite",
];

#[derive(Debug, Args)]
pub struct LiveExport {
    /// Kinds of events
    #[arg(required = true, value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = FORMATS)]
    pub format: String,
    #[command(flatten)]
    pub which: WhichEvents,
    /// Leave the events' details out
    #[arg(long)]
    pub no_details: bool,
    /// Names of Prometheus series: Daybook's own, or those of the agents' own exporter
    #[arg(long, value_name = "PREFIX", value_parser = ["daybook", "moai"], default_value = "daybook")]
    pub prefix: String,
    /// Compress with gzip
    #[arg(long)]
    pub gzip: bool,
    /// Write to this file, atomically, and create its folder [default: `-`, standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Dashboard {
    /// Events of the last so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub hours: u32,
    /// Print JSON, as without it
    #[arg(long)]
    pub json: bool,
}

const MODERATION_HELP: &str = "\
Examples:
  daybook live moderation rollups --guild 123 --limit 7
  daybook live moderation summary --since 2026-11-01
  daybook live moderation rates

Days are days of UTC. What came to how much is counted from events while they are kept, and from
rollups before that.";

#[derive(Debug, Args)]
pub struct Moderation {
    /// What is asked: rollups, summary, totals, latency, or rates of the last 15 minutes
    pub question: String,
    /// Only scans of this guild; 0 for those without one (rollups, summary, rates)
    #[arg(long, value_name = "GUILD", allow_hyphen_values = true)]
    pub guild: Option<String>,
    /// Only scans of this content type (rollups)
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// Only scans from this moment or day on (rollups, summary)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// How many rows, the newest days first (rollups; default: 30)
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<String>,
    /// Print JSON with all fields
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
