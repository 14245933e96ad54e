//! What operators say.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check the configuration and report every mistake
    Check {
        /// Also check the app databases: tables, columns, uncounted rows of splits
        #[arg(long)]
        database: bool,
    },
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

#[derive(Debug, Subcommand)]
pub enum Book {
    /// Copy the whole book to another database and compare row by row; the original stays as it is
    #[command(after_help = COPY_HELP)]
    Copy(Copy),
}

#[derive(Debug, Args)]
pub struct Copy {
    /// Where to, if the URL has no password; `-` is standard input [default: $DAYBOOK_BOOK_COPY_DATABASE_URL or what holds it]
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
    /// The database's URL, if it has no password; `-` is standard input [default: $DAYBOOK_APP_DATABASE_URL or what holds it]
    #[arg(value_name = "URL", conflicts_with_all = ["stdin", "url_file"])]
    pub url: Option<String>,
    /// A file that holds the URL
    #[arg(long, value_name = "FILE", conflicts_with = "stdin")]
    pub url_file: Option<PathBuf>,
    /// Read the URL from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Where to write the settings; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "daybook.toml")]
    pub output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
    /// Print what was proposed as JSON; the settings go to their file
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
pub struct Import {
    /// A file of `daybook export`, or CSV lines of date,key,value; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "mapping",
        conflicts_with = "mapping"
    )]
    pub file: Option<PathBuf>,
    /// Import a table of the app database with a row a day, as this file describes it
    // Before there were mappings, `--table` named the table: it now ends in an error that names them.
    #[arg(long, value_name = "FILE", alias = "table")]
    pub mapping: Option<PathBuf>,
    /// Say what would be taken over, and store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The day to count again [default: the newest complete one]
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Only this metric, or the family of this name, with what it is made of
    #[arg(long, value_name = "KEY")]
    pub metric: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
