//! `daybook live export`: writes events for other programs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::LiveExport;
use crate::config::{Config, LiveSettings};
use crate::live::export::{Export, ExportError, Format, Gaps, Request, to_file};
use crate::live::point::instant;
use crate::live::question::Context;
use crate::live::store::Store;

use super::super::target::Target;
use super::super::{CommandError, Ended, World, output};
use super::query::{failed, said, usage, which_pairs};
use super::{kind, settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &LiveExport,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let kinds = args.kinds.iter().map(|name| kind(live, name));
    let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
    let context = Context {
        zone: config.time_zone,
        now: world.now,
    };
    let (format, request) = Request::read(&kinds, &pairs(args)?, context).map_err(usage)?;
    let path = args
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    let path = path.map(|path| world.directory.join(path));
    let mut store = store(live).await?;
    let (count, gaps) = match (&path, format.is_file()) {
        (None, true) => {
            let name = format.name();
            let message = format!("--format {name}: name a file with --output");
            return Err(CommandError::Usage(message));
        }
        (Some(path), true) => {
            create_folder(path)?;
            let written = to_file(&mut store, format, &request, path).await;
            written.map_err(|error| cannot(error, path))?
        }
        (_, false) => streamed(&mut store, format, request, path, world).await?,
    };
    Ok(report(count, &gaps))
}

/// The file of the events; an empty one while there is none.
async fn store(live: &LiveSettings) -> Result<Store, CommandError> {
    let opened = Store::open_reading(&live.database).await;
    match opened.map_err(unavailable)? {
        Some(store) => Ok(store),
        None => Store::in_memory().await.map_err(unavailable),
    }
}

/// What was said, as an address would say it.
fn pairs(args: &LiveExport) -> Result<Vec<(String, String)>, CommandError> {
    let mut pairs = which_pairs(&args.which)?;
    pairs.extend(said([
        ("format", &Some(args.format.clone())),
        ("prefix", &Some(args.prefix.clone())),
        ("details", &Some((!args.no_details).to_string())),
        ("gzip", &Some(args.gzip.to_string())),
    ]));
    Ok(pairs)
}

async fn streamed(
    store: &mut Store,
    format: Format,
    request: Request,
    path: Option<PathBuf>,
    world: &World,
) -> Result<(u64, Gaps), CommandError> {
    if let Some(path) = &path {
        create_folder(path)?;
    }
    let mut target = Target::open(path.as_deref(), request.gzip, world)?;
    let path = path.unwrap_or_else(|| PathBuf::from("standard output"));
    let export = Export::new(store, format, request).await;
    let mut export = export.map_err(|error| cannot(error, &path))?;
    let mut piece = Vec::new();
    let mut has_more = true;
    while has_more {
        let next = export.next(store, &mut piece).await;
        has_more = next.map_err(|error| cannot(error, &path))?;
        // The target keeps its error.
        if target.write_all(&piece).is_err() {
            break;
        }
        piece.clear();
    }
    target.finish()?;
    Ok((export.points(), export.gaps().clone()))
}

fn create_folder(path: &Path) -> Result<(), CommandError> {
    let folder = path.parent().unwrap_or(path);
    let created = fs::create_dir_all(folder);
    Ok(created.with_context(|| format!("cannot create the folder {}", folder.display()))?)
}

fn cannot(error: ExportError, path: &Path) -> CommandError {
    match error {
        ExportError::Store(error) => unavailable(error),
        ExportError::Ask(error) => failed(error),
        error => CommandError::Failed(
            anyhow::Error::from(error).context(format!("cannot export to {}", path.display())),
        ),
    }
}

/// What is missing goes to standard error.
fn report(count: u64, gaps: &Gaps) -> Ended {
    for (kind, gone) in &gaps.pruned {
        let (from, to) = (instant(gone.start), instant(gone.end));
        output::say(&format!(
            "events of `{kind}` from {from} to {to} are not kept any more"
        ));
    }
    gaps.broken.iter().for_each(|why| output::say(why));
    if count == 0 {
        output::say("no events: the export is empty");
    }
    match gaps.broken.is_empty() {
        true => Ended::Done,
        false => Ended::Unsound,
    }
}
