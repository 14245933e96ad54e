//! Free space on the disks of the book and the outbox.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::book::{FreeSpace, free_space};
use crate::config::Config;
use crate::entry::Value;
use crate::render::number;
use crate::render::words::HABIT;

use super::Finding;

const AREA: &str = "disk";
const MEGABYTE: u64 = 1_000_000;
/// A night writes some kilobytes; below this even SQLite's own files do not fit.
const TOO_LITTLE: u64 = 10 * MEGABYTE;
const LITTLE: u64 = 100 * MEGABYTE;
/// A migration writes the book anew, beside its log.
const TIMES_THE_BOOK: u64 = 10;
const FEW_FILES: u64 = 1000;

pub fn examine(config: &Config) -> Vec<Finding> {
    let book = config.book.url.sqlite_path();
    let file = book.as_ref().and_then(|path| std::fs::metadata(path).ok());
    let size = file.map_or(0, |file| file.len());
    let mut places = Vec::new();
    places.extend(book.map(|path| ("the book", path.parent().unwrap_or(&path).to_owned())));
    let outbox = config.outbox.as_ref();
    places.extend(outbox.map(|outbox| ("the outbox", outbox.directory.clone())));
    let mut disks: Vec<(u64, String, FreeSpace)> = Vec::new();
    let mut findings = Vec::new();
    for (what, path) in places {
        let path = existing(&path);
        let seen =
            std::fs::metadata(&path).and_then(|folder| Ok((folder.dev(), free_space(&path)?)));
        match seen {
            Ok((device, space)) => match disks.iter_mut().find(|(other, ..)| *other == device) {
                Some((_, whose, _)) => *whose = format!("{whose} and {what}"),
                None => disks.push((device, what.to_owned(), space)),
            },
            Err(error) => {
                let what = format!("cannot see how much room is left for {what}: {error}");
                let means = "The night may find the disk full.";
                let advice = format!("Check that {} exists.", path.display());
                findings.push(Finding::warning(AREA, what, means, advice));
            }
        }
    }
    let disks = disks.iter();
    findings.extend(disks.map(|(_, whose, space)| judge(whose, *space, size)));
    findings
}

/// Whether that is enough for a book of this size.
pub fn judge(whose: &str, space: FreeSpace, book: u64) -> Finding {
    let enough = LITTLE.max(book.saturating_mul(TIMES_THE_BOOK));
    let left = spoken(space.bytes);
    let what = format!("{left} are left on the disk of {whose}");
    let full = "The next night cannot be stored, so its report cannot be sent.";
    let soon = "Soon nights can no longer be stored.";
    let delete = "Delete files there; `df -i` shows how many fit.";
    match space {
        FreeSpace { files: Some(0), .. } => {
            let what = format!("no more files fit on the disk of {whose}");
            Finding::error(AREA, what, full, delete)
        }
        FreeSpace { bytes, .. } if bytes < TOO_LITTLE => {
            Finding::error(AREA, what, full, "Free some space.")
        }
        FreeSpace { bytes, .. } if bytes < enough => {
            let advice = format!("Free some space: {} are enough.", spoken(enough));
            Finding::warning(AREA, what, soon, advice)
        }
        FreeSpace {
            files: Some(files), ..
        } if files < FEW_FILES => {
            let what = format!("only {files} more files fit on the disk of {whose}");
            Finding::warning(AREA, what, soon, delete)
        }
        FreeSpace { .. } => Finding::ok(AREA, what, "That is enough for years of nights."),
    }
}

/// The folder, or the one above it in which it would be made.
fn existing(path: &Path) -> PathBuf {
    let existing = path.ancestors().find(|folder| folder.exists());
    existing.unwrap_or(path).to_owned()
}

/// `12.4 MB`
pub(super) fn spoken(bytes: u64) -> String {
    let size = Value::Whole(i64::try_from(bytes).unwrap_or(i64::MAX));
    number::value(&size, "bytes", None, HABIT).unwrap_or_default()
}
