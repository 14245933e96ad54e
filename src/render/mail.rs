//! A letter as a message: subject, HTML with its pictures, text; in the reader's locale.

mod csv;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::locale::Locale;
use crate::report::Letter;

use super::html::Picture;
use super::{html, text, view};

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

impl Mail {
    /// The page with its pictures inside, for a file that stands alone.
    pub fn standalone_html(&self) -> String {
        let mut html = self.html.clone();
        for picture in &self.pictures {
            // Quotes in texts are entities, so only a picture's own source reads like this.
            let source = format!("src=\"cid:{}\"", picture.name);
            let data = BASE64_STANDARD.encode(&picture.png);
            html = html.replace(&source, &format!("src=\"data:image/png;base64,{data}\""));
        }
        html
    }
}

pub fn mail(letter: &Letter, locale: Locale) -> Mail {
    let view = view::view(letter, locale);
    let page = html::page(&view);
    Mail {
        html: page.html,
        text: text::text(&view),
        csv: table(letter, page.left_out),
        subject: view.subject,
        pictures: page.pictures,
    }
}

/// Every row, where the HTML leaves some out.
fn table(letter: &Letter, left_out: usize) -> Option<String> {
    let report = letter.report()?;
    (left_out > 0).then(|| csv::csv(report))
}
