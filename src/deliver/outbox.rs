//! The outbox: a report as files to open, in a folder. Every file appears whole or not at all.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::files::replace;
use crate::render::mail::Mail;

use super::Attempt;

const FOLDER_MODE: u32 = 0o750;

/// Writes `STEM.html` with its pictures inside, `STEM.txt`, `STEM.eml` and, where the report has one, `STEM.csv`.
/// The reply is the page's path.
pub fn write(directory: &Path, stem: &str, mail: &Mail, eml: &[u8]) -> Attempt {
    let page = mail.standalone_html();
    let mut files = vec![("eml", eml), ("txt", mail.text.as_bytes())];
    files.extend(mail.csv.as_ref().map(|csv| ("csv", csv.as_bytes())));
    // The page last: where it stands, the others do too.
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
    Attempt::Refused {
        reply: format!("cannot {what} {}: {error}", path.display()),
        may_pass: true,
    }
}
