//! What is to be exported, and how.

use std::str::FromStr;

use crate::kinds::Kind;
use crate::text::suggest::did_you_mean;

use super::super::event::AHEAD;
use super::super::question::Context;
use super::super::question::parameters::{Wrong, select, wrong, yes_or_no};
use super::slices::Selection;

/// Besides a time and a filter.
const TAKES: [&str; 4] = ["format", "prefix", "details", "gzip"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Jsonl,
    Csv,
    Prometheus,
    Parquet,
    Grafana,
    Influx,
    Sqlite,
}

/// What series of Prometheus are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// `daybook_task_duration_seconds`: in base units.
    #[default]
    Daybook,
    /// `moai_task_duration_ms`: as the agents' own exporter calls them.
    Moai,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub selections: Vec<Selection>,
    /// The time that was asked for, in microseconds.
    pub start: Option<i64>,
    pub end: Option<i64>,
    /// Whether points have their details.
    pub details: bool,
    pub names: Names,
    pub gzip: bool,
    pub context: Context,
}

impl Request {
    /// As it is said with names and texts, on the command line and in an address.
    pub fn read(
        kinds: &[&Kind],
        pairs: &[(String, String)],
        context: Context,
    ) -> Result<(Format, Self), Wrong> {
        let text = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, text)| text.as_str())
        };
        let latest = (context.now + AHEAD).timestamp_micros();
        let mut asked_end = latest;
        let mut selections: Vec<Selection> = Vec::new();
        for kind in kinds {
            if selections.iter().any(|known| known.kind.name == kind.name) {
                return Err(wrong("kind", format!("`{}` is named twice", kind.name)));
            }
            let (mut window, filter) = select("export", &TAKES, pairs, kind, context)?;
            asked_end = window.end;
            // What comes meanwhile is not followed.
            window.end = window.end.min(latest);
            let kind = (*kind).clone();
            selections.push(Selection {
                kind,
                window,
                filter,
            });
        }
        let format = text("format").map_or_else(|| Err(say_which()), str::parse);
        let format: Format = format.map_err(|error| wrong("format", error))?;
        if format == Format::Parquet && kinds.len() > 1 {
            let error = "a Parquet file holds one kind: export each into a file of its own";
            return Err(wrong("kind", error));
        }
        let is_asked = |names: &[&str]| names.iter().any(|name| text(name).is_some());
        let window = selections.first().map(|selection| &selection.window);
        let flag = |name: &str| {
            let flag = text(name).map(yes_or_no).transpose();
            flag.map_err(|error| wrong(name, error))
        };
        let gzip = flag("gzip")?.unwrap_or(false);
        if gzip && format.is_file() {
            return Err(wrong("gzip", "a database file is not packed"));
        }
        let request = Self {
            start: window
                .filter(|_| is_asked(&["from", "last"]))
                .map(|window| window.start),
            end: match asked_end {
                i64::MAX => is_asked(&["last"]).then_some(latest),
                end => Some(end),
            },
            details: flag("details")?.unwrap_or(true),
            names: match text("prefix") {
                None | Some("daybook") => Names::Daybook,
                Some("moai") => Names::Moai,
                Some(other) => {
                    let other = other.escape_debug();
                    let error = format!("`{other}` is neither daybook nor moai");
                    return Err(wrong("prefix", error));
                }
            },
            gzip,
            selections,
            context,
        };
        Ok((format, request))
    }
}

impl Format {
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Jsonl,
        Self::Csv,
        Self::Prometheus,
        Self::Parquet,
        Self::Grafana,
        Self::Influx,
        Self::Sqlite,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Prometheus => "prometheus",
            Self::Parquet => "parquet",
            Self::Grafana => "grafana",
            Self::Influx => "influx",
            Self::Sqlite => "sqlite",
        }
    }

    /// The type of a body.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json | Self::Grafana => "application/json",
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::Influx => "text/plain; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Sqlite => "application/vnd.sqlite3",
        }
    }

    /// Written as a file of its own, not as a stream.
    pub fn is_file(self) -> bool {
        matches!(self, Self::Parquet | Self::Sqlite)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| {
            let hint = match did_you_mean(text, Self::ALL.map(Self::name)) {
                none if none.is_empty() => format!(": {}", say_which()),
                hint => hint,
            };
            format!("no format `{}`{hint}", text.escape_debug())
        })
    }
}

fn say_which() -> String {
    format!("say which: {}", Format::ALL.map(Format::name).join(", "))
}
