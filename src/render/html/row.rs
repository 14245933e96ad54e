//! A metric's row: label, value, three changes, the picture of its trend; a distribution's parts below it.

use std::borrow::Cow;

use askama::Template;

use crate::render::sparkline;
use crate::render::view::{CellView, RowView, Tone};

use super::class;
use super::colours::{Colour, LIGHT};
use super::unbroken;

/// Beside a change: `%`, `GB`.
const LONGEST_UNIT: usize = 2;

/// How much of a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Full,
    /// The usual range only where something alerts.
    Lean,
}

/// `picture` is the name of the row's own; `trends`: some row has one, so there is a column for it.
pub(super) fn row(row: &RowView, picture: Option<&str>, trends: bool, detail: Detail) -> String {
    let detail = match row.tone() {
        Tone::Plain => detail,
        _ => Detail::Full,
    };
    super::written(&RowTemplate {
        usual: row.usual.as_deref().filter(|_| detail == Detail::Full),
        value: Cell::value(row),
        changes: row
            .changes
            .as_ref()
            .map(|cells| cells.each_ref().map(Cell::change)),
        rest: if trends { 4 } else { 3 },
        bar: LIGHT.bar,
        width: sparkline::WIDTH,
        height: sparkline::HEIGHT,
        row,
        picture,
        trends,
    })
}

#[derive(Template)]
#[template(path = "report_row.html")]
struct RowTemplate<'a> {
    row: &'a RowView,
    usual: Option<&'a str>,
    value: Cell<'a>,
    changes: Option<[Cell<'a>; 3]>,
    picture: Option<&'a str>,
    trends: bool,
    /// Columns behind the value's.
    rest: u32,
    bar: Colour,
    width: u32,
    height: u32,
}

struct Cell<'a> {
    tone: Tone,
    /// Of an alert, so that it is seen where styles are ignored.
    colours: Option<String>,
    /// The attribute, with its space; of a cell without an alert.
    classes: String,
    /// A second class, with its space; of one with an alert.
    place: &'static str,
    bold: bool,
    arrow: String,
    text: &'a str,
    note: Option<Cow<'a, str>>,
}

impl<'a> Cell<'a> {
    fn value(row: &'a RowView) -> Self {
        Self {
            tone: row.value_tone,
            colours: colours(row.value_tone),
            classes: " class=\"v\"".to_owned(),
            place: " v",
            bold: true,
            arrow: String::new(),
            text: &row.value,
            note: row.value_note.as_deref().map(Cow::from),
        }
    }

    fn change(cell: &'a CellView) -> Self {
        let arrow = match cell.arrow {
            "" => String::new(),
            arrow => format!("{arrow} "),
        };
        let classes = match cell.tone {
            // The table's own colour.
            Tone::Muted => String::new(),
            tone => format!(" class=\"{}\"", class(tone)),
        };
        let (text, unit) = apart(&cell.text);
        Self {
            classes,
            tone: cell.tone,
            colours: colours(cell.tone),
            place: "",
            bold: false,
            arrow,
            text,
            note: match (unit, cell.note.as_deref()) {
                (Some(unit), Some(note)) => Some(format!("{unit}, {note}").into()),
                (unit, note) => unit.or(note).map(Cow::from),
            },
        }
    }
}

/// A long unit goes below its number, so that the columns of all sections stand in line.
fn apart(change: &str) -> (&str, Option<&str>) {
    match change.rsplit_once('\u{a0}') {
        Some((number, unit)) if unit.chars().count() > LONGEST_UNIT => (number, Some(unit)),
        _ => (change, None),
    }
}

fn colours(tone: Tone) -> Option<String> {
    let tint = LIGHT.tint(tone)?;
    Some(format!("color:{};background:{tint}", LIGHT.text(tone)))
}
