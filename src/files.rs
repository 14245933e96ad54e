//! Files that appear whole or not at all: a new one grows beside the one it will replace.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Reports are confidential: only the owner and the group can read them.
const FILE_MODE: u32 = 0o640;

/// Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    /// Where it is, until it is finished.
    beside: Option<PathBuf>,
    target: PathBuf,
}

impl Unfinished {
    pub fn new(target: &Path) -> io::Result<Self> {
        let beside = beside(target)?;
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(FILE_MODE);
        Ok(Self {
            file: options.open(&beside)?,
            beside: Some(beside),
            target: target.to_owned(),
        })
    }

    /// Where it grows, for whoever writes it by name.
    pub fn beside(&self) -> &Path {
        self.beside.as_deref().unwrap_or(&self.target)
    }

    /// Puts the file in place of whatever has this name. A link is replaced, not its target. After a crash there is the old
    /// file or the new one.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(beside) = &self.beside {
            fs::rename(beside, &self.target)?;
            self.beside = None;
        }
        match File::open(folder(&self.target)) {
            // A user that can write there may not be allowed to read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            folder => folder?.sync_all(),
        }
    }
}

/// Puts a file in place of whatever has this name, as [`Unfinished::finish`] does.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Unfinished::new(path)?;
    file.write_all(content)?;
    file.finish()
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // The first error matters more than a file left behind.
            drop(fs::remove_file(beside));
        }
    }
}

/// Beside the file, since only within a file system a rename is one step; hidden, and of this process.
fn beside(target: &Path) -> io::Result<PathBuf> {
    let Some(name) = target.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this names no file",
        ));
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.unfinished", std::process::id()));
    Ok(folder(target).join(hidden))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
