//! The collect lock: a file beside the book that the kernel lets go of when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Book, BookError};

/// Whoever lists the runs touches the lock for an instant to see whether it is held; that must not
/// look like another collect.
const GLANCE: Duration = Duration::from_millis(250);

const PAUSE: Duration = Duration::from_millis(25);

/// Held by the one process that collects into a book or migrates it. Dropping it lets go.
#[derive(Debug)]
pub struct CollectLock {
    pub(super) book: PathBuf,
    _file: File,
}

impl Book {
    /// Takes the collect lock; `None` when another process has it.
    pub async fn lock(path: &Path) -> Result<Option<CollectLock>, BookError> {
        take(path, GLANCE).await
    }

    /// Takes the collect lock as soon as it is free; an error when it is not within `patience`.
    pub async fn wait_for_lock(path: &Path, patience: Duration) -> Result<CollectLock, BookError> {
        take(path, patience).await?.ok_or_else(|| BookError::Held {
            lock: beside(path),
            waited: patience,
        })
    }
}

/// Whether somebody collects now. Where that cannot be seen, the answer is yes.
pub(super) fn is_held(book: &Path) -> bool {
    match File::open(beside(book)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

async fn take(book: &Path, patience: Duration) -> Result<Option<CollectLock>, BookError> {
    let cannot = |source: io::Error| BookError::CannotOpen {
        path: book.to_owned(),
        source: source.into(),
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(beside(book)).map_err(cannot)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => {
                return Ok(Some(CollectLock {
                    book: book.to_owned(),
                    _file: file,
                }));
            }
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => return Ok(None),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Beside the real file, so that a book reached over a symbolic link has one lock, not two.
fn beside(book: &Path) -> PathBuf {
    let real = book.canonicalize().unwrap_or_else(|_| book.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    name.into()
}
