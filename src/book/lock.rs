//! The collect lock and the delivery lock: files beside the book that the kernel lets go of when their holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Book, BookError};

/// Whoever lists the runs touches the lock for an instant to see whether it is held; that must not
/// look like another collect.
const GLANCE: Duration = Duration::from_millis(250);

const PAUSE: Duration = Duration::from_millis(25);

/// What is added to the book's path.
const COLLECT: &str = ".lock";
const DELIVERY: &str = ".delivery.lock";

/// Held by the one process that collects into a book or migrates it. Dropping it lets go.
#[derive(Debug)]
pub struct CollectLock {
    pub(super) book: PathBuf,
    _file: File,
}

/// Held by the one process that brings out a delivery, for that one delivery. Dropping it lets go.
#[derive(Debug)]
pub struct DeliveryLock {
    _file: File,
}

/// Takes the delivery lock as soon as it is free; `None` when it is not within `patience`.
pub async fn delivery_lock(
    book: &Book,
    patience: Duration,
) -> Result<Option<DeliveryLock>, BookError> {
    let file = take(&book.path, DELIVERY, patience).await?;
    Ok(file.map(|file| DeliveryLock { _file: file }))
}

impl Book {
    /// Takes the collect lock; `None` when another process has it.
    pub async fn lock(path: &Path) -> Result<Option<CollectLock>, BookError> {
        take_to_collect(path, GLANCE).await
    }

    /// Takes the collect lock as soon as it is free; an error when it is not within `patience`.
    pub async fn wait_for_lock(path: &Path, patience: Duration) -> Result<CollectLock, BookError> {
        let lock = take_to_collect(path, patience).await?;
        lock.ok_or_else(|| BookError::Held {
            lock: beside(path, COLLECT),
            waited: patience,
        })
    }
}

/// Whether somebody collects now. Where that cannot be seen, the answer is yes.
pub(super) fn is_held(book: &Path) -> bool {
    match File::open(beside(book, COLLECT)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The kernel keeps a list of who has locked what, by the file's number.
pub(super) fn holder(book: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(beside(book, COLLECT))
        .ok()?
        .ino()
        .to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let holds = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", process, place, ..] = words.as_slice() else {
            return None;
        };
        let same = place.rsplit(':').next() == Some(file.as_str());
        process.parse().ok().filter(|process| same && *process > 0)
    };
    locks.lines().find_map(holds)
}

async fn take_to_collect(
    book: &Path,
    patience: Duration,
) -> Result<Option<CollectLock>, BookError> {
    let file = take(book, COLLECT, patience).await?;
    Ok(file.map(|file| CollectLock {
        book: book.to_owned(),
        _file: file,
    }))
}

async fn take(book: &Path, ending: &str, patience: Duration) -> Result<Option<File>, BookError> {
    let cannot = |source: io::Error| BookError::CannotOpen {
        path: book.to_owned(),
        source: source.into(),
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(beside(book, ending)).map_err(cannot)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => return Ok(None),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Beside the real file, so that a book reached over a symbolic link has one lock of a kind, not two.
fn beside(book: &Path, ending: &str) -> PathBuf {
    let real = book.canonicalize().unwrap_or_else(|_| book.to_owned());
    let mut name = real.into_os_string();
    name.push(ending);
    name.into()
}
