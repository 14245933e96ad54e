//! The store asked what it holds, for the recount.

use std::collections::BTreeMap;

use super::super::grain::Grain;
use super::super::store::{Store, StoreError, Tally};
use super::recount::{Balance, unlike};
use super::source::{Sort, Source};
use super::{FileReport, Job, MoveError, Unlike};

/// What the store holds of the kinds of these sources, all as of one instant.
pub(super) async fn balance(
    store: &mut Store,
    sources: &[Source],
    job: &Job<'_>,
) -> Result<Balance, MoveError> {
    let mut reading = store.begin_reading().await?;
    Ok(read_balance(&mut reading, sources, job).await?)
}

async fn read_balance(
    store: &mut Store,
    sources: &[Source],
    job: &Job<'_>,
) -> Result<Balance, StoreError> {
    let mut balance = Balance {
        before: store.held_before().await?,
        moved: store.moved_in_all().await?,
        ..Balance::default()
    };
    let is_asked = |kind: &str| {
        let mut sorts = sources.iter().map(|source| source.sort);
        sorts.any(|sort| sort.kinds().contains(&kind))
    };
    balance.moved.retain(|(kind, _), _| is_asked(kind));
    for kind in job.live.kinds.values().filter(|kind| is_asked(&kind.name)) {
        balance.held.extend(store.held(kind, job.zone).await?);
    }
    Ok(balance)
}

/// Before which second the months of each kind may be gone.
pub(super) async fn pruned(
    store: &mut Store,
    sources: &[Source],
) -> Result<BTreeMap<String, i64>, MoveError> {
    let mut pruned = BTreeMap::new();
    for kind in sources.iter().flat_map(|source| source.sort.kinds()) {
        if let Some((_, past)) = store.past(kind).await? {
            let until = past.pruned[Grain::Month as usize];
            pruned.insert((*kind).to_owned(), until.div_euclid(1_000_000));
        }
    }
    Ok(pruned)
}

/// The records that were taken from each source, compared with the source as it reads now; those of one sort of a bot's
/// files together.
pub(super) async fn unlike_sources(
    store: &mut Store,
    files: &[FileReport],
    sources: &[Source],
) -> Result<Vec<Unlike>, MoveError> {
    let mut read: BTreeMap<(Sort, String), Tally> = BTreeMap::new();
    for (file, source) in files.iter().zip(sources) {
        let sum = read.entry((file.sort, source.noted_path())).or_default();
        for (key, rollup) in &file.tally {
            sum.entry(key.clone()).or_default().merge(rollup);
        }
    }
    let mut found = Vec::new();
    for ((sort, path), tally) in read {
        let origins = store.origins(sort.name()).await?;
        for origin in origins.iter().filter(|origin| origin.path == path) {
            let taken = store.moved(origin.source).await?;
            let differences = unlike(&tally, &taken).into_iter();
            found.extend(differences.map(|(kind, start, why)| Unlike {
                sort,
                kind,
                start,
                why,
            }));
        }
    }
    Ok(found)
}
