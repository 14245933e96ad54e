//! Exports that are files of their own: Parquet, and SQLite with a table a kind.

use std::path::Path;

use super::super::archive::{Layout, Writer};
use super::super::columns::{Cells, Columns};
use super::super::store::{Store, Tables};
use super::slices::{self, Gaps, Slices};
use super::{ExportError, Format, Request};

enum File {
    Parquet(Box<Writer>),
    Sqlite(Tables),
}

/// Writes a file, which is there whole or not at all. How many points it has, and what is known of those that it has not.
pub async fn to_file(
    store: &mut Store,
    format: Format,
    request: &Request,
    path: &Path,
) -> Result<(u64, Gaps), ExportError> {
    let layout = layout(store, request).await?;
    let mut file = match format {
        Format::Parquet => File::Parquet(Box::new(Writer::create(path, layout)?)),
        _ => File::Sqlite(Tables::create(path).await?),
    };
    let (mut count, mut gaps) = (0, Gaps::default());
    for selection in &request.selections {
        let layout = slices::layout(store, selection).await?;
        if let File::Sqlite(tables) = &mut file {
            tables.begin(&selection.kind.name, &layout).await?;
        }
        let mut slices = Slices::new(store, selection, false, &mut gaps).await?;
        while let Some(mut points) = slices.next(store, &mut gaps).await? {
            if !request.details {
                points.details = points.details.empty_with(points.len());
            }
            if !layout.covers(&points) {
                return Err(ExportError::NewColumn(selection.kind.name.clone()));
            }
            count += points.len() as u64;
            file.add(&points).await?;
        }
    }
    match file {
        File::Parquet(writer) => writer.finish()?,
        File::Sqlite(tables) => tables.finish().await?,
    }
    Ok((count, gaps))
}

impl File {
    async fn add(&mut self, points: &Columns) -> Result<(), ExportError> {
        match self {
            Self::Parquet(writer) => writer.add(points)?,
            Self::Sqlite(tables) => tables.add(points).await?,
        }
        Ok(())
    }
}

/// The columns of all kinds.
pub(super) async fn layout(store: &mut Store, request: &Request) -> Result<Layout, ExportError> {
    let mut layout = Layout::default();
    for selection in &request.selections {
        layout.merge(&slices::layout(store, selection).await?);
    }
    Ok(layout)
}
