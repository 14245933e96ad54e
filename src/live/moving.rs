//! What other systems have recorded becomes points: each record once, whatever comes in between, and counted again.

mod agents;
mod bot;
mod foreign;
mod lines;
mod look;
mod python;
mod ranges;
mod record;
mod recount;
mod refusals;
mod row;
mod source;
mod standing;
mod taken;
mod verify;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::kinds::Kind;
use crate::text::counted::counted;

use super::store::{Store, StoreError, Tally};
use look::{Checks, Looking};
pub use look::{Look, Old};
pub use recount::{Month, Verdict};
pub use refusals::{Reason, Refusals};
pub use source::{Sort, Source};
use standing::{begin, refuse_copies, standing};
use taken::Taken;
use verify::{balance, pruned, unlike_sources};
use writing::Writing;

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// What was asked for is not done.
    #[error("{0}")]
    Refused(String),
    #[error("cannot read {file}: {error}")]
    Source { file: String, error: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "interrupted: {} kept; run the same command again to go on", counted(*.0, "record")
    )]
    Interrupted(u64),
}

/// What is to be done.
pub struct Job<'j> {
    pub live: &'j LiveSettings,
    pub zone: Tz,
    pub now: DateTime<Utc>,
    pub dry_run: bool,
    /// What is older than points are kept goes into rollups only.
    pub roll_up_older: bool,
    pub stop: CancellationToken,
}

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Reading,
    Migrating,
    Recounting,
}

/// Is told how many records of how many are done; 0: nobody knows how many there are.
pub type Listener<'l> = &'l (dyn Fn(Step, u64, u64) + Sync);

#[derive(Debug, Default)]
pub struct Report {
    pub files: Vec<FileReport>,
    /// Why nothing would be written; of a dry run.
    pub refused: Option<String>,
    /// Nothing in a dry run.
    pub months: Vec<Month>,
    /// Where a source, read again, is not what was taken from it.
    pub unlike: Vec<Unlike>,
}

#[derive(Debug)]
pub struct FileReport {
    pub name: String,
    pub sort: Sort,
    /// Before anything was written.
    pub look: Look,
    pub kept: u64,
    /// Of the records that passed, so many are not in the store after all.
    pub missing: u64,
    /// What was taken from it, as it read last.
    tally: Tally,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    pub sort: Sort,
    pub kind: String,
    pub start: i64,
    pub why: String,
}

/// Looks first, then writes what is new, then counts all again.
pub async fn migrate(
    mut sources: Vec<Source>,
    job: &Job<'_>,
    listener: Listener<'_>,
) -> Result<Report, MoveError> {
    // A bot's database says more of a record than its log.
    sources.sort_by_key(|source| source.sort);
    let mut known = BTreeSet::new();
    sources.retain(|source| known.insert(source.path.clone()));
    refuse_copies(&mut sources).await?;
    let files = look_at_all(&mut sources, job, Step::Reading, listener).await?;
    let is_new = files.iter().any(|file| file.look.new > 0);
    let refused = too_old(&files, job);
    let mut report = Report {
        files,
        ..Report::default()
    };
    if job.dry_run {
        report.refused = refused;
        return Ok(report);
    }
    if let Some(message) = refused {
        return Err(MoveError::Refused(message));
    }
    if !is_new && !job.live.database.exists() {
        return Ok(report);
    }
    let mut store = Store::open(&job.live.database, job.live.durable).await?;
    let done = write_and_recount(&mut sources, &mut report, &mut store, job, listener).await;
    let closed = store.close().await;
    done?;
    closed?;
    Ok(report)
}

