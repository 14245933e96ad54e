//! Fits rows and notes into a page: alerts come first, and what is left out is counted.

use super::trend::Picture;
use crate::render::phrases::{Phrases, Plural, fill};
use crate::render::view::{NoteLine, NoteView, Tone, View};

use super::ascii;
use super::row::{self, Detail};
use super::trend;

/// Of the notes' lines; the rest is counted.
const MOST_NOTE_BYTES: usize = 16_000;

/// A section's rows as far as they have room.
pub(super) struct Fitted {
    pub(super) shown: Vec<Written>,
    pub(super) left_out: usize,
}

pub(super) struct Written {
    pub(super) html: String,
    pub(super) picture: Option<Picture>,
    alerts: bool,
}

/// All rows in full if they have room, else leaner, else without the last ones that do not alert.
pub(super) fn sections(view: &View, room: usize) -> Vec<Fitted> {
    let pictures = trend::pictures(view);
    let full = written(view, &pictures, Detail::Full);
    if bytes(&full) <= room {
        return full;
    }
    let mut fitted = written(view, &pictures, Detail::Lean);
    let mut needed = bytes(&fitted).saturating_sub(room);
    for alerts in [false, true] {
        for section in fitted.iter_mut().rev() {
            needed = needed.saturating_sub(section.leave_out(alerts, needed));
        }
    }
    fitted
}

/// `8 more rows of this section are in the attached table.`
pub(super) fn left_out_words(view: &View, rows: usize) -> String {
    let words = Phrases::in_code(view.language);
    let plural = match view.link {
        Some(_) => words.rows_linked,
        None => words.rows_attached,
    };
    counted(plural, rows)
}

fn counted(plural: Plural, count: usize) -> String {
    fill(plural.agreeing(count), &[("n", count.to_string())])
}

/// The notes with as many lines as have room.
pub(super) fn notes(view: &View) -> Vec<NoteView> {
    let mut room = MOST_NOTE_BYTES;
    let mut notes = view.notes.clone();
    for note in &mut notes {
        let all = note.lines.len();
        let fits = note.lines.iter().take_while(|line| {
            let bytes = ascii::ascii(&line.text).len() + around(line);
            let fits = bytes <= room;
            room = room.saturating_sub(bytes);
            fits
        });
        let shown = fits.count();
        note.lines.truncate(shown);
        if all > shown {
            let words = Phrases::in_code(view.language);
            note.lines
                .push(counted(words.more_lines, all - shown).into());
        }
    }
    notes
}

/// The markup of a note's line, about.
fn around(line: &NoteLine) -> usize {
    match line.mark {
        Some(_) => 160,
        None => 110,
    }
}

fn written(view: &View, pictures: &[Vec<Option<Picture>>], detail: Detail) -> Vec<Fitted> {
    let trends = trend::any(view);
    let sections = view.sections.iter().zip(pictures);
    sections
        .map(|(section, pictures)| {
            let rows = section.rows.iter().zip(pictures);
            let shown = rows.map(|(row, picture)| Written {
                html: row::row(
                    row,
                    picture.as_ref().map(|picture| picture.name.as_str()),
                    trends,
                    detail,
                ),
                picture: picture.clone(),
                alerts: row.tone() != Tone::Plain,
            });
            Fitted {
                shown: shown.collect(),
                left_out: 0,
            }
        })
        .collect()
}

fn bytes(sections: &[Fitted]) -> usize {
    let rows = sections.iter().flat_map(|section| &section.shown);
    rows.map(Written::bytes).sum()
}

impl Fitted {
    /// Removes rows from the end until `needed` bytes are gained; returns the bytes gained.
    fn leave_out(&mut self, alerts: bool, needed: usize) -> usize {
        let mut gained = 0;
        for at in (0..self.shown.len()).rev() {
            if gained >= needed {
                break;
            }
            if self.shown[at].alerts == alerts {
                gained += self.shown.remove(at).bytes();
                self.left_out += 1;
            }
        }
        gained
    }
}

impl Written {
    /// With the end of its line.
    fn bytes(&self) -> usize {
        self.html.len() + 1
    }
}
