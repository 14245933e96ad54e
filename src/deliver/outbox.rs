//! The outbox: writes a report as files into a folder, each whole or not at all.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::files::replace;
use crate::render::mail::Mail;

use super::{Attempt, Refusal};

const FOLDER_MODE: u32 = 0o750;

/// Writes `STEM.html` with its pictures inside, `STEM.txt`, `STEM.eml` and, if the report has one, `STEM.csv`. The reply is
/// the path of the page.
pub fn write(directory: &Path, stem: &str, mail: &Mail, eml: &[u8]) -> Attempt {
    let page = mail.standalone_html();
    let mut files = vec![("eml", eml), ("txt", mail.text.as_bytes())];
    files.extend(mail.csv.as_ref().map(|csv| ("csv", csv.as_bytes())));
    // The page last: if it exists, the others do too.
    files.push(("html", page.as_bytes()));
    let mut folder = DirBuilder::new();
    if let Err(error) = folder.recursive(true).mode(FOLDER_MODE).create(directory) {
        return refused("create the folder", directory, &error);
    }
    for (ending, content) in files {
        let path = directory.join(format!("{stem}.{ending}"));
        if let Err(error) = replace(&path, content) {
            return refused("write", &path, &error);
        }
    }
    let page = directory.join(format!("{stem}.html"));
    Attempt::Accepted {
        reply: page.display().to_string(),
    }
}

fn refused(what: &str, path: &Path, error: &io::Error) -> Attempt {
    Refusal::passing(format!("cannot {what} {}: {error}", path.display())).into()
}