async fn write_and_recount(
    sources: &mut [Source],
    report: &mut Report,
    store: &mut Store,
    job: &Job<'_>,
    listener: Listener<'_>,
) -> Result<(), MoveError> {
    let of: u64 = report.files.iter().map(|file| file.look.new).sum();
    let mut standings = Vec::new();
    for (source, file) in sources.iter_mut().zip(&report.files) {
        standings.push(match file.look.new {
            0 => None,
            _ => Some(begin(source, store, job).await?),
        });
    }
    let version = store.others_writes().await?;
    let start = balance(store, sources, job).await?;
    if of > 0 {
        let mut writing = Writing::new(store, job, listener, of);
        for ((source, file), standing) in sources.iter_mut().zip(&mut report.files).zip(standings) {
            if let Some((origin, taken)) = standing {
                file.kept = writing.write(source, origin, taken).await?;
            }
        }
        writing.end().await?;
        let kept = report.files.iter().map(|file| file.kept).sum();
        let recounted = look_at_all(sources, job, Step::Recounting, listener).await;
        let recounted = recounted.map_err(|error| match error {
            MoveError::Interrupted(_) => MoveError::Interrupted(kept),
            error => error,
        })?;
        for (file, again) in report.files.iter_mut().zip(recounted) {
            file.missing = again.look.new;
            file.tally = again.tally;
        }
    }
    report.unlike = unlike_sources(store, &report.files, sources).await?;
    let is_alone = store.others_writes().await? == version;
    let end = balance(store, sources, job).await?;
    let pruned = pruned(store, sources).await?;
    report.months = end.months(Some(&start).filter(|_| is_alone), &pruned);
    Ok(())
}

/// Reads everything and writes nothing. Without a store there is one in memory: nothing is known there.
async fn look_at_all(
    sources: &mut [Source],
    job: &Job<'_>,
    step: Step,
    listener: Listener<'_>,
) -> Result<Vec<FileReport>, MoveError> {
    let mut store = match Store::open_reading(&job.live.database).await? {
        Some(store) => store,
        None => Store::in_memory().await?,
    };
    store.begin_counting().await?;
    let mut files = Vec::new();
    let mut done = 0;
    for source in sources {
        let standing = standing(source, &mut store).await?;
        let mut looking = Looking {
            source: standing.origin.map(|origin| origin.source),
            taken: &standing.taken,
            seen: Taken::default(),
        };
        let mut look = Look::default();
        let checks = job.checks();
        source.rewind()?;
        while let Some(page) = source.page(job.zone).await? {
            if job.stop.is_cancelled() {
                return Err(MoveError::Interrupted(0));
            }
            looking.look(page, &checks, &mut store, &mut look).await?;
            listener(step, done + look.records, 0);
        }
        done += look.records;
        files.push(FileReport {
            name: source.name.clone(),
            sort: source.sort,
            tally: std::mem::take(&mut look.tally),
            look,
            kept: 0,
            missing: 0,
        });
    }
    store.close().await?;
    Ok(files)
}

impl Job<'_> {
    fn checks(&self) -> Checks<'_> {
        Checks {
            kinds: &self.live.kinds,
            zone: self.zone,
            now: self.now,
        }
    }

    fn kinds_of(&self, sort: Sort) -> Vec<&Kind> {
        let kinds = sort.kinds().iter();
        kinds
            .filter_map(|name| self.live.kinds.get(*name))
            .collect()
    }
}

/// What would be pruned at once is not migrated without being asked for.
fn too_old(files: &[FileReport], job: &Job<'_>) -> Option<String> {
    let mut all: BTreeMap<&str, Old> = BTreeMap::new();
    for (kind, old) in files.iter().flat_map(|file| &file.look.old) {
        let sum = all.entry(kind).or_insert(Old {
            count: 0,
            oldest: old.oldest,
            lost: 0,
        });
        sum.count += old.count;
        sum.oldest = sum.oldest.min(old.oldest);
        sum.lost += old.lost;
    }
    let is_lost = all.values().any(|old| old.lost > 0);
    let tier = if is_lost { "monthly" } else { "points" };
    let mut said = Vec::new();
    for (kind, old) in &all {
        let count = if is_lost { old.lost } else { old.count };
        if count > 0 && (is_lost || !job.roll_up_older) {
            let oldest = DateTime::from_timestamp_micros(old.oldest).unwrap_or_default();
            let oldest = oldest.with_timezone(&job.zone).format("%Y-%m-%d");
            let records = counted(count, "record");
            said.push(format!(
                "`{kind}`: {records}, the oldest of {oldest}, older than its `keep.{tier}`"
            ));
        }
    }
    if said.is_empty() {
        return None;
    }
    let instead = match is_lost {
        true => "",
        false => {
            ", or pass --roll-up-older to keep of them only what is counted by hour, day and month"
        }
    };
    Some(format!(
        "{}. Let the kind keep them, such as by `keep = {{ {tier} = \"forever\" }}` (`daybook live kinds PRESET` prints a preset's kinds to copy and change){instead}",
        said.join("; ")
    ))
}
