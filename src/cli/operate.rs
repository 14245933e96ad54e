//! Arguments of the commands for operators.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Explain {
    /// Metric or family [default: all]
    pub metric: Option<String>,
    /// Day to plan for [default: yesterday]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check the configuration and list all errors
    Check {
        /// Also check the app databases: tables, columns, rows that a split does not count
        #[arg(long)]
        database: bool,
    },
    /// Print each setting, its value and its source; hides secrets
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Print the catalog as a Markdown page
    Metrics,
}

#[derive(Debug, Subcommand)]
pub enum Book {
    /// Copy the book to another database and compare both row by row; the original stays unchanged
    #[command(after_help = COPY_HELP)]
    Copy(Copy),
}

#[derive(Debug, Args)]
pub struct Copy {
    /// Target URL without password, or `-` for standard input [default: $DAYBOOK_BOOK_COPY_DATABASE_URL, its file or credential]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

const COPY_HELP: &str = "\
Examples:
  daybook book copy --to sqlite:/var/lib/daybook/book.db
  DAYBOOK_BOOK_COPY_DATABASE_URL_FILE=/etc/daybook/book_url daybook book copy";

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Database URL without password, or `-` for standard input [default: $DAYBOOK_APP_DATABASE_URL, its file or credential]
    #[arg(value_name = "URL", conflicts_with_all = ["stdin", "url_file"])]
    pub url: Option<String>,
    /// File with the URL
    #[arg(long, value_name = "FILE", conflicts_with = "stdin")]
    pub url_file: Option<PathBuf>,
    /// Read the URL from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Output file, or `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "daybook.toml")]
    pub output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Also print the proposal as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder to create it in
    #[arg(long, value_name = "DIR", default_value = "daybook-demo")]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct Import {
    /// File from `daybook export`, or CSV with date,key,value; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "mapping",
        conflicts_with = "mapping"
    )]
    pub file: Option<PathBuf>,
    /// Import a table of the app database with one row a day, as this file describes it
    // Before there were mappings, `--table` named the table: it now ends in an error that names them.
    #[arg(long, value_name = "FILE", alias = "table")]
    pub mapping: Option<PathBuf>,
    /// Show what would be imported, store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Day to recount [default: newest complete day]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Only this metric or family, and the metrics it is computed from
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
