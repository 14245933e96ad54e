//! The rows with a picture of their trend, as far as the message has room.

use crate::render::sparkline;
use crate::render::view::{RowView, Tone, View};

const MOST: usize = 200;

/// Of all pictures, as they stand in a message.
const MOST_BYTES: usize = 100_000;

/// A part's headers and boundary, about.
const AROUND: usize = 220;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub name: String,
    pub png: Vec<u8>,
}

/// For each row of each section. If room is short, rows that alert come first.
pub(super) fn pictures(view: &View) -> Vec<Vec<Option<Picture>>> {
    let mut pictures: Vec<Vec<Option<Picture>>> = view
        .sections
        .iter()
        .map(|section| vec![None; section.rows.len()])
        .collect();
    let mut places: Vec<(usize, usize)> = pictures
        .iter()
        .enumerate()
        .flat_map(|(section, rows)| (0..rows.len()).map(move |row| (section, row)))
        .collect();
    places.sort_by_key(|(section, at)| view.sections[*section].rows[*at].tone() == Tone::Plain);
    let (mut number, mut room) = (0, MOST_BYTES);
    for (section, at) in places {
        let row = &view.sections[section].rows[at];
        let Some(png) = drawn(row) else { continue };
        let bytes = png.len().div_ceil(3) * 4 + AROUND;
        if number == MOST || bytes > room {
            break;
        }
        number += 1;
        room -= bytes;
        // A content's name is built like an address.
        let name = format!("t{number}@daybook");
        pictures[section][at] = Some(Picture { name, png });
    }
    pictures
}

/// At least one row has something to draw.
pub(super) fn any(view: &View) -> bool {
    let rows = view.sections.iter().flat_map(|section| &section.rows);
    rows.flat_map(drawable).next().is_some()
}

fn drawn(row: &RowView) -> Option<Vec<u8>> {
    drawable(row)?;
    sparkline::png(&row.trend, row.tone())
}

fn drawable(row: &RowView) -> Option<()> {
    let known = row
        .trend
        .iter()
        .flatten()
        .filter(|number| number.is_finite());
    (known.count() >= 2).then_some(())
}
