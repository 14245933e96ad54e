//! Kept events as lines of JSON in a file, for people and programs that follow one. It is written after the store and never
//! stands in its way: an event that could not be logged is kept all the same.

mod line;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::store::Kept;

/// A larger file is put aside, and a new one begun.
const LIMIT: u64 = 100 << 20;
/// Files that were put aside and stay.
const KEPT: usize = 10;
/// How long a process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

pub struct EventLog {
    path: PathBuf,
    /// Bytes.
    limit: u64,
    zone: Tz,
    clock: fn() -> DateTime<Utc>,
    /// The last write failed, and it has been said.
    is_failing: bool,
}

impl EventLog {
    /// Times are written in this zone.
    pub fn new(path: PathBuf, zone: Tz, clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            path,
            limit: LIMIT,
            zone,
            clock,
            is_failing: false,
        }
    }

    /// Puts the file aside at another size.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Appends a line for each point of these kinds. The first error of several in a row is traced.
    pub fn write(&mut self, kept: &[Kept]) {
        let written = self.append(&line::lines(kept, self.zone));
        if let Err(error) = &written
            && !self.is_failing
        {
            let path = self.path.display();
            tracing::error!("cannot write the log {path}: {error}; events are kept without it");
        }
        self.is_failing = written.is_err();
    }

    /// The lock is held from the look at the size to the last line, so that no process renames what another one writes.
    fn append(&self, lines: &[String]) -> io::Result<()> {
        let _lock = self.lock()?;
        let mut file = self.open()?;
        let mut size = file.metadata()?.len();
        let mut waiting = Vec::new();
        let mut is_rotated = false;
        // Whoever was killed within a line keeps it apart from the next.
        if size > 0 && last_byte(&mut file)? != b'\n' {
            waiting.push(b'\n');
        }
        for line in lines {
            if size + waiting.len() as u64 > self.limit {
                file.write_all(&waiting)?;
                waiting.clear();
                self.rotate()?;
                is_rotated = true;
                file = self.open()?;
                size = 0;
            }
            waiting.extend(line.as_bytes());
            waiting.push(b'\n');
        }
        file.write_all(&waiting)?;
        match is_rotated {
            true => self.delete_old(),
            false => Ok(()),
        }
    }

    fn open(&self) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).append(true).create(true).mode(0o640);
        options.open(&self.path)
    }

    /// A log that fails is hardly waited for, so that recording keeps its pace.
    fn lock(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o640);
        let file = options.open(self.beside(".lock"))?;
        let patience = if self.is_failing {
            10 * PAUSE
        } else {
            PATIENCE
        };
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() > patience => {
                    return Err(io::Error::other("another process holds its lock"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }

    /// Several of one second are numbered.
    fn rotate(&self) -> io::Result<()> {
        let stamp = (self.clock)().format(".%Y%m%d_%H%M%S").to_string();
        let mut aside = self.beside(&stamp);
        let mut number = 1;
        while aside.try_exists()? {
            aside = self.beside(&format!("{stamp}.{number}"));
            number += 1;
        }
        fs::rename(&self.path, aside)
    }

    /// Whatever else lies there is not ours.
    fn delete_old(&self) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut aside = Vec::new();
        for file in fs::read_dir(folder)? {
            let name = file?.file_name();
            let age = self.path.file_name().and_then(|log| age(&name, log));
            aside.extend(age.map(|age| (age, name)));
        }
        aside.sort();
        let old = aside.len().saturating_sub(KEPT);
        for (_, name) in &aside[..old] {
            fs::remove_file(folder.join(name))?;
        }
        Ok(())
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(ending);
        PathBuf::from(path)
    }
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0])
}

/// When a file of this name was put aside, and which of that second it is; `None`: it is no such file.
fn age(name: &OsStr, log: &OsStr) -> Option<(String, u64)> {
    let ending = name.to_str()?.strip_prefix(log.to_str()?)?;
    let mut parts = ending.strip_prefix('.')?.split('.');
    let stamp = parts.next()?;
    let is_stamp = stamp.len() == 15
        && stamp.bytes().enumerate().all(|(at, letter)| match at {
            8 => letter == b'_',
            _ => letter.is_ascii_digit(),
        });
    let number = match parts.next() {
        None => 0,
        Some(digits) => {
            let number: u64 = digits.parse().ok().filter(|number| *number > 0)?;
            (digits == number.to_string()).then_some(number)?
        }
    };
    (is_stamp && parts.next().is_none()).then(|| (stamp.to_owned(), number))
}
