//! A file of another system: recognised by what is in it, and read page by page.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::foreign::{Foreign, HEADER, unread};
use super::row::Page;
use super::{MoveError, agents, bot, lines};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    Bot,
    Log,
    Agents,
}

/// A file that is migrated.
pub struct Source {
    /// As it was given.
    pub name: String,
    pub(super) path: PathBuf,
    pub sort: Sort,
    pub(super) reader: Reader,
}

pub(super) enum Reader {
    Bot(bot::Tables),
    Log(lines::Lines),
    Agents(agents::Storage),
}

impl Sort {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Log => "log",
            Self::Agents => "agents",
        }
    }

    pub fn described(self) -> &'static str {
        match self {
            Self::Bot => "database of a bot metrics service",
            Self::Log => "log of a bot metrics service",
            Self::Agents => "database of an agent metrics storage",
        }
    }

    pub fn preset(self) -> &'static str {
        match self {
            Self::Bot | Self::Log => "bot",
            Self::Agents => "agents",
        }
    }

    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Bot | Self::Log => &["stage", "correction", "filter", "session", "system"],
            Self::Agents => &["task", "agent", "swarm"],
        }
    }
}

impl Source {
    /// Recognises the file by what is in it.
    pub async fn open(path: &Path, name: String) -> Result<Self, MoveError> {
        let path = path.canonicalize().map_err(|error| unread(path, error))?;
        if is_sqlite(&path).map_err(|error| unread(&path, error))? {
            let mut file = Foreign::open(&path).await?;
            let tables = file.tables().await?;
            if bot::is_it(&tables) {
                let reader = Reader::Bot(bot::Tables::new(file, &tables).await?);
                return Ok(Self::new(name, path, Sort::Bot, reader));
            }
            if agents::is_it(&tables) {
                let reader = Reader::Agents(agents::Storage::new(file, &tables).await?);
                return Ok(Self::new(name, path, Sort::Agents, reader));
            }
        } else if lines::is_it(&path).map_err(|error| unread(&path, error))? {
            let reader = Reader::Log(lines::Lines::open(&path)?);
            return Ok(Self::new(name, path, Sort::Log, reader));
        }
        Err(MoveError::Refused(format!(
            "{name}: expected the database of a bot metrics service (with the tables processing_metrics, correction_metrics and system_metrics) or its log (a JSON object with `event_type` and `timestamp` a line), or the database of an agent metrics storage (with the tables task_metrics, agent_metrics and swarm_metrics)"
        )))
    }

    fn new(name: String, path: PathBuf, sort: Sort, reader: Reader) -> Self {
        Self {
            name,
            path,
            sort,
            reader,
        }
    }

    pub(super) fn rewind(&mut self) -> Result<(), MoveError> {
        match &mut self.reader {
            Reader::Bot(tables) => tables.rewind(),
            Reader::Log(lines) => lines.rewind()?,
            Reader::Agents(storage) => storage.rewind(),
        }
        Ok(())
    }

    pub(super) async fn page(&mut self, zone: Tz) -> Result<Option<Page>, MoveError> {
        match &mut self.reader {
            Reader::Bot(tables) => tables.page(zone).await,
            Reader::Log(lines) => lines.page(zone),
            Reader::Agents(storage) => storage.page().await,
        }
    }

    /// Under which path its records are noted: those of a bot are known by themselves.
    pub(super) fn noted_path(&self) -> String {
        match self.sort {
            Sort::Bot | Sort::Log => String::new(),
            Sort::Agents => self.path.display().to_string(),
        }
    }
}

fn is_sqlite(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(path)?
        .take(HEADER.len() as u64)
        .read_to_end(&mut header)?;
    Ok(header == HEADER)
}
