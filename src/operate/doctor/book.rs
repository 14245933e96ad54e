//! The book: whether it is there, whole, of this version, and can be written to; then what is in it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use rustix::fs::{Access, access};
use tokio::time::timeout;

use crate::book::{self, Book, BookError, Fault, Health};
use crate::calendar::Day;
use crate::config::{Config, DatabaseUrl};

use super::disk_space::spoken;
use super::{Finding, Level, TIMEOUT, alerts, counted, days, ledger, line};

const AREA: &str = "book";
const NO_NIGHT: &str = "Until this is fixed, no night can be stored and no report sent.";

/// What was found in and about the book.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub findings: Vec<Finding>,
    pub newest_collected_at: Option<DateTime<Utc>>,
}

fn name(url: &DatabaseUrl) -> String {
    match url.sqlite_path() {
        Some(path) => path.display().to_string(),
        None => url.to_string(),
    }
}

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Stored {
    let mut stored = Stored::default();
    let mut holder = "server";
    if let Some(path) = config.book.url.sqlite_path() {
        holder = "disk";
        stored.findings.extend(inaccessible(&path));
        let locks = book::locks_of(&path);
        stored
            .findings
            .extend(locks.iter().filter_map(|lock| open_lock(lock)));
        if !path.exists() {
            let what = format!("no book yet at {}", path.display());
            let means = "The first `daybook collect` creates it.";
            stored.findings.push(Finding::ok(AREA, what, means));
            return stored;
        }
        stored.findings.extend(readable_book(&path));
    }
    let read = async {
        stored.findings.extend(locks(config, now).await?);
        let (book, health) = book::examine(&config.book.url).await?;
        let read = contents(config, now, &book, &health, &mut stored).await;
        book.close().await;
        read
    };
    match timeout(TIMEOUT, read).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => stored.findings.push(unreadable(&error)),
        Err(_) => {
            let what = format!(
                "{} was not read within {} s",
                name(&config.book.url),
                TIMEOUT.as_secs()
            );
            let advice = format!("See whether its {holder} still answers.");
            stored
                .findings
                .push(Finding::error(AREA, what, NO_NIGHT, advice));
        }
    }
    stored
}

async fn contents(
    config: &Config,
    now: DateTime<Utc>,
    book: &Book,
    health: &Health,
    stored: &mut Stored,
) -> Result<(), BookError> {
    stored.findings.extend(whole(book, health).await?);
    let today = Day::containing(now, config.time_zone).date;
    let newest = match book::newest(book, today).await? {
        Some(newest) => Some(newest),
        None => book::newest(book, NaiveDate::MAX).await?,
    };
    stored.newest_collected_at = newest.map(|entry| entry.collected_at);
    let findings = &mut stored.findings;
    findings.extend(days::examine(config, now, book).await?);
    findings.extend(alerts::examine(config, today, book).await?);
    findings.extend(ledger::examine(now, today, book).await?);
    Ok(())
}

