//! The book: whether it is there, whole, of this version, and can be written to; then what is in it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::{Access, access};
use tokio::time::timeout;

use crate::book::{self, Book, BookError, Health};
use crate::config::Config;

use super::room::spoken;
use super::{Finding, Level, PATIENCE, counted, days, ledger};

const AREA: &str = "book";
const NO_NIGHT: &str =
    "No night can be stored while this lasts, and nothing that is not stored is sent.";

/// What was found in and about the book.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub findings: Vec<Finding>,
    pub newest_collected_at: Option<DateTime<Utc>>,
}

pub(super) fn path(config: &Config) -> PathBuf {
    config.book.url.sqlite_path().unwrap_or_default()
}

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Stored {
    let path = path(config);
    let mut stored = Stored::default();
    stored.findings.extend(place(&path));
    if !path.exists() {
        let what = format!("no book yet at {}", path.display());
        let means = "The first `daybook collect` makes it.";
        stored.findings.push(Finding::ok(AREA, what, means));
        return stored;
    }
    stored.findings.extend(mode(&path));
    stored.findings.push(collector(&path));
    let read = async {
        let (book, health) = book::examine(&path).await?;
        let read = contents(config, now, (&book, &health), &mut stored).await;
        book.close().await;
        read
    };
    match timeout(PATIENCE, read).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => stored.findings.push(unreadable(&error)),
        Err(_) => {
            let what = format!(
                "{} was not read within {} s",
                path.display(),
                PATIENCE.as_secs()
            );
            let advice = "See whether its disk still answers.";
            stored
                .findings
                .push(Finding::ok(AREA, what, NO_NIGHT).advising(Level::Error, advice));
        }
    }
    stored
}

async fn contents(
    config: &Config,
    now: DateTime<Utc>,
    (book, health): (&Book, &Health),
    stored: &mut Stored,
) -> Result<(), BookError> {
    stored.findings.extend(whole(book, health).await?);
    let newest = book::newest(book).await?;
    stored.newest_collected_at = newest.map(|entry| entry.collected_at);
    stored
        .findings
        .extend(days::examine(config, now, book).await?);
    stored
        .findings
        .extend(ledger::examine(config, now, book).await?);
    Ok(())
}

/// SQLite writes its log beside the book, so the folder must be open too.
fn place(path: &Path) -> Option<Finding> {
    let folder = path.parent().unwrap_or(path);
    let broken = match path.exists() {
        _ if !folder.is_dir() => format!("the book's folder {} is not there", folder.display()),
        _ if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() => {
            format!(
                "this user may make no files in the book's folder {}",
                folder.display()
            )
        }
        true if access(path, Access::READ_OK | Access::WRITE_OK).is_err() => {
            format!(
                "this user may not read and write the book {}",
                path.display()
            )
        }
        _ => return None,
    };
    let advice = "Make it, give it to the user that runs daybook, or set `database_url` under [book] to another place.";
    Some(Finding::ok(AREA, broken, NO_NIGHT).advising(Level::Error, advice))
}

/// Only where every folder above it lets others pass.
fn mode(path: &Path) -> Option<Finding> {
    let mode = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some(file.permissions().mode() & 0o7777)
    };
    let own = mode(path)?;
    let real = path.canonicalize().ok()?;
    let mut above = real.ancestors().skip(1);
    let reached = above.all(|folder| mode(folder).is_some_and(|mode| mode & 0o001 != 0));
    let open = own & 0o006 != 0 && reached;
    let name = path.display();
    let what = format!("every user of this machine can read the book {name}, mode {own:04o}");
    let means = "It holds the numbers, and the addresses of those who get them.";
    open.then(|| {
        Finding::ok(AREA, what, means).advising(Level::Warning, format!("`chmod 640 {name}`"))
    })
}

fn collector(path: &Path) -> Finding {
    if !book::is_collecting(path) {
        let means = "The next night can begin.";
        return Finding::ok(AREA, "nobody collects into the book now", means);
    }
    let process = book::collector(path).map(|process| format!(", process {process}"));
    let what = format!(
        "a daybook collects into the book now{}",
        process.unwrap_or_default()
    );
    let means = "Another one leaves the work to it; if it stays for hours, `daybook runs` shows since when.";
    Finding::ok(AREA, what, means)
}

fn unreadable(error: &BookError) -> Finding {
    let (level, means) = match error {
        BookError::Older { .. } => (Level::Warning, "Until then no other command can read it."),
        BookError::NoBook { .. } => (Level::Warning, "The file is there, but nothing is in it."),
        _ => (Level::Error, NO_NIGHT),
    };
    let advice = match error {
        BookError::Older { .. } | BookError::NoBook { .. } => "Run `daybook collect`.",
        BookError::Newer { .. } => "Update this daybook, or use the one that wrote the book.",
        BookError::NotADatabase { .. } => {
            "Set `database_url` under [book] to the book, or move the file away."
        }
        BookError::Damaged { .. } => {
            "Restore the book from a backup, or move it away: `daybook collect` begins a new one."
        }
        BookError::BadRow { .. } => {
            "Correct or delete that row; `daybook collect --date` counts its day again."
        }
        _ => "Do as the sentence says, and ask again.",
    };
    Finding::ok(AREA, error.to_string(), means).advising(level, advice)
}

async fn whole(book: &Book, health: &Health) -> Result<Vec<Finding>, BookError> {
    let name = book.path().display();
    let mut findings = Vec::new();
    if let Some(complaint) = health.damage.first() {
        let what = format!("the book {name} is damaged: {complaint}");
        let advice =
            "Restore the book from a backup, or move it away: `daybook collect` begins a new one.";
        findings.push(Finding::ok(AREA, what, NO_NIGHT).advising(Level::Error, advice));
        return Ok(findings);
    }
    let dates = book::all_dates(book).await?;
    let size = std::fs::metadata(book.path()).map_or(0, |file| file.len());
    let span = match (dates.first(), dates.last()) {
        (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
        (Some(only), _) => format!(", {only}"),
        _ => String::new(),
    };
    let what = format!(
        "{name} is whole: {}{span}, {}",
        counted(dates.len(), "day"),
        spoken(size)
    );
    findings.push(Finding::ok(
        AREA,
        what,
        "Every page of the file can be read.",
    ));
    if health.journal != "wal" {
        let what = format!("the book {name} has no write-ahead log");
        let means = "Who reads it makes the night wait, and the other way round.";
        let advice = format!("`sqlite3 {name} \"PRAGMA journal_mode = wal\"`");
        findings.push(Finding::ok(AREA, what, means).advising(Level::Warning, advice));
    }
    Ok(findings)
}
