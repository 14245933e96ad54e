//! The outbox: a report as files to open, in a folder. Every file appears whole or not at all.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::render::html;
use crate::render::mail::Mail;

use super::Attempt;

/// A report is for its owner and the owner's group: it may tell what a business would not.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// Writes `STEM.html` with its pictures inside, `STEM.txt`, `STEM.eml` and, where the report has one, `STEM.csv`.
/// The reply is the page's path.
pub fn write(directory: &Path, stem: &str, mail: &Mail, eml: &[u8]) -> Attempt {
    let page = html::standalone(mail);
    let mut files = vec![("eml", eml), ("txt", mail.text.as_bytes())];
    files.extend(mail.csv.as_ref().map(|csv| ("csv", csv.as_bytes())));
    // The page last: where it stands, the others do too.
    files.push(("html", page.as_bytes()));
    let mut folder = DirBuilder::new();
    if let Err(error) = folder.recursive(true).mode(FOLDER_MODE).create(directory) {
        return refused("make the folder", directory, &error);
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

/// Puts a file in place of whatever has this name; a link is replaced too, and what it points to left alone.
/// After a crash there is the old file or the new one.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = unfinished(path)?;
    let written = fresh(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    if let Err(error) = written {
        // What went wrong is worth more than what is left over.
        drop(fs::remove_file(&unfinished));
        return Err(error);
    }
    match File::open(folder(path)) {
        // Who may write there need not be allowed to read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        folder => folder?.sync_all(),
    }
}

fn fresh(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Beside the file, since only within a file system a rename is one step; hidden, and of this process.
fn unfinished(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this names no file",
        ));
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.unfinished", std::process::id()));
    Ok(folder(path).join(hidden))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refused(what: &str, path: &Path, error: &io::Error) -> Attempt {
    Attempt::Refused {
        reply: format!("cannot {what} {}: {error}", path.display()),
        may_pass: true,
    }
}