/// SQLite writes its log beside the book, so the folder must be open too.
fn inaccessible(path: &Path) -> Option<Finding> {
    let folder = path.parent().unwrap_or(path);
    let broken = match path.exists() {
        _ if !folder.is_dir() => format!("the book's folder {} does not exist", folder.display()),
        _ if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() => {
            format!(
                "this user may not create files in the book's folder {}",
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
    let advice = "Create it, give it to the user that runs daybook, or set `database_url` under [book] to another place.";
    Some(Finding::error(AREA, broken, NO_NIGHT, advice))
}

fn readable_book(path: &Path) -> Option<Finding> {
    let means = "It holds the numbers and the recipients' addresses.";
    open_to_everybody(path, "read the book", means)
}

/// `daybook collect` closes its own locks, but not those of another user.
fn open_lock(path: &Path) -> Option<Finding> {
    open_to_everybody(path, "hold the lock", "Any of them can block every night.")
}

fn open_to_everybody(path: &Path, can: &str, means: &str) -> Option<Finding> {
    let own = mode_for_everybody(path)?;
    let name = path.display();
    let what = format!("every user of this machine can {can} {name}, mode {own:04o}");
    let advice = format!("`chmod 640 {name}`");
    Some(Finding::warning(AREA, what, means, advice))
}

/// The mode of a file that is open to every user; only where every folder above it lets them pass.
fn mode_for_everybody(path: &Path) -> Option<u32> {
    let mode = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some(file.permissions().mode() & 0o7777)
    };
    let own = mode(path)?;
    let real = path.canonicalize().ok()?;
    let mut above = real.ancestors().skip(1);
    let reached = above.all(|folder| mode(folder).is_some_and(|mode| mode & 0o001 != 0));
    (own & 0o006 != 0 && reached).then_some(own)
}

/// Who collects, and which locks are held for too long or by others.
async fn locks(config: &Config, now: DateTime<Utc>) -> Result<Vec<Finding>, BookError> {
    let url = &config.book.url;
    let collector = Book::collector(url).await?;
    let deliverer = Book::deliverer(url).await?;
    let longest = config.collect.longest_night();
    let held = [&collector, &deliverer].into_iter().flatten();
    let stuck: Vec<BookError> = held
        .filter_map(|holder| holder.trouble(now, longest))
        .collect();
    if !stuck.is_empty() {
        let advice = "End the process that holds the lock; the lock ends with it.";
        let findings = stuck
            .iter()
            .map(|trouble| Finding::error(AREA, trouble.to_string(), NO_NIGHT, advice));
        return Ok(findings.collect());
    }
    let Some(collector) = collector else {
        let means = "The next night can begin.";
        return Ok(vec![Finding::ok(AREA, "no collection is running", means)]);
    };
    let who = collector.name.map(|who| format!(", {who}"));
    let what = format!("a collection is running{}", who.unwrap_or_default());
    let means = "Another one would leave the work to it. If it runs for hours, `daybook runs` shows since when.";
    Ok(vec![Finding::ok(AREA, what, means)])
}

fn unreadable(error: &BookError) -> Finding {
    let (level, means) = match error {
        BookError::Older { .. } => (Level::Warning, "Until then no other command can read it."),
        BookError::NoBook { .. } => (Level::Warning, "Its file or database exists, but is empty."),
        _ => (Level::Error, NO_NIGHT),
    };
    let advice = match error {
        BookError::Older { .. } | BookError::NoBook { .. } => "Run `daybook collect`.",
        BookError::Newer { .. } => "Update this daybook, or use the one that wrote the book.",
        BookError::Sql {
            fault: Fault::NotADatabase,
            ..
        }
        | BookError::NotABook { .. } => {
            "Set `database_url` under [book] to the book, or move the file away."
        }
        BookError::Sql {
            fault: Fault::Damaged,
            ..
        } => {
            "Restore the book from a backup, or move it away: `daybook collect` creates a new one."
        }
        BookError::BadRow { .. } => {
            "Correct or delete that row; `daybook collect --date` counts its day again."
        }
        _ => "Follow the message, then run `daybook doctor` again.",
    };
    Finding::new(level, AREA, error.to_string(), means, advice)
}

async fn whole(book: &Book, health: &Health) -> Result<Vec<Finding>, BookError> {
    let name = name(book.url());
    let mut findings = Vec::new();
    let (journal, damage) = match health {
        Health::File { journal, damage } => (journal, damage),
        Health::Server { .. } => return on_server(book, health).await,
    };
    if let Some(complaint) = damage.first() {
        let what = format!("the book {name} is damaged: {complaint}");
        let advice =
            "Restore the book from a backup, or move it away: `daybook collect` creates a new one.";
        findings.push(Finding::error(AREA, what, NO_NIGHT, advice));
        return Ok(findings);
    }
    let path = book.url().sqlite_path().unwrap_or_default();
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    let days = stored_days(book).await?;
    let what = format!("{name} is intact: {days}, {}", spoken(size));
    findings.push(Finding::ok(
        AREA,
        what,
        "Every page of the file can be read.",
    ));
    if *journal != "wal" {
        let what = format!("the book {name} has no write-ahead log");
        let means = "Readers and the night block each other.";
        let advice = format!("`sqlite3 {name} \"PRAGMA journal_mode = wal\"`");
        findings.push(Finding::warning(AREA, what, means, advice));
    }
    Ok(findings)
}

async fn on_server(book: &Book, health: &Health) -> Result<Vec<Finding>, BookError> {
    let Health::Server {
        version,
        is_encrypted,
        may_write,
    } = health
    else {
        return Ok(Vec::new());
    };
    let name = name(book.url());
    let what = format!(
        "{name} on {version} can be read: {}",
        stored_days(book).await?
    );
    let means = "Its tables are those of this program.";
    let mut findings = vec![Finding::ok(AREA, what, means)];
    if !may_write {
        let what = format!("the book {name} cannot be written to");
        let advice = "Grant its user all rights on the book's tables, and give the URL of the server that is written to, not of a standby.";
        findings.push(Finding::error(AREA, what, NO_NIGHT, advice));
    }
    findings.push(line::examine(AREA, "the book", book.url(), *is_encrypted));
    Ok(findings)
}

async fn stored_days(book: &Book) -> Result<String, BookError> {
    let dates = book::all_dates(book).await?;
    let span = match (dates.first(), dates.last()) {
        (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
        (Some(only), _) => format!(", {only}"),
        _ => String::new(),
    };
    Ok(format!("{}{span}", counted(dates.len(), "day")))
}
