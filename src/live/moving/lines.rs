//! The log of the bot metrics service: a record a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde_json::{Map, Value as Json};

use super::super::event::refused;
use super::MoveError;
use super::foreign::unread;
use super::python;
use super::record::{self, Teller};
use super::row::{PAGE, Page, Read, Row};

/// A line that is longer is no record.
const LONGEST: u64 = 1 << 19;
/// Lines that are looked at to see what the file is, and their bytes.
const FIRST: usize = 10;
const FIRST_BYTES: u64 = 1 << 20;

pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    /// Bytes that are read; what is written later is for the next time.
    size: u64,
    at: u64,
    number: u64,
}

/// Whether one of the first lines is a record.
pub(super) fn is_it(path: &Path) -> io::Result<bool> {
    let file = BufReader::new(File::open(path)?.take(FIRST_BYTES));
    let is_record = |line: &[u8]| matches!(fields(line), Ok(fields) if fields.contains_key("event_type") && fields.contains_key("timestamp"));
    let mut lines = file.split(b'\n').take(FIRST).map_while(Result::ok);
    Ok(lines.any(|line| is_record(&line)))
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, MoveError> {
        let failed = |error| unread(path, error);
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            size,
            at: 0,
            number: 0,
        })
    }

    pub(super) fn rewind(&mut self) -> Result<(), MoveError> {
        (self.at, self.number) = (0, 0);
        self.file
            .rewind()
            .map_err(|error| unread(&self.path, error))
    }

    pub(super) fn page(&mut self, zone: Tz) -> Result<Option<Page>, MoveError> {
        let mut page = Page::default();
        while page.rows.len() < PAGE {
            let mut line = Vec::new();
            let most = LONGEST.min(self.size - self.at);
            let taken = self.file.by_ref().take(most).read_until(b'\n', &mut line);
            match taken.map_err(|error| unread(&self.path, error))? {
                0 => break,
                taken => self.at += taken as u64,
            }
            self.number += 1;
            if !line.trim_ascii().is_empty() {
                page.rows.push(Row {
                    table: "line",
                    id: self.number.into(),
                    read: match fields(&line) {
                        Ok(fields) => record::read(fields, None, zone, Teller::Log),
                        Err(error) => Read::Refused(refused("", error)),
                    },
                });
            }
        }
        Ok((!page.rows.is_empty()).then_some(page))
    }
}

fn fields(line: &[u8]) -> Result<Map<String, Json>, String> {
    match python::read(line.trim_ascii())? {
        Json::Object(fields) => Ok(fields),
        _ => Err("expected an object, such as {\"event_type\": …}".to_owned()),
    }
}
