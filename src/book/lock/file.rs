//! Locks of a book in a file: files beside it that the kernel releases when their holder dies.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::book::{BOOK_MODE, BookError};
use crate::config::DatabaseUrl;

use super::{HeldBy, Holder, Kind};

/// A lock file, held or not.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    is_held: bool,
}

/// The content of a lock file; its time of change says since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    process: u32,
    /// Written by the holder, not by a process that found it held.
    is_own: bool,
}

/// A line of the kernel's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    is_exclusive: bool,
}

impl Lock {
    pub(super) fn open(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let book = url.sqlite_path().unwrap_or_default();
        let path = beside(&book, kind);
        let mode = mode_beside(&book);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let opened = options.mode(mode).open(&path);
        let file = opened.map_err(|source| BookError::cannot_lock(url, &path, source))?;
        close_to_others(&file, mode);
        Ok(Self {
            file,
            path,
            is_held: false,
        })
    }

    pub(super) fn try_once(&mut self, url: &DatabaseUrl) -> Result<bool, BookError> {
        match self.file.try_lock() {
            Ok(()) => {
                self.is_held = true;
                self.note(std::process::id(), true);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => {
                Err(BookError::cannot_lock(url, &self.path, source))
            }
        }
    }

    /// Notes a holder that has not done so itself, so that the next process that waits sees for how long.
    pub(super) fn note_holder(&self) {
        let found = process(&self.path).map_or(0, |process| process.id);
        let noted = Note::read(&self.file);
        let is_noted = noted.is_some_and(|note| found == 0 || note.process == found);
        if !is_noted {
            self.note(found, false);
        }
    }

    fn note(&self, process: u32, is_own: bool) {
        Note { process, is_own }.write(&self.file);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held {
            // A note that stays only names a process that is gone.
            drop(self.file.set_len(0));
        }
    }
}

impl Note {
    /// Best effort, so that a full disk stops no night: without the note only the holding time is unknown.
    fn write(self, mut file: &File) {
        let who = if self.is_own { "daybook" } else { "other" };
        let text = format!("{who} {}\n", self.process);
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()));
        drop(written);
    }

    fn read(mut file: &File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(64).read_to_string(&mut text).ok()?;
        let (who, process) = text.trim_end().split_once(' ')?;
        Some(Self {
            process: process.parse().ok()?,
            is_own: who == "daybook",
        })
    }
}

/// Only users who may read the book can hold its locks.
fn mode_beside(book: &Path) -> u32 {
    let mode = std::fs::metadata(book).map_or(BOOK_MODE, |book| book.mode());
    0o600 | mode & 0o060
}

/// Former versions left their locks open to everybody. Another user's file stays as it is; the doctor reports it.
fn close_to_others(file: &File, mode: u32) {
    let found = file.metadata().map_or(mode, |file| file.mode() & 0o7777);
    if found & !mode != 0 {
        drop(file.set_permissions(Permissions::from_mode(found & mode)));
    }
}

/// Whether somebody collects now; true if that cannot be seen.
pub(in crate::book) fn is_held(book: &Path) -> bool {
    is_locked(&beside(book, Kind::Collect))
}

fn is_locked(lock: &Path) -> bool {
    match File::open(lock) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        // The kernel also lists a lock that only its owner may open.
        Err(_) => !Path::new(LOCKS).exists() || process(lock).is_some(),
    }
}

/// Who holds the lock, if anybody does.
pub(in crate::book) fn holder(book: &Path, kind: Kind) -> Option<Holder> {
    let lock = beside(book, kind);
    let process = process(&lock);
    let file = File::open(&lock);
    let note = file.as_ref().ok().and_then(Note::read);
    let note = note.filter(|note| process.is_none_or(|process| process.id == note.process));
    let command = process.and_then(|process| command(&process.id.to_string()));
    let has_noted = note.is_some_and(|note| note.is_own);
    let is_foreign = !has_noted && command.is_some() && command != self::command("self");
    // Our readers share it for an instant only.
    if !is_foreign && !is_locked(&lock) {
        return None;
    }
    let changed = file.and_then(|file| file.metadata()?.modified());
    let name = process.map(|process| match &command {
        Some(command) => format!("process {} ({command})", process.id),
        None => format!("process {}", process.id),
    });
    Some(Holder {
        lock: lock.display().to_string(),
        name,
        since: note.and(changed.ok()).map(DateTime::<Utc>::from),
        by: match is_foreign {
            true => HeldBy::OtherProgram,
            false => HeldBy::Daybook,
        },
    })
}

/// The kernel's list of locks.
const LOCKS: &str = "/proc/locks";

/// The list is read in parts and misses a line if others release a lock in between, so it is read again.
const READS: usize = 5;

/// The process that locked it, found by the file's device and number; the exclusive holder, if there is one.
fn process(lock: &Path) -> Option<Process> {
    let file = std::fs::metadata(lock).ok()?.ino().to_string();
    let device = device(lock);
    let holds = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, access, process, inode, ..] = words.as_slice() else {
            return None;
        };
        let (on, number) = inode.rsplit_once(':')?;
        let same = number == file && device.as_ref().is_none_or(|device| on == device);
        let id: u32 = process.parse().ok()?;
        (same && id > 0).then(|| Process {
            id,
            is_exclusive: *access == "WRITE",
        })
    };
    (0..READS).find_map(|_| {
        let locks = std::fs::read_to_string(LOCKS).ok()?;
        locks
            .lines()
            .filter_map(holds)
            .max_by_key(|process| process.is_exclusive)
    })
}

/// The file's device as the kernel's list writes it, `08:01`, if it can be known. On some file systems (btrfs, overlay)
/// that is the mount's device, and `stat` returns another one.
fn device(lock: &Path) -> Option<String> {
    let file = File::open(lock).ok()?;
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    let mount = about
        .lines()
        .find_map(|line| line.strip_prefix("mnt_id:"))?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut numbers = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_its = words.next()? == mount.trim();
        words.nth(1).filter(|_| is_its)?.split_once(':')
    });
    let (major, minor) = numbers.next()?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    Some(format!("{major:02x}:{minor:02x}"))
}

/// The command of a process: a number or `self`.
fn command(process: &str) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Beside the real file, so that a book reached over a symbolic link has the same lock.
pub(in crate::book) fn beside(book: &Path, kind: Kind) -> PathBuf {
    let real = book.canonicalize().unwrap_or_else(|_| book.to_owned());
    let mut name = real.into_os_string();
    name.push(match kind {
        Kind::Collect => ".lock",
        Kind::Delivery => ".delivery.lock",
    });
    name.into()
}
