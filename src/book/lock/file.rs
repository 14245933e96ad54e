//! Locks of a book in a file: files beside it that the kernel lets go of when their holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::book::BookError;
use crate::config::DatabaseUrl;

use super::Kind;

#[derive(Debug)]
pub(super) struct Hold {
    _file: File,
}

pub(super) struct Waiting {
    file: File,
}

impl Waiting {
    pub(super) fn open(url: &DatabaseUrl, kind: Kind) -> Result<Self, BookError> {
        let path = url.sqlite_path().unwrap_or_default();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.open(beside(&path, kind));
        let file = file.map_err(|source| cannot(url, source))?;
        Ok(Self { file })
    }

    pub(super) fn try_once(&mut self, url: &DatabaseUrl) -> Result<bool, BookError> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(cannot(url, source)),
        }
    }

    pub(super) fn hold(self) -> Hold {
        Hold { _file: self.file }
    }
}

fn cannot(url: &DatabaseUrl, source: io::Error) -> BookError {
    BookError::CannotOpen {
        book: crate::book::error::name(url),
        source: source.into(),
    }
}

/// Whether somebody collects now. Where that cannot be seen, the answer is yes.
pub(in crate::book) fn is_held(book: &Path) -> bool {
    match File::open(beside(book, Kind::Collect)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The kernel's list is read in parts, and misses a line where others let go in between: so it is looked at again.
const LOOKS: usize = 5;

/// The kernel keeps a list of who has locked what, by the file's number.
pub(in crate::book) fn holder(book: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(beside(book, Kind::Collect))
        .ok()?
        .ino()
        .to_string();
    let holds = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", process, place, ..] = words.as_slice() else {
            return None;
        };
        let same = place.rsplit(':').next() == Some(file.as_str());
        let process: u32 = process.parse().ok()?;
        (same && process > 0).then(|| format!("process {process}"))
    };
    (0..LOOKS).find_map(|_| {
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(holds)
    })
}

/// Beside the real file, so that a book reached over a symbolic link has one lock of a kind, not two.
pub(super) fn beside(book: &Path, kind: Kind) -> PathBuf {
    let real = book.canonicalize().unwrap_or_else(|_| book.to_owned());
    let mut name = real.into_os_string();
    name.push(match kind {
        Kind::Collect => ".lock",
        Kind::Delivery => ".delivery.lock",
    });
    name.into()
}
