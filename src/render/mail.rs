//! A letter as a message: subject, HTML with its pictures, text; in the reader's voice.

mod csv;

use crate::report::Letter;
use crate::voice::Voice;

use super::view::View;
use super::{html, text, view};

/// The HTML has room for this many rows.
const MOST_ROWS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    /// ASCII only, other letters as entities; refers to its pictures by `cid:NAME`.
    pub html: String,
    pub text: String,
    pub pictures: Vec<Picture>,
    /// The rows that the HTML had no room for, with all others.
    pub csv: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub name: String,
    pub png: Vec<u8>,
}

pub fn mail(letter: &Letter, voice: Voice) -> Mail {
    let view = view::view(letter, voice);
    Mail {
        html: html::html(&view),
        text: text::text(&view),
        csv: table(letter, &view),
        subject: view.subject,
        pictures: Vec::new(),
    }
}

/// Every row, where the HTML leaves some out.
fn table(letter: &Letter, view: &View) -> Option<String> {
    let report = letter.report()?;
    leaves_rows_out(view).then(|| csv::csv(report))
}

fn leaves_rows_out(view: &View) -> bool {
    let rows = view.sections.iter().map(|section| section.rows.len());
    rows.sum::<usize>() > MOST_ROWS
}
