//! Which source of the store a file is: the one that was migrated before, a copy of it, another one in its place, or a new one.

use std::collections::HashMap;
use std::path::Path;

use super::super::event::Hash;
use super::super::store::{Origin, Part, Store};
use super::row::Witness;
use super::source::{Reader, Source};
use super::taken::Taken;
use super::{Job, MoveError};

/// Where a source stands in the store.
#[derive(Default)]
pub(super) struct Standing {
    pub origin: Option<Origin>,
    pub taken: Taken,
}

/// What rows by which a database would be known again say of a file.
#[derive(PartialEq, Eq)]
enum Likeness {
    Same,
    Other,
    /// It has none of them.
    Unknown,
}

fn likeness(witnesses: &[Witness], found: &HashMap<(usize, i64), Hash>) -> Likeness {
    let holds = |witness: &Witness| {
        let hash = found.get(&(witness.table, witness.id));
        hash.map(|hash| *hash == witness.hash)
    };
    let held: Vec<bool> = witnesses.iter().filter_map(holds).collect();
    match held.iter().all(|is_same| *is_same) {
        true if held.is_empty() => Likeness::Unknown,
        true => Likeness::Same,
        false => Likeness::Other,
    }
}

pub(super) async fn standing(
    source: &mut Source,
    store: &mut Store,
) -> Result<Standing, MoveError> {
    let origins = store.origins(source.sort.name()).await?;
    let path = source.noted_path();
    let Reader::Agents(storage) = &mut source.reader else {
        return Ok(Standing {
            origin: origins.into_iter().next(),
            taken: Taken::default(),
        });
    };
    let mut moved = None;
    for origin in origins {
        let taken =
            Taken::from_bytes(&origin.state).map_err(|error| store.corrupt(Part::Origin, error))?;
        let found = storage.look_for(&taken.witnesses).await?;
        let likeness = likeness(&taken.witnesses, &found);
        let is_here = origin.path == path;
        let standing = Standing {
            origin: Some(origin),
            taken,
        };
        match likeness {
            Likeness::Other if is_here => {
                return Err(MoveError::Refused(format!(
                    "{path}: it is another database than the one that was migrated from here: give it another name"
                )));
            }
            Likeness::Same | Likeness::Unknown if is_here => return Ok(standing),
            Likeness::Same => moved = Some(standing),
            Likeness::Other | Likeness::Unknown => {}
        }
    }
    let moved = moved.unwrap_or_default();
    match &moved.origin {
        Some(origin) if Path::new(&origin.path).exists() => Err(MoveError::Refused(format!(
            "{path}: it has the records of {0}, which were migrated from there: migrate {0} again to take what is new, or move it away if this file takes its place",
            origin.path
        ))),
        _ => Ok(moved),
    }
}

/// Two copies of one database would be taken twice.
pub(super) async fn refuse_copies(sources: &mut [Source]) -> Result<(), MoveError> {
    let mut known: Vec<(String, Vec<Witness>)> = Vec::new();
    for source in sources {
        let Reader::Agents(storage) = &mut source.reader else {
            continue;
        };
        let first = storage.page().await?.unwrap_or_default().witnesses;
        for (name, witnesses) in &known {
            let found = storage.look_for(witnesses).await?;
            let is_same =
                |witness: &Witness| found.get(&(witness.table, witness.id)) == Some(&witness.hash);
            if witnesses.iter().any(is_same) {
                return Err(MoveError::Refused(format!(
                    "{name} and {} have the same records: give the one that is still written to",
                    source.name
                )));
            }
        }
        known.push((source.name.clone(), first));
    }
    Ok(())
}

/// Notes that the source is being taken, and what was there before.
pub(super) async fn begin(
    source: &mut Source,
    store: &mut Store,
    job: &Job<'_>,
) -> Result<(Origin, Taken), MoveError> {
    let path = source.noted_path();
    let Standing { origin, taken } = standing(source, store).await?;
    if let Some(origin) = origin.filter(|origin| origin.path != path) {
        store.rename_origin(origin.source, &path).await?;
    }
    let kinds = job.kinds_of(source.sort);
    let begun = store.begin_origin(source.sort.name(), &path, &kinds, job.zone);
    Ok((begun.await?, taken))
}
